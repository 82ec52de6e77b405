"""What stands before every store: cache, single flight, limits, quick retries, circuit breaker.

Knows no provider. Time is the event loop's.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sealbridge.errors import StoreError, Throttled, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.base import Reference, Store
from sealbridge.stores.breaker import CircuitBreaker
from sealbridge.stores.cache import ValueCache
from sealbridge.stores.limiter import TokenBucket

_Results = Mapping[Reference, Value | StoreError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard a store may be pressed. Times in seconds, sizes in bytes."""

    concurrency: int = 8  # calls at once
    rate: float = 100.0  # references a second ...
    burst: float = 400.0  # ... and how many may come at once after a rest
    tries: int = 3  # of one call, for what may heal by itself
    retry_delay: float = 0.2  # before the second try, doubled before the next
    retry_window: float = 5.0  # no further try after this time
    failures: int = 5  # calls in a row until the breaker opens
    pause: float = 30.0
    longest_pause: float = 300.0
    cache_ttl: float = 5.0
    cache_entries: int = 4096
    cache_size: int = 16 * 1024 * 1024


class GuardedStore:
    """A store that many ExternalSecrets may lean on at once."""

    def __init__(self, store: Store, limits: Limits | None = None) -> None:
        self._store = store
        self._limits = limits = limits or Limits()
        self._cache = ValueCache(ttl=limits.cache_ttl, entries=limits.cache_entries, size=limits.cache_size)
        self._bucket = TokenBucket(limits.rate, limits.burst)
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._breaker = CircuitBreaker(
            threshold=limits.failures, pause=limits.pause, longest_pause=limits.longest_pause
        )
        self._flights: dict[Reference, asyncio.Task[_Results]] = {}
        self._tasks: set[asyncio.Task[_Results]] = set()

    async def fetch(self, references: Sequence[Reference], *, fresh: bool = False) -> _Results:
        """As Store.fetch. Values may be a few seconds old; `fresh` asks the store for all of them."""
        now = asyncio.get_running_loop().time()
        results: dict[Reference, Value | StoreError] = {}
        flights: dict[Reference, asyncio.Task[_Results]] = {}
        wanted: dict[Reference, None] = {}
        for reference in references:
            if not fresh and (value := self._cache.get(reference, now)) is not None:
                results[reference] = value
            elif not fresh and (flight := self._flights.get(reference)) is not None:
                flights[reference] = flight
            else:
                wanted[reference] = None
        if wanted:
            task = self._start(tuple(wanted))
            flights.update(dict.fromkeys(wanted, task))
        if flights:
            # Not `await task`: a caller that is cancelled must not end what others wait for.
            await asyncio.wait(set(flights.values()))
        for reference, flight in flights.items():
            if flight.cancelled():
                results[reference] = Unavailable("the store was closed meanwhile")
            else:
                results[reference] = flight.result()[reference]
        return results

    async def check(self) -> None:
        """As Store.check. Always contacts the store, and so is what finds out that it is back."""
        loop = asyncio.get_running_loop()
        async with self._slots:
            try:
                await self._store.check()
            except StoreError as error:
                self._breaker.record((error,), loop.time())
                raise
        self._breaker.record((), loop.time())

    async def close(self) -> None:
        """Give up what is under way and close the store."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._store.close()

    def _start(self, references: tuple[Reference, ...]) -> asyncio.Task[_Results]:
        task = asyncio.create_task(self._fly(references))
        self._tasks.add(task)
        self._flights.update(dict.fromkeys(references, task))
        task.add_done_callback(lambda done: self._landed(done, references))
        return task

    def _landed(self, task: asyncio.Task[_Results], references: tuple[Reference, ...]) -> None:
        self._tasks.discard(task)
        results = task.result() if not task.cancelled() and task.exception() is None else {}
        loop = task.get_loop()
        for reference in references:
            # A fresher flight may have taken over; then this one's value is the older.
            if self._flights.get(reference) is not task:
                continue
            del self._flights[reference]
            result = results.get(reference)
            if isinstance(result, Value):
                self._cache.put(reference, result, loop.time())
            else:
                self._cache.drop(reference)
        if len(self._cache):
            loop.call_later(self._limits.cache_ttl, lambda: self._cache.purge(loop.time()))

    async def _fly(self, references: tuple[Reference, ...]) -> _Results:
        """One call with its retries, under the limits."""
        loop = asyncio.get_running_loop()
        await self._bucket.take(len(references))
        async with self._slots:
            if (refusal := self._breaker.refusal(loop.time())) is not None:
                return dict.fromkeys(references, refusal)
            results: dict[Reference, Value | StoreError] = {}
            deadline = loop.time() + self._limits.retry_window
            try:
                results.update(await self._store.fetch(references))
                await self._retry(results, deadline)
            finally:
                if results:
                    self._breaker.record(results.values(), loop.time())
                else:
                    self._breaker.abandon()
            return results

    async def _retry(self, results: dict[Reference, Value | StoreError], deadline: float) -> None:
        loop = asyncio.get_running_loop()
        for attempt in range(self._limits.tries - 1):
            failed = [reference for reference, result in results.items() if _is_worth_a_try(result)]
            spread = 0.5 + random.random()  # noqa: S311 - spreads load, guards nothing
            delay = self._limits.retry_delay * 2**attempt * spread
            told = [r.retry_after for f in failed if isinstance(r := results[f], Throttled) and r.retry_after]
            delay = max([delay, *told])
            if not failed or loop.time() + delay > deadline:
                return
            await asyncio.sleep(delay)
            await self._bucket.take(len(failed))
            results.update(await self._store.fetch(failed))


def _is_worth_a_try(result: Value | StoreError) -> bool:
    return isinstance(result, StoreError) and result.retryable
