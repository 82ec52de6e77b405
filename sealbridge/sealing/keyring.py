"""All sealing keys that may open something. Knows neither where they came from nor what they open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sealbridge.errors import KeyFileError, UnsealError, WrongKeyError
from sealbridge.sealing import envelope as envelopes
from sealbridge.sealing.keys import SealingKey
from sealbridge.secret import Value

NO_KEY = "no key could decrypt secret"


class Keyring:
    """Keys in the order given, each once; the one that has a certificate wins over its bare twin."""

    def __init__(self, keys: Iterable[SealingKey] = ()) -> None:
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

    def open(self, envelope: bytes, label: bytes, hint: str | None = None) -> Value:
        """Open an envelope with whichever key does; `hint` is the fingerprint to try first.

        Raises UnsealError when none does, EnvelopeError when none ever could.
        """
        for key in self._in_order(hint):
            try:
                return envelopes.open_(envelope, key, label)
            except WrongKeyError:
                continue
        raise UnsealError(NO_KEY)

    def _in_order(self, hint: str | None) -> Iterator[SealingKey]:
        hinted = self._keys.get(hint) if hint else None
        if hinted is not None:
            yield hinted
        yield from (key for key in self._keys.values() if key is not hinted)

    def __iter__(self) -> Iterator[SealingKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, fingerprint: object) -> bool:
        return fingerprint in self._keys
