"""sprig's arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from sealbridge.templates.functions import numbers
from sealbridge.templates.go.values import FunctionError, Int64
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

LARGEST = (1 << 63) - 1
LOWEST = -(1 << 63)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (numbers.add(), 0),
        (numbers.add(1, b"2", 3.9, True, None), 7),
        (numbers.add(LARGEST, 1), LOWEST),
        (numbers.add1(LARGEST), LOWEST),
        (numbers.sub(LOWEST, 1), LARGEST),
        (numbers.mul(LARGEST, 2), -2),
        (numbers.div(-7, 2), -3),
        (numbers.div(LOWEST, -1), LOWEST),
        (numbers.mod(-7, 3), -1),
        (numbers.mod(7, -3), 1),
        (numbers.mod(LOWEST, -1), 0),
        (numbers.max_(1, b"7", 3), 7),
        (numbers.min_(1, b"x"), 0),
        (numbers.to_decimal(b"755"), 493),
        (numbers.to_decimal(8), 0),
        (numbers.int64(b"0x10"), 16),
    ],
)
def test_integers_are_of_64_bits_and_overflow(outcome: Any, expected: int) -> None:
    assert outcome == expected
    assert type(outcome) is Int64


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"42", 42), (b"-1", -1), (b"0x2a", 0), (b"", 0), (b"9" * 30, LARGEST), (b"-" + b"9" * 30, LOWEST)],
)
def test_atoi_reads_decimal_numbers_and_keeps_to_64_bits(text: bytes, expected: int) -> None:
    assert numbers.atoi(text) == expected


@pytest.mark.parametrize("divide", [numbers.div, numbers.mod])
def test_dividing_by_nothing_is_an_error(divide: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(FunctionError, match="division by zero"):
        divide(1, b"secret")


@pytest.mark.parametrize(
    ("value", "places", "options", "expected"),
    [
        (3.14159, 2, (), 3.14),
        (2.5, 0, (), 3.0),
        (-2.5, 0, (), -3.0),
        (1.25, 1, (0.6,), 1.2),
        (1234.5, -2, (), 1200.0),
        (b"1.005", 2, (), 1.0),
    ],
)
def test_round_goes_up_from_its_threshold(
    value: Any, places: int, options: tuple[float, ...], expected: float
) -> None:
    assert numbers.round_(value, places, *options) == expected


@pytest.mark.parametrize("places", [-400, -330, 400])
def test_round_to_places_beyond_all_floats_is_no_number(places: int) -> None:
    assert math.isnan(numbers.round_(1.5, places))


def test_extremes_know_infinities_zeros_and_what_is_no_number() -> None:
    assert numbers.maxf(b"nan", b"inf") == math.inf
    assert numbers.minf(b"-inf", b"nan") == -math.inf
    assert math.isnan(numbers.maxf(1, b"nan"))
    assert math.copysign(1, numbers.maxf(b"-0", 0)) == 1
    assert math.copysign(1, numbers.minf(0, b"-0")) == -1
    assert numbers.maxf(1, 2.5, b"2") == 2.5
    assert numbers.minf(1, 0.5) == 0.5


def test_floor_and_ceil_keep_the_sign_of_zero() -> None:
    assert math.copysign(1, numbers.ceil(-0.5)) == -1
    assert numbers.floor(-1.2) == -2.0
    assert numbers.ceil(math.inf) == math.inf


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (numbers.addf(Budget(), 0.1, 0.2), 0.3),
        (numbers.addf(Budget()), 0.0),
        (numbers.add1f(0.1), 1.1),
        (numbers.subf(Budget(), 0.3, 0.1), 0.2),
        (numbers.mulf(Budget(), 1.1, 3), 3.3),
        (numbers.mulf(Budget(), 1e200, 1e200), math.inf),
        (numbers.mulf(Budget(), -1e200, 1e200), -math.inf),
        (numbers.mulf(Budget(), 1e-200, 1e-200), 0.0),
        (numbers.addf(Budget(), 1.7e308, 1.7e308), math.inf),
        (numbers.divf(Budget(), 10, 3), 3.3333333333333335),
        (numbers.divf(Budget(), 2, 3), 0.6666666666666667),
        (numbers.divf(Budget(), -2, 3), -0.6666666666666667),
        (numbers.divf(Budget(), 1, 1e17), 0.0),
    ],
)
def test_floats_are_calculated_as_decimals(outcome: float, expected: float) -> None:
    assert outcome == expected


def test_decimals_have_no_infinity_and_no_division_by_zero() -> None:
    with pytest.raises(FunctionError, match="not finite"):
        numbers.addf(Budget(), b"nan")
    with pytest.raises(FunctionError, match="division by zero"):
        numbers.divf(Budget(), 1, 0)


def test_exact_products_are_accounted_for() -> None:
    with pytest.raises(BoundExceeded):
        numbers.mulf(Budget(Limits(steps=10_000)), 1, *[1.2345678901234567] * 5_000)
