"""The function that reads Java properties, as github.com/magiconair/properties does without expansion."""

from __future__ import annotations

import re

from sealbridge.templates.go import runes
from sealbridge.templates.go.values import FunctionError, StringMap
from sealbridge.templates.limits import Budget

_LINE_ENDS = "\r\n"
_BEFORE_KEY = re.compile(r"(?:[ \f\t\r\n]+|[#!][^\r\n]*)*+")
_KEY = re.compile(r"[^\\ \f\t\r\n:=]+")
_VALUE = re.compile(r"[^\\\r\n]+")
_DELIMITER = re.compile(r"[ \f\t]*[:=]?[ \f\t]*")
_BLANKS = re.compile(r"[ \f\t]*")
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_ESCAPES = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def from_properties(budget: Budget, text: bytes) -> StringMap:
    """The keys and values of Java properties; of one key twice the last value counts.

    {{ (fromProperties "user = admin").user }} -> admin
    """
    budget.grow(len(text))
    decoded = runes.decode(text)
    found = StringMap()
    at = _skip(decoded, 0)
    while at < len(decoded):
        budget.step()
        key, at = _scan(budget, decoded, at, _KEY, continues=False)
        if not key:
            raise _error(decoded, at, "a key is missing")
        delimiter = _DELIMITER.match(decoded, at)
        value, at = _scan(budget, decoded, delimiter.end() if delimiter else at, _VALUE, continues=True)
        found[key.encode()] = value.encode()
        if len(found) > budget.limits.entries:
            break
        at = _skip(decoded, at)
    budget.hold(len(found))
    return found


def _skip(text: str, at: int) -> int:
    """Where the next key begins: behind blanks, empty lines and comments."""
    match = _BEFORE_KEY.match(text, at)
    return match.end() if match else at


def _scan(budget: Budget, text: str, at: int, plain: re.Pattern[str], *, continues: bool) -> tuple[str, int]:
    """Text with its escapes resolved, up to a character that is not of it, and where that stands.

    A text that continues does so on the next line when its own ends with a backslash.
    """
    parts: list[str] = []
    while at < len(text):
        match = plain.match(text, at)
        if match:
            parts.append(match[0])
            at = match.end()
        elif text[at] != "\\":
            break
        else:
            budget.step()
            char, at = text[at + 1 : at + 2], at + 2
            if continues and char and char in _LINE_ENDS:
                blanks = _BLANKS.match(text, at)
                at = blanks.end() if blanks else at
            elif char == "u":
                digits = _HEX.match(text, at)
                if not digits:
                    raise _error(text, at, "invalid unicode literal")
                parts.append(runes.encode(int(digits[0], 16)).decode())
                at = digits.end()
            elif char:
                parts.append(_ESCAPES.get(char, char))
            else:
                raise _error(text, len(text), "premature EOF")
    return "".join(parts), at


def _error(text: str, at: int, what: str) -> FunctionError:
    line = 1 + text.count("\n", 0, at)
    return FunctionError(f"unable to parse properties: line {line}: {what}")
