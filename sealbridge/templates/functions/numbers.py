"""Arithmetic as sprig's: over anything that can be made a number, in 64 bits. Knows no lists."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from sealbridge.templates.go.casts import to_float64, to_int64
from sealbridge.templates.go.floats import OutOfRangeError, parse_int
from sealbridge.templates.go.printing import sprint
from sealbridge.templates.go.values import FunctionError, Int64, wrap
from sealbridge.templates.limits import Budget

# What a quotient of decimals keeps behind its point.
_PLACES: Final = 16
# A float has fewer digits than this before its point, or zeros behind it.
_RANGE: Final = 400


def atoi(text: bytes) -> int:
    """The integer that `text` says in decimal, or 0.

    {{ atoi "42" }} -> 42
    {{ atoi "0x2a" }} -> 0
    """
    try:
        return parse_int(text, 10, 64)
    except OutOfRangeError as error:
        return int(error.nearest)
    except ValueError:
        return 0


def int_(value: Any) -> int:
    """`value` as an int: fractions are cut off, and what is no number is 0.

    {{ int "17.9" }} -> 17
    {{ int true }} -> 1
    """
    return to_int64(value)


def int64(value: Any) -> Int64:
    """`value` as an int64: fractions are cut off, and what is no number is 0.

    {{ int64 "0x1f" }} -> 31
    {{ int64 "seven" }} -> 0
    """
    return Int64(to_int64(value))


def float64(value: Any) -> float:
    """`value` as a float64; what is no number is 0.

    {{ float64 "1.5e3" }} -> 1500
    """
    return to_float64(value)


def to_decimal(value: Any) -> Int64:
    """The number that `value` says in octal, or 0.

    {{ toDecimal "0755" }} -> 493
    {{ toDecimal 755 }} -> 493
    """
    try:
        return Int64(parse_int(sprint([value]), 8, 64))
    except ValueError:
        return Int64(0)


def add(*values: Any) -> Int64:
    """The sum of integers.

    {{ add 1 2 "3" }} -> 6
    """
    return wrap(Int64, sum(map(to_int64, values)))


def add1(value: Any) -> Int64:
    """One more than an integer.

    {{ add1 41 }} -> 42
    """
    return wrap(Int64, to_int64(value) + 1)


def sub(first: Any, second: Any) -> Int64:
    """The difference of two integers.

    {{ sub 5 7 }} -> -2
    """
    return wrap(Int64, to_int64(first) - to_int64(second))


def div(first: Any, second: Any) -> Int64:
    """The quotient of two integers, cut off; dividing by 0 is an error.

    {{ div 7 2 }} -> 3
    {{ div -7 2 }} -> -3
    """
    return wrap(Int64, _divided(to_int64(first), to_int64(second))[0])


def mod(first: Any, second: Any) -> Int64:
    """The rest of a division, with the sign of the first number; dividing by 0 is an error.

    {{ mod 7 3 }} -> 1
    {{ mod -7 3 }} -> -1
    """
    return Int64(_divided(to_int64(first), to_int64(second))[1])


def mul(first: Any, *values: Any) -> Int64:
    """The product of integers.

    {{ mul 2 3 7 }} -> 42
    """
    product = to_int64(first)
    for value in values:
        product = wrap(int, product * to_int64(value))
    return Int64(product)


def max_(first: Any, *values: Any) -> Int64:
    """The greatest of integers.

    {{ max 1 7 3 }} -> 7
    """
    return Int64(max(map(to_int64, (first, *values))))


def min_(first: Any, *values: Any) -> Int64:
    """The least of integers.

    {{ min 4 2 8 }} -> 2
    """
    return Int64(min(map(to_int64, (first, *values))))


def maxf(first: Any, *values: Any) -> float:
    """The greatest of floats.

    {{ maxf 1 2.5 "2" }} -> 2.5
    """
    return _extreme(first, values, math.inf)


def minf(first: Any, *values: Any) -> float:
    """The least of floats.

    {{ minf 1.5 2 "0.5" }} -> 0.5
    """
    return _extreme(first, values, -math.inf)


def ceil(value: Any) -> float:
    """The next integer above, as a float.

    {{ ceil 1.2 }} -> 2
    """
    return _whole(to_float64(value), math.ceil)


def floor(value: Any) -> float:
    """The next integer below, as a float.

    {{ floor 1.8 }} -> 1
    {{ floor -1.2 }} -> -2
    """
    return _whole(to_float64(value), math.floor)


def round_(value: Any, places: int, *options: float) -> float:
    """Rounded to `places` behind the point, upwards from .5 or from the given threshold.

    {{ round 3.14159 2 }} -> 3.14
    {{ round 1.25 1 0.6 }} -> 1.2
    """
    threshold = options[0] if options else 0.5
    power = _power_of_ten(places)
    if power == 0:
        return math.nan
    shifted = power * to_float64(value)
    up = math.modf(shifted)[0] >= threshold
    return _whole(shifted, math.ceil if up else math.floor) / power


def add1f(value: Any) -> float:
    """One more than a float, in decimal arithmetic.

    {{ add1f 0.1 }} -> 1.1
    """
    return _sum(_decimal(value), _Decimal(1, 0)).to_float()


def addf(budget: Budget, *values: Any) -> float:
    """The sum of floats, in decimal arithmetic.

    {{ addf 0.1 0.2 }} -> 0.3
    """
    return _folded(budget, 0.0, values, _sum)


def subf(budget: Budget, first: Any, *values: Any) -> float:
    """What is left of a float after others are taken off, in decimal arithmetic.

    {{ subf 7.5 2 3 }} -> 2.5
    """
    return _folded(budget, first, values, _difference)


def mulf(budget: Budget, first: Any, *values: Any) -> float:
    """The product of floats, in decimal arithmetic.

    {{ mulf 1.1 3 }} -> 3.3
    """
    return _folded(budget, first, values, _product)


def divf(budget: Budget, first: Any, *values: Any) -> float:
    """The quotient of floats to 16 places; dividing by 0 is an error.

    {{ divf 10 4 }} -> 2.5
    """
    return _folded(budget, first, values, _quotient)


class _Decimal(NamedTuple):
    """coefficient · 10^exponent, exactly."""

    coefficient: int
    exponent: int

    def at(self, exponent: int) -> int:
        """The coefficient under an exponent that is not greater."""
        return self.coefficient * int(10 ** (self.exponent - exponent))

    def to_float(self) -> float:
        """The nearest float, infinite where there is none."""
        coefficient, exponent = self
        sign = -1.0 if coefficient < 0 else 1.0
        digits = coefficient.bit_length() * math.log10(2) + exponent
        if coefficient and not -_RANGE < digits < _RANGE:
            return sign * (math.inf if digits > 0 else 0.0)
        try:
            return float(self.at(0)) if exponent >= 0 else coefficient / 10**-exponent
        except OverflowError:
            return sign * math.inf


def _folded(
    budget: Budget, first: Any, values: Sequence[Any], operation: Callable[[_Decimal, _Decimal], _Decimal]
) -> float:
    outcome = _decimal(first)
    for value in values:
        # Exact numbers grow with every operand.
        budget.step(1 + outcome.coefficient.bit_length() // 4096)
        outcome = operation(outcome, _decimal(value))
    return outcome.to_float()


def _decimal(value: Any) -> _Decimal:
    """The shortest decimal number that is read as the same float."""
    number = to_float64(value)
    if not math.isfinite(number):
        raise FunctionError("decimal arithmetic on a number that is not finite")
    digits, _, exponent = repr(number).partition("e")
    whole, _, fraction = digits.partition(".")
    return _Decimal(int(whole + fraction), int(exponent or "0") - len(fraction))


def _sum(first: _Decimal, second: _Decimal) -> _Decimal:
    exponent = min(first.exponent, second.exponent)
    return _Decimal(first.at(exponent) + second.at(exponent), exponent)


def _difference(first: _Decimal, second: _Decimal) -> _Decimal:
    return _sum(first, _Decimal(-second.coefficient, second.exponent))


def _product(first: _Decimal, second: _Decimal) -> _Decimal:
    return _Decimal(first.coefficient * second.coefficient, first.exponent + second.exponent)


def _quotient(first: _Decimal, second: _Decimal) -> _Decimal:
    if not second.coefficient:
        raise FunctionError("division by zero")
    shift = first.exponent - second.exponent + _PLACES
    dividend = abs(first.coefficient) * 10 ** max(shift, 0)
    divisor = abs(second.coefficient) * 10 ** max(-shift, 0)
    quotient, rest = divmod(dividend, divisor)
    quotient += rest * 2 >= divisor
    return _Decimal(-quotient if first.coefficient * second.coefficient < 0 else quotient, -_PLACES)


def _divided(first: int, second: int) -> tuple[int, int]:
    """Quotient and rest as the processor has them: the quotient cut off towards zero."""
    if second == 0:
        raise FunctionError("division by zero")
    quotient = abs(first) // abs(second)
    if (first < 0) != (second < 0):
        quotient = -quotient
    return quotient, first - quotient * second


def _extreme(first: Any, values: Sequence[Any], strongest: float) -> float:
    """The greatest or least: `strongest` beats everything, even NaN, which beats all the rest."""
    chosen = to_float64(first)
    beats = operator.gt if strongest > 0 else operator.lt
    for value in map(to_float64, values):
        if strongest in (chosen, value):
            chosen = strongest
        elif math.isnan(chosen) or math.isnan(value):
            chosen = math.nan
        elif chosen == value == 0:
            # The zeros are equal, and still one of them is greater; sums know which.
            chosen = chosen + value if strongest > 0 else -(-chosen - value)
        elif beats(value, chosen):
            chosen = value
    return chosen


def _whole(value: float, rounding: Callable[[float], int]) -> float:
    return math.copysign(rounding(value), value) if math.isfinite(value) else value


def _power_of_ten(places: int) -> float:
    """10^places as Go calculates it, by squaring, which is not always the nearest float."""
    if abs(places) > _RANGE:
        return math.inf if places > 0 else 0.0
    power, shift = 1.0, 0
    factor, factor_shift = math.frexp(10.0)
    left = abs(places)
    while left:
        if left & 1:
            power *= factor
            shift += factor_shift
        factor *= factor
        factor_shift *= 2
        if factor < 0.5:
            factor += factor
            factor_shift -= 1
        left >>= 1
    try:
        return math.ldexp(power, shift) if places >= 0 else math.ldexp(1 / power, -shift)
    except OverflowError:
        return math.inf
