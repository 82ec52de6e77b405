"""`sealbridge kubeseal` asks the controller of a cluster, which answers as Sealed Secrets' does."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.errors import SealbridgeError
from sealbridge.sealing import envelope
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.sealed_secret import SealedSecret
from tests.canary import Canary
from tests.sealing_keys import sealing_key
from tests.servers.controller import Answer, ClusterWithController, cluster_with_controller, service

PROGRAM = str(Path(sys.executable).with_name("sealbridge"))
Kubeseal = Callable[..., subprocess.CompletedProcess[str]]


class Upstream:
    """The controller of Sealed Secrets 0.38: rotate answers without kind, and without most of the object."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.conflict = False

    def __call__(self, method: str, path: str, body: bytes) -> Answer:
        self.asked.append((method, path))
        if path == "/v1/cert.pem":
            return 200, {"Content-Type": "application/x-pem-file"}, sealing_key(1).certificate.pem
        try:
            sealed = SealedSecret.from_manifest(yaml.safe_load(body))
            items = unseal_items(sealed, Keyring([sealing_key(), sealing_key(1)]))
        except SealbridgeError:
            return (409 if path == "/v1/verify" or self.conflict else 500), {}, b""
        if path == "/v1/verify":
            return 200, {}, b""
        new = {
            key: envelope.encode(envelope.seal(value.reveal(), sealing_key(1).certificate, sealed.label))
            for key, value in items.items()
        }
        metadata = {"name": sealed.name, "namespace": sealed.namespace, "creationTimestamp": None}
        obj = {"metadata": metadata, "spec": {"template": {"metadata": metadata}, "encryptedData": new}}
        return 200, {"Content-Type": "text/plain"}, json.dumps(obj).encode() + b"\n"


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def cluster(upstream: Upstream) -> Iterator[ClusterWithController]:
    with cluster_with_controller(upstream) as made:
        yield made


@pytest.fixture
def kubeseal(cluster: ClusterWithController, tmp_path: Path) -> Kubeseal:
    """The program itself, with a kubeconfig for the cluster."""
    config = cluster.kubeconfig(tmp_path / "kubeconfig")

    def kubeseal_(
        *arguments: str, stdin: str = "", variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, "kubeseal", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=tmp_path,
            env=os.environ | {"KUBECONFIG": config, "HOME": str(tmp_path)} | (variables or {}),
        )

    return kubeseal_


def sealed(name: str = "db", *, number: int = 0, **spec: Any) -> dict[str, Any]:
    """A SealedSecret in `team` with one item, for key number so-and-so, and with much around it."""
    label = f"team/{name}".encode()
    value = envelope.encode(envelope.seal(b"correct horse", sealing_key(number).certificate, label))
    metadata = {"name": name, "namespace": "team", "labels": {"outer": "1"}, "annotations": {"note": "kept"}}
    template = {"metadata": {"labels": {"inner": "1"}}, "type": "Opaque", "data": {"url": "x{{ .p }}"}}
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": metadata,
        "spec": {"encryptedData": {"p": value}, "template": template} | spec,
        "status": {"observedGeneration": 1},
    }


def opened(obj: dict[str, Any], number: int) -> dict[str, bytes]:
    items = unseal_items(SealedSecret.from_manifest(obj), Keyring([sealing_key(number)]))
    return {key: value.reveal() for key, value in items.items()}


def test_the_certificate_is_fetched_and_written(kubeseal: Kubeseal, tmp_path: Path) -> None:
    pem = sealing_key(1).certificate.pem.decode()
    done = kubeseal("--fetch-cert")
    assert (done.returncode, done.stdout, done.stderr) == (0, pem, "")
    assert kubeseal("--fetch-cert", "-w", "cert.pem").stdout == ""
    assert (tmp_path / "cert.pem").read_text() == pem


