"""The `fake` provider: values that stand in the store's own spec. For trials and tests of manifests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sealbridge.errors import Invalid, NotFound, StoreError
from sealbridge.secret import Value
from sealbridge.stores.base import Push, Reference, Resolver, Search, Target
from sealbridge.stores.config import read_config
from sealbridge.stores.names import matcher
from sealbridge.stores.property import UnsupportedPath, lookup

_FAILED_VALIDATION = 2


class FakeEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One secret, in one version."""

    key: str
    value: str = ""
    version: str = ""
    value_map: dict[str, str] | None = None


class FakeConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Secrets in the clear, for trials and tests."""

    data: tuple[FakeEntry, ...]
    validation_result: int = 0


class FakeStore:
    """Key and version must match exactly; the last of equal entries counts.

    What is pushed lives in memory, without a version, as long as the store stays open.
    """

    def __init__(self, values: Mapping[tuple[str, str], Value], *, valid: bool = True) -> None:
        self._values = dict(values)
        self._own = frozenset(key for key, _ in values)
        self._valid = valid

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        """As Store.fetch."""
        return {reference: self._fetch_one(reference) for reference in references}

    async def find(self, search: Search) -> Mapping[str, Value]:
        """By name alone; of several versions the one whose text sorts last."""
        if search.tags:
            raise Invalid("the fake provider has no tags to find by", hint="find by name")
        if search.metadata:
            raise Invalid("the fake provider has no metadata to fetch", hint="leave metadataPolicy out")
        fits = matcher(search.name)
        newest: dict[str, str] = {}
        for key, version in self._values:
            if fits(key) and version >= newest.get(key, ""):
                newest[key] = version
        return {key: self._values[key, version] for key, version in newest.items()}

    async def push(self, push: Push) -> bool:
        """As Store.push. What stands in the spec is not overwritten."""
        key = self._pushable(push.target)
        if self._values.get((key, "")) == (value := push.value()):
            return False
        self._values[key, ""] = value
        return True

    async def delete(self, target: Target) -> None:
        """As Store.delete. What stands in the spec is not deleted."""
        self._values.pop((self._pushable(target), ""), None)

    async def exists(self, target: Target) -> bool:
        """As Store.exists; the property does not count, for a push replaces the whole."""
        return any(key == target.key for key, _ in self._values)

    def _pushable(self, target: Target) -> str:
        if target.key in self._own:
            raise Invalid(f"{target.key!r} stands in the store's spec, which a push cannot change")
        return target.key

    async def check(self) -> None:
        """Fails when the spec says so with validationResult 2."""
        if not self._valid:
            raise Invalid(f"validationResult is {_FAILED_VALIDATION}, error", where="spec.provider.fake")

    async def close(self) -> None:
        """Holds nothing."""

    def _fetch_one(self, reference: Reference) -> Value | StoreError:
        if reference.metadata:
            return Invalid("the fake provider has no metadata to fetch", hint="leave metadataPolicy out")
        value = self._values.get((reference.key, reference.version))
        if value is None:
            keys = {key for key, _ in self._values}
            missing = "version" if reference.key in keys else "secret"
            name = f"version {reference.version!r} of " if missing == "version" else ""
            return NotFound(f"there is no {name}secret {reference.key!r} in the store", missing=missing)
        if not reference.property:
            return value
        try:
            found = lookup(value.reveal(), reference.property)
        except UnsupportedPath as error:
            return Invalid(f"property {reference.property!r}: {error}")
        if found is None:
            # As upstream's fake: a missing property counts as a missing secret, for deletionPolicy.
            return NotFound(f"secret {reference.key!r} has no property {reference.property!r}")
        return Value(found)


async def open_store(config: Mapping[str, Any], resolver: Resolver) -> FakeStore:
    """Open from `spec.provider.fake`. Raises Invalid."""
    _ = resolver  # values stand in the spec; there is no credential to resolve
    model = read_config(config, FakeConfig, "spec.provider.fake")
    values = {(entry.key, entry.version): _value(entry) for entry in model.data}
    return FakeStore(values, valid=model.validation_result != _FAILED_VALIDATION)


def _value(entry: FakeEntry) -> Value:
    if entry.value_map is None:
        return Value(entry.value.encode())
    return Value(json.dumps(entry.value_map, sort_keys=True, ensure_ascii=False).encode())
