"""conversionStrategy and valid keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.sync.convert import convert_keys, valid_keys
from sealbridge.sync.model import ConversionStrategy

DEFAULT, UNICODE = ConversionStrategy.DEFAULT, ConversionStrategy.UNICODE


@pytest.mark.parametrize(
    ("strategy", "key", "converted"),
    [
        (DEFAULT, "plain-Key_1.x", "plain-Key_1.x"),
        (DEFAULT, "a/b c", "a_b_c"),
        (DEFAULT, "é²٣", "é²٣"),
        (DEFAULT, "😀", "_"),
        (UNICODE, "a/b", "a_U002f_b"),
        (UNICODE, "😀", "_U1f600_"),
        (UNICODE, "a b", "a_U0020_b"),
        (DEFAULT, "", ""),
    ],
)
def test_a_key_is_converted(strategy: ConversionStrategy, key: str, converted: str) -> None:
    assert convert_keys({key: 1}, strategy) == {converted: 1}


def test_two_keys_that_become_one_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^the keys 'a/b' and 'a_b' both become 'a_b' under conversion"):
        convert_keys({"a/b": 1, "a_b": 2}, DEFAULT)


# No '_', which may itself spell a converted character, and short enough to stay a key.
@given(st.dictionaries(st.text(alphabet=st.characters(exclude_characters="_"), max_size=25), st.none()))
def test_unicode_conversion_keeps_different_keys_apart(entries: dict[str, None]) -> None:
    assert len(valid_keys(convert_keys(entries, UNICODE)) | {"": None}) == len(entries | {"": None})


def test_the_empty_key_is_dropped() -> None:
    assert valid_keys({"": 1, "a": 2}) == {"a": 2}


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("a/b", "the key 'a/b' has characters other than letters, digits, '-', '_' and '.'"),
        ("k" * 254, f"the key '{'k' * 40}'... has more than 253 characters"),
    ],
)
def test_a_key_that_no_secret_takes_is_refused(key: str, error: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        valid_keys({"good": 1, key: 2})
    assert str(caught.value) == error
