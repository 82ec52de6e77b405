"""A Kubernetes API server with RBAC on loopback: etcd and kube-apiserver, nothing else.

No controller runs beside it, so nothing is garbage-collected and no ServiceAccount appears by itself.
"""

from __future__ import annotations

import functools
import http.client
import json
import os
import secrets
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.servers.process import Process, launch_on_free_ports, wait_for, write_private

REPOSITORY = Path(__file__).resolve().parents[2]

_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


class ApiError(Exception):
    """The API server refused a request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Request(NamedTuple):
    """One kind of request, as the API server's metrics and its audit log tell them apart."""

    verb: str
    """In small letters, as RBAC spells it: get, list, watch, create, update, patch, delete."""
    resource: str
    subresource: str = ""


@dataclass(frozen=True)
class AuditEvent:
    """One answered request of the audit log."""

    user: str
    request: Request
    namespace: str
    name: str
    status: int
    agent: str


@functools.cache
def assets() -> Path:
    """The folder with etcd and kube-apiserver, built when it is missing. KUBEBUILDER_ASSETS wins."""
    output = subprocess.run(
        [REPOSITORY / "tools" / "envtest"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return Path(output.splitlines()[-1])


class ApiServer:
    """An API server whose data live in `folder` and which keeps its address over restarts."""

    def __init__(self, folder: Path) -> None:
        """Nothing is started yet."""
        self.folder = folder
        self.admin_token = secrets.token_hex(16)
        self.audit_log = folder / "audit.log"
        self.port = 0
        self._etcd_port = 0
        self._etcd: Process | None = None
        self._apiserver: Process | None = None
        self._tls: ssl.SSLContext | None = None
        self._authority: trustme.CA | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        """The certificate that its clients have to trust."""
        return self.folder / "pki" / "ca.pem"

    @property
    def data_folder(self) -> Path:
        """etcd's files, which hold every object in the clear."""
        return self.folder / "etcd"

    @property
    def log_files(self) -> list[Path]:
        return [self.folder / "etcd.log", self.folder / "kube-apiserver.log", self.audit_log]

    # Its life

    def start(self) -> None:
        """Start both programs and wait until the server is ready. A stopped one comes back with its data."""
        if not self.ca_file.exists():
            self._write_files()
        if self.port:
            return self._launch()
        return launch_on_free_ports(3, self._launch_on, self.kill)

    def _launch_on(self, ports: list[int]) -> None:
        self.port, self._etcd_port, peer_port = ports
        self._configure(peer_port)
        self._launch()

    def stop(self) -> None:
        """End both programs in good order; the data stay."""
        for process, seconds in ((self._apiserver, 20), (self._etcd, 10)):
            if process is not None:
                process.stop(timeout=seconds)

    def kill(self) -> None:
        """End both programs as a power cut does."""
        for process in (self._apiserver, self._etcd):
            if process is not None:
                process.kill()

    def restart(self) -> None:
        """Stop and start again on the same data and the same port."""
        self.stop()
        self.start()

    def stop_etcd(self) -> None:
        """Take the storage away, and wait until the server is unwell for want of it."""
        assert self._etcd is not None
        self._etcd.kill()
        wait_for(lambda: not self._is_ready(), timeout=60, what="the server to miss etcd")

    def start_etcd(self) -> None:
        """Bring it back, and wait until the server is well again."""
        assert self._etcd is not None
        assert self._apiserver is not None
        self._etcd.start()
        self._apiserver.wait_until(self._is_ready, timeout=60)

    def _launch(self) -> None:
        assert self._etcd is not None
        assert self._apiserver is not None
        self._etcd.start()
        # Awaited first: kube-apiserver would look for it for a long time before saying so.
        self._etcd.wait_until(self._etcd_answers, timeout=30)
        self._apiserver.start()
        self._apiserver.wait_until(self._is_ready, timeout=90)

    def _etcd_answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._etcd_port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _is_ready(self) -> bool:
        try:
            return self._send("GET", "/readyz", timeout=5)[0] == 200
        except OSError:
            return False

    def _write_files(self) -> None:
        self._authority = authority = trustme.CA()
        server = authority.issue_cert("127.0.0.1", "localhost")
        pki = self.folder / "pki"
        write_private(pki / "ca.pem", authority.cert_pem.bytes())
        write_private(pki / "server.pem", b"".join(part.bytes() for part in server.cert_chain_pems))
        write_private(pki / "server.key", server.private_key_pem.bytes())
        account_key = rsa.generate_private_key(65537, 2048)
        write_private(
            pki / "accounts.key",
            account_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            ),
        )
        write_private(
            pki / "accounts.pub",
            account_key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
        )
        write_private(pki / "tokens.csv", f"{self.admin_token},admin,admin,system:masters\n".encode())
        write_private(self.folder / "audit-policy.json", json.dumps(_AUDIT_POLICY).encode())

    def _configure(self, peer_port: int) -> None:
        programs = assets()
        pki = self.folder / "pki"
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{peer_port}"
        issuer = "https://kubernetes.default.svc"
        self._etcd = Process(
            [
                programs / "etcd",
                f"--data-dir={self.data_folder}",
                "--unsafe-no-fsync",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            ],
            self.folder / "etcd.log",
        )
        self._apiserver = Process(
            [
                programs / "kube-apiserver",
                f"--etcd-servers={client}",
                "--bind-address=127.0.0.1",
                f"--secure-port={self.port}",
                f"--tls-cert-file={pki / 'server.pem'}",
                f"--tls-private-key-file={pki / 'server.key'}",
                f"--cert-dir={pki}",
                "--advertise-address=127.0.0.1",
                "--service-cluster-ip-range=10.0.0.0/24",
                "--authorization-mode=RBAC",
                f"--client-ca-file={pki / 'ca.pem'}",
                f"--token-auth-file={pki / 'tokens.csv'}",
                f"--service-account-key-file={pki / 'accounts.pub'}",
                f"--service-account-signing-key-file={pki / 'accounts.key'}",
                f"--service-account-issuer={issuer}",
                f"--api-audiences={issuer}",
                "--disable-admission-plugins=ServiceAccount",
                f"--audit-policy-file={self.folder / 'audit-policy.json'}",
                f"--audit-log-path={self.audit_log}",
            ],
            self.folder / "kube-apiserver.log",
        )

    # Talking to it

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        content_type: str = "application/json",
    ) -> Any:
        """The answer as parsed JSON, asked as the admin unless a token is given; ApiError on a refusal."""
        status, answer = self._send(method, path, body, token=token, content_type=content_type)
        if status >= 300:
            try:
                message = str(json.loads(answer).get("message", ""))
            except ValueError:
                message = answer.decode(errors="replace")
            raise ApiError(status, f"{method} {path}: {message}")
        return json.loads(answer)

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        content_type: str = "application/json",
        timeout: float = 30,
    ) -> tuple[int, bytes]:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self.ca_file)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self._tls)
        try:
            connection.request(
                method,
                path,
                body=None if body is None else json.dumps(body),
                headers={
                    "Authorization": f"Bearer {token or self.admin_token}",
                    "Content-Type": content_type,
                },
            )
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def kubeconfig_for(self, token: str = "", *, namespace: str = "default") -> Path:
        """A kubeconfig file for whoever the token is of, the admin when none is given."""
        token = token or self.admin_token
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [
                {"name": "test", "cluster": {"server": self.url, "certificate-authority": str(self.ca_file)}}
            ],
            "users": [{"name": "test", "user": {"token": token}}],
            "contexts": [
                {"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}
            ],
        }
        path = self.folder / "kubeconfigs" / f"{secrets.token_hex(8)}.json"
        return write_private(path, json.dumps(config, indent=2).encode())

    def certificate_for(self, user: str) -> tuple[bytes, bytes]:
        """A client certificate by which the server knows a user, and its key, both PEM."""
        assert self._authority is not None
        made = self._authority.issue_cert(f"{user}.example.org", common_name=user)
        return b"".join(part.bytes() for part in made.cert_chain_pems), made.private_key_pem.bytes()

    @functools.cached_property
    def admin_kubeconfig(self) -> Path:
        return self.kubeconfig_for()

    def kubectl(
        self, *arguments: str | Path, stdin: str | None = None, kubeconfig: Path | None = None
    ) -> str:
        """What kubectl prints, as the admin unless a kubeconfig is given; RuntimeError with its complaint."""
        done = subprocess.run(
            [kubectl_program(), *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={
                **os.environ,
                "KUBECONFIG": str(kubeconfig or self.admin_kubeconfig),
                "KUBECACHEDIR": str(self.folder / "kubectl-cache"),
            },
        )
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    # What no controller makes here

    def ensure_namespace(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Make a namespace; an existing one is left as it is."""
        self._ensure("/api/v1/namespaces", {"metadata": {"name": name, "labels": dict(labels or {})}})

    def ensure_service_account(self, namespace: str, name: str) -> None:
        """Make a ServiceAccount, with its namespace; existing ones are left as they are."""
        self.ensure_namespace(namespace)
        self._ensure(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})

    def token_for(self, namespace: str, name: str, *, seconds: int = 3600) -> str:
        """A token of a ServiceAccount (made when missing), as TokenRequest issues it."""
        self.ensure_service_account(namespace, name)
        answer = self.request(
            "POST",
            f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
            {"spec": {"expirationSeconds": seconds}},
        )
        return str(answer["status"]["token"])

    def install_crds(self, folder: Path = REPOSITORY / "crds") -> None:
        """Apply every CRD of a folder and wait until the server serves them all."""
        self.kubectl("apply", "--validate=false", "-f", folder)

        def all_are_served() -> bool:
            items = self.request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")["items"]
            return all(_is_established(item) for item in items)

        wait_for(all_are_served, timeout=30, what="the CRDs to be established")

    def _ensure(self, path: str, body: object) -> None:
        try:
            self.request("POST", path, body)
        except ApiError as error:
            if error.status != 409:
                raise

    # What was asked of it

    def request_counts(self) -> Counter[Request]:
        """Requests for resources since it started, by its own metrics: of all users and of the server itself.

        Subtract two of these to see what happened in between.
        """
        _, text = self._send("GET", "/metrics")
        counts: Counter[Request] = Counter()
        for labels, value in _samples(text.decode(), "apiserver_request_total"):
            verb, resource = labels["verb"].lower(), labels.get("resource", "")
            if resource:
                counts[Request(_RBAC_VERBS.get(verb, verb), resource, labels.get("subresource", ""))] += int(
                    value
                )
        return counts

    def audit_events(self, *, user: str = "", since: int = 0) -> list[AuditEvent]:
        """Requests for resources that were answered, oldest first; a watch counts once, when it begins.

        Of one user (`system:serviceaccount:NS:NAME`) when given, and only what came after a position that
        `audit_position()` gave.
        """
        if not self.audit_log.exists():
            return []
        with self.audit_log.open("rb") as log:
            log.seek(since)
            events = [_audit_event(json.loads(line)) for line in log if line.endswith(b"\n")]
        return [event for event in events if event is not None and user in ("", event.user)]

    def audit_position(self) -> int:
        """Where the audit log ends now."""
        return self.audit_log.stat().st_size if self.audit_log.exists() else 0


_RBAC_VERBS = {"post": "create", "put": "update", "apply": "patch"}


def kubectl_program() -> str:
    """kubectl of this environment."""
    beside_python = Path(sys.executable).parent / "kubectl"
    return str(beside_python) if beside_python.exists() else "kubectl"


def _is_established(crd: Mapping[str, Any]) -> bool:
    conditions = crd.get("status", {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def _samples(text: str, metric: str) -> Iterator[tuple[dict[str, str], float]]:
    for line in text.splitlines():
        if line.startswith(metric + "{"):
            inside, _, value = line[len(metric) + 1 :].rpartition("} ")
            labels = (label.partition("=") for label in inside.split('",'))
            yield {name: value.strip('"') for name, _, value in labels}, float(value)


def _audit_event(line: Mapping[str, Any]) -> AuditEvent | None:
    what = line.get("objectRef", {})
    verb = line["verb"]
    # A watch is logged when it begins and again when it ends.
    if not what.get("resource") or (verb == "watch" and line["stage"] != "ResponseStarted"):
        return None
    return AuditEvent(
        user=line["user"]["username"],
        request=Request(verb, what.get("resource", ""), what.get("subresource", "")),
        namespace=what.get("namespace", ""),
        name=what.get("name", ""),
        status=line.get("responseStatus", {}).get("code", 0),
        agent=line.get("userAgent", ""),
    )
