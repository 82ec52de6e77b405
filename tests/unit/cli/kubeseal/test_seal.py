"""Secrets become SealedSecrets as kubeseal makes them, byte for byte but for the ciphertext."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import SealingKey
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.scope import CLUSTER_WIDE_ANNOTATION, NAMESPACE_WIDE_ANNOTATION
from sealbridge.sealing.sealed_secret import SealedSecret
from tests.sealing_keys import sealing_key
from tests.unit.cli.conftest import Run
from tests.unit.cli.kubeseal.conftest import secret

EMPTY = (
    "error: secret.data is empty in input Secret, assuming this is an error and aborting. "
    "To work with empty data, --allow-empty-data can be used\n"
)
RICH = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: shop
  generateName: db-
  uid: 1b2c
  resourceVersion: "7"
  generation: 3
  creationTimestamp: "2026-01-01T00:00:00Z"
  selfLink: /x
  labels: {app: shop, a10: x, a2: "y"}
  annotations:
    note: "yes"
    html: "<a> & b"
    kubectl.kubernetes.io/last-applied-configuration: '{"data": "secret"}'
    kubecfg.ksonnet.io/last-applied-configuration: secret
  ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u}]
  finalizers: [example.com/keep]
  unknown: field
type: Opaque
immutable: true
data: {k10: YQ==, k2: Yg==}
stringData: {k2: winner}
status: {ignored: true}
"""
RICH_JSON = """\
{
  "kind": "SealedSecret",
  "apiVersion": "bitnami.com/v1alpha1",
  "metadata": {
    "name": "db",
    "namespace": "shop"
  },
  "spec": {
    "template": {
      "metadata": {
        "name": "db",
        "generateName": "db-",
        "namespace": "shop",
        "labels": {
          "a10": "x",
          "a2": "y",
          "app": "shop"
        },
        "annotations": {
          "html": "\\u003ca\\u003e \\u0026 b",
          "note": "yes"
        },
        "finalizers": [
          "example.com/keep"
        ]
      },
      "type": "Opaque",
      "immutable": true
    },
    "encryptedData": {
      "k10": "...",
      "k2": "..."
    }
  }
}
"""
RICH_YAML = """\
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db
  namespace: shop
spec:
  encryptedData:
    k2: ...
    k10: ...
  template:
    immutable: true
    metadata:
      annotations:
        html: <a> & b
        note: "yes"
      finalizers:
      - example.com/keep
      generateName: db-
      labels:
        a2: "y"
        a10: x
        app: shop
      name: db
      namespace: shop
    type: Opaque
"""


def without_ciphertext(text: str) -> str:
    return re.sub(r"Ag[A-Za-z0-9+/=]{300,}|AQ[A-Za-z0-9+/=]{300,}", "...", text)


def objects(text: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(text.replace("}\n{", "}\n---\n{")) if one]


def opened(manifest: dict[str, Any]) -> dict[str, bytes]:
    sealed = SealedSecret.from_manifest(manifest)
    return {k: v.reveal() for k, v in unseal_items(sealed, Keyring([sealing_key()])).items()}


def sealed_as(obj: dict[str, Any], name: str, namespace: str) -> dict[str, Any]:
    return {**obj, "metadata": {**obj["metadata"], "name": name, "namespace": namespace}}


@pytest.mark.parametrize(
    ("format_", "expected"), [("json", RICH_JSON), ("yaml", RICH_YAML), ("YAML", RICH_YAML)]
)
def test_the_bytes_are_kubeseals(kubeseal: Run, cert: str, format_: str, expected: str) -> None:
    outcome = kubeseal("--cert", cert, "-o", format_, stdin=RICH)
    assert (outcome.code, outcome.err) == (0, "")
    assert without_ciphertext(outcome.out) == expected
    assert opened(objects(outcome.out)[0]) == {"k10": b"a", "k2": b"winner"}


def test_many_documents_come_out_as_many(kubeseal: Run, cert: str) -> None:
    stdin = "\n---\n".join(["", secret(metadata={"name": "a"}), "# nothing", secret(metadata={"name": "b"})])
    assert [o["metadata"]["name"] for o in objects(kubeseal("--cert", cert, "-oyaml", stdin=stdin).out)] == [
        "a",
        "b",
    ]
    stdin = secret(metadata={"name": "a"}) + "\n" + secret(metadata={"name": "b"})
    outcome = kubeseal("--cert", cert, stdin=stdin)
    assert [o["metadata"]["name"] for o in objects(outcome.out)] == ["a", "b"]
    assert "---" not in outcome.out


