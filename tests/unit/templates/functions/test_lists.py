"""Lists of any element type: what comes out, of which type, and what no list is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sealbridge.templates.functions import lists
from sealbridge.templates.functions.table import TABLE
from sealbridge.templates.go.values import (
    FunctionError,
    Int64,
    Ints,
    Lists,
    NilList,
    NilStrings,
    Strings,
)
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

NAN = float("nan")
HIGHEST = (1 << 63) - 1


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """With a budget where the function wants one."""
    takes_budget = any(
        row.parameters.startswith("budget")
        for row in TABLE.values()
        if row.group == "lists" and row.attribute == function.__name__
    )
    return function(*([Budget()] if takes_budget else []), *arguments)


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        (lists.list_, (), []),
        (lists.list_, (1, None), [1, None]),
        (lists.push, (Strings([b"a"]), 1), [b"a", 1]),
        (lists.push, (NilList(), None), [None]),
        (lists.prepend, (Ints([1]), b"a"), [b"a", 1]),
        (lists.rest, (Strings([b"a", b"b"]),), [b"b"]),
        (lists.rest, ([1],), []),
        (lists.initial, (Ints([1, 2]),), [1]),
        (lists.reverse, (Strings([b"a", b"b"]),), [b"b", b"a"]),
        (lists.reverse, (NilStrings(),), []),
        (
            lists.uniq,
            ([1, 1.0, True, b"1", Int64(1), 1, 1.0, None, None],),
            [1, 1.0, True, b"1", Int64(1), None],
        ),
        (lists.uniq, ([[1], [1], {b"a": [1]}, {b"a": [1]}, [1.0]],), [[1], {b"a": [1]}, [1.0]]),
        (lists.without, ([1, 2, [3], 2], 2, [3]), [1]),
        (lists.without, (Ints([1, 2]), 1.0), [1, 2]),
        (lists.compact, ([0, b"", None, [], False, [0], b"a"],), [[0], b"a"]),
        (lists.concat, (Strings([b"a"]), [1], NilList()), [b"a", 1]),
    ],
)
def test_a_new_list_takes_any_values(function: Callable[..., Any], arguments: Any, result: list[Any]) -> None:
    before = [type(argument)(argument) if isinstance(argument, list) else argument for argument in arguments]
    found = call(function, *arguments)
    assert type(found) is list
    assert [(type(item), item) for item in found] == [(type(item), item) for item in result]
    assert list(arguments) == before


def test_nan_is_never_there_already() -> None:
    assert len(call(lists.uniq, [NAN, NAN])) == 2
    assert len(call(lists.without, [NAN], NAN)) == 1
    assert call(lists.has, NAN, [NAN]) is False


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (lists.rest, ([],)),
        (lists.rest, (NilStrings(),)),
        (lists.initial, (Strings(),)),
        (lists.concat, ()),
        (lists.concat, ([], Strings())),
    ],
)
def test_where_nothing_is_left_the_list_is_nil(function: Callable[..., Any], arguments: Any) -> None:
    assert type(call(function, *arguments)) is NilList


@pytest.mark.parametrize("empty", [[], Strings(), NilStrings(), NilList(), Ints()])
def test_an_empty_list_has_no_first_last_or_part(empty: list[Any]) -> None:
    assert (lists.first(empty), lists.last(empty), lists.slice_(empty, 5)) == (None, None, None)


def test_the_ends_of_a_list() -> None:
    assert (lists.first([None, 1]), lists.first(Strings([b"a", b"b"])), lists.last(Ints([1, 2]))) == (
        None,
        b"a",
        2,
    )


@pytest.mark.parametrize(
    ("item", "items", "there"),
    [
        (1, [1], True),
        (1, [1.0, b"1", True, Int64(1)], False),
        (None, [None], True),
        (None, [], False),
        ([1], [[1]], True),
        (b"a", Strings([b"a"]), True),
        (b"a", None, False),
    ],
)
def test_a_value_is_found_by_type_and_contents(item: Any, items: Any, there: bool) -> None:
    assert call(lists.has, item, items) is there


@pytest.mark.parametrize(
    ("items", "bounds", "part"),
    [
        ([1, 2, 3], (), [1, 2, 3]),
        ([1, 2, 3], (1,), [2, 3]),
        ([1, 2, 3], (1, 2), [2]),
        ([1, 2, 3], (3,), []),
        ([1, 2, 3], (b"1", 2.9), [2]),
        ([1, 2, 3], (None, True), [1]),
        ([1, 2, 3], (b"x", 1, 99), [1]),
        (Strings([b"a", b"b"]), (1,), Strings([b"b"])),
        (Ints([1, 2]), (0, Int64(1)), Ints([1])),
        (Lists([[1], [2]]), (1,), Lists([[2]])),
        (b"abc", (1, 2), b"b"),
    ],
)
def test_a_part_has_the_type_of_its_list(items: Any, bounds: tuple[Any, ...], part: Any) -> None:
    found = lists.slice_(items, *bounds)
    assert (type(found), found) == (type(items), part)


@pytest.mark.parametrize("bounds", [(2, 1), (-1,), (0, 4), (4,)])
def test_a_part_beyond_the_list_fails(bounds: tuple[int, ...]) -> None:
    with pytest.raises(FunctionError, match="shorter than the part"):
        lists.slice_([1, 2, 3], *bounds)


@pytest.mark.parametrize(
    ("size", "items", "parts"),
    [
        (2, [1, 2, 3], [[1, 2], [3]]),
        (3, Ints([1, 2, 3]), [[1, 2, 3]]),
        (9, [1], [[1]]),
        (2, [], []),
        (-2, [1], [[1]]),
        (-5, [1, 2, 3], []),
        (-1, [1, 2], []),
    ],
)
def test_a_list_is_cut_into_lists(size: int, items: list[Any], parts: list[Any]) -> None:
    found = call(lists.chunk, size, items)
    assert (type(found), found) == (Lists, parts)
    assert all(type(part) is list for part in found)


@pytest.mark.parametrize(
    ("size", "items"),
    [(0, []), (0, [1]), (-1, [1]), (-2, []), (-1, []), (-1, [1, 2, 3]), (-2, [1, 2, 3, 4, 5])],
)
def test_sizes_that_make_sprig_panic_fail(size: int, items: list[Any]) -> None:
    with pytest.raises(FunctionError, match="parts of that size"):
        call(lists.chunk, size, items)


@pytest.mark.parametrize(
    "function",
    [
        lists.first,
        lists.last,
        lists.rest,
        lists.initial,
        lists.reverse,
        lists.compact,
        lists.uniq,
        lists.without,
        lists.concat,
        lambda items: lists.push(items, 1),
        lambda items: lists.prepend(items, 1),
        lambda items: lists.chunk(Budget(), 1, items),
    ],
)
@pytest.mark.parametrize("value", [None, b"", b"abc", 0, 1, {}, {b"a": 1}, 1.5])
def test_what_is_no_list_fails(function: Callable[..., Any], value: Any) -> None:
    with pytest.raises(FunctionError, match="where a list is expected"):
        call(function, value)


@pytest.mark.parametrize("value", [0, 1, {}, {b"a": 1}, 1.5])
def test_what_is_no_list_has_no_part_and_no_value(value: Any) -> None:
    with pytest.raises(FunctionError, match="where a list is expected"):
        lists.slice_(value, 0)
    with pytest.raises(FunctionError, match="where a list is expected"):
        lists.has(Budget(), 1, value)


@pytest.mark.parametrize(
    ("start", "stop", "step", "numbers"),
    [
        (0, 10, 3, [0, 3, 6, 9]),
        (3, 9, 2, [3, 5, 7]),
        (10, 0, -3, [10, 7, 4, 1]),
        (0, 10, -1, []),
        (10, 0, 1, []),
        (0, 10, 0, []),
        (10, 0, 0, []),
        (5, 5, 1, []),
        (5, 5, -1, []),
        (-5, 0, 2, [-5, -3, -1]),
        (HIGHEST - 1, HIGHEST, 1, [HIGHEST - 1]),
    ],
)
def test_numbers_go_up_or_down_in_steps(start: int, stop: int, step: int, numbers: list[int]) -> None:
    found = lists.until_step(Budget(), start, stop, step)
    assert (type(found), found) == (Ints, numbers)


def test_numbers_up_to_a_count() -> None:
    assert [lists.until(Budget(), count) for count in (3, 0, -2)] == [[0, 1, 2], [], [0, -1]]


@pytest.mark.parametrize(
    ("bounds", "numbers"),
    [
        ((), b""),
        ((3,), b"1 2 3"),
        ((0,), b"1 0"),
        ((-1,), b"1 0 -1"),
        ((2, 4), b"2 3 4"),
        ((4, 2), b"4 3 2"),
        ((3, 3), b"3"),
        ((0, 2, 5), b"0 2 4"),
        ((0, -2, -5), b"0 -2 -4"),
        ((5, 2, 0), b""),
        ((0, -1, 5), b""),
        ((0, 0, 5), b""),
        ((1, 2, 3, 4), b""),
        ((HIGHEST - 1, HIGHEST), b""),
    ],
)
def test_seq_counts_as_the_command_does(bounds: tuple[int, ...], numbers: bytes) -> None:
    assert lists.seq(Budget(), *bounds) == numbers


def test_numbers_are_bounded_before_they_are_made() -> None:
    with pytest.raises(BoundExceeded, match="grows beyond 100000 entries"):
        lists.until(Budget(), HIGHEST)
    with pytest.raises(BoundExceeded, match="grows beyond 100000 entries"):
        lists.until_step(Budget(), -HIGHEST, HIGHEST, 1)
    with pytest.raises(BoundExceeded, match="grows beyond 100000 entries"):
        lists.seq(Budget(), -HIGHEST)
    with pytest.raises(FunctionError, match="beyond 64 bits"):
        lists.until_step(Budget(), HIGHEST - 5, HIGHEST, 10)


def test_lists_and_comparisons_are_bounded() -> None:
    with pytest.raises(BoundExceeded, match="grows beyond 10 entries"):
        lists.concat(Budget(Limits(entries=10)), [0] * 6, [0] * 5)
    with pytest.raises(BoundExceeded, match="grows beyond 10 entries"):
        lists.chunk(Budget(Limits(entries=10)), 1, [0] * 11)
    with pytest.raises(BoundExceeded, match="more than 1000 steps"):
        lists.uniq(Budget(Limits(steps=1000)), [[number] for number in range(100)])
