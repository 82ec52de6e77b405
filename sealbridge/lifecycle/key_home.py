"""Where sealing keys live, as a port, and what state each is in. Knows no file and no API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple, Protocol

from sealbridge.errors import KeyFileError, NotRsaError, SealbridgeError
from sealbridge.lifecycle.creation import KeyStore, Place
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.secret import Secret

# On key Secrets: when a backup that holds the key was last read back, and since when it is out of use.
BACKED_UP = "sealbridge.io/backed-up-at"
CHANGED = "sealbridge.io/state-since"
# On a pending key: the fingerprint of the key that it is to replace.
REPLACES = "sealbridge.io/replaces"


class State(Enum):
    """What a key is for. All but CURRENT are values of the label; a key is current by being the newest."""

    CURRENT = "current"
    ACTIVE = "active"  # opens what is sealed
    PENDING = "pending"  # stored, and not in use before it is backed up
    RETIRED = "retired"  # nothing needed it any more
    COMPROMISED = "compromised"  # somebody else may have it


class Found(NamedTuple):
    """An object and where it stands, for messages."""

    where: str
    obj: Mapping[str, Any]


class KeyHome(KeyStore, Protocol):
    """A namespace of a cluster, or a directory."""

    where: str  # for messages

    async def place(self) -> Place:
        """The namespace of the keys, and the id of the cluster."""

    async def all_secrets(self) -> Sequence[Secret]:
        """Every key Secret, whatever its state, oldest first."""

    async def mark(
        self, secret: Secret, *, state: State | None = None, annotations: Mapping[str, str] | None = None
    ) -> None:
        """Change the label or add annotations. Raises Conflict when the Secret has changed meanwhile."""

    async def sealed(self) -> Sequence[Found]:
        """The SealedSecrets that are here."""

    async def settle(self, current: SealingKey) -> None:
        """A key is current now: whatever has to follow does. Idempotent."""


class Record(NamedTuple):
    """A key with its Secret and state."""

    secret: Secret
    key: SealingKey
    state: State

    @property
    def fingerprint(self) -> str:
        """Names it."""
        return self.key.fingerprint

    @property
    def label(self) -> str:
        """What its label says: being current is no label."""
        shown = State.ACTIVE if self.state is State.CURRENT else self.state
        return str(shown.value)

    @property
    def backed_up(self) -> str | None:
        """When, as RFC 3339 text."""
        return self.secret.annotations.get(BACKED_UP)


class Records(NamedTuple):
    """The keys of a home, and what is wrong with those that cannot be read."""

    keys: tuple[Record, ...]
    problems: tuple[SealbridgeError, ...] = ()

    @property
    def keyring(self) -> Keyring:
        """All of them, also those out of use: for knowing what needs which."""
        return Keyring(record.key for record in self.keys)

    @property
    def current(self) -> Record | None:
        """The current one."""
        return next((record for record in self.keys if record.state is State.CURRENT), None)

    def find(self, name: str) -> Record:
        """The key of this fingerprint, whose beginning is enough. Raises KeyFileError."""
        wanted = name if name.startswith("SHA256:") else f"SHA256:{name}"
        found = [record for record in self.keys if record.fingerprint.startswith(wanted)]
        if len(found) == 1 and len(wanted) > len("SHA256:"):
            return found[0]
        raise KeyFileError(
            f"there is no sealing key {name}" if not found else f"several sealing keys begin with {name}",
            hint="sealbridge keys list shows their fingerprints",
        )


def records_of(secrets: Iterable[Secret]) -> Records:
    """What key Secrets hold, each key once. What is no RSA key is no sealing key, and is left out."""
    keys: dict[str, Record] = {}
    problems: list[SealbridgeError] = []
    for secret in secrets:
        try:
            key = SealingKey.from_secret(secret)
        except NotRsaError:
            continue
        except SealbridgeError as error:
            problems.append(error)
            continue
        record = Record(secret, key, _state(secret))
        known = keys.get(key.fingerprint)
        if known is None or (record.state is State.ACTIVE and known.state is not State.ACTIVE):
            keys[key.fingerprint] = record
    active = [record.key for record in keys.values() if record.state is State.ACTIVE]
    if any(key.has_certificate for key in active):
        newest = Keyring(active).current.fingerprint
        keys[newest] = keys[newest]._replace(state=State.CURRENT)
    return Records(tuple(sorted(keys.values(), key=lambda one: one.key.not_before)), tuple(problems))


def stamp(at: datetime) -> str:
    """A time as Kubernetes writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _state(secret: Secret) -> State:
    label = secret.labels.get(KEY_LABEL, State.ACTIVE.value)
    try:
        return State(label) if label != State.CURRENT.value else State.RETIRED
    except ValueError:
        return State.RETIRED  # any other value of the label takes a key out of use
