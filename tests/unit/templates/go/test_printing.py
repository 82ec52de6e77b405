"""Default printing: every type alone and within others, operands side by side, and the bounds."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from sealbridge.templates.go.printing import Text, sprint, sprintln, text_of
from sealbridge.templates.go.values import (
    INVALID,
    Int64,
    Ints,
    Lists,
    NilStrings,
    Object,
    StringMap,
    StringMaps,
    Strings,
    Uint8,
)
from sealbridge.templates.limits import DEFAULT, BoundExceeded


class Pair(Object):
    """A struct without a text of its own."""

    type_name = "test.Pair"
    fields: ClassVar = {"Cert": "first", "Key": "second"}

    def __init__(self, first: Any, second: Any) -> None:
        self.first = first
        self.second = second


class Pointer(Pair):
    """A pointer to one."""

    kind = "ptr"
    type_name = "*test.Pair"


class Version(Object):
    """A struct that says itself what it is."""

    type_name = "test.Version"

    def string(self) -> bytes:
        return b"v1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"text", b"text"),
        (b"\xff", b"\xff"),
        (True, b"true"),
        (False, b"false"),
        (-1, b"-1"),
        (Int64(7), b"7"),
        (Uint8(65), b"65"),
        (1.0, b"1"),
        (1e6, b"1e+06"),
        (-0.0, b"-0"),
        (float("inf"), b"+Inf"),
        (float("nan"), b"NaN"),
        (None, b"<nil>"),
        (INVALID, b"<no value>"),
        ([], b"[]"),
        ([1, b"a b", None, 2.5, [b"", []]], b"[1 a b <nil> 2.5 [ []]]"),
        (Strings([b"a", b"b"]), b"[a b]"),
        (NilStrings(), b"[]"),
        (Ints([1, 2]), b"[1 2]"),
        (Lists([[1], []]), b"[[1] []]"),
        ({}, b"map[]"),
        ({b"b": 1, b"a": None, b"": {b"x": []}}, b"map[:map[x:[]] a:<nil> b:1]"),
        ({b"10": 1, b"9": 2, b"a": 3, b"B": 4, b"\xc3\xa9": 5}, "map[10:1 9:2 B:4 a:3 é:5]".encode()),
        (StringMap({b"b": b"x", b"a": b"y"}), b"map[a:y b:x]"),
        (StringMaps({b"a": StringMap({b"k": b"v"})}), b"map[a:map[k:v]]"),
        (Pair(b"c", [1]), b"{c [1]}"),
        (Pointer(b"c", None), b"&{c <nil>}"),
        ([Pair(b"c", b"k"), Version()], b"[{c k} v1]"),
        ([Pointer(1, 2)], b"[0xc000010000]"),
        (Version(), b"v1"),
        ({b"v": Version()}, b"map[v:v1]"),
    ],
)
def test_a_value_prints_as_go_prints_it(value: Any, text: bytes) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("values", "together", "line"),
    [
        ([], b"", b"\n"),
        ([b"a", b"b"], b"ab", b"a b\n"),
        ([1, 2], b"1 2", b"1 2\n"),
        ([b"a", 1, 2, b"b", 3], b"a1 2b3", b"a 1 2 b 3\n"),
        ([None, None], b"<nil> <nil>", b"<nil> <nil>\n"),
        ([b"", 1, b"", 2], b"12", b" 1  2\n"),
        ([[1], {}, Version()], b"[1] map[] v1", b"[1] map[] v1\n"),
    ],
)
def test_spaces_stand_between_operands_that_are_no_strings(
    values: list[Any], together: bytes, line: bytes
) -> None:
    assert sprint(values) == together
    assert sprintln(values) == line


def test_what_contains_itself_is_too_deep() -> None:
    endless: list[Any] = []
    endless.append({b"again": endless})
    with pytest.raises(BoundExceeded, match="nested more than 100 levels"):
        text_of(endless)


def test_what_holds_a_value_many_times_over_is_too_large() -> None:
    doubled: Any = b"text"
    for _ in range(40):
        doubled = [doubled, doubled]
    with pytest.raises(BoundExceeded, match=f"more than {DEFAULT.size} bytes"):
        text_of(doubled)


def test_a_text_grows_to_its_size_and_no_further() -> None:
    text = Text(4)
    text.add(b"four")
    with pytest.raises(BoundExceeded, match="more than 4 bytes"):
        text.add(b"!")
    assert text.whole() == b"four"
