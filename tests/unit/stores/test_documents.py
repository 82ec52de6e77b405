"""JSON as Go's encoder writes it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.stores.documents import dump, mended, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        (b'{"b":1,"a":2}', b'{"a":2,"b":1}'),
        (b'{ "a" : [ 1 , 2 ] }', b'{"a":[1,2]}'),
        (b'{"n":12345678901234567890}', b'{"n":12345678901234567890}'),
        (b'{"n":1.0,"m":1e400,"o":-0}', b'{"m":1e400,"n":1.0,"o":-0}'),
        (b'{"a":"<b>&"}', rb'{"a":"\u003cb\u003e\u0026"}'),
        ('{"a":"\u2028\u2029ü"}'.encode(), '{"a":"\\u2028\\u2029ü"}'.encode()),
        (b'{"Z":1,"a":2,"\xc3\xa9":3}', '{"Z":1,"a":2,"é":3}'.encode()),
    ],
)
def test_a_document_is_sorted_and_escaped_and_its_numbers_stay(written: bytes, printed: bytes) -> None:
    assert dump(parse(written)) == printed


@given(JSON)
def test_what_is_printed_means_the_same(value: object) -> None:
    assert json.loads(dump(parse(json.dumps(value).encode()))) == value


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b'{"a":Infinity}', b"[" * 100_000, b"\xff", b"{'a':1}"])
def test_what_is_not_json_is_refused_without_a_word_of_it(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not JSON$"):
        parse(body)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (rb'{"a": "\ud800x"}', rb'{"a": "\ufffdx"}'),
        (rb'{"a": "\udc00\uD800"}', rb'{"a": "\ufffd\ufffd"}'),
        (rb'{"a": "\ud83d\uDE00"}', rb'{"a": "\ud83d\uDE00"}'),
        (rb'{"a": "\ud83d\ud83d\ude00"}', rb'{"a": "\ufffd\ud83d\ude00"}'),
        (rb'{"a": "\\ud800"}', rb'{"a": "\\ud800"}'),
        ('{"a": "\u00e9"}'.encode(), '{"a": "\u00e9"}'.encode()),
    ],
)
def test_what_is_no_text_is_mended_as_go_does(document: bytes, expected: bytes) -> None:
    assert mended(document) == expected
