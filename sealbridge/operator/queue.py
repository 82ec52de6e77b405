"""The work queue: which key is worked on next, and when. Knows keys and loop time, no cluster.

It keeps the promises of client-go's queue: a key waits once however often it is added, no key is
ever worked on twice at once, and what is added during the work is done afterwards. On top of that
every key has at most one due time, failures back off with full jitter, and what people changed goes
before what is merely due.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections import deque
from collections.abc import Hashable
from enum import IntEnum
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

BACKOFF_FIRST = 1.0  # seconds, the ceiling of the first delay
BACKOFF_LAST = 600.0  # seconds, the ceiling that it grows to

# Of so many picks in a row one goes to periodic work, so that a flood of edits cannot starve it.
FAIR_SHARE = 16


class Priority(IntEnum):
    """Who waits for the work."""

    CHANGE = 0  # a person or a pipeline that changed something
    PERIODIC = 1  # nobody: a refresh or a look after a restart


class QueueClosed(Exception):  # noqa: N818 - it ends a loop, it is no failure
    """The queue was closed; there is no more work to take."""


class WorkQueue(Generic[K]):
    """For the tasks of one event loop; not thread-safe."""

    def __init__(
        self,
        *,
        backoff_first: float = BACKOFF_FIRST,
        backoff_last: float = BACKOFF_LAST,
        rng: random.Random | None = None,
    ) -> None:
        self._first, self._last = backoff_first, backoff_last
        self._rng = rng or random.Random()  # noqa: S311 - jitter
        self._lines: tuple[deque[tuple[int, K]], ...] = tuple(deque() for _ in Priority)
        # What waits: the ticket that its line entry must carry to be valid, its line, since when.
        self._waiting: dict[K, tuple[int, Priority, float]] = {}
        self._working: dict[K, Priority | None] = {}  # the value: to be done again with this priority
        self._asked: dict[K, float] = {}  # of those that wait or are worked on: when it was added last
        self._heap: list[tuple[float, int, K]] = []
        self._due: dict[K, tuple[float, int, Priority]] = {}
        self._failures: dict[K, int] = {}
        self._takers: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._tickets = itertools.count()
        self._changes_in_a_row = 0
        self._closed = False
        self.adds = 0
        self.retries = 0

    def add(self, key: K, *, priority: Priority = Priority.CHANGE, reset: bool = False) -> None:
        """Work on `key` as soon as a worker is free. `reset` forgets its failures: it has changed."""
        if self._closed:
            return
        if reset:
            self._failures.pop(key, None)
        self._due.pop(key, None)
        if key in self._working:
            again = self._working[key]
            self._working[key] = priority if again is None else min(again, priority)
            return
        self._asked[key] = self._now()
        waiting = self._waiting.get(key)
        if waiting is not None and waiting[1] <= priority:
            return
        ticket = next(self._tickets)
        since = waiting[2] if waiting is not None else self._now()
        self._waiting[key] = (ticket, priority, since)
        self._lines[priority].append((ticket, key))
        self.adds += waiting is None
        self._wake_one()

    def add_after(self, key: K, delay: float, *, priority: Priority = Priority.PERIODIC) -> None:
        """Add `key` after `delay` seconds; of two due times the earlier one counts.

        A key that waits already, or is added meanwhile, needs no due time and has none."""
        if self._closed:
            return
        if delay <= 0:
            self.add(key, priority=priority)
            return
        if key in self._waiting:
            return
        due = self._now() + delay
        known = self._due.get(key)
        if known is not None and known[0] <= due:
            return
        ticket = next(self._tickets)
        self._due[key] = (due, ticket, priority)
        heapq.heappush(self._heap, (due, ticket, key))
        self._set_timer()

    def retry(self, key: K, *, at_least: float = 0.0) -> float:
        """`key` has failed: add it again after a random part of a ceiling that doubles each time.

        Returns the delay in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.retries += 1
        # Beyond 2^32 the ceiling has long been reached and the power would only grow for nothing.
        ceiling = min(self._last, self._first * 2.0 ** min(failures, 32))
        delay = max(at_least, self._rng.uniform(0, ceiling))
        self.add_after(key, delay, priority=Priority.CHANGE if failures == 0 else Priority.PERIODIC)
        return delay

    def forget(self, key: K) -> None:
        """`key` has succeeded: the next failure starts with a short delay again."""
        self._failures.pop(key, None)

    def drop(self, key: K) -> None:
        """`key` is gone: neither failures nor a due time are remembered."""
        self._failures.pop(key, None)
        self._due.pop(key, None)

    async def take(self) -> K:
        """The next key to work on; `done` must follow. Raises QueueClosed at the end."""
        while True:
            if self._closed:
                raise QueueClosed
            key = self._pick()
            if key is not None:
                return key
            taker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._takers.append(taker)
            try:
                await taker
            except asyncio.CancelledError:
                # A wake-up that came together with the cancellation belongs to somebody else.
                if taker.done() and not taker.cancelled():
                    self._wake_one()
                raise

    def done(self, key: K) -> None:
        """The work on `key` has ended, whatever came of it."""
        again = self._working.pop(key)
        if key not in self._waiting:
            self._asked.pop(key, None)
        if again is not None:
            self.add(key, priority=again)

    def close(self) -> None:
        """Give out no more work; what is being worked on may finish."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._takers:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)

    def is_working(self, key: K) -> bool:
        """Whether a worker has `key` right now."""
        return key in self._working

    def since(self, key: K) -> float:
        """When the work that a worker does on `key` was asked for, for the last time before it began."""
        return self._asked[key]

    def is_failing(self, key: K) -> bool:
        """Whether the last work on `key` failed and is to be retried."""
        return key in self._failures

    def due_in(self, key: K) -> float | None:
        """Seconds until `key` is due by itself, or None."""
        due = self._due.get(key)
        return None if due is None else max(0.0, due[0] - self._now())

    @property
    def depth(self) -> int:
        """How many keys wait for a worker."""
        return len(self._waiting)

    @property
    def working(self) -> int:
        """How many keys are being worked on."""
        return len(self._working)

    @property
    def delayed(self) -> int:
        """How many keys have a due time."""
        return len(self._due)

    @property
    def age(self) -> float:
        """Seconds that the key at the end of the patience has waited; 0 when none waits."""
        return max((self._now() - since for _, _, since in self._waiting.values()), default=0.0)

    def _pick(self) -> K | None:
        changes, periodic = self._lines
        periodic_first = self._changes_in_a_row >= FAIR_SHARE
        for line in (periodic, changes) if periodic_first else (changes, periodic):
            while line:
                ticket, key = line.popleft()
                waiting = self._waiting.get(key)
                if waiting is None or waiting[0] != ticket:
                    continue  # it moved to the other line
                del self._waiting[key]
                self._working[key] = None
                # Of changes that nothing periodic has waited behind there may be any number.
                passed_over = line is changes and bool(periodic)
                self._changes_in_a_row = self._changes_in_a_row + 1 if passed_over else 0
                return key
        return None

    def _wake_one(self) -> None:
        while self._takers:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)
                return

    def _set_timer(self) -> None:
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            self._timer = asyncio.get_running_loop().call_at(self._heap[0][0], self._release)

    def _release(self) -> None:
        now = self._now()
        while self._heap and (self._heap[0][0] <= now or not self._is_current(self._heap[0])):
            entry = heapq.heappop(self._heap)
            if self._is_current(entry):
                _, _, priority = self._due.pop(entry[2])
                self.add(entry[2], priority=priority)
        self._set_timer()

    def _is_current(self, entry: tuple[float, int, K]) -> bool:
        due = self._due.get(entry[2])
        return due is not None and due[1] == entry[1]

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
