"""Sealing keys in files as a keyring that follows them. Knows when to read again, not how."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sealbridge.errors import SealbridgeError
from sealbridge.lifecycle.key_files import read_keyring
from sealbridge.reconcile.cluster import Clock
from sealbridge.sealing.keyring import Keyring

_log = logging.getLogger(__name__)


class KeyFiles:
    """A KeyringSource over files and folders, read at once and again when something does not open.

    Raises SealbridgeError at once when they cannot be read; later on the keys known serve on.
    """

    # Many objects that fail in one pass are one look at the files.
    min_fresh_age = timedelta(seconds=3)

    def __init__(self, paths: Sequence[str], clock: Clock) -> None:
        self._paths = paths
        self._clock = clock
        self._keyring = read_keyring(paths)
        self._read: datetime = clock.now()
        self._lock = asyncio.Lock()

    async def keyring(self, *, fresh: bool = False) -> Keyring:
        """The keys of the files, not older than `min_fresh_age` when fresh."""
        async with self._lock:
            if fresh and self._clock.now() - self._read > self.min_fresh_age:
                self._read = self._clock.now()
                try:
                    self._keyring = await asyncio.to_thread(read_keyring, self._paths)
                except SealbridgeError as error:
                    _log.warning("cannot read the sealing keys again, going on with those known: %s", error)
            return self._keyring
