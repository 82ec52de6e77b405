"""The life of the sealing keys in the operator: the first one, the cutoff, renewal. Opens nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from sealbridge.errors import KeyFileError, SealbridgeError
from sealbridge.lifecycle.creation import Clock, KeyStore, Place, ensure_sealing_key
from sealbridge.lifecycle.policy import KeyPolicy
from sealbridge.lifecycle.renewal import due_at, is_cut_off, replace_current_key
from sealbridge.operator.settings import SECRET_CREATION, Settings
from sealbridge.reconcile.sealing_keys import KeyringSource
from sealbridge.sealing.keyring import by_certificate, by_creation

log = logging.getLogger("sealbridge.operator")

# Seconds. A clock may be set and a machine may sleep, so no wait for a due time is long.
LONGEST_PAUSE = 60.0
RETRY_FIRST, RETRY_LAST = 1.0, 60.0


def policy_of(settings: Settings) -> KeyPolicy:
    """What the flags say about keys."""
    return KeyPolicy(
        prefix=settings.key_prefix,
        bits=settings.key_size,
        valid_for=settings.key_ttl,
        renew_after=settings.key_renew_period,
        cutoff=settings.key_cutoff_time,
        common_name=settings.my_cn,
        labels=dict(settings.privatekey_labels),
        annotations=dict(settings.privatekey_annotations),
        order=by_creation if settings.key_order_priority == SECRET_CREATION else by_certificate,
    )


class Keys(KeyringSource, Protocol):
    """Where the operator has its keyring from."""

    def forget(self) -> None:
        """A key was made: list again at the next call."""


class KeyKeeper:
    """Sees to it that there is a current key and that it is young enough. For one event loop."""

    def __init__(
        self,
        *,
        store: KeyStore,
        keys: Keys,
        namespace: str,
        cluster_id: Callable[[], Awaitable[str]],
        clock: Clock,
        policy: KeyPolicy,
    ) -> None:
        self._store = store
        self._keys = keys
        self._namespace = namespace
        self._cluster_id = cluster_id
        self._clock = clock
        self._policy = policy
        self._begun = False
        self._forced = asyncio.Event()
        self.tried = asyncio.Event()
        """Set once the first try to have a key is over, whatever came of it."""

    def force(self) -> None:
        """Replace the current key as soon as it can be done."""
        self._forced.set()

    async def run(self) -> None:
        """Work until cancelled. What fails is tried again."""
        delay = RETRY_FIRST
        while True:
            try:
                pause = await self.look()
                delay = RETRY_FIRST
            except SealbridgeError as error:
                pause = delay
                delay = min(delay * 2, RETRY_LAST)
                log.warning(
                    "the sealing keys cannot be read or made",
                    extra={"error": error.what, "hint": error.hint, "retry_in": pause},
                )
                # A wish that could not be fulfilled stays, and is no reason for haste.
                await asyncio.sleep(pause)
                continue
            finally:
                self.tried.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._forced.wait(), pause)

    async def look(self) -> float:
        """Do what is to be done now; returns the seconds until the next look. Raises SealbridgeError."""
        if not self._begun:
            await self._ensure()
            keyring = await self._keys.keyring()
            if is_cut_off(keyring, self._policy):
                await self._replace(keyring.current.fingerprint, insist=False)
            self._begun = True
        if self._forced.is_set():
            await self._ensure()
            keyring = await self._keys.keyring()
            await self._replace(keyring.current.fingerprint, insist=True)
            self._forced.clear()
        keyring = await self._keys.keyring()
        try:
            due = due_at(keyring, self._policy)
        except KeyFileError:
            # All were taken away. A key that is made now may outrank the one that is about to be restored.
            return LONGEST_PAUSE
        if due is None:
            return LONGEST_PAUSE
        seconds = (due - self._clock.now()).total_seconds()
        if seconds > 0:
            return min(seconds, LONGEST_PAUSE)
        is_new = await self._replace(keyring.current.fingerprint, insist=False)
        return 0.0 if is_new else LONGEST_PAUSE

    async def _ensure(self) -> None:
        await ensure_sealing_key(
            self._store,
            namespace=self._namespace,
            cluster_id=await self._cluster_id(),
            clock=self._clock,
            policy=self._policy,
        )
        await self._refresh()

    async def _replace(self, fingerprint: str, *, insist: bool) -> bool:
        """True when another key is current afterwards."""
        place = Place(await self._cluster_id(), self._namespace)
        key = await replace_current_key(
            self._store, place, self._policy, self._clock, replacing=fingerprint, insist=insist
        )
        await self._refresh()
        current = (await self._keys.keyring()).current.fingerprint
        if current == fingerprint:
            log.warning(
                "the sealing key was renewed, and the old one is still the newest",
                extra={
                    "fingerprint": key.fingerprint,
                    "hint": "compare the clocks of this machine and of the API server",
                },
            )
        return current != fingerprint

    async def _refresh(self) -> None:
        self._keys.forget()
        await self._keys.keyring(fresh=True)
