"""Shamir's secret sharing over GF(2^8) with the polynomial of AES. Pure arithmetic; knows no file.

Every byte of the secret is the constant of a random polynomial of degree threshold - 1, and a share is its
values at the share's number. Fewer shares than the threshold say nothing about the secret. The text of a
share ends in a checksum, so that a mistake in writing it down is found before it is used.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import xor
from typing import NamedTuple

from sealbridge.errors import BackupError, UsageError
from sealbridge.secret import Value

_PREFIX = "sealbridge-share-1"
_MOST = 255
_CHECK = 8  # hexadecimal digits
_DIGEST = 4  # bytes behind the secret, which tell whether what comes out is it


def _tables() -> tuple[bytes, bytes]:
    exponents, logarithms = bytearray(510), bytearray(256)
    value = 1
    for power in range(255):
        exponents[power] = exponents[power + 255] = value
        logarithms[value] = power
        value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)  # times 3, which generates the field
        value &= 0xFF
    return bytes(exponents), bytes(logarithms)


_EXP, _LOG = _tables()


class Share(NamedTuple):
    """One share. Its text is a secret, too."""

    set: str
    threshold: int
    number: int
    data: Value

    def text(self) -> Value:
        """As people keep it."""
        body = f"{_PREFIX}-{self.set}-{self.threshold}-{self.number}-{self.data.reveal().hex()}"
        return Value(f"{body}-{_check(body)}".encode())

    @classmethod
    def parse(cls, text: bytes, *, where: str) -> Share:
        """Raises UsageError that says what is wrong, and shows nothing of it."""
        body, _, check = text.strip().decode("ascii", "replace").lower().rpartition("-")
        fields = body.removeprefix(_PREFIX + "-").split("-")
        if not body.startswith(_PREFIX + "-") or len(fields) != 4:
            raise UsageError("this is no share of a backup identity", where=where)
        if check != _check(body):
            raise UsageError("the share is not written down right: its checksum differs", where=where)
        try:
            share = cls(fields[0], int(fields[1]), int(fields[2]), Value(bytes.fromhex(fields[3])))
        except ValueError:
            raise UsageError("this is no share of a backup identity", where=where) from None
        if not (0 < share.number <= _MOST and 1 < share.threshold <= _MOST and len(share.data) > _DIGEST):
            raise UsageError("this is no share of a backup identity", where=where)
        return share


def split(
    secret: Value, *, shares: int, threshold: int, random: Callable[[int], bytes] = secrets.token_bytes
) -> tuple[Share, ...]:
    """Shares of which any `threshold` give the secret back. Raises UsageError."""
    if not 2 <= threshold <= shares <= _MOST:
        raise UsageError(
            f"{shares} shares with a threshold of {threshold} cannot be",
            hint=f"at least 2 of at most {_MOST}, and no more than there are",
        )
    plain = secret.reveal()
    content = plain + hashlib.sha256(plain).digest()[:_DIGEST]
    coefficients = [random(len(content)) for _ in range(threshold - 1)]
    name = random(4).hex()
    return tuple(
        Share(name, threshold, number, Value(_values(content, coefficients, number)))
        for number in range(1, shares + 1)
    )


def combine(shares: Sequence[Share]) -> Value:
    """The secret. Raises UsageError for too few or mixed shares, BackupError for wrong ones."""
    distinct = {share.number: share for share in shares}
    if len({(share.set, share.threshold, len(share.data)) for share in shares}) != 1:
        raise UsageError("these are shares of different secrets" if shares else "there is no share")
    threshold = shares[0].threshold
    if len(distinct) < threshold:
        raise UsageError(f"{threshold} different shares are needed, and {len(distinct)} are given")
    used = list(distinct.values())[:threshold]
    numbers = [share.number for share in used]
    weights = [_weight(number, numbers) for number in numbers]
    parts = [share.data.reveal() for share in used]
    content = bytes(
        _sum(multiply(weight, byte) for weight, byte in zip(weights, column, strict=True))
        for column in zip(*parts, strict=True)
    )
    plain, digest = content[:-_DIGEST], content[-_DIGEST:]
    if hashlib.sha256(plain).digest()[:_DIGEST] != digest:
        raise BackupError(
            "the shares do not fit together", hint="one of them is of another secret or damaged"
        )
    return Value(plain)


def multiply(left: int, right: int) -> int:
    """In the field."""
    return _EXP[_LOG[left] + _LOG[right]] if left and right else 0


def divide(left: int, right: int) -> int:
    """In the field; `right` is not zero."""
    return _EXP[_LOG[left] + 255 - _LOG[right]] if left else 0


def _values(content: bytes, coefficients: Sequence[bytes], at: int) -> bytes:
    values = bytes(len(content))
    for row in reversed([content, *coefficients]):
        values = bytes(multiply(value, at) ^ byte for value, byte in zip(values, row, strict=True))
    return values


def _weight(number: int, numbers: Sequence[int]) -> int:
    """Lagrange's, at zero; subtraction is exclusive or."""
    weight = 1
    for other in numbers:
        if other != number:
            weight = multiply(weight, divide(other, other ^ number))
    return weight


def _sum(terms: Iterable[int]) -> int:
    return reduce(xor, terms, 0)


def _check(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()[:_CHECK]
