"""Calls to stores are counted once each, whatever becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from sealbridge.errors import NotFound, StoreError, Unavailable
from sealbridge.operator.calls import CountedStore, CountingOpener
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Push, Reference, Search, SecretKeySelector, Target

CONFIG = {
    "server": "http://127.0.0.1:1",
    "path": "secret",
    "auth": {"tokenSecretRef": {"name": "token", "key": "token"}},
}


class Credentials:
    async def secret_value(self, selector: SecretKeySelector) -> Value:
        return Value(b"a-token")

    async def config_map_value(self, name: str, key: str, namespace: str = "") -> str:
        raise AssertionError

    async def service_account_token(
        self, name: str, *, namespace: str = "", audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        raise AssertionError


class Counts:
    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str, bool]] = Counter()

    def __call__(self, provider: str, call: str, *, ok: bool) -> None:
        self.seen[provider, call, ok] += 1


class Shelf:
    """A store with these results."""

    def __init__(self, results: Mapping[Reference, Value | StoreError]) -> None:
        self.results = results
        self.closed = False

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        return self.results

    async def check(self) -> None:
        """It is well."""

    async def close(self) -> None:
        self.closed = True


async def test_a_store_that_is_down_is_an_error_of_each_call() -> None:
    counts = Counts()
    store = await CountingOpener(counts)("vault", CONFIG, Credentials())
    with pytest.raises(StoreError):
        await store.check()
    await store.fetch([Reference("a", property="x"), Reference("a", property="y"), Reference("b")])
    await store.close()
    assert counts.seen == {
        ("HashiCorp/Vault", "LookupSelf", False): 1,
        ("HashiCorp/Vault", "ReadSecretData", False): 2,
    }


async def test_an_answer_is_a_success_even_when_there_is_no_such_secret() -> None:
    counts = Counts()
    opened = await CountingOpener(counts)("vault", CONFIG, Credentials())
    assert isinstance(opened, CountedStore)
    await opened.close()
    a, b, c = Reference("a", property="x"), Reference("b"), Reference("c")
    shelf = Shelf({a: Value(b"1"), b: NotFound("no"), c: Unavailable("down")})
    opened._store = shelf
    assert await opened.fetch([a, b, c]) is shelf.results
    await opened.check()
    await opened.close()
    assert shelf.closed
    assert counts.seen == {
        ("HashiCorp/Vault", "ReadSecretData", True): 2,
        ("HashiCorp/Vault", "ReadSecretData", False): 1,
        ("HashiCorp/Vault", "LookupSelf", True): 1,
    }


async def test_a_provider_without_an_api_is_not_counted() -> None:
    counts = Counts()
    store = await CountingOpener(counts)("fake", {"data": [{"key": "a", "value": "v"}]}, Credentials())
    await store.fetch([Reference("a")])
    await store.check()
    assert not counts.seen


async def test_finding_and_pushing_are_calls_under_names_of_their_own() -> None:
    counts = Counts()
    store = await CountingOpener(counts)("vault", CONFIG, Credentials())
    push = Push(target=Target("a"), source=Secret(name="s", items={"k": Value(b"v")}), item="k")
    for call in (
        store.find(Search()),
        store.push(push),
        store.delete(Target("a")),
        store.exists(Target("a")),
    ):
        with pytest.raises(StoreError):
            await call
    await store.close()
    assert counts.seen == {
        ("HashiCorp/Vault", "ListSecrets", False): 1,
        ("HashiCorp/Vault", "WriteSecretData", False): 1,
        ("HashiCorp/Vault", "DeleteSecret", False): 1,
        ("HashiCorp/Vault", "ReadSecretData", False): 1,
    }
