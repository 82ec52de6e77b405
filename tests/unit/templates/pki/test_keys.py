"""Private keys in the forms that Go takes."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.pki import der, keys
from tests import chains

PKCS8, TRADITIONAL = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL


def bare(key: Any, form: PrivateFormat = PKCS8) -> bytes:
    text: bytes = key.private_bytes(Encoding.DER, form, NoEncryption())
    return text


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP224R1()),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        ed25519.Ed25519PrivateKey.generate(),
        x25519.X25519PrivateKey.generate(),
    ],
    ids=["P-224", "P-256", "P-384", "P-521", "Ed25519", "X25519"],
)
def test_kinds_that_go_knows_come_back(key: Any) -> None:
    assert keys.pkcs8(keys.parse(bare(key))) == bare(key)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256K1()),
        ec.generate_private_key(ec.BrainpoolP256R1()),
        ed448.Ed448PrivateKey.generate(),
        dsa.generate_private_key(2048),
    ],
    ids=["secp256k1", "Brainpool", "Ed448", "DSA"],
)
def test_kinds_that_go_does_not_know_are_refused(key: Any) -> None:
    with pytest.raises(FunctionError, match="of an unknown kind"):
        keys.parse(bare(key))


def test_what_follows_a_key_is_not_looked_at_but_behind_pkcs1() -> None:
    rsa, curve = chains.rsa_key(), chains.chain().leaf.key

    assert keys.pkcs8(keys.parse(bare(rsa) + b"more")) == bare(rsa)
    assert keys.pkcs8(keys.parse(bare(curve, TRADITIONAL) + b"more")) == bare(curve)
    assert keys.pkcs8(keys.parse(bare(rsa, TRADITIONAL))) == bare(rsa)
    with pytest.raises(FunctionError, match="cannot be parsed"):
        keys.parse(bare(rsa, TRADITIONAL) + b"more")


def test_a_key_of_the_second_version_of_pkcs8_brings_its_public_half() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    public = der.element(0x81, b"\0", key.public_key().public_bytes_raw())
    text = der.sequence(
        der.integer(1),
        der.sequence(der.element(der.OID, der.oid("1.3.101.112"))),
        der.element(der.OCTET_STRING, der.element(der.OCTET_STRING, key.private_bytes_raw())),
        public,
    )

    assert keys.pkcs8(keys.parse(text)) == bare(key)


@pytest.mark.parametrize(
    "text", [b"", b"\x30\0", b"\x30\3\2\1\0", b"\x30\x80\2\1\0\0\0", b"text"], ids=range(5)
)
def test_what_is_no_key_is_refused(text: bytes) -> None:
    with pytest.raises(FunctionError, match=r"^the private key cannot be parsed$"):
        keys.parse(text)


def test_a_key_that_takes_too_long_to_check_is_refused() -> None:
    with pytest.raises(FunctionError, match="larger than one of 8192 bits"):
        keys.parse(der.sequence(der.integer(0), der.integer(1 << 60_000)))


@pytest.mark.parametrize("place", range(1, 9))
def test_an_rsa_key_whose_numbers_do_not_fit_is_refused(place: int) -> None:
    private = chains.rsa_key().private_numbers()
    public = private.public_numbers
    numbers = [
        0,
        public.n,
        public.e,
        private.d,
        private.p,
        private.q,
        private.dmp1,
        private.dmq1,
        private.iqmp,
    ]

    assert keys.pkcs8(keys.parse(der.sequence(*map(der.integer, numbers)))) == bare(chains.rsa_key())
    numbers[place] += 2
    with pytest.raises(FunctionError, match="cannot be parsed"):
        keys.parse(der.sequence(*map(der.integer, numbers)))
