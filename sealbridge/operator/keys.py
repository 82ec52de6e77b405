"""The operator's keyring: counts what it opens and tells when keys come or go. Makes no keys."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sealbridge.reconcile.sealing_keys import ClusterKeyring
from sealbridge.sealing.keyring import Keyring

log = logging.getLogger("sealbridge.operator")


class OperatorKeys:
    """A KeyringSource. `changed` is called when the set of keys is another than before."""

    def __init__(
        self, source: ClusterKeyring, *, count: Callable[[], None], changed: Callable[[], None]
    ) -> None:
        self._source = source
        self._count = count
        self._changed = changed
        self._last: Keyring | None = None
        self._counting: Keyring | None = None

    async def keyring(self, *, fresh: bool = False) -> Keyring:
        """The keys of the moment. Raises ClusterError."""
        keyring = await self._source.keyring(fresh=fresh)
        if self._counting is None or keyring is not self._last:
            before = self._counting
            now = self._counting = keyring.counted(self._count)
            self._last = keyring
            _tell(before, now)
            if before is not None and set(before.fingerprints) != set(now.fingerprints):
                self._changed()
        return self._counting

    def forget(self) -> None:
        """A key was made, or may have come or gone: list again at the next call."""
        self._source.forget()

    @property
    def count(self) -> int:
        """How many keys there were at the last look."""
        return len(self._counting or ())

    def age(self, now: datetime) -> float:
        """Seconds since the current key's time; not a number without one."""
        current = _current(self._counting)
        if current is None or self._counting is None:
            return float("nan")
        return (now - self._counting.time_of(self._counting.current)).total_seconds()


def _current(keyring: Keyring | None) -> str | None:
    """The fingerprint of the current key, None without one."""
    keys = [key for key in keyring or () if key.has_certificate]
    return keyring.current.fingerprint if keyring is not None and keys else None


def _tell(before: Keyring | None, now: Keyring) -> None:
    known = set(before.fingerprints) if before is not None else set()
    for fingerprint in now.fingerprints:
        if before is not None and fingerprint not in known:
            log.info("a sealing key came", extra={"fingerprint": fingerprint, "count": len(now)})
    for fingerprint in known - set(now.fingerprints):
        log.info("a sealing key is gone", extra={"fingerprint": fingerprint, "count": len(now)})
    current = _current(now)
    if current is not None and current != _current(before):
        log.info("the current sealing key", extra={"fingerprint": current, "count": len(now)})
    elif current is None and _current(before) is not None:
        log.warning(
            "no sealing key with a certificate is left",
            extra={"hint": "restore one; a new one is made at the next start, or on SIGUSR1"},
        )
