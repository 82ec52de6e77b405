"""All sealing keys that may open something. Knows neither where they came from nor what they open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from sealbridge.errors import KeyFileError, UnsealError, WrongKeyError
from sealbridge.sealing import envelope as envelopes
from sealbridge.sealing.keys import SealingKey
from sealbridge.secret import Value

NO_KEY = "no key could decrypt secret"


class Opened(NamedTuple):
    """A value, and the fingerprint of the key that opened it."""

    value: Value
    key: str


# The time by which keys are compared: the greatest of those with a certificate is current.
Order = Callable[[SealingKey], datetime]


def by_certificate(key: SealingKey) -> datetime:
    """The order of keys by their certificates' beginning."""
    return key.not_before


def by_creation(key: SealingKey) -> datetime:
    """The order of keys by when they were stored; where that is unknown, by their certificates."""
    return key.created or key.not_before


class Keyring:
    """Keys in the order given, each once; of twins, one with a certificate wins, then the later by `order`.

    `tried` is called before every try of a private key, from whatever thread it happens in.
    """

    def __init__(
        self,
        keys: Iterable[SealingKey] = (),
        *,
        order: Order = by_certificate,
        tried: Callable[[], None] = lambda: None,
    ) -> None:
        self._order = order
        self._tried = tried
        self._keys: dict[str, SealingKey] = {}
        for key in keys:
            known = self._keys.get(key.fingerprint)
            if known is None or self._rank(key) > self._rank(known):
                self._keys[key.fingerprint] = key

    def counted(self, tried: Callable[[], None]) -> Keyring:
        """The same keys in the same order, with another `tried`."""
        return Keyring(self, order=self._order, tried=tried)

    def time_of(self, key: SealingKey) -> datetime:
        """By what the key is compared with others."""
        return self._order(key)

    def _rank(self, key: SealingKey) -> tuple[bool, datetime]:
        return key.has_certificate, self._order(key)

    @property
    def current(self) -> SealingKey:
        """The key that new sealing uses: the newest by the order of the ring, the first of equals.

        Raises KeyFileError when no key has a certificate.
        """
        keys = [key for key in self._keys.values() if key.has_certificate]
        if not keys:
            raise KeyFileError("there is no sealing key with a certificate")
        return max(keys, key=self._order)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of every key, in order."""
        return tuple(self._keys)

    def open(self, envelope: bytes, label: bytes, hints: Iterable[str | None] = ()) -> Opened:
        """Open an envelope with whichever key does; `hints` are the fingerprints to try first.

        Raises UnsealError when none does, EnvelopeError when none ever could.
        """
        for key in self._in_order(hints):
            self._tried()
            try:
                return Opened(envelopes.open_(envelope, key, label), key.fingerprint)
            except WrongKeyError:
                continue
        raise UnsealError(NO_KEY)

    def _in_order(self, hints: Iterable[str | None]) -> Iterator[SealingKey]:
        first = dict.fromkeys(hint for hint in hints if hint is not None and hint in self._keys)
        yield from (self._keys[hint] for hint in first)
        yield from (key for fingerprint, key in self._keys.items() if fingerprint not in first)

    def __iter__(self) -> Iterator[SealingKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, fingerprint: object) -> bool:
        return fingerprint in self._keys
