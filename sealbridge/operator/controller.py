"""From a change to work done: what to queue, what to do with a result. Knows no HTTP and no watch.

Only what a person or a pipeline changes is news: generation, labels, annotations, deletion. What a
status patch changes is not, so nothing runs in circles.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from sealbridge.errors import SealbridgeError, Unavailable
from sealbridge.kube.source import Change
from sealbridge.operator.dependants import Dependants
from sealbridge.operator.metrics import Metrics
from sealbridge.operator.pace import Pace
from sealbridge.operator.queue import Priority, QueueClosed, WorkQueue
from sealbridge.operator.resume import delay_at_start
from sealbridge.operator.sources import Sources
from sealbridge.operator.targets import Targets
from sealbridge.reconcile.cluster import Clock
from sealbridge.reconcile.kinds import (
    CLUSTER_EXTERNAL_SECRET,
    CLUSTER_SECRET_STORE,
    EXTERNAL_SECRET,
    NAMESPACE,
    PUSH_SECRET,
    SEALED_SECRET,
    SECRET,
    SECRET_STORE,
    Kind,
    Object,
    ObjectKey,
    key_of,
)
from sealbridge.reconcile.ownership import controller_of
from sealbridge.reconcile.push_stores import any_store
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.sealing_keys import SEALING_KEYS
from sealbridge.stores.waiting import waiting_since

log = logging.getLogger("sealbridge.operator")

WATCHED = (
    SEALED_SECRET,
    EXTERNAL_SECRET,
    PUSH_SECRET,
    SECRET_STORE,
    CLUSTER_SECRET_STORE,
    CLUSTER_EXTERNAL_SECRET,
    NAMESPACE,
)
OWNERS = {kind.name: kind for kind in (SEALED_SECRET, EXTERNAL_SECRET)}
# Kinds that a ClusterSecretStore may let in or not, by the labels of their namespace.
_LET_IN = frozenset({EXTERNAL_SECRET.name, PUSH_SECRET.name})
STORES = frozenset({SECRET_STORE.name, CLUSTER_SECRET_STORE.name})

# One look at one object; stores and the API server have shorter timeouts of their own.
DEADLINE = 180.0
# Dependants are spread over so many seconds, so that a store that recovers is not flooded at once.
DEPENDANTS_SPREAD = 5.0
# Many namespaces that come together are looked at together.
NAMESPACES_TOGETHER = 0.2


class Reconciler(Protocol):
    """Makes one object so."""

    async def reconcile(self, key: ObjectKey) -> Result:
        """What it did and when it wants to come back."""


class Offers(Protocol):
    """Where bodies go that a watch has brought."""

    def offer(self, obj: Object, *, renew: bool = False) -> None:
        """The next read may take this one; `renew`: instead of an earlier one, if there still is one."""

    def withdraw(self, key: ObjectKey) -> None:
        """What was offered is no longer true."""


def unnoticed(key: ObjectKey, obj: Object) -> None:
    """Where nobody wants to know."""


class Controller:
    """All of it runs in one event loop."""

    def __init__(
        self,
        *,
        queue: WorkQueue[ObjectKey],
        reconcilers: Mapping[str, Reconciler],
        offers: Offers,
        targets: Targets,
        metrics: Metrics,
        clock: Clock,
        sources: Sources | None = None,
        rng: random.Random | None = None,
        noticed: Callable[[ObjectKey, Object], None] = unnoticed,
    ) -> None:
        """`noticed` is told of every object that is news, whole or its metadata."""
        self._noticed = noticed
        self._queue = queue
        self._reconcilers = reconcilers
        self._offers = offers
        self._targets = targets
        self._metrics = metrics
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter
        self._sources = sources or Sources()
        self._dependants = Dependants()
        self._repairs: Pace[ObjectKey] = Pace()
        self._known: dict[ObjectKey, int] = {}
        self._unwell: set[ObjectKey] = set()
        self._cut_off: set[ObjectKey] = set()  # those of them whose store was not to be had
        self._held: dict[ObjectKey, list[Change]] = {}
        # Of ExternalSecrets: the ClusterExternalSecrets that have made them.
        self._makers: dict[ObjectKey, ObjectKey] = {}
        self._news: set[ObjectKey] = set()  # stores that nobody has looked at since they came or changed

    # Changes

    def change(self, change: Change) -> None:
        """Take what a watch has brought."""
        if change.kind is SECRET:
            if change.listed and not change.deleted:
                self._offers.offer(change.obj)
            else:
                self._offers.withdraw(key_of(change.obj))
            self._secret_changed(change)
            return
        key = key_of(change.obj)
        if change.deleted:
            self._gone(key)
            return
        news = self._is_news(key, change.obj)
        if change.kind is NAMESPACE:
            if news:
                self._namespace_changed(key)
            return
        self._offers.offer(change.obj, renew=not news)
        if not news:
            return
        if key.kind in STORES:
            self._news.add(key)
        elif key.kind == PUSH_SECRET.name:
            self._sources.set(key, change.obj)
        if not change.listed:
            self._queue.add(key, reset=True)
            return
        delay = delay_at_start(change.obj, now=self._clock.now(), rng=self._rng)
        # What has no status yet is somebody's new object, and stores are what others wait for.
        periodic = bool(change.obj.get("status")) and key.kind not in STORES
        priority = Priority.PERIODIC if periodic else Priority.CHANGE
        if delay:
            self._queue.add_after(key, delay, priority=priority)
        else:
            self._queue.add(key, priority=priority, reset=True)

    def known(self, kind: Kind) -> frozenset[ObjectKey]:
        """The objects of a kind that were seen and have not gone."""
        return frozenset(key for key in self._known if key.kind == kind.name)

    def swept(self, kind: Kind, objects: Iterable[Object], before: frozenset[ObjectKey]) -> int:
        """Compare with a complete list of metadata; `before`: what was known when it began.

        Returns how many were missed by the watch."""
        missed = 0
        seen = set()
        for obj in objects:
            key = key_of(obj)
            seen.add(key)
            if self._is_news(key, obj):
                self._offers.withdraw(key)
                if key.kind == NAMESPACE.name:
                    self._namespace_changed(key)
                else:
                    self._queue.add(key, reset=True)
                missed += 1
        for key in before - seen:
            if key in self._known:
                self._gone(key)
                missed += 1
        return missed

    def swept_targets(
        self, secrets: Iterable[Object], before: Mapping[tuple[str, str], tuple[ObjectKey, ...]]
    ) -> int:
        """Compare the targets with a complete list of the managed Secrets' metadata."""
        missed = 0
        seen = set()
        for obj in secrets:
            seen.add((obj["metadata"].get("namespace") or "", obj["metadata"]["name"]))
            missed += self._secret_changed(Change(SECRET, obj, listed=True))
        for name, owners in before.items():
            if name not in seen and self._targets.version(*name) is not None:
                for owner in owners:
                    self._queue.add(owner)
                missed += 1
        return missed

    def targets(self) -> dict[tuple[str, str], tuple[ObjectKey, ...]]:
        """Every target that was made or checked, and whose it is."""
        return dict(self._targets)

    def source_changed(self, namespace: str, name: str, labels: Mapping[str, str]) -> None:
        """A Secret that PushSecrets may push has come, changed or gone."""
        for key in self._sources.concerned(namespace, name, labels):
            self._queue.add(key, reset=True)

    @property
    def waits_for_keys(self) -> bool:
        """Whether there is what no sealing key could open."""
        return bool(self._dependants.of(SEALING_KEYS))

    def keys_changed(self) -> None:
        """Sealing keys came or went: what could not be opened may open now.

        Most may still not open, each at the cost of all keys: what people change goes first."""
        for key in self._dependants.of(SEALING_KEYS):
            self._queue.add(key, priority=Priority.PERIODIC, reset=True)

    def _is_news(self, key: ObjectKey, obj: Object) -> bool:
        fingerprint = _fingerprint(obj)
        before = self._known.get(key)
        news = before != fingerprint
        self._known[key] = fingerprint
        if key.kind == EXTERNAL_SECRET.name:
            self._is_made(key, obj, edited=news and before is not None)
        if news:
            self._metrics.labelled(key, obj["metadata"].get("labels") or {})
            self._noticed(key, obj)
        return news

    def _gone(self, key: ObjectKey) -> None:
        self._known.pop(key, None)
        self._offers.withdraw(key)
        if key.kind == NAMESPACE.name:
            self._namespace_changed(key)
            return
        if key.kind == EXTERNAL_SECRET.name:
            # The one that has made it, and those in whose way it was.
            maker = self._makers.pop(key, None)
            for one in {*self._dependants.of(key), *([maker] if maker else ())}:
                self._queue.add(one, reset=True)
        # The reconciler has the last word: it may have been made anew since.
        self._queue.add(key, reset=True)

    def _is_made(self, key: ObjectKey, obj: Object, *, edited: bool) -> None:
        """Remember which ClusterExternalSecret has made an ExternalSecret; an edit is news to it."""
        reference = controller_of(obj["metadata"].get("ownerReferences") or ())
        maker = _key_of_owner(reference, {CLUSTER_EXTERNAL_SECRET.name: CLUSTER_EXTERNAL_SECRET}, "")
        former = self._makers.pop(key, None)
        if maker is not None:
            self._makers[key] = maker
        for one in {former, maker}:
            if one is not None and (edited or (former is not None and former != maker)):
                self._queue.add_after(one, self._repairs.delay(one), priority=Priority.CHANGE)

    def _namespace_changed(self, namespace: ObjectKey) -> None:
        """One came, went or has other labels: ask who chooses namespaces, and who was not let in."""
        for key in self.known(CLUSTER_EXTERNAL_SECRET):
            self._queue.add_after(key, NAMESPACES_TOGETHER, priority=Priority.CHANGE)
        for key in self._unwell:
            if key.kind in _LET_IN and key.namespace == namespace.name:
                self._queue.add_after(key, NAMESPACES_TOGETHER, priority=Priority.CHANGE)

    def _secret_changed(self, change: Change) -> bool:
        """Queue the owners of a target that somebody else changed. True when there are any."""
        metadata = change.obj["metadata"]
        namespace, name = metadata.get("namespace") or "", metadata["name"]
        if not change.listed:
            for key in self._dependants.of(ObjectKey(SECRET.name, namespace, name)):
                self._queue.add(key, reset=True)
        controller = _owner_of(change.obj)
        owners = {*self._targets.owners(namespace, name), *([controller] if controller else ())}
        if not owners:
            return False
        for owner in sorted(owners):
            if self._queue.is_working(owner):
                # The change may be the very write of the worker, whose answer is on its way.
                self._held.setdefault(owner, []).append(change)
                return False
        unseen = self._targets.version(namespace, name) is None
        if unseen and (change.listed or change.deleted or owners.isdisjoint(self._known)):
            return False  # its owner will be looked at, or is another operator's
        if not self._targets.is_news(namespace, name, metadata["resourceVersion"]):
            return False
        if change.deleted:
            self._targets.witness(namespace, name, None)
        self._metrics.drifted(namespace)
        for owner in sorted(owners):
            self._queue.add_after(owner, self._repairs.delay(owner), priority=Priority.CHANGE)
        return True

    # Work

    async def work(self) -> None:
        """One worker: until the queue is closed."""
        while True:
            try:
                key = await self._queue.take()
            except QueueClosed:
                return
            try:
                await self._work_on(key)
            finally:
                self._queue.done(key)
                for change in self._held.pop(key, ()):
                    self._secret_changed(change)

    async def _work_on(self, key: ObjectKey) -> None:
        started = time.perf_counter()
        waiting_since.set(self._queue.since(key))
        try:
            async with asyncio.timeout(DEADLINE):
                result = await self._reconcilers[key.kind].reconcile(key)
        except TimeoutError:
            result = Result(
                key=key,
                outcome=Outcome.FAILED,
                retry=True,
                error=SealbridgeError(f"it took longer than {DEADLINE:g} s"),
            )
        except Exception:
            # A defect in one object's way must not end the worker. Its text may hold anything, so only
            # its type and place are logged.
            log.exception(
                "a defect", extra={"kind": key.kind, "namespace": key.namespace, "object": key.name}
            )
            result = Result(
                key=key,
                outcome=Outcome.FAILED,
                retry=True,
                error=SealbridgeError("an unexpected error; see the line before"),
            )
        seconds = time.perf_counter() - started
        self._metrics.reconciled(result, seconds)
        self._settle(result, seconds)

    def _settle(self, result: Result, seconds: float) -> None:
        key = result.key
        retry_in: float | None = None
        was_unwell = key in self._unwell
        if result.outcome is Outcome.GONE:
            self._forget(key)
        else:
            self._dependants.set(key, result.depends_on)
            if result.target is not None:
                self._targets.assign(result.target, key)
            well = result.outcome not in {Outcome.FAILED, Outcome.SKIPPED}
            (self._unwell.discard if well else self._unwell.add)(key)
            if not result.retry:
                self._queue.forget(key)
            if result.retry and result.requeue_after is None:
                retry_in = self._queue.retry(key)
            elif result.requeue_after is not None:
                self._queue.add_after(key, result.requeue_after)
                retry_in = result.requeue_after if result.outcome is Outcome.FAILED else None
            self._heed_stores(result)
        if key.kind in STORES and (result.outcome in {Outcome.VALID, Outcome.GONE}):
            self._release_dependants(key, recovered=was_unwell)
            self._tell_of_news(key)
        _tell(result, seconds, retry_in)

    def _release_dependants(self, store: ObjectKey, *, recovered: bool) -> None:
        """A store that is well again, or was looked at for the first time: those that wait may go on."""
        for key in self._dependants.of(store):
            if key in self._unwell:
                delay = self._rng.uniform(0, DEPENDANTS_SPREAD) if recovered else 0.0
                self._queue.add_after(key, delay, priority=Priority.CHANGE)

    def _tell_of_news(self, store: ObjectKey) -> None:
        """A store with other labels than before: those that choose stores by labels look again."""
        if store in self._news:
            self._news.discard(store)
            for key in self._dependants.of(any_store(store.kind, store.namespace)):
                self._queue.add(key)

    def _heed_stores(self, result: Result) -> None:
        """One that gets its values from a store again tells that it is back, before anybody checks the store.

        Each is woken once: many that recover together do not wake each other over and over.
        """
        key = result.key
        if result.outcome in {Outcome.FAILED, Outcome.SKIPPED}:
            failures = getattr(result.error, "failures", ())
            if any(isinstance(failure, Unavailable) for failure in failures):
                self._cut_off.add(key)
        elif key in self._cut_off:
            self._cut_off.discard(key)
            stores = {needed for needed in result.depends_on if needed.kind in STORES}
            waiting = {other for store in stores for other in self._dependants.of(store)}
            for other in sorted(waiting & self._cut_off):
                self._cut_off.discard(other)
                self._queue.add_after(
                    other, self._rng.uniform(0, DEPENDANTS_SPREAD), priority=Priority.CHANGE
                )

    def _forget(self, key: ObjectKey) -> None:
        self._queue.drop(key)
        if key.kind == PUSH_SECRET.name:
            # One that is being deleted may have waited for it.
            for store in self._dependants.needs(key):
                if store.kind in STORES and store.name:
                    self._queue.add(store)
        self._sources.set(key, None)
        self._news.discard(key)
        self._dependants.set(key, frozenset())
        self._targets.release(key)
        self._repairs.forget(key)
        self._unwell.discard(key)
        self._cut_off.discard(key)
        self._known.pop(key, None)


