"""Sealing keys in a namespace of a cluster, for a person's or a job's command. Opens nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sealbridge.errors import Conflict, KeyFileError
from sealbridge.kube.client import MERGE_PATCH, Client, path_of
from sealbridge.kube.cluster import KubernetesCluster
from sealbridge.kube.discovery import Discovery
from sealbridge.lifecycle.creation import Place
from sealbridge.lifecycle.key_home import Found, State
from sealbridge.lifecycle.policy import KEY_PREFIX
from sealbridge.reconcile.kinds import NAMESPACE, SEALED_SECRET, SECRET, Object
from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.secret import Secret

# Where controllers are by default: Sealed Secrets' and ours.
NAMESPACES = ("kube-system", "sealbridge")


class _NoEvents:
    async def record(self, about: Object, *, type_: str, reason: str, message: str) -> None:
        """Commands tell people themselves."""


class ClusterKeyHome(KubernetesCluster):
    """Implements `lifecycle.key_home.KeyHome`. Made by `open_home`."""

    def __init__(self, client: Client, namespace: str) -> None:
        super().__init__(client, _NoEvents(), discovery=Discovery(client))
        self._requests = client
        self.namespace = namespace
        self.where = f"namespace {namespace}"

    async def place(self) -> Place:
        """The UID of the namespace is the id of the cluster, as for the operator."""
        found = await self._requests.get(path_of(NAMESPACE, None, self.namespace))
        if found is None:
            raise KeyFileError(
                f"there is no namespace {self.namespace}", hint="name that of the controller with -n"
            )
        return Place(str(found["metadata"]["uid"]), self.namespace)

    async def all_secrets(self) -> Sequence[Secret]:
        """Those with the label, whatever its value, and the one of the oldest versions."""
        found: list[Secret] = []
        async for page in self._requests.pages(path_of(SECRET, self.namespace), labels=KEY_LABEL):
            found += [Secret.from_manifest(one) for one in page]
        legacy = await self.get_secret(self.namespace, KEY_PREFIX)
        if legacy is not None and KEY_LABEL not in legacy.labels:
            found.append(legacy)
        return sorted(found, key=lambda one: (str(one.metadata.get("creationTimestamp") or ""), one.name))

    async def mark(
        self, secret: Secret, *, state: State | None = None, annotations: Mapping[str, str] | None = None
    ) -> None:
        """A patch that holds only for the very Secret that was read. Raises Conflict."""
        metadata: dict[str, object] = {
            "uid": secret.metadata.get("uid"),
            "annotations": dict(annotations or {}),
        }
        if state is not None:
            metadata["labels"] = {KEY_LABEL: state.value}
            # What is said of a key's state is said of the state that was seen.
            metadata["resourceVersion"] = secret.metadata.get("resourceVersion")
        path = path_of(SECRET, self.namespace, secret.name)
        found = await self._requests.get(path)
        if found is None:
            raise Conflict(f"the key {secret.name} is gone", where=self.where)
        await self._requests.request(
            "PATCH", path, body={"metadata": metadata}, content_type=MERGE_PATCH, sensitive=True
        )

    async def sealed(self) -> Sequence[Found]:
        """The SealedSecrets of all namespaces."""
        return [
            Found(f"SealedSecret {one['metadata'].get('namespace')}/{one['metadata'].get('name')}", one)
            for one in await self.list(SEALED_SECRET)
        ]

    async def settle(self, current: SealingKey) -> None:
        """Nothing: the controller watches its keys."""


async def open_home(client: Client, namespace: str | None) -> ClusterKeyHome:
    """The keys of a namespace, or of the one default namespace that has any. Raises KeyFileError."""
    if namespace:
        return ClusterKeyHome(client, namespace)
    homes = [ClusterKeyHome(client, one) for one in NAMESPACES]
    filled = [home for home in homes if await home.all_secrets()]
    if len(filled) == 1:
        return filled[0]
    found = "both have" if filled else "neither has"
    raise KeyFileError(
        f"of the namespaces {' and '.join(NAMESPACES)}, {found} sealing keys",
        hint="name the controller's with -n NAMESPACE",
    )
