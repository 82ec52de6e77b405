"""Base64, base32 and hexadecimal. What cannot be decoded gives Go's message as text, as in sprig."""

from __future__ import annotations

import base64
import binascii
import re

from sealbridge.templates.go.base64_text import decode
from sealbridge.templates.go.quoting import quote_rune
from sealbridge.templates.go.runes import is_print

_BREAKS = re.compile(rb"[\r\n]+")
# Four digits of base64 wherever the line breaks are.
_QUANTA64 = re.compile(rb"(?:(?:[\r\n]*+[A-Za-z0-9+/]){4})*+")
_DIGIT64 = re.compile(rb"[A-Za-z0-9+/]")
_QUANTA32 = re.compile(rb"(?:[A-Z2-7]{8})*+")
_DIGITS32 = re.compile(rb"[A-Z2-7]{0,7}")
_HEX = re.compile(rb"[0-9A-Fa-f]*")
# How many digits of base32 a last, shorter group may have.
_LENGTHS32 = (2, 4, 5, 7)


class _CorruptError(Exception):
    """The offset of the byte that Go complains of."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


def b64enc(text: bytes) -> bytes:
    """`text` in base64.

    {{ b64enc "hello" }} -> aGVsbG8=
    """
    return base64.b64encode(text)


def b64dec(text: bytes) -> bytes:
    """What `text` says in base64; line breaks do not matter. For wrong base64 the text of an error.

    {{ b64dec "aGVsbG8=" }} -> hello
    {{ b64dec "aGVsbG8" }} -> illegal base64 data at input byte 4
    """
    try:
        return decode(text)
    except ValueError:
        return b"illegal base64 data at input byte %d" % _offset64(text)


def b32enc(text: bytes) -> bytes:
    """`text` in base32.

    {{ b32enc "hello" }} -> NBSWY3DP
    """
    return base64.b32encode(text)


def b32dec(text: bytes) -> bytes:
    """What `text` says in base32; line breaks do not matter. For wrong base32 the text of an error.

    {{ b32dec "NBSWY3DP" }} -> hello
    {{ b32dec "nope" }} -> illegal base32 data at input byte 0
    """
    text = text.translate(None, b"\r\n")
    whole = _QUANTA32.match(text)
    groups = whole[0] if whole else b""
    try:
        last = _last_group32(text, len(groups))
    except _CorruptError as error:
        return b"illegal base32 data at input byte %d" % error.offset
    return base64.b32decode(groups + last)


def hexdec(text: bytes) -> bytes:
    """What `text` says in hexadecimal. For anything else the text of an error.

    {{ hexdec "68656c6c6f" }} -> hello
    {{ hexdec "abc" }} -> encoding/hex: odd length hex string
    """
    valid = _HEX.match(text)
    end = valid.end() if valid else 0
    if end < len(text):
        return b"encoding/hex: invalid byte: %b" % _described(text[end])
    if end % 2:
        return b"encoding/hex: odd length hex string"
    return binascii.unhexlify(text)


def _offset64(text: bytes) -> int:
    """Where Go finds wrong base64 wrong: behind the last four good digits, by rules of its own."""
    whole = _QUANTA64.match(text)
    position = whole.end() if whole else 0
    digits = 0
    while position < len(text):
        if match := _BREAKS.match(text, position):
            position = match.end()
        elif _DIGIT64.match(text, position):
            position, digits = position + 1, digits + 1
        elif text[position : position + 1] != b"=" or digits < 2:
            return position
        else:
            return _offset64_of_padding(text, position, digits)
    return position - digits


def _offset64_of_padding(text: bytes, position: int, digits: int) -> int:
    end = _without_breaks(text, position + 1)
    if digits == 2:
        if end == len(text):
            return end
        if text[end : end + 1] != b"=":
            return end - 1
        end = _without_breaks(text, end + 1)
    return end


def _without_breaks(text: bytes, position: int) -> int:
    match = _BREAKS.match(text, position)
    return match.end() if match else position


def _last_group32(text: bytes, start: int) -> bytes:
    """The group behind the whole ones, padded. Raises _CorruptError.

    Less padding than Go looks at is an error, and what stands behind it is not looked at either.
    """
    if start == len(text):
        return b""
    match = _DIGITS32.match(text, start)
    digits = match[0] if match else b""
    end = start + len(digits)
    if end == len(text):
        raise _CorruptError(end - len(digits))
    rest = len(text) - end - 1
    if text[end : end + 1] != b"=" or len(digits) < 2 or rest >= 8:
        raise _CorruptError(end)
    missing = 7 - len(digits)
    if rest < missing:
        raise _CorruptError(len(text))
    padding = text[end + 1 : end + 1 + missing]
    for index, byte in enumerate(padding):
        if byte != ord("="):
            raise _CorruptError(end + index)
    if len(digits) not in _LENGTHS32:
        raise _CorruptError(end)
    return digits + b"=" * (8 - len(digits))


def _described(byte: int) -> bytes:
    """A character as Go's %#U has it."""
    code = b"U+%04X" % byte
    return code + b" " + quote_rune(byte) if is_print(chr(byte)) else code
