"""JSON: bytes as encoding/json writes them, values as it reads them, errors and bounds."""

from __future__ import annotations

import json
import math
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.functions import json_text
from sealbridge.templates.go.values import (
    FunctionError,
    Int64,
    Ints,
    NilStrings,
    Object,
    StringMap,
    Strings,
    Uint64,
)
from sealbridge.templates.limits import BoundExceeded, Budget, Limits


def call(name: str, argument: Any, **limits: Any) -> Any:
    return getattr(json_text, name)(Budget(Limits(**limits)), argument)


class Moment(Object):
    """What JSON makes of it is for the object to say."""

    type_name = "test.Moment"
    fields: ClassVar = {}

    def plain(self) -> Any:
        return {b"at": [1.5, b"<"]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (b"", '""'),
        (-1, "-1"),
        (Int64(2**63 - 1), "9223372036854775807"),
        (Uint64(2**64 - 1), "18446744073709551615"),
        (1.0, "1"),
        (-0.0, "-0"),
        (1e6, "1000000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-10, "1.5e-10"),
        (1e100, "1e+100"),
        (b'"\\/\n\r\t\b\f', r'"\"\\/\n\r\t\b\f"'),
        (b"\0\x1f\x7f", '"\\u0000\\u001f\x7f"'),
        (b"<a>&", r'"\u003ca\u003e\u0026"'),
        ("é世😀\u200b".encode(), '"é世😀\u200b"'),
        ("\u2028\u2029".encode(), r'"\u2028\u2029"'),
        (b"\xff\xe4\xb8", r'"\ufffd\ufffd\ufffd"'),
        ([], "[]"),
        ([1, None, [b"x"]], '[1,null,["x"]]'),
        (Strings([b"a"]), '["a"]'),
        (NilStrings(), "null"),
        (Ints([1, 2]), "[1,2]"),
        ({}, "{}"),
        ({b"b": 1, b"a": {}, b"": None}, '{"":null,"a":{},"b":1}'),
        ({b"<": 1, b"\xff": 2}, r'{"\u003c":1,"\ufffd":2}'),
        (StringMap({b"b": b"x", b"a": b"y"}), '{"a":"y","b":"x"}'),
        (Moment(), r'{"at":[1.5,"\u003c"]}'),
    ],
)
def test_values_become_json(value: Any, text: str) -> None:
    assert call("to_json", value) == text.encode()
    assert call("must_to_json", value) == text.encode()


def test_raw_json_escapes_no_html() -> None:
    value = {b"<": "&>\u2028".encode()}
    assert call("to_raw_json", value) == b'{"<":"&>\\u2028"}'
    assert call("must_to_raw_json", value) == b'{"<":"&>\\u2028"}'


def test_pretty_json_is_indented() -> None:
    text = b'{\n  "a": [\n    1,\n    {\n      "b": []\n    }\n  ],\n  "c": {}\n}'
    value = {b"c": {}, b"a": [1, {b"b": []}]}
    assert call("to_pretty_json", value) == text
    assert call("must_to_pretty_json", value) == text


@pytest.mark.parametrize("value", [math.nan, [math.inf], {b"a": -math.inf}])
def test_what_json_cannot_hold_fails_or_is_nothing(value: Any) -> None:
    assert call("to_json", value) == b""
    assert call("to_pretty_json", value) == b""
    for name in ("must_to_json", "must_to_pretty_json", "to_raw_json", "must_to_raw_json"):
        with pytest.raises(FunctionError, match="neither infinity nor NaN"):
            call(name, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"null", None),
        (b"true", True),
        (b" \t\r\n[1, -2.5e3 ]\n", [1.0, -2500.0]),
        (b"12345678901234567890123", 1.2345678901234568e22),
        (b'{"a": {"b": []}, "a": 2}', {b"a": 2.0}),
        (rb'"\u0041\n\/\"\\\b\f\r\t"', b'A\n/"\\\b\f\r\t'),
        (rb'"\ud83d\ude00"', "😀".encode()),
        (rb'"\ud83d \ude00\ud83d\ud83dx"', "\ufffd \ufffd\ufffd\ufffdx".encode()),
        (b'"\xff\xe4\xb8"', "\ufffd\ufffd\ufffd".encode()),
        (b'{"\xff": 1}', {"\ufffd".encode(): 1.0}),
        ('"é\u2028\x7f"'.encode(), "é\u2028\x7f".encode()),
    ],
)
def test_json_becomes_values(text: bytes, value: Any) -> None:
    for name in ("from_json", "must_from_json"):
        found = call(name, text)
        assert found == value
        assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"[1,]",
        b'{"a":1,}',
        b"{a:1}",
        b"'a'",
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"-",
        b"1e",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"nul",
        b"True",
        b"[1] x",
        b"[1] [2]",
        b'"\\x41"',
        b'"\\u12"',
        b'"a\nb"',
        b'"\x01"',
        b"\xef\xbb\xbf1",
        b"\xc2\xa01",
        b"\xff",
        b"// c",
        b'"open',
    ],
)
def test_what_is_no_json_is_nil_or_fails(text: bytes) -> None:
    assert call("from_json", text) is None
    with pytest.raises(FunctionError, match=r"^not valid JSON$"):
        call("must_from_json", text)


def test_a_number_too_large_is_nil_in_its_place() -> None:
    assert call("from_json", b'[1, 1e400, {"a": -1e999}]') == [1.0, None, {b"a": None}]
    with pytest.raises(FunctionError, match=r"^a number is too large for a float64$"):
        call("must_from_json", b"[1e400]")


def test_depth_and_size_are_bounded() -> None:
    assert call("from_json", b"[" * 100 + b"]" * 100)
    for depth in (102, 100_000):
        with pytest.raises(BoundExceeded, match="nested more than 100 levels"):
            call("from_json", b"[" * depth + b"]" * depth)
    endless: list[Any] = []
    endless.append({b"a": endless})
    with pytest.raises(BoundExceeded, match="nested more than 100 levels"):
        call("to_json", endless)
    with pytest.raises(BoundExceeded, match="more than 10 bytes"):
        call("to_json", [b"a" * 10], size=10)
    with pytest.raises(BoundExceeded, match="more than 5 steps"):
        call("to_json", [1] * 6, steps=5)
    with pytest.raises(BoundExceeded, match="beyond 4 bytes"):
        call("from_json", b"[1, 2]", size=4)
    with pytest.raises(BoundExceeded, match="beyond 2 entries"):
        call("from_json", b"[1, 2, 3]", entries=2)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text().map(str.encode),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().map(str.encode), inner),
)


@given(_VALUES)
def test_what_is_written_is_read_back_the_same(value: Any) -> None:
    for name in ("must_to_json", "must_to_pretty_json", "must_to_raw_json"):
        text = call(name, value)
        json.loads(text)
        assert call("must_from_json", text) == value
