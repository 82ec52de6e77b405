"""The opened stores, shared. Knows when one may be used again and when it must be opened anew.

A store is shared while its object and every credential that it has read stay the same. Stores that
are replaced or not used for long are closed, once nobody is in the middle of a call.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sealbridge.errors import Invalid, StoreError, Unavailable
from sealbridge.reconcile.cluster import Clock, Cluster
from sealbridge.reconcile.credentials import ClusterResolver
from sealbridge.reconcile.kinds import CLUSTER_SECRET_STORE, Object, ObjectKey
from sealbridge.reconcile.store_access import DEFAULT_CONTROLLER_CLASS
from sealbridge.secret import Value
from sealbridge.stores.base import Push, Reference, Resolver, Search, Store, Target
from sealbridge.stores.guard import GuardedStore
from sealbridge.stores.registry import TELLING, open_store

_T = TypeVar("_T")
# As stores.registry.open_store.
Opener = Callable[[str, Mapping[str, Any], Resolver], Awaitable[Store]]
_Identity = tuple[str, str, str, str]  # kind, namespace and name of the store, referent namespace


@dataclass(slots=True)
class _Entry:
    store: SharedStore
    version: tuple[object, ...]  # uid and generation
    resolver: ClusterResolver
    checked: datetime


class SharedStore:
    """A store that closes itself when it is retired and its last call has come back."""

    def __init__(self, store: GuardedStore) -> None:
        self._store = store
        self._calls = 0
        self._retired = False

    async def fetch(
        self, references: Sequence[Reference], *, fresh: bool = False
    ) -> Mapping[Reference, Value | StoreError]:
        """As Store.fetch; `fresh` shares no value that was fetched for somebody else."""
        if self._retired:
            error = Unavailable("the store has changed meanwhile")
            return dict.fromkeys(references, error)
        return await self._during(lambda: self._store.fetch(references, fresh=fresh))

    async def find(self, search: Search, *, fresh: bool = False) -> Mapping[str, Value]:
        """As Store.find; `fresh` shares no answer that was given to somebody else."""
        return await self._if_current(lambda: self._store.find(search, fresh=fresh))

    async def push(self, push: Push) -> bool:
        """As Store.push."""
        return await self._if_current(lambda: self._store.push(push))

    async def delete(self, target: Target) -> None:
        """As Store.delete."""
        await self._if_current(lambda: self._store.delete(target))

    async def exists(self, target: Target) -> bool:
        """As Store.exists."""
        return await self._if_current(lambda: self._store.exists(target))

    async def check(self) -> None:
        await self._if_current(self._store.check)

    async def close(self) -> None:
        """Nothing: the pool owns it."""

    async def retire(self) -> None:
        self._retired = True
        if not self._calls:
            await self._store.close()

    async def _if_current(self, call: Callable[[], Awaitable[_T]]) -> _T:
        if self._retired:
            raise Unavailable("the store has changed meanwhile")
        return await self._during(call)

    async def _during(self, call: Callable[[], Awaitable[_T]]) -> _T:
        self._calls += 1
        try:
            return await call()
        finally:
            self._calls -= 1
            if self._retired and not self._calls:
                await self._store.close()


@dataclass(slots=True)
class _Slot:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    entry: _Entry | None = None
    resolver: ClusterResolver | None = None  # of the last opening, whether it worked or not


class StorePool:
    """Opened stores by identity. `capacity` bounds how many stay open.

    `recheck`: how long the credentials of an opened store are taken to be unchanged. `controller_class`:
    stores of another one are left to their own controller.
    """

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        *,
        capacity: int = 256,
        recheck: timedelta = timedelta(seconds=10),
        opener: Opener = open_store,
        controller_class: str = DEFAULT_CONTROLLER_CLASS,
    ) -> None:
        self.controller_class = controller_class
        self._cluster = cluster
        self._clock = clock
        self._capacity = capacity
        self._recheck = recheck
        self._open = opener
        self._slots: OrderedDict[_Identity, _Slot] = OrderedDict()

    async def open(self, store_object: Object, namespace: str) -> SharedStore:
        """The opened store, for use by objects in `namespace`; closing it is the pool's business.

        Raises StoreError and ClusterError.
        """
        identity = _identity(store_object, namespace)
        try:
            while True:
                slot = self._slots.setdefault(identity, _Slot())
                self._slots.move_to_end(identity)
                async with slot.lock:
                    if self._slots.get(identity) is slot:
                        return await self._current(slot, store_object, namespace)
                    # It was dropped while we waited: what we opened there nobody would ever close.
        finally:
            await self._shrink()

    async def forget(self, kind: str, namespace: str, name: str) -> None:
        """Close whatever is open of one store: it is gone or was changed."""
        for identity in [i for i in self._slots if i[:3] == (kind, namespace, name)]:
            await self._drop(identity)

    async def close(self) -> None:
        """Close every store, all at once: each may have a token to give back to a server that is slow."""
        await asyncio.gather(*map(self._drop, list(self._slots)))

    def credentials(self, store_object: Object, namespace: str) -> frozenset[ObjectKey]:
        """The Secrets that the store has asked for so far, there or not."""
        slot = self._slots.get(_identity(store_object, namespace))
        return slot.resolver.secrets if slot is not None and slot.resolver is not None else frozenset()

    async def _current(self, slot: _Slot, store_object: Object, namespace: str) -> SharedStore:
        version = _version(store_object)
        entry = slot.entry
        if entry is not None and not (entry.version == version and await self._still_holds(entry)):
            slot.entry = None
            await entry.store.retire()
            entry = None
        if entry is None:
            entry = slot.entry = await self._opened(slot, store_object, namespace, version)
        return entry.store

    async def _opened(
        self, slot: _Slot, store_object: Object, namespace: str, version: tuple[object, ...]
    ) -> _Entry:
        provider, config = provider_of(store_object)
        resolver = slot.resolver = ClusterResolver(self._cluster, store_object, namespace)
        checked = self._clock.now()
        store = GuardedStore(await self._open(provider, config, resolver))
        return _Entry(SharedStore(store), version, resolver, checked)

    async def _still_holds(self, entry: _Entry) -> bool:
        now = self._clock.now()
        if timedelta(0) <= now - entry.checked < self._recheck:  # else the clock was set back
            return True
        if not await entry.resolver.unchanged():
            return False
        entry.checked = now
        return True

    async def _shrink(self) -> None:
        idle = [identity for identity, slot in self._slots.items() if not slot.lock.locked()]
        for identity in idle[: max(len(self._slots) - self._capacity, 0)]:
            await self._drop(identity)

    async def _drop(self, identity: _Identity) -> None:
        slot = self._slots.pop(identity, None)
        if slot is None:
            return
        async with slot.lock:
            if slot.entry is not None:
                entry, slot.entry = slot.entry, None
                await entry.store.retire()


def provider_of(store_object: Object) -> tuple[str, Mapping[str, Any]]:
    """The one provider of a store and its configuration. Raises Invalid."""
    spec = store_object.get("spec")
    provider = spec.get("provider") if isinstance(spec, dict) else None
    if not isinstance(provider, dict) or len(provider) != 1:
        raise Invalid("spec.provider must name exactly one provider")
    name, config = next(iter(provider.items()))
    if not isinstance(config, dict):
        raise Invalid(f"spec.provider.{name} must be a mapping")
    if store_object.get("kind") == CLUSTER_SECRET_STORE.name and _has_homeless_ca(config):
        # Whom credentials of a cluster's store are shown to is not for its users to say.
        raise Invalid(
            f"caProvider of a {CLUSTER_SECRET_STORE} needs a namespace", where=f"spec.provider.{name}"
        )
    return name, config


def _identity(store_object: Object, namespace: str) -> _Identity:
    metadata = store_object["metadata"]
    referent = namespace if is_referent(store_object) or _tells_who_asks(store_object) else ""
    return store_object["kind"], metadata.get("namespace") or "", metadata["name"], referent


def _version(store_object: Object) -> tuple[object, ...]:
    metadata = store_object["metadata"]
    return metadata.get("uid"), metadata.get("generation")


def is_referent(store_object: Object) -> bool:
    """Whether a cluster store points to something by a name without a namespace, anywhere.

    Such a reference means the namespace of whoever uses the store, so it is opened for each. Taking
    too much for a reference costs some sharing; taking too little would mix tenants. Raises Invalid.
    """
    return store_object["kind"] == CLUSTER_SECRET_STORE.name and _has_bare_name(provider_of(store_object)[1])


def _tells_who_asks(store_object: Object) -> bool:
    return store_object["kind"] == CLUSTER_SECRET_STORE.name and provider_of(store_object)[0] in TELLING


def _has_homeless_ca(value: object) -> bool:
    if isinstance(value, dict):
        ca = value.get("caProvider")
        if isinstance(ca, dict) and not ca.get("namespace"):
            return True
        return any(_has_homeless_ca(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_homeless_ca(inner) for inner in value)


def _has_bare_name(value: object) -> bool:
    if isinstance(value, dict):
        if isinstance(value.get("name"), str) and not value.get("namespace"):
            return True
        return any(_has_bare_name(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_bare_name(inner) for inner in value)
