"""Keys taken out of use: retired when nothing needs them, compromised at once. Deletes no key."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sealbridge.errors import Conflict, KeyFileError, SealbridgeError
from sealbridge.lifecycle.key_home import CHANGED, KeyHome, Record, State, records_of, stamp
from sealbridge.lifecycle.need import Need, Use

_TRIES = 5


class Obstacles(NamedTuple):
    """Why a key cannot be retired."""

    uses: tuple[Use, ...]
    claimed: tuple[Use, ...]  # they say that it sealed them, and open with no key
    unread: tuple[SealbridgeError, ...]

    def __bool__(self) -> bool:
        return bool(self.uses or self.claimed or self.unread)


def obstacles(record: Record, need: Need) -> Obstacles:
    """What needs a key, or may."""
    return Obstacles(need.of(record.fingerprint), need.hinted.get(record.fingerprint, ()), need.unread)


def check_not_current(record: Record) -> None:
    """Raise KeyFileError for the current key: what is sealed now would not open."""
    if record.state in (State.CURRENT, State.PENDING):
        raise KeyFileError(
            f"the key {record.fingerprint} is {record.state.value}",
            hint="make another one current first: sealbridge keys rotate",
        )


async def end(home: KeyHome, fingerprint: str, state: State, at: datetime) -> bool:
    """Mark a key. True when it was not so already. Raises KeyFileError, Conflict and ClusterError.

    A compromised key is never called retired again.
    """
    for _ in range(_TRIES):
        record = records_of(await home.all_secrets()).find(fingerprint)
        if record.state is state or (record.state is State.COMPROMISED and state is State.RETIRED):
            return False
        if state is State.RETIRED:
            check_not_current(record)
        try:
            await home.mark(record.secret, state=state, annotations={CHANGED: stamp(at)})
        except Conflict:
            continue
        return True
    raise Conflict(f"others keep changing the key {fingerprint}", where=home.where)
