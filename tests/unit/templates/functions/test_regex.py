"""Regular expressions: Go's syntax, matches, empty matches, templates and errors, and the bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.functions import regex
from sealbridge.templates.go.values import FunctionError, NilStrings, Strings
from sealbridge.templates.limits import BoundExceeded, Budget, Limits


def call(name: str, *arguments: Any, **limits: Any) -> Any:
    return getattr(regex, name)(Budget(Limits(**limits)), *arguments)


@pytest.mark.parametrize(
    ("pattern", "text", "first"),
    [
        (b"a|ab", b"xab", b"a"),
        (b"a+?", b"aaa", b"a"),
        (b"(?U)a+", b"aaa", b"a"),
        (b"(?i)K", b"\xe2\x84\xaa", b"\xe2\x84\xaa"),
        (b"(?m)^b$", b"a\nb\nc", b"b"),
        (b"^b$", b"a\nb\nc", b""),
        (b"a.b", b"a\nb", b""),
        (b"(?s)a.b", b"a\nb", b"a\nb"),
        (rb"\pL+", "1äöü2".encode(), "äöü".encode()),
        (rb"[[:alpha:]]+", "1aö".encode(), b"a"),
        (rb"\x{e9}", b"caf\xc3\xa9", b"\xc3\xa9"),
        (rb"\Qa.b\E+", b"axb a.bb", b"a.bb"),
        (b"a{,2}", b"aa{,2}", b"a{,2}"),
        (b"(?P<x>a)(?<y>b)", b"ab", b"ab"),
        (b"", b"abc", b""),
        (b".", b"\xff\xfe", b"\xff"),
        (b"^.{3}$", b"\xe4\xb8\xff", b"\xe4\xb8\xff"),
        (b"\xef\xbf\xbd.", b"a\xc3b", b"\xc3b"),
        (b"b", b"\xff\xf0\x9fb\xff", b"b"),
    ],
)
def test_the_leftmost_match_is_found_as_go_finds_it(pattern: bytes, text: bytes, first: bytes) -> None:
    assert call("regex_find", pattern, text) == call("must_regex_find", pattern, text) == first


@pytest.mark.parametrize(
    ("pattern", "text", "count", "found"),
    [
        (b"a*", b"baaac", -1, [b"", b"aaa", b""]),
        (b"a*", b"baaac", 2, [b"", b"aaa"]),
        (b"", "aé".encode(), -1, [b"", b"", b""]),
        (b"|a", b"aa", -1, [b"", b"", b""]),
        (rb"\B", "αβ-".encode(), -1, [b"", b"", b"", b""]),
        (rb"\B", b"\xce\xb1b\xc3\xf0\x9f(s", 100, [b"", b"", b"", b""]),
        (rb"\b", b"ab cd", -1, [b"", b"", b"", b""]),
        (b"^", b"aaa", -1, [b""]),
        (rb"\w", b"abc", 2, [b"a", b"b"]),
    ],
)
def test_no_empty_match_is_right_behind_another_match(
    pattern: bytes, text: bytes, count: int, found: list[bytes]
) -> None:
    assert call("regex_find_all", pattern, text, count) == found
    assert call("must_regex_find_all", pattern, text, count) == found


@pytest.mark.parametrize("count", [0, 3, -1])
def test_no_match_at_all_is_a_nil_slice_of_strings(count: int) -> None:
    assert type(call("regex_find_all", b"x", b"abc", count)) is NilStrings
    assert type(call("regex_find_all", b"a", b"abc", 0)) is NilStrings
    assert type(call("regex_split", b"a", b"abc", 0)) is NilStrings


@pytest.mark.parametrize(
    ("pattern", "text", "replacement", "replaced"),
    [
        (b"a(x*)b", b"-ab-axxb-", b"$1", b"--xx-"),
        (b"a(x*)b", b"-ab-axxb-", b"${1}W", b"-W-xxW-"),
        (b"a(x*)b", b"-ab-axxb-", b"$1W", b"---"),
        (b"a(x*)b", b"-ab-axxb-", b"$0$0", b"-abab-axxbaxxb-"),
        (b"(?P<n>b)", b"abc", b"<$n>", b"a<b>c"),
        (b"(?P<n>b)", b"abc", b"<${n}n>", b"a<bn>c"),
        (b"(?P<n>b)|(?P<n>c)", b"abc", b"<$n>", b"a<b><c>"),
        (b"(b)", b"abc", b"$$1", b"a$1c"),
        (b"(b)", b"abc", b"$$$1", b"a$bc"),
        (b"(b)", b"abc", b"$", b"a$c"),
        (b"(b)", b"abc", b"${", b"a${c"),
        (b"(b)", b"abc", b"${1", b"a${1c"),
        (b"(b)", b"abc", b"${}", b"a${}c"),
        (b"(b)", b"abc", b"$-", b"a$-c"),
        (b"(b)", b"abc", b"$01$2$9999999999", b"ac"),
        (b"(b)", b"abc", "$1é".encode(), b"ac"),
        (b"(b)", b"abc", "$1²".encode(), "ab²c".encode()),
        (b"(b)", b"abc", b"$1\xff", b"ab\xffc"),
        (b"(b)|(c)", b"abc", b"[$1$2]", b"a[b][c]"),
        (b"b*", b"abc", b"-", b"-a-c-"),
        (b"", "aé".encode(), b"-", "-a-é-".encode()),
        (b"\xc3\xa9", b"\xff\xc3\xa9\xfe", b"e", b"\xffe\xfe"),
        (b"(.)", b"\xff\xfe", b"$1.", b"\xff.\xfe."),
        (b"x", b"abc", b"y", b"abc"),
        (b"x", b"", b"y", b""),
    ],
)
def test_dollar_signs_of_a_replacement_stand_for_groups(
    pattern: bytes, text: bytes, replacement: bytes, replaced: bytes
) -> None:
    assert call("regex_replace_all", pattern, text, replacement) == replaced
    assert call("must_regex_replace_all", pattern, text, replacement) == replaced


def test_a_literal_replacement_is_taken_as_it_is() -> None:
    assert call("regex_replace_all_literal", b"(b)", b"abcb", b"$1\\1") == b"a$1\\1c$1\\1"
    assert call("must_regex_replace_all_literal", b"", b"ab", b"$") == b"$a$b$"


@pytest.mark.parametrize(
    ("pattern", "text", "count", "pieces"),
    [
        (b",", b"a,b,c", -1, [b"a", b"b", b"c"]),
        (b",", b"a,b,c", 2, [b"a", b"b,c"]),
        (b",", b"a,b,c", 1, [b"a,b,c"]),
        (b",", b",a,", -1, [b"", b"a", b""]),
        (b"", b"abc", -1, [b"a", b"b", b"c"]),
        (b"", b"abc", 2, [b"a", b"bc"]),
        (b"", b"", -1, []),
        (b",", b"", -1, [b""]),
        (b"a*", b"abaabaccadaaae", 5, [b"", b"b", b"b", b"c", b"cadaaae"]),
        (b",", b"\xff,\xfe", -1, [b"\xff", b"\xfe"]),
    ],
)
def test_a_text_is_split_as_go_splits(pattern: bytes, text: bytes, count: int, pieces: list[bytes]) -> None:
    for name in ("regex_split", "must_regex_split"):
        found = call(name, pattern, text, count)
        assert found == pieces
        assert type(found) is Strings


WRONG = [
    (b"(", "missing )"),
    (b")", "unexpected )"),
    (b"[a", "missing ]"),
    (b"a**", "bad repetition operator"),
    (b"*a", "no argument for repetition operator"),
    (b"a{1001}", "invalid repetition size"),
    (b"(a{100}){11}", "invalid repetition size"),
    (b"(?=a)", "invalid perl operator"),
    (rb"(a)\1", "invalid escape sequence"),
    (rb"\C", "invalid escape sequence"),
    (rb"[\C]", "invalid escape sequence"),
    (b"[b-a]", "invalid character class range"),
    (rb"\p{Nonsense}", "invalid character class range"),
    (b"(?P<\xc3\xa9>a)", "invalid named capture group"),
    (b"a\\", "trailing \\"),
    (b"\xff", "invalid UTF-8"),
]
CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("regex_find", ()),
    ("regex_find_all", (1,)),
    ("regex_replace_all", (b"",)),
    ("regex_replace_all_literal", (b"",)),
    ("regex_split", (0,)),
]


@pytest.mark.parametrize(("pattern", "reason"), WRONG, ids=[reason for _, reason in WRONG])
def test_a_wrong_pattern_fails_with_the_reason_alone(pattern: bytes, reason: str) -> None:
    for name, more in [*CALLS, *((f"must_{name}", more) for name, more in CALLS), ("must_regex_match", ())]:
        with pytest.raises(FunctionError) as caught:
            call(name, pattern, b"text", *more)
        assert str(caught.value) == f"wrong regular expression: {reason}"


def test_only_regex_match_takes_a_wrong_pattern_for_one_that_does_not_match() -> None:
    assert call("regex_match", b"(", b"(") is False
    assert call("regex_match", b"b", b"abc") is call("must_regex_match", b"", b"") is True
    assert call("regex_match", b"^b", b"abc") is call("must_regex_match", b"^b", b"abc") is False


def test_quoted_single_bytes_are_no_single_bytes() -> None:
    assert call("regex_find", rb"\Q\C\E", rb"a\C") == rb"\C"
    assert call("regex_find", rb"\\C", rb"a\C") == rb"\C"


def test_everything_with_a_meaning_is_quoted() -> None:
    assert regex.regex_quote_meta(rb"a\.+*?()|[]{}^$-\xff") == rb"a\\\.\+\*\?\(\)\|\[\]\{\}\^\$-\\xff"


@given(st.binary(max_size=20).filter(lambda text: text.decode("utf-8", "replace").encode() == text))
def test_a_quoted_text_matches_itself(text: bytes) -> None:
    assert call("must_regex_match", b"^" + regex.regex_quote_meta(text) + b"$", text)


@given(
    st.lists(st.sampled_from([b"a", b"\xff", b"\xe4\xb8", b"\xc3\xa9", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80"]))
)
def test_stray_bytes_come_out_as_they_went_in(pieces: list[bytes]) -> None:
    text = b"".join(pieces)
    assert call("regex_replace_all", b"(?s)(.)", text, b"${1}") == text
    assert b"".join(call("regex_find_all", b"(?s).", text, -1)) == text
    assert b"".join(call("regex_split", b"", text, -1)) == text


def test_a_pattern_has_a_bounded_length() -> None:
    with pytest.raises(BoundExceeded, match="longer than 10 bytes"):
        call("regex_match", b"a" * 11, b"", pattern=10)


def test_a_pattern_has_a_bounded_size_once_compiled() -> None:
    with pytest.raises(BoundExceeded, match="memory"):
        call("regex_match", rb"\pL{1000}", b"")


def test_a_big_pattern_on_a_big_text_takes_too_many_steps() -> None:
    pattern = b"|".join(b"a[ab]{%d}x" % count for count in range(500, 600))
    with pytest.raises(BoundExceeded, match="steps"):
        call("regex_match", pattern, b"ab" * (1 << 20))


def test_no_pattern_is_compiled_once_the_time_is_up() -> None:
    with pytest.raises(BoundExceeded, match="seconds"):
        call("regex_match", b"a", b"a", seconds=-1)


def test_many_matches_take_many_steps() -> None:
    with pytest.raises(BoundExceeded, match="steps"):
        call("regex_find_all", b"a", b"a" * 2000, -1, steps=1000)


@pytest.mark.parametrize(("name", "commas"), [("regex_find_all", 20), ("regex_split", 19)])
def test_a_list_of_matches_or_pieces_is_bounded(name: str, commas: int) -> None:
    assert len(call(name, b",", b"," * commas, -1, entries=20)) == 20
    assert len(call(name, b",", b"," * 1000, 20, entries=20)) == 20
    with pytest.raises(BoundExceeded, match="a list or map grows beyond 20 entries"):
        call(name, b",", b"," * 21, -1, entries=20)


@pytest.mark.parametrize("name", ["regex_replace_all", "regex_replace_all_literal"])
def test_what_replacements_add_is_bounded(name: str) -> None:
    with pytest.raises(BoundExceeded, match="values together"):
        call(name, b"a", b"a" * 200, b"b" * 50, total=5000)


def test_a_replacement_has_a_bounded_number_of_parts() -> None:
    with pytest.raises(BoundExceeded, match="entries"):
        call("regex_replace_all", b"a", b"", b"$1" * 1000, entries=1000)


def test_groups_put_in_again_and_again_are_bounded() -> None:
    with pytest.raises(BoundExceeded, match="values together"):
        call("regex_replace_all", b"(a+)", b"a" * 1000, b"$1" * 1000, total=5000)
