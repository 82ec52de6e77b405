"""Two maps become one as mergo makes them, types, errors and all."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.templates.functions.versions import semver
from sealbridge.templates.go.merging import MergeError, merge
from sealbridge.templates.go.values import FunctionError, NilList, StringMap, StringMaps, Strings
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

VERSION = semver(b"1.2.3")


@pytest.mark.parametrize(
    ("target", "source", "kept", "overwritten"),
    [
        (1, 2, 1, 2),
        (1, 0, 1, 0),
        (1, None, 1, None),
        (0, 2, 2, 2),
        (b"", b"x", b"x", b"x"),
        (None, 2, 2, 2),
        (False, True, True, True),
        ([1], [2, 3], [1], [2, 3]),
        ([1], [], [1], []),
        ([], [2], [2], [2]),
        (b"x", [1], b"x", [1]),
        ([1], b"x", [1], b"x"),
        (Strings([b"a"]), [1], Strings([b"a"]), [1]),
        ({b"x": 1}, {b"x": 2, b"y": 3}, {b"x": 1, b"y": 3}, {b"x": 2, b"y": 3}),
        ({b"x": 1}, {}, {b"x": 1}, {b"x": 1}),
        ({b"x": 1}, b"x", {b"x": 1}, b"x"),
        (b"x", {b"x": 1}, b"x", {b"x": 1}),
        ([1], {b"x": 1}, [1], {b"x": 1}),
        ({b"x": 1}, VERSION, {b"x": 1}, VERSION),
        (VERSION, 1, VERSION, 1),
        (StringMap({b"x": b"1"}), StringMap({b"x": b"2"}), {b"x": b"1"}, {b"x": b"2"}),
        (StringMap({b"x": b"1"}), {b"x": b"2"}, {b"x": b"1"}, FunctionError),
        (StringMap({b"x": b"1"}), {b"y": b"2"}, FunctionError, FunctionError),
        (StringMap({b"x": b"1"}), {b"x": None}, {b"x": b"1"}, FunctionError),
        (StringMap({b"x": b"1"}), {b"x": [1]}, FunctionError, FunctionError),
        (StringMaps({b"x": StringMap({b"y": b"1"})}), {b"x": [1]}, {b"x": {b"y": b"1"}}, FunctionError),
        ({b"x": 1}, StringMap({b"y": b"2"}), {b"x": 1, b"y": b"2"}, {b"x": 1, b"y": b"2"}),
        (VERSION, {b"x": 1}, MergeError, {b"x": 1}),
        (VERSION, VERSION, VERSION, VERSION),
    ],
)
def test_one_value_meets_another(target: Any, source: Any, kept: Any, overwritten: Any) -> None:
    for expected, overwrite in ((kept, False), (overwritten, True)):
        merged = {b"k": type(target)(target) if isinstance(target, dict) else target}
        if isinstance(expected, type):
            with pytest.raises(expected):
                merge(Budget(), merged, {b"k": source}, overwrite=overwrite)
        else:
            merge(Budget(), merged, {b"k": source}, overwrite=overwrite)
            assert merged == {b"k": expected}


@pytest.mark.parametrize("value", [0, b"", [], NilList(), {}, VERSION])
def test_what_is_missing_is_taken_over_even_when_it_is_empty(value: Any) -> None:
    target: dict[bytes, Any] = {}
    merge(Budget(), target, {b"k": value}, overwrite=False)
    assert target[b"k"] is value


def test_nil_is_taken_over_by_overwriting_alone() -> None:
    target: dict[bytes, Any] = {}
    merge(Budget(), target, {b"k": None}, overwrite=False)
    assert target == {}
    merge(Budget(), target, {b"k": None}, overwrite=True)
    assert target == {b"k": None}


def test_maps_within_the_target_are_changed_and_those_of_the_source_shared() -> None:
    inner, new = {b"x": 1}, {b"z": 1}
    target, source = {b"m": inner}, {b"m": {b"y": 2}, b"n": new}
    merge(Budget(), target, source, overwrite=False)
    assert inner == {b"x": 1, b"y": 2}
    assert target[b"n"] is new
    assert source == {b"m": {b"y": 2}, b"n": {b"z": 1}}


def test_a_map_that_contains_itself_ends_at_the_bound() -> None:
    target: dict[bytes, Any] = {b"a": 1}
    target[b"self"] = target
    source: dict[bytes, Any] = {b"a": 1}
    source[b"self"] = source
    with pytest.raises(BoundExceeded, match="nested more than"):
        merge(Budget(), target, source, overwrite=False)


def test_entries_are_steps() -> None:
    with pytest.raises(BoundExceeded, match="more than 10 steps"):
        merge(Budget(Limits(steps=10)), {}, {b"%d" % key: key for key in range(11)}, overwrite=True)
