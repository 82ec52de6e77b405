"""A cluster with the operator in it, as a real process under the rights that deploy/ ships."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sealbridge.sealing import envelope
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import seal
from sealbridge.secret import Secret, Value
from tests.servers.apiserver import ApiServer, AuditEvent
from tests.servers.operator import Operator, deploy
from tests.servers.process import wait_for

NAMESPACE = "sealbridge"
LOOPBACK = "--store-allowed-networks=127.0.0.0/8"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_KINDS = ("sealedsecrets", "externalsecrets", "pushsecrets", "secretstores")
_APIS = {
    "SealedSecret": "bitnami.com/v1alpha1",
    "ExternalSecret": "external-secrets.io/v1",
    "PushSecret": "external-secrets.io/v1alpha1",
    "SecretStore": "external-secrets.io/v1",
    "ClusterSecretStore": "external-secrets.io/v1",
}

Manifest = dict[str, Any]


class World:
    """Hands on the cluster: what a user and a test can do and see."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        deployment = deploy(server)
        self.user = deployment.user
        token = server.token_for(deployment.namespace, deployment.account)
        self.kubeconfig = server.kubeconfig_for(token)

    def operator(self, *flags: str, kubeconfig: Path | None = None) -> Operator:
        """One that tells all that it does, not yet started."""
        always = ("--key-size=2048", "--log-level=debug")
        return Operator(kubeconfig or self.kubeconfig, NAMESPACE, self.folder, *always, *flags)

    def sweep_away(self) -> None:
        """Delete what other tests have left: the operator would take care of it, too."""
        for plural in _KINDS:
            self.server.kubectl("delete", plural, "--all-namespaces", "--all", "--wait=false")
        for plural in ("clustersecretstores", "clusterexternalsecrets"):
            self.server.kubectl("delete", plural, "--all", "--wait=false")

    def clear(self, namespace: str) -> None:
        """Delete what a test has made, so that the operator of the next has less to look at."""
        for kind in ("SealedSecret", "ExternalSecret", "PushSecret", "SecretStore", "Secret"):
            self.server.request("DELETE", _collection(kind, namespace))
        for kind in ("ExternalSecret", "PushSecret", "SecretStore"):
            for held in self.all(kind, namespace):
                # No operator is left that would take it off.
                self.patch(kind, namespace, held["metadata"]["name"], {"metadata": {"finalizers": None}})

    def apply(self, manifests: Iterable[Manifest]) -> None:
        document = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.server.kubectl("apply", "-f", "-", stdin=json.dumps(document))

    def create(self, manifest: Manifest) -> Manifest:
        """Create one object. Raises ApiError where the schema refuses it."""
        api, kind = manifest["apiVersion"], manifest["kind"]
        root = f"/apis/{api}" if "/" in api else f"/api/{api}"
        namespace = manifest["metadata"].get("namespace")
        place = f"/namespaces/{namespace}" if namespace else ""
        created: Manifest = self.server.request("POST", f"{root}{place}/{kind.lower()}s", manifest)
        return created

    def get(self, kind: str, namespace: str, name: str) -> Manifest:
        return self.server.request("GET", f"{_collection(kind, namespace)}/{name}")

    def all(self, kind: str, namespace: str) -> list[Manifest]:
        items: list[Manifest] = self.server.request("GET", _collection(kind, namespace))["items"]
        return items

    def keyring(self) -> Keyring:
        """The sealing keys."""
        secrets = [Secret.from_manifest(obj) for obj in self.all("Secret", NAMESPACE)]
        return Keyring(
            SealingKey.from_secret(one) for one in secrets if one.labels.get(KEY_LABEL) == "active"
        )

    def secrets(self, namespace: str) -> dict[str, dict[str, bytes]]:
        """Items by the name of their Secret."""
        return {
            secret["metadata"]["name"]: {
                key: base64.b64decode(text) for key, text in (secret.get("data") or {}).items()
            }
            for secret in self.all("Secret", namespace)
        }

    def patch(self, kind: str, namespace: str, name: str, patch: Manifest) -> None:
        self.server.request(
            "PATCH",
            f"{_collection(kind, namespace)}/{name}",
            patch,
            content_type="application/merge-patch+json",
        )

    def delete(self, kind: str, namespace: str, name: str) -> None:
        self.server.request("DELETE", f"{_collection(kind, namespace)}/{name}")

    def condition(self, kind: str, namespace: str, name: str, type_: str = "Ready") -> Manifest:
        """Empty when there is none yet."""
        for condition in (self.get(kind, namespace, name).get("status") or {}).get("conditions") or []:
            if condition["type"] == type_:
                return dict(condition)
        return {}

    def events(self, namespace: str) -> list[Manifest]:
        items: list[Manifest] = self.server.request("GET", f"/api/v1/namespaces/{namespace}/events")["items"]
        return items

    def writes(self, *, since: int) -> list[AuditEvent]:
        return [
            event
            for event in self.server.audit_events(user=self.user, since=since)
            if event.request.verb in WRITES
        ]


