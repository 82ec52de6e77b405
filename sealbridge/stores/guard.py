"""What stands before every store: cache, single flight, limits, quick retries, circuit breaker.

Knows no provider. Time is the event loop's.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sealbridge.errors import StoreError, Throttled, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.base import Push, Reference, Search, Store, Target
from sealbridge.stores.breaker import CircuitBreaker
from sealbridge.stores.cache import AnswerCache
from sealbridge.stores.limiter import TokenBucket
from sealbridge.stores.waiting import waiting_since

_T = TypeVar("_T")
_Results = Mapping[Reference, Value | StoreError]
_Found = Mapping[str, Value]


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
    cache_ttl: float = 5.0  # how old an answer may be when somebody begins to wait for it ...
    cache_keep: float = 60.0  # ... and how long he may have waited by then
    cache_entries: int = 4096
    cache_size: int = 16 * 1024 * 1024


class GuardedStore:
    """A store that many ExternalSecrets may lean on at once."""

    def __init__(self, store: Store, limits: Limits | None = None) -> None:
        self._store = store
        self._limits = limits = limits or Limits()
        self._cache: AnswerCache[Reference, Value] = _cache(limits)
        self._found: AnswerCache[Search, _Found] = _cache(limits)
        self._bucket = TokenBucket(limits.rate, limits.burst)
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._breaker = CircuitBreaker(
            threshold=limits.failures, pause=limits.pause, longest_pause=limits.longest_pause
        )
        self._flights: dict[Reference, asyncio.Task[_Results]] = {}
        self._searches: dict[Search, asyncio.Task[_Found]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def fetch(self, references: Sequence[Reference], *, fresh: bool = False) -> _Results:
        """As Store.fetch. Values may be a few seconds old; `fresh` asks the store for all of them."""
        now, since = asyncio.get_running_loop().time(), waiting_since.get()
        results: dict[Reference, Value | StoreError] = {}
        flights: dict[Reference, asyncio.Task[_Results]] = {}
        wanted: dict[Reference, None] = {}
        for reference in references:
            if not fresh and (value := self._cache.get(reference, now, since=since)) is not None:
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

    async def find(self, search: Search, *, fresh: bool = False) -> _Found:
        """As Store.find. Shared and remembered as `fetch` does it."""
        loop = asyncio.get_running_loop()
        known = None if fresh else self._found.get(search, loop.time(), since=waiting_since.get())
        if known is not None:
            return known
        flight = None if fresh else self._searches.get(search)
        if flight is None:
            flight = asyncio.create_task(self._ask(lambda: self._store.find(search), again=_is_worth_a_try))
            self._tasks.add(flight)
            self._searches[search] = flight
            flight.add_done_callback(lambda done: self._searched(done, search))
        await asyncio.wait({flight})
        if flight.cancelled():
            raise Unavailable("the store was closed meanwhile")
        error = flight.exception()
        if error is not None:
            # Each caller gets one of its own: whoever catches an error adds where it was.
            raise copy.copy(error) if isinstance(error, StoreError) else error
        return flight.result()

    async def push(self, push: Push) -> bool:
        """As Store.push. What was fetched before is forgotten."""
        try:
            return await self._ask(lambda: self._store.push(push), again=_was_not_done)
        finally:
            self._forget()

    async def delete(self, target: Target) -> None:
        """As Store.delete. What was fetched before is forgotten."""
        try:
            await self._ask(lambda: self._store.delete(target), again=_was_not_done)
        finally:
            self._forget()

    async def exists(self, target: Target) -> bool:
        """As Store.exists. Always asks the store."""
        return await self._ask(lambda: self._store.exists(target), again=_is_worth_a_try)

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
                self._cache.put(reference, result, len(result), loop.time())
            else:
                self._cache.drop(reference)
        self._purge_later(loop)

    def _searched(self, task: asyncio.Task[_Found], search: Search) -> None:
        self._tasks.discard(task)
        if self._searches.get(search) is not task:
            return
        del self._searches[search]
        if not task.cancelled() and task.exception() is None:
            found, loop = task.result(), task.get_loop()
            size = sum(len(name) + len(value) for name, value in found.items())
            self._found.put(search, found, size, loop.time())
            self._purge_later(loop)

    def _purge_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if len(self._cache) or len(self._found):
            limits = self._limits
            loop.call_later(limits.cache_ttl + limits.cache_keep, lambda: self._purge(loop.time()))

    def _purge(self, now: float) -> None:
        self._cache.purge(now)
        self._found.purge(now)

    def _forget(self) -> None:
        """Nothing that was asked before now is an answer any more: one secret may have several names."""
        self._cache.clear()
        self._found.clear()
        # Those who wait for them still get what they give; nobody who comes now does.
        self._flights.clear()
        self._searches.clear()

    async def _ask(self, call: Callable[[], Awaitable[_T]], *, again: Callable[[StoreError], bool]) -> _T:
        """One call for one thing, under the limits; `again` tells which errors are worth a retry."""
        loop = asyncio.get_running_loop()
        await self._bucket.take(1)
        async with self._slots:
            if (refusal := self._breaker.refusal(loop.time())) is not None:
                raise refusal
            outcome: tuple[StoreError, ...] | None = None
            deadline = loop.time() + self._limits.retry_window
            attempt = 0
            try:
                while True:
                    try:
                        answer = await call()
                        outcome = ()
                        return answer
                    except StoreError as error:
                        outcome = (error,)
                        delay = self._delay(attempt, [error])
                        attempt += 1
                        last = attempt >= self._limits.tries or loop.time() + delay > deadline
                        if last or not again(error):
                            raise
                    await asyncio.sleep(delay)
                    await self._bucket.take(1)
            finally:
                if outcome is None:
                    self._breaker.abandon()
                else:
                    self._breaker.record(outcome, loop.time())

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
            delay = self._delay(attempt, [results[reference] for reference in failed])
            if not failed or loop.time() + delay > deadline:
                return
            await asyncio.sleep(delay)
            await self._bucket.take(len(failed))
            results.update(await self._store.fetch(failed))

    def _delay(self, attempt: int, failures: Sequence[Value | StoreError]) -> float:
        """Before the next try: growing, spread, and not less than what the store asks for."""
        spread = 0.5 + random.random()  # noqa: S311 - spreads load, guards nothing
        told = [error.retry_after for error in failures if isinstance(error, Throttled)]
        delay = self._limits.retry_delay * 2.0**attempt * spread
        return max(delay, *(wait or 0.0 for wait in told), 0.0)


def _cache(limits: Limits) -> AnswerCache[Any, Any]:
    return AnswerCache(
        ttl=limits.cache_ttl, keep=limits.cache_keep, entries=limits.cache_entries, size=limits.cache_size
    )


def _is_worth_a_try(result: Value | StoreError) -> bool:
    return isinstance(result, StoreError) and result.retryable


def _was_not_done(error: StoreError) -> bool:
    """After an outage nobody knows whether the store has acted, so that a write is not repeated here."""
    return isinstance(error, Throttled)
