"""rsaDecrypt: schemes, digests, kinds of keys, and what it refuses, as External Secrets has them."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from sealbridge.templates.functions.decryption import rsa_decrypt
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.pki import pem
from tests import chains


def encrypted(text: bytes, digest: HashAlgorithm, key: rsa.RSAPrivateKey | None = None) -> bytes:
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    return (key or chains.rsa_key()).public_key().encrypt(text, oaep)


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("SHA1", SHA1()),  # noqa: S303
        ("SHA256", SHA256()),
        ("SHA512", SHA512()),
        ("None", SHA256()),
        ("", SHA256()),
        ("sha1", SHA256()),
        ("MD5", SHA256()),
    ],
)
@pytest.mark.parametrize(
    "form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL], ids=["pkcs8", "pkcs1"]
)
def test_a_digest_that_is_not_known_means_sha256(
    name: str, digest: HashAlgorithm, form: PrivateFormat
) -> None:
    key = chains.key_pem(chains.rsa_key(), form)

    assert rsa_decrypt(b"RSA-OAEP", name.encode(), encrypted(b"text\0\xff", digest), key) == b"text\0\xff"


def test_no_scheme_leaves_the_text_as_it_is_and_looks_at_no_key() -> None:
    assert rsa_decrypt(b"None", b"SHA256", b"plaintext", b"irrelevant") == b"plaintext"


def test_zero_bytes_at_the_beginning_may_be_missing() -> None:
    text = next(text for text in iter(lambda: encrypted(b"hello", SHA256()), b"") if text[0] == 0)

    key = chains.key_pem(chains.rsa_key())
    assert rsa_decrypt(b"RSA-OAEP", b"SHA256", text.lstrip(b"\0"), key) == b"hello"


def test_a_key_of_1024_bits_is_enough_and_junk_around_it_does_no_harm() -> None:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505
    text = b"junk\n" + chains.key_pem(key) + b"junk"

    assert rsa_decrypt(b"RSA-OAEP", b"SHA256", encrypted(b"hello", SHA256(), key), text) == b"hello"


def _protected() -> bytes:
    return chains.rsa_key().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )


REFUSED: dict[str, tuple[str, Any, str]] = {
    "another scheme": (
        "RSA1_5",
        lambda: chains.key_pem(chains.rsa_key()),
        "the decryption scheme is not supported",
    ),
    "a scheme in another case": ("rsa-oaep", lambda: b"", "the decryption scheme is not supported"),
    "no PEM": ("RSA-OAEP", lambda: b"not-a-valid-pem", "failed to decode PEM block"),
    "no key": (
        "RSA-OAEP",
        lambda: pem.encode(b"CERTIFICATE", b"invalid"),
        "the private key cannot be parsed",
    ),
    "a certificate": ("RSA-OAEP", lambda: chains.chain().leaf.pem, "the private key cannot be parsed"),
    "a key with a password": ("RSA-OAEP", _protected, "the private key cannot be parsed"),
    "another kind": (
        "RSA-OAEP",
        lambda: chains.key_pem(ec.generate_private_key(ec.SECP256R1())),
        "the private key is none for RSA",
    ),
    "another key": (
        "RSA-OAEP",
        lambda: chains.key_pem(rsa.generate_private_key(65537, 2048)),
        "error decrypting data with RSA",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    scheme, key, error = REFUSED[name]

    with pytest.raises(FunctionError, match=error):
        rsa_decrypt(scheme.encode(), b"SHA256", encrypted(b"hello", SHA256()), key())


@pytest.mark.parametrize("text", [b"", b"not-encrypted-data", b"\xff" * 256, b"\1" * 257])
def test_a_text_that_is_not_encrypted_for_the_key_is_refused(text: bytes) -> None:
    with pytest.raises(FunctionError, match=r"^error decrypting data with RSA$"):
        rsa_decrypt(b"RSA-OAEP", b"SHA256", text, chains.key_pem(chains.rsa_key()))
