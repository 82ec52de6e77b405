"""How a store of the cluster reaches its credentials. Knows whose namespace a reference means.

A SecretStore reaches into its own namespace and no other. A cluster store names the namespace, or
means that of whoever uses it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from sealbridge.errors import Denied, Invalid
from sealbridge.reconcile.cluster import Cluster
from sealbridge.reconcile.kinds import CLUSTER_SECRET_STORE, CONFIG_MAP, SECRET, Object, ObjectKey
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import SecretKeySelector

_OWN_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class ClusterResolver:
    """Hands a store what its spec points to, and remembers which Secrets it has read."""

    def __init__(self, cluster: Cluster, store: Object, namespace: str) -> None:
        self._cluster = cluster
        self._store = store
        self._namespace = namespace
        self._read: dict[tuple[str, str], tuple[str, str] | None] = {}

    @property
    def secrets(self) -> frozenset[ObjectKey]:
        """The Secrets that were asked for, there or not."""
        return frozenset(ObjectKey(SECRET.name, namespace, name) for namespace, name in self._read)

    async def unchanged(self) -> bool:
        """Whether every Secret that was read is still the same version. Raises ClusterError."""
        for (namespace, name), seen in self._read.items():
            if await self._version(namespace, name) != seen:
                return False
        return True

    @property
    def namespace(self) -> str:
        """As Resolver.namespace."""
        return self._namespace

    async def secret(self, name: str, namespace: str = "") -> Secret:
        """A whole Secret. Raises Invalid, Denied and ClusterError."""
        where = self._resolve(namespace, f'Secret "{name}"')
        # The version before the value: a change in between is seen as one, never missed.
        self._read[where, name] = await self._version(where, name)
        secret = await self._cluster.get_secret(where, name)
        if secret is None:
            raise Invalid(
                f'there is no Secret "{name}" in namespace "{where}" to log in with',
                hint="create it, or correct the reference in the store's spec",
            )
        return secret

    async def secret_value(self, selector: SecretKeySelector) -> Value:
        """One item of a Secret. Raises Invalid, Denied and ClusterError."""
        secret = await self.secret(selector.name, selector.namespace)
        if selector.key not in secret.items:
            raise Invalid(
                f'Secret "{selector.name}" in namespace "{secret.namespace}" has no key "{selector.key}"',
                hint="add the key, or correct the reference in the store's spec",
            )
        return secret.items[selector.key]

    async def config_map_value(self, name: str, key: str, namespace: str = "") -> str:
        """One entry of a ConfigMap. Raises Invalid, Denied and ClusterError."""
        where = self._resolve(namespace, f'ConfigMap "{name}"')
        found = await self._cluster.get(CONFIG_MAP, where, name)
        if found is None:
            raise Invalid(f'there is no ConfigMap "{name}" in namespace "{where}"')
        text = (found.get("data") or {}).get(key)
        if not isinstance(text, str):
            raise Invalid(f'ConfigMap "{name}" in namespace "{where}" has no key "{key}"')
        return text

    async def service_account_token(
        self, name: str, *, namespace: str = "", audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        """A token of a service account. Raises Denied and ClusterError."""
        where = self._resolve(namespace, f'ServiceAccount "{name}"')
        return await self._cluster.service_account_token(
            where, name, audiences=audiences, expiration_seconds=expiration_seconds
        )

    async def own_token(self) -> Value:
        """As Resolver.own_token: for cluster stores only, which are not for tenants to write."""
        if self._store["kind"] != CLUSTER_SECRET_STORE.name:
            raise Denied(
                "a SecretStore may not log in with the operator's own token",
                hint="name a service account of its namespace in serviceAccountRef",
            )
        try:
            token = (await asyncio.to_thread(_OWN_TOKEN.read_bytes)).strip()
        except OSError:
            raise Invalid(
                "there is no token of a pod to log in with",
                hint="name a service account in serviceAccountRef, or run in a pod",
            ) from None
        return Value(token)

    def _resolve(self, asked: str, what: str) -> str:
        if self._store["kind"] == CLUSTER_SECRET_STORE.name:
            return asked or self._namespace
        own: str = self._store["metadata"].get("namespace") or ""
        if asked and asked != own:
            raise Denied(
                f'a SecretStore may not use {what} of another namespace, "{asked}"',
                hint="leave the namespace out, or use a ClusterSecretStore",
            )
        return own

    async def _version(self, namespace: str, name: str) -> tuple[str, str] | None:
        state = await self._cluster.target_state(namespace, name)
        return None if state is None else (state.uid, state.resource_version)
