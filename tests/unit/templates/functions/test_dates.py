"""sprig's functions of dates."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sealbridge.templates.functions import dates
from sealbridge.templates.go.times import Time
from sealbridge.templates.go.values import FunctionError, Int32, Int64
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

LEAP_DAY = dates.must_to_date(Budget(), b"2006-01-02", b"2024-02-29")


def test_now_is_now() -> None:
    assert abs(dates.now().unix() - time.time()) < 60


@pytest.mark.parametrize("value", [0, Int64(0), Int32(0), dates.to_date(Budget(), b"2006", b"1970")])
def test_dates_and_unix_times_are_written_in_utc_or_a_zone(value: Any) -> None:
    assert dates.date(Budget(), b"2006-01-02 15:04 MST", value) == b"1970-01-01 00:00 UTC"
    assert dates.date_in_zone(Budget(), b"15:04 MST", value, b"Europe/Berlin") == b"01:00 CET"
    assert dates.html_date(value) == b"1970-01-01"
    assert dates.html_date_in_zone(value, b"America/New_York") == b"1969-12-31"


@pytest.mark.parametrize("value", [None, b"1970-01-01", 0.0, True, [0]])
def test_what_is_no_date_is_now(value: Any) -> None:
    before = dates.html_date(dates.now())
    assert dates.html_date(value) in (before, dates.html_date(dates.now()))


def test_a_wrong_date_is_the_beginning_of_time_or_an_error() -> None:
    assert dates.to_date(Budget(), b"2006", b"secret") == Time()
    with pytest.raises(FunctionError):
        dates.must_to_date(Budget(), b"2006", b"secret")


def test_a_wrong_duration_moves_nothing_or_is_an_error() -> None:
    assert dates.date_modify(Budget(), b"24h", LEAP_DAY).unix() == LEAP_DAY.unix() + 86_400
    assert dates.date_modify(Budget(), b"secret", LEAP_DAY) == LEAP_DAY
    with pytest.raises(FunctionError):
        dates.must_date_modify(Budget(), b"secret", LEAP_DAY)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"3661", b"1h1m1s"), (Int64(95), b"1m35s"), (95, b"0s"), (b"x", b"0s"), (None, b"0s"), (b"-5", b"-5s")],
)
def test_seconds_become_a_duration(value: Any, expected: bytes) -> None:
    assert dates.duration(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"2h10m5s", b"2h"),
        (b"2400h", b"3mo"),
        (b"-9000h", b"1y"),
        (b"1m", b"60s"),
        (Int64(3_700_000_000_000), b"1h"),
        (3_700_000_000_000, b"0s"),
        (b"x", b"0s"),
        (Time(), b"292y"),
    ],
)
def test_a_duration_is_told_in_its_largest_unit(value: Any, expected: bytes) -> None:
    assert dates.duration_round(Budget(), value) == expected


def test_ago_counts_from_now_in_seconds() -> None:
    assert dates.ago(b"x") == b"0s"
    assert dates.ago(int(time.time()) - 7_200).startswith(b"2h0m")
    assert dates.unix_epoch(LEAP_DAY) == b"1709164800"


def test_long_layouts_and_durations_are_accounted_for() -> None:
    for use in (
        lambda budget: dates.date(budget, b"2" * 100, 0),
        lambda budget: dates.to_date(budget, b"2" * 100, b""),
        lambda budget: dates.date_modify(budget, b"0s" * 50, LEAP_DAY),
        lambda budget: dates.duration_round(budget, b"0s" * 50),
    ):
        with pytest.raises(BoundExceeded):
            use(Budget(Limits(steps=10)))
