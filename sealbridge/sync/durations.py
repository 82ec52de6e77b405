"""Durations as Go writes them (`1h30m`, `0.5s`). Knows text and seconds only."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

_UNITS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),  # U+00B5, the micro sign
    "μs": Decimal("1e-6"),  # U+03BC, the Greek letter
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_LONGEST = Decimal((1 << 63) - 1) / Decimal(10**9)  # Go counts nanoseconds in 64 bits: 292 years


def parse_duration(text: str) -> timedelta:
    """Go's time.ParseDuration for durations that are not negative. Raises ValueError with the reason."""
    body = text.removeprefix("+")
    if body == "0":
        return timedelta()
    if text.startswith("-"):
        raise ValueError("a duration must not be negative")
    seconds, position = Decimal(0), 0
    while match := _PART.match(body, position):
        seconds += Decimal(match[1]) * _UNITS[match[2]]
        position = match.end()
    if position != len(body) or not body:
        raise ValueError("not a duration")
    if seconds > _LONGEST:
        raise ValueError("a duration must not be longer than 292 years")
    return timedelta(microseconds=int(seconds * 1_000_000))
