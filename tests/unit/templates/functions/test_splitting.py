"""Strings into parts and back, and what counts as a list of strings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.functions import splitting
from sealbridge.templates.go.values import Ints, Lists, NilStrings, StringMap, Strings
from sealbridge.templates.limits import BoundExceeded, Budget, Limits


@pytest.mark.parametrize(
    ("separator", "number", "text", "parts"),
    [
        (b",", -1, b"a,b,,c", [b"a", b"b", b"", b"c"]),
        (b",", -1, b"", [b""]),
        (b"aa", -1, b"aaaaa", [b"", b"", b"a"]),
        (b",", 0, b"a,b", []),
        (b",", 1, b"a,b", [b"a,b"]),
        (b",", 2, b"a,b,c", [b"a", b"b,c"]),
        (b",", 9, b"a,b", [b"a", b"b"]),
        (b"", -1, "aé\xff".encode("latin-1"), [b"a", b"\xe9", b"\xff"]),
        (b"", -1, "aé日".encode(), [b"a", "é".encode(), "日".encode()]),
        (b"", 2, "aé日".encode(), [b"a", "é日".encode()]),
        (b"", 3, b"abc", [b"a", b"b", b"c"]),
        (b"", 0, b"abc", []),
        (b"", -1, b"", []),
    ],
)
def test_parts_are_those_of_go(separator: bytes, number: int, text: bytes, parts: list[bytes]) -> None:
    numbered = splitting.splitn(Budget(), separator, number, text)
    assert type(numbered) is StringMap
    assert numbered == {f"_{place}".encode(): part for place, part in enumerate(parts)}
    if number < 0:
        assert splitting.split(Budget(), separator, text) == numbered
        found = splitting.split_list(Budget(), separator, text)
        assert type(found) is Strings
        assert found == parts


@given(st.binary(max_size=20), st.binary(max_size=2))
def test_what_is_split_can_be_joined_again(text: bytes, separator: bytes) -> None:
    assert splitting.join(Budget(), separator, splitting.split_list(Budget(), separator, text)) == text


@pytest.mark.parametrize(
    ("items", "texts"),
    [
        ([1, b"two", None, True, 2.5, [None]], [b"1", b"two", b"true", b"2.5", b"[<nil>]"]),
        (Ints([1, 2]), [b"1", b"2"]),
        (Lists([[1], []]), [b"[1]", b"[]"]),
        (NilStrings(), []),
        (None, []),
        (b"a,b", [b"a,b"]),
        ({b"a": 1}, [b"map[a:1]"]),
    ],
)
def test_anything_is_a_list_of_strings(items: Any, texts: list[bytes]) -> None:
    found = splitting.to_strings(Budget(), items)
    assert isinstance(found, Strings)
    assert found == texts
    assert splitting.join(Budget(), b"+", items) == b"+".join(texts)


def test_a_list_of_strings_is_sorted_itself() -> None:
    strings = Strings([b"b", b"\xff", b"", b"a", b"B"])
    assert splitting.sort_alpha(Budget(), strings) is strings
    assert strings == [b"", b"B", b"a", b"b", b"\xff"]


def test_any_other_list_stays_as_it_is() -> None:
    items = [10, 9, None, b"1"]
    found = splitting.sort_alpha(Budget(), items)
    assert (type(found), found, items) == (Strings, [b"1", b"10", b"9"], [10, 9, None, b"1"])


@pytest.mark.parametrize(("value", "text"), [(None, b"<nil>"), (b"ba", b"ba"), ({b"b": 1}, b"map[b:1]")])
def test_what_is_no_list_is_sorted_alone(value: Any, text: bytes) -> None:
    assert splitting.sort_alpha(Budget(), value) == [text]


def test_parts_and_texts_are_bounded() -> None:
    with pytest.raises(BoundExceeded, match="grows beyond 10 entries"):
        splitting.split(Budget(Limits(entries=10)), b",", b"," * 10)
    with pytest.raises(BoundExceeded, match="grows beyond 10 entries"):
        splitting.split_list(Budget(Limits(entries=10)), b"", b"a" * 11)
    with pytest.raises(BoundExceeded, match="grows beyond 10 bytes"):
        splitting.join(Budget(Limits(size=10)), b"12345", Strings([b"a", b"b", b"c"]))
    with pytest.raises(BoundExceeded, match="all values together"):
        splitting.to_strings(Budget(Limits(total=100)), [[b"a" * 30]] * 4)
