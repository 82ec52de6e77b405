"""PEM blocks (RFC 7468) in a text. Knows no key and no certificate.

`cryptography` parses PEM too, but importing that part of it costs half of what sealing may take.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

_BEGIN, _END, _DASHES = b"-----BEGIN ", b"-----END ", b"-----"


class Block(NamedTuple):
    """One block: its label ('CERTIFICATE'), its bytes, and the text as it stood.

    `der` is None when the text between the lines is not base64, or carries headers (an encrypted
    key of the old form).
    """

    label: str
    der: bytes | None
    text: bytes


def blocks(data: bytes) -> list[Block]:
    """Every complete block of a text, in order; what stands around them is ignored.

    It takes time in proportion to the text, whatever is in it: certificates come from servers.
    """
    found: list[Block] = []
    at = end = 0
    while True:
        begin = data.find(_BEGIN, at)
        if begin < 0:
            return found
        label_end = data.find(_DASHES, begin + len(_BEGIN))
        if label_end < 0:
            return found
        if end < label_end:
            end = data.find(_END, label_end)
            if end < 0:
                return found
        label = data[begin + len(_BEGIN) : label_end]
        closing = _END + label + _DASHES
        if b"\n" in label or not data.startswith(closing, end):
            at = begin + len(_BEGIN)
            continue
        at = end + len(closing)
        body = b"".join(data[label_end + len(_DASHES) : end].split())
        found.append(Block(label.decode("ascii", "replace"), _decoded(body), data[begin:at] + b"\n"))


def encode(label: str, der: bytes) -> bytes:
    """One block, in lines of 64 characters."""
    text = base64.b64encode(der)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join([f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""])


def _decoded(body: bytes) -> bytes | None:
    try:
        return binascii.a2b_base64(body, strict_mode=True)
    except binascii.Error:
        return None
