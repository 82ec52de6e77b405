"""The work queue under a loop whose time is warped: no test waits for real."""

from __future__ import annotations

import asyncio
import random

import pytest

from sealbridge.operator.queue import FAIR_SHARE, Priority, QueueClosed, WorkQueue

pytestmark = pytest.mark.looptime


def now() -> float:
    return asyncio.get_running_loop().time()


async def work_off(queue: WorkQueue[str], count: int) -> list[str]:
    taken = []
    for _ in range(count):
        key = await queue.take()
        taken.append(key)
        queue.done(key)
    return taken


async def test_keys_come_out_in_the_order_they_went_in() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in "abc":
        queue.add(key)
    assert await work_off(queue, 3) == ["a", "b", "c"]


async def test_a_key_added_many_times_is_worked_on_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(5):
        queue.add("a")
    assert queue.depth == 1
    assert await work_off(queue, 1) == ["a"]
    assert queue.depth == 0


async def test_a_key_is_never_worked_on_twice_at_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    assert await queue.take() == "a"
    queue.add("a")
    assert queue.depth == 0
    assert queue.is_working("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 5)


async def test_an_add_during_the_work_is_done_afterwards_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.take()
    queue.add("a")
    queue.add("a")
    queue.done("a")
    assert await work_off(queue, 1) == ["a"]
    assert queue.depth == 0


async def test_done_without_an_add_leaves_nothing() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await work_off(queue, 1)
    assert (queue.depth, queue.working, queue.delayed) == (0, 0, 0)


async def test_changes_go_before_periodic_work() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("refresh", priority=Priority.PERIODIC)
    queue.add("edit")
    assert await work_off(queue, 2) == ["edit", "refresh"]


async def test_a_change_moves_a_waiting_refresh_to_the_front_line() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in ("a", "b"):
        queue.add(key, priority=Priority.PERIODIC)
    queue.add("b")
    assert queue.depth == 2
    assert await work_off(queue, 2) == ["b", "a"]
    assert queue.depth == 0


async def test_a_refresh_does_not_move_a_waiting_change_back() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add("a", priority=Priority.PERIODIC)
    queue.add("b", priority=Priority.PERIODIC)
    assert await work_off(queue, 2) == ["a", "b"]


async def test_a_flood_of_changes_does_not_starve_periodic_work() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("refresh", priority=Priority.PERIODIC)
    for number in range(3 * FAIR_SHARE):
        queue.add(f"edit-{number}")
    assert "refresh" in await work_off(queue, FAIR_SHARE + 1)


async def test_a_delayed_key_comes_when_it_is_due() -> None:
    queue: WorkQueue[str] = WorkQueue()
    start = now()
    queue.add_after("late", 30)
    queue.add_after("soon", 10)
    assert queue.due_in("soon") == pytest.approx(10)
    assert await queue.take() == "soon"
    assert now() - start == pytest.approx(10, abs=0.1)
    assert await queue.take() == "late"
    assert now() - start == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize(("first", "second"), [(30, 10), (10, 30)])
async def test_of_two_due_times_the_earlier_counts_and_the_later_is_gone(first: float, second: float) -> None:
    queue: WorkQueue[str] = WorkQueue()
    start = now()
    queue.add_after("a", first)
    queue.add_after("a", second)
    assert await work_off(queue, 1) == ["a"]
    assert now() - start == pytest.approx(10, abs=0.1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 60)


async def test_an_add_makes_a_due_time_superfluous() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 10)
    queue.add("a")
    assert await work_off(queue, 1) == ["a"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 60)


async def test_a_due_time_of_a_waiting_key_is_not_needed() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add_after("a", 10)
    assert queue.delayed == 0


async def test_no_delay_means_now() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 0)
    assert queue.depth == 1


async def test_failures_back_off_up_to_the_last_ceiling_and_start_again_after_success() -> None:
    class Highest(random.Random):
        def uniform(self, a: float, b: float) -> float:
            return b

    queue: WorkQueue[str] = WorkQueue(rng=Highest())
    delays = []
    for _ in range(12):
        delays.append(queue.retry("a"))
        assert await queue.take() == "a"
        queue.done("a")
    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert queue.is_failing("a")
    queue.forget("a")
    assert not queue.is_failing("a")
    assert queue.retry("a") == 1
    assert queue.retries == 13


