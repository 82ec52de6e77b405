from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.errors import CertificateError
from sealbridge.sealing import pem
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.keys import SealingKey
from tests.sealing_keys import MADE, sealing_key


def made_by_x509(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey | ed25519.Ed25519PrivateKey,
    *,
    not_before: datetime = MADE,
    not_after: datetime = MADE + timedelta(days=1),
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "söme name")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0xABCDEF)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())
    )


@pytest.mark.parametrize(
    ("not_before", "not_after"),
    [
        (datetime(2020, 2, 29, 23, 59, 59, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)),
        (datetime(1951, 1, 1, tzinfo=UTC), datetime(1999, 12, 31, tzinfo=UTC)),
        (datetime(2049, 12, 31, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)),
        (datetime(2050, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("bits", [2048, 2056, 3072])
def test_what_is_read_is_what_x509_reads(not_before: datetime, not_after: datetime, bits: int) -> None:
    key = sealing_key(bits=bits).private_key
    theirs = made_by_x509(key, not_before=not_before, not_after=not_after)
    ours = Certificate.from_pem(theirs.public_bytes(Encoding.PEM))
    assert ours.not_before == theirs.not_valid_before_utc
    assert ours.not_after == theirs.not_valid_after_utc
    assert ours.public_key.public_numbers() == key.public_key().public_numbers()
    assert ours.key_size == bits
    assert ours.subject == theirs.subject.rfc4514_string()
    assert ours.serial == theirs.serial_number
    assert ours.der == theirs.public_bytes(Encoding.DER)
    assert ours.pem == theirs.public_bytes(Encoding.PEM)


def test_the_fingerprint_is_that_of_openssh() -> None:
    key = sealing_key()
    text = key.private_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(text.split()[1])).digest()
    assert key.certificate.fingerprint == "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    assert key.certificate.fingerprint == key.fingerprint


def test_the_first_certificate_of_a_text_counts() -> None:
    first, second = sealing_key(0).certificate, sealing_key(1).certificate
    text = b"some words\n" + sealing_key(0).private_pem.reveal() + first.pem + second.pem
    assert Certificate.from_pem(text) == first


def test_windows_line_ends_are_read() -> None:
    certificate = sealing_key().certificate
    assert Certificate.from_pem(certificate.pem.replace(b"\n", b"\r\n")) == certificate


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "there is no PEM certificate in it"),
        (b"\xff\xfe\x00", "there is no PEM certificate in it"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA", "there is no PEM certificate in it"),
        (b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "not base64"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not valid DER"),
        (b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "not valid DER"),
    ],
)
def test_what_is_no_certificate_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(CertificateError, match=what) as caught:
        Certificate.from_pem(data, where="cert.pem")
    assert caught.value.where == "cert.pem"
    assert caught.value.hint


def test_a_bare_key_is_told_from_a_certificate() -> None:
    public = sealing_key().private_key.public_key()
    spki = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(CertificateError, match="a bare public key, sealing needs a certificate"):
        Certificate.from_pem(spki)
    with pytest.raises(CertificateError, match="a private key, sealing needs a certificate"):
        Certificate.from_pem(sealing_key().private_pem.reveal())


@pytest.mark.parametrize(
    ("key", "what"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "an elliptic-curve key"),
        (ed25519.Ed25519PrivateKey.generate(), "an Ed25519 key"),
        (dsa.generate_private_key(2048), "a DSA key"),
    ],
    ids=["ec", "ed25519", "dsa"],
)
def test_a_key_that_is_not_rsa_is_refused_by_its_name(
    key: ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey | ed25519.Ed25519PrivateKey, what: str
) -> None:
    with pytest.raises(CertificateError, match=f"holds {what}, sealing needs an RSA key"):
        Certificate.from_pem(made_by_x509(key).public_bytes(Encoding.PEM))


@pytest.mark.parametrize("bits", [1024, 2047, 8200])
def test_a_key_of_an_unsupported_size_is_refused(bits: int) -> None:
    # Only the certificate's key matters, so a modulus that nobody has the factors of will do.
    certificate = bytearray(sealing_key().certificate.der)
    modulus = (1 << (bits - 1)) | 1
    with pytest.raises(CertificateError, match=f"the RSA key has {bits} bits; 2048 to 8192 are supported"):
        Certificate(with_modulus(bytes(certificate), modulus))


def with_modulus(der: bytes, modulus: int) -> bytes:
    """A certificate made anew around another RSA key, unsigned."""

    def element(tag: int, content: bytes) -> bytes:
        length = len(content)
        if length < 0x80:
            return bytes([tag, length]) + content
        size = length.to_bytes((length.bit_length() + 7) // 8)
        return bytes([tag, 0x80 | len(size)]) + size + content

    parsed = x509.load_der_x509_certificate(der)
    old = parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    number = modulus.to_bytes(modulus.bit_length() // 8 + 1)
    key = element(0x30, element(0x02, number) + element(0x02, b"\x01\x00\x01"))
    algorithm = element(0x30, element(0x06, bytes.fromhex("2a864886f70d010101")) + b"\x05\x00")
    new = element(0x30, algorithm + element(0x03, b"\x00" + key))
    body = parsed.tbs_certificate_bytes.replace(old, new)
    body = element(0x30, body[4:])
    return element(0x30, body + algorithm + element(0x03, b"\x00" * 257))


def test_a_certificate_expires_after_its_last_second() -> None:
    certificate = Certificate.from_pem(
        made_by_x509(sealing_key().private_key, not_after=MADE + timedelta(days=1)).public_bytes(Encoding.PEM)
    )
    assert not certificate.expired(MADE - timedelta(days=1))  # not valid yet, and usable, as upstream has it
    assert not certificate.expired(MADE + timedelta(days=1))
    assert certificate.expired(MADE + timedelta(days=1, seconds=1))


def test_a_certificate_with_extensions_that_x509_refuses_to_parse_is_read() -> None:
    certificate = sealing_key().certificate
    with pytest.raises(ValueError, match="key_agreement"):
        _ = x509.load_der_x509_certificate(certificate.der).extensions
    assert Certificate.from_pem(certificate.pem).key_size == 2048
    assert certificate.subject == ""


@given(position=st.integers(min_value=0), byte=st.integers(0, 255))
def test_a_changed_byte_gives_a_certificate_or_a_certificate_error(position: int, byte: int) -> None:
    der = bytearray(sealing_key().certificate.der)
    der[position % len(der)] = byte
    with suppress(CertificateError):
        assert Certificate(bytes(der)).key_size >= 2048


@given(length=st.integers(min_value=0))
def test_a_certificate_that_is_cut_short_is_refused(length: int) -> None:
    der = sealing_key().certificate.der
    with pytest.raises(CertificateError, match="not valid DER"):
        Certificate(der[: length % len(der)])


def test_bytes_after_the_certificate_are_refused() -> None:
    with pytest.raises(CertificateError, match="not valid DER"):
        Certificate(sealing_key().certificate.der + b"\x00")


@given(st.binary(max_size=300))
def test_a_pem_block_is_read_back(data: bytes) -> None:
    (block,) = pem.blocks(b"before\n" + pem.encode("THING", data) + b"after")
    assert (block.label, block.der) == ("THING", data)


def test_a_pem_key_of_another_private_key_type_is_not_taken_for_a_certificate() -> None:
    text = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    with pytest.raises(CertificateError, match="a private key"):
        Certificate.from_pem(text)


def test_its_repr_shows_the_fingerprint_and_the_end() -> None:
    key = SealingKey.generate(at=MADE, bits=2048, valid_days=10)
    assert repr(key.certificate) == f"<Certificate {key.fingerprint} until 2026-01-11>"
