"""When a sealing key is due for another, and making that one: once, also by several processes at a time.

Knows key Secrets behind a narrow port; waits for nothing. A new key is stored before anybody uses it,
and whoever is cut off before that has changed nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sealbridge.lifecycle.creation import Clock, KeyStore, Place, key_secrets, store_new_key, usable_keys
from sealbridge.lifecycle.policy import KeyPolicy
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import SealingKey

# Certificates count whole seconds: a key of the same second would not be newer.
_TICK = timedelta(seconds=1)
# A certificate may begin so much later than now, so that it is newer than one from a clock that was ahead.
_AHEAD = timedelta(days=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


def due_at(keyring: Keyring, policy: KeyPolicy) -> datetime | None:
    """When the current key is to be replaced, None for never: after its time, or when its certificate ends.

    Raises KeyFileError when no key is current.
    """
    if not policy.renew_after:
        return None
    current = keyring.current
    began = keyring.time_of(current)
    try:
        old = began + policy.renew_after
    except OverflowError:
        old = _NEVER
    return min(old, max(began, current.certificate.not_after))


def is_cut_off(keyring: Keyring, policy: KeyPolicy) -> bool:
    """Whether the current key is from before the cutoff. Raises KeyFileError when no key is current."""
    return policy.cutoff is not None and keyring.time_of(keyring.current) < policy.cutoff


async def replace_current_key(
    keys: KeyStore, place: Place, policy: KeyPolicy, clock: Clock, *, replacing: str, insist: bool = False
) -> SealingKey:
    """Make the key that comes after the one whose fingerprint is `replacing`; returns what is current then.

    When another key is current by now, that one is returned and nothing is made. When the successor is
    there already and is not current, as it happens with clocks that do not agree, no second one is
    made, unless told to `insist`. Raises KeyFileError and ClusterError.
    """

    async def settled(name: str) -> SealingKey | None:
        secrets = await key_secrets(keys, place.namespace, policy.prefix)
        current = Keyring(usable_keys(secrets)[0], order=policy.order).current
        is_active = any(secret.name == name for secret in secrets)
        return current if current.fingerprint != replacing or (is_active and not insist) else None

    secrets = await key_secrets(keys, place.namespace, policy.prefix)
    current = Keyring(usable_keys(secrets)[0], order=policy.order).current
    if current.fingerprint != replacing:
        return current
    at = begin_after(current, clock.now())
    return await store_new_key(keys, place, policy, at=at, settled=settled, after=replacing)


def begin_after(current: SealingKey, now: datetime) -> datetime:
    """When the certificate of the key after `current` begins, so that it is the newer one."""
    return max(now, current.not_before + _TICK) if current.not_before - now < _AHEAD else now
