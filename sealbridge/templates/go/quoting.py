"""Go's quoted literals, written and read. Knows strconv's rules; not where a literal ends in a template."""

from __future__ import annotations

import re
from typing import Final

from sealbridge.templates.go import runes

_NAMED: Final = {
    "\a": b"\\a",
    "\b": b"\\b",
    "\f": b"\\f",
    "\n": b"\\n",
    "\r": b"\\r",
    "\t": b"\\t",
    "\v": b"\\v",
    "\\": b"\\\\",
}
_PLAIN = re.compile(rb"[ !#-\[\]-~]*")
_ESCAPE = re.compile(
    rb"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))"
    rb"|([^\\\n])",
    re.DOTALL,
)
_MEANINGS: Final = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b"\\": b"\\",
    b"'": b"'",
    b'"': b'"',
}


def quote(text: bytes) -> bytes:
    """In double quotes, with escapes for what is not printable and `\\x..` for bytes that are not UTF-8."""
    if _PLAIN.fullmatch(text):
        return b'"%b"' % text
    return _quoted(text, '"', ascii_only=False)


def quote_ascii(text: bytes) -> bytes:
    """The same, with escapes for everything beyond ASCII, too."""
    if _PLAIN.fullmatch(text):
        return b'"%b"' % text
    return _quoted(text, '"', ascii_only=True)


def quote_rune(rune: int) -> bytes:
    """A rune in single quotes; a number that is none is U+FFFD."""
    return _quoted(runes.encode(rune), "'", ascii_only=False)


def quote_rune_ascii(rune: int) -> bytes:
    """The same, with an escape for everything beyond ASCII."""
    return _quoted(runes.encode(rune), "'", ascii_only=True)


def can_backquote(text: bytes) -> bool:
    """Whether a raw literal can hold the text: one line, no control characters but tabs, valid UTF-8."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return False
    return not any((char < " " and char != "\t") or char in ("`", "\x7f", "\ufeff") for char in decoded)


def unquote(literal: bytes) -> bytes:
    """The text of a literal in double quotes, single quotes (one character) or backquotes.

    Raises ValueError when it is none.
    """
    mark, inner = literal[:1], literal[1:-1]
    if len(literal) < 2 or literal[-1:] != mark or mark not in (b'"', b"'", b"`"):
        raise ValueError("not a quoted literal")
    if mark == b"`":
        if b"`" in inner:
            raise ValueError("a quote within a literal")
        return inner.replace(b"\r", b"")
    pieces: list[bytes] = []
    # Bytes stand for themselves as Latin-1 would have it, but those of one character are one piece.
    at, characters = 0, 0
    while at < len(inner):
        match = _ESCAPE.match(inner, at)
        if match is None or match[6] == mark:
            raise ValueError("a wrong escape or a bare quote within a literal")
        at = match.end()
        characters += 1
        if match[6] is not None and match[6] >= b"\x80":
            whole = _first(inner, match.start())
            at = match.start() + len(whole)
            pieces.append(whole if len(whole) > 1 else runes.encode(-1))
        else:
            pieces.append(match[6] or _meaning(match, mark))
    # Go takes no character at all for one, too.
    if mark == b"'" and characters > 1:
        raise ValueError("a character literal holds one character")
    return b"".join(pieces)


def _first(text: bytes, start: int) -> bytes:
    """The bytes of the character that begins at `start`: one byte when it is none."""
    for size in (2, 3, 4):
        try:
            text[start : start + size].decode()
        except UnicodeDecodeError:
            continue
        return text[start : start + size]
    return text[start : start + 1]


def _meaning(match: re.Match[bytes], mark: bytes) -> bytes:
    simple, byte, short, long, octal, _ = match.groups()
    if simple is not None:
        if simple in b"'\"" and simple != mark:
            raise ValueError("an escape of the other quote")
        return _MEANINGS[simple]
    if byte is not None:
        return bytes((int(byte, 16),))
    if octal is not None:
        value = int(octal, 8)
        if value > 0xFF:
            raise ValueError("an octal escape beyond a byte")
        return bytes((value,))
    rune = int(short or long, 16)
    if 0xD800 <= rune < 0xE000 or rune > 0x10FFFF:
        raise ValueError("an escape of what is no character")
    return chr(rune).encode()


def _quoted(text: bytes, mark: str, *, ascii_only: bool) -> bytes:
    # Large texts would take up a hundred bytes a character in a list.
    quoted = bytearray(mark.encode())
    for char in text.decode(errors="surrogateescape"):
        if char == mark:
            quoted += b"\\" + mark.encode()
        elif char in _NAMED:
            quoted += _NAMED[char]
        elif "\udc80" <= char <= "\udcff":
            quoted += b"\\x%02x" % (ord(char) - 0xDC00)
        elif (char <= "\x7e" if ascii_only else True) and runes.is_print(char):
            quoted += char.encode()
        elif char < " " or char == "\x7f":
            quoted += b"\\x%02x" % ord(char)
        elif char <= "\uffff":
            quoted += b"\\u%04x" % ord(char)
        else:
            quoted += b"\\U%08x" % ord(char)
    return bytes(quoted + mark.encode())
