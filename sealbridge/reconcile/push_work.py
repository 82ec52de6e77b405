"""Entries of a PushSecret on their way into one store, and out of it again. Knows what came of each.

Nothing is removed on the way of a failure, and nothing that another PushSecret holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from sealbridge.errors import Invalid, SealbridgeError
from sealbridge.reconcile import push_report
from sealbridge.reconcile.cluster import Clock
from sealbridge.reconcile.kinds import Object, ObjectKey
from sealbridge.reconcile.push_claims import PushClaims
from sealbridge.reconcile.push_records import Records
from sealbridge.reconcile.push_report import Failure
from sealbridge.reconcile.store_pool import SharedStore, StorePool
from sealbridge.stores.base import Target
from sealbridge.sync.push_secret import PushDeletionPolicy, PushSecret, UpdatePolicy
from sealbridge.sync.pushing import Broken, Entry


@dataclass(slots=True)
class Work:
    """What one store is to get, and what came of it."""

    key: ObjectKey
    store: Object | SealbridgeError
    entries: list[Entry] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    pushed: list[Target] = field(default_factory=list)
    kept: list[Target] = field(default_factory=list)
    removed: list[Target] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def wanted(self) -> set[Target]:
        """Every place that the spec names here, whether it works or not."""
        named = {entry.push.target for entry in self.entries}
        return named | {one.target for one in self.broken if one.target is not None}

    @property
    def is_understood(self) -> bool:
        """Whether it is known of every place in this store if it is named."""
        return all(one.target is not None for one in self.broken)


class Pushing:
    """The pushes and removals of one pass over one PushSecret.

    `records` is what is where, and is kept true as things go on; `needs` what they depend on. `is_fresh`:
    even what was pushed a moment ago is looked at again. `version` is the PushSecret's.
    """

    def __init__(
        self,
        pool: StorePool,
        claims: PushClaims,
        clock: Clock,
        key: ObjectKey,
        records: Records,
        version: str,
    ) -> None:
        self._pool = pool
        self._claims = claims
        self._clock = clock
        self._key = key
        self.records = records
        self._version = version
        self.needs: frozenset[ObjectKey] = frozenset()
        self.is_fresh = False

    async def push_all(self, wanted: PushSecret, work: Work) -> None:
        """One entry after the other: several may go into one remote secret."""
        if isinstance(work.store, SealbridgeError) or not work.entries:
            return
        opened = await self._opened(work)
        for entry in work.entries:
            if opened is not None:
                await self._push(wanted, work, opened, entry)

    async def _push(self, wanted: PushSecret, work: Work, store: SharedStore, entry: Entry) -> None:
        push, now = entry.push, self._clock.now()
        place = (work.key, push.target)
        if not self._claims.claim(place, self._key):
            other = self._claims.holder(place)
            # Tenants who share a store need not know each other's names.
            near = other is not None and other.namespace == self._key.namespace
            name = other if near else "a PushSecret of another namespace"
            what = f"{push.target} belongs to {name}, which pushes to it"
            work.failures.append(Failure(entry.where, work.key, Invalid(what, hint="keep one of the two")))
            return
        known = self.records.setdefault(work.key, {})
        within = wanted.spec.refresh_interval if wanted.spec.refresh_interval > timedelta() else timedelta.max
        if not self.is_fresh and self._claims.is_there(work.key, push, self._version, now, within=within):
            known[push.target] = entry.data
            return
        try:
            if wanted.spec.update_policy is UpdatePolicy.IF_NOT_EXISTS and await store.exists(push.target):
                work.kept.append(push.target)
                return
            if await store.push(push):
                work.pushed.append(push.target)
        except SealbridgeError as error:
            self._claims.forget(place)
            work.failures.append(Failure(entry.where, work.key, error))
            if getattr(error, "retryable", False) and _is_ours(wanted):
                known.setdefault(push.target, entry.data)  # nobody knows whether it has arrived
            return
        known[push.target] = entry.data
        self._claims.remember(work.key, push, self._version, now)

    async def _opened(self, work: Work) -> SharedStore | None:
        if isinstance(work.store, SealbridgeError):
            return None
        try:
            return await self._pool.open(work.store, self._key.namespace)
        except SealbridgeError as error:
            self.needs |= self._pool.credentials(work.store, self._key.namespace)
            work.failures.append(Failure("", work.key, error))
            return None

    async def remove_unlisted(self, work: Work) -> None:
        """What was pushed there and is not named any more goes; not on the way of a failure."""
        known = self.records.get(work.key, {})
        unlisted = [target for target in known if target not in work.wanted]
        if not unlisted or not work.is_understood or any(not one.where for one in work.failures):
            return
        opened = await self._opened(work)
        for target in unlisted:
            if opened is None:
                return
            place = (work.key, target)
            if self._claims.holder(place) in (None, self._key):
                try:
                    await opened.delete(target)
                except SealbridgeError as error:
                    what = f"{target} cannot be removed: {error.what}"
                    work.failures.append(Failure("", work.key, push_report.renamed(error, what)))
                    continue
                work.removed.append(target)
            self._claims.forget(place)
            del known[target]


def _is_ours(wanted: PushSecret) -> bool:
    """Whether what arrives is there to be removed one day."""
    spec = wanted.spec
    return spec.deletion_policy is PushDeletionPolicy.DELETE and spec.update_policy is UpdatePolicy.REPLACE
