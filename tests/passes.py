"""Passes over ExternalSecrets in a directory, by the real reconcilers. For tests."""

from __future__ import annotations

from typing import Any

from sealbridge.local.directory import DirectoryCluster
from sealbridge.reconcile.external_secret import ExternalSecretReconciler
from sealbridge.reconcile.kinds import ObjectKey
from sealbridge.reconcile.result import Result
from sealbridge.reconcile.secret_store import SecretStoreReconciler
from sealbridge.reconcile.store_pool import Opener, StorePool
from sealbridge.stores.registry import open_store
from tests.worlds import World, condition, external_key

DB = external_key("db")
HOUR = 3600.0


class Operator:
    """What outlives a pass: the cluster and the pool of opened stores."""

    def __init__(self, world: World, *, once: bool = False, opener: Opener = open_store) -> None:
        self.world = world
        self.cluster: DirectoryCluster = world.cluster()
        self.pool = StorePool(self.cluster, world.clock, opener=opener)
        self.external = ExternalSecretReconciler(self.cluster, self.pool, world.clock, refresh_always=once)
        self.stores = SecretStoreReconciler(self.cluster, self.pool, world.clock)

    async def reconcile(self, key: ObjectKey = DB) -> Result:
        """Look at all stores, then at the object; the source is read anew before."""
        self.cluster.reload()
        await self.check_stores()
        return await self.external.reconcile(key)

    async def check_stores(self) -> None:
        kinds = ("SecretStore", "ClusterSecretStore")
        for key in list(self.cluster._contents.objects):
            if key.kind in kinds:
                await self.stores.reconcile(key)

    async def ready(self, key: ObjectKey = DB) -> dict[str, Any]:
        return condition(await self.world.object(self.cluster, key), "Ready")

    async def status(self, key: ObjectKey = DB) -> dict[str, Any]:
        status: dict[str, Any] = (await self.world.object(self.cluster, key))["status"]
        return status

    def events(self, kind: str = "ExternalSecret") -> list[tuple[str, str, str]]:
        return [(e.type_, e.reason, e.message) for e in self.cluster.events if e.about.kind == kind]
