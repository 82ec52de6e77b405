"""The functions of the group JSON: what Go's encoding/json writes and reads. Knows no file."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from sealbridge.templates.go.floats import format_float, parse_float
from sealbridge.templates.go.printing import Text, check_nesting, too_deep
from sealbridge.templates.go.runes import REPLACEMENT, decode
from sealbridge.templates.go.values import NIL_LISTS, FunctionError, Object
from sealbridge.templates.limits import Budget

_NAMED: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
_SPECIAL = re.compile('[\0-\x1f"\\\\\u2028\u2029\udc80-\udcff]')
_SPECIAL_HTML = re.compile('[\0-\x1f"\\\\<>&\u2028\u2029\udc80-\udcff]')
_HALF = re.compile("[\ud800-\udfff]")
# A string, which ends with the text if nothing else ends it: no place is looked at twice.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)


def to_json(budget: Budget, value: Any) -> bytes:
    """`value` as JSON on one line, with `<`, `>` and `&` escaped; nothing at all for what JSON cannot hold.

    {{ dict "b" 1 "a" (list "x" true nil) | toJson }} -> {"a":["x",true,null],"b":1}
    {{ toJson "<b>" }} -> "\\u003cb\\u003e"
    """
    try:
        return must_to_json(budget, value)
    except FunctionError:
        return b""


def must_to_json(budget: Budget, value: Any) -> bytes:
    """`value` as JSON on one line, with `<`, `>` and `&` escaped; fails for what JSON cannot hold.

    {{ list 1 2.5 "three" | mustToJson }} -> [1,2.5,"three"]
    """
    return _Writer(budget, html=True).encode(value)


def to_pretty_json(budget: Budget, value: Any) -> bytes:
    """`value` as JSON on many lines, indented by two spaces; nothing at all for what JSON cannot hold.

    {{ dict "a" 1 | toPrettyJson | replace "\\n" "|" }} -> {|  "a": 1|}
    """
    try:
        return must_to_pretty_json(budget, value)
    except FunctionError:
        return b""


def must_to_pretty_json(budget: Budget, value: Any) -> bytes:
    """`value` as JSON on many lines, indented by two spaces; fails for what JSON cannot hold.

    {{ list | mustToPrettyJson }} -> []
    """
    return _Writer(budget, html=True, indent=b"  ").encode(value)


def to_raw_json(budget: Budget, value: Any) -> bytes:
    """`value` as JSON on one line, with `<`, `>` and `&` as they are; fails for what JSON cannot hold.

    {{ toRawJson "<b>" }} -> "<b>"
    """
    return must_to_raw_json(budget, value)


def must_to_raw_json(budget: Budget, value: Any) -> bytes:
    """`value` as JSON on one line, with `<`, `>` and `&` as they are; fails like `toRawJson`.

    {{ dict "url" "/?a=1&b=2" | mustToRawJson }} -> {"url":"/?a=1&b=2"}
    """
    return _Writer(budget, html=False).encode(value)


def from_json(budget: Budget, text: bytes) -> Any:
    """What JSON says; nil if it is none. Every number is a float64.

    {{ (fromJson `{"a": [1, 2]}`).a }} -> [1 2]
    {{ fromJson "{" | kindOf }} -> invalid
    """
    try:
        return _Reader(budget).decode(text)[0]
    except ValueError:
        return None


def must_from_json(budget: Budget, text: bytes) -> Any:
    """What JSON says; fails if it is none. Every number is a float64.

    {{ (mustFromJson `{"port": 5432}`).port }} -> 5432
    """
    try:
        value, complete = _Reader(budget).decode(text)
    except ValueError:
        raise FunctionError("not valid JSON") from None
    if not complete:
        raise FunctionError("a number is too large for a float64")
    return value


def json_float(value: float) -> str:
    """A finite float as encoding/json writes it: as JavaScript would."""
    small_or_large = value and not 1e-6 <= abs(value) < 1e21
    text = format_float(value, "e" if small_or_large else "f", -1)
    return text.replace("e-0", "e-") if small_or_large else text


class _Writer:
    """Writes one value."""

    def __init__(self, budget: Budget, *, html: bool, indent: bytes = b"") -> None:
        self._budget = budget
        self._special = _SPECIAL_HTML if html else _SPECIAL
        self._indent = indent
        self._text = Text(budget.limits.size)

    def encode(self, value: Any) -> bytes:
        """The whole text. Raises FunctionError and BoundExceeded."""
        self._value(value, 0)
        return self._text.whole()

    def _value(self, value: Any, depth: int) -> None:
        if isinstance(value, bytes):
            self._text.add(self._string(value))
        elif value is None or isinstance(value, NIL_LISTS):
            self._text.add(b"null")
        elif isinstance(value, bool):
            self._text.add(b"true" if value else b"false")
        elif isinstance(value, float):
            if value - value != 0:
                raise FunctionError("JSON has neither infinity nor NaN")
            self._text.add(json_float(value).encode())
        elif isinstance(value, complex):
            raise FunctionError("JSON has no complex numbers")
        elif isinstance(value, dict):
            self._map(value, depth)
        elif isinstance(value, list):
            self._list(value, depth)
        elif isinstance(value, Object) or hasattr(value, "plain"):
            check_nesting(depth)
            self._value(value.plain(), depth + 1)
        else:
            self._text.add(b"%d" % value)

    def _map(self, value: dict[bytes, Any], depth: int) -> None:
        self._open(b"{", len(value), depth)
        for number, key in enumerate(sorted(value)):
            self._line(depth + 1, number)
            self._text.add(self._string(key))
            self._text.add(b": " if self._indent else b":")
            self._value(value[key], depth + 1)
        self._close(b"}", len(value), depth)

    def _list(self, value: list[Any], depth: int) -> None:
        self._open(b"[", len(value), depth)
        for number, entry in enumerate(value):
            self._line(depth + 1, number)
            self._value(entry, depth + 1)
        self._close(b"]", len(value), depth)

    def _open(self, mark: bytes, size: int, depth: int) -> None:
        check_nesting(depth)
        self._budget.step(size)
        self._text.add(mark)

    def _close(self, mark: bytes, size: int, depth: int) -> None:
        if size:
            self._line(depth, 0)
        self._text.add(mark)

    def _line(self, depth: int, number: int) -> None:
        if number:
            self._text.add(b",")
        if self._indent:
            self._text.add(b"\n" + self._indent * depth)

    def _string(self, text: bytes) -> bytes:
        decoded = self._special.sub(_escape, text.decode(errors="surrogateescape"))
        return b'"%b"' % decoded.encode()


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _NAMED:
        return _NAMED[char]
    return "\\ufffd" if char >= "\udc80" else f"\\u{ord(char):04x}"


class _Reader:
    """Reads one text."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._complete = True
        self._decoder = json.JSONDecoder(
            parse_int=self._number, parse_float=self._number, parse_constant=_refuse
        )

    def decode(self, text: bytes) -> tuple[Any, bool]:
        """The value, and whether all its numbers fit: nil is in the place of those that do not.

        Raises ValueError for what is no JSON, and BoundExceeded.
        """
        self._budget.grow(len(text))
        # Every entry but the first of a list or map has a comma before it.
        bare = _STRING.sub(b"", text)
        self._budget.step(sum(map(bare.count, (b",", b"[", b"{"))))
        try:
            value = self._decoder.decode(decode(text))
        except RecursionError:
            raise too_deep() from None
        return self._go(value, 0), self._complete

    def _number(self, text: str) -> float | None:
        try:
            return parse_float(text.encode())
        except ValueError:
            self._complete = False
            return None

    def _go(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return _HALF.sub(REPLACEMENT, value).encode()
        if isinstance(value, list):
            check_nesting(depth)
            self._budget.hold(len(value))
            return [self._go(entry, depth + 1) for entry in value]
        if isinstance(value, dict):
            check_nesting(depth)
            self._budget.hold(len(value))
            return {self._go(key, depth): self._go(entry, depth + 1) for key, entry in value.items()}
        return value


def _refuse(name: str) -> None:
    raise ValueError("a word that JSON does not know")
