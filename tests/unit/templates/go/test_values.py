"""Go's values: kinds, type names, truth, overflow, and what data become."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sealbridge.errors import TemplateError
from sealbridge.templates import Template
from sealbridge.templates.go.printing import text_of
from sealbridge.templates.go.values import (
    INVALID,
    Int32,
    Int64,
    Ints,
    Lists,
    NilStrings,
    Object,
    StringMap,
    StringMaps,
    Strings,
    Uint8,
    Uint32,
    Uint64,
    from_python,
    is_integer,
    kind_of,
    truth,
    type_name,
    wrap,
)


class _Point(Object):
    type_name = "draw.Point"


@pytest.mark.parametrize(
    ("value", "kind", "name"),
    [
        (b"a", "string", "string"),
        (True, "bool", "bool"),
        (7, "int", "int"),
        (Int32(7), "int32", "int32"),
        (Int64(7), "int64", "int64"),
        (Uint8(7), "uint8", "uint8"),
        (Uint32(7), "uint32", "uint32"),
        (Uint64(7), "uint64", "uint64"),
        (1.5, "float64", "float64"),
        (2j, "complex128", "complex128"),
        ([], "slice", "[]interface {}"),
        (Strings(), "slice", "[]string"),
        (NilStrings(), "slice", "[]string"),
        (Ints(), "slice", "[]int"),
        (Lists(), "slice", "[][]interface {}"),
        ({}, "map", "map[string]interface {}"),
        (StringMap(), "map", "map[string]string"),
        (StringMaps(), "map", "map[string]map[string]string"),
        (_Point(), "struct", "draw.Point"),
        (None, "interface", "<nil>"),
        (INVALID, "invalid", "<nil>"),
    ],
)
def test_every_value_has_the_kind_and_type_of_go(value: Any, kind: str, name: str) -> None:
    assert (kind_of(value), type_name(value)) == (kind, name)


@pytest.mark.parametrize(
    "value", [b"x", True, 1, Int64(-1), 0.1, math.nan, 1j, [None], {b"": None}, _Point()]
)
def test_what_is_not_the_zero_of_its_type_is_true(value: Any) -> None:
    assert truth(value) is True


@pytest.mark.parametrize("value", [b"", False, 0, Uint8(0), -0.0, 0j, [], Strings(), {}, None, INVALID])
def test_what_is_the_zero_of_its_type_is_false(value: Any) -> None:
    assert truth(value) is False


@pytest.mark.parametrize(
    ("kind", "value", "wrapped"),
    [
        (int, (1 << 63) - 1, (1 << 63) - 1),
        (int, 1 << 63, -(1 << 63)),
        (Int64, -(1 << 63) - 1, (1 << 63) - 1),
        (Int32, 1 << 31, -(1 << 31)),
        (Uint8, 256, 0),
        (Uint8, -1, 255),
        (Uint32, -1, (1 << 32) - 1),
        (Uint64, 1 << 64, 0),
    ],
)
def test_arithmetic_overflows_as_in_go(kind: type[int], value: int, wrapped: int) -> None:
    outcome = wrap(kind, value)
    assert outcome == wrapped
    assert type(outcome) is kind


def test_booleans_are_no_integers() -> None:
    assert [is_integer(value) for value in (1, Uint8(1), True, 1.0)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1 + 2j, b"(1+2i)"),
        (2j, b"(0+2i)"),
        (complex(-1, -2), b"(-1-2i)"),
        (complex(-0.0, -0.0), b"(-0-0i)"),
        (complex(math.inf, -math.inf), b"(+Inf-Infi)"),
        (complex(math.nan, math.nan), b"(NaN+NaNi)"),
        (complex(1e21, 1e-7), b"(1e+21+1e-07i)"),
    ],
)
def test_a_complex_number_prints_as_in_go(number: complex, text: bytes) -> None:
    assert text_of(number) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ 1+2i }} {{ 2i }} {{ 0i }}", "(1+2i) (0+2i) (0+0i)"),
        ("{{ if 0i }}yes{{ else }}no{{ end }}", "no"),
        ("{{ eq 2i 2i }} {{ print 2i 3i }}", "true (0+2i) (0+3i)"),
        (
            '{{ printf "%v %.2f %+v %T %e" 1-2i 1-2i 1-2i 1-2i 1i }}',
            "(1-2i) (1.00-2.00i) (1-2i) complex128 (0.000000e+00+1.000000e+00i)",
        ),
        (
            '{{ printf "%08.2f %8.2f %-8.1f|" 1+2i 1+2i 1+2i }}',
            "(00001.00+0002.00i) (    1.00   +2.00i) (1.0     +2.0    i)|",
        ),
        (
            '{{ printf "%x %b %d" 1+2i 1i 1i }}',
            "(0x1p+00+0x1p+01i) (0p-1074+4503599627370496p-52i) %!d(complex128=(0+1i))",
        ),
    ],
)
def test_a_complex_constant_is_as_in_go(source: str, text: str) -> None:
    assert Template(source).render({}) == text


def test_data_become_values_of_go_and_stay_as_they_are() -> None:
    data = {"text": "é\udcff", "raw": b"\xff", "list": (1, 2.5, None, True), "map": {b"k": {"n": []}}}
    value = from_python(data)
    assert value == {
        b"text": b"\xc3\xa9\xff",
        b"raw": b"\xff",
        b"list": [1, 2.5, None, True],
        b"map": {b"k": {b"n": []}},
    }
    value[b"map"][b"k"][b"n"].append(1)
    assert data["map"] == {b"k": {"n": []}}


@pytest.mark.parametrize(
    "value", [Strings([b"a"]), NilStrings(), Ints([1]), StringMap({b"a": b"b"}), Int64(7)]
)
def test_values_of_go_among_the_data_keep_their_type(value: Any) -> None:
    outcome = from_python({"k": value})[b"k"]
    assert outcome == value
    assert type(outcome) is type(value)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (1 << 63, "an integer of the data does not fit into 64 bits"),
        (-(1 << 63) - 1, "an integer of the data does not fit into 64 bits"),
        ({1: "canary"}, "a map of the data has a key that is not text but int"),
        ({"canary"}, "a template cannot work on a set"),
        (bytearray(b"canary"), "a template cannot work on a bytearray"),
    ],
)
def test_data_a_template_cannot_work_on_are_refused_without_a_word_of_them(value: Any, what: str) -> None:
    with pytest.raises(TemplateError) as caught:
        from_python({"k": [value]})
    assert str(caught.value) == what
