"""Java properties: the grammar of magiconair/properties, held against that library when this was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.functions.properties import from_properties
from sealbridge.templates.go.values import FunctionError, StringMap
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

READ = {
    "nothing": ("", {}),
    "equals sign": ("a=1", {"a": "1"}),
    "colon": ("a:1", {"a": "1"}),
    "blank": ("a 1", {"a": "1"}),
    "tab and form feed": ("a\t\f1", {"a": "1"}),
    "blanks around the delimiter": ("  a \t= \f1 ", {"a": "1 "}),
    "only the first delimiter counts": ("a==1:2", {"a": "=1:2"}),
    "a value with delimiters": ("url = jdbc:x://h/d?a=b", {"url": "jdbc:x://h/d?a=b"}),
    "no value": ("a\nb=\nc :\n", {"a": "", "b": "", "c": ""}),
    "comments": ("# x=1\n ! y=2\na=1 # no comment\n#", {"a": "1 # no comment"}),
    "every line end": ("a=1\nb=2\r\nc=3\rd=4", {"a": "1", "b": "2", "c": "3", "d": "4"}),
    "a value goes on": ("a = b \\\n   c\\\n\td\ne=f", {"a": "b cd", "e": "f"}),
    "a value does not go on behind CRLF": ("a = b\\\r\n   c", {"a": "b", "c": ""}),
    "a key does not go on": ("a\\\nb=c", {"a\nb": "c"}),
    "escapes": (r"a\ b\:\=\\c = \t\n\r\f\ \:\=\\\x", {r"a b:=\c": "\t\n\r\f :=\\x"}),
    "code points": (r"\u0061 = \u263A\u00e9", {"a": "☺é"}),
    "surrogates are no characters": (r"a = \ud83d\ude00", {"a": "\ufffd\ufffd"}),
    "nothing is expanded": ("a=${b}\nb=${a", {"a": "${b}", "b": "${a"}),
    "the last of two counts": ("a=1\na=2", {"a": "2"}),
    "unicode blanks are text": ("\u00a0a\u2003=\u00a0", {"\u00a0a\u2003": "\u00a0"}),
}

REFUSED = {
    "no key before an equals sign": ("a=1\n=2", "line 2: a key is missing"),
    "no key before a colon": (":", "line 1: a key is missing"),
    "too few digits": (r"a=\u12", "line 1: invalid unicode literal"),
    "no digits": (r"a=\u00g0", "line 1: invalid unicode literal"),
    "digits of a key": ("# c\n\\u=1", "line 2: invalid unicode literal"),
    "a backslash at the end of a value": ("a=\\", "line 1: premature EOF"),
    "a backslash at the end of a key": ("\\", "line 1: premature EOF"),
}


@pytest.mark.parametrize("name", READ)
def test_properties_are_read(name: str) -> None:
    text, expected = READ[name]

    found = from_properties(Budget(), text.encode())

    assert type(found) is StringMap
    assert found == {key.encode(): value.encode() for key, value in expected.items()}


@pytest.mark.parametrize("name", REFUSED)
def test_an_error_says_where_and_not_what(name: str) -> None:
    text, error = REFUSED[name]

    with pytest.raises(FunctionError) as caught:
        from_properties(Budget(), text.encode())
    assert str(caught.value) == f"unable to parse properties: {error}"


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert from_properties(Budget(), b"a\xff=\xe2\x98") == {b"a\xef\xbf\xbd": b"\xef\xbf\xbd" * 2}


def test_many_keys_are_bounded() -> None:
    with pytest.raises(BoundExceeded, match="100 steps"):
        from_properties(Budget(Limits(steps=100)), b"a=1\n" * 101)


_PLAIN = st.text(st.characters(exclude_characters="\\ \f\t\r\n:=#!", exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(_PLAIN, _PLAIN))
def test_what_is_written_plainly_comes_back(values: dict[str, str]) -> None:
    text = "".join(f"{key} = {value}\n" for key, value in values.items())

    assert from_properties(Budget(), text.encode()) == {
        key.encode(): value.encode() for key, value in values.items()
    }
