"""The first sealing key of a cluster: made once, also when several processes start at the same time.

Knows key Secrets behind a narrow port; when a key is renewed is another module's business.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Protocol

from sealbridge.errors import Conflict, KeyFileError, NotRsaError, SealbridgeError
from sealbridge.lifecycle.policy import KEY_PREFIX, KeyPolicy
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.secret import Secret

KEY_LABELS = {KEY_LABEL: "active"}

# The letters that the API server takes for generated names: no vowels, so no words.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
# Twice as many as the API server appends: two clusters must not come to the same name by chance.
_SUFFIX_LENGTH = 10
_NAMES_TO_TRY = 20


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The current time, aware and in UTC."""


class KeyStore(Protocol):
    """What of a Cluster is needed to find and keep keys."""

    async def list_secrets(self, namespace: str, *, labels: Mapping[str, str]) -> Sequence[Secret]:
        """The Secrets that carry these labels, oldest first."""

    async def get_secret(self, namespace: str, name: str) -> Secret | None:
        """One Secret, or None."""

    async def create_secret(self, secret: Secret) -> Secret:
        """Store a Secret that must not exist yet. Raises Conflict when it does."""


class Place(NamedTuple):
    """Where keys are kept: a namespace of a cluster, whose id makes names of keys its own."""

    cluster_id: str
    namespace: str


# Asked when a name is taken: the key to use instead, or None to try the next name.
Settled = Callable[[str], Awaitable[SealingKey | None]]


async def ensure_sealing_key(
    keys: KeyStore, *, namespace: str, cluster_id: str, clock: Clock, policy: KeyPolicy
) -> SealingKey:
    """The current sealing key of a namespace; made and stored when there is none at all.

    Idempotent. Those who make the first key of a cluster all want the same name, so that one of them
    wins and the others use its key. `cluster_id` (the UID of the namespace) makes it another name in
    every cluster: a key backup that is applied to a second cluster must not replace the key there.
    Raises KeyFileError when there are keys and none can be used: a key that was made then would hide
    the damage. What is no RSA key never was a sealing key, and does not count.
    """

    async def settled(_: str) -> SealingKey | None:
        return _current_of(await key_secrets(keys, namespace, policy.prefix), policy, namespace)

    if (current := await settled("")) is not None:
        return current
    return await store_new_key(keys, Place(cluster_id, namespace), policy, at=clock.now(), settled=settled)


async def store_new_key(
    keys: KeyStore, place: Place, policy: KeyPolicy, *, at: datetime, settled: Settled, after: str = ""
) -> SealingKey:
    """Make a key and store it, or take the one that somebody else was faster with.

    `after` is the fingerprint of the key before it: whoever replaces the same key wants the same name.
    Raises KeyFileError and ClusterError; nothing is stored then.
    """
    key = await asyncio.to_thread(
        SealingKey.generate,
        at=at,
        bits=policy.bits,
        valid_for=policy.valid_for,
        common_name=policy.common_name,
    )
    for attempt in range(_NAMES_TO_TRY):
        name = _name(place, policy.prefix, after, attempt)
        secret = key.to_secret(name=name, namespace=place.namespace)
        labels = {**policy.labels, **secret.labels}
        try:
            await keys.create_secret(replace(secret, labels=labels, annotations=policy.annotations))
        except Conflict:
            # Somebody was faster, or the name belongs to a Secret that is no active key (any more).
            if (other := await settled(name)) is not None:
                return other
        else:
            return key
    raise KeyFileError(
        "no name is left for a sealing key",
        where=f"namespace {place.namespace}",
        hint=f"Secrets that begin with {policy.prefix} and are not labelled {KEY_LABEL}=active take them all",
    )


async def key_secrets(keys: KeyStore, namespace: str, prefix: str = KEY_PREFIX) -> list[Secret]:
    """The Secrets of a namespace that hold active sealing keys, oldest first."""
    secrets = list(await keys.list_secrets(namespace, labels=KEY_LABELS))
    # The first version of the controller used this one name, without a label.
    legacy = await keys.get_secret(namespace, prefix)
    if legacy is not None and KEY_LABEL not in legacy.labels:
        secrets.append(legacy)
        secrets.sort(key=lambda secret: str(secret.metadata.get("creationTimestamp") or ""))
    return secrets


def is_key_secret(secret: Secret, namespace: str, prefix: str = KEY_PREFIX) -> bool:
    """Whether `key_secrets` of this namespace would count it, once it is stored."""
    label = secret.labels.get(KEY_LABEL)
    return secret.namespace == namespace and (
        label == KEY_LABELS[KEY_LABEL] or (label is None and secret.name == prefix)
    )


def usable_keys(secrets: Iterable[Secret]) -> tuple[list[SealingKey], SealbridgeError | None]:
    """The keys that can be read, and what is wrong with the first that cannot though it ought to."""
    usable: list[SealingKey] = []
    problem: SealbridgeError | None = None
    for secret in secrets:
        try:
            usable.append(SealingKey.from_secret(secret))
        except NotRsaError:
            continue
        except SealbridgeError as error:
            problem = problem or error
    return usable, problem


def _current_of(secrets: Iterable[Secret], policy: KeyPolicy, namespace: str) -> SealingKey | None:
    usable, problem = usable_keys(secrets)
    for key in usable:
        if key.has_certificate:
            return Keyring(usable, order=policy.order).current
        try:
            key.certificate  # noqa: B018 - its error says what is missing
        except SealbridgeError as error:
            problem = problem or error
    if problem is not None:
        raise KeyFileError(
            f"there are sealing keys and none can be used: {problem.what}",
            where=problem.where or f"namespace {namespace}",
            hint="restore the key from a backup, or delete its Secret to have a new key made",
        )
    return None


def _name(place: Place, prefix: str, after: str, attempt: int) -> str:
    """Looks generated, as the controller's do, and is the same for everybody in one cluster."""
    parts = (*place, after, str(attempt)) if after else (*place, str(attempt))
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return prefix + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_SUFFIX_LENGTH])
