"""Workloads are restarted when the data of a Secret changes that they use. Knows when and how fast, not how
the Secret is made: it stands around the reconciler of its owner, and looks at the Secret after each pass.

With which data all was well last stands in the owner's status (`restart`), and is moved on only when
everything that uses the Secret has been restarted. So a crash anywhere in between loses nothing, and what is
seen for the first time is only noted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from sealbridge.errors import ClusterError, Conflict, NotOwned, SealbridgeError
from sealbridge.reconcile import conditions, finalizer
from sealbridge.reconcile.asking import names_foreign_store
from sealbridge.reconcile.checksums import Checksums, comparable
from sealbridge.reconcile.cluster import Clock, Cluster
from sealbridge.reconcile.kinds import EXTERNAL_SECRET, SEALED_SECRET, Kind, Object, ObjectKey
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.status import being_deleted
from sealbridge.reconcile.store_access import DEFAULT_CONTROLLER_CLASS
from sealbridge.reconcile.workloads import (
    RESTART_ANNOTATION,
    WORKLOADS,
    checksum_of,
    is_left_alone,
    restart_patch,
    restarted_at,
    uses,
)
from sealbridge.secret import Secret

RESTARTED_EVENT = "Restarted"
FAILED_EVENT = "RestartFailed"
SKIPPED_EVENT = "RestartSkipped"
FIELD = "restart"  # of the status

_OWNERS = {kind.name: kind for kind in (SEALED_SECRET, EXTERNAL_SECRET)}
_NOT_LOOKED_AT = frozenset({Outcome.GONE, Outcome.SKIPPED, Outcome.DELETED})
# Nothing tells when a right is granted; everything else that fails is tried again sooner.
_DENIED_DELAY, _FAILED_DELAY, _CONFLICT_DELAY = 300.0, 30.0, 1.0  # seconds
_NAMED = 10

_log = logging.getLogger(__name__)


class Workloads(Protocol):
    """Reads and restarts workloads. Raises ClusterError."""

    async def list(self, kind: Kind, namespace: str) -> Sequence[Object]:
        """All of a kind in a namespace."""

    async def patch(self, kind: Kind, workload: Object, patch: Object) -> None:
        """Merge `patch` into it."""


class Reconciler(Protocol):
    """Makes one object so."""

    async def reconcile(self, key: ObjectKey) -> Result:
        """One pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`interval`: one workload is restarted at most so often. `per_minute`: so many in all."""

    interval: timedelta = timedelta(minutes=1)
    per_minute: int = 60


_PACE = Pace()


class _Settled(NamedTuple):
    """The data with which everything runs that uses the Secret."""

    secret: str
    version: str
    checksum: str


class Restarter:
    """For all owners together. `version_of` tells the version of a Secret that a pass has seen last."""

    def __init__(
        self,
        cluster: Cluster,
        workloads: Workloads,
        checksums: Checksums,
        clock: Clock,
        *,
        version_of: Callable[[str, str], str | None],
        pace: Pace = _PACE,
        controller_class: str = DEFAULT_CONTROLLER_CLASS,
    ) -> None:
        self._controller_class = controller_class
        self._cluster = cluster
        self._workloads = workloads
        self._checksums = checksums
        self._clock = clock
        self._version_of = version_of
        self._pace = pace
        self._asked: set[ObjectKey] = set()
        self._leaving: set[ObjectKey] = set()  # those whose status still speaks of it
        self._settled: dict[ObjectKey, _Settled] = {}
        self._restarted: dict[str, datetime] = {}  # by UID; the API server's answer may be older
        self._paid_until: datetime | None = None

    def notice(self, key: ObjectKey, obj: Object) -> None:
        """An object, or its metadata, as it is now."""
        if key.kind not in _OWNERS:
            return
        if _is_asked_for(obj):
            self._asked.add(key)
            self._leaving.discard(key)
            return
        if key in self._asked or _settled_of(obj) is not None:
            self._leaving.add(key)
        self._asked.discard(key)
        self._settled.pop(key, None)

    def around(
        self,
        inner: Reconciler,
        *,
        tells: bool = True,
        selects: Callable[[Mapping[str, str]], bool] = lambda labels: True,
    ) -> Reconciler:
        """The reconciler with this around it.

        `tells`: statuses are written; else a restart of the process forgets what was settled. `selects`:
        whether an object with such labels is ours to look after.
        """
        return _Restarting(self, inner, tells, selects)

    def concerns(self, key: ObjectKey) -> bool:
        """Whether its owner asks for it, or did so before."""
        return key in self._asked or key in self._leaving

    async def before(self, key: ObjectKey, tells: bool, selects: Callable[[Mapping[str, str]], bool]) -> None:
        """Note the data that is there, so that a first change is seen as one, even after a crash."""
        if key not in self._asked or key in self._settled:
            return
        kind = _OWNERS[key.kind]
        obj = await self._cluster.get(kind, key.namespace, key.name)
        if obj is None or being_deleted(obj) or not selects(obj["metadata"].get("labels") or {}):
            return
        settled = _settled_of(obj)
        if settled is not None:
            self._settled[key] = settled
            return
        if kind is EXTERNAL_SECRET and await names_foreign_store(
            self._cluster, finalizer.stores_of(obj), key.namespace, self._controller_class
        ):
            return
        name = finalizer.targets_of(obj)[0] if kind is EXTERNAL_SECRET else key.name
        secret = await self._cluster.get_secret(key.namespace, name)
        if secret is not None:
            await self._settle(key, obj, secret, await self._checksums.of(secret), tells)

    async def after(self, key: ObjectKey, result: Result, tells: bool) -> float | None:
        """Restart what uses the Secret if its data is other than noted. Returns when to come back."""
        if result.outcome is Outcome.GONE:
            self._forget(key)
            return None
        if key in self._leaving:
            await self._leave(key, tells)
            return None
        target = result.target
        if result.outcome in _NOT_LOOKED_AT or target is None or isinstance(result.error, NotOwned):
            return None
        version = self._version_of(target.namespace, target.name)
        settled = self._settled.get(key)
        if version is None or (settled is not None and settled[:2] == (target.name, version)):
            return None
        obj = await self._cluster.get(_OWNERS[key.kind], key.namespace, key.name)
        secret = await self._cluster.get_secret(target.namespace, target.name)
        if obj is None or secret is None or being_deleted(obj) or not _is_asked_for(obj):
            return None
        return await self._compare(key, obj, secret, settled, tells)

    async def complain(self, key: ObjectKey, error: SealbridgeError) -> float:
        """Tell on the owner that it failed. Returns when to try again."""
        if isinstance(error, Conflict):
            return _CONFLICT_DELAY
        denied = isinstance(error, ClusterError) and error.status == 403
        _log.warning("cannot restart what uses the Secret of %s: %s", key, error)
        try:
            obj = await self._cluster.get(_OWNERS[key.kind], key.namespace, key.name)
        except ClusterError:
            return _FAILED_DELAY
        if obj is not None:
            what = f"cannot restart what uses the Secret: {error.what}"
            if denied:
                what += "; deploy/kustomize/restart has the rights for it"
            await self._cluster.record_event(obj, type_=conditions.WARNING, reason=FAILED_EVENT, message=what)
        return _DENIED_DELAY if denied else _FAILED_DELAY

    async def _compare(
        self, key: ObjectKey, obj: Object, secret: Secret, settled: _Settled | None, tells: bool
    ) -> float | None:
        checksum = await self._checksums.of(secret)
        known = settled.checksum if settled is not None and settled.secret == secret.name else None
        if known is None or not comparable(known, checksum):
            await self._settle(key, obj, secret, checksum, tells)
            return None
        delay = await self._restart(key, obj, secret, checksum, changed=known != checksum)
        if delay is None:
            await self._settle(key, obj, secret, checksum, tells)
        return delay

    async def _restart(
        self, key: ObjectKey, obj: Object, secret: Secret, checksum: str, *, changed: bool
    ) -> float | None:
        """Restart what must be and may be now. Returns when the rest may be."""
        restarted: list[str] = []
        skipped: list[str] = []
        delays: list[float] = []
        failure: ClusterError | None = None
        for kind in WORKLOADS:
            try:
                for workload in await self._workloads.list(kind, secret.namespace):
                    if not uses(workload, secret.name) or not _is_stale(
                        checksum_of(workload, secret.name), checksum, changed
                    ):
                        continue
                    named = f"{kind} {workload['metadata']['name']}"
                    if (why := is_left_alone(workload)) is not None:
                        skipped.append(f"{named}: {why}")
                        continue
                    if delay := self._delay(workload):
                        delays.append(delay)
                        continue
                    if await self._restart_one(kind, workload, key, secret, checksum):
                        restarted.append(named)
            except ClusterError as error:
                # The other kinds may be allowed to us.
                failure = failure or error
        if restarted:
            what = f'restarted {_listed(restarted)} for new data of Secret "{secret.name}"'
            await self._tell(obj, RESTARTED_EVENT, what)
        if skipped:
            await self._tell(obj, SKIPPED_EVENT, f"not restarted: {_listed(skipped)}")
        if failure is not None:
            raise failure
        return min(delays, default=None)

    async def _restart_one(
        self, kind: Kind, workload: Object, owner: ObjectKey, secret: Secret, checksum: str
    ) -> bool:
        now = self._clock.now()
        try:
            await self._workloads.patch(kind, workload, restart_patch(workload, secret.name, checksum, now))
        except ClusterError as error:
            if error.status in (404, 409):
                # It has gone, or was made anew since and has the new data.
                return False
            raise
        self._pay(now)
        self._restarted = {uid: at for uid, at in self._restarted.items() if now - at < self._pace.interval}
        self._restarted[str(workload["metadata"].get("uid"))] = now
        what = f'restarted: Secret "{secret.name}" of {owner.kind} "{owner.name}" has new data'
        await self._tell(workload, RESTARTED_EVENT, what)
        return True

    def _delay(self, workload: Object) -> float:
        """Seconds until this workload may be restarted, 0 for now."""
        now = self._clock.now()
        known = self._restarted.get(str(workload["metadata"].get("uid")))
        last = max((at for at in (known, restarted_at(workload)) if at is not None), default=None)
        # One of the future is somebody's invention, or the clock was set back.
        if last is not None and last <= now and now - last < self._pace.interval:
            return (last + self._pace.interval - now).total_seconds() or 1.0
        if self._paid_until is None:
            return 0.0
        # A quarter of a minute's may come at once.
        ahead = (self._paid_until - now).total_seconds() - 15.0
        return max(ahead, 0.0)

    def _pay(self, now: datetime) -> None:
        self._paid_until = max(self._paid_until or now, now) + timedelta(minutes=1) / self._pace.per_minute

    async def _settle(self, key: ObjectKey, obj: Object, secret: Secret, checksum: str, tells: bool) -> None:
        settled = _Settled(secret.name, str(secret.metadata.get("resourceVersion") or ""), checksum)
        if tells and _settled_of(obj) != settled:
            fields = {"secret": settled.secret, "resourceVersion": settled.version, "checksum": checksum}
            await self._cluster.patch_status(_OWNERS[key.kind], obj, {FIELD: fields})
        self._settled[key] = settled

    async def _leave(self, key: ObjectKey, tells: bool) -> None:
        obj = await self._cluster.get(_OWNERS[key.kind], key.namespace, key.name)
        if obj is not None and not being_deleted(obj) and tells and _settled_of(obj) is not None:
            await self._cluster.patch_status(_OWNERS[key.kind], obj, {FIELD: None})
        self._leaving.discard(key)

    def _forget(self, key: ObjectKey) -> None:
        self._asked.discard(key)
        self._leaving.discard(key)
        self._settled.pop(key, None)

    async def _tell(self, obj: Object, reason: str, message: str) -> None:
        await self._cluster.record_event(obj, type_=conditions.NORMAL, reason=reason, message=message)


class _Restarting:
    def __init__(
        self,
        restarter: Restarter,
        inner: Reconciler,
        tells: bool,
        selects: Callable[[Mapping[str, str]], bool],
    ) -> None:
        self._restarter = restarter
        self._inner = inner
        self._tells = tells
        self._selects = selects

    async def reconcile(self, key: ObjectKey) -> Result:
        """A pass of the inner one. What fails here is told, and changes nothing of its result but when."""
        restarter = self._restarter
        if not restarter.concerns(key):
            return await self._inner.reconcile(key)
        delays: list[float | None] = []
        try:
            await restarter.before(key, self._tells, self._selects)
        except SealbridgeError as error:
            delays.append(await restarter.complain(key, error))
        result = await self._inner.reconcile(key)
        try:
            delays.append(await restarter.after(key, result, self._tells))
        except SealbridgeError as error:
            delays.append(await restarter.complain(key, error))
        delay = min((one for one in delays if one is not None), default=None)
        if delay is None or result.outcome is Outcome.GONE or (result.retry and result.requeue_after is None):
            return result  # the queue comes back for a failure by itself
        return replace(result, requeue_after=min(delay, result.requeue_after or delay))


def _is_asked_for(obj: Object) -> bool:
    return (obj["metadata"].get("annotations") or {}).get(RESTART_ANNOTATION) == "true"


def _is_stale(carried: str, checksum: str, changed: bool) -> bool:
    """Whether pods with the checksum `carried` are to be restarted for `checksum`.

    Pods that carry none, or one that tells nothing, have the data that was noted last."""
    if carried and comparable(carried, checksum):
        return carried != checksum
    return changed


def _settled_of(obj: Object) -> _Settled | None:
    status = obj.get("status")
    noted = status.get(FIELD) if isinstance(status, dict) else None
    if not isinstance(noted, dict):
        return None
    parts = tuple(noted.get(field) for field in ("secret", "resourceVersion", "checksum"))
    if not all(isinstance(part, str) and part for part in parts):
        return None
    return _Settled(*map(str, parts))


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more
