"""The escapers of text/template: what they replace, and what they make of operands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.escapes import html, js, urlquery


@pytest.mark.parametrize(
    ("escape", "text", "escaped"),
    [
        (html, b"<a href='x'>\"&\"</a>", b"&lt;a href=&#39;x&#39;&gt;&#34;&amp;&#34;&lt;/a&gt;"),
        (html, b"a\0b\xff", b"a\xef\xbf\xbdb\xff"),
        (html, b"", b""),
        (js, b"a'b\"c\\d", rb"a\'b\"c\\d"),
        (js, b"<x>&=", rb"\u003Cx\u003E\u0026\u003D"),
        (js, b"\0\n\x1f\x7f ", b"\\u0000\\u000A\\u001F\x7f "),
        (js, "é世😀".encode(), "é世😀".encode()),
        (js, "\u2028\u200b\xa0".encode(), rb"\u2028\u200B\u00A0"),
        (js, "\U000e0001".encode(), rb"\uE0001"),
        (js, b"\xff\xe4\xb8", b"\xff\xe4\xb8"),
        (urlquery, b"a b&c=d/e?f+g", b"a+b%26c%3Dd%2Fe%3Ff%2Bg"),
        (urlquery, b"-_.~!*'()", b"-_.~%21%2A%27%28%29"),
        (urlquery, "é\xff".encode() + b"\xff\0", b"%C3%A9%C3%BF%FF%00"),
    ],
)
def test_text_is_escaped(escape: Callable[..., bytes], text: bytes, escaped: bytes) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize(
    ("values", "escaped"),
    [
        ((), b""),
        ((1, 2, b"<", 3), b"1 2&lt;3"),
        ((b"<", b">"), b"&lt;&gt;"),
        ((None,), b"&lt;no value&gt;"),
        ((None, 1), b"&lt;no value&gt;1"),
        (([b"<", None],), b"[&lt; &lt;nil&gt;]"),
        (({b"&": 1.5},), b"map[&amp;:1.5]"),
    ],
)
def test_what_is_no_single_string_is_printed_first(values: tuple[Any, ...], escaped: bytes) -> None:
    assert html(*values) == escaped


@given(st.binary())
def test_no_special_character_is_left(text: bytes) -> None:
    assert not set(html(text)) & set(b"<>\"'\0")
    assert not set(js(text)) & set(b"<>&=\n")
    assert urlquery(text).isascii()
