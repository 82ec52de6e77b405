"""Commands with --server, against a controller behind the proxy of an API server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.errors import UnsealError
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import open_items, unseal_items
from sealbridge.sealing.resealing import reseal
from sealbridge.sealing.sealed_secret import SealedSecret
from tests.sealing_keys import sealing_key
from tests.servers.controller import Answer, ClusterWithController, cluster_with_controller
from tests.unit.cli.conftest import PLAIN, Outcome, Run, cert, key, run

__all__ = ["cert", "key", "run"]

RING = Keyring([sealing_key(), sealing_key(1)])


class Program:
    """As the controller of Sealed Secrets, lossy rotation and all. Its current key is number 1."""

    def __init__(self) -> None:
        self.rotated: list[dict[str, Any]] = []

    def __call__(self, method: str, path: str, body: bytes) -> Answer:
        if path == "/v1/cert.pem":
            return 200, {}, sealing_key(1).certificate.pem
        obj = json.loads(body)
        try:
            unseal_items(SealedSecret.from_manifest(obj), RING)
        except UnsealError:
            return 409, {}, b""
        if path == "/v1/verify":
            return 200, {}, b""
        self.rotated.append(obj)
        new = reseal(obj, RING, sealing_key(1).certificate, every=True).manifest
        lossy = {"metadata": new["metadata"], "spec": {"encryptedData": new["spec"]["encryptedData"]}}
        return 200, {}, json.dumps(lossy).encode()


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def cluster(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ClusterWithController]:
    with cluster_with_controller(program) as made:
        monkeypatch.setenv("KUBECONFIG", made.kubeconfig(tmp_path / "config"))
        yield made


def fingerprint_in(outcome: Outcome) -> str:
    found: str = yaml.safe_load(outcome.out)["metadata"]["annotations"]["sealbridge.io/sealed-with"]
    return found


def test_the_certificate_is_taken_from_the_controller(run: Run, cluster: ClusterWithController) -> None:
    assert fingerprint_in(run("seal", "--server", stdin=PLAIN)) == sealing_key(1).fingerprint
    assert run("cert", "--server", "--pem").out.encode() == sealing_key(1).certificate.pem
    assert run("seal", "--server", "--cert", "x", stdin=PLAIN).code == 2
    elsewhere = run("seal", "--server", "--controller-name", "other", stdin=PLAIN)
    assert (elsewhere.code, elsewhere.out) == (1, "")
    assert run("seal", "--controller-name", "other", "--cert", "x", stdin=PLAIN).code == 2
    assert run("cert", "--server", "--context", "none").code == 2


def test_without_a_cluster_it_says_so(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    outcome = run("seal", "--server", stdin=PLAIN)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")


def test_the_controller_says_what_it_cannot_open(run: Run, cert: str, cluster: ClusterWithController) -> None:
    sealed = run("seal", "--cert", cert, stdin=PLAIN).out
    assert run("verify", "--server", stdin=sealed).code == 0
    outcome = run("verify", "--server", stdin=sealed + sealed.replace("name: db", "name: stolen"))
    assert outcome.code == 1
    assert "stdin: document 2, line " in outcome.out
    assert outcome.out.endswith(
        "the controller cannot open it [server]\n  hint: seal it again for this cluster\n"
    )
    cluster.proxy = (500, {}, b"broken")
    broken = run("verify", "--server", stdin=sealed)
    assert broken.code == 1
    assert "error: " in broken.err


def test_the_controller_reseals_without_loss(
    run: Run, cert: str, cluster: ClusterWithController, program: Program, tmp_path: Path
) -> None:
    sealed = run("seal", "--cert", cert, stdin=PLAIN).out
    text = "# ours\n" + sealed.replace(
        "    metadata:\n", "    data: {url: '{{ .password }}'}\n    metadata:\n      labels: {a: b}\n"
    )
    for number in range(3):
        (tmp_path / f"{number}.yaml").write_text(text)
    outcome = run("reseal", "--server", "-f", *(f"{number}.yaml" for number in range(3)))
    assert (outcome.code, outcome.err) == (0, "3 items sealed anew, in 3 of 3 SealedSecrets\n")
    new = (tmp_path / "2.yaml").read_text()
    assert new.startswith("# ours\n")
    obj = yaml.safe_load(new)
    assert obj["spec"]["template"] == yaml.safe_load(text)["spec"]["template"]
    opened = open_items(SealedSecret.from_manifest(obj), RING)["password"]
    assert (opened.key, opened.value.reveal()) == (sealing_key(1).fingerprint, b"correct horse")
    # Templates are nothing that a controller has to see.
    assert "url" not in str(program.rotated)
    again = run("reseal", "--server", "-f", "2.yaml")
    assert again.err == (
        "0 items sealed anew, in 0 of 1 SealedSecret\n"
        "hint: the others say that they are sealed with the current key; --all takes them too\n"
    )
    assert run("reseal", "--server", "--all", "-f", "2.yaml").err.startswith("1 item sealed anew")


def test_what_the_controller_cannot_open_stays(
    run: Run, cert: str, cluster: ClusterWithController, tmp_path: Path
) -> None:
    text = run("seal", "--cert", cert, stdin=PLAIN).out.replace("name: db", "name: stolen")
    (tmp_path / "s.yaml").write_text(text)
    outcome = run("reseal", "--server", "-f", "s.yaml")
    assert outcome.code == 1
    assert "error: s.yaml: document 1, line 2: the controller cannot open it\n" in outcome.err
    assert (tmp_path / "s.yaml").read_text() == text


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"spec":{"encryptedData":{"other":"x"}}}',
        '{"spec":{"encryptedData":{"password":5}}}',
        '{"spec":{"encryptedData":{"password":""}}}',
        '{"spec":{"encryptedData":{"password":"eA=="}}}',
        '{"spec":{"encryptedData":{"password":"SAME"}}}',
        '{"spec":[],"metadata":[]}',
    ],
    ids=range(10),
)
@pytest.mark.parametrize("command", ["reseal --server -f s.yaml", "kubeseal --re-encrypt -f s.yaml"])
def test_an_answer_that_is_none_changes_nothing(
    run: Run, cert: str, cluster: ClusterWithController, tmp_path: Path, body: str, command: str
) -> None:
    text = run("seal", "--cert", cert, stdin=PLAIN).out
    answer = body.replace("SAME", yaml.safe_load(text)["spec"]["encryptedData"]["password"]).encode()
    (tmp_path / "s.yaml").write_text(text)
    program = cluster.program
    cluster.program = lambda method, path, sent: (
        program(method, path, sent) if path == "/v1/cert.pem" else (200, {}, answer)
    )
    outcome = run(*command.split())
    assert outcome.code == 1
    assert "error: " in outcome.err
    assert "defect" not in outcome.err
    assert (tmp_path / "s.yaml").read_text() == text


def test_an_answer_that_is_sealed_for_another_size_of_key_changes_nothing(
    run: Run, cert: str, cluster: ClusterWithController, tmp_path: Path
) -> None:
    text = run("seal", "--cert", cert, stdin=PLAIN).out
    (tmp_path / "s.yaml").write_text(text)
    program = cluster.program
    envelope = base64.b64encode((384).to_bytes(2) + bytes(500)).decode()
    answer = json.dumps({"spec": {"encryptedData": {"password": envelope}}}).encode()
    cluster.program = lambda method, path, sent: (
        program(method, path, sent) if path == "/v1/cert.pem" else (200, {}, answer)
    )
    assert "sealed for another certificate" in run("reseal", "--server", "-f", "s.yaml").err
    assert (tmp_path / "s.yaml").read_text() == text


@pytest.mark.parametrize("name", ["../secrets/x?y", "a/b", "a%2fb", "A"])
def test_a_name_that_would_lead_elsewhere_is_refused(
    run: Run, cert: str, cluster: ClusterWithController, name: str
) -> None:
    words = "is not a name that Kubernetes takes"
    assert words in run("seal", "--server", "--controller-name", name, stdin=PLAIN).err
    assert words in run("kubeseal", "--fetch-cert", "--controller-namespace", name).err
