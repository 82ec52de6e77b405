"""A cluster of which nothing but reading is asked. Knows no kind; a write through it is a defect.

A token of a service account may be asked for: stores log in with it, and it changes no object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from sealbridge.reconcile.cluster import Applied, Cluster, Owner, Ownership, TargetState
from sealbridge.reconcile.kinds import Kind, Object
from sealbridge.secret import Secret, Value


class ReadOnlyCluster:
    """Implements `reconcile.cluster.Cluster` over another one."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """As the cluster."""
        return await self._cluster.get(kind, namespace, name)

    async def list(
        self, kind: Kind, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Object]:
        """As the cluster."""
        return await self._cluster.list(kind, namespace=namespace, labels=labels)

    async def get_secret(self, namespace: str, name: str) -> Secret | None:
        """As the cluster."""
        return await self._cluster.get_secret(namespace, name)

    async def list_secrets(self, namespace: str, *, labels: Mapping[str, str]) -> Sequence[Secret]:
        """As the cluster."""
        return await self._cluster.list_secrets(namespace, labels=labels)

    async def target_state(self, namespace: str, name: str) -> TargetState | None:
        """As the cluster."""
        return await self._cluster.target_state(namespace, name)

    async def namespace_labels(self, namespace: str) -> Mapping[str, str] | None:
        """As the cluster."""
        return await self._cluster.namespace_labels(namespace)

    async def service_account_token(
        self, namespace: str, name: str, *, audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        """As the cluster."""
        return await self._cluster.service_account_token(
            namespace, name, audiences=audiences, expiration_seconds=expiration_seconds
        )

    async def create_secret(self, secret: Secret) -> Secret:
        """Never."""
        _refuse()

    async def apply_secret(self, secret: Secret, *, owner: Owner, ownership: Ownership) -> Applied:
        """Never."""
        _refuse()

    async def delete_secret(self, namespace: str, name: str, *, uid: str) -> bool:
        """Never."""
        _refuse()

    async def patch_status(self, kind: Kind, obj: Object, status: Object) -> None:
        """Never."""
        _refuse()

    async def set_finalizer(self, kind: Kind, obj: Object, finalizer: str, *, present: bool) -> Object:
        """Never."""
        _refuse()

    async def record_event(self, about: Object, *, type_: str, reason: str, message: str) -> None:
        """Never."""
        _refuse()


def _refuse() -> NoReturn:
    raise RuntimeError("a write through a cluster that is only read")
