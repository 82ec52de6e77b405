"""Go's times, durations, layouts and zones."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates import Template
from sealbridge.templates.go import civil
from sealbridge.templates.go.durations import LONGEST, SHORTEST, Duration, clamp, of_seconds, parse_duration
from sealbridge.templates.go.layout_reader import parse_time
from sealbridge.templates.go.layouts import format_layout
from sealbridge.templates.go.times import Month, Time, Weekday, of_unix
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.go.zones import UTC, offset_at
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

LEAP_DAY = parse_time(b"2006-01-02 15:04:05", b"2024-02-29 13:14:15.25")
HOUR = 3_600_000_000_000


@given(st.datetimes(timezones=st.just(datetime.UTC)))
def test_the_calendar_agrees_with_pythons(when: datetime.datetime) -> None:
    seconds = int(
        (when.replace(microsecond=0) - datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)).total_seconds()
    )
    shown = civil.from_seconds(seconds)
    assert shown[:3] == (when.year, when.month, when.day)
    assert shown[5:] == (when.hour, when.minute, when.second)
    assert shown.day_of_year == when.timetuple().tm_yday
    assert shown.weekday == when.isoweekday() % 7
    clock = when.hour * 3600 + when.minute * 60 + when.second
    assert civil.to_seconds(when.year, when.month, when.day, clock) == seconds


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 999_999_999))
def test_what_a_layout_writes_is_read_back(seconds: int, nanoseconds: int) -> None:
    time = Time(seconds, nanoseconds)
    layout = b"2006-01-02T15:04:05.999999999Z07:00"
    written = format_layout(layout, seconds, nanoseconds, UTC)
    if 0 <= time.year() <= 9999:
        assert parse_time(layout, written) == time
    else:
        with pytest.raises(FunctionError):
            parse_time(layout, written)


@pytest.mark.parametrize(
    ("layout", "written"),
    [
        (b"Monday, January _2 2006", b"Thursday, February 29 2024"),
        (b"Mon Jan 2 06 002 __2", b"Thu Feb 29 24 060  60"),
        (b"03:04:05 PM 3pm", b"01:14:15 PM 1pm"),
        (b".000 .9 ,99", b".250 .2 ,25"),
        (b"MST -0700 Z07:00", b"UTC +0000 Z"),
        (b"_2006 Month Jane", b"_2024 Month Jane"),
    ],
)
def test_a_layout_says_how_a_time_is_written(layout: bytes, written: bytes) -> None:
    assert LEAP_DAY.format(Budget(), layout) == written


@pytest.mark.parametrize(
    ("layout", "text", "said"),
    [
        (b"2006-01-02", b"2024-02-30", "day"),
        (b"2006-01", b"2024-13", "month"),
        (b"15", b"24", "hour"),
        (b"3PM", b"13PM", "hour"),
        (b"4", b"60", "minute"),
        (b"5", b"60", "second"),
        (b"2006 002", b"2023 366", "day of the year"),
        (b"-0700", b"+2500", "offset"),
        (b".000", b".-12", "fraction"),
        (b"2006-02 002", b"2024-28 060", "another than the date"),
        (b"2006", b"2024 secret", "more text"),
        (b"2006", b"secret", "as its layout"),
        (b"06", b"2", "as its layout"),
        (b"PM", b"XM", "as its layout"),
        (b"MST", b"abc", "as its layout"),
        (b"-07:00", b"+0100", "as its layout"),
        (b"002", b"60", "as its layout"),
        (b"a b", b"ab", "as its layout"),
        (b"Jan", b"secret", "as its layout"),
    ],
)
def test_a_text_that_is_not_as_its_layout_is_an_error_without_it(
    layout: bytes, text: bytes, said: str
) -> None:
    with pytest.raises(FunctionError, match=said) as failure:
        parse_time(layout, text)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (b"13:14 UTC", b"0000-01-01 13:14:00 +0000 UTC"),
        (b"13:14 CET", b"0000-01-01 13:14:00 +0000 CET"),
        (b"13:14 GMT+3", b"0000-01-01 16:14:00 +0300 GMT+3"),
        (b"13:14 +03", b"0000-01-01 13:14:00 +0000 +03"),
    ],
)
def test_only_utc_is_known_of_the_abbreviations_of_zones(text: bytes, printed: bytes) -> None:
    assert parse_time(b"15:04 MST", text).string() == printed


@pytest.mark.parametrize(
    ("zone", "unix", "expected"),
    [
        (b"Europe/Berlin", 1_709_212_455, (b"CET", 3600)),
        (b"Europe/Berlin", 1_720_000_000, (b"CEST", 7200)),
        (b"Asia/Kathmandu", 0, (b"+0530", 19800)),
        (b"America/New_York", -(1 << 62), (b"LMT", -17762)),
        # In 400 years' time the clocks change on the same days.
        (b"Europe/Berlin", 1_720_000_000 + 25 * 146_097 * 86_400, (b"CEST", 7200)),
        (b"", 0, UTC),
        (b"Local", 0, UTC),
        (b"europe/berlin", 0, UTC),
        (b"../Europe/Berlin", 0, UTC),
        (b"\xff", 0, UTC),
    ],
)
def test_zones_come_from_the_package_and_anything_else_is_utc(
    zone: bytes, unix: int, expected: tuple[bytes, int]
) -> None:
    assert offset_at(zone, unix + civil.UNIX) == expected


@pytest.mark.parametrize(
    ("nanoseconds", "printed"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (-2_000_000, "-2ms"),
        (1_000_000_001, "1.000000001s"),
        (HOUR, "1h0m0s"),
        (LONGEST, "2562047h47m16.854775807s"),
        (SHORTEST, "-2562047h47m16.854775808s"),
    ],
)
def test_a_duration_prints_as_it_is_read(nanoseconds: int, printed: str) -> None:
    assert Duration(nanoseconds).string().decode() == printed
    assert parse_duration(printed.encode()) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"-",
        b"1",
        b"1x",
        b".s",
        b"s",
        b"1h-1m",
        b" 1s",
        b"9223372036854775808ns",
        b"9" * 30 + b"s",
        b"1e3s",
    ],
)
def test_a_wrong_duration_is_an_error_without_it(text: bytes) -> None:
    with pytest.raises(FunctionError, match=r"^wrong duration$"):
        parse_duration(text)


def test_durations_round_within_their_bounds() -> None:
    assert Duration(1_500).rounded(1_000) == 2_000
    assert Duration(-1_500).rounded(1_000) == -2_000
    assert Duration(1_499).rounded(1_000) == 1_000
    assert Duration(LONGEST).rounded(HOUR) == LONGEST
    assert Duration(SHORTEST).rounded(HOUR) == SHORTEST
    assert Duration(-1_999).truncated(1_000) == -1_000
    assert Duration(5).rounded(0) == Duration(5).truncated(-1) == 5
    assert Duration(SHORTEST).absolute() == LONGEST
    assert clamp(1 << 70) == LONGEST
    assert of_seconds(1 << 62).string() == b"0s"


def test_durations_tell_their_length_in_any_unit() -> None:
    length = Duration(-5_400_000_000_001)
    assert (length.hours(), length.minutes()) == (-1.5000000000002778, -90.00000000001667)
    assert (length.seconds(), length.milliseconds()) == (-5400.000000001, -5_400_000)
    assert (length.microseconds(), length.nanoseconds()) == (-5_400_000_000, -5_400_000_000_001)
    assert length.plain() == -5_400_000_000_001


def test_dates_move_and_are_compared() -> None:
    assert LEAP_DAY.add_date(1, 0, 0).string() == b"2025-03-01 13:14:15.25 +0000 UTC"
    assert LEAP_DAY.add_date(0, -14, 1).string() == b"2022-12-30 13:14:15.25 +0000 UTC"
    later = LEAP_DAY.add(HOUR)
    assert later.sub(LEAP_DAY) == HOUR
    assert (later.compare(LEAP_DAY), LEAP_DAY.compare(later), later.compare(later)) == (1, -1, 0)
    assert LEAP_DAY.before(later)
    assert later.after(LEAP_DAY)
    assert not later.equal(LEAP_DAY)
    assert LEAP_DAY.truncated(HOUR).string() == b"2024-02-29 13:00:00 +0000 UTC"
    assert LEAP_DAY.rounded(2 * HOUR).string() == b"2024-02-29 14:00:00 +0000 UTC"
    assert LEAP_DAY.truncated(0) == LEAP_DAY.rounded(-1) == LEAP_DAY
    assert LEAP_DAY.sub(Time()) == LONGEST
    assert Time().sub(LEAP_DAY) == SHORTEST


def test_a_date_keeps_its_zone() -> None:
    east = parse_time(b"2006-01-02 15:04 -0700", b"2024-02-29 01:00 +0530")
    assert east.string() == b"2024-02-29 01:00:00 +0530 +0530"
    assert (east.day(), east.hour()) == (29, 1)
    assert east.utc().string() == b"2024-02-28 19:30:00 +0000 UTC"
    assert east.equal(east.utc())
    assert east.plain() == b"2024-02-29T01:00:00+05:30"


def test_the_parts_of_a_date() -> None:
    assert (LEAP_DAY.year(), LEAP_DAY.month(), LEAP_DAY.day(), LEAP_DAY.year_day()) == (2024, 2, 29, 60)
    assert (LEAP_DAY.hour(), LEAP_DAY.minute(), LEAP_DAY.second()) == (13, 14, 15)
    assert LEAP_DAY.nanosecond() == 250_000_000
    assert (LEAP_DAY.month().string(), LEAP_DAY.weekday().string()) == (b"February", b"Thursday")
    assert (Month(12).plain(), Weekday(0).plain()) == (12, 0)
    assert LEAP_DAY.unix() == 1_709_212_455
    assert LEAP_DAY.unix_milli() == 1_709_212_455_250
    assert LEAP_DAY.unix_micro() == 1_709_212_455_250_000
    assert LEAP_DAY.unix_nano() == 1_709_212_455_250_000_000
    assert not LEAP_DAY.is_dst()
    assert not LEAP_DAY.is_zero()


def test_the_first_time_is_the_zero_and_the_seconds_wrap_around() -> None:
    assert Time().is_zero()
    assert Time().string() == b"0001-01-01 00:00:00 +0000 UTC"
    assert of_unix((1 << 63) - 1).year() == 292277026596
    assert of_unix((1 << 63) - 1).unix() == (1 << 63) - 1


@pytest.mark.parametrize("time", [LEAP_DAY.add_date(9000, 0, 0), Time(zone=(b"", 90_000))])
def test_json_has_no_years_of_five_digits_and_no_zones_beyond_a_day(time: Time) -> None:
    with pytest.raises(FunctionError, match="JSON has no dates"):
        time.plain()


def test_a_long_layout_is_accounted_for() -> None:
    with pytest.raises(BoundExceeded):
        LEAP_DAY.format(Budget(Limits(size=100)), b"2" * 50)
    with pytest.raises(BoundExceeded):
        LEAP_DAY.format(Budget(Limits(steps=10)), b"2" * 50)


def test_a_range_over_a_month_begins_with_none() -> None:
    source = "{{ range $month := (toDate `2006-01` `2024-03`).Month }}{{ $month }} {{ end }}"
    assert Template(source).render({}) == "%!Month(0) January February "
