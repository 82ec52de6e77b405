"""Counts what is asked of stores, under upstream's names of providers and calls. Knows no SDK."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from sealbridge.errors import NotFound, StoreError
from sealbridge.secret import Value
from sealbridge.stores.base import Push, Reference, Resolver, Search, Store, Target
from sealbridge.stores.reach import Reach
from sealbridge.stores.registry import open_store

_T = TypeVar("_T")


class Count(Protocol):
    """Takes one call."""

    def __call__(self, provider: str, call: str, *, ok: bool) -> None:
        """`ok`: the provider has answered, if only that there is no such secret."""


@dataclass(frozen=True, slots=True)
class _Names:
    provider: str
    read: str
    check: str
    find: str
    push: str
    delete: str
    exists: str


# Providers without an API are not counted.
_NAMES = {
    "vault": _Names(
        "HashiCorp/Vault",
        read="ReadSecretData",
        check="LookupSelf",
        find="ListSecrets",
        push="WriteSecretData",
        delete="DeleteSecret",
        exists="ReadSecretData",
    ),
    "kubernetes": _Names(
        "Kubernetes",
        read="GetSecret",
        check="CreateSelfSubjectRulesReview",
        find="ListSecrets",
        push="UpdateSecret",
        delete="DeleteSecret",
        exists="GetSecret",
    ),
    "webhook": _Names(
        "Webhook",
        read="HTTPReq",
        check="Dial",
        find="HTTPReq",
        push="HTTPReq",
        delete="HTTPReq",
        exists="HTTPReq",
    ),
}


class CountedStore:
    """A store whose calls are counted: one for each secret that is read, however many properties of it."""

    def __init__(self, store: Store, names: _Names, count: Count) -> None:
        self._store = store
        self._names = names
        self._count = count

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        """As Store.fetch."""
        results = await self._store.fetch(references)
        read: dict[Reference, bool] = {}
        for reference, result in results.items():
            whole = replace(reference, property="")
            answered = not isinstance(result, StoreError) or isinstance(result, NotFound)
            read[whole] = read.get(whole, False) or answered
        for ok in read.values():
            self._count(self._names.provider, self._names.read, ok=ok)
        return results

    async def find(self, search: Search) -> Mapping[str, Value]:
        """As Store.find."""
        return await self._counted(self._names.find, self._store.find(search))

    async def push(self, push: Push) -> bool:
        """As Store.push."""
        return await self._counted(self._names.push, self._store.push(push))

    async def delete(self, target: Target) -> None:
        """As Store.delete."""
        await self._counted(self._names.delete, self._store.delete(target))

    async def exists(self, target: Target) -> bool:
        """As Store.exists."""
        return await self._counted(self._names.exists, self._store.exists(target))

    async def check(self) -> None:
        """As Store.check."""
        await self._counted(self._names.check, self._store.check())

    async def close(self) -> None:
        """As Store.close."""
        await self._store.close()

    async def _counted(self, name: str, call: Awaitable[_T]) -> _T:
        ok = False
        try:
            answer = await call
            ok = True
            return answer
        except NotFound:
            ok = True
            raise
        finally:
            self._count(self._names.provider, name, ok=ok)


class CountingOpener:
    """Opens stores as the registry does, and counts what they are asked."""

    def __init__(self, count: Count, reach: Reach | None = None) -> None:
        self._count = count
        self._reach = reach

    async def __call__(self, provider: str, config: Mapping[str, Any], resolver: Resolver) -> Store:
        """As stores.registry.open_store."""
        store = await open_store(provider, config, resolver, reach=self._reach)
        names = _NAMES.get(provider)
        return store if names is None else CountedStore(store, names, self._count)
