"""Text functions count bytes, take some bytes for Latin-1 as sprig does, and stay within their bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.functions import text
from sealbridge.templates.go.durations import Duration
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

LONG = b"1234 5678 9123"


@pytest.mark.parametrize(
    ("given", "trimmed"),
    [
        (b"  a b \t\r\n\v\f", b"a b"),
        ("\u00a0\u1680\u2003\u2028\u3000x\u0085".encode(), b"x"),
        (b"\x85\xa0", b"\x85\xa0"),
        (b" \xff ", b"\xff"),
        ("\u200bx\ufeff".encode(), "\u200bx\ufeff".encode()),
        (b"\x1c\x1f", b"\x1c\x1f"),
        (b"", b""),
    ],
)
def test_white_space_is_what_go_takes_for_it(given: bytes, trimmed: bytes) -> None:
    assert text.trim(given) == trimmed


@pytest.mark.parametrize(
    ("cutset", "given", "trimmed"),
    [
        (b"$", b"$5$", b"5"),
        (b"", b" a ", b" a "),
        ("é".encode(), "éaé".encode(), b"a"),
        ("é".encode(), b"\xc3a\xa9", b"\xc3a\xa9"),
        (b"\xff", b"\xfea\xfe", b"a"),
        (b"\xff", "\ufffda".encode(), b"a"),
        ("\ufffd".encode(), b"\xfea", b"a"),
    ],
)
def test_characters_are_trimmed_whole_and_bytes_that_are_none_are_all_alike(
    cutset: bytes, given: bytes, trimmed: bytes
) -> None:
    assert text.trim_all(cutset, given) == trimmed


@pytest.mark.parametrize(
    ("start", "end", "part"),
    [
        (0, 2, b"he"),
        (-1, 2, b"he"),
        (2, -1, b"llo"),
        (2, 99, b"llo"),
        (5, -1, b""),
        (-1, 0, b""),
        (3, 3, b""),
    ],
)
def test_a_part_is_cut_by_bytes(start: int, end: int, part: bytes) -> None:
    assert text.substr(start, end, b"hello") == part


@pytest.mark.parametrize(("start", "end"), [(-1, -1), (-1, 6), (6, -1), (3, 2)])
def test_a_part_beyond_the_text_fails(start: int, end: int) -> None:
    with pytest.raises(FunctionError, match="shorter than the part"):
        text.substr(start, end, b"hello")


@pytest.mark.parametrize(
    ("length", "part"),
    [
        (3, b"hel"),
        (0, b""),
        (9, b"hello"),
        (-3, b"llo"),
        (-5, b"hello"),
        (-9, b"hello"),
        (-(1 << 63), b"hello"),
    ],
)
def test_a_text_is_cut_off_at_either_end(length: int, part: bytes) -> None:
    assert text.trunc(length, b"hello") == part


@pytest.mark.parametrize(
    ("left", "width", "short"),
    [
        (0, 10, b"1234 56..."),
        (4, 10, b"1234 56..."),
        (5, 10, b"...5678..."),
        (99, 8, b"... 9123"),
        (1, 6, LONG),
        (0, 3, LONG),
        (-3, 6, b"123..."),
        (5, 14, LONG),
        (-(1 << 63), 8, b"... 9123"),
        (-(1 << 63), 5, b""),
    ],
)
def test_a_text_is_abbreviated_from_a_place_on(left: int, width: int, short: bytes) -> None:
    assert text.abbrevboth(left, width, LONG) == short


def test_a_text_that_fits_is_not_abbreviated() -> None:
    assert [text.abbrev(width, b"hello") for width in (-1, 3, 4, 5)] == [
        b"hello",
        b"hello",
        b"h...",
        b"hello",
    ]


@pytest.mark.parametrize(
    ("function", "given", "result"),
    [
        (text.nospace, b" a\tb ", b"ab"),
        (text.nospace, "é".encode(), "é".encode()),
        (text.nospace, "é à".encode(), "Ã©Ã".encode()),
        (text.nospace, b"\xff \x85", "ÿ".encode()),
        (text.initials, b"First Try", b"FT"),
        (text.initials, b"  a-b  c", b"ac"),
        (text.initials, "élan".encode(), "Ã".encode()),
        (text.initials, b"\xa0x\x85y", b"xy"),
    ],
)
def test_some_functions_take_bytes_for_latin_1(
    function: Callable[[bytes], bytes], given: bytes, result: bytes
) -> None:
    assert function(given) == result


@pytest.mark.parametrize(
    ("items", "quoted", "single", "joined"),
    [
        ((), b"", b"", b""),
        ((None,), b"", b"", b""),
        ((b"a", None, 1), b'"a" "1"', b"'a' '1'", b"a 1"),
        ((b'"\n\xff',), rb'"\"\n\xff"', b"'\"\n\xff'", b'"\n\xff'),
        (
            ([1, None], {b"k": True}),
            b'"[1 <nil>]" "map[k:true]"',
            b"'[1 <nil>]' 'map[k:true]'",
            b"[1 <nil>] map[k:true]",
        ),
        ((Duration(1_500_000_000), 1e21), b'"1.5s" "1e+21"', b"'1.5s' '1e+21'", b"1.5s 1e+21"),
    ],
)
def test_values_are_quoted_and_joined_without_nil(
    items: tuple[Any, ...], quoted: bytes, single: bytes, joined: bytes
) -> None:
    assert text.quote(Budget(), *items) == quoted
    assert text.squote(Budget(), *items) == single
    assert text.cat(Budget(), *items) == joined


def test_every_line_is_indented() -> None:
    assert text.indent(Budget(), 2, b"a\n\n b") == b"  a\n  \n   b"
    assert text.nindent(Budget(), 0, b"a") == b"\na"


@pytest.mark.parametrize(
    ("old", "new", "given", "result"),
    [
        (b"aa", b"b", b"aaaaa", b"bba"),
        (b"", b"-", "aé".encode(), "-a-é-".encode()),
        (b"", b"-", b"\xffa", b"-\xff-a-"),
        (b"", b"\xc3", b"a", b"\xc3a\xc3"),
        (b"\xc3", b"", "é".encode(), b"\xa9"),
        (b"", b"-", b"", b"-"),
    ],
)
def test_every_occurrence_is_replaced(old: bytes, new: bytes, given: bytes, result: bytes) -> None:
    assert text.replace(Budget(), old, new, given) == result


@pytest.mark.parametrize(
    ("width", "given", "lines"),
    [
        (5, b"a bc def", b"a bc\ndef"),
        (3, b"abcdefgh ij", b"abcdefgh\nij"),
        (0, b"ab c", b"ab\nc"),
        (2, b"a   b", b"a \n b"),
        (5, b"   a   b   c   ", b"a   b\n c   "),
        (9, b"", b""),
        (1, b"    ", b" "),
    ],
)
def test_lines_are_broken_at_spaces(width: int, given: bytes, lines: bytes) -> None:
    assert text.wrap(Budget(), width, given) == lines


def test_long_words_are_broken_when_asked_for() -> None:
    assert text.wrap_with(Budget(), 3, b"-", b"abcdefgh ij k") == b"abc-def-gh-ij-k"
    assert text.wrap_with(Budget(), 1, b"", b"abc") == b"a\nb\nc"


@given(st.binary(max_size=30), st.integers(-3, 12))
def test_wrapping_loses_nothing_but_spaces(given: bytes, width: int) -> None:
    wrapped = text.wrap_with(Budget(), width, b"\0", given.replace(b"\0", b""))
    assert wrapped.replace(b"\0", b"").replace(b" ", b"") == given.replace(b"\0", b"").replace(b" ", b"")
    assert max(map(len, wrapped.split(b"\0"))) <= max(width, 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: text.repeat(Budget(), -1, b"a"),
        lambda: text.indent(Budget(), -1, b"a"),
        lambda: text.nindent(Budget(), -1, b"a"),
    ],
)
def test_negative_numbers_fail(call: Callable[[], bytes]) -> None:
    with pytest.raises(FunctionError, match="a negative number"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda budget: text.repeat(budget, 1 << 62, b"a"),
        lambda budget: text.indent(budget, 60, b"\n"),
        lambda budget: text.nindent(budget, 1 << 40, b""),
        lambda budget: text.replace(budget, b"", b"a" * 60, b"b"),
        lambda budget: text.replace(budget, b"b", b"a" * 60, b"bb"),
        lambda budget: text.wrap_with(budget, 1, b"a" * 60, b"bbb"),
        lambda budget: text.quote(budget, b"\0" * 60),
    ],
)
def test_a_text_does_not_grow_beyond_its_bound(call: Callable[[Budget], bytes]) -> None:
    with pytest.raises(BoundExceeded, match="a string grows beyond 100"):
        call(Budget(Limits(size=100)))


def test_many_texts_do_not_grow_beyond_the_bound_of_all() -> None:
    with pytest.raises(BoundExceeded, match="all values together"):
        text.cat(Budget(Limits(total=100)), *[b"a" * 30] * 4)


def test_lines_are_steps() -> None:
    with pytest.raises(BoundExceeded, match="more than 10 steps"):
        text.wrap_with(Budget(Limits(steps=10)), 1, b"", b"a" * 20)


def test_the_rest_is_plain() -> None:
    assert [text.plural(b"one", b"many", number) for number in (1, 0, -1)] == [b"one", b"many", b"many"]
    assert [text.to_string(value) for value in (None, 1.0, [b"a"])] == [b"<nil>", b"1", b"[a]"]
    assert (text.trim_prefix(b"-", b"--a"), text.trim_suffix(b"-", b"a--")) == (b"-a", b"a-")
    assert [text.contains(b"b", b"abc"), text.has_prefix(b"b", b"abc"), text.has_suffix(b"c", b"abc")] == [
        True,
        False,
        True,
    ]
    assert text.hello() == b"Hello!"
