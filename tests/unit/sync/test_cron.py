"""When a schedule fires, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.sync.cron import parse_cron


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "now", "last", "following"),
    [
        # 2026-06-01 is a Monday.
        ("0 22 * * *", "2026-06-01 22:00", "2026-06-01 22:00", "2026-06-02 22:00"),
        ("0 22 * * *", "2026-06-01 21:59:59", "2026-05-31 22:00", "2026-06-01 22:00"),
        ("*/15 * * * *", "2026-06-01 10:20", "2026-06-01 10:15", "2026-06-01 10:30"),
        ("5/20 * * * *", "2026-06-01 10:20", "2026-06-01 10:05", "2026-06-01 10:25"),
        ("10-20/5 9,17 * * *", "2026-06-01 12:00", "2026-06-01 09:20", "2026-06-01 17:10"),
        ("0 8 * * 1-5", "2026-06-06 12:00", "2026-06-05 08:00", "2026-06-08 08:00"),
        ("0 8 * * mon-FRI", "2026-06-06 12:00", "2026-06-05 08:00", "2026-06-08 08:00"),
        ("0 8 * * 7", "2026-06-01 12:00", "2026-05-31 08:00", "2026-06-07 08:00"),
        ("0 8 * * sun", "2026-06-01 12:00", "2026-05-31 08:00", "2026-06-07 08:00"),
        ("0 0 1 jan,JUL ?", "2026-06-01 12:00", "2026-01-01 00:00", "2026-07-01 00:00"),
        ("0 0 31 * *", "2026-06-15 00:00", "2026-05-31 00:00", "2026-07-31 00:00"),
        ("0 0 29 2 *", "2026-06-01 12:00", "2024-02-29 00:00", "2028-02-29 00:00"),
        # Both days restricted: either will do.
        ("0 0 15 * mon", "2026-06-10 00:00", "2026-06-08 00:00", "2026-06-15 00:00"),
        ("0 0 13 * fri", "2026-06-12 12:00", "2026-06-12 00:00", "2026-06-13 00:00"),
        ("0 0 */10 * mon", "2026-06-09 00:00", "2026-06-08 00:00", "2026-06-11 00:00"),
        ("0 0 */1 * mon", "2026-06-09 00:00", "2026-06-08 00:00", "2026-06-15 00:00"),
        ("@daily", "2026-06-01 12:00", "2026-06-01 00:00", "2026-06-02 00:00"),
        ("@weekly", "2026-06-01 12:00", "2026-05-31 00:00", "2026-06-07 00:00"),
        ("@yearly", "2026-06-01 12:00", "2026-01-01 00:00", "2027-01-01 00:00"),
        ("@hourly", "2026-06-01 12:30", "2026-06-01 12:00", "2026-06-01 13:00"),
    ],
)
def test_a_schedule_fires(schedule: str, now: str, last: str, following: str) -> None:
    cron = parse_cron(schedule)
    assert (cron.last(at(now)), cron.next(at(now))) == (at(last), at(following))


def test_a_day_that_never_comes_never_fires() -> None:
    cron = parse_cron("0 0 30 2 *")
    assert (cron.last(at("2026-06-01 00:00")), cron.next(at("2026-06-01 00:00"))) == (None, None)


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        ("", "a schedule has five fields"),
        ("* * * *", "a schedule has five fields"),
        ("* * * * * *", "a schedule has five fields"),
        ("@reboot", "a schedule has five fields"),
        ("TZ=Europe/Berlin 0 8 * * *", "a schedule has five fields"),
        ("60 * * * *", "the minute must be from 0 to 59"),
        ("* 24 * * *", "the hour must be from 0 to 23"),
        ("* * 0 * *", "the day must be from 1 to 31"),
        ("* * * 13 *", "the month must be from 1 to 12"),
        ("* * * * 8", "the weekday must be from 0 to 7"),
        ("30-10 * * * *", "the minute must be from 0 to 59"),
        ("*/0 * * * *", "the minute must be from 0 to 59"),
        ("*/x * * * *", "the minute must be from 0 to 59"),
        ("*/ * * * *", "the minute must be from 0 to 59"),
        ("1,,2 * * * *", "the minute is not understood"),
        ("1- * * * *", "the minute is not understood"),
        ("-1 * * * *", "the minute is not understood"),
        ("* * * june *", "the month is not understood"),
        ("* * * * L", "the weekday is not understood"),
        ("\u0661 * * * *", "the minute is not understood"),
    ],
)
def test_what_is_no_schedule_says_why(schedule: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_cron(schedule)


@given(
    st.sampled_from(["*/7 * * * *", "0 22 * * *", "15 3-5 * * 1-5", "0 0 1,15 * sun", "@monthly"]),
    st.integers(0, 3_600_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
def test_between_the_last_and_the_next_firing_there_is_none(schedule: str, now: datetime) -> None:
    cron = parse_cron(schedule)
    last, following = cron.last(now), cron.next(now)
    assert last is not None
    assert following is not None
    assert last <= now < following
    assert cron.next(last) == following
    assert cron.last(following - timedelta(seconds=1)) == last
