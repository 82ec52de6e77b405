"""Seconds into years, months and days and back, as Go's 64 bits of time. Knows no zone and no clock.

Seconds count from the beginning of the year 1 in the Gregorian calendar and wrap around at 64 bits.
"""

from __future__ import annotations

import itertools
from typing import Final, NamedTuple

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

# Unix time counts from 1970.
UNIX: Final = 62_135_596_800
# Go's earliest second, from which it counts without a sign.
_EARLIEST: Final = -9_223_371_966_579_724_800

_DAY: Final = 86_400
_DAYS_OF_400_YEARS: Final = 146_097
_DAYS_OF_100_YEARS: Final = 36_524
_DAYS_OF_4_YEARS: Final = 1_461
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_BEFORE: Final = (0, *itertools.accumulate(_LENGTHS))


class Civil(NamedTuple):
    """What a calendar and a clock on the wall show."""

    year: int
    month: int
    day: int
    day_of_year: int
    # 0 is Sunday.
    weekday: int
    hour: int
    minute: int
    second: int


def is_leap(year: int) -> bool:
    """Whether a year has a 29th of February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in(month: int, year: int) -> int:
    """The length of a month."""
    return 29 if month == 2 and is_leap(year) else _LENGTHS[month - 1]


def from_seconds(seconds: int) -> Civil:
    """The date and time of a second."""
    seconds = ((seconds - _EARLIEST) & 0xFFFF_FFFF_FFFF_FFFF) + _EARLIEST
    days, clock = divmod(seconds, _DAY)
    # The first day of the year 1 was a Monday.
    weekday = (days + 1) % 7
    cycles, days = divmod(days, _DAYS_OF_400_YEARS)
    centuries = min(days // _DAYS_OF_100_YEARS, 3)
    days -= centuries * _DAYS_OF_100_YEARS
    leaps, days = divmod(days, _DAYS_OF_4_YEARS)
    years = min(days // 365, 3)
    day_of_year = days - years * 365 + 1
    year = 400 * cycles + 100 * centuries + 4 * leaps + years + 1
    month, day = from_day_of_year(year, day_of_year)
    return Civil(year, month, day, day_of_year, weekday, clock // 3600, clock // 60 % 60, clock % 60)


def from_day_of_year(year: int, day_of_year: int) -> tuple[int, int]:
    """Month and day of the nth day of a year, counted from 1."""
    month, day = 1, day_of_year
    while day > (length := days_in(month, year)):
        month, day = month + 1, day - length
    return month, day


def to_seconds(year: int, month: int, day: int, clock: int) -> int:
    """The second of a date and of `clock` seconds into it; months and days beyond their range carry over.

    The outcome may lie outside 64 bits.
    """
    carried, month = divmod(month - 1, 12)
    year += carried
    past = year - 1
    days = 365 * past + past // 4 - past // 100 + past // 400 + _BEFORE[month] + day - 1
    if month > 1 and is_leap(year):
        days += 1
    return days * _DAY + clock