def test_without_a_certificate_the_controllers_is_used(kubeseal: Kubeseal, canary: Canary) -> None:
    value = canary("the value of a Secret")
    secret = {"metadata": {"name": "db"}, "stringData": {"p": value}}
    done = kubeseal(stdin=json.dumps(secret))
    assert (done.returncode, done.stderr) == (0, "")
    obj = json.loads(done.stdout)
    assert obj["metadata"] == {"name": "db", "namespace": "team"}
    assert opened(obj, 1) == {"p": value.encode()}
    raw = kubeseal("--raw", "--name=db", stdin=value).stdout
    assert envelope.open_(base64.b64decode(raw), sealing_key(1), b"team/db").reveal() == value.encode()


def test_a_plugin_that_reads_stdin_does_not_take_the_secret(
    cluster: ClusterWithController, kubeseal: Kubeseal, tmp_path: Path
) -> None:
    plugin = tmp_path / "plugin"
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    token = credential | {"status": {"token": "of-plugin"}}
    plugin.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{json.dumps(token)}'\n")
    plugin.chmod(0o755)
    user = {
        "exec": {"apiVersion": credential["apiVersion"], "command": "./plugin", "interactiveMode": "Never"}
    }
    config = cluster.kubeconfig(tmp_path / "exec", **user)
    done = kubeseal("--kubeconfig", config, "--raw", "--name=db", stdin="value")
    assert envelope.open_(base64.b64decode(done.stdout), sealing_key(1), b"team/db").reveal() == b"value"
    assert cluster.headers("cert.pem")["Authorization"] == "Bearer of-plugin"


def test_who_asks_and_where_is_overridden_by_flags(
    cluster: ClusterWithController, kubeseal: Kubeseal
) -> None:
    done = kubeseal("--fetch-cert", "--token=mine", "--as=jane", "--as-uid=7", "--as-group=a", "--as-group=b")
    assert done.returncode == 0
    headers = cluster.headers("cert.pem")
    assert headers["Authorization"] == "Bearer mine"
    assert (headers["Impersonate-User"], headers["Impersonate-Uid"]) == ("jane", "7")
    assert kubeseal("--fetch-cert", "--username=jo", "--password=pw").returncode == 0
    assert cluster.headers("cert.pem")["Authorization"] == "Basic " + base64.b64encode(b"jo:pw").decode()
    nowhere = {"KUBECONFIG": ""}
    done = kubeseal("--fetch-cert", "--server", cluster.url, "--token=t", variables=nowhere)
    assert done.returncode == 0, done.stderr
    assert kubeseal("--fetch-cert", "--context=nothing").stderr.startswith(
        'error: context "nothing" does not exist\n'
    )
    assert kubeseal("--fetch-cert", "--as-group=a").stderr.startswith("error: a user is needed")


def test_a_controller_of_another_name_is_found_and_told(
    cluster: ClusterWithController, kubeseal: Kubeseal
) -> None:
    cluster.services[:] = [
        service("flux-system", "sealed-secrets", labels={"app.kubernetes.io/name": "sealed-secrets"})
    ]
    done = kubeseal("--fetch-cert")
    assert (done.returncode, done.stderr) == (0, "using the controller flux-system/sealed-secrets\n")
    done = kubeseal("--fetch-cert", "--controller-namespace=flux-system")
    assert (done.returncode, done.stderr) == (0, "using the controller flux-system/sealed-secrets\n")
    variables = {
        "SEALED_SECRETS_CONTROLLER_NAMESPACE": "flux-system",
        "SEALED_SECRETS_CONTROLLER_NAME": "sealed-secrets",
    }
    done = kubeseal("--fetch-cert", variables=variables)
    assert (done.returncode, done.stderr) == (0, "")
    done = kubeseal("--fetch-cert", "--controller-namespace=elsewhere")
    assert done.returncode == 1
    assert done.stderr.startswith(
        'error: cannot get sealed secret service: services "sealed-secrets-controller" not found\n'
    )
    assert "--controller-name" in done.stderr


