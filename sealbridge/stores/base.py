"""The protocol of a secret store: references in, values or errors out. Knows no provider.

A store is opened from its provider's part of the spec and a `Resolver` that hands it the
credentials the spec points to; it never sees the cluster.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sealbridge.errors import Invalid, StoreError
from sealbridge.secret import Secret, Value

# What Go's encoder escapes whatever it is told; a surrogate stands for a byte that is no text.
_ESCAPED = re.compile("[\u2028\u2029\udc80-\udcff]")


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


@dataclass(frozen=True, slots=True)
class Target:
    """Where a pushed value goes. An empty `property` is the whole secret.

    `namespace`: where a store has such, and this is not its usual one."""

    key: str
    property: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        text = f"{self.namespace}/{self.key}" if self.namespace else self.key
        return f"{text} property {self.property}" if self.property else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One item of a Secret on its way into a store, or with an empty `item` all of it.

    `metadata` is the spec of a PushSecretMetadata, which each provider reads for itself.
    """

    target: Target
    source: Secret
    item: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def value(self) -> Value:
        """The item, or all items as a JSON object. Raises Invalid."""
        if not self.item:
            return json_of_items(self.source.items)
        if self.item not in self.source.items:
            raise Invalid(f'the Secret "{self.source.name}" has no key "{self.item}"')
        return self.source.items[self.item]


class Items(Value):
    """A whole secret that is a map of bytes: it reads as a JSON object, `items` has it to the byte.

    JSON has no bytes, so what is not UTF-8 stands in the text as U+FFFD.
    """

    __slots__ = ("items",)

    def __init__(self, items: Mapping[str, Value]) -> None:
        super().__init__(json_of_items(items).reveal())
        self.items = dict(items)

    def __hash__(self) -> int:
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        # Two maps that differ only in bytes that are no text have the same JSON.
        return super().__eq__(other) and (not isinstance(other, Items) or self.items == other.items)


def json_of_items(items: Mapping[str, Value]) -> Value:
    """Items as a JSON object, as Go's encoder writes it without HTML escapes: keys sorted."""
    texts = {key: items[key].reveal().decode("utf-8", "surrogateescape") for key in sorted(items)}
    text = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
    return Value(_ESCAPED.sub(_escape, text).encode())


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\u{ord(character):04x}" if character in "\u2028\u2029" else r"\ufffd"


class Resolver(Protocol):
    """How a store reaches the credentials that its spec points to."""

    @property
    def namespace(self) -> str:
        """The namespace that the store is opened for: its own, or that of whoever uses a cluster store."""

    async def secret(self, name: str, namespace: str = "") -> Secret:
        """A whole Secret with its labels. Raises Invalid that names it when it is not there."""

    async def secret_value(self, selector: SecretKeySelector) -> Value:
        """One item of a Secret. Raises Invalid that names the Secret and key when it is not there."""

    async def config_map_value(self, name: str, key: str, namespace: str = "") -> str:
        """One entry of a ConfigMap, for CA bundles."""

    async def service_account_token(
        self, name: str, *, namespace: str = "", audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        """A token of a service account."""

    async def own_token(self) -> Value:
        """The token of the pod that we run in. Raises Denied where a tenant could have it sent anywhere."""


class Store(Protocol):
    """One opened store. Safe for many tasks of one event loop at once."""

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        """Every reference with its value, or the error that it met: one missing key hides no other.

        Equal references are asked for once. Never raises for the sake of one reference."""

    async def find(self, search: Search) -> Mapping[str, Value]:
        """The whole value of every secret that fits, by its name in the store. Raises StoreError.

        Nothing that fits is an empty map. A provider ignores what of a search it has no notion of
        only where its documentation says so, and else raises Invalid.
        """

    async def push(self, push: Push) -> bool:
        """Make the target hold this value; true when it did not before. Raises StoreError."""

    async def delete(self, target: Target) -> None:
        """Remove the target; one that is not there is as good. Raises StoreError."""

    async def exists(self, target: Target) -> bool:
        """Whether the store holds the target, its property included. Raises StoreError."""

    async def check(self) -> None:
        """Contact the store and log in. Raises StoreError when it cannot be used."""

    async def close(self) -> None:
        """Give back what the store holds: connections, tokens of its own making."""
