"""Base64 as Go takes it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.go import base64_text


@given(st.binary(), st.integers(1, 80))
def test_line_breaks_may_be_anywhere(data: bytes, width: int) -> None:
    text = base64.b64encode(data)
    lines = b"\r\n".join(text[at : at + width] for at in range(0, len(text), width))
    assert base64_text.decode(lines) == data


@pytest.mark.parametrize(
    "text",
    [
        b"A",
        b"AA",
        b"AAA",
        b"AA=",
        b"=",
        b"==",
        b"AAAA=",
        b"AAAA==",
        b"AAAA====",
        b"AA==AAAA",
        b"A A=",
        b"AA-_",
    ],
)
def test_padding_fits_and_nothing_else_is_taken(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"^wrong base64$"):
        base64_text.decode(text)
