"""Checksums of text. Knows no passwords and no keys."""

from __future__ import annotations

import hashlib
import zlib


def sha1sum(text: bytes) -> bytes:
    """The SHA-1 of `text` in hexadecimal.

    {{ sha1sum "hello" }} -> aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d
    """
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()


def sha256sum(text: bytes) -> bytes:
    """The SHA-256 of `text` in hexadecimal.

    {{ sha256sum "hello" | trunc 16 }} -> 2cf24dba5fb0a30e
    """
    return hashlib.sha256(text).hexdigest().encode()


def sha512sum(text: bytes) -> bytes:
    """The SHA-512 of `text` in hexadecimal.

    {{ sha512sum "hello" | trunc 16 }} -> 9b71d224bd62f378
    """
    return hashlib.sha512(text).hexdigest().encode()


def adler32sum(text: bytes) -> bytes:
    """The Adler-32 of `text` in decimal.

    {{ adler32sum "hello" }} -> 103547413
    """
    return b"%d" % zlib.adler32(text)
