"""How Go prints a value when nobody asks for a form. Knows every type; printf's verbs are in `verbs`.

A value may hold itself, or another one many times over: nothing is printed beyond the size and depth
that a value may have (BoundExceeded).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sealbridge.templates.go.floats import format_float
from sealbridge.templates.go.values import INVALID, Object
from sealbridge.templates.limits import DEFAULT, BoundExceeded

# Lists and maps within each other. Go has no bound, and dies of a map that contains itself.
MAX_NESTING: Final = 100
# What stands for the address of anything: none is ever told.
ADDRESS: Final = 0xC000010000

NIL: Final = b"<nil>"
NO_VALUE: Final = b"<no value>"


class Text:
    """A text in the making, which refuses to grow beyond the size of a value."""

    __slots__ = ("_pieces", "_room", "_size")

    def __init__(self, size: int = DEFAULT.size) -> None:
        self._pieces: list[bytes] = []
        self._size = self._room = size

    def add(self, piece: bytes) -> None:
        """Append. Raises BoundExceeded."""
        self._room -= len(piece)
        if self._room < 0:
            raise BoundExceeded(f"a value prints as more than {self._size} bytes")
        self._pieces.append(piece)

    def whole(self) -> bytes:
        """Everything so far."""
        return b"".join(self._pieces)


def text_of(value: Any) -> bytes:
    """A value as `%v` prints it, and so every action of a template."""
    plain = _plain(value)
    if plain is not None:
        return plain
    text = Text()
    _write(text, value, 0)
    return text.whole()


def sprint(values: Sequence[Any]) -> bytes:
    """fmt.Sprint: a space between two operands when neither is a string."""
    text = Text()
    spaced = False
    for value in values:
        string = isinstance(value, bytes)
        if spaced and not string:
            text.add(b" ")
        _write(text, value, 0)
        spaced = not string
    return text.whole()


def sprintln(values: Sequence[Any]) -> bytes:
    """fmt.Sprintln: a space between all operands, and the end of the line."""
    text = Text()
    for number, value in enumerate(values):
        if number:
            text.add(b" ")
        _write(text, value, 0)
    text.add(b"\n")
    return text.whole()


def stringer(value: Any) -> bytes | None:
    """What the value's own `String() string` says, if its type has one."""
    method = getattr(value, "string", None)
    if method is None:
        return None
    text: bytes = method()
    return text


def fields_of(value: Object) -> Iterator[tuple[str, Any]]:
    """The fields of a struct, by their names in Go."""
    for name, attribute in value.fields.items():
        yield name, getattr(value, attribute)


def check_nesting(depth: int) -> None:
    """Refuse what is too deep. Raises BoundExceeded."""
    if depth > MAX_NESTING:
        raise too_deep()


def too_deep() -> BoundExceeded:
    """What to raise for a value that is nested too deep."""
    return BoundExceeded(f"a value is nested more than {MAX_NESTING} levels deep")


def _plain(value: Any) -> bytes | None:
    """The text of what holds no other values, None for what does."""
    kind = type(value)
    if kind is bytes:
        text: bytes = value
        return text
    if kind is bool:
        return b"true" if value else b"false"
    if kind is int:
        return b"%d" % value
    if kind is float:
        return format_float(value, "g", -1).encode()
    if kind is complex:
        return _complex(value)
    if value is None:
        return NIL
    if value is INVALID:
        return NO_VALUE
    text_ = stringer(value)
    if text_ is None and isinstance(value, int):
        return b"%d" % value
    return text_


def _complex(value: complex) -> bytes:
    real, imaginary = format_float(value.real, "g", -1), format_float(value.imag, "g", -1)
    sign = "" if imaginary[0] in "+-" else "+"
    return f"({real}{sign}{imaginary}i)".encode()


def _write(text: Text, value: Any, depth: int) -> None:
    plain = _plain(value)
    if plain is not None:
        text.add(plain)
        return
    check_nesting(depth)
    if isinstance(value, dict):
        text.add(b"map[")
        for number, key in enumerate(sorted(value)):
            text.add(b" %b:" % key if number else b"%b:" % key)
            _write(text, value[key], depth + 1)
        text.add(b"]")
    elif isinstance(value, list):
        text.add(b"[")
        for number, entry in enumerate(value):
            if number:
                text.add(b" ")
            _write(text, entry, depth + 1)
        text.add(b"]")
    elif value.kind == "ptr" and depth:
        text.add(b"0x%x" % ADDRESS)
    else:
        text.add(b"&{" if value.kind == "ptr" else b"{")
        for number, (_, field) in enumerate(fields_of(value)):
            if number:
                text.add(b" ")
            _write(text, field, depth + 1)
        text.add(b"}")
