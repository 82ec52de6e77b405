"""Literals of templates into values, as Go's strconv and its ideal constants. Knows no token."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from sealbridge.templates.go.durations import Duration
from sealbridge.templates.go.floats import parse_float, parse_int, parse_uint
from sealbridge.templates.go.quoting import unquote
from sealbridge.templates.go.runes import decode
from sealbridge.templates.go.values import Int64, Uint32

# Escapes that stand for a byte: as a character constant they are that number, whether it is UTF-8 or not.
_BYTE = re.compile(r"'\\(?:x([0-9a-fA-F]{2})|([0-7]{3}))'")
_SIGN = re.compile(rb"(?<![eEpP])[+-]")
_INT64 = (-(1 << 63), 1 << 63)
_UINT64 = (0, 1 << 64)


@dataclass(frozen=True, slots=True)
class Number:
    """A constant under every type that can represent it; None where it cannot.

    As Go keeps it: which one is taken depends on the parameter it is given to.
    """

    integer: int | None = None
    unsigned: int | None = None
    real: float | None = None
    # What it is where any type will do; None for an unsigned integer that is no int.
    ideal: int | float | complex | None = None

    def convert(self, parameter: str) -> object:
        """The constant as a parameter of a type of the table, or None."""
        if parameter == "int":
            return self.integer
        if parameter == "int64":
            return None if self.integer is None else Int64(self.integer)
        if parameter == "uint32":
            return None if self.unsigned is None else Uint32(self.unsigned & 0xFFFFFFFF)
        if parameter == "float64":
            return self.real
        if parameter == "duration":
            return None if self.integer is None else Duration(self.integer)
        return None


def text_of(literal: str) -> bytes:
    """The text of a quoted or raw string. Raises ValueError that says what is wrong with it."""
    return unquote(literal.encode("utf-8", "surrogateescape"))


def character(literal: str) -> Number:
    """The number that a character constant is. Raises ValueError."""
    escape = _BYTE.fullmatch(literal)
    if escape:
        code = int(escape[1], 16) if escape[1] else int(escape[2], 8)
        if code > 0xFF:
            raise ValueError("an octal escape beyond a byte")
    else:
        text = decode(text_of(literal))
        if len(text) != 1:
            raise ValueError("a character literal holds one character")
        code = ord(text)
    return Number(code, code, float(code), ideal=code)


def number(literal: str) -> Number:
    """A constant that is no character: integer, float or imaginary. Raises ValueError."""
    text = literal.encode()
    if literal.endswith("i"):
        return _compound(b"0", text[:-1])
    integer = _parsed(parse_int, text)
    unsigned = 0 if integer == 0 else _parsed(parse_uint, text)
    whole = integer if integer is not None else unsigned
    if whole is not None:
        return Number(integer, unsigned, float(whole), ideal=integer)
    real = _real(text)
    if not any(mark in literal for mark in ".eEpP"):
        raise ValueError("an integer beyond 64 bits")
    return Number(_whole(real, *_INT64), _whole(real, *_UINT64), real, ideal=real)


def complex_number(literal: str) -> Number:
    """A complex constant of two parts, `1+2i`. Raises ValueError."""
    text = literal.encode()
    # The sign between the parts is the last that does not belong to an exponent.
    cut = [sign.start() for sign in _SIGN.finditer(text)][-1]
    return _compound(text[:cut], text[cut:-1])


def _compound(real: bytes, imaginary: bytes) -> Number:
    value = complex(_real(real), _real(imaginary))
    if value.imag != 0:
        return Number(ideal=value)
    return Number(_whole(value.real, *_INT64), _whole(value.real, *_UINT64), value.real, ideal=value)


def _real(text: bytes) -> float:
    try:
        return parse_float(text)
    except ValueError:
        raise ValueError("not a number") from None


def _parsed(parse: Callable[[bytes, int, int], int], text: bytes) -> int | None:
    try:
        return parse(text, 0, 64)
    except ValueError:
        return None


def _whole(real: float, low: int, high: int) -> int | None:
    """A float as an integer, where it is one within bounds."""
    if not math.isfinite(real) or real != math.floor(real) or not low <= real < high:
        return None
    return int(real)
