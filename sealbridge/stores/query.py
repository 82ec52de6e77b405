"""The condition inside of `#(...)` in a GJSON path. Knows how to compare, not where values stand."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

_OPERATOR = re.compile(r"==|=|!=|!%|<=|<|>=|>|%")
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TEXT_ORDER: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Query:
    """`path operator operand`; an empty operator asks whether something is there."""

    path: str
    operator: str
    operand: str

    def matches(self, raw: bytes, text: bytes) -> bool:
        """Whether a JSON value fulfils it; `text` is the value unquoted when it is a string."""
        if not self.operator:
            return True
        if raw.startswith(b'"'):
            return self._text_matches(text.decode())
        if raw in (b"true", b"false"):
            if self.operand not in ("true", "false"):
                return self.operator == "!="
            order = _ORDER.get(self.operator)
            return order is not None and order(raw == b"true", self.operand == "true")
        if raw[:1] in b"-0123456789" and raw:
            order = _ORDER.get(self.operator)
            return order is not None and order(float(raw), _number(self.operand))
        return False

    def _text_matches(self, text: str) -> bool:
        if self.operator in ("%", "!%"):
            pattern = re.escape(self.operand).replace(r"\*", ".*").replace(r"\?", ".")
            return bool(re.fullmatch(pattern, text, re.DOTALL)) == (self.operator == "%")
        return _TEXT_ORDER[self.operator](text, self.operand)


def parse_query(text: str) -> Query:
    """The condition between the parentheses."""
    position = 0
    while position < len(text):
        if text[position] == "\\":
            position += 2
            continue
        if text[position] == "(":
            position = (closing(text, position) or len(text)) + 1
            continue
        if match := _OPERATOR.match(text, position):
            sign = "=" if match[0] == "==" else match[0]
            return Query(text[:position].strip(), sign, _operand(text[match.end() :].strip()))
        position += 1
    return Query(text.strip(), "", "")


def closing(text: str, start: int) -> int | None:
    """Where the parenthesis at `start` closes, strings and escapes minded, or None."""
    depth, position, quoted = 0, start, False
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == '"':
            quoted = not quoted
        elif not quoted and character == "(":
            depth += 1
        elif not quoted and character == ")":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return None


def _operand(text: str) -> str:
    if text.startswith('"'):
        try:
            return msgspec.json.decode(text.encode(), type=str)
        except msgspec.DecodeError:
            return text.strip('"')
    return text


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0  # as Go's parser leaves it
