"""Runes: what bytes decode to, classes of characters, and simple case mappings."""

from __future__ import annotations

import pytest

from sealbridge.templates.go import runes


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        (b"", ""),
        (b"plain", "plain"),
        ("é世😀".encode(), "é世😀"),
        (b"\xff", "\ufffd"),
        (b"a\xe4\xb8b", "a\ufffd\ufffdb"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"\xf0\x9f\x98", "\ufffd\ufffd\ufffd"),
        (b"\xc0\xaf", "\ufffd\ufffd"),
        (b"\xf5\x80\x80\x80", "\ufffd" * 4),
        ("\ufffd".encode(), "\ufffd"),
    ],
)
def test_each_byte_that_is_no_character_becomes_one_replacement(text: bytes, decoded: str) -> None:
    assert runes.decode(text) == decoded
    assert runes.count(text) == len(decoded)


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0x41, b"A"),
        (0x10FFFF, b"\xf4\x8f\xbf\xbf"),
        (-1, b"\xef\xbf\xbd"),
        (0xD800, b"\xef\xbf\xbd"),
        (0xDFFF, b"\xef\xbf\xbd"),
        (0xE000, b"\xee\x80\x80"),
        (0x110000, b"\xef\xbf\xbd"),
    ],
)
def test_a_number_that_is_no_rune_is_encoded_as_the_replacement(number: int, encoded: bytes) -> None:
    assert runes.encode(number) == encoded


@pytest.mark.parametrize(
    ("text", "upper", "lower", "title"),
    [
        ("mixed Case", "MIXED CASE", "mixed case", "MIXED CASE"),
        ("straße", "STRAßE", "straße", "STRAßE"),
        ("ŉ ǰ ﬁ", "ŉ ǰ ﬁ", "ŉ ǰ ﬁ", "ŉ ǰ ﬁ"),
        ("ΑΣ ας", "ΑΣ ΑΣ", "ασ ας", "ΑΣ ΑΣ"),
        ("İ ı i", "İ I I", "i ı i", "İ I I"),
        ("ᾳ ᾼ ᾀ", "ᾼ ᾼ ᾈ", "ᾳ ᾳ ᾀ", "ᾼ ᾼ ᾈ"),
        ("ǆ Ǆ ǅ", "Ǆ Ǆ Ǆ", "ǆ ǆ ǆ", "ǅ ǅ ǅ"),
        ("ÿ µ ſ", "Ÿ Μ S", "ÿ µ ſ", "Ÿ Μ S"),
        ("\u0345", "\u0399", "\u0345", "\u0399"),
    ],
)
def test_one_character_stays_one_in_any_case(text: str, upper: str, lower: str, title: str) -> None:
    assert (runes.to_upper(text), runes.to_lower(text), runes.to_title(text)) == (upper, lower, title)


@pytest.mark.parametrize(
    ("is_one", "those", "others"),
    [
        (runes.is_space, " \t\n\v\f\r\x85\xa0\u2003\u2028\u3000", "a\x1c\x1f\u200b\ufeff"),
        (runes.is_letter, "aZéß世ʰǅ", "1_ \u0301²"),
        (runes.is_digit, "09٣५", "a²½Ⅷ"),
        (runes.is_number, "09²½Ⅷ", "a-"),
        (runes.is_upper, "AÉΣ", "aǅ1ª"),
        (runes.is_lower, "aßσ", "AǅʰªＡ"),
        (runes.is_title, "ǅᾼ", "Aa"),
        (runes.is_punctuation, "!_-\"'%&*@«", "$+<=>^`|~a"),
        (runes.is_symbol, "$+<=>^`|~©", "!a_"),
        (runes.is_control, "\0\x1f\x7f\x9f", " \xad\u200b"),
        (runes.is_print, "a1 !$\u0301世", "\t\xa0\xad\u200b\u2028\x7f\ue000"),
        (runes.is_graphic, "a1 !$\u0301世\xa0\u3000", "\t\xad\u200b\u2028\x7f"),
    ],
)
def test_classes_are_those_of_go(is_one: object, those: str, others: str) -> None:
    assert callable(is_one)
    assert [char for char in those if not is_one(char)] == []
    assert [char for char in others if is_one(char)] == []