def own_address() -> str:
    """An address of this machine that is not loopback, to which an API server does not proxy."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        address = str(probe.getsockname()[0])
    assert not address.startswith("127."), "this machine has no address but loopback: give it one"
    return address


@contextmanager
def service(world: World, operator: Operator, namespace: str, name: str) -> Iterator[str]:
    """A Service before an operator that listens on `own_address`; its path in the API server's proxy.

    The proxy asks for a pod with the address of the endpoint, which a kubelet would tell in a cluster.
    """
    address, _, port = operator.url.removeprefix("http://").rpartition(":")
    metadata = {"name": name, "namespace": namespace}
    ports = [{"name": "http", "port": int(port)}]
    pod = {"containers": [{"name": "operator", "image": "none"}]}
    target = {"kind": "Pod", "name": name, "namespace": namespace}
    subset = {"addresses": [{"ip": address, "targetRef": target}], "ports": ports}
    world.apply(
        [
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod},
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}},
            {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]},
        ]
    )
    root = f"/api/v1/namespaces/{namespace}"
    world.server.request(
        "PATCH",
        f"{root}/pods/{name}/status",
        {"status": {"podIP": address, "podIPs": [{"ip": address}]}},
        content_type="application/merge-patch+json",
    )
    path = f"{root}/services/http:{name}:http/proxy"
    # The API server takes endpoints from its cache.
    eventually(lambda: _answers(world, f"{path}/healthz"), what="the Service proxy")
    yield path
    for plural in ("services", "pods"):
        world.server.request("DELETE", f"{root}/{plural}/{name}")


def _answers(world: World, path: str) -> bool:
    try:
        world.server.kubectl("get", "--raw", path)
    except RuntimeError:
        return False
    return True


def eventually(check: Any, *, what: str, timeout: float = 45) -> None:
    """Wait until `check` is true."""
    wait_for(lambda: bool(check()), timeout=timeout, what=what, interval=0.1)


def sealed_secret(
    certificate: Certificate, namespace: str, name: str, items: Mapping[str, str], scope: Scope = Scope.STRICT
) -> Manifest:
    secret = Secret(
        name=name,
        namespace=namespace,
        items={key: Value(text.encode()) for key, text in items.items()},
        labels={"app": "shop"},
    )
    return seal(secret, certificate, scope).to_manifest()


def whole_secret(certificate: Certificate, namespace: str, name: str, secret: Manifest) -> Manifest:
    """The deprecated format."""
    content = envelope.seal(json.dumps(secret).encode(), certificate, f"{namespace}/{name}".encode())
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"data": base64.b64encode(content).decode(), "encryptedData": {}},
    }


def external_secret(
    namespace: str,
    name: str,
    *,
    store: str = "fake",
    interval: str = "1h",
    **references: str | Manifest,
) -> Manifest:
    data = [
        {"secretKey": key, "remoteRef": {"key": reference} if isinstance(reference, str) else reference}
        for key, reference in references.items()
    ]
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"refreshInterval": interval, "secretStoreRef": {"name": store}, "data": data},
    }


def push_secret(
    namespace: str, name: str, *, source: str = "source", store: str = "remote", **remote: str | Manifest
) -> Manifest:
    """`remote`: by key of the source, a remote key or a remoteRef."""
    data = [
        {"match": {"secretKey": key, "remoteRef": {"remoteKey": ref} if isinstance(ref, str) else ref}}
        for key, ref in remote.items()
    ]
    return {
        "apiVersion": "external-secrets.io/v1alpha1",
        "kind": "PushSecret",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "secretStoreRefs": [{"name": store}],
            "selector": {"secret": {"name": source}},
            "data": data,
        },
    }


def fake_store(namespace: str, name: str, values: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "provider": {"fake": {"data": [{"key": key, "value": value} for key, value in values.items()]}}
        },
    }


def vault_store(
    namespace: str, name: str, url: str, token_secret: str, *, path: str, ca: bytes | None = None
) -> Manifest:
    """KV v2 at `path`, with a token from an item of that name."""
    trust = {"caBundle": base64.b64encode(ca).decode()} if ca else {}
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "provider": {
                "vault": {
                    "server": url,
                    "path": path,
                    "version": "v2",
                    **trust,
                    "auth": {"tokenSecretRef": {"name": token_secret, "key": "token"}},
                }
            }
        },
    }


def _collection(kind: str, namespace: str) -> str:
    api = _APIS.get(kind)
    root = f"/apis/{api}" if api else "/api/v1"
    return f"{root}/namespaces/{namespace}/{kind.lower()}s"
