"""Passes over a directory: which object when, once or for good. Knows no terminal and no arguments."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sealbridge.errors import ClusterError, SealbridgeError, defect
from sealbridge.local.directory import DirectoryCluster, Pruned
from sealbridge.local.source import Problem
from sealbridge.reconcile.cluster import Clock
from sealbridge.reconcile.external_secret import ExternalSecretReconciler
from sealbridge.reconcile.kinds import (
    CLUSTER_EXTERNAL_SECRET,
    CLUSTER_SECRET_STORE,
    EXTERNAL_SECRET,
    PUSH_SECRET,
    SEALED_SECRET,
    SECRET_STORE,
    Kind,
    ObjectKey,
)
from sealbridge.reconcile.push_secret import PushSecretReconciler
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.sealed_secret import SealedSecretReconciler
from sealbridge.reconcile.sealing_keys import KeyringSource
from sealbridge.reconcile.secret_store import SecretStoreReconciler
from sealbridge.reconcile.status import failed
from sealbridge.reconcile.store_pool import StorePool
from sealbridge.stores.reach import LOCAL
from sealbridge.stores.registry import open_store

# Objects worked on at once. Opening and asking stores have tighter limits of their own.
_AT_ONCE = 32
# While watching: how often the tree is looked at, and how long a pass may be put off at most, so that
# an edited output is put right and a store that is back is noticed. Seconds.
POLL = 1.0
LONGEST_REST = 300.0
FIRST_BACKOFF = 2.0

_ORDER = (
    SEALED_SECRET,
    SECRET_STORE,
    CLUSTER_SECRET_STORE,
    EXTERNAL_SECRET,
    CLUSTER_EXTERNAL_SECRET,
    PUSH_SECRET,
)
_CHANGED = frozenset({Outcome.CREATED, Outcome.UPDATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one pass did. `where` tells the file of every object that has a result."""

    results: tuple[Result, ...]
    problems: tuple[Problem, ...]
    where: dict[ObjectKey, str]
    pruned: tuple[Pruned, ...] = ()
    not_pruned: SealbridgeError | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        failed = any(result.outcome is Outcome.FAILED for result in self.results)
        return not (failed or self.problems or self.not_pruned)


class Session:
    """A directory and what it takes to reconcile it, pass after pass.

    `once`: ask every store whatever the schedule says, as nobody comes back later.
    """

    def __init__(
        self,
        cluster: DirectoryCluster,
        keyring: KeyringSource,
        clock: Clock,
        *,
        once: bool,
        prune: bool = False,
    ) -> None:
        self._cluster = cluster
        self._prune = prune
        # Credentials may have been made a moment ago, in this very pass.
        opener = partial(open_store, reach=LOCAL)
        self._stores = StorePool(cluster, clock, recheck=timedelta(), opener=opener)
        self._executor = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="unseal")
        store = SecretStoreReconciler(cluster, self._stores, clock).reconcile
        self._reconcile: dict[str, Callable[[ObjectKey], Awaitable[Result]]] = {
            SEALED_SECRET.name: SealedSecretReconciler(
                cluster, keyring, clock, executor=self._executor
            ).reconcile,
            SECRET_STORE.name: store,
            CLUSTER_SECRET_STORE.name: store,
            EXTERNAL_SECRET.name: ExternalSecretReconciler(
                cluster, self._stores, clock, refresh_always=once
            ).reconcile,
            PUSH_SECRET.name: PushSecretReconciler(
                cluster, self._stores, clock, refresh_always=once, dry=cluster.dry
            ).reconcile,
        }

    async def run(self) -> Report:
        """One pass over everything. Raises SealbridgeError when the directories cannot be used."""
        try:
            results = await self._pass()
            pruned: Sequence[Pruned] = ()
            not_pruned: SealbridgeError | None = None
            if self._prune:
                try:
                    pruned = self._cluster.prune()
                except ClusterError as error:
                    not_pruned = error
        finally:
            self._cluster.save()
        return Report(
            results=tuple(results[key] for key in sorted(results, key=_by_kind)),
            problems=self._cluster.problems,
            where={key: self._cluster.where(key) for key in results},
            pruned=tuple(pruned),
            not_pruned=not_pruned,
        )

    async def close(self) -> None:
        """Close stores and files. The cluster is saved and closed as well."""
        try:
            await self._stores.close()
        finally:
            self._executor.shutdown(cancel_futures=True)
            self._cluster.close()

    async def _pass(self) -> dict[ObjectKey, Result]:
        results: dict[ObjectKey, Result] = {}
        for kinds in ((SEALED_SECRET,), (SECRET_STORE, CLUSTER_SECRET_STORE), (EXTERNAL_SECRET,)):
            results.update(await self._all(key for kind in kinds for key in self._cluster.keys(kind)))
        # What failed for want of a Secret that this very pass has made gets another chance, and so does
        # what had nothing to merge into, as long as each round makes something new.
        news = _news(results.values())
        while news:
            stores = await self._all(_waiting(results, (SECRET_STORE, CLUSTER_SECRET_STORE), news))
            recovered = {key for key, result in stores.items() if result.outcome is Outcome.VALID}
            external = await self._all(_waiting(results, (EXTERNAL_SECRET,), news | recovered))
            results |= stores | external
            news = _news(external.values())
        for key in self._cluster.keys(CLUSTER_EXTERNAL_SECRET):
            message = "it needs the operator: a directory has no namespaces to choose from"
            results[key] = Result(key=key, outcome=Outcome.SKIPPED, message=message)
        # Last, so that they push what this pass has made.
        return results | await self._all(self._cluster.keys(PUSH_SECRET))

    async def _all(self, keys: Iterable[ObjectKey]) -> dict[ObjectKey, Result]:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(key: ObjectKey) -> Result:
            async with slots:
                try:
                    return await self._reconcile[key.kind](key)
                except Exception as error:  # noqa: BLE001 - a bad object fails alone, whatever it meets
                    return failed(key, defect(error), retry=True)

        wanted = list(keys)
        return dict(zip(wanted, await asyncio.gather(*map(one, wanted)), strict=True))


