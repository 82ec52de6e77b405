"""Events that people see in `kubectl describe`. Knows how to keep them few; knows no kind's logic.

The same event about the same object is counted, not repeated: a repetition within the quiet window
is only remembered, a later one patches the count. A bucket per object and one for all keep a storm
of failures from becoming a storm of requests. An event that is lost is logged and harms nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

from sealbridge.errors import ClusterError
from sealbridge.kube.client import MERGE_PATCH, Client
from sealbridge.reconcile.cluster import Clock
from sealbridge.reconcile.kinds import Object

log = logging.getLogger("sealbridge.events")

QUIET = 60.0  # seconds in which a repetition is only counted
REMEMBERED = 4096  # series of events
LONGEST_MESSAGE = 1024  # what the API server takes

# Of each object, as client-go's spam filter does: so many at once, then one every so many seconds.
BURST_OF_OBJECT = 25
REFILL_OF_OBJECT = 300.0
# Of all objects together: a start with ten thousand objects must not bury the API server.
BURST_OF_ALL = 1000
REFILL_OF_ALL = 0.05

# As upstream's controllers sign them, by the kind that the event is about.
_COMPONENTS = {"SealedSecret": "sealed-secrets"}
_COMPONENT = "external-secrets"


@dataclass(slots=True)
class _Series:
    """One event that has been posted, and what has happened since."""

    namespace: str
    name: str
    count: int
    posted_at: float


class _Bucket:
    """Tokens that come back with time."""

    __slots__ = ("_burst", "_refill", "_tokens", "_updated")

    def __init__(self, burst: int, refill: float, now: float) -> None:
        self._burst, self._refill = float(burst), refill
        self._tokens, self._updated = float(burst), now

    def take(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._updated) / self._refill)
        self._updated = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class EventRecorder:
    """Posts core/v1 Events, which every API server since 1.0 takes."""

    def __init__(
        self, client: Client, clock: Clock, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._monotonic = monotonic
        self._host = os.environ.get("POD_NAME") or socket.gethostname()
        self._series: OrderedDict[tuple[str, ...], _Series] = OrderedDict()
        self._objects: OrderedDict[str, _Bucket] = OrderedDict()
        self._all = _Bucket(BURST_OF_ALL, REFILL_OF_ALL, monotonic())
        self._numbers = 0

    async def record(self, about: Object, *, type_: str, reason: str, message: str) -> None:
        """Post or count the event. Never raises but for cancellation."""
        metadata = about["metadata"]
        uid = metadata.get("uid", "")
        message = _shortened(message)
        identity = (uid, type_, reason, message)
        now = self._monotonic()
        known = self._series.get(identity)
        try:
            if known is not None:
                self._series.move_to_end(identity)
                known.count += 1
                if now - known.posted_at >= QUIET and self._may_post(uid, now):
                    known.posted_at = now
                    await self._count(known)
            elif self._may_post(uid, now):
                name = self._name(metadata["name"])
                namespace = metadata.get("namespace") or "default"
                self._remember(identity, _Series(namespace, name, 1, now))
                await self._client.request(
                    "POST",
                    f"/api/v1/namespaces/{namespace}/events",
                    body=self._event(about, namespace, name, type_, reason, message),
                )
        except ClusterError as error:
            if error.status == 404 and known is not None:
                # The event has expired on the server; the next one starts a new series.
                self._series.pop(identity, None)
                return
            log.warning(
                "an event was lost",
                extra={
                    "kind": about.get("kind"),
                    "namespace": metadata.get("namespace"),
                    "object": metadata["name"],
                    "reason": reason,
                    "error": error.what,
                },
            )

    async def _count(self, series: _Series) -> None:
        await self._client.request(
            "PATCH",
            f"/api/v1/namespaces/{series.namespace}/events/{series.name}",
            body={"count": series.count, "lastTimestamp": self._now()},
            content_type=MERGE_PATCH,
        )

    def _may_post(self, uid: str, now: float) -> bool:
        bucket = self._objects.get(uid)
        if bucket is None:
            bucket = self._objects[uid] = _Bucket(BURST_OF_OBJECT, REFILL_OF_OBJECT, now)
            if len(self._objects) > REMEMBERED:
                self._objects.popitem(last=False)
        self._objects.move_to_end(uid)
        return bucket.take(now) and self._all.take(now)

    def _remember(self, identity: tuple[str, ...], series: _Series) -> None:
        self._series[identity] = series
        if len(self._series) > REMEMBERED:
            self._series.popitem(last=False)

    def _name(self, about: str) -> str:
        """Unique over restarts and short enough whatever the object is called."""
        self._numbers += 1
        seed = f"{self._host} {time.time_ns()} {self._numbers}"
        # Cut anywhere, it may end in what must not stand before a dot.
        return f"{about[:200].rstrip('-.')}.{hashlib.sha256(seed.encode()).hexdigest()[:16]}"

    def _event(
        self, about: Object, namespace: str, name: str, type_: str, reason: str, message: str
    ) -> Object:
        metadata = about["metadata"]
        reference = {
            "apiVersion": about.get("apiVersion"),
            "kind": about.get("kind"),
            "namespace": metadata.get("namespace"),
            "name": metadata["name"],
            "uid": metadata.get("uid"),
            "resourceVersion": metadata.get("resourceVersion"),
        }
        now = self._now()
        component = _COMPONENTS.get(str(about.get("kind")), _COMPONENT)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {key: value for key, value in reference.items() if value},
            "type": type_,
            "reason": reason,
            "message": message,
            "source": {"component": component},
            "reportingComponent": component,
            "reportingInstance": self._host[:128],
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }

    def _now(self) -> str:
        return self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class BackgroundRecorder:
    """Records in the background, in order, so that nobody waits for an event."""

    def __init__(self, recorder: EventRecorder, *, waiting: int = 2048) -> None:
        self._recorder = recorder
        self._waiting: asyncio.Queue[tuple[Object, str, str, str]] = asyncio.Queue(waiting)
        self._tasks: list[asyncio.Task[None]] = []

    async def record(self, about: Object, *, type_: str, reason: str, message: str) -> None:
        """Hand the event over; when too many wait, it is lost and logged."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._work()) for _ in range(2)]
        try:
            self._waiting.put_nowait((_reference(about), type_, reason, message))
        except asyncio.QueueFull:
            log.warning("an event was lost", extra={"reason": reason, "error": "too many events wait"})

    async def close(self, *, within: float = 3.0) -> None:
        """Post what waits, for so many seconds at most."""
        if self._tasks:
            try:
                await asyncio.wait_for(self._waiting.join(), within)
            except TimeoutError:
                log.warning("events were lost at the end", extra={"count": self._waiting.qsize()})
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks = []

    async def _work(self) -> None:
        while True:
            about, type_, reason, message = await self._waiting.get()
            try:
                await self._recorder.record(about, type_=type_, reason=reason, message=message)
            finally:
                self._waiting.task_done()


def _reference(about: Object) -> Object:
    """What an event needs of an object, so that waiting events hold no specs."""
    metadata = about["metadata"]
    kept = ("namespace", "name", "uid", "resourceVersion")
    return {
        "apiVersion": about.get("apiVersion"),
        "kind": about.get("kind"),
        "metadata": {key: metadata[key] for key in kept if key in metadata},
    }


def _shortened(message: str) -> str:
    data = message.encode("utf-8", "replace")
    if len(data) <= LONGEST_MESSAGE:
        return message
    return data[: LONGEST_MESSAGE - 3].decode("utf-8", "ignore") + "..."
