"""Quoted literals: how Go writes and reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.go import quoting


@pytest.mark.parametrize(
    ("text", "quoted", "ascii_only"),
    [
        (b"", b'""', b'""'),
        (b"it's plain", b'"it\'s plain"', b'"it\'s plain"'),
        (b'a"b\\c', rb'"a\"b\\c"', rb'"a\"b\\c"'),
        (b"\a\b\f\n\r\t\v", rb'"\a\b\f\n\r\t\v"', rb'"\a\b\f\n\r\t\v"'),
        (b"\0\x1f\x7f", rb'"\x00\x1f\x7f"', rb'"\x00\x1f\x7f"'),
        ("é世".encode(), '"é世"'.encode(), rb'"\u00e9\u4e16"'),
        ("😀".encode(), '"😀"'.encode(), rb'"\U0001f600"'),
        (
            "\xa0\xad\u200b\u2028\ufeff".encode(),
            rb'"\u00a0\u00ad\u200b\u2028\ufeff"',
            rb'"\u00a0\u00ad\u200b\u2028\ufeff"',
        ),
        ("\U000e0001".encode(), rb'"\U000e0001"', rb'"\U000e0001"'),
        (b"\xff\xe4\xb8 \xed\xa0\x80", rb'"\xff\xe4\xb8 \xed\xa0\x80"', rb'"\xff\xe4\xb8 \xed\xa0\x80"'),
        ("\ufffd".encode(), '"\ufffd"'.encode(), rb'"\ufffd"'),
    ],
)
def test_text_is_quoted(text: bytes, quoted: bytes, ascii_only: bytes) -> None:
    assert quoting.quote(text) == quoted
    assert quoting.quote_ascii(text) == ascii_only


@pytest.mark.parametrize(
    ("rune", "quoted", "ascii_only"),
    [
        (0x41, b"'A'", b"'A'"),
        (0x27, rb"'\''", rb"'\''"),
        (0x22, b"'\"'", b"'\"'"),
        (0x0A, rb"'\n'", rb"'\n'"),
        (0x4E16, "'世'".encode(), rb"'\u4e16'"),
        (0xD800, "'\ufffd'".encode(), rb"'\ufffd'"),
        (-1, "'\ufffd'".encode(), rb"'\ufffd'"),
    ],
)
def test_runes_are_quoted(rune: int, quoted: bytes, ascii_only: bytes) -> None:
    assert quoting.quote_rune(rune) == quoted
    assert quoting.quote_rune_ascii(rune) == ascii_only


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (b'""', b""),
        (b'"a\'b"', b"a'b"),
        (rb'"\a\b\f\n\r\t\v\\\""', b'\a\b\f\n\r\t\v\\"'),
        (rb'"\x41\101\u00e9\U0001F600\xff"', b"AA" + "é😀".encode() + b"\xff"),
        (b'"\xe4\xb8\x96"', "世".encode()),
        (b'"\xff"', "\ufffd".encode()),
        (b'"\xe4\xb8"', "\ufffd\ufffd".encode()),
        (b"'a'", b"a"),
        (rb"'\''", b"'"),
        ("'世'".encode(), "世".encode()),
        (b"''", b""),
        (b'`a\\n"b`', b'a\\n"b'),
        (b"`a\r\nb`", b"a\nb"),
        (b"`\xff`", b"\xff"),
    ],
)
def test_literals_are_read(literal: bytes, text: bytes) -> None:
    assert quoting.unquote(literal) == text


@pytest.mark.parametrize(
    "literal",
    [
        b"",
        b'"',
        b"a",
        b"abc",
        b'"a',
        b'a"',
        b"'a\"",
        b'"a"b"',
        b"'ab'",
        b"'a",
        b"`a`b`",
        b'"a\nb"',
        rb'"\'"',
        rb"'\"'",
        rb'"\q"',
        rb'"\x4"',
        rb'"\u12"',
        rb'"\U0001F60"',
        rb'"\ud800"',
        rb'"\U00110000"',
        rb'"\400"',
        rb'"\08"',
        b'"\\"',
        rb'"\1"',
    ],
)
def test_what_is_no_literal_is_refused(literal: bytes) -> None:
    with pytest.raises(ValueError, match=r"literal|escape"):
        quoting.unquote(literal)


@pytest.mark.parametrize("text", [b"", b"a\tb", b'"\\', "é".encode()])
def test_one_plain_line_can_stand_in_backquotes(text: bytes) -> None:
    assert quoting.can_backquote(text)


@pytest.mark.parametrize("text", [b"`", b"\n", b"\r", b"\0", b"\x7f", "\ufeff".encode(), b"\xff"])
def test_other_text_cannot_stand_in_backquotes(text: bytes) -> None:
    assert not quoting.can_backquote(text)


@given(st.binary())
def test_what_is_quoted_is_read_back_the_same(text: bytes) -> None:
    assert quoting.unquote(quoting.quote(text)) == text
    assert quoting.unquote(quoting.quote_ascii(text)) == text
    assert quoting.quote_ascii(text).isascii()
