"""Keeps the watch alive and sweeps behind it. Knows when to start anew, not what a change means.

A watch may die, and it may miss what happened while it was away, deletions above all. So it is
restarted with a backoff, and a sweep compares complete lists of metadata with what is known: after
every start of the watch, when it had to list anew, and now and then.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from sealbridge.errors import ClusterError
from sealbridge.kube.client import METADATA, METADATA_LIST, Client, path_of
from sealbridge.kube.cluster import KubernetesCluster
from sealbridge.kube.discovery import Discovery
from sealbridge.kube.failures import is_away
from sealbridge.kube.source import MANAGED_LABEL, EventSource
from sealbridge.operator.controller import WATCHED
from sealbridge.operator.metrics import Metrics
from sealbridge.reconcile.cluster import Clock
from sealbridge.reconcile.kinds import NAMESPACE, SECRET, Kind, Object, ObjectKey

log = logging.getLogger("sealbridge.supervisor")

SWEEP_AFTER = 15 * 60.0  # seconds between two sweeps, more or less
SETTLE = 10.0  # seconds that a new watch has to bring what is there before a sweep does it
POLL = 0.05  # seconds between two looks whether it has
SURVEY_AFTER = 60.0  # seconds between two looks at what the API server serves
SURVEY_SOON = 10.0  # the same while something is missing
RESTART_FIRST, RESTART_LAST = 1.0, 30.0  # seconds
PROVEN = 60.0  # a watch that lived so long has its backoff forgiven
DEAD_AFTER = 60.0  # seconds without a watch until a restart of the process would help

Versions = Mapping[Kind, str]


class Watcher(Protocol):
    """Who is told what a sweep has found."""

    def known(self, kind: Kind) -> frozenset[ObjectKey]:
        """The objects of a kind that were seen and have not gone."""

    def swept(self, kind: Kind, objects: Iterable[Object], before: frozenset[ObjectKey]) -> int:
        """Compare with a complete list; returns how many were missed."""

    def targets(self) -> dict[tuple[str, str], tuple[ObjectKey, ...]]:
        """Every target and whose it is."""

    def swept_targets(
        self, secrets: Iterable[Object], before: Mapping[tuple[str, str], tuple[ObjectKey, ...]]
    ) -> int:
        """The same for targets."""


class Survey:
    """Which kinds can be watched: served by the API server, and allowed to us."""

    def __init__(
        self,
        client: Client,
        discovery: Discovery,
        kinds: Iterable[Kind] = (*WATCHED, SECRET),
        *,
        namespaces: Sequence[str] = (),
        selectors: Mapping[Kind, str] | None = None,
    ) -> None:
        """`namespaces`: what is to be watched lies in these; empty for all and for cluster-wide kinds.

        `selectors`: only objects with such labels, by kind."""
        self._client = client
        self._discovery = discovery
        self._kinds = tuple(kind for kind in kinds if kind.namespaced or not namespaces)
        self._wanted = tuple(namespaces)
        self._complaints: dict[Kind | str, str] = {}
        self.namespaces = self._wanted
        self.selectors = dict(selectors or {})

    @property
    def complete(self) -> bool:
        """Whether nothing was missing at the last look."""
        return not self._complaints

    async def take(self) -> Versions:
        """Look. What is missing is logged once, and once more when it has come. Raises ClusterError."""
        self._discovery.forget()
        there = [name for name in self._wanted if await self._exists(name)]
        allowed: dict[Kind, set[str | None]] = {}
        found: dict[Kind, str] = {}
        for kind in self._kinds:
            version = await self._discovery.version(kind)
            if version is None:
                self._complain(
                    kind, "the API server does not serve it", "apply the CRDs below crds/ to the cluster"
                )
                continue
            refusal: ClusterError | None = None
            for namespace in there or self._wanted or (None,):
                try:
                    path = path_of(kind, namespace, version=version)
                    await self._client.request("GET", path, accept=METADATA_LIST, params={"limit": "1"})
                except ClusterError as error:
                    if error.status not in {403, 404}:
                        raise
                    refusal = error
                else:
                    allowed.setdefault(kind, set()).add(namespace)
            if kind not in allowed:
                self._complain(kind, refusal.what if refusal else "", refusal.hint if refusal else None)
                continue
            found[kind] = version
            if self._complaints.pop(kind, None) is not None:
                log.info("it can be watched now", extra={"kind": kind.name})
        if self._wanted:
            self.namespaces = self._served(there, allowed)
        return found

    async def _exists(self, namespace: str) -> bool:
        """False for a namespace that is not there; one that may not be read is taken for there."""
        try:
            await self._client.request("GET", path_of(NAMESPACE, name=namespace), accept=METADATA)
        except ClusterError as error:
            if error.status == 403:
                return True
            if error.status != 404:
                raise
            self._complain(namespace, "it does not exist", "it is served as soon as it does")
            return False
        if self._complaints.get(namespace) == "it does not exist":
            del self._complaints[namespace]
            log.info("it is there now", extra={"namespace": namespace})
        return True

    def _served(self, there: list[str], allowed: Mapping[Kind, set[str | None]]) -> tuple[str, ...]:
        """The namespaces in which all can be watched that can be in the first of them.

        A watch that is refused in one namespace would end those of all."""
        first = next((name for name in there if any(name in names for names in allowed.values())), None)
        if first is None:
            return self._wanted
        kinds = [kind for kind, names in allowed.items() if first in names]
        served = []
        for name in there:
            refused = [kind.name for kind in kinds if name not in allowed[kind]]
            if refused:
                what = f"the API server forbids to list {', '.join(refused)}"
                self._complain(name, what, "give the operator there the rights of deploy/kustomize/base")
            else:
                served.append(name)
                if self._complaints.pop(name, None) is not None:
                    log.info("it can be watched now", extra={"namespace": name})
        return tuple(served)

    def _complain(self, about: Kind | str, problem: str, hint: str | None) -> None:
        """Of a kind, or of a namespace."""
        if self._complaints.get(about) != problem:
            self._complaints[about] = problem
            named = {"namespace": about} if isinstance(about, str) else {"kind": about.name}
            log.error("it cannot be watched; the others are", extra={**named, "error": problem, "hint": hint})


class Supervisor:
    """Runs until it is cancelled."""

    def __init__(
        self,
        *,
        survey: Survey,
        cluster: KubernetesCluster,
        make_source: Callable[[Versions], EventSource],
        watcher: Watcher,
        metrics: Metrics,
        clock: Clock,
        rng: random.Random | None = None,
    ) -> None:
        self._survey = survey
        self._cluster = cluster
        self._make_source = make_source
        self._watcher = watcher
        self._metrics = metrics
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter
        self._source: EventSource | None = None
        self._versions: Versions = {}
        self._alive_at: float | None = None
        self._asking = False
        self._swept = False
        self._sweep_now = asyncio.Event()

    def alive(self) -> str | None:
        """None, or why a restart of the process would help."""
        now = asyncio.get_running_loop().time()
        if self._alive_at is None:
            self._alive_at = now
        if self._asking or (self._source is not None and self._source.is_alive()):
            self._alive_at = now
        elif now - self._alive_at > DEAD_AFTER:
            return "the watch is dead"
        return None

    def ready(self) -> str | None:
        """None once everything that was there at the start has been seen."""
        return None if self._swept else "the first look at everything is not done yet"

    async def run(self) -> None:
        """Watch and sweep."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._sweep())

    def look_again(self) -> None:
        """The watch may have missed something: sweep now."""
        self._sweep_now.set()

    async def stop(self) -> None:
        """End the watch."""
        if self._source is not None:
            await self._source.stop()

    async def _watch(self) -> None:
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                reason = await self._watch_once()
            except ClusterError as error:
                reason = error.what
                if is_away(error):
                    # Ended for that, the process would only be backed off from when the server is back.
                    self._alive_at = asyncio.get_running_loop().time()
            if reason is None:
                continue  # something else is to be watched now
            if asyncio.get_running_loop().time() - began > PROVEN:
                failures = 0
            failures += 1
            delay = self._rng.uniform(0, min(RESTART_LAST, RESTART_FIRST * 2.0 ** min(failures, 16)))
            log.warning("the watch ended", extra={"reason": reason, "retry_in": round(delay, 1)})
            await asyncio.sleep(delay)
            self._metrics.watch_restarted()

    async def _watch_once(self) -> str | None:
        """One life of a watch; returns why it ended, None when the survey ended it."""
        self._asking = True  # an API server that is not well takes long to answer
        try:
            self._versions = await self._survey.take()
            namespaces = self._survey.namespaces
        finally:
            self._asking = False
        source = self._source = self._make_source(self._versions)
        source.start()
        log.info("watching", extra={"kind": ", ".join(sorted(kind.name for kind in self._versions))})
        self._sweep_now.set()
        death = asyncio.ensure_future(source.died())
        try:
            while True:
                pause = SURVEY_AFTER if self._survey.complete else SURVEY_SOON
                done, _ = await asyncio.wait({death}, timeout=pause)
                if done:
                    return death.result()
                try:
                    versions = await self._survey.take()
                    if versions != self._versions or self._survey.namespaces != namespaces:
                        return None
                except ClusterError as error:
                    # The watch finds out by itself whether the API server is gone.
                    log.warning("cannot look at what the API server serves", extra={"error": error.what})
        finally:
            death.cancel()
            await source.stop()

    async def _sweep(self) -> None:
        failures = 0
        while True:
            await self._sweep_now.wait()
            self._sweep_now.clear()
            try:
                missed = await self.sweep()
            except ClusterError as error:
                failures += 1
                delay = self._rng.uniform(0, min(60.0, 2.0 ** min(failures, 16)))
                log.warning("a sweep failed", extra={"error": error.what, "retry_in": round(delay, 1)})
            else:
                failures = 0
                self._swept = True
                self._metrics.swept(self._clock.now().timestamp())
                log.info("swept", extra={"count": missed or None})
                delay = SWEEP_AFTER * self._rng.uniform(0.8, 1.2)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._sweep_now.wait(), delay)
            self._sweep_now.set()

    async def sweep(self) -> int:
        """List the metadata of everything and queue what the watch has missed. Raises ClusterError."""
        missed = 0
        lists: list[tuple[Kind, list[Object], frozenset[ObjectKey]]] = []
        targets = self._watcher.targets()
        for kind in [kind for kind in WATCHED if kind in self._versions]:
            before = self._watcher.known(kind)
            lists.append((kind, await self._list(kind), before))
        secrets = await self._list(SECRET, {MANAGED_LABEL: "true"}) if SECRET in self._versions else None
        await self._settle(lists)
        for kind, objects, before in lists:
            missed += self._watcher.swept(kind, objects, before)
        if secrets is not None:
            missed += self._watcher.swept_targets(secrets, targets)
        return missed

    async def _list(self, kind: Kind, labels: Mapping[str, str] | None = None) -> list[Object]:
        namespaces: Sequence[str | None] = self._survey.namespaces or (None,)
        wanted: Mapping[str, str] | str | None = labels or self._survey.selectors.get(kind)
        return [
            obj
            for namespace in namespaces
            for obj in await self._cluster.list_metadata(kind, namespace=namespace, labels=wanted)
        ]

    async def _settle(self, lists: list[tuple[Kind, list[Object], frozenset[ObjectKey]]]) -> None:
        """Give the watch the time to bring what was just listed: it brings whole objects."""
        deadline = asyncio.get_running_loop().time() + SETTLE
        waiting = [(kind, len(objects)) for kind, objects, _ in lists]
        while asyncio.get_running_loop().time() < deadline:
            if all(len(self._watcher.known(kind)) >= count for kind, count in waiting):
                return
            await asyncio.sleep(POLL)
