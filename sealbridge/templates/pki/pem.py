"""PEM as Go's encoding/pem reads and writes it. Knows no key and no certificate.

`sealing.pem` reads what people hand in and forgives; templates must find the same blocks as Go, and
stop where Go stops.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sealbridge.templates.go import base64_text
from sealbridge.templates.limits import Budget

_BEGIN, _END, _DASHES = b"-----BEGIN ", b"\n-----END ", b"-----"
_BYTES_PER_STEP = 64
_FIRST_HEADER = b"Proc-Type"
_NO_HEADERS: Mapping[bytes, bytes] = {}


class Block(NamedTuple):
    """A block: its type (`CERTIFICATE`), its headers, its bytes, and where the text behind it begins."""

    label: bytes
    headers: Mapping[bytes, bytes]
    der: bytes
    end: int


def charge(budget: Budget, text: bytes) -> None:
    """Account for looking for blocks in a text: it takes time even when none is found."""
    budget.step(1 + len(text) // _BYTES_PER_STEP)


def find(text: bytes, start: int = 0) -> Block | None:
    """The next block at or after `start`, None when there is no whole one."""
    at = start
    while True:
        end = text.find(_END, at)
        if end < 0:
            return None
        trailer = end + len(_END)
        # The last BEGIN before the first END: one without an END of its own is skipped.
        begin = text.rfind(_BEGIN, at, end)
        if begin >= 0 and (begin == at or text[begin - 1] == 0x0A):
            block = _block(text, begin, end)
            if block is not None:
                return block
        at = trailer


def blocks(text: bytes) -> Iterator[Block]:
    """Block after block, until no other is found in what is left."""
    block = find(text)
    while block is not None:
        yield block
        block = find(text, block.end)


def encode(label: bytes, der: bytes, headers: Mapping[bytes, bytes] = _NO_HEADERS) -> bytes:
    """One block: headers in order (Proc-Type first), base64 in lines of 64 characters."""
    names = sorted(headers, key=lambda name: (name != _FIRST_HEADER, name))
    lines = [_BEGIN + label + _DASHES, *(name + b": " + headers[name] for name in names)]
    if names:
        lines.append(b"")
    body = base64.b64encode(der)
    lines += (body[at : at + 64] for at in range(0, len(body), 64))
    lines += (_END[1:] + label + _DASHES, b"")
    return b"\n".join(lines)


def _block(text: bytes, begin: int, end: int) -> Block | None:
    first, at = _line(text, begin + len(_BEGIN))
    if not first.endswith(_DASHES):
        return None
    label = first[: -len(_DASHES)]
    headers: dict[bytes, bytes] = {}
    while at <= end:
        line, following = _line(text, at)
        name, colon, value = line.partition(b":")
        if not colon:
            break
        headers[name.strip()] = value.strip()
        at = following
    if headers and at > end:
        return None
    trailer = end + len(_END)
    closing = label + _DASHES
    if not text.startswith(closing, trailer) or _line(text, trailer + len(closing))[0]:
        return None
    try:
        der = base64_text.decode(text[at:end].translate(None, b" \t"))
    except ValueError:
        return None
    return Block(label, headers, der, _line(text, trailer)[1])


def _line(text: bytes, at: int) -> tuple[bytes, int]:
    """The rest of a line without blanks at its end, and where the next begins."""
    end = text.find(b"\n", at)
    following = end + 1
    if end < 0:
        end = following = len(text)
    elif end > at and text[end - 1] == 0x0D:
        end -= 1
    return text[at:end].rstrip(b" \t"), following
