"""What stands before a store: sharing, limits, retries and the breaker. Time is looptime's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

import pytest

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, Throttled, Unavailable
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Push, Reference, Search, Target
from sealbridge.stores.guard import GuardedStore, Limits
from sealbridge.stores.waiting import waiting_since

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

A, B, C = Reference("a"), Reference("b"), Reference("c")
Answer = Value | StoreError
# No quick tries: each fetch is one call.
ONE_TRY = Limits(tries=1, cache_ttl=0)


class Script:
    """A store whose answers the test writes. Each call takes `delay` seconds."""

    def __init__(self, answer: Callable[[Reference], Answer], *, delay: float = 0.0) -> None:
        self.answer = answer
        self.delay = delay
        self.calls: list[tuple[float, tuple[Reference, ...]]] = []
        self.active = self.most_active = 0
        self.closed = False
        self.check_error: StoreError | None = None
        self.asked: list[object] = []
        # What `find`, `push`, `delete` and `exists` do, one after the other; an error is raised.
        self.script: list[object] = []

    async def _next(self, question: object, usual: object) -> object:
        self.asked.append(question)
        await asyncio.sleep(self.delay)
        outcome = self.script.pop(0) if self.script else usual
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def find(self, search: Search) -> object:
        return await self._next(search, {"a": Value(b"a")})

    async def push(self, push: Push) -> object:
        return await self._next(push, True)

    async def delete(self, target: Target) -> object:
        return await self._next(target, None)

    async def exists(self, target: Target) -> object:
        return await self._next(target, True)

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Answer]:
        self.calls.append((asyncio.get_running_loop().time(), tuple(references)))
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        try:
            await asyncio.sleep(self.delay)
        finally:
            self.active -= 1
        return {reference: self.answer(reference) for reference in references}

    async def check(self) -> None:
        if self.check_error is not None:
            raise self.check_error

    async def close(self) -> None:
        self.closed = True


def echo(reference: Reference) -> Answer:
    return Value(reference.key.encode())


@pytest.fixture
async def guarded() -> AsyncIterator[Callable[..., GuardedStore]]:
    stores: list[GuardedStore] = []

    def guard(script: Script, limits: Limits | None = None) -> GuardedStore:
        stores.append(GuardedStore(script, limits))
        return stores[-1]

    yield guard
    for store in stores:
        await store.close()


Guarded = Callable[..., GuardedStore]


async def test_values_are_remembered_for_a_short_time(guarded: Guarded) -> None:
    script = Script(echo)
    store = guarded(script, Limits(cache_ttl=5))
    for wait, calls in ((0, 1), (4.9, 1), (0.2, 2)):
        await asyncio.sleep(wait)
        assert await store.fetch([A]) == {A: Value(b"a")}
        assert len(script.calls) == calls


async def test_who_has_waited_long_is_content_with_an_answer_of_when_he_began(guarded: Guarded) -> None:
    script = Script(echo)
    store = guarded(script, Limits(cache_ttl=5, cache_keep=60))
    await store.fetch([A])
    await store.find(ALL)
    loop = asyncio.get_running_loop()

    async def waited(since: float) -> tuple[int, int]:
        waiting_since.set(since)
        await store.fetch([A])
        await store.find(ALL)
        return len(script.calls), len(script.asked)

    began = loop.time()
    await asyncio.sleep(50)
    # Each in a context of its own, as the operator's workers are.
    assert await asyncio.create_task(waited(began)) == (1, 1)
    assert await asyncio.create_task(waited(began + 4.9)) == (1, 1)
    assert await asyncio.create_task(waited(began + 5.1)) == (2, 2)
    await asyncio.sleep(66)
    assert len(store._cache) == len(store._found) == 0


async def test_only_what_is_not_known_is_asked_for(guarded: Guarded) -> None:
    script = Script(echo)
    store = guarded(script)
    await store.fetch([A])
    results = await store.fetch([B, A, B, C])
    assert results == {A: Value(b"a"), B: Value(b"b"), C: Value(b"c")}
    assert [references for _, references in script.calls] == [(A,), (B, C)]


async def test_fresh_asks_again_and_its_value_is_remembered(guarded: Guarded) -> None:
    versions = iter([b"1", b"2"])
    script = Script(lambda _: Value(next(versions)))
    store = guarded(script)
    assert await store.fetch([A]) == {A: Value(b"1")}
    assert await store.fetch([A], fresh=True) == {A: Value(b"2")}
    assert await store.fetch([A]) == {A: Value(b"2")}


async def test_a_value_that_was_overtaken_by_a_fresher_one_is_not_remembered(guarded: Guarded) -> None:
    script = Script(lambda _: Value(b"old"), delay=1)
    store = guarded(script)
    slow = asyncio.create_task(store.fetch([A]))
    await asyncio.sleep(0.5)
    script.delay, script.answer = 0, lambda _: Value(b"new")
    assert await store.fetch([A], fresh=True) == {A: Value(b"new")}
    script.answer = lambda _: Value(b"old")
    await slow
    assert await store.fetch([A]) == {A: Value(b"new")}


async def test_errors_are_not_remembered(guarded: Guarded) -> None:
    script = Script(lambda _: NotFound("nothing there"))
    store = guarded(script)
    assert isinstance((await store.fetch([A]))[A], NotFound)
    script.answer = echo
    assert await store.fetch([A]) == {A: Value(b"a")}


async def test_the_same_question_asked_at_once_is_asked_once(guarded: Guarded) -> None:
    script = Script(echo, delay=1)
    store = guarded(script, Limits(cache_ttl=0))
    results = await asyncio.gather(*(store.fetch([A, other]) for other in (B, C, B)))
    assert [references for _, references in script.calls] == [(A, B), (C,)]
    assert results[2] == {A: Value(b"a"), B: Value(b"b")}


async def test_a_caller_that_is_cancelled_ends_nothing_that_others_wait_for(guarded: Guarded) -> None:
    script = Script(echo, delay=1)
    store = guarded(script)
    first, second = asyncio.create_task(store.fetch([A])), asyncio.create_task(store.fetch([A]))
    await asyncio.sleep(0.5)
    first.cancel()
    assert await second == {A: Value(b"a")}
    assert len(script.calls) == 1


async def test_closing_ends_what_is_under_way_with_an_error(guarded: Guarded) -> None:
    script = Script(echo, delay=100)
    store = guarded(script)
    waiting = asyncio.create_task(store.fetch([A]))
    await asyncio.sleep(1)
    await store.close()
    assert isinstance((await waiting)[A], Unavailable)
    assert script.closed


async def test_no_more_calls_than_allowed_run_at_once(guarded: Guarded) -> None:
    script = Script(echo, delay=1)
    store = guarded(script, Limits(concurrency=3))
    await asyncio.gather(*(store.fetch([Reference(str(number))]) for number in range(9)))
    assert script.most_active == 3
    assert asyncio.get_running_loop().time() == pytest.approx(3)


async def test_references_are_asked_for_at_a_limited_rate(guarded: Guarded) -> None:
    script = Script(echo)
    store = guarded(script, Limits(rate=2, burst=4))
    for number in range(8):
        await store.fetch([Reference(str(number))])
    assert [time for time, _ in script.calls] == pytest.approx([0, 0, 0, 0, 0.5, 1.0, 1.5, 2.0])
    await asyncio.sleep(60)
    await store.fetch([Reference(f"more-{number}") for number in range(8)])
    assert script.calls[-1][0] == pytest.approx(64)


@pytest.mark.parametrize("error", [Unavailable("down"), Throttled("slow down")])
async def test_what_may_heal_at_once_is_tried_again_quickly(guarded: Guarded, error: StoreError) -> None:
    answers: Iterator[Answer] = iter([error, Value(b"b")])
    script = Script(lambda reference: next(answers) if reference == B else echo(reference))
    store = guarded(script)
    assert await store.fetch([A, B]) == {A: Value(b"a"), B: Value(b"b")}
    assert [references for _, references in script.calls] == [(A, B), (B,)]
    assert script.calls[1][0] < 1


@pytest.mark.parametrize("error", [NotFound("no"), Denied("no"), Invalid("no")])
async def test_what_does_not_heal_is_not_tried_again(guarded: Guarded, error: StoreError) -> None:
    script = Script(lambda _: error)
    assert (await guarded(script).fetch([A]))[A] is error
    assert len(script.calls) == 1


async def test_tries_are_bounded_in_number_and_time(guarded: Guarded) -> None:
    quick = Script(lambda _: Unavailable("down"))
    await guarded(quick, Limits(tries=3)).fetch([A])
    assert len(quick.calls) == 3
    slow = Script(lambda _: Unavailable("down"), delay=10)
    await guarded(slow, Limits(retry_window=5)).fetch([A])
    assert len(slow.calls) == 1


async def test_a_store_that_names_a_pause_is_given_it(guarded: Guarded) -> None:
    script = Script(lambda _: Throttled("slow down", retry_after=60))
    store = guarded(script, Limits(cache_ttl=0))
    assert isinstance((await store.fetch([A]))[A], Throttled)
    await asyncio.sleep(30)
    refused = (await store.fetch([A]))[A]
    assert isinstance(refused, Throttled)
    assert refused.retry_after == pytest.approx(30)
    assert refused.hint == "the next try is in 30 s"
    assert len(script.calls) == 1
    script.answer = echo
    await asyncio.sleep(30.1)
    assert await store.fetch([A]) == {A: Value(b"a")}


async def test_a_short_pause_is_waited_for_within_the_call(guarded: Guarded) -> None:
    answers: Iterator[Answer] = iter([Throttled("slow down", retry_after=2), Value(b"a")])
    script = Script(lambda _: next(answers))
    assert await guarded(script).fetch([A]) == {A: Value(b"a")}
    assert script.calls[1][0] == pytest.approx(2)


@pytest.mark.parametrize("error", [Unavailable("it is down"), Denied("wrong token", credentials=True)])
async def test_the_breaker_opens_after_failures_in_a_row_and_says_when_the_next_try_is(
    guarded: Guarded, error: StoreError
) -> None:
    script = Script(lambda _: error)
    store = guarded(script, Limits(tries=1, failures=3, pause=30, longest_pause=60))
    for _ in range(3):
        assert (await store.fetch([A]))[A] is error
    await asyncio.sleep(10)
    refused = (await store.fetch([B]))[B]
    assert type(refused) is type(error)
    assert isinstance(refused, StoreError)
    assert refused.what == error.what
    assert refused.retry_after == pytest.approx(20)
    assert refused.hint == "the store is left alone for a while, the next try is in 20 s"
    assert error.hint is None
    assert len(script.calls) == 3


async def test_one_call_probes_after_the_pause_and_closes_the_breaker(guarded: Guarded) -> None:
    script = Script(lambda _: Unavailable("down"))
    store = guarded(script, Limits(tries=1, failures=1, pause=30))
    await store.fetch([A])
    await asyncio.sleep(30)
    script.answer, script.delay = echo, 1
    probe, other = await asyncio.gather(store.fetch([A]), store.fetch([B]))
    assert probe == {A: Value(b"a")}
    refused = other[B]
    assert isinstance(refused, Unavailable)
    assert refused.hint is not None
    assert refused.hint.endswith("the next try is under way")
    assert await store.fetch([B]) == {B: Value(b"b")}


async def test_a_failed_probe_doubles_the_pause_up_to_its_limit(guarded: Guarded) -> None:
    script = Script(lambda _: Unavailable("down"))
    store = guarded(script, Limits(tries=1, failures=1, pause=30, longest_pause=100))
    await store.fetch([A])
    for pause in (30, 60, 100, 100):
        before = len(script.calls)
        await asyncio.sleep(pause - 0.1)
        await store.fetch([A])
        assert len(script.calls) == before
        await asyncio.sleep(0.1)
        await store.fetch([A])
        assert len(script.calls) == before + 1


@pytest.mark.parametrize("answer", [NotFound("no"), Denied("forbidden"), Invalid("no"), Value(b"x")])
async def test_any_answer_shows_that_the_store_is_alive(guarded: Guarded, answer: Answer) -> None:
    script = Script(lambda _: Unavailable("down"))
    store = guarded(script, Limits(tries=1, failures=2, cache_ttl=0))
    for _ in range(3):
        script.answer = lambda _: Unavailable("down")
        await store.fetch([A])
        script.answer = lambda reference: answer if reference == A else Unavailable("down")
        await store.fetch([A, B])
    assert len(script.calls) == 6


async def test_check_reaches_the_store_though_the_breaker_is_open_and_closes_it(guarded: Guarded) -> None:
    script = Script(lambda _: Unavailable("down"))
    script.check_error = Unavailable("down")
    store = guarded(script, Limits(tries=1, failures=2))
    await store.fetch([A])
    with pytest.raises(Unavailable):
        await store.check()
    assert len(script.calls) == 1
    script.answer = echo
    assert isinstance((await store.fetch([A]))[A], Unavailable)
    script.check_error = None
    await store.check()
    assert await store.fetch([A]) == {A: Value(b"a")}


async def test_a_probe_that_is_closed_away_leaves_no_breaker_stuck(guarded: Guarded) -> None:
    class Broken(Script):
        async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Answer]:
            if len(self.calls) == 1:
                self.calls.append((0.0, ()))
                raise RuntimeError("a defect")
            return await super().fetch(references)

    script = Broken(lambda _: Unavailable("down"))
    store = guarded(script, Limits(tries=1, failures=1, pause=30))
    await store.fetch([A])
    await asyncio.sleep(30)
    with pytest.raises(RuntimeError):
        await store.fetch([A])
    script.answer = echo
    assert await store.fetch([A]) == {A: Value(b"a")}


async def test_the_memory_is_bounded_in_entries_and_bytes(guarded: Guarded) -> None:
    script = Script(lambda reference: Value(b"x" * int(reference.version or 1)))
    few = guarded(script, Limits(cache_entries=2))
    for reference in (A, B, C, C, B, A):
        await few.fetch([reference])
    assert [references for _, references in script.calls] == [(A,), (B,), (C,), (A,)]
    script.calls.clear()
    small = guarded(script, Limits(cache_size=10))
    sixty, five, six = Reference("a", "60"), Reference("b", "5"), Reference("c", "6")
    for reference in (sixty, sixty, five, six, six, five):
        await small.fetch([reference])
    assert [references for _, references in script.calls] == [(sixty,), (sixty,), (five,), (six,), (five,)]


ALL, SOME = Search(), Search(name="some")
PUSH = Push(target=Target("a"), source=Secret(name="s", items={"k": Value(b"v")}), item="k")


async def test_the_same_search_at_once_and_within_moments_is_made_once(guarded: Guarded) -> None:
    script = Script(echo, delay=1)
    store = guarded(script, Limits(cache_ttl=5))
    found = await asyncio.gather(store.find(ALL), store.find(SOME), store.find(ALL))
    assert found == [{"a": Value(b"a")}] * 3
    await store.find(ALL)
    assert script.asked == [ALL, SOME]
    await store.find(ALL, fresh=True)
    await asyncio.sleep(5.1)
    await store.find(ALL)
    assert script.asked == [ALL, SOME, ALL, ALL]


async def test_those_who_share_a_search_that_fails_get_an_error_each(guarded: Guarded) -> None:
    script = Script(echo, delay=1)
    script.script = [Denied("no")]
    store = guarded(script)
    errors = await asyncio.gather(store.find(ALL), store.find(ALL), return_exceptions=True)
    assert [type(error) for error in errors] == [Denied, Denied]
    assert errors[0] is not errors[1]
    assert script.asked == [ALL]


async def test_a_search_is_tried_again_quickly_and_feeds_the_breaker(guarded: Guarded) -> None:
    script = Script(echo)
    script.script = [Unavailable("down"), Throttled("slow down")]
    store = guarded(script, Limits(failures=1))
    assert await store.find(ALL) == {"a": Value(b"a")}
    script.script = [Unavailable("down")] * 3
    with pytest.raises(Unavailable):
        await store.find(SOME)
    with pytest.raises(Unavailable) as caught:
        await store.exists(Target("a"))
    assert caught.value.hint is not None
    assert len(script.asked) == 6


async def test_a_closed_store_ends_a_search_with_an_error(guarded: Guarded) -> None:
    script = Script(echo, delay=100)
    store = guarded(script)
    waiting = asyncio.create_task(store.find(ALL))
    await asyncio.sleep(1)
    await store.close()
    with pytest.raises(Unavailable, match="closed"):
        await waiting


async def test_a_write_is_repeated_only_when_the_store_says_that_it_did_nothing(guarded: Guarded) -> None:
    script = Script(echo)
    store = guarded(script, Limits(failures=10))
    script.script = [Throttled("slow down")]
    assert await store.push(PUSH) is True
    assert script.asked == [PUSH, PUSH]
    for write in (lambda: store.push(PUSH), lambda: store.delete(Target("a"))):
        script.asked.clear()
        script.script = [Unavailable("down")]
        with pytest.raises(Unavailable):
            await write()
        assert len(script.asked) == 1


@pytest.mark.parametrize("fails", [False, True])
async def test_after_a_write_nothing_older_is_given_out(guarded: Guarded, fails: bool) -> None:
    script = Script(echo)
    store = guarded(script)
    for write in (lambda: store.push(PUSH), lambda: store.delete(Target("a"))):
        await store.fetch([A])
        await store.find(ALL)
        script.delay = 1
        # This one began before the write and may hold what was there before.
        early = asyncio.create_task(store.fetch([B]))
        await asyncio.sleep(0.5)
        script.delay = 0
        script.script = [Unavailable("lost")] if fails else []
        with contextlib.suppress(Unavailable):
            await write()
        await early
        script.calls.clear()
        script.asked.clear()
        await store.fetch([A, B])
        await store.find(ALL)
        assert [references for _, references in script.calls] == [(A, B)]
        assert script.asked == [ALL]


async def test_no_more_writes_than_allowed_run_at_once(guarded: Guarded) -> None:
    script = Script(echo, delay=1)
    store = guarded(script, Limits(concurrency=3))
    await asyncio.gather(*(store.push(PUSH) for _ in range(9)))
    assert asyncio.get_running_loop().time() == pytest.approx(3)
