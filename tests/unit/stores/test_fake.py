"""The fake provider."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.errors import Invalid, NotFound, StoreError
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Push, Reference, Search, Store, Target
from sealbridge.stores.registry import open_store
from tests.servers.resolver import DictResolver

DATA = [
    {"key": "app", "value": '{"user":"bob","tags":["x","y"]}'},
    {"key": "app", "value": "second", "version": "v2"},
    {"key": "twice", "value": "first"},
    {"key": "twice", "value": "last"},
    {"key": "map", "valueMap": {"b": "2", "a": "1"}},
    {"key": "plain", "value": "no json"},
]


async def opened(**config: Any) -> Store:
    return await open_store("fake", {"data": DATA, **config}, DictResolver())


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        (Reference("app"), b'{"user":"bob","tags":["x","y"]}'),
        (Reference("app", property="user"), b"bob"),
        (Reference("app", property="tags.1"), b"y"),
        (Reference("app", "v2"), b"second"),
        (Reference("twice"), b"last"),
        (Reference("map"), b'{"a": "1", "b": "2"}'),
        (Reference("map", property="b"), b"2"),
    ],
)
async def test_a_value_is_found_by_key_version_and_property(reference: Reference, value: bytes) -> None:
    assert (await (await opened()).fetch([reference]))[reference] == Value(value)


@pytest.mark.parametrize(
    ("reference", "error", "what"),
    [
        (Reference("App"), NotFound, "there is no secret 'App' in the store"),
        (Reference("app", "v3"), NotFound, "there is no version 'v3' of secret 'app' in the store"),
        (Reference("app", property="zz"), NotFound, "secret 'app' has no property 'zz'"),
        (Reference("plain", property="zz"), NotFound, "secret 'plain' has no property 'zz'"),
        (
            Reference("app", property="[user]"),
            Invalid,
            "property '[user]': a multipath in a property is not supported yet",
        ),
        (Reference("app", metadata=True), Invalid, "the fake provider has no metadata to fetch"),
    ],
)
async def test_what_is_not_there_is_an_error_of_its_own(
    reference: Reference, error: type[StoreError], what: str
) -> None:
    results = await (await opened()).fetch([reference, Reference("twice")])
    assert type(results[reference]) is error
    assert getattr(results[reference], "what", None) == what
    assert results[Reference("twice")] == Value(b"last")


async def test_check_fails_when_the_spec_says_so() -> None:
    await (await opened()).check()
    await (await opened(validationResult=1)).check()
    with pytest.raises(Invalid):
        await (await opened(validationResult=2)).check()


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"data": "x"}, "spec.provider.fake.data: expected `array`, got `str`"),
        ({"data": [{"value": "hush"}]}, "spec.provider.fake.data[0]: object missing required field `key`"),
        ({"data": [{"key": "k", "value": 5}]}, "spec.provider.fake.data[0].value: expected `str`, got `int`"),
    ],
)
async def test_a_bad_spec_is_refused_by_its_field(config: dict[str, Any], error: str) -> None:
    with pytest.raises(Invalid) as caught:
        await opened(**config)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", {"app", "twice", "map", "plain"}),
        ("p$", {"app", "map"}),
        ("^a", {"app"}),
        (r"^(?:app|twice)$", {"app", "twice"}),
        ("nothing", set()),
    ],
)
async def test_find_matches_anywhere_in_a_name(name: str, found: set[str]) -> None:
    assert set(await (await opened()).find(Search(name=name, path="ignored"))) == found


async def test_find_gives_the_version_whose_text_sorts_last() -> None:
    store = await opened(data=[{"key": "k", "value": v, "version": v} for v in ("v9", "v10", "", "v2")])
    assert await store.find(Search()) == {"k": Value(b"v9")}


@pytest.mark.parametrize(
    ("search", "what"),
    [
        (Search(tags=(("a", "b"),)), "the fake provider has no tags to find by"),
        (Search(metadata=True), "the fake provider has no metadata to fetch"),
        (Search(name="("), "'(' is no regular expression of RE2"),
        (Search(name="(?=x)"), "'(?=x)' is no regular expression of RE2"),
        (Search(name="((a{1,500}){1,500}){1,9}"), "is no regular expression of RE2"),
    ],
)
async def test_what_cannot_be_found_by_is_refused(search: Search, what: str) -> None:
    with pytest.raises(Invalid) as caught:
        await (await opened()).find(search)
    assert what in caught.value.what


SOURCE = Secret(name="source", items={"k": Value(b"v"), "a": Value("ä<".encode())})


async def test_what_is_pushed_is_there_until_it_is_deleted() -> None:
    store = await opened()
    target = Target("new")
    assert await store.exists(target) is False
    assert await store.push(Push(target=target, source=SOURCE, item="k")) is True
    assert await store.push(Push(target=target, source=SOURCE, item="k")) is False
    assert await store.exists(target) is True
    assert (await store.fetch([Reference("new")]))[Reference("new")] == Value(b"v")
    assert await store.push(Push(target=target, source=SOURCE)) is True
    assert (await store.find(Search(name="new")))["new"] == Value('{"a":"ä<","k":"v"}'.encode())
    await store.delete(target)
    await store.delete(target)
    assert await store.exists(target) is False


async def test_what_stands_in_the_spec_is_neither_overwritten_nor_deleted() -> None:
    store = await opened()
    assert await store.exists(Target("app")) is True
    for write in (store.push(Push(target=Target("app"), source=SOURCE)), store.delete(Target("app"))):
        with pytest.raises(Invalid, match="'app' stands in the store's spec"):
            await write
    assert (await store.find(Search(name="twice")))["twice"] == Value(b"last")


async def test_an_item_that_the_source_does_not_have_cannot_be_pushed() -> None:
    with pytest.raises(Invalid, match='the Secret "source" has no key "zz"'):
        await (await opened()).push(Push(target=Target("new"), source=SOURCE, item="zz"))
