"""Go's fmt.Sprintf: the form string and what each verb makes of a value. Knows all of fmt's complaints.

A verb that does not fit its operand is no error; the text tells it, as `%!d(string=x)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sealbridge.templates.go import runes
from sealbridge.templates.go.forms import Form
from sealbridge.templates.go.printing import ADDRESS, NIL, Text, check_nesting, fields_of, stringer
from sealbridge.templates.go.values import INVALID, NIL_LISTS, Number, Object, kind_of, type_name
from sealbridge.templates.limits import Budget

# Wider is nothing, nor more precise.
_LARGEST: Final = 1_000_000
_DIGITS: Final = frozenset(b"0123456789")
_TEXTUAL: Final = frozenset("vsxXq")
_BASES: Final = {"d": 10, "b": 2, "o": 8, "O": 8, "x": 16, "X": 16}


def sprintf(form: bytes, values: Sequence[Any], budget: Budget) -> bytes:
    """The values in the form. Raises BoundExceeded."""
    return _Reader(form, values, budget).read()


def _too_large(number: int) -> bool:
    return abs(number) > _LARGEST


class _Reader:
    """Goes through the form string."""

    def __init__(self, form: bytes, values: Sequence[Any], budget: Budget) -> None:
        self._source = form
        self._at = 0
        # Looked for once: a form may open many brackets and close none.
        self._last_bracket = form.rfind(b"]")
        self._values = values
        self._next = 0
        self._indexed = False
        self._good = True
        self._text = Text(budget.limits.size)
        self._budget = budget

    def read(self) -> bytes:
        """The whole of it."""
        source, add = self._source, self._text.add
        while (found := source.find(b"%", self._at)) >= 0:
            if found > self._at:
                add(source[self._at : found])
            self._at = found + 1
            self._good = True
            self._budget.step()
            form = Form()
            self._flags(form)
            after_index = self._sizes(form)
            if not after_index:
                self._index()
            if self._at >= len(source):
                add(b"%!(NOVERB)")
                break
            self._verb(form)
        else:
            add(source[self._at :])
        if not self._indexed and self._next < len(self._values):
            self._extra()
        return self._text.whole()

    def _flags(self, form: Form) -> None:
        while self._at < len(self._source):
            flag = self._source[self._at]
            if flag == 0x23:
                form.sharp = True
            elif flag == 0x30:
                form.zero = not form.minus
            elif flag == 0x2B:
                form.plus = True
            elif flag == 0x2D:
                form.minus, form.zero = True, False
            elif flag == 0x20:
                form.space = True
            else:
                return
            self._at += 1

    def _sizes(self, form: Form) -> bool:
        """Width and precision; whether an index stands right behind them."""
        after_index = self._index()
        if self._skip(b"*"):
            form.width = self._operand()
            if form.width is None:
                self._text.add(b"%!(BADWIDTH)")
            elif form.width < 0:
                form.width, form.minus, form.zero = -form.width, True, False
            after_index = False
        else:
            form.width = self._number()
            if after_index and form.width is not None:
                self._good = False
        # A point at the very end is no precision but the verb.
        if self._at + 1 < len(self._source) and self._skip(b"."):
            if after_index:
                self._good = False
            after_index = self._index()
            if self._skip(b"*"):
                form.precision = self._operand()
                if form.precision is None or form.precision < 0:
                    form.precision = None
                    self._text.add(b"%!(BADPREC)")
                after_index = False
            else:
                form.precision = self._number() or 0
        return after_index

    def _verb(self, form: Form) -> None:
        verb, size = _first_rune(self._source, self._at)
        self._at += size
        if verb == "%":
            self._text.add(b"%")
        elif not self._good:
            self._text.add(b"%!" + verb.encode() + b"(BADINDEX)")
        elif self._next >= len(self._values):
            self._text.add(b"%!" + verb.encode() + b"(MISSING)")
        else:
            if verb == "v":
                form.source, form.sharp = form.sharp, False
                form.named, form.plus = form.plus, False
            self._next += 1
            _Printer(self._text, form, self._budget).operand(self._values[self._next - 1], verb)

    def _extra(self) -> None:
        self._text.add(b"%!(EXTRA ")
        for number, value in enumerate(self._values[self._next :]):
            if number:
                self._text.add(b", ")
            if value is None:
                self._text.add(NIL)
            else:
                self._text.add(type_name(value).encode() + b"=")
                _Printer(self._text, Form(), self._budget).operand(value, "v")
        self._text.add(b")")

    def _skip(self, mark: bytes) -> bool:
        found = self._source.startswith(mark, self._at)
        self._at += found
        return found

    def _number(self) -> int | None:
        """A number in the form, None if there is none; too large a one makes all the rest void."""
        number, self._at = _number(self._source, self._at, len(self._source))
        return number

    def _operand(self) -> int | None:
        """The next operand as a width or precision."""
        if self._next >= len(self._values):
            return None
        value = self._values[self._next]
        self._next += 1
        if not isinstance(value, int) or isinstance(value, bool) or _too_large(value):
            return None
        return int(value)

    def _index(self) -> bool:
        """An explicit index, `[2]`; whether there is one and it is a number."""
        source, start = self._source, self._at
        if source[start : start + 1] != b"[":
            return False
        self._indexed = True
        end = source.find(b"]", start + 1) if start < self._last_bracket and len(source) - start >= 3 else -1
        if end < 0:
            self._at, self._good = start + 1, False
            return False
        self._at = end + 1
        number, stopped = _number(source, start + 1, end)
        if number is not None and stopped == end and 0 < number <= len(self._values):
            self._next = number - 1
            return True
        self._good = False
        return number is not None and stopped == end


def _number(source: bytes, start: int, end: int) -> tuple[int | None, int]:
    """The number at `start` and where it ends; None and `end` when it is too large."""
    number = None
    for at in range(start, end):
        if source[at] not in _DIGITS:
            return number, at
        if number is not None and _too_large(number):
            return None, end
        number = (number or 0) * 10 + source[at] - 0x30
    return number, end


def _first_rune(source: bytes, at: int) -> tuple[str, int]:
    if source[at] < 0x80:
        return chr(source[at]), 1
    for size in (2, 3, 4):
        try:
            return source[at : at + size].decode(), size
        except UnicodeDecodeError:
            continue
    return runes.REPLACEMENT, 1


class _Printer:
    """Writes one operand."""

    def __init__(self, text: Text, form: Form, budget: Budget) -> None:
        self._form = form
        self._text = text
        self._budget = budget
        # While a complaint is written, no value speaks for itself.
        self._complaining = False
        # What a complaint is about: an operand, or what is inside one.
        self._subject: Any = INVALID

    def operand(self, value: Any, verb: str) -> None:
        """An operand of printf."""
        self._subject = value
        if value is None:
            if verb in "Tv":
                self._put(self._form.pad(NIL))
            else:
                self._complain(verb)
        elif verb == "T":
            self._put(self._form.text(type_name(value).encode()))
        elif verb == "p":
            self._pointer(value, verb)
        else:
            self._value(value, verb, 0)

    def _put(self, text: bytes) -> None:
        width = self._form.width or 0
        if width > 0:
            self._budget.grow(width)
        self._text.add(text)

    def _value(self, value: Any, verb: str, depth: int) -> None:
        self._budget.step()
        if value is None:
            self._put(b"interface {}(nil)" if self._form.source else NIL)
            return
        self._subject = value
        if self._speaks(value, verb):
            return
        if isinstance(value, bool):
            if verb in "tv":
                self._put(self._form.pad(b"true" if value else b"false"))
            else:
                self._complain(verb)
        elif isinstance(value, int):
            self._integer(value, verb)
        elif isinstance(value, float):
            self._float(value, verb)
        elif isinstance(value, complex):
            self._complex(value, verb)
        elif isinstance(value, bytes):
            self._string(value, verb)
        elif isinstance(value, dict):
            check_nesting(depth)
            self._map(value, verb, depth)
        elif isinstance(value, list):
            check_nesting(depth)
            self._list(value, verb, depth)
        elif isinstance(value, Object):
            check_nesting(depth)
            self._object(value, verb, depth)
        else:
            self._put(NIL)

    def _speaks(self, value: Any, verb: str) -> bool:
        """Whether the value printed itself, or complained that no error is to be wrapped."""
        if self._complaining:
            return False
        if verb == "w":
            self._complain(verb)
            return True
        if self._form.source or verb not in _TEXTUAL:
            return False
        text = stringer(value)
        if text is None:
            return False
        self._string(text, verb)
        return True

    def _complain(self, verb: str) -> None:
        subject = self._subject
        self._complaining = True
        self._text.add(b"%!" + verb.encode() + b"(")
        if subject is None or subject is INVALID:
            self._text.add(NIL)
        else:
            self._text.add(type_name(subject).encode() + b"=")
            self._value(subject, "v", 0)
        self._text.add(b")")
        self._complaining = False

    def _integer(self, value: int, verb: str) -> None:
        form = self._form
        if verb == "v":
            unsigned = isinstance(value, Number) and not value.signed
            self._put(
                self._address(value, prefixed=True) if form.source and unsigned else form.integer(value, 10)
            )
        elif verb in _BASES:
            self._put(form.integer(value, _BASES[verb], upper=verb == "X", marked=verb == "O"))
        elif verb == "c":
            self._put(form.char(value))
        elif verb == "q":
            self._put(form.quoted_char(value))
        elif verb == "U":
            self._put(form.unicode(value))
        else:
            self._complain(verb)

    def _float(self, value: float, verb: str) -> None:
        if verb in "feEF":
            self._put(self._form.floating(value, "f" if verb == "F" else verb, 6))
        elif verb in "vbgGxX":
            self._put(self._form.floating(value, "g" if verb == "v" else verb, -1))
        else:
            self._complain(verb)

    def _complex(self, value: complex, verb: str) -> None:
        if verb not in "vbgGxXfFeE":
            self._complain(verb)
            return
        form, plus = self._form, self._form.plus
        self._text.add(b"(")
        self._float(value.real, verb)
        form.plus = True
        self._float(value.imag, verb)
        form.plus = plus
        self._text.add(b"i)")

    def _string(self, value: bytes, verb: str) -> None:
        form = self._form
        if verb == "q" or (verb == "v" and form.source):
            self._put(form.quoted(value))
        elif verb in "sv":
            self._put(form.text(value))
        elif verb in "xX":
            self._put(form.hexed(value, upper=verb == "X"))
        else:
            self._complain(verb)

    def _map(self, value: dict[bytes, Any], verb: str, depth: int) -> None:
        source = self._form.source
        self._text.add(type_name(value).encode() + b"{" if source else b"map[")
        for number, key in enumerate(sorted(value)):
            if number:
                self._text.add(b", " if source else b" ")
            self._value(key, verb, depth + 1)
            self._text.add(b":")
            self._value(value[key], verb, depth + 1)
        self._text.add(b"}" if source else b"]")

    def _list(self, value: list[Any], verb: str, depth: int) -> None:
        source = self._form.source
        if source:
            self._text.add(type_name(value).encode())
            if isinstance(value, NIL_LISTS):
                self._text.add(b"(nil)")
                return
        self._text.add(b"{" if source else b"[")
        for number, entry in enumerate(value):
            if number:
                self._text.add(b", " if source else b" ")
            self._value(entry, verb, depth + 1)
        self._text.add(b"}" if source else b"]")

    def _object(self, value: Object, verb: str, depth: int) -> None:
        if value.kind == "ptr":
            if depth:
                self._pointer(value, verb)
                return
            self._text.add(b"&")
        source = self._form.source
        if source:
            self._text.add(type_name(value).removeprefix("*").encode())
        self._text.add(b"{")
        for number, (name, field) in enumerate(fields_of(value)):
            if number:
                self._text.add(b", " if source else b" ")
            if source or self._form.named:
                self._text.add(name.encode() + b":")
            self._value(field, verb, depth + 1)
        self._text.add(b"}")

    def _pointer(self, value: Any, verb: str) -> None:
        """The address of a list, map or pointer, or what stands for it."""
        address = 0 if isinstance(value, NIL_LISTS) else ADDRESS
        if kind_of(value) not in ("slice", "map", "ptr"):
            self._complain(verb)
        elif verb == "v" and self._form.source:
            self._text.add(b"(" + type_name(value).encode() + b")(")
            self._put(self._address(address, prefixed=True) + b")")
        elif verb in "vp":
            self._put(self._address(address, prefixed=not self._form.sharp))
        elif verb in "bodxX":
            self._integer(address, verb)
        else:
            self._complain(verb)

    def _address(self, value: int, *, prefixed: bool) -> bytes:
        sharp = self._form.sharp
        self._form.sharp = prefixed
        text = self._form.integer(value, 16)
        self._form.sharp = sharp
        return text