async def test_the_delay_is_a_random_part_of_the_ceiling() -> None:
    queue: WorkQueue[str] = WorkQueue(rng=random.Random(7))
    for _ in range(8):
        queue.retry("a")
    delays = {queue.retry(f"key-{number}") for number in range(50)}
    assert len(delays) == 50
    assert all(0 <= delay <= 1 for delay in delays)


async def test_a_store_that_names_a_delay_is_not_asked_sooner() -> None:
    queue: WorkQueue[str] = WorkQueue()
    assert queue.retry("a", at_least=42) == 42


async def test_a_change_resets_the_backoff_and_is_worked_on_at_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(9):
        queue.retry("a")
    queue.add("a", reset=True)
    start = now()
    assert await work_off(queue, 1) == ["a"]
    assert now() == pytest.approx(start, abs=0.1)
    assert not queue.is_failing("a")


async def test_a_dropped_key_has_neither_due_time_nor_failures() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.retry("a")
    queue.drop("a")
    assert (queue.delayed, queue.is_failing("a")) == (0, False)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 60)


async def test_a_failing_key_does_not_hold_up_another() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.retry("bad", at_least=100)
    queue.add("good")
    start = now()
    assert await work_off(queue, 1) == ["good"]
    assert now() == pytest.approx(start, abs=0.1)


async def test_each_of_many_workers_gets_its_own_key() -> None:
    queue: WorkQueue[int] = WorkQueue()
    at_once: set[int] = set()
    finished: list[int] = []
    most = 0

    async def worker() -> None:
        nonlocal most
        while True:
            key = await queue.take()
            assert key not in at_once
            at_once.add(key)
            most = max(most, len(at_once))
            await asyncio.sleep(1)
            at_once.remove(key)
            finished.append(key)
            queue.done(key)

    workers = [asyncio.create_task(worker()) for _ in range(4)]
    for key in range(20):
        queue.add(key % 10)
    await asyncio.sleep(10)
    assert sorted(finished) == list(range(10))
    assert most == 4
    queue.close()
    for result in await asyncio.gather(*workers, return_exceptions=True):
        assert isinstance(result, QueueClosed)


async def test_the_age_is_that_of_the_key_that_waits_longest() -> None:
    queue: WorkQueue[str] = WorkQueue()
    assert queue.age == 0
    queue.add("a")
    await asyncio.sleep(3)
    queue.add("b")
    await asyncio.sleep(2)
    assert queue.age == pytest.approx(5, abs=0.1)
    await work_off(queue, 1)
    assert queue.age == pytest.approx(2, abs=0.1)


async def test_moving_to_the_front_line_keeps_the_age() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a", priority=Priority.PERIODIC)
    await asyncio.sleep(3)
    queue.add("a")
    assert queue.age == pytest.approx(3, abs=0.1)


async def test_a_closed_queue_ends_its_takers_and_takes_nothing_more() -> None:
    queue: WorkQueue[str] = WorkQueue()
    taker = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.close()
    with pytest.raises(QueueClosed):
        await taker
    queue.add("a")
    queue.add_after("b", 1)
    assert (queue.depth, queue.delayed) == (0, 0)
    with pytest.raises(QueueClosed):
        await queue.take()


async def test_a_worker_cancelled_while_it_is_woken_passes_the_work_on() -> None:
    queue: WorkQueue[str] = WorkQueue()
    first = asyncio.create_task(queue.take())
    second = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    assert await asyncio.wait_for(second, 5) == "a"


async def test_work_is_asked_for_when_it_was_added_last() -> None:
    queue: WorkQueue[str] = WorkQueue()
    loop = asyncio.get_running_loop()
    queue.add("a", priority=Priority.PERIODIC)
    await asyncio.sleep(3)
    queue.add("a")
    asked = loop.time()
    await asyncio.sleep(3)
    assert queue.since(await queue.take()) == asked
    queue.add("a")
    queue.done("a")
    assert queue.since(await queue.take()) == loop.time()
    queue.done("a")
    assert not queue._asked
