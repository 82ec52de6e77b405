"""Case by Go's simple mappings, and words told apart by it as huandu/xstrings does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sealbridge.templates.functions import casing
from sealbridge.templates.limits import BoundExceeded, Budget, Limits


@pytest.mark.parametrize(
    ("function", "given", "result"),
    [
        (casing.upper, "aé ß ﬁ ǆ ᾳ", "AÉ ß ﬁ Ǆ ᾼ"),
        (casing.lower, "AÉ ẞ İ ΑΣ Ǆ", "aé ß i ας ǆ".replace("ς", "σ")),
        (casing.title, "hello wORLD", "Hello WORLD"),
        (casing.title, "it's a.b-c_d 1e", "It'S A.B-C_d 1e"),
        (casing.title, "ǆx €x \u00a0x", "ǅx €x \u00a0X"),
        (casing.untitle, "Hello World.A", "hello world.A"),
        (casing.untitle, "\u3000ÉA", "\u3000éA"),
        (casing.swapcase, "This Is A.Test", "tHIS iS a.tEST"),
        (casing.swapcase, "ǆǆ ǅ Ǆ.ǆ éÉ", "ǅǄ ǆ ǆ.Ǆ Éé"),
        (casing.camelcase, "http_server", "HttpServer"),
        (casing.camelcase, "_complex__case_", "_Complex_Case_"),
        (casing.camelcase, "some words-here", "SomeWordsHere"),
        (casing.camelcase, "GOLANG_IS_GREAT", "GolangIsGreat"),
        (casing.camelcase, "fooBar HTTPServer", "FooBarHttpserver"),
        (casing.camelcase, "_", "__"),
        (casing.camelcase, "- ", "-  "),
        (casing.camelcase, "-a-", "-A-"),
        (casing.camelcase, "", ""),
    ],
)
def test_case_changes(function: Callable[[bytes], bytes], given: str, result: str) -> None:
    assert function(given.encode()) == result.encode()


@pytest.mark.parametrize(
    "function",
    [casing.upper, casing.lower, casing.title, casing.untitle, casing.swapcase, casing.camelcase],
)
def test_bytes_that_are_no_character_become_the_replacement(function: Callable[[bytes], bytes]) -> None:
    assert function(b"\xff\xc3") == "\ufffd\ufffd".encode()


SNAKES = [
    ("", ""),
    ("FirstName", "first_name"),
    ("HTTPServer", "http_server"),
    ("NoHTTPS", "no_https"),
    ("GO PATH-X_y", "go_path_x_y"),
    ("http2xx", "http_2xx"),
    ("HTTP20xOK", "http_20x_ok"),
    ("Duration2m3s", "duration_2m3s"),
    ("Bld4Floor3rd", "bld4_floor_3rd"),
    ("x1", "x1"),
    ("A1-2", "a1_2"),
    ("1A2b3C", "1_a_2b3_c"),
    ("__a__", "__a__"),
    ("a.b", "a.b"),
    ("A!-_b", "a!-_b"),
    ("a+B", "a_+_b"),
    ("日本Go", "日本_go"),
    ("ǅa", "ǅa"),
    ("ABc", "a_bc"),
    ("½Ⅳ", "½Ⅳ"),
]


@pytest.mark.parametrize(("given", "result"), SNAKES)
def test_words_are_told_apart(given: str, result: str) -> None:
    assert casing.snakecase(Budget(), given.encode()) == result.encode()


@pytest.mark.parametrize(("given", "result"), [pair for pair in SNAKES if "_" not in pair[0]])
def test_hyphens_stand_where_underscores_do(given: str, result: str) -> None:
    assert casing.kebabcase(Budget(), given.encode()) == result.replace("_", "-").encode()


@pytest.mark.parametrize(
    ("given", "result"),
    [
        (b"\xff", b"\xff"),
        (b"\xffA", b"\xef\xbf\xbda"),
        (b"A\xff", b"a\xef\xbf\xbd"),
        (b"AB\xffc", b"a_b\xef\xbf\xbdc"),
        (b"a\xffB", b"a_\xef\xbf\xbdb"),
        (b"a\xffb\xff", b"a\xffb\xff"),
        (b"a \xff b", b"a_\xef\xbf\xbd_b"),
    ],
)
def test_bytes_that_are_no_character_belong_to_the_next_word(given: bytes, result: bytes) -> None:
    assert casing.snakecase(Budget(), given) == result


def test_words_are_steps() -> None:
    with pytest.raises(BoundExceeded, match="more than 10 steps"):
        casing.snakecase(Budget(Limits(steps=10)), b"a-" * 20)
