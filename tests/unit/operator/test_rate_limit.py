"""The rate limit, with a clock of the test's own."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.operator.rate_limit import SECOND, RateLimit

MS = SECOND // 1000


@pytest.mark.parametrize(
    ("per_second", "burst", "asked"),
    [
        # Milliseconds of each question, and what is left after it; None is a refusal.
        pytest.param(2, 2, [(0, 2), (0, 1), (0, 0), (0, None)], id="three at once, as the controller"),
        pytest.param(
            2, 2, [(0, 2), (0, 1), (0, 0), (499, None), (500, 0), (500, None)], id="one each half second"
        ),
        pytest.param(2, 2, [(0, 2), (500, 2), (1000, 2), (1500, 2)], id="a steady client never notices"),
        pytest.param(2, 2, [(0, 2), (0, 1), (0, 0), (1500, 2)], id="all is forgiven after the burst"),
        pytest.param(1, 0, [(0, 0), (0, None), (999, None), (1000, 0)], id="no burst"),
        pytest.param(1000, 0, [(0, 0), (0, None), (1, 0), (1, None), (2, 0)], id="a thousand a second"),
    ],
)
def test_a_client_is_let_through_as_often_as_the_table_says(
    per_second: int, burst: int, asked: list[tuple[int, int | None]]
) -> None:
    limit = RateLimit(per_second, burst)
    for at, left in asked:
        decision = limit.ask("a", 10 * SECOND + at * MS)
        assert (decision.remaining if decision.allowed else None) == left
        assert decision.limit == burst + 1
        assert decision.allowed == (decision.retry_after == 0)


def test_a_refusal_says_when_to_come_back_and_costs_nothing() -> None:
    limit = RateLimit(2, 2)
    for _ in range(3):
        limit.ask("a", SECOND)
    for _ in range(100):
        refused = limit.ask("a", SECOND)
        assert (refused.allowed, refused.retry_after, refused.reset_after) == (
            False,
            SECOND // 2,
            SECOND * 3 // 2,
        )
    assert limit.ask("a", SECOND + refused.retry_after).allowed


def test_clients_do_not_share() -> None:
    limit = RateLimit(2, 0)
    assert limit.ask("a", 0).allowed
    assert not limit.ask("a", 0).allowed
    assert limit.ask("b", 0).allowed


def test_a_rate_beyond_all_measure_is_no_limit() -> None:
    limit = RateLimit(10**12, 0)
    assert all(limit.ask("a", now).allowed for now in range(100))


def test_all_clients_together_are_limited_too() -> None:
    limit = RateLimit(2, 2, together=10)
    allowed = sum(limit.ask(f"client-{number}", 0).allowed for number in range(1000))
    assert allowed == 30
    assert limit.ask("another", SECOND).allowed


def test_a_million_clients_do_not_grow_the_table() -> None:
    limit = RateLimit(2, 2, together=1_000_000, clients=100)
    for number in range(10_000):
        limit.ask(f"client-{number}", 0)
    assert len(limit) == 100
    # Those who came too late share one place; those who are known keep theirs.
    assert not limit.ask("one more", 0).allowed
    assert limit.ask("client-0", 0).allowed
    # Whoever owes nothing makes room.
    assert limit.ask("later", 10 * SECOND).remaining == 2
    assert len(limit) == 1


@given(
    st.integers(1, 50),
    st.integers(0, 10),
    st.lists(st.integers(0, 2 * SECOND), max_size=200),
)
def test_no_window_holds_more_than_the_rate_and_the_burst(
    per_second: int, burst: int, gaps: list[int]
) -> None:
    limit = RateLimit(per_second, burst)
    now, passed = 0, []
    for gap in gaps:
        now += gap
        if limit.ask("a", now).allowed:
            passed.append(now)
    interval = SECOND // per_second
    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + 1 + Fraction(passed[last] - begin, interval)
