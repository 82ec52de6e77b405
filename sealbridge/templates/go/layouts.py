"""Go's layouts of dates: what their parts are, and writing a time in one. Knows no time zone by name.

A layout is the reference time, Mon Jan 2 15:04:05 MST 2006, written as the time is to be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from sealbridge.templates.go.civil import MONTHS, WEEKDAYS, Civil, from_seconds
from sealbridge.templates.limits import Budget

_CHUNK: Final = re.compile(
    rb"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST"
    rb"|0[1-6]|002|15|1|2006|2|__2|_2(?!006)|3|4|5|PM|pm"
    rb"|[-Z]07(?:0000|:00:00|00|:00|)"
    rb"|[.,](?:0+|9+)(?![0-9])"
)


def chunks(layout: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The parts of a layout: text to copy and the chunk behind it, which is empty at the end."""
    position = 0
    for match in _CHUNK.finditer(layout):
        yield layout[position : match.start()], match[0]
        position = match.end()
    yield layout[position:], b""


def format_layout(layout: bytes, seconds: int, nanoseconds: int, zone: tuple[bytes, int]) -> bytes:
    """A time in a layout: seconds since the year 1, and the abbreviation and offset of its zone."""
    name, offset = zone
    civil = from_seconds(seconds + offset)
    parts: list[bytes] = []
    for text, chunk in chunks(layout):
        parts.append(text)
        if writer := _WRITERS.get(chunk):
            parts.append(writer(civil).encode())
        elif chunk == b"MST":
            parts.append(name or _offset(b"-0700", offset))
        elif chunk[:1] in (b"-", b"Z"):
            parts.append(_offset(chunk, offset))
        elif chunk:
            parts.append(_fraction(chunk, nanoseconds))
    return b"".join(parts)


def account_for_layout(budget: Budget, layout: bytes) -> None:
    """Account for writing a time in a layout, which may grow to three times its length."""
    budget.step(len(layout) // 4)
    budget.grow(3 * len(layout))


def fraction_digits(chunk: bytes) -> int:
    """How many digits a fraction of a layout has; Go keeps 12 bits of the number."""
    return (len(chunk) - 1) & 0xFFF


def _padded(value: int, width: int) -> str:
    # Python counts the sign into the width, Go does not.
    return f"-{-value:0{width}}" if value < 0 else f"{value:0{width}}"


def _hour12(civil: Civil) -> int:
    return civil.hour % 12 or 12


_WRITERS: Final[dict[bytes, Callable[[Civil], str]]] = {
    b"January": lambda civil: MONTHS[civil.month - 1],
    b"Jan": lambda civil: MONTHS[civil.month - 1][:3],
    b"1": lambda civil: str(civil.month),
    b"01": lambda civil: f"{civil.month:02}",
    b"Monday": lambda civil: WEEKDAYS[civil.weekday],
    b"Mon": lambda civil: WEEKDAYS[civil.weekday][:3],
    b"2": lambda civil: str(civil.day),
    b"_2": lambda civil: f"{civil.day:2}",
    b"02": lambda civil: f"{civil.day:02}",
    b"__2": lambda civil: f"{civil.day_of_year:3}",
    b"002": lambda civil: f"{civil.day_of_year:03}",
    b"15": lambda civil: f"{civil.hour:02}",
    b"3": lambda civil: str(_hour12(civil)),
    b"03": lambda civil: f"{_hour12(civil):02}",
    b"4": lambda civil: str(civil.minute),
    b"04": lambda civil: f"{civil.minute:02}",
    b"5": lambda civil: str(civil.second),
    b"05": lambda civil: f"{civil.second:02}",
    b"2006": lambda civil: _padded(civil.year, 4),
    b"06": lambda civil: f"{abs(civil.year) % 100:02}",
    b"PM": lambda civil: "PM" if civil.hour >= 12 else "AM",
    b"pm": lambda civil: "pm" if civil.hour >= 12 else "am",
}


def _offset(chunk: bytes, offset: int) -> bytes:
    if chunk.startswith(b"Z") and offset == 0:
        return b"Z"
    minutes, seconds = divmod(abs(offset), 60)
    negative = offset < 0 and minutes > 0
    if offset < 0 and not negative:
        # Go takes the sign from the minutes, and so writes it before the seconds where there are none.
        seconds = -seconds
    text = f"{'-' if negative else '+'}{minutes // 60:02}"
    colon = ":" if b":" in chunk else ""
    if len(chunk) > 3:
        text += f"{colon}{minutes % 60:02}"
    if len(chunk) > 6:
        text += f"{colon}{_padded(seconds, 2)}"
    return text.encode()


def _fraction(chunk: bytes, nanoseconds: int) -> bytes:
    digits = f"{nanoseconds:09}"[: fraction_digits(chunk)].encode()
    if chunk[1:2] == b"9":
        digits = digits.rstrip(b"0")
        if not digits:
            return b""
    return chunk[:1] + digits
