"""Maps: made, changed in place, read, merged and copied."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.templates.functions import dicts, versions
from sealbridge.templates.go.values import FunctionError, Ints, NilList, NilStrings, StringMap, Strings
from sealbridge.templates.limits import BoundExceeded, Budget, Limits


@pytest.mark.parametrize(
    ("items", "made"),
    [
        ((), {}),
        ((b"a",), {b"a": b""}),
        ((b"a", 1, b"b"), {b"a": 1, b"b": b""}),
        ((b"a", 1, b"a", None), {b"a": None}),
        ((1, 2, None, 3, [1], 4), {b"1": 2, b"<nil>": 3, b"[1]": 4}),
    ],
)
def test_keys_and_values_take_turns(items: tuple[Any, ...], made: dict[bytes, Any]) -> None:
    assert dicts.dict_(Budget(), *items) == made


def test_setting_and_unsetting_change_the_map_itself() -> None:
    mapping: dict[bytes, Any] = {b"a": 1}
    assert dicts.set_(mapping, b"b", 2) is mapping
    assert dicts.unset(mapping, b"a") is mapping
    assert dicts.unset(mapping, b"none") is mapping
    assert mapping == {b"b": 2}


def test_a_map_that_is_nil_can_be_read_but_not_changed() -> None:
    assert dicts.get(None, b"a") == b""
    assert dicts.has_key(None, b"a") is False
    assert dicts.pluck(b"a", None) == dicts.values(None) == dicts.keys(Budget(), None) == []
    assert dicts.pick(None, b"a") == dicts.omit(None, b"a") == dicts.unset(None, b"a") == {}
    with pytest.raises(FunctionError, match="nil cannot be changed"):
        dicts.set_(None, b"a", 1)


def test_reading() -> None:
    mapping = {b"b": 1, b"a": None, b"c": 3}
    assert [dicts.get(mapping, key) for key in (b"b", b"a", b"none")] == [1, None, b""]
    assert [dicts.has_key(mapping, key) for key in (b"a", b"none")] == [True, False]
    assert dicts.pluck(b"a", mapping, {}, {b"a": 5}) == [None, 5]
    assert dicts.pick(mapping, b"c", b"b", b"none") == {b"b": 1, b"c": 3}
    assert dicts.omit(mapping, b"c", b"none") == {b"b": 1, b"a": None}


def test_keys_and_values_are_in_order() -> None:
    mapping = {b"b": 1, b"a": None, b"c": 3}
    found = dicts.keys(Budget(), mapping, {b"z": 1, b"a": 1})
    assert (type(found), found) == (Strings, [b"a", b"b", b"c", b"a", b"z"])
    assert dicts.values(mapping) == [None, 1, 3]


def test_the_first_map_takes_everything_and_comes_back() -> None:
    target = {b"a": 1, b"m": {b"x": 1}}
    sources = ({b"a": 2, b"b": 3}, None, {b"b": 4, b"m": {b"y": 2}})
    assert dicts.merge(Budget(), target, *sources) is target
    assert target == {b"a": 1, b"b": 3, b"m": {b"x": 1, b"y": 2}}
    assert dicts.merge_overwrite(Budget(), target, *sources) is target
    assert target == {b"a": 2, b"b": 4, b"m": {b"x": 1, b"y": 2}}


@pytest.mark.parametrize(
    "merge", [dicts.merge, dicts.merge_overwrite, dicts.must_merge, dicts.must_merge_overwrite]
)
def test_a_map_that_is_nil_is_merged_as_an_empty_one(merge: Any) -> None:
    assert merge(Budget(), None, {b"a": 1}, None) == {b"a": 1}
    assert merge(Budget(), None) == {}


def test_only_functions_with_must_fail_where_mergo_returns_an_error() -> None:
    target, source = {b"v": versions.semver(b"1.2.3")}, {b"v": {b"a": 1}}
    assert dicts.merge(Budget(), target, source) == b""
    with pytest.raises(FunctionError, match="pointer cannot be merged"):
        dicts.must_merge(Budget(), target, source)
    assert dicts.must_merge_overwrite(Budget(), target, source) == {b"v": {b"a": 1}}


@pytest.mark.parametrize("merge", [dicts.merge, dicts.must_merge])
def test_all_fail_where_mergo_panics(merge: Any) -> None:
    with pytest.raises(FunctionError, match="different types"):
        merge(Budget(), {b"m": StringMap({b"a": b"x"})}, {b"m": {b"b": b"y"}})


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((b"a", b"b", b"none", {b"a": {b"b": 1}}), 1),
        ((b"a", b"c", b"none", {b"a": {b"b": 1}}), b"none"),
        ((b"x", b"c", b"none", {b"a": 1}), b"none"),
        ((b"a", b"none", {b"a": None}), None),
        ((b"a", None, {}), None),
    ],
)
def test_digging_ends_at_a_value_or_the_default(arguments: tuple[Any, ...], found: Any) -> None:
    assert dicts.dig(*arguments) == found


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "keys, a default and a map"),
        ((b"a", {}), "keys, a default and a map"),
        ((1, b"none", {}), "no string"),
        ((b"a", b"none", None), "no map"),
        ((b"a", b"none", []), "no map"),
        ((b"a", b"none", StringMap({b"a": b"x"})), "no map"),
        ((b"a", b"b", b"none", {b"a": 1}), "no map"),
        ((b"a", b"b", b"none", {b"a": None}), "no map"),
        ((b"a", b"_0", b"none", {b"a": StringMap({b"_0": b"x"})}), "no map"),
    ],
)
def test_digging_where_no_map_is_fails(arguments: tuple[Any, ...], why: str) -> None:
    with pytest.raises(FunctionError, match=why):
        dicts.dig(*arguments)


def test_a_copy_shares_nothing_and_keeps_all_types() -> None:
    value = {b"l": [1, {b"x": None}], b"s": Strings([b"a"]), b"m": StringMap({b"k": b"v"}), b"i": Ints([1])}
    copy = dicts.deep_copy(Budget(), value)
    assert copy == value
    for key, entry in value.items():
        assert type(copy[key]) is type(entry)
        assert copy[key] is not entry
    assert copy[b"l"][1] is not value[b"l"][1]
    assert [type(dicts.deep_copy(Budget(), [nil])[0]) for nil in (NilList(), NilStrings())] == [
        NilList,
        NilStrings,
    ]


def test_a_copied_version_loses_its_numbers_as_in_sprig() -> None:
    assert dicts.deep_copy(Budget(), versions.semver(b"1.2.3")).string() == b"0.0.0"


def test_nothing_cannot_be_copied() -> None:
    with pytest.raises(FunctionError, match="nothing to copy"):
        dicts.deep_copy(Budget(), None)


def test_copying_is_bounded() -> None:
    within: list[Any] = []
    within.append(within)
    with pytest.raises(BoundExceeded, match="nested more than"):
        dicts.deep_copy(Budget(), within)
    doubled: list[Any] = [1]
    for _ in range(30):
        doubled = [doubled, doubled]
    with pytest.raises(BoundExceeded, match="more than 1000 steps"):
        dicts.deep_copy(Budget(Limits(steps=1000)), doubled)
