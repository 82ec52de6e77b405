"""decodingStrategy."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.sync.decode import decode
from sealbridge.sync.model import DecodingStrategy

NONE, AUTO = DecodingStrategy.NONE, DecodingStrategy.AUTO
BASE64, URL = DecodingStrategy.BASE64, DecodingStrategy.BASE64_URL


@pytest.mark.parametrize(
    ("strategy", "value", "decoded"),
    [
        (NONE, b"dGVzdA==", b"dGVzdA=="),
        (BASE64, b"dGVzdA==", b"test"),
        (BASE64, b"dGVz\r\ndA==\n", b"test"),
        (BASE64, b"", b""),
        (BASE64, b"+/+/", b"\xfb\xff\xbf"),
        (URL, b"-_-_", b"\xfb\xff\xbf"),
        (URL, b"dGVzdA==", b"test"),
        (AUTO, b"+/+/", b"\xfb\xff\xbf"),
        (AUTO, b"-_-_", b"\xfb\xff\xbf"),
        (AUTO, b"plain text", b"plain text"),
        (AUTO, b"dGVzdA", b"dGVzdA"),
        # What upstream does to plain text that happens to be base64, and manifests rely on.
        (AUTO, b"test1234", b"\xb5\xeb-\xd7m\xf8"),
        (AUTO, b"\xff\x00", b"\xff\x00"),
    ],
)
def test_a_value_is_decoded(strategy: DecodingStrategy, value: bytes, decoded: bytes) -> None:
    assert decode(value, strategy) == decoded


@pytest.mark.parametrize(
    ("strategy", "value"),
    [
        (BASE64, b"dGVzdA"),
        (BASE64, b"dGVzdA="),
        (BASE64, b"dGVzdA==="),
        (BASE64, b"=AAA"),
        (BASE64, b"-_-_"),
        (BASE64, b"dGV zdA=="),
        (URL, b"+/+/"),
        (URL, b"dGVzdA"),
    ],
)
def test_a_value_that_is_something_else_is_refused_and_not_shown(
    strategy: DecodingStrategy, value: bytes
) -> None:
    with pytest.raises(
        ValueError, match=rf"^the value is not what decodingStrategy {strategy.value} expects$"
    ):
        decode(value, strategy)


@given(st.binary())
def test_what_python_encodes_is_decoded(value: bytes) -> None:
    assert decode(base64.b64encode(value), BASE64) == value
    assert decode(base64.b64encode(value), AUTO) == value
    assert decode(base64.urlsafe_b64encode(value), URL) == value
    assert decode(base64.urlsafe_b64encode(value), AUTO) == value
