"""The kinds that sealbridge reads and writes, by group, version and plural. Knows no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# A Kubernetes object in transit, as JSON has it.
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object. `versions` are those read, the first is the one written."""

    name: str
    group: str
    versions: tuple[str, ...]
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`group/version`, or `v1` for the core group."""
        return f"{self.group}/{self.versions[0]}" if self.group else self.versions[0]

    def __str__(self) -> str:
        return self.name


SECRET = Kind("Secret", "", ("v1",), "secrets")
CONFIG_MAP = Kind("ConfigMap", "", ("v1",), "configmaps")
SERVICE_ACCOUNT = Kind("ServiceAccount", "", ("v1",), "serviceaccounts")
NAMESPACE = Kind("Namespace", "", ("v1",), "namespaces", namespaced=False)
SEALED_SECRET = Kind("SealedSecret", "bitnami.com", ("v1alpha1",), "sealedsecrets")
EXTERNAL_SECRET = Kind("ExternalSecret", "external-secrets.io", ("v1", "v1beta1"), "externalsecrets")
SECRET_STORE = Kind("SecretStore", "external-secrets.io", ("v1", "v1beta1"), "secretstores")
CLUSTER_SECRET_STORE = Kind(
    "ClusterSecretStore", "external-secrets.io", ("v1", "v1beta1"), "clustersecretstores", namespaced=False
)
CLUSTER_EXTERNAL_SECRET = Kind(
    "ClusterExternalSecret",
    "external-secrets.io",
    ("v1", "v1beta1"),
    "clusterexternalsecrets",
    namespaced=False,
)

PUSH_SECRET = Kind("PushSecret", "external-secrets.io", ("v1alpha1",), "pushsecrets")

PASSWORD = Kind("Password", "generators.external-secrets.io", ("v1alpha1",), "passwords")
UUID = Kind("UUID", "generators.external-secrets.io", ("v1alpha1",), "uuids")
FAKE = Kind("Fake", "generators.external-secrets.io", ("v1alpha1",), "fakes")
CLUSTER_GENERATOR = Kind(
    "ClusterGenerator", "generators.external-secrets.io", ("v1alpha1",), "clustergenerators", namespaced=False
)

KINDS = {
    kind.name: kind
    for kind in (
        SECRET,
        CONFIG_MAP,
        NAMESPACE,
        SEALED_SECRET,
        EXTERNAL_SECRET,
        CLUSTER_EXTERNAL_SECRET,
        SECRET_STORE,
        CLUSTER_SECRET_STORE,
        PUSH_SECRET,
        PASSWORD,
        UUID,
        FAKE,
        CLUSTER_GENERATOR,
    )
}


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """What the queue holds and results speak of: a kind's name, a namespace ('' if none), a name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def key_of(obj: Object) -> ObjectKey:
    """The key of an object that carries its kind."""
    metadata = obj["metadata"]
    return ObjectKey(obj["kind"], metadata.get("namespace") or "", metadata["name"])