@pytest.mark.parametrize(
    ("metadata", "flags", "scope", "namespace"),
    [
        ({}, [], {}, "shop"),
        ({}, ["--scope=strict"], {}, "shop"),
        ({"namespace": None}, ["-n", "team"], {}, "team"),
        ({}, ["--scope=namespace-wide"], {NAMESPACE_WIDE_ANNOTATION: "true"}, "shop"),
        ({}, ["--scope=cluster-wide"], {CLUSTER_WIDE_ANNOTATION: "true"}, "shop"),
        (
            {"namespace": None},
            ["--scope=cluster-wide", "-n", "team"],
            {CLUSTER_WIDE_ANNOTATION: "true"},
            None,
        ),
        ({}, ["--scope=cluster-wide", "-n", "other"], {CLUSTER_WIDE_ANNOTATION: "true"}, "shop"),
        ({"annotations": {CLUSTER_WIDE_ANNOTATION: "true"}}, [], {CLUSTER_WIDE_ANNOTATION: "true"}, "shop"),
        (
            {"annotations": {CLUSTER_WIDE_ANNOTATION: "true"}},
            ["--scope=strict"],
            {CLUSTER_WIDE_ANNOTATION: "true"},
            "shop",
        ),
        (
            {"annotations": {CLUSTER_WIDE_ANNOTATION: "true"}},
            ["--scope=namespace-wide"],
            {NAMESPACE_WIDE_ANNOTATION: "true"},
            "shop",
        ),
        (
            {"annotations": {CLUSTER_WIDE_ANNOTATION: "true", NAMESPACE_WIDE_ANNOTATION: "true"}},
            [],
            {CLUSTER_WIDE_ANNOTATION: "true"},
            "shop",
        ),
        ({"annotations": {CLUSTER_WIDE_ANNOTATION: "True"}}, [], {}, "shop"),
        ({"annotations": {NAMESPACE_WIDE_ANNOTATION: "1"}}, [], {}, "shop"),
    ],
)
def test_the_scope_is_that_of_a_flag_other_than_strict_else_of_the_annotations(
    kubeseal: Run,
    cert: str,
    metadata: dict[str, Any],
    flags: list[str],
    scope: dict[str, str],
    namespace: str | None,
) -> None:
    outcome = kubeseal("--cert", cert, *flags, stdin=secret(metadata=metadata))
    assert outcome.code == 0, outcome.err
    (obj,) = objects(outcome.out)
    assert obj["metadata"].get("annotations", {}) == scope
    assert obj["metadata"].get("namespace") == namespace
    assert opened(obj) == {"password": b"correct horse"}


def test_a_wrong_scope_annotation_stays_in_the_template(kubeseal: Run, cert: str) -> None:
    outcome = kubeseal(
        "--cert", cert, stdin=secret(metadata={"annotations": {CLUSTER_WIDE_ANNOTATION: "no"}})
    )
    (obj,) = objects(outcome.out)
    assert obj["spec"]["template"]["metadata"]["annotations"] == {CLUSTER_WIDE_ANNOTATION: "no"}


def test_the_name_is_overridden(kubeseal: Run, cert: str) -> None:
    (obj,) = objects(kubeseal("--cert", cert, "--name=other", stdin=secret()).out)
    assert obj["metadata"]["name"] == obj["spec"]["template"]["metadata"]["name"] == "other"
    assert opened(obj)


def test_names_are_not_judged(kubeseal: Run, cert: str) -> None:
    name = "{{ .Release.Name }}-db"
    (obj,) = objects(
        kubeseal("--cert", cert, "--scope=cluster-wide", stdin=secret(metadata={"name": name})).out
    )
    assert obj["metadata"]["name"] == name


@pytest.mark.parametrize(("context_name", "expected"), [("c", "team"), ("bare", "default")])
def test_the_namespace_of_the_context_fills_in(
    kubeseal: Run, cert: str, context: Path, context_name: str, expected: str
) -> None:
    stdin = secret(metadata={"namespace": None})
    (obj,) = objects(kubeseal("--cert", cert, "--context", context_name, stdin=stdin).out)
    assert obj["metadata"]["namespace"] == expected
    (obj,) = objects(kubeseal("--cert", cert, stdin=secret()).out)
    assert obj["metadata"]["namespace"] == "shop"


