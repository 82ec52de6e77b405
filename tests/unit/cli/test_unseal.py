from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.manifests import dump_json, dump_yaml
from tests.sealing_keys import sealing_key
from tests.unit.cli.conftest import PLAIN, Run


@pytest.fixture
def sealed(run: Run, cert: str) -> str:
    return run("seal", "--cert", cert, stdin=PLAIN).out


def secrets_of(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


OPENED = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "db", "namespace": "shop"},
    "data": {"password": base64.b64encode(b"correct horse").decode()},
}


def key_secret(number: int = 0) -> dict[str, Any]:
    return (
        sealing_key(number)
        .to_secret(name=f"sealed-secrets-key{number}", namespace="kube-system")
        .to_manifest()
    )


def write_keys(form: str, path: Path) -> str:
    if form == "directory":
        path.mkdir()
        (path / "sealing-key-a.yaml").write_text(dump_yaml([key_secret()]))
        (path / "cert.pem").write_bytes(sealing_key().certificate.pem)
        (path / "notes.txt").write_text("no key")
        return str(path)
    without_kind = {key: value for key, value in key_secret().items() if key not in ("kind", "apiVersion")}
    texts = {
        "pem": sealing_key().private_pem.reveal().decode(),
        "pem with its certificate": (
            sealing_key(1).certificate.pem
            + sealing_key().certificate.pem
            + sealing_key().private_pem.reveal()
        ).decode(),
        "two pem keys": (sealing_key(1).private_pem.reveal() + sealing_key().private_pem.reveal()).decode(),
        "secret": dump_yaml([key_secret()]),
        "secrets": dump_yaml([key_secret(1), key_secret()]),
        "secret without kind": dump_json([without_kind]),
        "list": dump_json([{"kind": "List", "apiVersion": "v1", "items": [key_secret(1), key_secret()]}]),
    }
    path.write_text(texts[form])
    return str(path)


@pytest.mark.parametrize(
    "form",
    [
        "pem", "pem with its certificate", "two pem keys", "secret", "secrets", "secret without kind", "list",
        "directory",
    ],
)  # fmt: skip
def test_keys_of_every_form_open(run: Run, sealed: str, tmp_path: Path, form: str) -> None:
    outcome = run("unseal", "--key", write_keys(form, tmp_path / "keys"), stdin=sealed)
    assert (outcome.code, outcome.err) == (0, "")
    assert secrets_of(outcome.out) == [OPENED]


