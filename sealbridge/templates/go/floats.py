"""Numbers to text and back, as Go's strconv. Knows 64 bits; not which number a template means.

Digits come from Python, which rounds as Go does (to nearest, ties to even; `repr` is the shortest text
that reads back). Layout, bounds and what counts as syntax are Go's.
"""

from __future__ import annotations

import math
import re
from typing import Final

_DECIMAL = re.compile(rb"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_HEX = re.compile(rb"[-+]?0[xX](?:[0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?|\.[0-9a-fA-F]+)[pP][-+]?[0-9]+")
_SPECIAL: Final = {
    b"inf": math.inf,
    b"+inf": math.inf,
    b"-inf": -math.inf,
    b"infinity": math.inf,
    b"+infinity": math.inf,
    b"-infinity": -math.inf,
    b"nan": math.nan,
}
_DIGITS: Final = {
    base: re.compile(rb"[0-%c]+" % (47 + base) if base <= 10 else rb"[0-9a-%c]+" % (86 + base), re.IGNORECASE)
    for base in range(2, 37)
}
_BASES: Final = {b"0x": 16, b"0o": 8, b"0b": 2}
# A character of each class; what follows an underscore and what precedes it decide whether it may stand.
_BARE_UNDERSCORE = re.compile(rb"(?<![0-9])_|_(?![0-9])")
_BARE_UNDERSCORE_HEX = re.compile(rb"(?<![0-9a-fA-F])_|_(?![0-9a-fA-F])")
# More digits than any float has: what is beyond them are zeros.
_EXACT = 800
# More digits than any number of 64 bits has; Python refuses to read thousands of them.
_MANY = 70


class OutOfRangeError(ValueError):
    """A number is well written and too large; `nearest` is what strconv gives beside its error."""

    def __init__(self, nearest: float) -> None:
        super().__init__("a number is out of range")
        self.nearest = nearest


def format_float(value: float, form: str, precision: int) -> str:
    """As strconv.FormatFloat with 64 bits: `form` is one of `e E f g G b x X`.

    A negative precision asks for as few digits as read back the same.
    """
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    value = abs(value)
    if form == "b":
        return sign + _binary(value)
    if form in "xX":
        text = sign + _hexadecimal(value, precision)
        return text if form == "x" else text.upper()
    if form == "f":
        if precision >= 0:
            return f"{sign}{value:.{precision}f}"
        digits, point = _shortest(value)
        return sign + _fixed(digits, point, max(len(digits) - point, 0))
    if form in "eE":
        digits, point = _shortest(value) if precision < 0 else _rounded(value, precision + 1)
        return sign + _scientific(digits, point, form)
    if form not in "gG":
        raise ValueError("no such form of a float")
    return sign + _general(value, "e" if form == "g" else "E", precision)


def parse_float(text: bytes) -> float:
    """As strconv.ParseFloat with 64 bits. Raises ValueError, of class OutOfRangeError when it is infinite."""
    special = _SPECIAL.get(text[:10].lower()) if len(text) < 10 else None
    if special is not None:
        return special
    plain = _without_underscores(text)
    if _DECIMAL.fullmatch(plain):
        value = float(plain)
    elif _HEX.fullmatch(plain):
        value = _from_hex(plain)
    else:
        raise ValueError("not a floating-point number")
    if math.isinf(value):
        raise OutOfRangeError(value)
    return value


def parse_int(text: bytes, base: int, bits: int) -> int:
    """As strconv.ParseInt; base 0 takes prefixes and underscores. Raises ValueError.

    For too large a number it is an OutOfRangeError.
    """
    negative = text[:1] == b"-"
    body = text[1:] if text[:1] in (b"+", b"-") else text
    value = _magnitude(body, base, bits)
    bound = 1 << (bits - 1)
    if value >= bound + negative:
        raise OutOfRangeError(-bound if negative else bound - 1)
    return -value if negative else value


def parse_uint(text: bytes, base: int, bits: int) -> int:
    """As strconv.ParseUint, which takes no sign. Raises as `parse_int`."""
    value = _magnitude(text, base, bits)
    if value >> bits:
        raise OutOfRangeError((1 << bits) - 1)
    return value


def _magnitude(body: bytes, base: int, bits: int) -> int:
    """The value of an unsigned integer, or any beyond `bits` when it is larger than these hold.

    Like Go this stops at the digit that is too much, so what follows it need not be digits.
    """
    digits = body
    if base == 0:
        digits, base = _base_of(body)
    match = _DIGITS[base].match(digits)
    value = _value(match[0], base) if match else 0
    if value >> bits:
        return value
    if match is None or match.end() != len(digits):
        raise ValueError("not an integer")
    _without_underscores(body)
    return value


def _base_of(body: bytes) -> tuple[bytes, int]:
    base = _BASES.get(body[:2].lower(), 0)
    if base:
        return body[2:].replace(b"_", b""), base
    plain = body.replace(b"_", b"")
    return (plain[1:], 8) if len(body) > 1 and body[:1] == b"0" else (plain, 10)


def _value(digits: bytes, base: int) -> int:
    digits = digits.lstrip(b"0")
    return int(digits or b"0", base) if len(digits) <= _MANY else 1 << 128


def _without_underscores(text: bytes) -> bytes:
    """Underscores between digits, or after a prefix, are left out; others make it no number."""
    if b"_" not in text:
        return text
    body = text[1:] if text[:1] in (b"+", b"-") else text
    prefix = body[:2].lower()
    hexadecimal = prefix == b"0x"
    # A prefix counts as a digit.
    checked = b"0" + body[2:] if prefix in _BASES else body
    if (_BARE_UNDERSCORE_HEX if hexadecimal else _BARE_UNDERSCORE).search(checked):
        raise ValueError("an underscore that does not stand between digits")
    return text.replace(b"_", b"")


def _from_hex(text: bytes) -> float:
    mantissa, exponent = text.lower().split(b"p")
    # Beyond this many digits an exponent says no more than that it is huge.
    sign, digits = exponent[:1].strip(b"0123456789"), exponent.lstrip(b"+-").lstrip(b"0") or b"0"
    exponent = sign + (digits if len(digits) < 10 else b"1000000000")
    try:
        return float.fromhex((mantissa + b"p" + exponent).decode())
    except OverflowError:
        return -math.inf if text[:1] == b"-" else math.inf


def _shortest(value: float) -> tuple[str, int]:
    """Digits without zeros at either end, and where the point stands among them; none for zero."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(digits) - len(fraction) + int(exponent or 0)
    digits = digits.rstrip("0")
    return digits, point if digits else 0


def _rounded(value: float, count: int) -> tuple[str, int]:
    """`count` digits, rounded, and where the point stands among them."""
    mantissa, _, exponent = f"{value:.{count - 1}e}".partition("e")
    return mantissa.replace(".", ""), int(exponent) + 1 if value else 0


def _scientific(digits: str, point: int, mark: str) -> str:
    exponent = point - 1 if digits.strip("0") else 0
    digits = digits or "0"
    fraction = "." + digits[1:] if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}{mark}{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _fixed(digits: str, point: int, places: int) -> str:
    whole = digits[: max(point, 0)].ljust(point, "0") or "0"
    fraction = ("0" * -point if point < 0 else "") + digits[max(point, 0) :]
    return f"{whole}.{fraction[:places].ljust(places, '0')}" if places > 0 else whole


def _general(value: float, mark: str, precision: int) -> str:
    if precision < 0:
        digits, point = _shortest(value)
        # Go's own choice: a million is 1e+06.
        bound = 6
    else:
        precision = min(precision or 1, _EXACT)
        digits, point = _rounded(value, precision)
        digits = digits.rstrip("0")
        bound = precision
        if bound > len(digits) >= point:
            bound = len(digits)
    if not -4 <= point - 1 < bound:
        return _scientific(digits, point, mark)
    return _fixed(digits, point, max(len(digits) - point, 0))


def _binary(value: float) -> str:
    mantissa, exponent = _parts(value)
    return f"{mantissa}p{exponent:+d}"


def _hexadecimal(value: float, precision: int) -> str:
    mantissa, exponent = _parts(value)
    if mantissa:
        shift = 53 - mantissa.bit_length()
        mantissa <<= shift
        exponent += 52 - shift
    else:
        exponent = 0
    if 0 <= precision < 13:
        dropped = 52 - 4 * precision
        kept, rest = divmod(mantissa, 1 << dropped)
        half = 1 << (dropped - 1)
        mantissa = kept + (rest > half or (rest == half and kept & 1))
        if mantissa >> (4 * precision + 1):
            mantissa >>= 1
            exponent += 1
        mantissa <<= dropped
    fraction = f"{mantissa & ((1 << 52) - 1):013x}"
    fraction = fraction.rstrip("0") if precision < 0 else fraction[:precision].ljust(precision, "0")
    point = "." if fraction else ""
    return f"0x{mantissa >> 52}{point}{fraction}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _parts(value: float) -> tuple[int, int]:
    """The mantissa as an integer of 53 bits (fewer if denormal) and its exponent."""
    fraction, exponent = math.frexp(value)
    if exponent < -1021:
        fraction = math.ldexp(fraction, exponent + 1021)
        exponent = -1021
    elif not value:
        exponent = -1021
    return int(math.ldexp(fraction, 53)), exponent - 53