@pytest.mark.parametrize(
    ("stdin", "flags", "message"),
    [
        ("", [], "error: no secrets found\n"),
        ("---\n# nothing\n---\n", [], "error: no secrets found\n"),
        (secret(stringData=None), [], EMPTY),
        (secret(stringData={}), [], EMPTY),
        (secret(metadata={"name": None}), [], "error: missing metadata.name in input Secret\n"),
        (secret(metadata={"namespace": None}), [], "error: secret must declare a namespace: "),
        (secret(), ["-n", "other"], "error: namespace mismatch: "),
        (secret(), ["--from-file=x"], "error: --from-file requires --raw\n"),
        (secret(), ["-o", "toml"], "error: unsupported output format: toml\n"),
        ('{"kind": "Secret", ', [], "error: "),
        ("kind: Secret\n  bad: [", [], "error: not valid YAML"),
        (secret() + "\n---\nkind: [\n", [], "error: "),
        (json.dumps({"kind": "List", "apiVersion": "v1", "items": [json.loads(secret())]}), [], EMPTY),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(
    kubeseal: Run, cert: str, tmp_path: Path, stdin: str, flags: list[str], message: str
) -> None:
    outcome = kubeseal("--cert", cert, "-w", "out.json", *flags, stdin=stdin)
    assert outcome.code == 1
    assert outcome.err.startswith(message)
    assert outcome.out == ""
    assert not (tmp_path / "out.json").exists()


def test_what_is_sealed_is_not_sealed_again(kubeseal: Run, cert: str) -> None:
    sealed = kubeseal("--cert", cert, stdin=secret()).out
    outcome = kubeseal("--cert", cert, stdin=sealed)
    assert (outcome.code, outcome.err.startswith(EMPTY)) == (1, True)
    outcome = kubeseal("--cert", cert, "--allow-empty-data", stdin=sealed)
    assert outcome.code == 1
    assert "this is a SealedSecret already" in outcome.err


def test_an_empty_secret_may_be_wanted(kubeseal: Run, cert: str) -> None:
    outcome = kubeseal("--cert", cert, "--allow-empty-data", stdin=secret(stringData=None))
    assert outcome.code == 0
    assert '"encryptedData": {}' in outcome.out


def test_files_are_read_and_written(kubeseal: Run, cert: str, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(secret())
    for name, begins in (("o.yaml", "---\n"), ("o.yml", "---\n"), ("o.json", "{\n"), ("o", "{\n")):
        outcome = kubeseal("--cert", cert, "-f", "in.json", "-w", name)
        assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
        assert (tmp_path / name).read_text().startswith(begins)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["-f", "nothing.yaml"], "error: open nothing.yaml: no such file or directory\n"),
        (["-w", "no/folder/x.yaml"], "error: open no/folder/x.yaml: no such file or directory\n"),
    ],
)
def test_files_that_are_not_there_are_an_error(
    kubeseal: Run, cert: str, flags: list[str], message: str
) -> None:
    outcome = kubeseal("--cert", cert, *flags, stdin=secret())
    assert (outcome.code, outcome.err) == (1, message)


def test_a_certificate_that_is_not_there_is_an_error(kubeseal: Run) -> None:
    outcome = kubeseal("--cert", "nothing.pem", stdin=secret())
    assert (outcome.code, outcome.err) == (1, "error: open nothing.pem: no such file or directory\n")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "there is no PEM certificate in it"),
        (b"<html>", "there is no PEM certificate in it"),
        (sealing_key().private_pem.reveal(), "this is a private key, sealing needs a certificate"),
    ],
)
def test_what_holds_no_certificate_is_told(kubeseal: Run, tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "it.pem").write_bytes(content)
    outcome = kubeseal("--cert", "it.pem", stdin=secret())
    assert outcome.code == 1
    assert outcome.err.startswith(
        f"error: data does not contain any valid RSA or ECDSA certificates: {what}\n       it.pem\n"
    )


def test_an_expired_certificate_is_refused_and_still_fetched(kubeseal: Run, tmp_path: Path) -> None:
    key = SealingKey.generate(at=datetime(2020, 3, 1, tzinfo=UTC), bits=2048, valid_days=4)
    (tmp_path / "old.pem").write_bytes(key.certificate.pem)
    outcome = kubeseal("--cert", "old.pem", stdin=secret())
    assert outcome.code == 1
    assert outcome.err.startswith("error: failed to encrypt using an expired certificate on March 5, 2020\n")
    outcome = kubeseal("--cert", "old.pem", "--fetch-cert")
    assert (outcome.code, outcome.out.encode()) == (0, key.certificate.pem)


def test_a_certificate_of_tomorrow_will_do(kubeseal: Run, tmp_path: Path) -> None:
    key = SealingKey.generate(at=datetime.now(UTC) + timedelta(days=1), bits=2048)
    (tmp_path / "new.pem").write_bytes(key.certificate.pem)
    assert kubeseal("--cert", "new.pem", stdin=secret()).code == 0


def test_a_variable_stands_in_for_a_flag(kubeseal: Run, cert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALED_SECRETS_CERT", cert)
    monkeypatch.setenv("SEALED_SECRETS_FORMAT", "yaml")
    assert kubeseal(stdin=secret()).out.startswith("---\n")
    assert kubeseal("--format=json", stdin=secret()).out.startswith("{\n")
