"""Single values, new items into a file, and opening without a cluster."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.sealing import envelope
from sealbridge.sealing.scope import CLUSTER_WIDE_ANNOTATION
from tests.canary import Canary
from tests.sealing_keys import sealing_key
from tests.unit.cli.conftest import Run
from tests.unit.cli.kubeseal.conftest import secret
from tests.unit.cli.kubeseal.test_seal import EMPTY, objects, opened


def unsealed(text: str, label: bytes) -> bytes:
    return envelope.open_(base64.b64decode(text), sealing_key(), label).reveal()


@pytest.mark.parametrize(
    ("flags", "label"),
    [
        (["--name", "db", "-n", "shop"], b"shop/db"),
        (["--scope=namespace-wide", "-n", "ns/shop"], b"shop"),
        (["--scope=namespace-wide", "--name=db", "--namespace=shop"], b"shop"),
        (["--scope=cluster-wide"], b""),
        (["--scope=cluster-wide", "--name=db", "-n=shop"], b""),
    ],
)
def test_a_raw_value_is_sealed_as_it_is(kubeseal: Run, cert: str, flags: list[str], label: bytes) -> None:
    value = b"\x00\xff correct horse \r\n\n"
    outcome = kubeseal("--raw", "--cert", cert, *flags, stdin=value)
    assert (outcome.code, outcome.err) == (0, "")
    assert not outcome.out.endswith("\n")
    assert unsealed(outcome.out, label) == value


def test_a_raw_value_comes_from_one_file(kubeseal: Run, cert: str, tmp_path: Path) -> None:
    (tmp_path / "value").write_bytes(b"of a file\n")
    (tmp_path / "a=b").write_bytes(b"no")
    strict = ["--raw", "--cert", cert, "--name=db", "-n=shop"]
    for given in ("value", "key=value", "=value"):
        assert unsealed(kubeseal(*strict, "--from-file", given, stdin="no").out, b"shop/db") == b"of a file\n"
    assert unsealed(kubeseal(*strict, "--from-file=/dev/stdin", stdin="yes").out, b"shop/db") == b"yes"
    outcome = kubeseal(*strict, "--from-file=value", "--from-file=value")
    assert (
        outcome.err == "error: must provide only one --from-file when encrypting a single item with --raw\n"
    )
    outcome = kubeseal(*strict, "--from-file=nothing")
    assert (outcome.code, outcome.err) == (1, "error: open nothing: no such file or directory\n")
    assert kubeseal(*strict, "-f", "value", stdin="stdin").out  # -f is not for values


@pytest.mark.parametrize(
    ("flags", "flag", "scope"),
    [
        (["--name=db"], "namespace", "strict"),
        (["-n=shop"], "name", "strict"),
        (["--scope=namespace-wide"], "namespace", "namespace-wide"),
    ],
)
def test_what_a_raw_value_is_bound_to_must_be_given(
    kubeseal: Run, cert: str, flags: list[str], flag: str, scope: str
) -> None:
    outcome = kubeseal("--raw", "--cert", cert, *flags, stdin="x")
    assert outcome.code == 1
    assert outcome.err == f"error: must provide the --{flag} flag with --raw and --scope {scope}\n"


def test_the_context_tells_the_namespace_of_a_raw_value(kubeseal: Run, cert: str, context: Path) -> None:
    outcome = kubeseal("--raw", "--cert", cert, "--name=db", stdin="x")
    assert unsealed(outcome.out, b"team/db") == b"x"


@pytest.fixture
def target(kubeseal: Run, cert: str, tmp_path: Path) -> Path:
    path = tmp_path / "target.yaml"
    path.write_text(
        kubeseal(
            "--cert",
            cert,
            "-oyaml",
            stdin=secret(metadata={"labels": {"old": "1"}, "annotations": {"both": "old"}}, type="Opaque"),
        ).out
    )
    return path


def merged(path: Path) -> dict[str, Any]:
    obj: dict[str, Any] = yaml.safe_load(path.read_text())
    return obj


def test_new_items_are_merged_under_the_name_of_the_file(kubeseal: Run, cert: str, target: Path) -> None:
    stdin = secret(
        metadata={"name": "bad", "namespace": "bad", "labels": {"new": "2"}, "annotations": {"both": "new"}},
        stringData={"user": "app", "password": "changed"},
    )
    outcome = kubeseal("--cert", cert, "--merge-into", str(target), "-oyaml", stdin=stdin)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    obj = merged(target)
    assert obj["metadata"] == {"name": "db", "namespace": "shop"}
    assert opened(obj) == {"password": b"changed", "user": b"app"}
    template = obj["spec"]["template"]
    assert template["metadata"]["labels"] == {"new": "2", "old": "1"}
    assert template["metadata"]["annotations"] == {"both": "new"}
    assert template["type"] == "Opaque"


def test_merging_writes_the_format_of_the_flag(kubeseal: Run, cert: str, target: Path) -> None:
    assert kubeseal("--cert", cert, "--merge-into", str(target), stdin=secret()).code == 0
    assert target.read_text().startswith('{\n  "kind": "SealedSecret"')


def test_merging_into_a_bare_file_and_into_another_file_as_well(
    kubeseal: Run, cert: str, tmp_path: Path
) -> None:
    bare = {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "x", "namespace": "y"},
    }
    (tmp_path / "bare.json").write_text(json.dumps(bare | {"spec": {"encryptedData": None}}))
    stdin = secret(metadata={"labels": {"a": "b"}})
    outcome = kubeseal("--cert", cert, "--merge-into=bare.json", "-w=copy.json", stdin=stdin)
    assert (outcome.code, outcome.out) == (0, "")
    assert opened(merged(tmp_path / "bare.json")) == {"password": b"correct horse"}
    assert (tmp_path / "copy.json").read_bytes() == (tmp_path / "bare.json").read_bytes()


def test_merged_items_get_the_scope_of_the_file(kubeseal: Run, cert: str, tmp_path: Path) -> None:
    wide = tmp_path / "wide.json"
    wide.write_text(kubeseal("--cert", cert, "--scope=cluster-wide", stdin=secret()).out)
    for flags in ([], ["--scope=cluster-wide"], ["--scope=strict"]):
        assert (
            kubeseal("--cert", cert, f"--merge-into={wide}", *flags, stdin=secret(stringData={"a": "b"})).code
            == 0
        )
        assert opened(merged(wide)) == {"password": b"correct horse", "a": b"b"}
    before = wide.read_bytes()
    outcome = kubeseal("--cert", cert, f"--merge-into={wide}", "--scope=namespace-wide", stdin=secret())
    assert outcome.code == 1
    assert "sealed cluster-wide, and --scope says namespace-wide" in outcome.err
    assert wide.read_bytes() == before


def test_a_scope_annotation_of_the_input_does_not_break_a_strict_file(
    kubeseal: Run, cert: str, target: Path
) -> None:
    stdin = secret(metadata={"annotations": {CLUSTER_WIDE_ANNOTATION: "true"}}, stringData={"a": "b"})
    assert kubeseal("--cert", cert, "--merge-into", str(target), stdin=stdin).code == 0
    assert opened(merged(target)) == {"password": b"correct horse", "a": b"b"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "error: open target.yaml: no such file or directory\n"),
        ("", "error: one SealedSecret is expected, there are 0\n"),
        ("a: b\n", "error: this is not a SealedSecret"),
        ("{", "error: "),
    ],
)
def test_a_file_that_is_no_sealed_secret_is_not_merged_into(
    kubeseal: Run, cert: str, tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "target.yaml").write_text(content)
    outcome = kubeseal("--cert", cert, "--merge-into=target.yaml", stdin=secret())
    assert outcome.code == 1
    assert outcome.err.startswith(message)


def test_merging_nothing_is_an_error(kubeseal: Run, cert: str, target: Path) -> None:
    before = target.read_bytes()
    outcome = kubeseal("--cert", cert, "--merge-into", str(target), stdin=secret(stringData=None))
    assert outcome.err.startswith(EMPTY)
    assert target.read_bytes() == before


UNSEALED = """\
{
  "kind": "Secret",
  "apiVersion": "v1",
  "metadata": {
    "name": "db",
    "namespace": "shop",
    "labels": {
      "app": "shop"
    },
    "ownerReferences": [
      {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "name": "db",
        "uid": "",
        "controller": true
      }
    ]
  },
  "immutable": true,
  "data": {
    "password": "Y29ycmVjdCBob3JzZQ=="
  },
  "type": "Opaque"
}
"""


@pytest.fixture
def sealed(kubeseal: Run, cert: str) -> str:
    return kubeseal(
        "--cert", cert, stdin=secret(metadata={"labels": {"app": "shop"}}, type="Opaque", immutable=True)
    ).out


def key_files(folder: Path) -> dict[str, Path]:
    """The same key in every form that is taken."""
    pem = sealing_key().private_pem.reveal()
    encoded = base64.b64encode(pem).decode()
    files = {
        "pem": pem,
        "secret": json.dumps({"kind": "Secret", "apiVersion": "v1", "data": {"tls.key": encoded}}).encode(),
        "kindless": json.dumps({"data": {"tls.key": encoded}}).encode(),
        "list": json.dumps(
            {"kind": "List", "apiVersion": "v1", "items": [{"kind": "Secret", "data": {"tls.key": encoded}}]}
        ).encode(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in files}


@pytest.mark.parametrize("form", ["pem", "secret", "kindless", "list"])
def test_recovery_gives_the_secret_that_the_controller_would_make(
    kubeseal: Run, sealed: str, tmp_path: Path, form: str
) -> None:
    key = str(key_files(tmp_path)[form])
    outcome = kubeseal("--recovery-unseal", "--recovery-private-key", key, "--validate", stdin=sealed)
    assert (outcome.code, outcome.out, outcome.err) == (0, UNSEALED, "")


def test_what_recovery_writes_is_for_its_owner_alone(
    kubeseal: Run, sealed: str, tmp_path: Path, canary: Canary
) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(sealing_key(1).private_pem.reveal())
    keys = f"{other},{key_files(tmp_path)['pem']}"
    outcome = kubeseal("--recovery-unseal", "--recovery-private-key", keys, "-w", "plain.yaml", stdin=sealed)
    assert (outcome.code, outcome.out) == (0, "")
    assert stat.S_IMODE((tmp_path / "plain.yaml").stat().st_mode) == 0o600
    assert (tmp_path / "plain.yaml").read_text().startswith("---\napiVersion: v1\ndata:\n  password: Y29y")


def test_recovery_renders_templates_and_can_leave_the_owner_out(
    kubeseal: Run, sealed: str, tmp_path: Path
) -> None:
    obj = json.loads(sealed)
    template = obj["spec"]["template"]
    template["data"] = {"url": "db://{{ .password }}"}
    template["metadata"]["annotations"] = {"sealedsecrets.bitnami.com/skip-set-owner-references": "true"}
    key = str(key_files(tmp_path)["pem"])
    outcome = kubeseal("--recovery-unseal", "--recovery-private-key", key, stdin=json.dumps(obj))
    made = objects(outcome.out)[0]
    assert base64.b64decode(made["data"]["url"]) == b"db://correct horse"
    assert "ownerReferences" not in made["metadata"]


def test_no_key_and_a_wrong_key_open_nothing(kubeseal: Run, sealed: str, tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(sealing_key(1).private_pem.reveal())
    for flags in ([], ["--recovery-private-key=other.pem"]):
        outcome = kubeseal("--recovery-unseal", *flags, "-w=out", stdin=sealed)
        assert outcome.code == 1
        assert outcome.err.startswith("error: no key could decrypt secret (password)\n")
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stdin", ["", "kind: Secret\n", "{"])
def test_recovery_wants_one_sealed_secret(kubeseal: Run, tmp_path: Path, stdin: str) -> None:
    key = str(key_files(tmp_path)["pem"])
    outcome = kubeseal("--recovery-unseal", "--recovery-private-key", key, stdin=stdin)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: ")


def test_recovery_refuses_a_secret_that_is_sealed_as_a_whole(
    kubeseal: Run, sealed: str, tmp_path: Path
) -> None:
    obj = json.loads(sealed)
    obj["spec"] = {"data": "AgAA"}
    outcome = kubeseal(
        "--recovery-unseal", "--recovery-private-key", str(key_files(tmp_path)["pem"]), stdin=json.dumps(obj)
    )
    assert outcome.code == 1
    assert "spec.data" in outcome.err


def test_a_key_file_that_is_not_there_is_named(kubeseal: Run, sealed: str) -> None:
    outcome = kubeseal("--recovery-unseal", "--recovery-private-key=nothing", stdin=sealed)
    assert outcome.code == 1
    assert "nothing" in outcome.err


def test_files_of_older_kubeseals_are_taken_and_written_as_new_ones(
    kubeseal: Run, cert: str, sealed: str, tmp_path: Path
) -> None:
    obj = json.loads(sealed)
    obj["metadata"]["creationTimestamp"] = None
    obj["spec"]["template"]["metadata"]["creationTimestamp"] = None
    obj["spec"]["template"]["data"] = None
    obj["status"] = {}
    (tmp_path / "old.json").write_text(json.dumps(obj))
    key = str(key_files(tmp_path)["pem"])
    outcome = kubeseal("--recovery-unseal", "--recovery-private-key", key, "-f", "old.json")
    assert (outcome.code, outcome.out) == (0, UNSEALED)
    outcome = kubeseal("--cert", cert, "--merge-into=old.json", stdin=secret(stringData={"a": "b"}))
    assert (outcome.code, outcome.err) == (0, "")
    assert "null" not in (tmp_path / "old.json").read_text()
    assert "status" not in (tmp_path / "old.json").read_text()
    assert opened(merged(tmp_path / "old.json")) == {"password": b"correct horse", "a": b"b"}
