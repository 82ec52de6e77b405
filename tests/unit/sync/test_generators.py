"""What generators make, with dice that are known."""

from __future__ import annotations

import base64
import random
import string
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.errors import Invalid
from sealbridge.sync.generators import API_VERSION, generate

SYMBOLS = '~!@#$%^&*()_+`-={}|[]\\:"<>?,./'


def made(kind: str, spec: dict[str, Any] | None = None, *, seed: int = 1) -> dict[str, str]:
    obj: dict[str, Any] = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "g"}}
    if spec is not None:
        obj["spec"] = spec
    return {key: value.reveal().decode() for key, value in generate(obj, random.Random(seed)).items()}


def counts(password: str, symbols: str = SYMBOLS) -> tuple[int, int, int]:
    """Letters, digits, symbols."""
    return (
        sum(c in string.ascii_letters for c in password),
        sum(c in string.digits for c in password),
        sum(c in symbols for c in password),
    )


def test_a_password_has_24_different_characters_a_quarter_digits_and_a_quarter_symbols() -> None:
    (password,) = made("Password").values()
    assert counts(password) == (12, 6, 6)
    assert len(set(password)) == 24
    assert made("Password", {"length": 0})["password"] == password


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"length": 10}, (6, 2, 2)),
        ({"length": 10, "digits": 0, "symbols": 0}, (10, 0, 0)),
        ({"length": 10, "digits": 10, "symbols": 0}, (0, 10, 0)),
        ({"length": 100, "allowRepeat": True}, (50, 25, 25)),
        ({"length": 3}, (3, 0, 0)),
    ],
)
def test_the_parts_of_a_password_can_be_chosen(spec: dict[str, Any], expected: tuple[int, int, int]) -> None:
    assert counts(made("Password", spec)["password"]) == expected


@given(st.integers(1, 200), st.integers(0, 50), st.integers(0, 50), st.integers())
def test_a_password_has_the_length_that_was_asked_for(
    length: int, digits: int, symbols: int, seed: int
) -> None:
    spec = {"length": length, "digits": digits, "symbols": symbols, "allowRepeat": True}
    if digits + symbols > length:
        with pytest.raises(Invalid, match="are more than the length"):
            made("Password", spec, seed=seed)
    else:
        assert len(made("Password", spec, seed=seed)["password"]) == length


def test_passwords_can_do_without_upper_case_and_with_other_symbols() -> None:
    spec = {"length": 20, "noUpper": True, "symbolCharacters": "-_+.!"}
    password = made("Password", spec)["password"]
    assert password == password.lower()
    assert counts(password, "-_+.!") == (10, 5, 5)


@pytest.mark.parametrize(
    ("encoding", "decode"),
    [
        ("raw", str.encode),
        ("base64", base64.b64decode),
        ("base64url", base64.urlsafe_b64decode),
        ("base32", base64.b32decode),
        ("hex", bytes.fromhex),
    ],
)
def test_a_password_can_be_encoded(encoding: str, decode: Any) -> None:
    assert (
        decode(made("Password", {"encoding": encoding})["password"]) == made("Password")["password"].encode()
    )


def test_one_generator_makes_several_passwords() -> None:
    passwords = made("Password", {"secretKeys": ["admin", "reader"]})
    assert passwords.keys() == {"admin", "reader"}
    assert passwords["admin"] != passwords["reader"]


def test_other_dice_other_password() -> None:
    assert made("Password", seed=1) != made("Password", seed=2)


@pytest.mark.parametrize("spec", [None, {}])
def test_a_uuid_is_random(spec: dict[str, Any] | None) -> None:
    (text,) = made("UUID", spec).values()
    assert uuid.UUID(text).version == 4
    assert made("UUID", spec, seed=2) != {"uuid": text}


def test_a_fake_gives_what_it_holds() -> None:
    assert made("Fake", {"data": {"user": "bob", "pw": "x"}}) == {"user": "bob", "pw": "x"}


@pytest.mark.parametrize(
    ("kind", "field", "spec", "keys"),
    [
        ("Password", "passwordSpec", {"length": 8}, {"password"}),
        ("UUID", "uuidSpec", {}, {"uuid"}),
        ("Fake", "fakeSpec", {"data": {"a": "b"}}, {"a"}),
    ],
)
def test_a_cluster_generator_is_one_of_the_others(
    kind: str, field: str, spec: dict[str, Any], keys: set[str]
) -> None:
    assert made("ClusterGenerator", {"kind": kind, "generator": {field: spec}}).keys() == keys


@pytest.mark.parametrize(
    ("kind", "spec", "error"),
    [
        ("Password", {"length": 8, "digits": 5, "symbols": 4}, "spec: 5 digits and 4 symbols are more than"),
        ("Password", {"length": 100}, "spec: there are only 10 different digits, which is less than 25"),
        ("Password", {"length": 80, "digits": 0, "symbols": 0}, "spec: there are only 52 different letters"),
        ("Password", {"digits": -1}, "spec: digits and symbols must not be negative"),
        ("Password", {"length": 10_000_000}, "spec: length must not be more than 65536"),
        ("Password", {"encoding": "rot13"}, "spec.encoding: invalid enum value 'rot13'"),
        ("Password", {"secretKeys": ["a", "a"]}, "spec.secretKeys: must be different and not empty"),
        ("Password", {"secretKeys": [""]}, "spec.secretKeys: must be different and not empty"),
        ("Password", {"lenght": 3}, "spec.lenght: there is no such field, or it is not supported yet"),
        ("UUID", {"version": 7}, "spec.version: there is no such field, or it is not supported yet"),
        ("Fake", {"data": {"a": 1}}, "spec.data[...]: expected `str`, got `int`"),
        ("Fake", {"controller": "other"}, "spec.controller: another controller, 'other', takes care of it"),
        ("ClusterGenerator", {"kind": "VaultDynamicSecret", "generator": {}}, "spec.kind: the generator"),
        ("ClusterGenerator", {"kind": "UUID", "generator": {}}, "spec.generator.uuidSpec: is missing"),
    ],
)
def test_what_is_wrong_with_a_generator_is_told_by_its_field(
    kind: str, spec: dict[str, Any], error: str
) -> None:
    with pytest.raises(Invalid) as caught:
        made(kind, spec)
    assert str(caught.value).startswith(error)
