"""One number or string in the form that a verb of printf asks for. Knows flags; neither verbs nor values.

Flags that contradict each other (`%+-# 05.3x`) mean what they mean to Go's fmt.
"""

from __future__ import annotations

from dataclasses import dataclass

from sealbridge.templates.go import quoting, runes
from sealbridge.templates.go.floats import format_float

_UINT64 = (1 << 64) - 1
_LAST_RUNE = 0x10FFFF


@dataclass(slots=True)
class Form:
    """The flags, width and precision of one verb."""

    minus: bool = False
    plus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    # `%+v` and `%#v`: forms of their own, in which no flag of that name is set.
    named: bool = False
    source: bool = False
    width: int | None = None
    precision: int | None = None

    def pad(self, text: bytes, *, zero: bool | None = None) -> bytes:
        """Fill up to the width, with zeros if asked for (`zero` overrules) and never behind."""
        missing = (self.width or 0) - (runes.count(text) if self.width else 0)
        if missing <= 0:
            return text
        fill = (b"0" if (self.zero if zero is None else zero) else b" ") * missing
        return text + fill if self.minus else fill + text

    def text(self, text: bytes) -> bytes:
        """`%s`"""
        return self.pad(self._cut(text))

    def quoted(self, text: bytes) -> bytes:
        """`%q` of a string"""
        text = self._cut(text)
        if self.sharp and quoting.can_backquote(text):
            return self.pad(b"`%b`" % text)
        return self.pad(quoting.quote_ascii(text) if self.plus else quoting.quote(text))

    def hexed(self, text: bytes, *, upper: bool = False) -> bytes:
        """`%x` of a string"""
        if self.precision is not None:
            text = text[: self.precision]
        prefix = (b"0X" if upper else b"0x") if self.sharp and text else b""
        digits = text.hex(" ") if self.space else text.hex()
        encoded = (digits.upper() if upper else digits).encode()
        if self.space and prefix:
            encoded = encoded.replace(b" ", b" " + prefix)
        return self.pad(prefix + encoded)

    def char(self, number: int) -> bytes:
        """`%c`"""
        return self.pad(runes.encode(number))

    def quoted_char(self, number: int) -> bytes:
        """`%q` of an integer"""
        return self.pad(quoting.quote_rune_ascii(number) if self.plus else quoting.quote_rune(number))

    def unicode(self, number: int) -> bytes:
        """`%U`"""
        text = b"U+%0*X" % (max(self.precision or 0, 4), number & _UINT64)
        if self.sharp and 0 <= number <= _LAST_RUNE and runes.is_print(chr(number)):
            text += b" '%b'" % chr(number).encode()
        return self.pad(text, zero=False)

    def integer(self, number: int, base: int, *, upper: bool = False, marked: bool = False) -> bytes:
        """`%d %b %o %O %x %X`; `marked` is what tells `%O` from `%o`."""
        if self.precision == 0 and not number:
            return b" " * (self.width or 0)
        sign = b"-" if number < 0 else b"+" if self.plus else b" " if self.space else b""
        places = self.precision or 0
        if self.precision is None and self.zero and self.width is not None:
            places = self.width - len(sign)
        digits = format(abs(number), {2: "b", 8: "o", 10: "d", 16: "X" if upper else "x"}[base])
        text = digits.encode().rjust(places, b"0")
        if self.sharp:
            if base == 8:
                text = text if text[:1] == b"0" else b"0" + text
            else:
                text = {2: b"0b", 10: b"", 16: b"0X" if upper else b"0x"}[base] + text
        return self.pad(sign + (b"0o" if marked else b"") + text, zero=False)

    def floating(self, number: float, form: str, precision: int) -> bytes:
        """`%e %f %g %x`... with the precision that holds if none is given."""
        if self.precision is not None:
            precision = self.precision
        text = format_float(number, form, precision)
        sign, text = (text[0], text[1:]) if text[0] in "+-" else ("+", text)
        shown = sign == "-" or self.plus
        if self.space and sign == "+" and not self.plus:
            sign, shown = " ", True
        if text == "NaN" or text == "Inf":
            # An infinity always has its sign.
            return self.pad(((sign if shown or text == "Inf" else "") + text).encode(), zero=False)
        if self.sharp and form != "b":
            text = _with_point(text, form, precision)
        if not shown:
            return self.pad(text.encode())
        if self.zero and self.width is not None:
            text = text.rjust(self.width - 1, "0")
        return self.pad((sign + text).encode())

    def _cut(self, text: bytes) -> bytes:
        if self.precision is None or len(text) <= self.precision:
            return text
        decoded = text.decode(errors="surrogateescape")
        return decoded[: self.precision].encode(errors="surrogateescape")


def _with_point(text: str, form: str, precision: int) -> str:
    """What the flag `#` makes of a float: a decimal point always, and zeros that `g` leaves out."""
    mark = "p" if form in "xX" else "e"
    at = text.lower().find(mark)
    mantissa, tail = (text, "") if at < 0 else (text[:at], text[at:])
    missing = 0
    if form in "gGx":
        missing = 6 if precision == -1 else precision
        # Of hexadecimal text all digits count that follow the first other than zero, the x among them.
        missing -= len(mantissa.replace(".", "").lstrip("0"))
    if "." not in mantissa:
        if mantissa == "0":
            missing -= 1
        mantissa += "."
    return mantissa + "0" * max(missing, 0) + tail
