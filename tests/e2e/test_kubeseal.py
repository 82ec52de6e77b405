"""From a Secret through `sealbridge kubeseal` and the real Service proxy to the operator, and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.canary import Canary
from tests.e2e.world import World, eventually, own_address, service
from tests.servers.operator import Operator

PROGRAM = str(Path(sys.executable).with_name("sealbridge"))
Kubeseal = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def reachable(world: World, namespace: str) -> Iterator[Operator]:
    """An operator behind a Service `sealbridge` in the test's namespace."""
    operator = world.operator(f"--listen-addr={own_address()}:0")
    operator.start()
    with service(world, operator, namespace, "sealbridge"):
        yield operator
    if operator.is_running:
        assert operator.stop() == 0
    world.clear(namespace)


@pytest.fixture
def kubeseal(world: World, tmp_path: Path, namespace: str) -> Kubeseal:
    def kubeseal_(
        *arguments: str, stdin: str = "", token: str = "", config: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        if config is None:
            config = str(world.server.kubeconfig_for(token, namespace=namespace))
        return subprocess.run(
            [PROGRAM, "kubeseal", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=tmp_path,
            env=os.environ | {"KUBECONFIG": config, "HOME": str(tmp_path)},
        )

    return kubeseal_


def test_what_kubeseal_seals_becomes_a_secret(
    world: World, reachable: Operator, kubeseal: Kubeseal, namespace: str, canary: Canary
) -> None:
    value = canary("sealed with the certificate of the cluster")
    secret = {"metadata": {"name": "db"}, "stringData": {"password": value}}
    done = kubeseal("-oyaml", stdin=json.dumps(secret))
    assert done.stderr == f"using the controller {namespace}/sealbridge\n"
    assert done.returncode == 0
    world.server.kubectl("apply", "-f", "-", stdin=done.stdout)
    eventually(lambda: world.secrets(namespace).get("db") == {"password": value.encode()}, what="the Secret")
    done = kubeseal("--fetch-cert", f"--controller-namespace={namespace}", "--controller-name=sealbridge")
    assert (done.returncode, done.stdout.encode(), done.stderr) == (0, reachable.certificate().pem, "")


def test_the_operator_validates_and_re_encrypts(
    reachable: Operator, kubeseal: Kubeseal, namespace: str, tmp_path: Path
) -> None:
    place = (f"--controller-namespace={namespace}", "--controller-name=sealbridge")
    metadata = {"name": "db", "labels": {"app": "shop"}}
    secret = {"metadata": metadata, "stringData": {"password": "correct horse"}}
    before = kubeseal(*place, stdin=json.dumps(secret)).stdout
    (tmp_path / "sealed.json").write_text(before)

    done = kubeseal(*place, "--validate", stdin=before)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = kubeseal(*place, "--re-encrypt", "-f", "sealed.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    after = (tmp_path / "sealed.json").read_text()
    old, new = json.loads(before), json.loads(after)
    assert old["spec"].pop("encryptedData") != new["spec"].pop("encryptedData")
    assert new["spec"] == old["spec"]
    assert kubeseal(*place, "--validate", stdin=after).returncode == 0
    renamed = after.replace('"name": "db"', '"name": "other"')
    done = kubeseal(*place, "--validate", stdin=renamed)
    assert (done.returncode, done.stderr) == (1, "error: unable to decrypt sealed secret: other\n")
    done = kubeseal(*place, "--re-encrypt", stdin=renamed)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")


def test_flags_alone_reach_the_cluster(
    world: World, reachable: Operator, kubeseal: Kubeseal, namespace: str
) -> None:
    server = world.server
    ca = f"--certificate-authority={server.ca_file}"
    place = (f"--controller-namespace={namespace}", "--controller-name=sealbridge")
    who = (f"--server={server.url}", f"--token={server.admin_token}")
    pem = reachable.certificate().pem
    for flags in (
        (ca,),
        (ca, "--tls-server-name=localhost", "--request-timeout=1m"),
        ("--insecure-skip-tls-verify",),
        (ca, "--as=jane", "--as-group=system:masters", "--as-group=nobody"),
        (ca, "--as=jane", "--as-group=nobody", "--as-group=system:masters"),
    ):
        done = kubeseal("--fetch-cert", *place, *who, *flags, config="")
        assert (done.returncode, done.stdout.encode(), done.stderr) == (0, pem, "")
    for flags, reason in (
        ((), "its certificate is not trusted"),
        ((ca, "--tls-server-name=example.com"), "its certificate is not trusted"),
        ((ca, "--as=jane"), "forbidden"),
        ((ca, "--token=wrong"), "Unauthorized"),
    ):
        done = kubeseal("--fetch-cert", *place, *who, *flags, config="")
        assert (done.returncode, done.stdout) == (1, "")
        assert reason in done.stderr
        assert server.admin_token not in done.stderr


def test_who_may_not_ask_and_a_controller_that_is_gone_are_told(
    world: World, reachable: Operator, kubeseal: Kubeseal, namespace: str
) -> None:
    place = (f"--controller-namespace={namespace}", "--controller-name=sealbridge")
    nobody = world.server.token_for(namespace, "nobody")
    done = kubeseal("--fetch-cert", *place, token=nobody)
    assert done.returncode == 1
    assert "error: cannot fetch certificate: " in done.stderr
    assert "forbidden" in done.stderr
    reachable.kill()
    done = kubeseal("--fetch-cert", *place)
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot fetch certificate: ")
    assert "controller" in done.stderr
