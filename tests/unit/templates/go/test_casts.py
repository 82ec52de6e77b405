"""Numbers out of anything."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sealbridge.templates.go.casts import to_float64, to_int64, truncate
from sealbridge.templates.go.durations import Duration
from sealbridge.templates.go.times import Month, Time
from sealbridge.templates.go.values import Int64, Uint64

LOWEST = -(1 << 63)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (b"12", 12),
        (b"-0x1f", -31),
        (b"017", 15),
        (b"0b101", 5),
        (b"08", 0),
        (b"1.99", 1),
        (b"-.5", 0),
        (b".", 0),
        (b"1e3", 0),
        (b"", 0),
        (b"\xff", 0),
        (b"9223372036854775808", 0),
        (3.99, 3),
        (-3.99, -3),
        (True, 1),
        (None, 0),
        ([1], 0),
        (Int64(7), 7),
        (Uint64((1 << 64) - 1), -1),
        (Duration(5), 5),
        (Month(2), 2),
        (Time(), 0),
    ],
)
def test_anything_becomes_an_integer_and_what_is_no_number_0(value: Any, number: int) -> None:
    assert to_int64(value) == number
    assert type(to_int64(value)) is int


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (b"1.5e3", 1500.0),
        (b"0x1p-2", 0.25),
        (b"inf", math.inf),
        (b"1e400", 0.0),
        (b"x", 0.0),
        (b"", 0.0),
        (7, 7.0),
        (Int64(9007199254740993), 9007199254740992.0),
        (False, 0.0),
        (None, 0.0),
        ({}, 0.0),
    ],
)
def test_anything_becomes_a_float_and_what_is_no_number_0(value: Any, number: float) -> None:
    assert to_float64(value) == number
    assert type(to_float64(value)) is float


@pytest.mark.parametrize("value", [1e300, -1e300, math.inf, -math.inf, math.nan, 2.0**63])
def test_a_float_beyond_64_bits_becomes_the_lowest_integer(value: float) -> None:
    assert truncate(value) == LOWEST


def test_the_lowest_integer_itself_is_within_64_bits() -> None:
    assert truncate(float(LOWEST)) == LOWEST
    assert truncate(2.0**63 - 1024) == (1 << 63) - 1024
