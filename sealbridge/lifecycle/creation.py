"""The first sealing key of a cluster: made once, also when several processes start at the same time.

Knows key Secrets behind a narrow port; renewal and backup are other modules' business.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sealbridge.errors import Conflict, KeyFileError, SealbridgeError
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.secret import Secret

KEY_LABELS = {KEY_LABEL: "active"}
KEY_PREFIX = "sealed-secrets-key"

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


async def ensure_sealing_key(
    keys: KeyStore, *, namespace: str, cluster_id: str, clock: Clock, bits: int = 4096
) -> SealingKey:
    """The current sealing key of a namespace; made and stored when there is none at all.

    Idempotent. Those who make the first key of a cluster all want the same name, so that one of them
    wins and the others use its key. `cluster_id` (the UID of the namespace) makes it another name in
    every cluster: a key backup that is applied to a second cluster must not replace the key there.
    Raises KeyFileError when there are keys and none can be used: a key that was made then would hide
    the damage.
    """
    if (current := await _current(keys, namespace)) is not None:
        return current
    key = await asyncio.to_thread(SealingKey.generate, at=clock.now(), bits=bits)
    for attempt in range(_NAMES_TO_TRY):
        secret = key.to_secret(name=_name(cluster_id, namespace, attempt), namespace=namespace)
        try:
            await keys.create_secret(secret)
        except Conflict:
            # Somebody was faster, or the name belongs to a Secret that is no active key (any more).
            if (current := await _current(keys, namespace)) is not None:
                return current
        else:
            return key
    raise KeyFileError(
        "no name is left for a sealing key",
        where=f"namespace {namespace}",
        hint=f"Secrets that begin with {KEY_PREFIX} and are not labelled {KEY_LABEL}=active take them all",
    )


async def key_secrets(keys: KeyStore, namespace: str) -> list[Secret]:
    """The Secrets of a namespace that hold active sealing keys, oldest first."""
    secrets = list(await keys.list_secrets(namespace, labels=KEY_LABELS))
    # The first version of the controller used this one name, without a label.
    legacy = await keys.get_secret(namespace, KEY_PREFIX)
    if legacy is not None and all(secret.name != legacy.name for secret in secrets):
        secrets.append(legacy)
    return secrets


async def _current(keys: KeyStore, namespace: str) -> SealingKey | None:
    usable: list[SealingKey] = []
    problem: SealbridgeError | None = None
    for secret in await key_secrets(keys, namespace):
        try:
            key = SealingKey.from_secret(secret)
            key.certificate  # noqa: B018 - a key without one cannot be current
            usable.append(key)
        except SealbridgeError as error:
            problem = problem or error
    if usable:
        return Keyring(usable).current
    if problem is not None:
        raise KeyFileError(
            f"there are sealing keys and none can be used: {problem.what}",
            where=problem.where or f"namespace {namespace}",
            hint="restore the key from a backup, or delete its Secret to have a new key made",
        )
    return None


def _name(cluster_id: str, namespace: str, attempt: int) -> str:
    """Looks generated, as the controller's do, and is the same for everybody in one cluster."""
    digest = hashlib.sha256(f"{cluster_id}/{namespace}/{attempt}".encode()).digest()
    return KEY_PREFIX + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_SUFFIX_LENGTH])
