"""YAML: bytes as sigs.k8s.io/yaml writes them, values as it reads them, errors and bounds.

Debian has no sigs.k8s.io/yaml, so no corpus has these functions. What is expected here was made with
gopkg.in/yaml.v2, which it wraps.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealbridge.templates.functions.yaml_text import from_yaml, to_yaml
from sealbridge.templates.go.values import Int64, NilStrings, StringMap, Strings, Uint64
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

_CONVERTING = "error converting YAML to JSON: "
_NO_MAP = (
    "error unmarshaling JSON: while decoding JSON: json: "
    "cannot unmarshal {} into Go value of type map[string]interface {{}}"
)


def written(value: Any, **limits: Any) -> str:
    return to_yaml(Budget(Limits(**limits)), value).decode()


def read(text: str | bytes, **limits: Any) -> dict[bytes, Any]:
    return from_yaml(Budget(Limits(**limits)), text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (NilStrings(), "null"),
        (True, "true"),
        (5, "5"),
        (Int64(-(2**63)), "-9223372036854775808"),
        (Uint64(2**64 - 1), "18446744073709551615"),
        (1.0, "1"),
        (1e6, "1000000"),
        (1000000.5, "1.0000005e+06"),
        (1e20, "1e+20"),
        (0.000001, "1e-06"),
        (-0.0, "0"),
        (0.1, "0.1"),
        ({}, "{}"),
        ([], "[]"),
        ({b"b": [1, [2, []]], b"a": {b"c": None}}, "a:\n  c: null\nb:\n- 1\n- - 2\n  - []"),
        ([{b"b": 1, b"a": 2}], "- a: 2\n  b: 1"),
        (StringMap({b"a": b"1"}), 'a: "1"'),
        (Strings([b"x"]), "- x"),
    ],
)
def test_values_become_yaml(value: Any, text: str) -> None:
    assert written(value) == text


@pytest.mark.parametrize(
    ("string", "text"),
    [
        (b"plain words", "plain words"),
        (b"", '""'),
        (b"yes", '"yes"'),
        (b"n", '"n"'),
        (b"~", '"~"'),
        (b"012", '"012"'),
        (b"0x1f", '"0x1f"'),
        (b"1_000", '"1_000"'),
        (b".5", '".5"'),
        (b"1e400", "1e400"),
        (b"12:30", '"12:30"'),
        (b"12:60", "12:60"),
        (b"2026-01-01", '"2026-01-01"'),
        (b"2026-1-1T1:2:3Z", '"2026-1-1T1:2:3Z"'),
        (b"2026-13-01", "2026-13-01"),
        (b"<<", "<<"),
        (b"a: b", "'a: b'"),
        (b"# c", "'# c'"),
        (b" a", "' a'"),
        (b"it's", "it's"),
        (b"a\nb", "|-\n  a\n  b"),
        (b"a\n", "|\n  a"),
        (b"a\n\n", "|+\n  a\n"),
        (b" a\nb", "|2-\n   a\n  b"),
        (b"a\tb", '"a\\tb"'),
        (b"a\rb\n", '"a\\rb\\n"'),
        ("é世".encode(), "é世"),
        (b"\xff", "\ufffd"),
        (b"word " * 20 + b"end", " ".join(["word"] * 17) + "\n  word word word end"),
        (b"x" * 200, "x" * 200),
    ],
)
def test_strings_are_quoted_where_go_would_misread_them(string: bytes, text: str) -> None:
    assert written(string) == text


def test_keys_come_in_their_natural_order() -> None:
    keys = [
        b"a10",
        b"a2",
        b"a1",
        b"a",
        b"B",
        b"_x",
        b"10",
        b"9",
        b"09",
        b"a-b",
        b"a.b",
        b"ab",
        b"1.10",
        b"1.9",
    ]
    found = [line.partition(":")[0].strip("\"'") for line in written(dict.fromkeys(keys, True)).split("\n")]
    assert found == ["_x", "1.9", "1.10", "9", "09", "10", "B", "a", "a-b", "a.b", "a1", "a2", "a10", "ab"]


@pytest.mark.parametrize("value", [math.nan, [math.inf], b"a\x7fb", "\x80".encode(), {b"k" * 1100: 1}])
def test_what_cannot_be_yaml_is_nothing(value: Any) -> None:
    assert written(value) == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        ("# only a comment", {}),
        ("null", {}),
        (
            "a: 1\nb: [x, 2.5, ~, yes, 0x10, 012, 1_000]",
            {b"a": 1.0, b"b": [b"x", 2.5, None, True, 16.0, 10.0, 1000.0]},
        ),
        ("a: \"1\"\nb: 'yes'\nc: !!str 1", {b"a": b"1", b"b": b"yes", b"c": b"1"}),
        ("a: 2026-01-01\nb: 12:30", {b"a": b"2026-01-01", b"b": b"12:30"}),
        ("a: 18446744073709551615\nb: 1e3", {b"a": 18446744073709551615.0, b"b": 1000.0}),
        (
            "1: a\ntrue: b\n1.5: c\n0.1: d\n.inf: e",
            {b"1": b"a", b"true": b"b", b"1.5": b"c", b"0.1": b"d", b".inf": b"e"},
        ),
        ("a: 1\na: 2", {b"a": 2.0}),
        ("a: 1\n---\nb: 2", {b"a": 1.0}),
        ("a: 1\n---\n{", {b"a": 1.0}),
        ("x: &x {a: 1, b: 2}\nz: *x", {b"x": {b"a": 1.0, b"b": 2.0}, b"z": {b"a": 1.0, b"b": 2.0}}),
        ("x: &x {a: 1}\nz:\n  a: 0\n  <<: *x\n  b: 2", {b"x": {b"a": 1.0}, b"z": {b"a": 1.0, b"b": 2.0}}),
        ("z:\n  <<: [{a: 1}, {a: 2, b: 3}]\n  c: 4", {b"z": {b"a": 1.0, b"b": 3.0, b"c": 4.0}}),
        (
            "a: !!binary aGk=\nb: !!float 1\nc: !x y\nd: !!timestamp 2026-01-01",
            {b"a": b"hi", b"b": 1.0, b"c": b"y", b"d": b"2026-01-01"},
        ),
        ("a: !!binary /w==", {b"a": "\ufffd".encode()}),
        ("a: |\n  x\n  y\nb: >\n  x\n  z\n", {b"a": b"x\ny\n", b"b": b"x z\n"}),
        ('{"json": [1]}', {b"json": [1.0]}),
    ],
)
def test_yaml_becomes_a_map(text: str, value: dict[bytes, Any]) -> None:
    found = read(text)
    assert found == value
    assert type(found) is dict


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: b: c", f"{_CONVERTING}yaml: mapping values are not allowed in this context"),
        ("a: 1\nb: c: d", f"{_CONVERTING}yaml: line 2: mapping values are not allowed in this context"),
        ("a: [1", f"{_CONVERTING}yaml: line 1: did not find expected ',' or ']'"),
        ("a: 1\n\tb: 2", f"{_CONVERTING}yaml: line 2: found a tab character that violates indentation"),
        ("a: *secret", f"{_CONVERTING}yaml: unknown anchor referenced"),
        ("a: &a [*a]", f"{_CONVERTING}yaml: anchor value contains itself"),
        ("a: !!int secret", f"{_CONVERTING}yaml: cannot decode !!str as a !!int"),
        ("a: !!timestamp 1", f"{_CONVERTING}yaml: cannot decode !!int as a !!timestamp"),
        ("a: !!binary '*'", f"{_CONVERTING}yaml: !!binary value contains invalid base64 data"),
        ("a: {<<: secret}", f"{_CONVERTING}yaml: map merge requires map or sequence of maps as the value"),
        ("? [secret]\n: 1", f"{_CONVERTING}yaml: invalid map key"),
        ("~: secret", f"{_CONVERTING}unsupported map key"),
        ("a: .nan", f"{_CONVERTING}json: unsupported value: NaN"),
        ("a: -.inf", f"{_CONVERTING}json: unsupported value: -Inf"),
        ("a\x01", f"{_CONVERTING}yaml: control characters are not allowed"),
        ("[secret]", _NO_MAP.format("array")),
        ("secret", _NO_MAP.format("string")),
        ("1.5", _NO_MAP.format("number")),
        ("yes", _NO_MAP.format("bool")),
    ],
)
def test_a_failure_is_told_in_the_map_and_without_values(text: str, error: str) -> None:
    assert read(text) == {b"Error": error.encode()}


def test_bytes_that_are_no_utf8_are_an_error() -> None:
    assert read(b"a: \xff") == {b"Error": b"error converting YAML to JSON: yaml: invalid leading UTF-8 octet"}


def test_aliases_do_not_explode() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    error = b"error converting YAML to JSON: yaml: document contains excessive aliasing"
    assert read(bomb) == {b"Error": error}


def test_every_alias_is_a_value_of_its_own() -> None:
    found = read("x: &x {a: 1}\nz: *x")
    found[b"x"][b"a"] = 2.0
    assert found[b"z"] == {b"a": 1.0}


def test_depth_and_size_are_bounded() -> None:
    chain = "a0: &a0 [1]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(200))
    for text in ("a: " + "[" * 101, "\n".join(" " * n + "a:" for n in range(200)), chain):
        with pytest.raises(BoundExceeded, match="nested more than 100 levels"):
            read(text)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(BoundExceeded, match="nested more than 100 levels"):
        written(endless)
    with pytest.raises(BoundExceeded, match="more than 20 steps"):
        read("a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", steps=20)
    with pytest.raises(BoundExceeded, match="beyond 8 bytes"):
        read("a: 'long'", size=8)
    with pytest.raises(BoundExceeded, match="beyond 2 entries"):
        read("a: [1, 2, 3]", entries=2)


_TEXT = st.text(
    st.characters(min_codepoint=0x20, exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufeff<")
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT.map(str.encode),
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT.map(str.encode), inner),
    max_leaves=10,
)


@settings(max_examples=50)
@given(st.dictionaries(_TEXT.map(str.encode), _VALUES))
def test_what_is_written_is_read_back_the_same(value: dict[bytes, Any]) -> None:
    assert read(to_yaml(Budget(), value)) == value
