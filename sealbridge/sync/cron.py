"""Schedules of cron in UTC: five fields, or a word like @daily. Reads no clock; knows no window."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?P<any>[*?])|(?P<first>[a-z0-9]+)(?:-(?P<last>[a-z0-9]+))?", re.ASCII)
_FREE = re.compile(r"(?:^|,)[*?](?:/0*1)?(?:,|$)", re.ASCII)
# Between two 29ths of February there may be eight years.
_FURTHEST = 366 * 8 + 2


@dataclass(frozen=True, slots=True)
class Cron:
    """When it fires: minutes, hours and days. As cron has it, a day fits by month's day or by week's day
    when both are restricted, else by both."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def last(self, at: datetime) -> datetime | None:
        """The last firing until `at`, itself included; None when there was none for eight years."""
        day = at.date()
        for _ in range(_FURTHEST):
            if self._fits(day):
                for moment in self._of(day, reverse=True):
                    if moment <= at:
                        return moment
            if day == date.min:
                return None
            day -= timedelta(days=1)
        return None

    def next(self, after: datetime) -> datetime | None:
        """The first firing later than `after`; None when there is none for eight years."""
        day = after.date()
        for _ in range(_FURTHEST):
            if self._fits(day):
                for moment in self._of(day):
                    if moment > after:
                        return moment
            if day == date.max:
                return None
            day += timedelta(days=1)
        return None

    def _fits(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, (day.weekday() + 1) % 7 in self.weekdays
        return (of_month or of_week) if self.either else (of_month and of_week)

    def _of(self, day: date, *, reverse: bool = False) -> Iterator[datetime]:
        step = -1 if reverse else 1
        for hour in self.hours[::step]:
            for minute in self.minutes[::step]:
                yield datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


@lru_cache(maxsize=256)
def parse_cron(text: str) -> Cron:
    """A schedule. Raises ValueError with the reason."""
    fields = _WORDS.get(text.strip().lower(), text).split()
    if len(fields) != 5:
        raise ValueError("a schedule has five fields: minute, hour, day, month and weekday, in UTC")
    minutes, hours, days, months, weekdays = (
        _values(field, *bounds)
        for field, bounds in zip(
            fields,
            (
                ("minute", 0, 59, ()),
                ("hour", 0, 23, ()),
                ("day", 1, 31, ()),
                ("month", 1, 12, _MONTHS),
                ("weekday", 0, 7, _DAYS),
            ),
            strict=True,
        )
    )
    # 7 is Sunday as well.
    weekdays = frozenset(day % 7 for day in weekdays)
    # As the cron of Go programs has it: a star with a step restricts, unlike in others.
    restricted = [not _FREE.search(field) for field in (fields[2], fields[4])]
    return Cron(tuple(sorted(minutes)), tuple(sorted(hours)), days, months, weekdays, all(restricted))


def _values(field: str, name: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    values: set[int] = set()
    for part in field.lower().split(","):
        span, slash, step_text = part.partition("/")
        found = _PART.fullmatch(span)
        if found is None:
            raise ValueError(f"the {name} is not understood")
        if found["any"]:
            # The weekdays from 0 to 6; 7 is only another name of the first.
            first, last = low, 6 if name == "weekday" else high
        else:
            first = _number(found["first"], name, low, names)
            last = _number(found["last"], name, low, names) if found["last"] else first
            if slash and not found["last"]:
                last = high
        step = int(step_text) if re.fullmatch("[0-9]{1,3}", step_text, re.ASCII) else 1 if not slash else 0
        if not low <= first <= last <= high or step < 1:
            raise ValueError(f"the {name} must be from {low} to {high}")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(text: str, name: str, low: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + low
    if not re.fullmatch("[0-9]{1,3}", text, re.ASCII):
        raise ValueError(f"the {name} is not understood")
    return int(text)