def _fingerprint(obj: Object) -> int:
    metadata = obj["metadata"]
    return hash(
        (
            metadata.get("uid"),
            metadata.get("generation"),
            metadata.get("deletionTimestamp"),
            tuple(sorted((metadata.get("labels") or {}).items())),
            # Those of a namespace choose nothing, and others write them often.
            tuple(sorted((metadata.get("annotations") or {}).items()))
            if obj["kind"] != NAMESPACE.name
            else (),
        )
    )


def _owner_of(secret: Object) -> ObjectKey | None:
    metadata = secret["metadata"]
    reference = controller_of(metadata.get("ownerReferences") or ())
    return _key_of_owner(reference, OWNERS, metadata.get("namespace") or "")


def _key_of_owner(
    reference: Mapping[str, Any] | None, kinds: Mapping[str, Kind], namespace: str
) -> ObjectKey | None:
    if reference is None:
        return None
    kind = kinds.get(str(reference.get("kind")))
    if kind is None or str(reference.get("apiVersion")).partition("/")[0] != kind.group:
        return None
    return ObjectKey(kind.name, namespace, str(reference.get("name")))


def _tell(result: Result, seconds: float, retry_in: float | None) -> None:
    quiet = {Outcome.UNCHANGED, Outcome.SKIPPED, Outcome.GONE, Outcome.VALID}
    failed = result.outcome is Outcome.FAILED
    level = logging.WARNING if failed else logging.DEBUG if result.outcome in quiet else logging.INFO
    if not log.isEnabledFor(level):
        return
    changes = {"added": result.added, "updated": result.updated, "removed": result.removed}
    log.log(
        level,
        "failed" if failed else "done",
        extra={
            "kind": result.key.kind,
            "namespace": result.key.namespace,
            "object": result.key.name,
            "outcome": result.outcome.value,
            "target": str(result.target) if result.target else None,
            "keys": {word: list(keys) for word, keys in changes.items() if keys},
            "error": (str(result.error) if result.error else result.message) if failed else None,
            "hint": result.error.hint if failed and result.error else None,
            "retry_in": None if retry_in is None else round(retry_in, 1),
            "seconds": round(seconds, 4),
        },
    )
