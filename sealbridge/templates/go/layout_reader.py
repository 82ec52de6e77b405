"""Reading a time that is written in a layout, as Go's time.ParseInLocation for UTC. Knows no zone by name.

It follows Go 1.20 and later: offsets of zones need two digits a number and stay within a day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from sealbridge.templates.go.civil import (
    MONTHS,
    WEEKDAYS,
    days_in,
    from_day_of_year,
    is_leap,
    to_seconds,
)
from sealbridge.templates.go.layouts import chunks, fraction_digits
from sealbridge.templates.go.times import Time
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.go.zones import UTC

_SIGNED: Final = re.compile(rb"([-+]?)([0-9]*)")
_DIGITS: Final = re.compile(rb"[0-9]*")
_FRACTION: Final = re.compile(rb"[.,][0-9]+")
_OFFSETS: Final = {
    2: re.compile(rb"(.)(..)", re.DOTALL),
    4: re.compile(rb"(.)(..)(..)", re.DOTALL),
    5: re.compile(rb"(.)(..):(..)", re.DOTALL),
    6: re.compile(rb"(.)(..)(..)(..)", re.DOTALL),
    8: re.compile(rb"(.)(..):(..):(..)", re.DOTALL),
}


def parse_time(layout: bytes, text: bytes) -> Time:
    """The time that `text` says in `layout`; UTC where it names no zone. Raises FunctionError."""
    reading = _Reading(text)
    parts = list(chunks(layout))
    for index, (between, chunk) in enumerate(parts):
        reading.skip(between)
        if chunk:
            reading.take(chunk, parts[index + 1][1])
    if reading.rest:
        raise FunctionError("the date has more text than its layout")
    return reading.time()


class _Reading:
    """What is left of a text and what it said so far."""

    def __init__(self, text: bytes) -> None:
        self.rest = text
        self._year = 0
        self._month: int | None = None
        self._day: int | None = None
        self._day_of_year: int | None = None
        self._hour = self._minute = self._second = self._nanoseconds = 0
        self._morning = self._afternoon = False
        self._utc = False
        self._zone = b""
        self._offset: int | None = None

    def skip(self, between: bytes) -> None:
        """Pass the text of the layout; any spaces stand for any number of them."""
        while between:
            if between.startswith(b" "):
                if self.rest and not self.rest.startswith(b" "):
                    raise _mismatch()
                between, self.rest = between.lstrip(b" "), self.rest.lstrip(b" ")
            else:
                words = between.split(b" ", 1)[0]
                if not self.rest.startswith(words):
                    raise _mismatch()
                between, self.rest = between[len(words) :], self.rest[len(words) :]

    def take(self, chunk: bytes, following: bytes) -> None:
        """Read one chunk of the layout; `following` is the next one."""
        if reader := _READERS.get(chunk):
            reader(self)
            # A fraction may come with the seconds though the layout has none.
            unasked = chunk in (b"5", b"05") and following[:1] not in (b".", b",")
            if unasked and (match := _FRACTION.match(self.rest)):
                self._take_fraction(len(match[0]))
        elif chunk[:1] in (b"-", b"Z"):
            self._take_offset(chunk)
        elif chunk[1:2] == b"0":
            self._take_fraction(1 + fraction_digits(chunk))
        elif match := _FRACTION.match(self.rest):
            self._take_fraction(len(match[0]))

    def time(self) -> Time:
        """The time, after all has been read."""
        month, day = self._date()
        if not 1 <= day <= days_in(month, self._year):
            raise _out_of_range("day")
        hour = self._hour
        if self._afternoon and hour < 12:
            hour += 12
        elif self._morning and hour == 12:
            hour = 0
        clock = hour * 3600 + self._minute * 60 + self._second
        seconds = to_seconds(self._year, month, day, clock)
        if self._utc:
            return Time(seconds, self._nanoseconds)
        if self._offset is not None:
            seconds -= self._offset
            zone = UTC if self._offset == 0 and not self._zone else (self._zone, self._offset)
            return Time(seconds, self._nanoseconds, zone)
        if self._zone:
            hours = _number(self._zone[3:]) if self._zone.startswith(b"GMT") else 0
            return Time(seconds, self._nanoseconds, (self._zone, hours * 3600))
        return Time(seconds, self._nanoseconds)

    def _date(self) -> tuple[int, int]:
        if self._day_of_year is None:
            return (1 if self._month is None else self._month), (1 if self._day is None else self._day)
        if not 1 <= self._day_of_year <= 365 + is_leap(self._year):
            raise _out_of_range("day of the year")
        month, day = from_day_of_year(self._year, self._day_of_year)
        if self._month not in (None, month) or self._day not in (None, day):
            raise FunctionError("the day of the year is another than the date")
        return month, day

    def take_short_year(self) -> None:
        """Two digits, from 1969 to 2068."""
        year = _number(self._bytes(2))
        self._year = year + (1900 if year >= 69 else 2000)

    def take_year(self) -> None:
        """Four digits."""
        text = self._bytes(4)
        if not text.isdigit():
            raise _mismatch()
        self._year = int(text)

    def take_month_name(self, names: Sequence[bytes]) -> None:
        """A month by its name."""
        self._month = self._name(names) + 1

    def take_month(self, *, exact: bool) -> None:
        """A month by its number."""
        self._month = self._digits(exact=exact)
        if not 1 <= self._month <= 12:
            raise _out_of_range("month")

    def take_weekday(self, names: Sequence[bytes]) -> None:
        """A weekday, which only has to be one."""
        self._name(names)

    def take_day(self, *, exact: bool = False, spaced: bool = False) -> None:
        """A day of the month; whether there is one is seen when the month is known."""
        if spaced:
            self.rest = self.rest.removeprefix(b" ")
        self._day = self._digits(exact=exact)

    def take_day_of_year(self, *, spaced: bool) -> None:
        """A day of the year, three digits wide."""
        if spaced:
            self.rest = self.rest.removeprefix(b" ").removeprefix(b" ")
        match = _DIGITS.match(self.rest[:3])
        digits = match[0] if match else b""
        if not digits or (not spaced and len(digits) < 3):
            raise _mismatch()
        self.rest = self.rest[len(digits) :]
        self._day_of_year = int(digits)

    def take_hour(self, last: int, *, exact: bool = False) -> None:
        """An hour of 24 or 12."""
        self._hour = self._digits(exact=exact)
        if self._hour > last:
            raise _out_of_range("hour")

    def take_minute(self, *, exact: bool) -> None:
        """A minute."""
        self._minute = self._digits(exact=exact)
        if self._minute > 59:
            raise _out_of_range("minute")

    def take_second(self, *, exact: bool) -> None:
        """A second; there are no leap seconds."""
        self._second = self._digits(exact=exact)
        if self._second > 59:
            raise _out_of_range("second")

    def take_half(self, morning: bytes, afternoon: bytes) -> None:
        """The half of the day, as AM or PM."""
        text = self._bytes(2)
        if text not in (morning, afternoon):
            raise _mismatch()
        if text == afternoon:
            self._afternoon = True
        else:
            self._morning = True

    def take_zone(self) -> None:
        """An abbreviation of a zone. Only UTC is known; others keep their name and count as UTC."""
        if self.rest.startswith(b"UTC"):
            self._utc, self.rest = True, self.rest[3:]
            return
        length = _zone_length(self.rest)
        if not length:
            raise _mismatch()
        self._zone, self.rest = self.rest[:length], self.rest[length:]

    def _take_offset(self, chunk: bytes) -> None:
        if chunk.startswith(b"Z") and self.rest.startswith(b"Z"):
            self._utc, self.rest = True, self.rest[1:]
            return
        match = _OFFSETS[len(chunk) - 1].match(self.rest)
        if match is None:
            raise _mismatch()
        self.rest = self.rest[match.end() :]
        sign, *numbers = match.groups()
        if sign not in (b"+", b"-") or not all(number.isdigit() for number in numbers):
            raise _mismatch()
        hours, minutes, seconds = [int(number) for number in [*numbers, b"0", b"0"][:3]]
        if hours > 24 or minutes > 60 or seconds > 60:
            raise _out_of_range("offset of the zone")
        offset = hours * 3600 + minutes * 60 + seconds
        offset = -offset if sign == b"-" else offset
        # Go marks a missing offset as -1, and so takes one second west for none.
        self._offset = None if offset == -1 else offset

    def _take_fraction(self, length: int) -> None:
        text = self._bytes(length)
        if text[:1] not in (b".", b","):
            raise _mismatch()
        digits = text[1:10]
        value = _number(digits)
        if value < 0:
            raise _out_of_range("fraction of the second")
        self._nanoseconds = value * 10 ** (9 - len(digits))

    def _bytes(self, count: int) -> bytes:
        if len(self.rest) < count:
            raise _mismatch()
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def _digits(self, *, exact: bool) -> int:
        """One or two digits, or exactly two."""
        match = _DIGITS.match(self.rest[:2])
        digits = match[0] if match else b""
        if not digits or (exact and len(digits) < 2):
            raise _mismatch()
        self.rest = self.rest[len(digits) :]
        return int(digits)

    def _name(self, names: Sequence[bytes]) -> int:
        for index, name in enumerate(names):
            if self.rest[: len(name)].lower() == name:
                self.rest = self.rest[len(name) :]
                return index
        raise _mismatch()


def _lower(names: Sequence[str], length: int | None = None) -> tuple[bytes, ...]:
    return tuple(name[:length].lower().encode() for name in names)


_LONG_MONTHS, _SHORT_MONTHS = _lower(MONTHS), _lower(MONTHS, 3)
_LONG_DAYS, _SHORT_DAYS = _lower(WEEKDAYS), _lower(WEEKDAYS, 3)

_READERS: Final[dict[bytes, Callable[[_Reading], None]]] = {
    b"January": lambda reading: reading.take_month_name(_LONG_MONTHS),
    b"Jan": lambda reading: reading.take_month_name(_SHORT_MONTHS),
    b"1": lambda reading: reading.take_month(exact=False),
    b"01": lambda reading: reading.take_month(exact=True),
    b"Monday": lambda reading: reading.take_weekday(_LONG_DAYS),
    b"Mon": lambda reading: reading.take_weekday(_SHORT_DAYS),
    b"2": lambda reading: reading.take_day(),
    b"_2": lambda reading: reading.take_day(spaced=True),
    b"02": lambda reading: reading.take_day(exact=True),
    b"__2": lambda reading: reading.take_day_of_year(spaced=True),
    b"002": lambda reading: reading.take_day_of_year(spaced=False),
    b"15": lambda reading: reading.take_hour(23),
    b"3": lambda reading: reading.take_hour(12),
    b"03": lambda reading: reading.take_hour(12, exact=True),
    b"4": lambda reading: reading.take_minute(exact=False),
    b"04": lambda reading: reading.take_minute(exact=True),
    b"5": lambda reading: reading.take_second(exact=False),
    b"05": lambda reading: reading.take_second(exact=True),
    b"2006": _Reading.take_year,
    b"06": _Reading.take_short_year,
    b"PM": lambda reading: reading.take_half(b"AM", b"PM"),
    b"pm": lambda reading: reading.take_half(b"am", b"pm"),
    b"MST": _Reading.take_zone,
}


def _zone_length(text: bytes) -> int:
    """How long the abbreviation at the beginning is, 0 if there is none."""
    if len(text) < 3:
        return 0
    if text.startswith((b"ChST", b"MeST")):
        return 4
    if text.startswith(b"GMT"):
        return 3 + _signed_length(text[3:])
    if text.startswith((b"+", b"-")):
        return _signed_length(text)
    head = text[:6]
    upper = len(head) - len(head.lstrip(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if upper == 3 or (upper == 4 and (head[3:4] == b"T" or head.startswith(b"WITA"))):
        return upper
    return 5 if upper == 5 and head[4:5] == b"T" else 0


def _signed_length(text: bytes) -> int:
    """The length of hours with a sign, 23 at most; 0 if there are none."""
    match = _SIGNED.match(text)
    if match is None or not match[1] or not match[2]:
        return 0
    hours = match[2].lstrip(b"0")
    return match.end() if len(hours) <= 2 and int(hours or b"0") <= 23 else 0


def _number(text: bytes) -> int:
    """A number that may have a sign, and that is 0 where no digit follows, as Go reads it here."""
    match = _SIGNED.fullmatch(text)
    if match is None:
        raise _mismatch()
    value = int(match[2] or b"0")
    return -value if match[1] == b"-" else value


def _mismatch() -> FunctionError:
    return FunctionError("the date is not as its layout says")


def _out_of_range(what: str) -> FunctionError:
    return FunctionError(f"the date is wrong: {what} out of range")