async def watch(
    session: Session,
    cluster: DirectoryCluster,
    *,
    stop: asyncio.Event,
    tell: Callable[[Report], None],
    complain: Callable[[SealbridgeError], None],
    poll: float = POLL,
) -> None:
    """Pass after pass until `stop`: at once when a file has changed, else when something is due.

    A pass that cannot be made is complained of and tried again. One under way when `stop` comes is given
    up where it waits: what it has written is whole, and the rest is for the next run.
    """
    loop = asyncio.get_running_loop()
    seen: object = None
    due, failures = 0.0, 0
    while not stop.is_set():
        stamp = await asyncio.to_thread(cluster.stamp)
        if stamp != seen or loop.time() >= due:
            failures = 0 if stamp != seen else failures
            seen = stamp
            try:
                cluster.reload()
                report = await _unless(stop, session.run())
            except SealbridgeError as error:
                failures += 1
                complain(error)
                pause = _backoff(failures)
            else:
                if report is None:
                    return
                failures = 0 if report.ok else failures + 1
                tell(report)
                pause = rest(report, failures)
            due = loop.time() + pause
        try:
            await asyncio.wait_for(stop.wait(), poll)
        except TimeoutError:
            continue


async def _unless(stop: asyncio.Event, pass_: Coroutine[Any, Any, Report]) -> Report | None:
    """What the pass did, None when it was stopped."""
    work, stopped = asyncio.create_task(pass_), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        if not work.done():
            work.cancel()
        await asyncio.wait({work})
    return None if work.cancelled() else work.result()


def rest(report: Report, failures: int) -> float:
    """Seconds until the next pass after this one, the last of so many in a row that failed."""
    delays = [r.requeue_after for r in report.results if r.requeue_after is not None]
    if any(result.retry and result.requeue_after is None for result in report.results):
        delays.append(_backoff(failures))
    return min([LONGEST_REST, *delays])


def _backoff(failures: int) -> float:
    return min(FIRST_BACKOFF * 2.0 ** min(failures - 1, 16), LONGEST_REST)


def _news(results: Iterable[Result]) -> set[ObjectKey]:
    return {r.target for r in results if r.target is not None and r.outcome in _CHANGED}


def _waiting(
    results: dict[ObjectKey, Result], kinds: tuple[Kind, ...], news: set[ObjectKey]
) -> list[ObjectKey]:
    names = {kind.name for kind in kinds}
    return [
        key
        for key, result in results.items()
        if key.kind in names
        and (
            (result.outcome is Outcome.FAILED and result.depends_on & news)
            or (result.outcome is Outcome.UNCHANGED and result.target in news)
        )
    ]


def _by_kind(key: ObjectKey) -> tuple[int, str, str]:
    return [kind.name for kind in _ORDER].index(key.kind), key.namespace, key.name
