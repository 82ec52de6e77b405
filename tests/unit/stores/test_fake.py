"""The fake provider."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.errors import Invalid, NotFound, StoreError
from sealbridge.secret import Value
from sealbridge.stores.base import Reference, Store
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
