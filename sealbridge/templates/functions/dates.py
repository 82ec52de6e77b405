"""Dates and durations. The local zone is UTC, and zones come from the tzdata package, on every machine."""

from __future__ import annotations

import time
from typing import Any

from sealbridge.templates.go.durations import HOUR, MINUTE, SECOND, Duration, of_seconds, parse_duration
from sealbridge.templates.go.floats import OutOfRangeError, parse_int
from sealbridge.templates.go.layout_reader import parse_time
from sealbridge.templates.go.layouts import account_for_layout, format_layout
from sealbridge.templates.go.times import Time, of_unix
from sealbridge.templates.go.values import FunctionError, Int32, Int64
from sealbridge.templates.go.zones import offset_at
from sealbridge.templates.limits import Budget

_HTML = b"2006-01-02"
_UNITS = (
    (365 * 24 * HOUR, b"y"),
    (30 * 24 * HOUR, b"mo"),
    (24 * HOUR, b"d"),
    (HOUR, b"h"),
    (MINUTE, b"m"),
    (SECOND, b"s"),
)


def now() -> Time:
    """The time now, in UTC.

    {{ now.Year | lt 2000 }} -> true
    """
    return of_unix(*divmod(time.time_ns(), SECOND))


def ago(date: Any) -> bytes:
    """How long ago a date or Unix time was, in seconds, minutes and hours.

    {{ ago now }} -> 0s
    """
    then = date if isinstance(date, Time) else _unix(date, (Int64, int))
    current = now()
    return current.sub(then or current).rounded(SECOND).string()


def date(budget: Budget, layout: bytes, value: Any) -> bytes:
    """A date or Unix time in a layout of Go, in UTC.

    {{ date "2006-01-02 15:04" 0 }} -> 1970-01-01 00:00
    {{ toDate "2006-01-02" "2024-02-29" | date "Mon, 02 Jan 06" }} -> Thu, 29 Feb 24
    """
    return date_in_zone(budget, layout, value, b"UTC")


def html_date(value: Any) -> bytes:
    """A date or Unix time as `2006-01-02`, in UTC.

    {{ htmlDate 0 }} -> 1970-01-01
    """
    return _formatted(_HTML, value, b"UTC")


def html_date_in_zone(value: Any, zone: bytes) -> bytes:
    """A date or Unix time as `2006-01-02` in a zone.

    {{ htmlDateInZone 0 "America/New_York" }} -> 1969-12-31
    """
    return _formatted(_HTML, value, zone)


def date_in_zone(budget: Budget, layout: bytes, value: Any, zone: bytes) -> bytes:
    """A date or Unix time in a layout and zone; an unknown zone is UTC, and anything else than a date is now.

    {{ dateInZone "15:04 MST" 0 "Europe/Berlin" }} -> 01:00 CET
    """
    account_for_layout(budget, layout)
    return _formatted(layout, value, zone)


def date_modify(budget: Budget, duration: bytes, date: Time) -> Time:
    """A date moved by a duration; a wrong duration moves nothing.

    {{ toDate "2006-01-02" "2024-02-29" | dateModify "-1.5h" | date "15:04" }} -> 22:30
    """
    try:
        return must_date_modify(budget, duration, date)
    except FunctionError:
        return date


def must_date_modify(budget: Budget, duration: bytes, date: Time) -> Time:
    """A date moved by a duration; a wrong duration is an error.

    {{ toDate "2006-01-02" "2024-02-29" | mustDateModify "24h" | htmlDate }} -> 2024-03-01
    """
    _account(budget, duration)
    return date.add(parse_duration(duration))


def to_date(budget: Budget, layout: bytes, text: bytes) -> Time:
    """The date that `text` says in a layout of Go; the beginning of the year 1 when it does not.

    {{ (toDate "02.01.2006" "29.02.2024").YearDay }} -> 60
    """
    try:
        return must_to_date(budget, layout, text)
    except FunctionError:
        return Time()


def must_to_date(budget: Budget, layout: bytes, text: bytes) -> Time:
    """The date that `text` says in a layout of Go; an error when it does not.

    {{ mustToDate "2006-01-02" "2024-02-29" | unixEpoch }} -> 1709164800
    """
    _account(budget, layout)
    # What is left of the text is copied for every part of the layout.
    budget.work(len(layout) * len(text) >> 14)
    return parse_time(layout, text)


def unix_epoch(date: Time) -> bytes:
    """The seconds of a date since 1970.

    {{ toDate "2006" "1971" | unixEpoch }} -> 31536000
    """
    return b"%d" % date.unix()


def duration(seconds: Any) -> bytes:
    """A number of seconds, as text or int64, as a duration; anything else is `0s`.

    {{ duration "3661" }} -> 1h1m1s
    """
    if type(seconds) is Int64:
        return of_seconds(seconds).string()
    if not isinstance(seconds, bytes):
        return b"0s"
    try:
        count = parse_int(seconds, 10, 64)
    except OutOfRangeError as error:
        count = int(error.nearest)
    except ValueError:
        count = 0
    return of_seconds(count).string()


def duration_round(budget: Budget, value: Any) -> bytes:
    """A duration, nanoseconds or the time since a date, in its largest unit.

    {{ durationRound "2h10m5s" }} -> 2h
    {{ durationRound "2400h" }} -> 3mo
    """
    if isinstance(value, bytes):
        _account(budget, value)
    size = abs(int(_length(value)))
    for unit, name in _UNITS:
        if size > unit:
            return b"%d%b" % (size // unit, name)
    return b"0s"


def _formatted(layout: bytes, value: Any, zone: bytes) -> bytes:
    when = value if isinstance(value, Time) else _unix(value, (Int64, int, Int32)) or now()
    return format_layout(layout, when.seconds, when.nanoseconds, offset_at(zone, when.seconds))


def _length(value: Any) -> Duration:
    if isinstance(value, Time):
        return now().sub(value)
    if type(value) is Int64:
        return Duration(value)
    if isinstance(value, bytes):
        try:
            return parse_duration(value)
        except FunctionError:
            return Duration(0)
    return Duration(0)


def _account(budget: Budget, text: bytes) -> None:
    """Account for reading a layout or a duration, which may be any number of parts."""
    budget.step(len(text) // 4)


def _unix(value: Any, types: tuple[type, ...]) -> Time | None:
    """The date of a Unix time of exactly one of some types."""
    return of_unix(int(value)) if type(value) in types else None
