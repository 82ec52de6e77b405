"""reflect.DeepEqual: types, NaN, nil, maps that contain themselves, and its price."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.go.equality import Collection, deep_equal
from sealbridge.templates.go.values import Int64, Ints, NilList, NilStrings, StringMap, Strings
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

NAN = float("nan")
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2), st.sampled_from([0.0, 1.0, b"", b"a", Int64(1)])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([b"a", b"b"]), inner)
)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        (1, True),
        (1, Int64(1)),
        (b"1", 1),
        (None, 0),
        (None, []),
        (NAN, NAN),
        ([NAN], [NAN]),
        ([], {}),
        ([], Strings()),
        ([1], Ints([1])),
        (Strings(), NilStrings()),
        ([], NilList()),
        ({}, StringMap()),
        ([1], [1, 1]),
        ({b"a": 1}, {b"b": 1}),
        ({b"a": None}, {}),
        ({b"a": [1, {b"b": 2}]}, {b"a": [1, {b"b": 3}]}),
    ],
)
def test_values_of_another_type_or_content_differ(left: Any, right: Any) -> None:
    assert not deep_equal(Budget(), left, right)
    assert not deep_equal(Budget(), right, left)
    assert left not in Collection(Budget(), [right])


@given(VALUES)
def test_a_copy_is_equal(value: Any) -> None:
    assert deep_equal(Budget(), value, deepcopy(value))
    assert deepcopy(value) in Collection(Budget(), [b"other", [], {}, value])


def test_zeros_are_equal_and_so_is_nan_within_the_same_list() -> None:
    within = [NAN]
    assert deep_equal(Budget(), 0.0, -0.0)
    assert deep_equal(Budget(), within, within)
    assert deep_equal(Budget(), {b"a": within}, {b"a": within})


def test_maps_that_contain_themselves_are_compared_once() -> None:
    left: dict[bytes, Any] = {b"x": [1]}
    right: dict[bytes, Any] = {b"x": [1]}
    left[b"self"], right[b"self"] = left, right
    assert deep_equal(Budget(), left, right)
    right[b"x"] = [2]
    assert not deep_equal(Budget(), left, right)


def test_comparing_costs_steps() -> None:
    with pytest.raises(BoundExceeded, match="more than 100 steps"):
        deep_equal(Budget(Limits(steps=100)), [0] * 101, [0] * 101)
    with pytest.raises(BoundExceeded, match="more than 100 steps"):
        assert [-1] not in Collection(Budget(Limits(steps=100)), [[number] for number in range(101)])
