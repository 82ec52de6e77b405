"""All sealing keys that may open something. Knows neither where they came from nor what they open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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


class Keyring:
    """Keys in the order given, each once; the one that has a certificate wins over its bare twin.

    `tried` is called before every try of a private key, from whatever thread it happens in.
    """

    def __init__(self, keys: Iterable[SealingKey] = (), *, tried: Callable[[], None] = lambda: None) -> None:
        self._tried = tried
        self._keys: dict[str, SealingKey] = {}
        for key in keys:
            known = self._keys.get(key.fingerprint)
            if known is None or (key.has_certificate and not known.has_certificate):
                self._keys[key.fingerprint] = key

    @property
    def current(self) -> SealingKey:
        """The key that new sealing uses: the newest by its certificate, the first of equals.

        Raises KeyFileError when no key has a certificate.
        """
        keys = [key for key in self._keys.values() if key.has_certificate]
        if not keys:
            raise KeyFileError("there is no sealing key with a certificate")
        return max(keys, key=lambda key: key.not_before)

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
