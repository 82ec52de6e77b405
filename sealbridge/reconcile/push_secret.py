"""A PushSecret's values go into its stores. Knows when to push, what may go, and what to tell.

What fails is told by entry and store and stops nothing else. Nothing is removed on the way of a failure:
a remote secret goes only when its entry is gone from the spec, or its source or the PushSecret is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sealbridge.errors import ClusterError, Conflict, Invalid, ManifestError, SealbridgeError, SyncError
from sealbridge.reconcile import conditions, push_report, store_finalizer
from sealbridge.reconcile.asking import Unchecked, names_foreign_store
from sealbridge.reconcile.backoff import backoff
from sealbridge.reconcile.cluster import Clock, Cluster
from sealbridge.reconcile.kinds import NAMESPACE, PUSH_SECRET, Object, ObjectKey, key_of
from sealbridge.reconcile.push_claims import PushClaims
from sealbridge.reconcile.push_records import (
    copy_of,
    places,
    read_records,
    versions_of,
    write_records,
)
from sealbridge.reconcile.push_report import Failure
from sealbridge.reconcile.push_sources import made, needs_of, read_sources
from sealbridge.reconcile.push_stores import PushStores, Stores, chooses, raise_for_unchecked
from sealbridge.reconcile.push_work import Pushing, Work
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.status import being_deleted, failed, try_write_status, write_status
from sealbridge.reconcile.store_pool import StorePool
from sealbridge.secret import Secret
from sealbridge.stores.base import Target
from sealbridge.sync.push_secret import PushDeletionPolicy, PushSecret, UpdatePolicy, parse
from sealbridge.sync.pushing import entries
from sealbridge.sync.schedule import jitter

FINALIZER = "pushsecret.externalsecrets.io/finalizer"

# A store that was never looked at is about to be; coming back by ourselves is only the safety net.
_UNCHECKED_STORE_DELAY = 10.0
# The safety net for a source that comes while nobody watches.
_MISSING_DELAY = 300.0
_JITTER = 0.1
_ALL = "*"  # no namespace


class PushSecretReconciler:
    """Makes the stores hold what one PushSecret says, when it is due or its source has changed.

    `refresh_always`: a run that comes once, for which everything is due that time ever makes due. `dry`:
    nothing is pushed.
    """

    def __init__(
        self,
        cluster: Cluster,
        stores: StorePool,
        clock: Clock,
        *,
        refresh_always: bool = False,
        dry: bool = False,
    ) -> None:
        self._cluster = cluster
        self._stores = stores
        self._clock = clock
        self._claims = PushClaims()
        self._seeding = asyncio.Lock()
        self._seeded: set[str] = set()
        self._refresh_always = refresh_always
        self._dry = dry

    async def reconcile(self, key: ObjectKey) -> Result:
        """One pass. Raises nothing that a user can meet: it is in the result."""
        try:
            await self._seed(key.namespace)
            obj = await self._cluster.get(PUSH_SECRET, key.namespace, key.name)
            if obj is None:
                self._claims.keep_only(key, ())
                return Result(key=key, outcome=Outcome.GONE)
            if self._dry:
                return Result(key=key, outcome=Outcome.SKIPPED, message="a dry run pushes nothing")
            current = _Pass(
                self._cluster, self._stores, self._clock, self._claims, key, obj, self._refresh_always
            )
            return await (current.end() if being_deleted(obj) else current.run())
        except ClusterError as error:
            return failed(key, error, retry=error.retryable)

    async def _seed(self, namespace: str) -> None:
        """Who has pushed where before this process began: the older of two has it."""
        async with self._seeding:
            if not self._seeded.isdisjoint({_ALL, namespace}):
                return
            try:
                known, place = list(await self._cluster.list(PUSH_SECRET)), _ALL
            except ClusterError as error:
                if error.retryable:
                    raise
                # An operator of some namespaces may not list those of all.
                known, place = list(await self._cluster.list(PUSH_SECRET, namespace=namespace)), namespace
            known.sort(key=lambda obj: str(obj["metadata"].get("creationTimestamp") or ""))
            for obj in known:
                for taken in places(read_records(obj)):
                    self._claims.claim(taken, key_of(obj))
            self._seeded.add(place)


class _Pass:
    """One look at one object."""

    def __init__(
        self,
        cluster: Cluster,
        stores: StorePool,
        clock: Clock,
        claims: PushClaims,
        key: ObjectKey,
        obj: Object,
        refresh_always: bool,
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._claims = claims
        self._key = key
        self._obj = obj
        self._refresh_always = refresh_always
        self._controller_class = stores.controller_class
        self._stores = PushStores(cluster, key.namespace, stores.controller_class)
        self._more: frozenset[ObjectKey] = frozenset()
        status = obj.get("status")
        self._status: Mapping[str, object] = status if isinstance(status, dict) else {}
        self._refreshed = conditions.parse_timestamp(self._status.get("refreshTime"))
        self._version = conditions.synced_version(obj)
        self._pushing = Pushing(stores, claims, clock, key, read_records(obj), self._version)

    async def run(self) -> Result:
        try:
            wanted = parse(self._obj)
        except ManifestError as error:
            return await self._fail(error.what, error, retry=False)
        try:
            self._more = needs_of(wanted, self._key.namespace)
            sources = await read_sources(self._cluster, wanted, self._key.namespace)
            if sources is None:
                return await self._without_source(wanted)
            stores = await self._stores.of(wanted.spec)
            if not self._is_due(wanted, sources, stores):
                return await self._rest(wanted)
            if not stores:
                return await self._without_stores(wanted)
            raise_for_unchecked(stores)
            self._obj = await self._settle(self._deletes(wanted))
            versions = versions_of(sources)
            sources = await made(self._cluster, wanted, sources, self._key.namespace)
        except Unchecked:
            return self._result(
                Outcome.SKIPPED, message="its store was not checked yet", requeue_after=_UNCHECKED_STORE_DELAY
            )
        except Conflict as error:
            return failed(self._key, error, retry=True, depends_on=self._needs)
        except ClusterError:
            raise
        except SealbridgeError as error:
            return await self._fail(f"{conditions.PUSH_SOURCE_FAILED_MESSAGE}: {error}", error, retry=True)
        works = self._planned(wanted, sources, stores)
        await self._write_ahead(wanted, works)
        for work in works if self._deletes(wanted) else ():
            if work.entries and isinstance(work.store, dict):
                await store_finalizer.hold(self._cluster, work.store)
        await asyncio.gather(*(self._pushing.push_all(wanted, work) for work in works))
        if self._deletes(wanted):
            works += await self._former_stores(works)
            await asyncio.gather(*(self._pushing.remove_unlisted(work) for work in works))
        return await self._finish(wanted, versions, works)

    async def end(self) -> Result:
        """It is being deleted: what is to go with it goes, and then what holds it back."""
        if FINALIZER not in (self._obj["metadata"].get("finalizers") or ()):
            self._claims.keep_only(self._key, ())
            return self._result(Outcome.SKIPPED, message="it is being deleted")
        named = [(store.kind, store.name) for store in self._pushing.records]
        if await names_foreign_store(self._cluster, named, self._key.namespace, self._controller_class):
            return self._result(Outcome.SKIPPED, message="another controller takes care of its stores")
        spec = self._obj.get("spec")
        policy = spec.get("deletionPolicy") if isinstance(spec, dict) else None
        works: list[Work] = []
        if policy == PushDeletionPolicy.DELETE.value:
            works = await self._former_stores([])
            await asyncio.gather(*(self._pushing.remove_unlisted(work) for work in works))
        failures = [failure for work in works for failure in work.failures]
        if failures and not await self._is_ending():
            left = {"syncedPushSecrets": write_records(self._pushing.records) or None}
            return await self._failed(conditions.PUSH_DELETE_FAILED_MESSAGE, failures, left)
        await self._settle(False)
        removed = push_report.targets(self._gone(works))
        self._claims.keep_only(self._key, ())
        return self._result(
            Outcome.DELETED if removed else Outcome.SKIPPED, message="it is being deleted", removed=removed
        )

    # Sources

    async def _without_source(self, wanted: PushSecret) -> Result:
        secret = wanted.spec.selector.secret
        name = secret.name if secret is not None else ""
        if name and self._deletes(wanted):
            if self._says(conditions.PUSH_SOURCE_DELETED) and not self._pushing.records:
                return self._result(Outcome.UNCHANGED, requeue_after=_MISSING_DELAY)
            if self._pushing.records:
                return await self._source_deleted(name)
        what = f'there is no Secret "{name}"' if name else "no Secret has the labels of spec.selector"
        error = Invalid(what, hint="create it, or correct spec.selector")
        return await self._fail(f"{conditions.PUSH_SOURCE_FAILED_MESSAGE}: {what}", error, retry=True)

    async def _source_deleted(self, name: str) -> Result:
        """The source is gone, and deletionPolicy Delete has what was pushed from it go."""
        works = await self._former_stores([])
        await asyncio.gather(*(self._pushing.remove_unlisted(work) for work in works))
        failures = [failure for work in works for failure in work.failures]
        fields = {"syncedPushSecrets": write_records(self._pushing.records) or None, "sources": None}
        if failures:
            return await self._failed(conditions.PUSH_DELETE_FAILED_MESSAGE, failures, fields)
        self._claims.keep_only(self._key, places(self._pushing.records))
        message = f'{conditions.PUSH_SOURCE_DELETED_MESSAGE}: Secret "{name}"'
        ready = conditions.condition(
            conditions.READY, ok=False, reason=conditions.PUSH_SOURCE_DELETED, message=message
        )
        await write_status(self._cluster, self._clock, PUSH_SECRET, self._obj, wanted=[ready], fields=fields)
        gone = self._gone(works)
        await self._tell(
            conditions.NORMAL, conditions.PUSH_SOURCE_DELETED, message + push_report.changes({}, gone)
        )
        return self._result(Outcome.DELETED, message=message, removed=push_report.targets(gone))

    async def _without_stores(self, wanted: PushSecret) -> Result:
        refs = wanted.spec.secret_store_refs
        if any(ref.name for ref in refs):
            return self._result(Outcome.SKIPPED, message="another controller takes care of its stores")
        what = "spec.secretStoreRefs: no store that may be used here has these labels"
        return await self._fail(what, Invalid(what), retry=False)

    # When

    def _is_due(self, wanted: PushSecret, sources: Sequence[Secret], stores: Stores) -> bool:
        synced = self._status.get("syncedResourceVersion")
        version = self._version
        if not conditions.is_true(self._obj, conditions.READY) or synced != version:
            return True
        interval = wanted.spec.refresh_interval
        if interval <= timedelta():
            return False  # as upstream: once, until the PushSecret is edited
        if self._refreshed is None or self._refresh_always or self._elapsed(interval):
            self._pushing.is_fresh = True
            return True
        pushed_to = {store for store, there in self._pushing.records.items() if there}
        if pushed_to - stores.keys():
            return True
        if (self._status.get("sources") or []) != versions_of(sources):
            return True
        return bool(stores.keys() - pushed_to - self._idle())

    def _idle(self) -> set[ObjectKey]:
        """Stores that were asked and got nothing: all that was there is not ours, or no key fits."""
        named = self._status.get("idleStores")
        known = {str(one) for one in named} if isinstance(named, list) else set()
        return {key for key in self._stores.needs if f"{key.kind}/{key.name}" in known}

    def _elapsed(self, interval: timedelta) -> bool:
        return self._seconds_left(interval) <= 0

    def _seconds_left(self, interval: timedelta) -> float:
        if self._refreshed is None:
            return 0.0
        now = self._clock.now()
        if self._refreshed > now:
            return 0.0
        u = jitter(str(self._obj["metadata"].get("uid")), self._refreshed)
        due = self._refreshed + interval * (1 - _JITTER + 2 * _JITTER * u)
        return max((due - now) / timedelta(seconds=1), 0.0)

    def _next(self, wanted: PushSecret) -> float | None:
        interval = wanted.spec.refresh_interval
        return None if interval <= timedelta() or self._refreshed is None else self._seconds_left(interval)

    async def _rest(self, wanted: PushSecret) -> Result:
        for place in places(self._pushing.records):
            self._claims.claim(place, self._key)
        self._obj = await self._settle(self._deletes(wanted))
        return self._result(Outcome.UNCHANGED, requeue_after=self._next(wanted))

    # Pushing

    def _planned(self, wanted: PushSecret, sources: Sequence[Secret], stores: Stores) -> list[Work]:
        works = []
        for key, store in stores.items():
            work = Work(key, store)
            if isinstance(store, SealbridgeError):
                work.failures.append(Failure("", key, store))
            else:
                work.entries, work.broken = entries(
                    wanted.spec,
                    sources,
                    lambda ref, store=store: chooses(ref, store),  # type: ignore[misc]
                )
                work.failures += [Failure(one.where, key, one.error) for one in work.broken]
            works.append(work)
        return works

    async def _write_ahead(self, wanted: PushSecret, works: Sequence[Work]) -> None:
        """Before the first push of what is to be removed one day: a process that is killed still knows it."""
        if not self._deletes(wanted) or wanted.spec.update_policy is not UpdatePolicy.REPLACE:
            return
        ahead = copy_of(self._pushing.records)
        for work in works:
            for entry in work.entries:
                target = entry.push.target
                if self._claims.holder((work.key, target)) in (None, self._key):
                    ahead.setdefault(work.key, {}).setdefault(target, entry.data)
        if ahead != self._pushing.records:
            status = {**self._status, "syncedPushSecrets": write_records(ahead)}
            await self._cluster.patch_status(
                PUSH_SECRET, self._obj, {"syncedPushSecrets": status["syncedPushSecrets"]}
            )
            self._obj = {**self._obj, "status": status}

    # Removing

    async def _former_stores(self, works: Sequence[Work]) -> list[Work]:
        """Stores that something was pushed to and that the spec does not name any more."""
        current = {work.key for work in works}
        found = []
        records = self._pushing.records
        for key in sorted(store for store, there in records.items() if there and store not in current):
            store = await self._stores.one(key)
            if isinstance(store, dict) and self._stores.is_foreign(store):
                del self._pushing.records[key]
                continue
            if isinstance(store, dict) and being_deleted(store) and not being_deleted(self._obj):
                continue
            if store is None:
                lost = self._pushing.records.pop(key)
                names = ", ".join(str(target) for target in lost)
                await self._tell(
                    conditions.WARNING,
                    conditions.PUSH_ERRORED,
                    f"{key.kind} {key.name} is gone, so that what was pushed there stays: {names}",
                )
                continue
            work = Work(key, store)
            if isinstance(store, SealbridgeError):
                work.failures.append(Failure("", key, store))
            found.append(work)
        return found

    async def _is_ending(self) -> bool:
        """Whether the namespace is being deleted: with credentials gone, nothing could be removed ever."""
        namespace = await self._cluster.get(NAMESPACE, "", self._key.namespace)
        return namespace is None or being_deleted(namespace)

    # Telling

    async def _finish(
        self, wanted: PushSecret, versions: list[dict[str, str]], works: Sequence[Work]
    ) -> Result:
        if not self._deletes(wanted):
            # What is not listed any more is nobody's now.
            for work in works:
                if work.is_understood and not isinstance(work.store, SealbridgeError):
                    known = self._pushing.records.get(work.key, {})
                    self._pushing.records[work.key] = {t: known[t] for t in known if t in work.wanted}
            named = {work.key for work in works}
            for key in self._pushing.records.keys() - named:
                del self._pushing.records[key]
        records = self._pushing.records
        self._claims.keep_only(self._key, places(records))
        failures = [failure for work in works for failure in work.failures]
        fields: dict[str, object] = {"syncedPushSecrets": write_records(self._pushing.records) or None}
        pushed = {work.key: work.pushed for work in works if work.pushed}
        gone = self._gone(works)
        if failures:
            if pushed or gone:
                await self._tell(
                    conditions.NORMAL, conditions.PUSH_SYNCED, "in part" + push_report.changes(pushed, gone)
                )
            return await self._failed(conditions.PUSH_FAILED_MESSAGE, failures, fields)
        now = self._clock.now()
        idle = [f"{work.key.kind}/{work.key.name}" for work in works if not records.get(work.key)]
        fields |= {
            "refreshTime": conditions.timestamp(now),
            "syncedResourceVersion": self._version,
            "sources": versions or None,
            "idleStores": sorted(idle) or None,
        }
        message = conditions.PUSH_SYNCED_MESSAGE
        if wanted.spec.update_policy is UpdatePolicy.IF_NOT_EXISTS:
            message += conditions.PUSH_KEPT_MESSAGE
        ready = conditions.condition(
            conditions.READY, ok=True, reason=conditions.PUSH_SYNCED, message=message
        )
        was_ready = conditions.is_true(self._obj, conditions.READY)
        await write_status(self._cluster, self._clock, PUSH_SECRET, self._obj, wanted=[ready], fields=fields)
        self._refreshed = conditions.parse_timestamp(fields["refreshTime"])
        if pushed or gone or not was_ready:
            text = message + push_report.changes(pushed, gone)
            await self._tell(conditions.NORMAL, conditions.PUSH_SYNCED, text)
        return self._result(
            Outcome.UPDATED if pushed or gone else Outcome.UNCHANGED,
            updated=push_report.targets(pushed),
            removed=push_report.targets(gone),
            requeue_after=self._next(wanted),
        )

    async def _failed(self, head: str, failures: Sequence[Failure], fields: Mapping[str, object]) -> Result:
        error = SyncError(push_report.causes(failures), failures=tuple(one.error for one in failures))
        return await self._fail(f"{head}: {error.what}", error, retry=True, fields=fields)

    async def _fail(
        self,
        cause: str,
        error: SealbridgeError,
        *,
        retry: bool,
        fields: Mapping[str, object] | None = None,
    ) -> Result:
        now = self._clock.now()
        delay = backoff(self._obj, error, now) if retry and not self._refresh_always else None
        message = cause
        if delay is not None:
            message += f"; next try at {conditions.timestamp(now + delay)}"
        ready = conditions.condition(
            conditions.READY, ok=False, reason=conditions.PUSH_ERRORED, message=message
        )
        known = conditions.condition_of(self._obj, conditions.READY)
        await try_write_status(
            self._cluster, self._clock, PUSH_SECRET, self._obj, wanted=[ready], fields=fields or {}
        )
        said = str(known.get("message") or "")
        if known.get("status") != "False" or not (said == cause or said.startswith(f"{cause}; next try")):
            await self._tell(conditions.WARNING, conditions.PUSH_ERRORED, cause)
        return Result(
            key=self._key,
            outcome=Outcome.FAILED,
            message=message,
            error=error,
            retry=retry,
            requeue_after=None if delay is None else delay.total_seconds(),
            depends_on=self._needs,
        )

    @property
    def _needs(self) -> frozenset[ObjectKey]:
        return self._stores.needs | self._pushing.needs | self._more

    def _deletes(self, wanted: PushSecret) -> bool:
        return wanted.spec.deletion_policy is PushDeletionPolicy.DELETE

    def _says(self, reason: str) -> bool:
        return bool(conditions.condition_of(self._obj, conditions.READY).get("reason") == reason)

    def _gone(self, works: Sequence[Work]) -> dict[ObjectKey, list[Target]]:
        return {work.key: work.removed for work in works if work.removed}

    async def _settle(self, needed: bool) -> Object:
        """Put the finalizer on where it is needed, else take it off."""
        there = FINALIZER in (self._obj["metadata"].get("finalizers") or ())
        if there is needed:
            return self._obj
        return await self._cluster.set_finalizer(PUSH_SECRET, self._obj, FINALIZER, present=needed)

    async def _tell(self, type_: str, reason: str, message: str) -> None:
        await self._cluster.record_event(self._obj, type_=type_, reason=reason, message=message)

    def _result(
        self,
        outcome: Outcome,
        *,
        message: str = "",
        updated: tuple[str, ...] = (),
        removed: tuple[str, ...] = (),
        requeue_after: float | None = None,
    ) -> Result:
        return Result(
            key=self._key,
            outcome=outcome,
            message=message,
            updated=updated,
            removed=removed,
            requeue_after=requeue_after,
            depends_on=self._needs,
        )
