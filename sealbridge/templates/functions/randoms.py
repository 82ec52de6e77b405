"""Random text, numbers and identifiers, good enough for secrets. Knows no keys."""

from __future__ import annotations

import base64
import secrets
import string
import uuid

from sealbridge.templates.go.runes import decode
from sealbridge.templates.go.values import FunctionError, wrap
from sealbridge.templates.limits import Budget

_ASCII = "".join(map(chr, range(32, 127)))


def rand_alpha(budget: Budget, count: int) -> bytes:
    """`count` random letters of a to z and A to Z.

    {{ randAlpha 5 | len }} -> 5
    """
    return _text(budget, count, string.ascii_letters)


def rand_alpha_num(budget: Budget, count: int) -> bytes:
    """`count` random letters and digits.

    {{ randAlphaNum 24 | len }} -> 24
    """
    return _text(budget, count, string.ascii_letters + string.digits)


def rand_ascii(budget: Budget, count: int) -> bytes:
    """`count` random characters of ASCII that print, spaces among them.

    {{ randAscii 10 | len }} -> 10
    """
    return _text(budget, count, _ASCII)


def rand_numeric(budget: Budget, count: int) -> bytes:
    """`count` random digits.

    {{ randNumeric 6 | len }} -> 6
    """
    return _text(budget, count, string.digits)


def rand_bytes(budget: Budget, count: int) -> bytes:
    """`count` random bytes in base64.

    {{ randBytes 32 | b64dec | len }} -> 32
    """
    if count < 0:
        raise FunctionError("there is no negative number of bytes")
    budget.grow(count + count // 2)
    return base64.b64encode(secrets.token_bytes(count))


def rand_int(low: int, high: int) -> int:
    """A random integer from `low` to before `high`, which must be greater.

    {{ randInt 7 8 }} -> 7
    """
    # The range overflows, as does what is found in it.
    span = wrap(int, high - low)
    if span <= 0:
        raise FunctionError("the end of the range is not above its start")
    return wrap(int, low + secrets.randbelow(span))


def shuffle(budget: Budget, text: bytes) -> bytes:
    """The characters of `text` in random order.

    {{ shuffle "aaa" }} -> aaa
    {{ shuffle "abcdef" | len }} -> 6
    """
    budget.step(len(text))
    characters = list(decode(text))
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters).encode()


def uuidv4() -> bytes:
    """A random UUID.

    {{ uuidv4 | len }} -> 36
    """
    return str(uuid.uuid4()).encode()


def _text(budget: Budget, count: int, alphabet: str) -> bytes:
    if count <= 0:
        return b""
    budget.grow(count)
    budget.step(count)
    return "".join(secrets.choice(alphabet) for _ in range(count)).encode()
