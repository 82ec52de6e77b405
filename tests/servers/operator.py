"""`sealbridge operator` as a process of its own, under the very account and roles that deploy/ ships."""

from __future__ import annotations

import json
import secrets
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sealbridge.sealing.certificate import Certificate
from tests.servers.apiserver import REPOSITORY, ApiServer
from tests.servers.process import Process


@dataclass(frozen=True)
class Deployment:
    """Where the manifests put the operator, and as whom it runs there."""

    namespace: str
    account: str

    @property
    def user(self) -> str:
        """Its name in the API server's audit log."""
        return f"system:serviceaccount:{self.namespace}:{self.account}"


def deploy(apiserver: ApiServer, folder: Path = REPOSITORY / "deploy" / "kustomize" / "base") -> Deployment:
    """Apply the CRDs and the kustomize folder with the operator's account and roles."""
    apiserver.install_crds()
    rendered = apiserver.kubectl("kustomize", folder)
    account = next(one for one in yaml.safe_load_all(rendered) if one["kind"] == "ServiceAccount")["metadata"]
    apiserver.kubectl("apply", "-f", "-", stdin=rendered)
    return Deployment(account["namespace"], account["name"])


class Operator:
    """`sealbridge operator` on free ports; each start has ports and a log of its own."""

    def __init__(self, kubeconfig: Path, namespace: str, folder: Path, *flags: str) -> None:
        """Nothing is started yet. `namespace` is where its keys live; `folder` takes its logs."""
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._folder = folder
        self._flags = flags
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        """The running program; RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError("the operator was not started")
        return self._process

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def log(self) -> Path:
        """Where the last start writes its log."""
        return self.process.log

    @property
    def url(self) -> str:
        """Where it serves the certificate and its health."""
        return f"http://{self._addresses()['certificate and health']}"

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self._process = Process(
            [
                Path(sys.executable).with_name("sealbridge"),
                "operator",
                f"--namespace={self._namespace}",
                "--listen-addr=127.0.0.1:0",
                "--listen-metrics-addr=127.0.0.1:0",
                *self._flags,
            ],
            self._folder / f"operator-{secrets.token_hex(4)}.log",
            environment={"KUBECONFIG": str(self._kubeconfig)},
        )
        self._process.start()
        self._process.wait_until(self._is_ready, timeout=60)

    def stop(self) -> int:
        """End it with SIGTERM, as Kubernetes does; returns the exit code."""
        self.process.stop(timeout=30)
        code = self.process.exit_code
        assert code is not None
        return code

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.process.kill()

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged since its last start; every line must be JSON."""
        if not self.log.exists():
            return []
        text = self.log.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def fetch(self, path: str) -> tuple[int, str]:
        """Status and body from whichever of its two servers has this path."""
        address = self._addresses()["metrics" if path == "/metrics" else "certificate and health"]
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name: str) -> float:
        """The sum over all labels; 0 when it was never counted."""
        samples = [line for line in self.fetch("/metrics")[1].splitlines() if not line.startswith("#")]
        return sum(
            float(line.rpartition(" ")[2])
            for line in samples
            if line.partition("{")[0].partition(" ")[0] == name
        )

    def certificate(self) -> Certificate:
        """What it serves to seal with."""
        status, pem = self.fetch("/v1/cert.pem")
        if status != 200:
            raise RuntimeError(f"no certificate is served: {pem}")
        return Certificate.from_pem(pem.encode())

    def _is_ready(self) -> bool:
        try:
            return len(self._addresses()) == 2 and self.fetch("/readyz")[0] == 200
        except OSError:
            return False

    def _addresses(self) -> dict[str, str]:
        prefix = "listening for "
        return {
            line["msg"].removeprefix(prefix): line["address"]
            for line in self.lines()
            if line["msg"].startswith(prefix)
        }
