"""Where reconcilers get their keyring from. Knows key Secrets and how long to trust a list of them."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Protocol

from sealbridge.errors import ClusterError, SealbridgeError
from sealbridge.lifecycle.creation import key_secrets
from sealbridge.lifecycle.policy import KeyPolicy
from sealbridge.reconcile.cluster import Clock, Cluster
from sealbridge.reconcile.kinds import ObjectKey
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import CERTIFICATE_ITEM, PRIVATE_ITEM, SealingKey
from sealbridge.secret import Secret, Value

# What an unsealing that failed waits for: no object, but any change of the sealing keys. Whoever sees
# a key Secret come, change or go hands every object that depends on this to the queue again.
SEALING_KEYS = ObjectKey("SealingKeys", "", "")

_log = logging.getLogger(__name__)

# What a key Secret holds and when it was made: the same is read once.
_Identity = tuple[Value, Value, str]


class KeyringSource(Protocol):
    """Gives the keyring of the moment."""

    async def keyring(self, *, fresh: bool = False) -> Keyring:
        """`fresh` asks for keys that may have come since. Raises ClusterError."""


class ClusterKeyring:
    """The key Secrets of one namespace, listed at most once a minute.

    An unreadable key Secret is logged and left out; the others go on opening. When the list cannot be
    had, the last one serves on.
    """

    max_age = timedelta(seconds=60)
    # A hundred objects that fail at once are one fresh list, not a hundred.
    min_fresh_age = timedelta(seconds=3)

    def __init__(
        self, cluster: Cluster, namespace: str, clock: Clock, policy: KeyPolicy | None = None
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._clock = clock
        self._policy = policy or KeyPolicy()
        self._lock = asyncio.Lock()
        self._keyring: Keyring | None = None
        self._loaded: datetime | None = None
        self._changes = 0
        self._parsed: dict[_Identity, SealingKey | None] = {}

    async def keyring(self, *, fresh: bool = False) -> Keyring:
        """The keys in the cluster, not older than `max_age`, or `min_fresh_age` when fresh."""
        async with self._lock:
            allowed = self.min_fresh_age if fresh else self.max_age
            now = self._clock.now()
            # A clock that was set back makes the list look as if it came from the future.
            if (
                self._keyring is None
                or self._loaded is None
                or not timedelta(0) <= now - self._loaded <= allowed
            ):
                changes = self._changes
                try:
                    self._keyring = await self._load()
                    # What has changed while the list was on its way may not be in it.
                    self._loaded = now if changes == self._changes else None
                except ClusterError as error:
                    if self._keyring is None:
                        raise
                    # Good for a few seconds more, so that not every object waits for the same refusal.
                    self._loaded = now - self.max_age + self.min_fresh_age
                    _log.warning("cannot list the sealing keys, going on with those known: %s", error)
            return self._keyring

    def forget(self) -> None:
        """The keys have changed: the next call lists them again."""
        self._loaded = None
        self._changes += 1

    async def _load(self) -> Keyring:
        secrets = await key_secrets(self._cluster, self._namespace, self._policy.prefix)
        seen: dict[_Identity, SealingKey | None] = {}
        for secret in secrets:
            identity = (
                secret.items.get(PRIVATE_ITEM, Value(b"")),
                secret.items.get(CERTIFICATE_ITEM, Value(b"")),
                str(secret.metadata.get("creationTimestamp")),
            )
            if identity in self._parsed:
                seen[identity] = self._parsed[identity]
            elif identity not in seen:
                seen[identity] = _read(secret)
        self._parsed = seen
        return Keyring([key for key in seen.values() if key is not None], order=self._policy.order)


def _read(secret: Secret) -> SealingKey | None:
    try:
        return SealingKey.from_secret(secret)
    except SealbridgeError as error:
        _log.error(
            "sealing key %s/%s is left out: %s",
            secret.namespace,
            secret.name,
            error.what,
            extra={"hint": error.hint},
        )
        return None
