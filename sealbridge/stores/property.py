"""GJSON paths over JSON text: what `property` means. Knows no store.

Results keep their JSON text as it stands (big integers, key order, white space), as gjson does; a
Python library over parsed values cannot. Paths, escapes, wildcards, indexes, `#`, queries, pipes and
the common modifiers are here; multipaths, literals and JSON lines are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from sealbridge.stores.documents import mended
from sealbridge.stores.query import Query, closing, parse_query

_SPECIAL = {"{": "a multipath", "[": "a multipath", "!": "a literal"}
_LATER_MODIFIERS = frozenset({"flatten", "join", "pretty", "group", "dig"})
_EMPTY = Query("", "", "")
_INTEGER = re.compile(rb"-?[0-9]+")


class UnsupportedPath(ValueError):  # noqa: N818 - reads as what it is
    """A path is malformed, or uses a part of the syntax that is not supported yet."""


def lookup(document: bytes, path: str) -> bytes | None:
    """What stands at `path`, as gjson's String() gives it, or None when nothing does.

    Strings unquoted, null empty, integers to the last digit, other numbers in plain decimal, objects
    and arrays as their JSON text. Raises UnsupportedPath.
    """
    found = _get(_text(document), path)
    return None if found is None else text_of(found)


def exact(document: bytes, key: str) -> bytes | None:
    """What stands under a key of the top-level object, taken literally, or None."""
    found = _object(_text(document)).get(key)
    return None if found is None else text_of(found)


def text_of(raw: bytes) -> bytes:
    """One JSON value as text."""
    if raw.startswith(b'"'):
        return msgspec.json.decode(raw, type=str).encode()
    if raw == b"null":
        return b""
    if raw[:1] in b"-0123456789" and not _INTEGER.fullmatch(raw):
        number = float(raw)
        if number in (float("inf"), float("-inf")):
            return raw
        plain = format(Decimal(repr(number)), "f")
        return (plain.rstrip("0").rstrip(".") if "." in plain else plain).encode()
    return raw


@dataclass(frozen=True, slots=True)
class _Part:
    """One component of a path: its text without escapes, and what follows it."""

    text: str
    pattern: re.Pattern[str] | None
    separator: str  # '.', '|' or ''
    rest: str


def _get(raw: bytes, path: str) -> bytes | None:
    """The JSON text at a path, recursing into what follows each component."""
    if path[:1] in _SPECIAL:
        raise UnsupportedPath(f"{_SPECIAL[path[0]]} in a property is not supported yet")
    if path.startswith(".."):
        raise UnsupportedPath("JSON lines in a property are not supported yet")
    if path.startswith("@") and (modified := _modified(raw, path)) is not None:
        return modified[0]
    if raw.startswith(b"["):
        return _in_array(raw, path)
    part = _part(path)
    fields = _object(raw)
    if part.pattern is None:
        return _then(fields.get(part.text), part.separator, part.rest)
    matching = [value for key, value in fields.items() if part.pattern.fullmatch(key)]
    if part.separator != ".":
        return _then(matching[0] if matching else None, part.separator, part.rest)
    # The first of the matching keys under which the rest of the path is found.
    return next((found for value in matching if (found := _get(value, part.rest)) is not None), None)


def _then(found: bytes | None, separator: str, rest: str) -> bytes | None:
    return found if found is None or not separator else _get(found, rest)


def _in_array(raw: bytes, path: str) -> bytes | None:
    elements = _array(raw)
    if path.startswith("#("):
        return _queried(elements, path)
    part = _part(path)
    if path.startswith("#") and part.text == "#":
        if part.separator == ".":
            return _each(elements, part.rest)
        return _then(str(len(elements)).encode(), part.separator, part.rest)
    if not re.fullmatch(r"[0-9]{1,9}", part.text) or int(part.text) >= len(elements):
        return None
    return _then(elements[int(part.text)], part.separator, part.rest)


def _queried(elements: Sequence[bytes], path: str) -> bytes | None:
    end = closing(path, 1)
    if end is None:
        raise UnsupportedPath("a query in a property is not closed")
    query = parse_query(path[2:end])
    matching = (element for element in elements if _matches(query, element))
    rest = path[end + 1 :]
    if not rest.startswith("#"):
        separator, rest = rest[:1], rest[1:]
        if separator not in ("", ".", "|"):
            raise UnsupportedPath("a query in a property is followed by neither '.' nor '|'")
        return _then(next(matching, None), separator, rest)
    separator, rest = rest[1:2], rest[2:]
    if separator == ".":
        return _each(list(matching), rest)
    return _then(b"[" + b",".join(matching) + b"]", separator, rest)


def _matches(query: Query, element: bytes) -> bool:
    found = _get(element, query.path) if query.path else element
    if found is None or query == _EMPTY:
        return False
    return query.matches(found, text_of(found) if found.startswith(b'"') else found)


def _each(elements: Sequence[bytes], path: str) -> bytes | None:
    """`#.path`: what each element has there; a pipe applies to all of them together."""
    pipe = _pipe(path)
    inner = path if pipe is None else path[:pipe]
    found = [value for element in elements if (value := _get(element, inner)) is not None]
    together = b"[" + b",".join(found) + b"]"
    return together if pipe is None else _get(together, path[pipe + 1 :])


def _part(path: str) -> _Part:
    text, pattern, wild, position = "", "", False, 0
    while position < len(path):
        character = path[position]
        if character in ".|":
            break
        if character == "\\" and position + 1 < len(path):
            position += 1
            character = path[position]
            pattern += re.escape(character)
        elif character in "*?":
            wild = True
            pattern += ".*" if character == "*" else "."
        else:
            pattern += re.escape(character)
        text += character
        position += 1
    separator, rest = path[position : position + 1], path[position + 1 :]
    return _Part(text, re.compile(pattern, re.DOTALL) if wild else None, separator, rest)


def _pipe(path: str) -> int | None:
    """The first pipe that is not escaped nor inside of a query."""
    position = 0
    while position < len(path):
        if path[position] == "\\":
            position += 1
        elif path[position] == "(":
            position = closing(path, position) or len(path)
        elif path[position] == "|":
            return position
        position += 1
    return None


def _modified(raw: bytes, path: str) -> tuple[bytes | None] | None:
    """The outcome of the modifier that the path starts with, or None when it is none but a key."""
    match = re.match(r"@([A-Za-z]+)(?=[.|:]|$)", path)
    if match is None:
        return None
    name, rest = match[1], path[match.end() :]
    if name in _LATER_MODIFIERS:
        raise UnsupportedPath(f"the modifier @{name} in a property is not supported yet")
    if name in _MODIFIERS and rest.startswith(":"):
        raise UnsupportedPath(f"an argument of the modifier @{name} in a property is not supported yet")
    if name not in _MODIFIERS:
        return None
    return (_then(_MODIFIERS[name](raw), rest[:1], rest[1:]),)


def _reverse(raw: bytes) -> bytes:
    if raw.startswith(b"["):
        return b"[" + b",".join(reversed(_array(raw))) + b"]"
    if raw.startswith(b"{"):
        fields = reversed(list(_object(raw).items()))
        return b"{" + b",".join(_quoted(key) + b":" + value for key, value in fields) + b"}"
    return raw


def _keys(raw: bytes) -> bytes:
    if raw.startswith(b"["):
        return b"[" + b",".join(b"null" for _ in _array(raw)) + b"]"
    if not raw.startswith(b"{"):
        return b"[null]"  # gjson's word for the keys of what has none
    return b"[" + b",".join(_quoted(key) for key in _object(raw)) + b"]"


def _values(raw: bytes) -> bytes:
    if raw.startswith(b"["):
        return raw
    return b"[" + (b",".join(_object(raw).values()) if raw.startswith(b"{") else raw) + b"]"


def _from_string(raw: bytes) -> bytes | None:
    return _raw(text_of(raw))


_MODIFIERS = {
    "this": lambda raw: raw,
    "valid": lambda raw: raw,  # what is not valid never gets here
    "ugly": lambda raw: msgspec.json.format(raw, indent=-1),
    "reverse": _reverse,
    "keys": _keys,
    "values": _values,
    "tostr": lambda raw: _quoted(raw.decode()),
    "fromstr": _from_string,
}


def _quoted(text: str) -> bytes:
    return msgspec.json.encode(text)


def _text(document: bytes) -> bytes:
    """The document without the space around it; nothing when it is not UTF-8, which no JSON is."""
    try:
        document.decode()
    except UnicodeDecodeError:
        return b""
    return mended(document).strip()


def _raw(document: bytes) -> bytes | None:
    try:
        msgspec.json.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return document.strip()


def _object(raw: bytes) -> dict[str, bytes]:
    if not raw.startswith(b"{"):
        return {}
    try:
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return {key: bytes(value).strip() for key, value in fields.items()}


def _array(raw: bytes) -> list[bytes]:
    try:
        elements = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [bytes(element).strip() for element in elements]
