"""Base64, base32 and hexadecimal."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.functions import encoding


@given(st.binary())
def test_what_is_encoded_is_decoded_again(data: bytes) -> None:
    assert encoding.b64dec(encoding.b64enc(data)) == data
    assert encoding.b32dec(encoding.b32enc(data)) == data
    assert encoding.hexdec(data.hex().encode()) == data
    assert base64.b64decode(encoding.b64enc(data)) == data


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        (b"aGVsbG8", 4),
        (b"a", 0),
        (b"aG V", 2),
        (b"YQ=", 3),
        (b"YQ=x", 2),
        (b"YQ==x", 4),
        (b"aGVsbG8==", 8),
        (b"=", 0),
        (b"aGVs\n\naG", 6),
        (b"YQ=\n", 4),
        (b"\xff", 0),
    ],
)
def test_wrong_base64_gives_the_offset_that_go_gives(text: bytes, offset: int) -> None:
    assert encoding.b64dec(text) == b"illegal base64 data at input byte %d" % offset


@pytest.mark.parametrize(
    ("text", "offset"),
    [(b"NB=", 3), (b"NB=x====", 2), (b"N=======", 1), (b"NBS=====", 3), (b"nbswy3dp", 0), (b"NBSWY3D", 0)],
)
def test_wrong_base32_gives_the_offset_that_go_gives(text: bytes, offset: int) -> None:
    assert encoding.b32dec(text) == b"illegal base32 data at input byte %d" % offset


def test_line_breaks_and_what_follows_a_padding_do_not_matter() -> None:
    assert encoding.b64dec(b"aG\r\nVs\nbG8=\n") == b"hello"
    assert encoding.b32dec(b"NBSW\nY3DP") == b"hello"
    assert encoding.b32dec(b"NB======x") == b"h"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"abc", b"encoding/hex: odd length hex string"),
        (b"zz", b"encoding/hex: invalid byte: U+007A 'z'"),
        (b"0\n", b"encoding/hex: invalid byte: U+000A"),
        (b"abx", b"encoding/hex: invalid byte: U+0078 'x'"),
    ],
)
def test_wrong_hexadecimal_gives_gos_message(text: bytes, message: bytes) -> None:
    assert encoding.hexdec(text) == message
