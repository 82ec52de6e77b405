"""The operator's keyring: counts what it opens and tells when keys come or go. Makes no keys."""

from __future__ import annotations

from collections.abc import Callable

from sealbridge.reconcile.sealing_keys import ClusterKeyring
from sealbridge.sealing.keyring import Keyring


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
            self._counting = Keyring(keyring, tried=self._count)
            self._last = keyring
            if before is not None and set(before.fingerprints) != set(keyring.fingerprints):
                self._changed()
        return self._counting

    def forget(self) -> None:
        """A key was made: list again at the next call."""
        self._source.forget()
