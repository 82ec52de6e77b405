"""`sealbridge operator` as a process of its own, under the very account and roles that deploy/ ships."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.servers.apiserver import REPOSITORY, ApiServer
from tests.servers.process import Process, launch_on_free_ports


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
    """One operator that speaks to an API server with a token of its ServiceAccount."""

    def __init__(
        self,
        apiserver: ApiServer,
        deployment: Deployment,
        folder: Path,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing is started yet; `folder` takes its log. `arguments` and `environment` are added."""
        self.deployment = deployment
        self.log = folder / "operator.log"
        self.port = 0
        self.metrics_port = 0
        self._apiserver = apiserver
        self._arguments = list(arguments)
        self._environment = dict(environment or {})
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Where it serves the certificate and its health."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self.metrics_port}"

    @property
    def process(self) -> Process:
        """The running program; RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError("the operator was not started")
        return self._process

    def start(self) -> None:
        """Start it and wait until it says that it is ready. Its ports are kept over restarts."""
        if self._process is not None:
            return self._launch()
        return launch_on_free_ports(2, self._launch_on, self.kill)

    def stop(self) -> None:
        """End it with SIGTERM, as Kubernetes does."""
        if self._process is not None:
            self._process.stop(timeout=30)

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self._process is not None:
            self._process.kill()

    def get(self, path: str) -> str:
        """What it answers at its public address; urllib.error.HTTPError when that is no success."""
        return _read(self.url + path)

    def metrics(self) -> str:
        """Its metrics page."""
        return _read(self.metrics_url + "/metrics")

    def _launch_on(self, ports: list[int]) -> None:
        self.port, self.metrics_port = ports
        namespace = self.deployment.namespace
        token = self._apiserver.token_for(namespace, self.deployment.account, seconds=7 * 24 * 3600)
        self._process = Process(
            [
                Path(sys.executable).with_name("sealbridge"),
                "operator",
                f"--namespace={namespace}",
                f"--listen-addr=127.0.0.1:{self.port}",
                f"--listen-metrics-addr=127.0.0.1:{self.metrics_port}",
                *self._arguments,
            ],
            self.log,
            environment={
                "KUBECONFIG": str(self._apiserver.kubeconfig_for(token, namespace=namespace)),
                **self._environment,
            },
        )
        self._launch()

    def _launch(self) -> None:
        self.process.start()
        self.process.wait_until(self._is_ready, timeout=60)

    def _is_ready(self) -> bool:
        try:
            self.get("/readyz")
        except (urllib.error.URLError, OSError):
            return False
        return True


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - an address made here
        return str(answer.read().decode())
