"""Numbers and text: strconv's forms of floats, and which text is a number."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.go.floats import OutOfRangeError, format_float, parse_float, parse_int, parse_uint


@pytest.mark.parametrize(
    ("value", "form", "precision", "text"),
    [
        (0.0, "g", -1, "0"),
        (-0.0, "g", -1, "-0"),
        (1.0, "g", -1, "1"),
        (100000.0, "g", -1, "100000"),
        (1e6, "g", -1, "1e+06"),
        (123456789.0, "g", -1, "1.23456789e+08"),
        (1e20, "g", -1, "1e+20"),
        (1e21, "G", -1, "1E+21"),
        (0.0001, "g", -1, "0.0001"),
        (0.00001, "g", -1, "1e-05"),
        (1 / 3, "g", -1, "0.3333333333333333"),
        (1234.5678, "g", 3, "1.23e+03"),
        (1234.5678, "g", 0, "1e+03"),
        (1234.5678, "g", 20, "1234.5678000000000338"),
        (100.0, "g", 3, "100"),
        (2.0**80, "g", 1000, "1208925819614629174706176"),
        (2.5, "f", 0, "2"),
        (3.5, "f", 0, "4"),
        (0.0, "f", 3, "0.000"),
        (1e21, "f", -1, "1000000000000000000000"),
        (1.5e-7, "f", -1, "0.00000015"),
        (-1.25, "f", -1, "-1.25"),
        (5e-324, "f", 3, "0.000"),
        (0.0, "e", -1, "0e+00"),
        (0.0, "e", 2, "0.00e+00"),
        (1234.5678, "e", 6, "1.234568e+03"),
        (1234.5678, "E", 0, "1E+03"),
        (1.5e-100, "e", -1, "1.5e-100"),
        (1.5, "b", -1, "6755399441055744p-52"),
        (0.0, "b", -1, "0p-1074"),
        (5e-324, "b", -1, "1p-1074"),
        (1.0, "x", -1, "0x1p+00"),
        (-0.1, "X", -1, "-0X1.999999999999AP-04"),
        (1.999, "x", 3, "0x1.ffcp+00"),
        (1.9999999, "x", 2, "0x1.00p+01"),
        (1.5, "x", 0, "0x1p+01"),
        (2.5, "x", 20, "0x1.40000000000000000000p+01"),
        (0.0, "x", 2, "0x0.00p+00"),
        (5e-324, "x", -1, "0x1p-1074"),
        (math.inf, "g", -1, "+Inf"),
        (-math.inf, "f", 2, "-Inf"),
        (math.nan, "e", 2, "NaN"),
    ],
)
def test_floats_are_written_as_go_does(value: float, form: str, precision: int, text: str) -> None:
    assert format_float(value, form, precision) == text


def test_a_form_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no such form"):
        format_float(1.0, "q", 1)


@given(st.floats(allow_nan=False), st.sampled_from("eEfgGxX"))
def test_the_shortest_text_reads_back_the_same(value: float, form: str) -> None:
    assert parse_float(format_float(value, form, -1).encode()) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"0", 0.0),
        (b"1.5", 1.5),
        (b"+1.", 1.0),
        (b"-.5", -0.5),
        (b"1e3", 1000.0),
        (b"1E-2", 0.01),
        (b"0x1p4", 16.0),
        (b"0X1.8P-1", 0.75),
        (b"-0x.8p0", -0.5),
        (b"0x1p-99999999999", 0.0),
        (b"1_000.5", 1000.5),
        (b"0x_1p0", 1.0),
        (b"1e1_0", 1e10),
        (b"1e-400", 0.0),
        (b"inf", math.inf),
        (b"-Infinity", -math.inf),
        (b"+INF", math.inf),
        (b"017", 17.0),
    ],
)
def test_floats_are_read(text: bytes, value: float) -> None:
    assert parse_float(text) == value


def test_nan_is_read() -> None:
    assert math.isnan(parse_float(b"NaN"))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b".",
        b"e5",
        b"1e",
        b"1e+",
        b" 1",
        b"1 ",
        b"0x1",
        b"0x1.8",
        b"0xp1",
        b"0b1",
        b"1__0",
        b"_1",
        b"1_",
        b"1_.5",
        b"1._5",
        b"+nan",
        b"infi",
        b"0x1_p1",
        "１".encode(),
        b"1,5",
        b"--1",
    ],
)
def test_what_is_no_float_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not"):
        parse_float(text)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [(b"1e400", math.inf), (b"-1e309", -math.inf), (b"0x1p99999", math.inf), (b"-0x1p1024", -math.inf)],
)
def test_a_float_beyond_all_is_told_with_the_infinity(text: bytes, nearest: float) -> None:
    with pytest.raises(OutOfRangeError) as caught:
        parse_float(text)
    assert caught.value.nearest == nearest


@pytest.mark.parametrize(
    ("text", "base", "bits", "value"),
    [
        (b"0", 10, 64, 0),
        (b"-0", 10, 64, 0),
        (b"+12", 10, 64, 12),
        (b"007", 10, 64, 7),
        (b"zZ", 36, 64, 1295),
        (b"-128", 10, 8, -128),
        (b"9223372036854775807", 10, 64, 2**63 - 1),
        (b"017", 0, 64, 15),
        (b"0", 0, 64, 0),
        (b"0x1F", 0, 64, 31),
        (b"0B11", 0, 64, 3),
        (b"-0o17", 0, 64, -15),
        (b"1_000", 0, 64, 1000),
        (b"0x_1", 0, 64, 1),
        (b"0_7", 0, 64, 7),
        (b"0" * 5000 + b"1", 10, 64, 1),
    ],
)
def test_integers_are_read(text: bytes, base: int, bits: int, value: int) -> None:
    assert parse_int(text, base, bits) == value


@pytest.mark.parametrize(
    ("text", "base"),
    [
        (b"", 10),
        (b"-", 10),
        (b"1.5", 10),
        (b"0x1", 10),
        (b"1_0", 10),
        (b"a", 10),
        (b"8", 8),
        (b"08", 0),
        (b"0x", 0),
        (b"1__0", 0),
        (b"_1", 0),
        (b"1_", 0),
        (b" 1", 0),
        ("１".encode(), 10),
        (b"+-1", 0),
    ],
)
def test_what_is_no_integer_is_refused(text: bytes, base: int) -> None:
    with pytest.raises(ValueError, match="not") as caught:
        parse_int(text, base, 64)
    assert not isinstance(caught.value, OutOfRangeError)


@pytest.mark.parametrize(
    ("text", "bits", "nearest"),
    [
        (b"128", 8, 127),
        (b"-129", 8, -128),
        (b"9" * 5000, 64, 2**63 - 1),
        (b"-" + b"9" * 30, 64, -(2**63)),
        # Go stops at the digit that is too much and never sees the letter.
        (b"99999999999999999999x", 64, 2**63 - 1),
    ],
)
def test_an_integer_beyond_its_bits_is_told_with_the_nearest(text: bytes, bits: int, nearest: int) -> None:
    with pytest.raises(OutOfRangeError) as caught:
        parse_int(text, 10, bits)
    assert caught.value.nearest == nearest


def test_unsigned_integers_take_no_sign() -> None:
    assert parse_uint(b"18446744073709551615", 10, 64) == 2**64 - 1
    with pytest.raises(OutOfRangeError) as caught:
        parse_uint(b"256", 10, 8)
    assert caught.value.nearest == 255
    for signed in (b"-1", b"+1"):
        with pytest.raises(ValueError, match="not an integer"):
            parse_uint(signed, 10, 64)
