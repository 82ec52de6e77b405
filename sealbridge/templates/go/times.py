"""Points in time, as Go's time.Time, with months and weekdays. Knows no clock and no zone by name.

A time carries its zone as an abbreviation and a fixed offset: a template can make no other, as only
functions that give text look zones up by name. The reading of a monotonic clock, which Go keeps and
prints, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from sealbridge.templates.go.civil import MONTHS, UNIX, WEEKDAYS, Civil, from_seconds, to_seconds
from sealbridge.templates.go.durations import SECOND, Duration, clamp
from sealbridge.templates.go.layouts import account_for_layout, format_layout
from sealbridge.templates.go.values import FunctionError, Int64, Number, Object, wrap
from sealbridge.templates.go.zones import UTC
from sealbridge.templates.limits import Budget

_STRING: Final = b"2006-01-02 15:04:05.999999999 -0700 MST"
_RFC3339_NANO: Final = b"2006-01-02T15:04:05.999999999Z07:00"


class Month(Number):
    """time.Month."""

    kind = "int"
    type_name = "time.Month"
    methods: ClassVar[Mapping[str, tuple[str, str]]] = {"String": ("string", "")}
    __slots__ = ()

    def string(self) -> bytes:
        """Its English name."""
        # A range over a month begins with what is none.
        return MONTHS[self - 1].encode() if self else b"%!Month(0)"

    def plain(self) -> int:
        """What JSON makes of it: a number."""
        return int(self)


class Weekday(Number):
    """time.Weekday, 0 on Sundays."""

    kind = "int"
    type_name = "time.Weekday"
    methods: ClassVar[Mapping[str, tuple[str, str]]] = {"String": ("string", "")}
    __slots__ = ()

    def string(self) -> bytes:
        """Its English name."""
        return WEEKDAYS[self].encode()

    def plain(self) -> int:
        """What JSON makes of it: a number."""
        return int(self)


@dataclass(frozen=True, slots=True)
class Time(Object):
    """time.Time. The one without arguments is Go's zero, the beginning of the year 1."""

    type_name: ClassVar[str] = "time.Time"
    methods: ClassVar[Mapping[str, tuple[str, str]]] = {
        "Add": ("add", "duration"),
        "AddDate": ("add_date", "int int int"),
        "After": ("after", "time"),
        "Before": ("before", "time"),
        "Compare": ("compare", "time"),
        "Day": ("day", ""),
        "Equal": ("equal", "time"),
        "Format": ("format", "budget string"),
        "Hour": ("hour", ""),
        "IsDST": ("is_dst", ""),
        "IsZero": ("is_zero", ""),
        "Local": ("utc", ""),
        "Minute": ("minute", ""),
        "Month": ("month", ""),
        "Nanosecond": ("nanosecond", ""),
        "Round": ("rounded", "duration"),
        "Second": ("second", ""),
        "String": ("string", ""),
        "Sub": ("sub", "time"),
        "Truncate": ("truncated", "duration"),
        "UTC": ("utc", ""),
        "Unix": ("unix", ""),
        "UnixMicro": ("unix_micro", ""),
        "UnixMilli": ("unix_milli", ""),
        "UnixNano": ("unix_nano", ""),
        "Weekday": ("weekday", ""),
        "Year": ("year", ""),
        "YearDay": ("year_day", ""),
    }

    # Since the beginning of the year 1, in UTC, within 64 bits.
    seconds: int = 0
    # 0 to 999,999,999, always forwards.
    nanoseconds: int = 0
    # Abbreviation (empty for a bare offset) and seconds east of UTC.
    zone: tuple[bytes, int] = UTC

    def string(self) -> bytes:
        """As in `2006-01-02 15:04:05.999999999 -0700 MST`."""
        return self._format(_STRING)

    def plain(self) -> bytes:
        """What JSON makes of it: RFC 3339. Raises FunctionError for years and zones that it cannot write."""
        if not 0 <= self._civil.year <= 9999:
            raise FunctionError("JSON has no dates outside of the years 0 to 9999")
        if abs(self.zone[1]) >= 86_400:
            raise FunctionError("JSON has no dates whose zone is a day or more from UTC")
        return self._format(_RFC3339_NANO)

    def format(self, budget: Budget, layout: bytes) -> bytes:
        """Written in a layout."""
        account_for_layout(budget, layout)
        return self._format(layout)

    def _format(self, layout: bytes) -> bytes:
        return format_layout(layout, self.seconds, self.nanoseconds, self.zone)

    @property
    def _civil(self) -> Civil:
        return from_seconds(self.seconds + self.zone[1])

    def year(self) -> int:
        """Its year."""
        return self._civil.year

    def month(self) -> Month:
        """Its month."""
        return Month(self._civil.month)

    def day(self) -> int:
        """Its day of the month."""
        return self._civil.day

    def year_day(self) -> int:
        """Its day of the year, from 1."""
        return self._civil.day_of_year

    def weekday(self) -> Weekday:
        """Its day of the week."""
        return Weekday(self._civil.weekday)

    def hour(self) -> int:
        """Its hour, 0 to 23."""
        return self._civil.hour

    def minute(self) -> int:
        """Its minute."""
        return self._civil.minute

    def second(self) -> int:
        """Its second."""
        return self._civil.second

    def nanosecond(self) -> int:
        """Its nanoseconds within the second."""
        return self.nanoseconds

    def unix(self) -> Int64:
        """Seconds since 1970."""
        return wrap(Int64, self.seconds - UNIX)

    def unix_milli(self) -> Int64:
        """Milliseconds since 1970."""
        return wrap(Int64, (self.seconds - UNIX) * 1_000 + self.nanoseconds // 1_000_000)

    def unix_micro(self) -> Int64:
        """Microseconds since 1970."""
        return wrap(Int64, (self.seconds - UNIX) * 1_000_000 + self.nanoseconds // 1_000)

    def unix_nano(self) -> Int64:
        """Nanoseconds since 1970; beyond 1678 to 2262 they overflow."""
        return wrap(Int64, (self.seconds - UNIX) * SECOND + self.nanoseconds)

    def utc(self) -> Time:
        """The same time in UTC, which is the local zone, too."""
        return replace(self, zone=UTC)

    def is_zero(self) -> bool:
        """Whether it is the beginning of the year 1."""
        return self.seconds == self.nanoseconds == 0

    def is_dst(self) -> bool:
        """Never: a fixed offset has no summer."""
        return False

    def before(self, other: Time) -> bool:
        """Whether it is earlier than another one."""
        return self._total < other._total

    def after(self, other: Time) -> bool:
        """Whether it is later than another one."""
        return other.before(self)

    def equal(self, other: Time) -> bool:
        """Whether both are the same instant, whatever their zones."""
        return self.compare(other) == 0

    def compare(self, other: Time) -> int:
        """-1 before another one, 1 after it, 0 at the same instant."""
        return self.after(other) - self.before(other)

    def sub(self, other: Time) -> Duration:
        """What lies between another time and this one, 292 years at most."""
        return clamp(self._total - other._total)

    def add(self, duration: int) -> Time:
        """That much later."""
        return self._at(self._total + int(duration))

    def add_date(self, years: int, months: int, days: int) -> Time:
        """That many years, months and days later; what is no date, such as April 31st, carries over."""
        now = self._civil
        clock = now.hour * 3600 + now.minute * 60 + now.second - self.zone[1]
        seconds = to_seconds(now.year + years, now.month + months, now.day + days, clock)
        return replace(self, seconds=wrap(int, seconds))

    def truncated(self, unit: int) -> Time:
        """Back to a multiple of `unit` since the year 1; as it is when that is not positive."""
        return self if unit <= 0 else self._at(self._total - self._total % unit)

    def rounded(self, unit: int) -> Time:
        """To the nearest multiple of `unit` since the year 1, halves forwards."""
        if unit <= 0:
            return self
        past = self._total % unit
        return self._at(self._total - past + (unit if past * 2 >= unit else 0))

    @property
    def _total(self) -> int:
        return self.seconds * SECOND + self.nanoseconds

    def _at(self, total: int) -> Time:
        seconds, nanoseconds = divmod(total, SECOND)
        return replace(self, seconds=wrap(int, seconds), nanoseconds=nanoseconds)


def of_unix(seconds: int, nanoseconds: int = 0) -> Time:
    """A time in UTC by the seconds since 1970."""
    return Time(wrap(int, seconds + UNIX), nanoseconds)
