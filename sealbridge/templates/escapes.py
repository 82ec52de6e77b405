"""The escapers of text/template: `html`, `js` and `urlquery`. Knows characters; no document."""

from __future__ import annotations

import re
from typing import Any, Final

from sealbridge.templates.go.printing import NO_VALUE, sprint
from sealbridge.templates.go.runes import is_print

_HTML: Final = {
    b"\0": "\ufffd".encode(),
    b'"': b"&#34;",
    b"'": b"&#39;",
    b"&": b"&amp;",
    b"<": b"&lt;",
    b">": b"&gt;",
}
_HTML_SPECIAL = re.compile(rb"[\0\"'&<>]")
_JS: Final = {"\\": "\\\\", "'": "\\'", '"': '\\"'}
_JS_SPECIAL = re.compile("[\0-\x1f\\\\'\"<>&=\x80-\U0010ffff]")
_UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")
_QUERY: Final = [chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256)]
_QUERY[0x20] = "+"
# So much is replaced at once: every replacement takes up a hundred bytes until all of them are joined.
_CHUNK: Final = 1 << 16


def html(*values: Any) -> bytes:
    """What HTML takes for the text of the values, in an attribute or between tags."""
    text = _text(values)
    return b"".join(
        _HTML_SPECIAL.sub(lambda match: _HTML[match[0]], text[start : start + _CHUNK])
        for start in range(0, len(text), _CHUNK)
    )


def js(*values: Any) -> bytes:
    """What a string literal of JavaScript may hold. Bytes that are not UTF-8 stay as they are."""
    text = _text(values).decode(errors="surrogateescape")
    return b"".join(
        _JS_SPECIAL.sub(_javascript, text[start : start + _CHUNK]).encode(errors="surrogateescape")
        for start in range(0, len(text), _CHUNK)
    )


def urlquery(*values: Any) -> bytes:
    """What the query of a URL takes for one value; a space becomes `+`."""
    return "".join(map(_QUERY.__getitem__, _text(values))).encode()


def _text(values: tuple[Any, ...]) -> bytes:
    """One string is taken as it is; anything else is printed. Raises BoundExceeded."""
    if len(values) == 1 and isinstance(values[0], bytes):
        text: bytes = values[0]
        return text
    return sprint([NO_VALUE if value is None else value for value in values])


def _javascript(match: re.Match[str]) -> str:
    char = match[0]
    if char in _JS:
        return _JS[char]
    if char >= "\x80" and (is_print(char) or "\udc80" <= char <= "\udcff"):
        return char
    return f"\\u{ord(char):04X}"
