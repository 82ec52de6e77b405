from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from sealbridge.errors import CertificateError, KeyFileError
from sealbridge.sealing.keys import SealingKey
from sealbridge.secret import Secret, Value
from tests.sealing_keys import MADE, sealing_key


def private_text(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat) -> bytes:
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def test_a_new_key_has_the_certificate_that_the_controller_would_make() -> None:
    key = SealingKey.generate(at=MADE, bits=2048, valid_days=30, common_name="sealing")
    certificate = x509.load_der_x509_certificate(key.certificate.der)
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == "CN=sealing"
    assert certificate.not_valid_before_utc == MADE
    assert certificate.not_valid_after_utc == MADE + timedelta(days=30)
    assert 0 < certificate.serial_number < 1 << 128
    assert certificate.signature_hash_algorithm is not None
    assert certificate.signature_hash_algorithm.name == "sha256"
    certificate.verify_directly_issued_by(certificate)
    # critical key usage 'encipherOnly' alone, and a critical 'this is a CA'
    assert bytes.fromhex("0603551d0f0101ff040403020001") in key.certificate.der
    assert bytes.fromhex("0603551d130101ff040530030101ff") in key.certificate.der


def test_keys_of_the_smallest_and_an_odd_size_are_made() -> None:
    assert sealing_key(bits=2048).certificate.key_size == 2048
    assert sealing_key(bits=3072).certificate.key_size == 3072


@pytest.mark.parametrize("bits", [0, 1024, 2047, 8193, 16384])
def test_a_key_of_another_size_is_not_made(bits: int) -> None:
    with pytest.raises(KeyFileError, match="2048 to 8192 are supported"):
        SealingKey.generate(at=MADE, bits=bits)


@pytest.mark.parametrize("days", [0, -1, 10**9])
def test_a_validity_that_cannot_be_is_refused(days: int) -> None:
    with pytest.raises(KeyFileError, match=f"cannot be valid for {days} days"):
        SealingKey.generate(at=MADE, bits=2048, valid_days=days)


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_both_forms_of_pem_are_read(form: PrivateFormat) -> None:
    key = sealing_key()
    read = SealingKey.from_pem(private_text(key.private_key, form), key.certificate.pem)
    assert read.fingerprint == key.fingerprint
    assert read.certificate == key.certificate
    assert read.not_before == MADE


def test_a_key_secret_is_as_the_controller_stores_it_and_comes_back() -> None:
    key = sealing_key()
    secret = key.to_secret(name="sealed-secrets-keyabcde", namespace="kube-system")
    assert secret.type == "kubernetes.io/tls"
    assert secret.labels == {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}
    assert set(secret.items) == {"tls.key", "tls.crt"}
    assert secret.items["tls.key"].reveal().startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    read = SealingKey.from_secret(Secret.from_manifest(secret.to_manifest()))
    assert (read.fingerprint, read.certificate) == (key.fingerprint, key.certificate)


def test_a_bare_private_key_opens_and_has_no_certificate() -> None:
    bare = SealingKey.from_pem(sealing_key().private_pem.reveal(), None)
    assert not bare.has_certificate
    assert bare.not_before == datetime(1970, 1, 1, tzinfo=UTC)
    with pytest.raises(CertificateError, match="has no certificate"):
        _ = bare.certificate


def refused(private: bytes, certificate: bytes | None = None) -> str:
    with pytest.raises(KeyFileError) as caught:
        SealingKey.from_pem(private, certificate, where="here")
    assert caught.value.where == "here"
    assert caught.value.__cause__ is None
    return caught.value.what


def test_what_is_no_usable_key_is_refused_with_the_reason() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that it is too small is the point
    key = sealing_key().private_key
    locked = BestAvailableEncryption(b"x")
    assert refused(b"") == "there is no PEM private key in it"
    assert refused(sealing_key().certificate.pem) == "there is no PEM private key in it"
    assert (
        refused(private_text(curve, PrivateFormat.PKCS8))
        == "the private key is not an RSA key; sealing needs one"
    )
    assert (
        refused(private_text(curve, PrivateFormat.TraditionalOpenSSL))
        == "the private key is not an RSA key; sealing needs one"
    )
    assert refused(private_text(small, PrivateFormat.PKCS8)).startswith("the RSA key has 1024 bits")
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        text = key.private_bytes(Encoding.PEM, form, locked)
        assert refused(text) == "the private key is protected by a passphrase"
    whole = private_text(key, PrivateFormat.PKCS8)
    damaged = whole[:100] + whole[900:]
    assert refused(damaged) == "the private key is damaged"


def test_a_certificate_of_another_key_is_refused() -> None:
    assert (
        refused(sealing_key(0).private_pem.reveal(), sealing_key(1).certificate.pem)
        == "the certificate does not belong to the private key"
    )


def test_a_secret_without_a_key_is_named() -> None:
    with pytest.raises(KeyFileError, match=r"Secret ns/other: there is no tls\.key in it"):
        SealingKey.from_secret(Secret(name="other", namespace="ns", items={"a": Value(b"b")}))


def test_a_key_shows_nothing_of_itself_and_is_not_pickled() -> None:
    key = sealing_key()
    assert repr(key) == f"<SealingKey {key.fingerprint}>"
    assert repr(key.private_pem) == "<redacted>"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)
