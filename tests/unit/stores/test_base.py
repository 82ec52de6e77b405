"""Whole secrets that are maps of bytes."""

from __future__ import annotations

import json

from sealbridge.secret import Value
from sealbridge.stores.base import Items


def test_items_read_as_sorted_json_without_escapes() -> None:
    items = Items({"b": Value(b'<&>"'), "a": Value("ä\u2028".encode())})
    assert items.reveal() == '{"a":"ä\\u2028","b":"<&>\\""}'.encode()
    assert items == Value(items.reveal())
    assert repr(items) == "<redacted>"


def test_bytes_that_are_no_text_are_kept_beside_the_json_and_told_apart() -> None:
    one, other = Items({"a": Value(b"\xff")}), Items({"a": Value(b"\xfe")})
    assert json.loads(one.reveal()) == {"a": "\ufffd"}
    assert one.items["a"].reveal() == b"\xff"
    assert one != other
    assert len({one, Items({"a": Value(b"\xff")})}) == 1
