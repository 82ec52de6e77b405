"""Numbers out of anything, as sprig makes them (spf13/cast). Knows no function of templates.

What is no number gives 0 and no error, as sprig drops the error. Strings may say their base (`0x1f`,
`0b1`, `0o17`, and `017` is octal too) and lose everything after a decimal point.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sealbridge.templates.go.floats import parse_float, parse_int
from sealbridge.templates.go.values import wrap

_DECIMAL: Final = re.compile(rb"([-+]?[0-9]*)\.[0-9]*")
_LOWEST: Final = -(1 << 63)


def to_int64(value: Any) -> int:
    """A 64 bit integer: numbers cut off towards zero, booleans as 0 and 1, strings parsed."""
    if isinstance(value, int):
        return wrap(int, int(value))
    if isinstance(value, float):
        return truncate(value)
    if isinstance(value, bytes):
        try:
            return parse_int(_without_fraction(value), 0, 64)
        except ValueError:
            return 0
    return 0


def to_float64(value: Any) -> float:
    """A float of 64 bits: integers rounded to even, booleans as 0 and 1, strings parsed."""
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, bytes):
        try:
            return parse_float(value)
        except ValueError:
            return 0.0
    return 0.0


def truncate(value: float) -> int:
    """What is before the decimal point. Go leaves open what a float beyond 64 bits gives; its x86-64 has the
    lowest integer, also for infinities and NaN, so that is what every machine has here.
    """
    return int(value) if _LOWEST <= value < -_LOWEST else _LOWEST


def _without_fraction(text: bytes) -> bytes:
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return text
    whole: bytes = match[1]
    return whole if whole[-1:].isdigit() else whole + b"0"
