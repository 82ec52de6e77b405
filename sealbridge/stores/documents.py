"""JSON as Go's encoder writes it: sorted keys, HTML-escaped, numbers as they came. Knows no server."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import msgspec

_ESCAPED = {
    b"<": rb"\u003c",
    b">": rb"\u003e",
    b"&": rb"\u0026",
    "\u2028".encode(): rb"\u2028",
    "\u2029".encode(): rb"\u2029",
}

# An escape; the group is half a surrogate pair without the other.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def mended(document: bytes) -> bytes:
    """JSON with U+FFFD for half surrogate pairs, as Go reads it: they spoil no other string."""
    if b"\\ud" in document or b"\\uD" in document:
        document = _ESCAPE.sub(lambda match: b"\\ufffd" if match[1] else match[0], document)
    return document


def parse(body: bytes) -> Any:
    """JSON with every number kept as its text. Raises ValueError without a word of the content."""
    try:
        return json.loads(body.decode(), parse_int=_verbatim, parse_float=_verbatim, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None


def dump(value: Any) -> bytes:
    """What `parse` gave, or any part of it, as text. Raises ValueError for half a surrogate pair."""
    text = msgspec.json.encode(value, order="sorted")
    # These characters stand in strings only, so they can be replaced in the text as a whole.
    for character, escape in _ESCAPED.items():
        text = text.replace(character, escape)
    return text


def _verbatim(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