def test_several_keys_and_several_files_are_taken(run: Run, sealed: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(sealing_key(1).private_pem.reveal())
    (tmp_path / "a.yaml").write_text(sealed)
    (tmp_path / "b.yaml").write_text(sealed + sealed)
    outcome = run("unseal", "--key", "other.pem", key, "-f", "a.yaml", "b.yaml", "-o", "json")
    assert outcome.code == 0
    assert outcome.out == dump_json([OPENED]) * 3


def test_the_file_written_is_for_its_owner_alone(run: Run, sealed: str, key: str, tmp_path: Path) -> None:
    outcome = run("unseal", "--key", key, "-w", "out.json", stdin=sealed)
    assert outcome == (0, "", "")
    assert json.loads((tmp_path / "out.json").read_text()) == OPENED
    assert (tmp_path / "out.json").stat().st_mode & 0o777 == 0o600


def test_metadata_type_and_templates_of_the_target_come_out(run: Run, cert: str, key: str) -> None:
    obj = yaml.safe_load(run("seal", "--cert", cert, stdin=PLAIN).out)
    obj["spec"]["template"] |= {
        "type": "Opaque",
        "immutable": True,
        "data": {"url": "db://app:{{ .password }}@host", "password": "never"},
        "metadata": {"labels": {"app": "x"}, "annotations": {"n": "1"}},
    }
    (found,) = secrets_of(run("unseal", "--key", key, stdin=dump_yaml([obj])).out)
    assert found["metadata"] == {
        "name": "db",
        "namespace": "shop",
        "labels": {"app": "x"},
        "annotations": {"n": "1"},
    }
    assert (found["type"], found["immutable"]) == ("Opaque", True)
    assert {key: base64.b64decode(text) for key, text in found["data"].items()} == {
        "password": b"correct horse",
        "url": b"db://app:correct horse@host",
    }


def test_a_namespace_can_be_given_to_those_without_one(run: Run, sealed: str, key: str) -> None:
    obj = yaml.safe_load(sealed)
    del obj["metadata"]["namespace"]
    text = dump_yaml([obj])
    assert run("unseal", "--key", key, stdin=text).code == 1
    assert secrets_of(run("unseal", "--key", key, "-n", "shop", stdin=text).out) == [OPENED]


@pytest.fixture
def mixed(sealed: str) -> str:
    renamed = sealed.replace("name: db", "name: renamed")
    return sealed + renamed + "---\nkind: ConfigMap\napiVersion: v1\n" + sealed


def test_an_object_that_fails_fails_alone_on_stdout(run: Run, key: str, mixed: str) -> None:
    outcome = run("unseal", "--key", key, stdin=mixed)
    assert outcome.code == 1
    assert secrets_of(outcome.out) == [OPENED, OPENED]
    assert "document 2, line" in outcome.err
    assert "no key could decrypt secret (password)" in outcome.err
    assert "document 3, line" in outcome.err
    assert "this is not a SealedSecret" in outcome.err
    assert outcome.err.endswith("2 of 4 cannot be unsealed: the others are on stdout\n")


def test_where_everything_fails_nothing_is_said_to_be_on_stdout(run: Run, key: str) -> None:
    outcome = run("unseal", "--key", key, stdin="{kind: A}\n---\n{kind: B}\n")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("2 of 2 cannot be unsealed: nothing was written\n")


def test_an_object_that_fails_keeps_the_file_unwritten(
    run: Run, key: str, mixed: str, tmp_path: Path
) -> None:
    (tmp_path / "out.yaml").write_text("old")
    outcome = run("unseal", "--key", key, "-w", "out.yaml", stdin=mixed)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("2 of 4 cannot be unsealed: nothing was written\n")
    assert (tmp_path / "out.yaml").read_text() == "old"


def test_one_item_that_fails_keeps_its_whole_object_back(run: Run, sealed: str, key: str) -> None:
    obj = yaml.safe_load(sealed)
    obj["spec"]["encryptedData"]["broken"] = "AAAA"
    outcome = run("unseal", "--key", key, stdin=dump_yaml([obj]))
    assert (outcome.code, outcome.out) == (1, "")
    assert "it is not a sealed value: no known format begins like this (broken)" in outcome.err


def test_the_format_of_old_is_refused_in_clear_words(run: Run, key: str) -> None:
    text = "kind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata: {name: x}\nspec: {data: AgB}\n"
    outcome = run("unseal", "--key", key, stdin=text)
    assert outcome.code == 1
    assert "spec.data holds a Secret sealed as a whole, a format of before 2019" in outcome.err


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("none", None, "cannot read it: no such file or directory"),
        ("empty", "", "there is no sealing key in it"),
        ("cert.pem", "cert", "there is no sealing key in it"),
        ("configmap", "kind: ConfigMap\n", "there is no sealing key in it"),
        ("plain", PLAIN, "there is no sealing key in it"),
        ("broken", "a: [", "document 1, line"),
        ("bad", "kind: Secret\nstringData: {tls.key: x}\n", "no PEM private key in it"),
        ("pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "key is damaged"),
    ],
)  # fmt: skip
def test_a_file_without_a_usable_key_is_named(
    run: Run, sealed: str, tmp_path: Path, name: str, content: str | None, error: str
) -> None:
    if content is not None:
        text = sealing_key().certificate.pem.decode() if content == "cert" else content
        (tmp_path / name).write_text(text)
    outcome = run("unseal", "--key", name, stdin=sealed)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"error: {name}: ")
    assert error in outcome.err.splitlines()[0]


def test_an_empty_directory_and_an_empty_input_are_errors(
    run: Run, sealed: str, key: str, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    assert "keys: there is no sealing key in it" in run("unseal", "--key", "keys", stdin=sealed).err
    assert "stdin: there is no SealedSecret in it" in run("unseal", "--key", key, stdin="").err


def test_another_key_tells_which_were_tried(run: Run, sealed: str, tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(sealing_key(1).private_pem.reveal())
    outcome = run("unseal", "--key", "other.pem", stdin=sealed)
    assert outcome.code == 1
    assert (
        f"hint: it was sealed with {sealing_key().fingerprint}; tried {sealing_key(1).fingerprint}"
        in outcome.err
    )