@pytest.mark.parametrize("flags", [[], ["-oyaml"]])
def test_validation_is_silent_when_all_is_well(
    kubeseal: Kubeseal, upstream: Upstream, flags: list[str]
) -> None:
    done = kubeseal("--validate", *flags, stdin=json.dumps(sealed()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert upstream.asked == [("POST", "/v1/verify")]
    done = kubeseal("--validate", stdin="")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_validation_names_what_cannot_be_decrypted_and_writes_nothing(
    kubeseal: Kubeseal, tmp_path: Path
) -> None:
    documents = [sealed("good"), sealed("bad", number=2), sealed("worse", number=2)]
    done = kubeseal("--validate", "-w", "out.yaml", stdin=yaml.safe_dump_all(documents))
    assert done.returncode == 1
    assert done.stderr == ("error: unable to decrypt sealed secret: bad\nhint: nor can it decrypt worse\n")
    assert not (tmp_path / "out.yaml").exists()


def test_re_encryption_keeps_all_but_the_ciphertext(kubeseal: Kubeseal) -> None:
    before = sealed()
    stale = json.loads(json.dumps(before))
    stale["metadata"]["annotations"]["sealbridge.io/sealed-with"] = "SHA256:the-old-key"
    done = kubeseal("--re-encrypt", "-oyaml", stdin=yaml.safe_dump(stale))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n")
    after = yaml.safe_load(done.stdout)
    assert opened(after, 1) == {"p": b"correct horse"}
    assert after["metadata"] == before["metadata"]
    assert after["spec"]["template"] == before["spec"]["template"]
    assert "status" not in after


def test_re_encryption_of_a_file_is_in_place_and_of_all_documents(kubeseal: Kubeseal, tmp_path: Path) -> None:
    path = tmp_path / "sealed.yaml"
    path.write_text(yaml.safe_dump_all([sealed("a"), sealed("b")]))
    done = kubeseal("--rotate", "-f", "sealed.yaml")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "Flag --rotate has been deprecated, please use --re-encrypt instead\n"
    objects = list(yaml.safe_load_all(path.read_text()))
    assert [opened(obj, 1) for obj in objects] == [{"p": b"correct horse"}] * 2
    before = path.read_bytes()
    path.write_bytes(before.replace(b"name: b", b"name: c"))
    before = path.read_bytes()
    done = kubeseal("--re-encrypt", "-f", "sealed.yaml")
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot re-encrypt secret: an error on the server")
    assert path.read_bytes() == before


def test_a_conflict_is_told_in_kubeseals_words(kubeseal: Kubeseal, upstream: Upstream) -> None:
    upstream.conflict = True
    done = kubeseal("--re-encrypt", stdin=json.dumps(sealed(number=2)))
    assert done.returncode == 1
    assert done.stderr.startswith("error: unable to rotate secret\n")


def test_a_proxy_that_is_forbidden_is_gone_around(cluster: ClusterWithController, kubeseal: Kubeseal) -> None:
    cluster.forbidden = ("/proxy/",)
    done = kubeseal("--validate", stdin=json.dumps(sealed()))
    assert done.returncode == 0
    assert done.stderr == "the Service proxy does not work, forwarding a port to the pod controller-0\n"


def test_an_api_server_that_is_away_is_an_error(kubeseal: Kubeseal) -> None:
    done = kubeseal("--fetch-cert", "--server=http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: cannot get sealed secret service: the API server cannot be reached: "
    )


OFFLINE = """\
import sys
from sealbridge_cli.main import main
code = main(sys.argv[1:])
heavy = {"asyncio", "aiohttp", "kubernetes", "kopf", "argparse", "socket"} & set(sys.modules)
print(sorted(heavy - {"argparse"}), file=sys.stderr)
sys.exit(code)
"""


def test_what_needs_no_cluster_loads_nothing_of_one(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_bytes(sealing_key().certificate.pem)
    (tmp_path / "key.pem").write_bytes(sealing_key().private_pem.reveal())
    secret = json.dumps({"metadata": {"name": "a", "namespace": "b"}, "stringData": {"p": "x"}})

    def run(*arguments: str, stdin: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", OFFLINE, "kubeseal", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )

    done = run("--cert", "cert.pem", stdin=secret)
    assert done.stderr == "[]\n"
    run("--cert", "cert.pem", "--raw", "--name=a", "-n=b", stdin="x")


def test_a_light_install_is_told_what_is_missing(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from sealbridge_cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "kubeseal", "--fetch-cert"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "error: asking a cluster needs the package aiohttp\nhint: pip install 'sealbridge[cluster]'\n"
    )
