from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from sealbridge.errors import EnvelopeError, SealbridgeError, WrongKeyError
from sealbridge.sealing.envelope import decode, encode, open_, seal
from tests.sealing_keys import sealing_key

LABEL = b"shop/db"
MEBIBYTE = 1 << 20


def made_by_hand(value: bytes, *, session_key_length: int = 32, label: bytes = LABEL) -> bytes:
    session_key = os.urandom(session_key_length)
    wrapped = (
        sealing_key()
        .private_key.public_key()
        .encrypt(session_key, OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=label))
    )
    usable = session_key if session_key_length in (16, 24, 32) else bytes(32)
    return len(wrapped).to_bytes(2, "big") + wrapped + AESGCM(usable).encrypt(bytes(12), value, None)


@given(value=st.binary(max_size=2000), label=st.binary(max_size=320))
def test_any_value_comes_back_under_its_key_and_label(value: bytes, label: bytes) -> None:
    key = sealing_key()
    assert open_(seal(value, key.certificate, label), key, label).reveal() == value


@given(size=st.integers(0, MEBIBYTE), seed=st.binary(min_size=1, max_size=8))
@settings(max_examples=25)
def test_a_value_of_any_size_up_to_a_mebibyte_comes_back(size: int, seed: bytes) -> None:
    value = (seed * (size // len(seed) + 1))[:size]
    key = sealing_key()
    assert open_(seal(value, key.certificate, LABEL), key, LABEL).reveal() == value


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, MEBIBYTE])
def test_the_smallest_and_the_largest_come_back_and_the_length_is_as_upstream(size: int) -> None:
    value, key = os.urandom(size), sealing_key()
    envelope = seal(value, key.certificate, LABEL)
    assert len(envelope) == 2 + 256 + size + 16
    assert open_(envelope, key, LABEL).reveal() == value


@pytest.mark.parametrize(("bits", "prefix"), [(2048, "AQ"), (4096, "Ag")])
def test_the_text_begins_as_the_size_of_the_key_has_it(bits: int, prefix: str) -> None:
    key = sealing_key(bits=bits)
    assert encode(seal(b"x", key.certificate, LABEL)).startswith(prefix)


def test_equal_values_are_sealed_differently_every_time() -> None:
    certificate = sealing_key().certificate
    assert len({seal(b"same", certificate, LABEL) for _ in range(20)}) == 20


@given(value=st.binary(max_size=64), position=st.integers(min_value=0), change=st.integers(1, 255))
@settings(max_examples=200)
def test_flipping_any_byte_never_yields_a_value(value: bytes, position: int, change: int) -> None:
    key = sealing_key()
    envelope = bytearray(seal(value, key.certificate, LABEL))
    envelope[position % len(envelope)] ^= change
    with pytest.raises((WrongKeyError, EnvelopeError)):
        open_(bytes(envelope), key, LABEL)


@given(label=st.binary(max_size=40).filter(lambda label: label != LABEL))
def test_another_label_never_yields_a_value(label: bytes) -> None:
    key = sealing_key()
    with pytest.raises(WrongKeyError):
        open_(seal(b"value", key.certificate, LABEL), key, label)


@given(value=st.binary(max_size=64))
def test_another_key_never_yields_a_value(value: bytes) -> None:
    envelope = seal(value, sealing_key(0).certificate, LABEL)
    for other in (sealing_key(1), sealing_key(bits=3072)):
        with pytest.raises(WrongKeyError):
            open_(envelope, other, LABEL)


@given(length=st.integers(min_value=0))
def test_an_envelope_that_is_cut_short_never_yields_a_value(length: int) -> None:
    envelope = seal(b"some value", sealing_key().certificate, LABEL)
    with pytest.raises(EnvelopeError):
        open_(envelope[: length % len(envelope)], sealing_key(), LABEL)


@given(data=st.binary(max_size=600))
def test_any_bytes_give_one_of_the_two_errors(data: bytes) -> None:
    with pytest.raises((WrongKeyError, EnvelopeError)):
        open_(data, sealing_key(), LABEL)


@pytest.mark.parametrize("length", [16, 24, 32])
def test_session_keys_of_every_length_that_the_controller_takes_are_taken(length: int) -> None:
    assert open_(made_by_hand(b"v", session_key_length=length), sealing_key(), LABEL).reveal() == b"v"


@pytest.mark.parametrize("length", [0, 15, 31, 33])
def test_a_session_key_of_another_length_is_final(length: int) -> None:
    with pytest.raises(EnvelopeError, match="session key of a wrong length"):
        open_(made_by_hand(b"v", session_key_length=length), sealing_key(), LABEL)


def test_damage_behind_the_wrapped_key_is_final_and_damage_to_it_is_not() -> None:
    envelope = seal(b"value", sealing_key().certificate, LABEL)
    with pytest.raises(EnvelopeError, match="damaged"):
        open_(envelope[:-1] + bytes([envelope[-1] ^ 1]), sealing_key(), LABEL)
    with pytest.raises(WrongKeyError):
        open_(envelope[:100] + bytes([envelope[100] ^ 1]) + envelope[101:], sealing_key(), LABEL)


@given(st.binary(max_size=300))
def test_the_text_is_standard_base64_and_comes_back(data: bytes) -> None:
    text = encode(data)
    assert decode(text) == data
    assert decode("\r\n".join(text[at : at + 7] for at in range(0, len(text), 7)) + "\n") == data


@pytest.mark.parametrize(
    "text",
    [
        "_-8=",
        "-_-_",
        "YQ",
        "YQ=",
        "YQ==YQ==",
        "Y Q==",
        "YQ==\t",
        "é",
        "=",
        "Y",
        "YWFh=",
        "YWFh==",
        "YWFh====",
    ],
)
def test_other_alphabets_and_missing_or_needless_padding_are_refused(text: str) -> None:
    with pytest.raises(EnvelopeError, match="not standard base64 with padding"):
        decode(text)


@given(value=st.binary(min_size=8, max_size=40))
def test_no_error_shows_the_value(value: bytes) -> None:
    key = sealing_key()
    envelope = bytearray(seal(value, key.certificate, LABEL))
    envelope[-1] ^= 1
    with pytest.raises(SealbridgeError) as caught:
        open_(bytes(envelope), key, LABEL)
    assert repr(value)[2:-1] not in f"{caught.value!r} {caught.value} {caught.value.hint}"
    assert caught.value.__cause__ is None
