"""The protocol of a secret store: references in, values or errors out. Knows no provider.

A store is opened from its provider's part of the spec and a `Resolver` that hands it the
credentials the spec points to; it never sees the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sealbridge.errors import StoreError
from sealbridge.secret import Value


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a value stands in a store. Empty `version` is the newest, empty `property` the whole."""

    key: str
    version: str = ""
    property: str = ""
    metadata: bool = False  # metadataPolicy Fetch: the secret's metadata instead of its value

    def __str__(self) -> str:
        text = self.key + (f"@{self.version}" if self.version else "")
        return text + (f" property {self.property}" if self.property else "")


@dataclass(frozen=True, slots=True)
class SecretKeySelector:
    """A reference to one item of a Secret; `namespace` is honoured for cluster stores only."""

    name: str
    key: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """What `find` looks for: all three must fit, and what is empty fits everything.

    `name` is a regular expression of RE2 that matches anywhere in a name; `tags` are compared exactly.
    """

    name: str = ""
    path: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    metadata: bool = False  # metadataPolicy Fetch: of every secret its metadata instead of its value


class Resolver(Protocol):
    """How a store reaches the credentials that its spec points to."""

    async def secret_value(self, selector: SecretKeySelector) -> Value:
        """One item of a Secret. Raises Invalid that names the Secret and key when it is not there."""

    async def config_map_value(self, name: str, key: str, namespace: str = "") -> str:
        """One entry of a ConfigMap, for CA bundles."""

    async def service_account_token(
        self, name: str, *, namespace: str = "", audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        """A token of a service account."""


class Store(Protocol):
    """One opened store. Safe for many tasks of one event loop at once."""

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        """Every reference with its value, or the error that it met: one missing key hides no other.

        Equal references are asked for once. Never raises for the sake of one reference."""

    async def check(self) -> None:
        """Contact the store and log in. Raises StoreError when it cannot be used."""

    async def close(self) -> None:
        """Give back what the store holds: connections, tokens of its own making."""
