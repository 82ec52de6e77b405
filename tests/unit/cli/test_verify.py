from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.sealing.scope import CLUSTER_WIDE_ANNOTATION, NAMESPACE_WIDE_ANNOTATION
from sealbridge.sealing.sealed_secret import SEALED_WITH
from tests.sealing_keys import sealing_key
from tests.unit.cli.conftest import PLAIN, Run


@pytest.fixture
def sealed(run: Run, cert: str) -> dict[str, Any]:
    obj: dict[str, Any] = yaml.safe_load(run("seal", "--cert", cert, stdin=PLAIN).out)
    return obj


def changed(obj: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The object with one field set, or taken out by None; `/` separates names."""
    *folders, last = path.split("/")
    inner = obj
    for name in folders:
        inner = inner.setdefault(name, {})
    if value is None:
        inner.pop(last, None)
    else:
        inner[last] = value
    return obj


def test_a_good_object_has_no_finding(run: Run, cert: str, key: str, sealed: dict[str, Any]) -> None:
    text = yaml.safe_dump(sealed) + "---\nkind: ConfigMap\n"
    outcome = run("verify", "--cert", cert, "--key", key, stdin=text)
    assert outcome == (0, "", "1 SealedSecret, no findings; left aside: 1 other document\n")
    listed = run("verify", "-o", "json", stdin=text)
    assert (listed.code, listed.err) == (0, "")
    assert json.loads(listed.out) == {"sealedSecrets": 1, "otherDocuments": 1, "findings": []}


GOOD = "AQ" + "A" * 400
ITEM = "spec/encryptedData/password"


@pytest.mark.parametrize(
    ("path", "value", "rule", "field"),
    [
        (ITEM, "no base64!", "envelope", "spec.encryptedData.password"),
        (ITEM, "AQ", "envelope", "spec.encryptedData.password"),
        (ITEM, "hunter2", "envelope", "spec.encryptedData.password"),
        (ITEM, "", "envelope", "spec.encryptedData.password"),
        (
            ITEM,
            base64.urlsafe_b64encode(b"\x01\x00" + b"\xff" * 272).decode(),
            "envelope",
            "spec.encryptedData.p",
        ),
        (
            ITEM,
            base64.b64encode(b"\x01\x00" + bytes(271)).decode(),
            "envelope",
            "spec.encryptedData.password",
        ),
        (
            ITEM,
            base64.b64encode(b"\x02\x00" + bytes(528)).decode(),
            "key-size",
            "spec.encryptedData.password",
        ),
        ("spec/encryptedData/a b", GOOD, "item-key", "spec.encryptedData.a b"),
        ("spec/encryptedData", {}, "empty", "spec.encryptedData"),
        ("spec/encryptedData", None, "empty", "spec.encryptedData"),
        (ITEM, 5, "structure", ""),
        ("spec", None, "structure", ""),
        ("spec/data", "AQ", "structure", ""),
        ("apiVersion", "bitnami.com/v2", "structure", ""),
        ("metadata/name", None, "structure", ""),
        ("metadata/name", "Not_A_Name", "name", "metadata.name"),
        ("metadata/namespace", "a.b", "namespace", "metadata.namespace"),
        ("metadata/namespace", None, "namespace", "metadata.namespace"),
        (
            "metadata/annotations/" + CLUSTER_WIDE_ANNOTATION.replace("/", "~"),
            "True",
            "scope",
            "metadata.annot",
        ),
        (
            "spec/template/metadata/annotations",
            {NAMESPACE_WIDE_ANNOTATION: "true"},
            "scope",
            "spec.template.m",
        ),
        (
            "metadata/annotations",
            {NAMESPACE_WIDE_ANNOTATION: "true", CLUSTER_WIDE_ANNOTATION: "true"},
            "scope",
            "metadata.annotations",
        ),
        ("spec/template/metadata/name", "other", "template-name", "spec.template.metadata.name"),
        ("spec/template/metadata/namespace", "other", "template-name", "spec.template.metadata.namespace"),
        ("stringData", {"a": "hunter2"}, "plain-values", "stringData"),
        ("data", {"a": "aHVudGVyMg=="}, "plain-values", "data"),
        ("metadata/annotations", {SEALED_WITH: "nobody"}, "sealed-with", "metadata.annotations.sealbridge"),
        (
            "metadata/annotations",
            {SEALED_WITH: "SHA256:" + "A" * 43},
            "sealed-with",
            "metadata.annotations.sea",
        ),
    ],
)
def test_every_mistake_is_found_and_named(
    run: Run, cert: str, sealed: dict[str, Any], path: str, value: Any, rule: str, field: str
) -> None:
    obj = changed(sealed, path, value)
    annotations = obj["metadata"].get("annotations", {})
    obj["metadata"]["annotations"] = {name.replace("~", "/"): text for name, text in annotations.items()}
    outcome = run("verify", "--cert", cert, "-o", "json", stdin=yaml.safe_dump(obj))
    assert outcome.code == 1
    found = [one for one in json.loads(outcome.out)["findings"] if one["rule"] == rule]
    assert found
    assert found[0]["field"].startswith(field)
    assert found[0]["where"] == "stdin: document 1, line 1"
    shown = run("verify", "--cert", cert, stdin=yaml.safe_dump(obj))
    assert shown.code == 1
    assert f"[{rule}]\n" in shown.out
    assert "hunter2" not in outcome.out + outcome.err + shown.out + shown.err


def test_a_namespace_can_be_given_and_a_template_alone_is_enough(run: Run, sealed: dict[str, Any]) -> None:
    assert (
        run("verify", "-n", "shop", stdin=yaml.safe_dump(changed(sealed, "metadata/namespace", None))).code
        == 0
    )
    changed(sealed, "spec/template/data", {"a": "{{ .b }}"})
    assert (
        run("verify", "-n", "shop", stdin=yaml.safe_dump(changed(sealed, "spec/encryptedData", None))).code
        == 0
    )


def test_all_certificates_of_a_cluster_count(run: Run, tmp_path: Path, sealed: dict[str, Any]) -> None:
    pems = [sealing_key(number).certificate.pem for number in (1, 0)]
    (tmp_path / "one.pem").write_bytes(pems[0])
    (tmp_path / "two.pem").write_bytes(b"".join(pems))
    text = yaml.safe_dump(sealed)
    assert "[sealed-with]" in run("verify", "--cert", "one.pem", stdin=text).out
    assert run("verify", "--cert", "two.pem", stdin=text).code == 0


def test_keys_show_what_does_not_open_and_why(
    run: Run, key: str, tmp_path: Path, sealed: dict[str, Any]
) -> None:
    (tmp_path / "other.pem").write_bytes(sealing_key(1).private_pem.reveal())
    text = yaml.safe_dump(sealed)
    assert run("verify", "--key", key, stdin=text).code == 0
    other = run("verify", "--key", "other.pem", stdin=text)
    assert other.code == 1
    assert "spec.encryptedData.password: no key opens it [opens]\n" in other.out
    moved = yaml.safe_dump(changed(sealed, "metadata/annotations", {NAMESPACE_WIDE_ANNOTATION: "true"}))
    scoped = run("verify", "--key", key, stdin=moved)
    assert "spec.encryptedData.password: it was sealed in another scope [opens]" in scoped.out


def test_files_that_cannot_be_read_are_findings_and_a_tree_is_walked(
    run: Run, tmp_path: Path, sealed: dict[str, Any]
) -> None:
    folder = tmp_path / "env"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/good.yaml").write_text(yaml.safe_dump(sealed))
    (folder / "twice.yaml").write_text("kind: SealedSecret\nkind: SealedSecret\n")
    (folder / "chart.yaml").write_text("{{ broken }}\nx: [")
    outcome = run("verify", "-r", "-f", "env")
    assert outcome.code == 1
    assert outcome.out.startswith(
        "env/twice.yaml: document 1, line 2: the key 'kind' is there twice [readable]"
    )
    assert outcome.err == "1 SealedSecret, 1 finding\n"
    assert run("verify", "-f", "env/chart.yaml").code == 1


def test_nothing_to_look_at_is_an_error(run: Run) -> None:
    for text in ("", "kind: ConfigMap\n"):
        outcome = run("verify", stdin=text)
        assert outcome.code == 1
        assert "error: stdin: there is no SealedSecret in it" in outcome.err


def test_hostile_names_do_not_steer_the_terminal(run: Run, sealed: dict[str, Any]) -> None:
    text = yaml.safe_dump(changed(sealed, "metadata/name", "a\x1b[2J"))
    outcome = run("verify", stdin=text)
    assert outcome.code == 1
    assert "\x1b" not in outcome.out + outcome.err
