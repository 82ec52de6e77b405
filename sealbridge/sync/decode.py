"""decodingStrategy: values from text to bytes. Knows bytes only."""

from __future__ import annotations

import base64
import re

from sealbridge.sync.model import DecodingStrategy

_STANDARD = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_URL = re.compile(rb"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?")


def decode(value: bytes, strategy: DecodingStrategy) -> bytes:
    """The bytes behind a value. Raises ValueError whose text says what it is not, without the value.

    Base64 is padded, and line breaks in it do not matter, as in Go. Auto takes standard base64, else
    URL-safe, else the value as it is; so text that happens to be base64 is decoded by it.
    """
    if strategy is DecodingStrategy.NONE:
        return value
    packed = value.replace(b"\r", b"").replace(b"\n", b"")
    standard, url = _STANDARD.fullmatch(packed), _URL.fullmatch(packed)
    if standard and strategy in (DecodingStrategy.BASE64, DecodingStrategy.AUTO):
        return base64.b64decode(packed)
    if url and strategy in (DecodingStrategy.BASE64_URL, DecodingStrategy.AUTO):
        return base64.urlsafe_b64decode(packed)
    if strategy is DecodingStrategy.AUTO:
        return value
    raise ValueError(f"the value is not what decodingStrategy {strategy.value} expects")
