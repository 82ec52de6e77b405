"""Password hashes, derived passwords, and AES as sprig has it."""

from __future__ import annotations

import base64

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.functions import passwords
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

# Made by sprig.
CIPHERTEXT = b"30tEfhuJSVRhpG97XCuWgz2okj7L8vQ1s6V9zVUPeDQ="


@pytest.mark.parametrize("password", [b"", b"secret", b"a\0b", b"\xff\xfe", b"x" * 72])
def test_a_hash_is_of_cost_10_and_of_the_whole_password(password: bytes) -> None:
    hashed = passwords.bcrypt(Budget(), password)
    assert hashed.startswith(b"$2a$10$")
    assert len(hashed) == 60
    assert bcrypt.checkpw(password, hashed)
    assert not bcrypt.checkpw(password[:-1] + b"?", hashed)


def test_a_password_that_is_too_long_gives_the_text_of_an_error() -> None:
    text = b"failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes"
    assert passwords.bcrypt(Budget(), b"x" * 73) == text
    assert passwords.htpasswd(Budget(), b"u", b"x" * 73) == b"u:" + text


def test_a_line_of_htpasswd_has_user_and_hash() -> None:
    user, _, hashed = passwords.htpasswd(Budget(), b"anna", b"secret").partition(b":")
    assert user == b"anna"
    assert bcrypt.checkpw(b"secret", hashed)


def test_a_user_with_a_colon_gives_the_text_of_an_error() -> None:
    assert passwords.htpasswd(Budget(), b"an:na", b"secret") == b"invalid username: an:na"


@pytest.mark.parametrize(
    ("counter", "kind", "derived"),
    [
        (1, b"long", b"ZedaFaxcZaso9*"),
        (2, b"long", b"Fovi2@JifpTupx"),
        (1, b"maximum", b"pf4zS1LjCg&LjhsZ7T2~"),
        (1, b"medium", b"ZedJuz8$"),
        (1, b"basic", b"pIS54PLs"),
        (1, b"short", b"Zed5"),
        (1, b"pin", b"6685"),
        (1, b"Long", b"cannot find password template Long"),
        (1, b"", b"cannot find password template "),
    ],
)
def test_a_password_is_derived_as_sprig_derives_it(counter: int, kind: bytes, derived: bytes) -> None:
    assert passwords.derive_password(Budget(), counter, kind, b"password", b"user", b"example.com") == derived


@pytest.mark.parametrize("name", ["bcrypt", "derive_password"])
def test_hashes_are_counted(name: str) -> None:
    budget = Budget(Limits(costly=0))
    arguments = {"bcrypt": (b"x",), "derive_password": (1, b"pin", b"p", b"u", b"s")}[name]
    with pytest.raises(BoundExceeded, match="keys and password hashes"):
        getattr(passwords, name)(budget, *arguments)


@given(st.binary(max_size=50), st.binary(max_size=100))
def test_what_is_encrypted_is_decrypted_with_the_same_key(password: bytes, text: bytes) -> None:
    sealed = passwords.encrypt_aes(password, text)
    assert passwords.decrypt_aes(password, sealed) == text
    if text:
        assert len(base64.b64decode(sealed)) == 16 + (len(text) // 16 + 1) * 16


def test_what_sprig_encrypted_is_decrypted() -> None:
    assert passwords.decrypt_aes(b"secretkey", CIPHERTEXT) == b"plaintext"
    assert (
        passwords.decrypt_aes(b"secretkey", b"\n" + CIPHERTEXT[:7] + b"\r\n" + CIPHERTEXT[7:]) == b"plaintext"
    )


def test_no_two_texts_are_encrypted_alike() -> None:
    assert passwords.encrypt_aes(b"k", b"text") != passwords.encrypt_aes(b"k", b"text")


def test_only_the_first_32_bytes_of_a_key_count() -> None:
    sealed = passwords.encrypt_aes(b"k" * 32 + b"one", b"text")
    assert passwords.decrypt_aes(b"k" * 32 + b"two", sealed) == b"text"
    assert passwords.decrypt_aes(b"k\0\0", passwords.encrypt_aes(b"k", b"text")) == b"text"


def sealed(plain: bytes) -> bytes:
    """Blocks as they are, without padding: a text of whole blocks has one block of padding, cut off here."""
    return base64.b64encode(base64.b64decode(passwords.encrypt_aes(b"k", plain))[:-16])


@pytest.mark.parametrize(
    ("plain", "found"),
    [
        (b"0123456789abcde\0", b"0123456789abcde\0"),
        (b"0123456789abcd?\x02", b"0123456789abcd"),
        (b"0123456789abcde\x10", b""),
        (b"0123456789abcdef0123456789abcde\x12", b"0123456789abcd"),
    ],
)
def test_the_last_byte_of_the_padding_is_believed(plain: bytes, found: bytes) -> None:
    assert passwords.decrypt_aes(b"k", sealed(plain)) == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"no base64!", "wrong base64"),
        (b"AAAA=", "wrong base64"),
        (base64.b64encode(b"short"), "whole blocks"),
        (base64.b64encode(b"x" * 16), "whole blocks"),
        (base64.b64encode(b"x" * 33), "whole blocks"),
        (sealed(b"0123456789abcde\x11"), "padding"),
    ],
)
def test_a_text_that_cannot_be_decrypted_fails(text: bytes, reason: str) -> None:
    with pytest.raises(FunctionError, match=reason) as caught:
        passwords.decrypt_aes(b"k", text)
    assert text.decode() not in str(caught.value)
