"""A new current key, which is backed up before it is one. Knows homes and backups; waits for nothing.

Without a backup, making the key is one write. With one, the key is stored as pending, which no controller
uses, then backed up, read back, and only then made active. Whoever comes after a run that was cut off, or
at the same time, goes on with the same key: its name follows from the key that it replaces.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sealbridge.errors import Conflict, KeyFileError
from sealbridge.lifecycle.creation import Clock, store_new_key
from sealbridge.lifecycle.key_home import (
    CHANGED,
    REPLACES,
    KeyHome,
    Record,
    Records,
    State,
    records_of,
    stamp,
)
from sealbridge.lifecycle.policy import KeyPolicy
from sealbridge.lifecycle.renewal import begin_after, replace_current_key
from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.secret import Secret

_TRIES = 5

# Keeps all keys of the home, and returns when that was read back.
Keep = Callable[[], Awaitable[None]]


class Rotated(NamedTuple):
    """What became of it. `made`: there is a new current key."""

    current: SealingKey
    before: str
    made: bool


async def rotate(
    home: KeyHome,
    policy: KeyPolicy,
    clock: Clock,
    *,
    if_older_than: timedelta | None = None,
    keep: Keep | None = None,
    replacing: str | None = None,
) -> Rotated:
    """Replace the current key, or `replacing` if that is still current. Raises SealbridgeError."""
    records = records_of(await home.all_secrets())
    current = _current(records, home)
    before = replacing or current.fingerprint
    if current.fingerprint != before or not is_due(current, if_older_than, clock.now()):
        await home.settle(current.key)
        return Rotated(current.key, before, made=False)
    if keep is None:
        made = await replace_current_key(home, await home.place(), policy, clock, replacing=before)
    else:
        await _pending(home, policy, clock, before)
        await keep()
        made = await _activated(home, before, clock)
    current = _current(records_of(await home.all_secrets()), home)
    await home.settle(current.key)
    return Rotated(current.key, before, made=made.fingerprint != before)


class _Waiting:
    """A home whose new keys are pending."""

    def __init__(self, home: KeyHome, before: str) -> None:
        self._home = home
        self._before = before
        self.where = home.where
        self.list_secrets = home.list_secrets
        self.get_secret = home.get_secret

    async def create_secret(self, secret: Secret) -> Secret:
        labels = {**secret.labels, KEY_LABEL: State.PENDING.value}
        annotations = {**secret.annotations, REPLACES: self._before}
        if await waiting_for(self._home, self._before):
            raise Conflict("somebody was faster", where=self.where)
        return await self._home.create_secret(replace(secret, labels=labels, annotations=annotations))


async def waiting_for(home: KeyHome, before: str) -> Record | None:
    """The pending successor of a key."""
    for record in records_of(await home.all_secrets()).keys:
        if record.state is State.PENDING and record.secret.annotations.get(REPLACES) == before:
            return record
    return None


async def _pending(home: KeyHome, policy: KeyPolicy, clock: Clock, before: str) -> None:
    """See to it that a successor is stored, or that somebody else has put one in place already."""

    async def settled(_: str) -> SealingKey | None:
        waiting = await waiting_for(home, before)
        if waiting is not None:
            return waiting.key
        current = _current(records_of(await home.all_secrets()), home)
        return current.key if current.fingerprint != before else None

    if await settled("") is None:
        at = begin_after(_current(records_of(await home.all_secrets()), home).key, clock.now())
        await store_new_key(
            _Waiting(home, before), await home.place(), policy, at=at, settled=settled, after=before
        )


async def _activated(home: KeyHome, before: str, clock: Clock) -> SealingKey:
    """Put the successor in place. Several at a time do so once."""
    for _ in range(_TRIES):
        waiting = await waiting_for(home, before)
        if waiting is None:
            break
        try:
            await home.mark(waiting.secret, state=State.ACTIVE, annotations={CHANGED: stamp(clock.now())})
        except Conflict:
            continue
        return waiting.key
    current = _current(records_of(await home.all_secrets()), home)
    if current.fingerprint == before:
        raise Conflict("others keep changing the new key", where=home.where)
    return current.key


def _current(records: Records, home: KeyHome) -> Record:
    if records.current is None:
        problem = records.problems[0] if records.problems else None
        raise KeyFileError(
            "there is no current sealing key to replace" + (f": {problem.what}" if problem else ""),
            where=home.where,
            hint="sealbridge keys init --dir DIR makes a first one, and the operator does in a cluster",
        )
    return records.current


def is_due(record: Record, if_older_than: timedelta | None, now: datetime) -> bool:
    """Whether a key is so old; without an age, each is."""
    return if_older_than is None or now - record.key.not_before >= if_older_than
