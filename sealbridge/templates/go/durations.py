"""Durations: nanoseconds with a sign, as Go's time.Duration. Knows no date and no clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Final

from sealbridge.templates.go.values import FunctionError, Int64, Number, wrap

MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

LONGEST: Final = (1 << 63) - 1
SHORTEST: Final = -(1 << 63)

_UNITS: Final = {
    b"ns": 1,
    b"us": MICROSECOND,
    "µs".encode(): MICROSECOND,
    "μs".encode(): MICROSECOND,
    b"ms": MILLISECOND,
    b"s": SECOND,
    b"m": MINUTE,
    b"h": HOUR,
}
_PART: Final = re.compile(rb"([0-9]*)(?:\.([0-9]*))?([^0-9.]+)", re.DOTALL)


class Duration(Number):
    """time.Duration."""

    kind = "int64"
    type_name = "time.Duration"
    methods: ClassVar[Mapping[str, tuple[str, str]]] = {
        "Abs": ("absolute", ""),
        "Hours": ("hours", ""),
        "Microseconds": ("microseconds", ""),
        "Milliseconds": ("milliseconds", ""),
        "Minutes": ("minutes", ""),
        "Nanoseconds": ("nanoseconds", ""),
        "Round": ("rounded", "duration"),
        "Seconds": ("seconds", ""),
        "String": ("string", ""),
        "Truncate": ("truncated", "duration"),
    }
    __slots__ = ()

    def string(self) -> bytes:
        """As in `1h2m0.5s`; below a second in a smaller unit."""
        size = abs(int(self))
        if size == 0:
            return b"0s"
        sign = "-" if self < 0 else ""
        for unit, name in ((MICROSECOND, "ns"), (MILLISECOND, "µs"), (SECOND, "ms")):
            if size < unit:
                return f"{sign}{_decimal(size, unit // 1000)}{name}".encode()
        hours, size = divmod(size, HOUR)
        minutes, size = divmod(size, MINUTE)
        text = f"{_decimal(size, SECOND)}s"
        if hours or minutes:
            text = f"{minutes}m{text}"
        if hours:
            text = f"{hours}h{text}"
        return f"{sign}{text}".encode()

    def plain(self) -> int:
        """What JSON makes of it: a number."""
        return int(self)

    def hours(self) -> float:
        """In hours, with a fraction."""
        return self._in(HOUR)

    def minutes(self) -> float:
        """In minutes, with a fraction."""
        return self._in(MINUTE)

    def seconds(self) -> float:
        """In seconds, with a fraction."""
        return self._in(SECOND)

    def milliseconds(self) -> Int64:
        """In whole milliseconds."""
        return Int64(_quotient(self, MILLISECOND))

    def microseconds(self) -> Int64:
        """In whole microseconds."""
        return Int64(_quotient(self, MICROSECOND))

    def nanoseconds(self) -> Int64:
        """In nanoseconds."""
        return Int64(self)

    def absolute(self) -> Duration:
        """Without its sign; the shortest of all becomes the longest."""
        return Duration(min(abs(int(self)), LONGEST))

    def truncated(self, unit: int) -> Duration:
        """Towards zero to a multiple of `unit`; as it is when that is not positive."""
        return self if unit <= 0 else Duration(_quotient(self, unit) * unit)

    def rounded(self, unit: int) -> Duration:
        """To the nearest multiple of `unit`, halves away from zero, within the longest and shortest."""
        if unit <= 0:
            return self
        size = abs(int(self))
        size += -(size % unit) if size % unit * 2 < unit else unit - size % unit
        return clamp(-size if self < 0 else size)

    def _in(self, unit: int) -> float:
        whole = _quotient(self, unit)
        return float(whole) + float(int(self) - whole * unit) / unit


def clamp(nanoseconds: int) -> Duration:
    """A duration, or the longest or shortest one when 64 bits do not hold it."""
    return Duration(max(SHORTEST, min(nanoseconds, LONGEST)))


def of_seconds(seconds: int) -> Duration:
    """A duration of whole seconds, overflowing as Go's multiplication does."""
    return wrap(Duration, seconds * SECOND)


def parse_duration(text: bytes) -> Duration:
    """A duration such as `1h30m` or `-1.5s`. Raises FunctionError."""
    negative = text.startswith(b"-")
    rest = text[1:] if text[:1] in (b"-", b"+") else text
    if rest == b"0":
        return Duration(0)
    total, position = 0, 0
    while match := _PART.match(rest, position):
        whole, fraction, name = match.groups()
        unit = _UNITS.get(name)
        if unit is None or not (whole or fraction):
            break
        total += _length(whole, fraction or b"", unit)
        if total > -SHORTEST:
            break
        position = match.end()
    if not rest or position != len(rest) or (total > LONGEST and not negative):
        raise FunctionError("wrong duration")
    return Duration(-total if negative else total)


def _length(whole: bytes, fraction: bytes, unit: int) -> int:
    """One number with its unit in nanoseconds, beyond 64 bits for what does not fit."""
    # Longer numbers cannot fit, and Python refuses to read the longest.
    whole = whole.lstrip(b"0")
    if len(whole) > 19:
        return 1 << 64
    length = int(whole or b"0") * unit
    value, scale = 0, 1.0
    for digit in fraction:
        if value > LONGEST // 10 or value * 10 + digit - 48 > -SHORTEST:
            break
        value = value * 10 + digit - 48
        scale *= 10
    if value:
        # In floating point and in this order, as Go calculates it.
        length += int(value * (unit / scale))
    return length


def _decimal(size: int, unit: int) -> str:
    whole, fraction = divmod(size, unit)
    if not fraction:
        return str(whole)
    digits = len(str(unit)) - 1
    return f"{whole}.{fraction:0{digits}}".rstrip("0")


def _quotient(value: int, unit: int) -> int:
    whole = abs(int(value)) // unit
    return -whole if value < 0 else whole
