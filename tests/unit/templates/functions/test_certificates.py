"""Keys and certificates: what sprig puts into them, which keys are taken, and what is refused."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from sealbridge.templates.functions import certificates
from sealbridge.templates.functions.certificates import Certificate
from sealbridge.templates.go.values import FunctionError, kind_of, type_name
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

COMMON_NAME = bytes.fromhex("0603550403")
OWN, PKCS8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8


def pem(key: Any, form: PrivateFormat = PKCS8) -> bytes:
    written: bytes = key.private_bytes(Encoding.PEM, form, NoEncryption())
    return written


RSA = rsa.generate_private_key(65537, 2048)
KEY = pem(RSA)
EC = ec.generate_private_key(ec.SECP256R1())
ED = pem(ed25519.Ed25519PrivateKey.generate())
DSA = certificates.gen_private_key(Budget(), b"dsa")
X25519 = pem(x25519.X25519PrivateKey.generate())


def parsed(made: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made.cert)


def authority(key: bytes = KEY, name: bytes = b"My CA") -> Certificate:
    return certificates.gen_ca_with_key(Budget(), name, 30, key)


def leaf(key: bytes = KEY, **changed: Any) -> Certificate:
    wanted = {"name": b"me", "addresses": None, "hosts": None, "days": 30} | changed
    return certificates.gen_self_signed_cert_with_key(Budget(), key=key, **wanted)


@pytest.mark.parametrize(
    ("kind", "first", "expected"),
    [
        (b"rsa", b"-----BEGIN RSA PRIVATE KEY-----", rsa.RSAPrivateKey),
        (b"", b"-----BEGIN RSA PRIVATE KEY-----", rsa.RSAPrivateKey),
        (b"dsa", b"-----BEGIN DSA PRIVATE KEY-----", dsa.DSAPrivateKey),
        (b"ecdsa", b"-----BEGIN EC PRIVATE KEY-----", ec.EllipticCurvePrivateKey),
        (b"ed25519", b"-----BEGIN PRIVATE KEY-----", ed25519.Ed25519PrivateKey),
    ],
)
def test_a_key_is_written_in_the_format_of_its_kind(kind: bytes, first: bytes, expected: type) -> None:
    text = certificates.gen_private_key(Budget(), kind)
    assert text.splitlines()[0] == first
    key = load_pem_private_key(text, None)
    assert isinstance(key, expected)
    sizes = {rsa.RSAPrivateKey: 4096, dsa.DSAPrivateKey: 2048, ec.EllipticCurvePrivateKey: 256}
    assert getattr(key, "key_size", None) == sizes.get(expected)


def test_an_unknown_kind_of_key_gives_the_text_of_an_error() -> None:
    assert certificates.gen_private_key(Budget(), b"RSA") == b"Unknown type RSA"


def test_an_authority_may_sign_certificates_and_signs_its_own() -> None:
    made = certificates.gen_ca(Budget(), b"My CA", 365)
    certificate = parsed(made)
    assert made.key.startswith(b"-----BEGIN RSA PRIVATE KEY-----\n")
    assert load_pem_private_key(made.key, None).public_key() == certificate.public_key()
    certificate.verify_directly_issued_by(certificate)
    assert certificate.subject.rfc4514_string() == "CN=My CA"
    assert [(entry.oid, entry.critical) for entry in certificate.extensions] == [
        (ExtensionOID.KEY_USAGE, True),
        (ExtensionOID.EXTENDED_KEY_USAGE, False),
        (ExtensionOID.BASIC_CONSTRAINTS, True),
        (ExtensionOID.SUBJECT_KEY_IDENTIFIER, False),
    ]
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, True, True)
    assert (usage.crl_sign, usage.data_encipherment, usage.key_agreement) == (False, False, False)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, None)
    bits = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)  # type: ignore[union-attr]
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert identifier.digest == hashlib.sha256(bits).digest()[:20]


def test_a_certificate_is_for_servers_and_clients_under_its_names() -> None:
    made = certificates.gen_self_signed_cert(
        Budget(), b"me", [b"10.0.0.1", b"::1", b"::ffff:1.2.3.4"], [b"a.example", b"*.b"], 30
    )
    certificate = parsed(made)
    certificate.verify_directly_issued_by(certificate)
    extensions = certificate.extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, True, False)
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    ]
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert not names.critical
    assert [str(name.value) for name in names.value] == ["a.example", "*.b", "10.0.0.1", "::1", "1.2.3.4"]


def test_alternative_names_are_critical_when_there_is_no_other_name() -> None:
    certificate = parsed(leaf(name=b"", hosts=[b"a.b"]))
    assert certificate.subject == x509.Name([])
    assert certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_a_signed_certificate_names_the_key_of_its_authority() -> None:
    signer = authority()
    made = certificates.gen_signed_cert(Budget(), b"me", None, [b"me.example"], 7, signer)
    certificate, issuer = parsed(made), parsed(signer)
    certificate.verify_directly_issued_by(issuer)
    assert load_pem_private_key(made.key, None).public_key() == certificate.public_key()
    identifier = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert identifier.key_identifier == own.digest


def test_a_certificate_of_its_authoritys_name_does_not_name_its_key() -> None:
    made = certificates.gen_signed_cert_with_key(Budget(), b"My CA", [], [], 7, authority(), pem(EC))
    assert len(list(parsed(made).extensions)) == 3


@pytest.mark.parametrize("days", [0, 1, 3650, 20000, -1, 106751])
def test_it_is_valid_for_so_many_days_from_now_on(days: int) -> None:
    certificate = parsed(leaf(days=days))
    begin = certificate.not_valid_before_utc
    assert abs(begin - datetime.now(UTC)) < timedelta(minutes=5)
    assert certificate.not_valid_after_utc - begin == timedelta(days=days)


def test_more_days_than_go_can_count_come_around() -> None:
    certificate = parsed(leaf(days=1 << 61))
    assert certificate.not_valid_after_utc == certificate.not_valid_before_utc


def test_serial_numbers_are_of_128_random_bits() -> None:
    serials = {parsed(leaf()).serial_number for _ in range(20)}
    assert len(serials) == 20
    assert all(0 < serial < 1 << 128 for serial in serials)
    assert max(serials).bit_length() > 120


@pytest.mark.parametrize(
    ("name", "tag"),
    [("plain (name)?", 0x13), ("a*b", 0x0C), ("a&b", 0x0C), ("é世界", 0x0C), ("x" * 100, 0x13)],
)
def test_a_name_is_a_printable_string_where_it_can_be(name: str, tag: int) -> None:
    text = name.encode()
    content = parsed(leaf(name=text)).tbs_certificate_bytes
    # As issuer and as subject.
    assert content.count(COMMON_NAME + bytes((tag, len(text))) + text) == 2


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        pem(RSA, OWN),
        *(pem(ec.generate_private_key(curve()), OWN) for curve in (ec.SECP224R1, ec.SECP384R1, ec.SECP521R1)),
        pem(EC, OWN),
        pem(EC),
        ED,
        b"text before\n" + ED + b"text behind",
    ],
    ids=["pkcs8", "pkcs1", "p224", "p384", "p521", "sec1", "ec pkcs8", "ed25519", "between text"],
)
def test_any_key_that_signs_can_be_given(key: bytes) -> None:
    made = authority(key)
    certificate = parsed(made)
    certificate.verify_directly_issued_by(certificate)
    given = load_pem_private_key(made.key, None)
    assert given.public_key() == certificate.public_key()
    label = {rsa.RSAPrivateKey: b"RSA ", ec.EllipticCurvePrivateKey: b"EC "}
    expected = next((kind for cls, kind in label.items() if isinstance(given, cls)), b"")
    assert made.key.startswith(b"-----BEGIN " + expected + b"PRIVATE KEY-----\n")
    parsed(
        certificates.gen_signed_cert_with_key(Budget(), b"me", [], [], 7, made, KEY)
    ).verify_directly_issued_by(certificate)


def relabelled(text: bytes, old: bytes, new: bytes) -> bytes:
    return text.replace(b"BEGIN " + old, b"BEGIN " + new).replace(b"END " + old, b"END " + new)


UNUSABLE = {
    "none": b"",
    "no PEM": b"secret text",
    "cut off": KEY[:500],
    "of a public key": RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "PKCS#8 that claims to be PKCS#1": relabelled(KEY, b"PRIVATE", b"RSA PRIVATE"),
    "PKCS#1 that claims to be PKCS#8": relabelled(pem(RSA, OWN), b"RSA PRIVATE", b"PRIVATE"),
    "SEC 1 that claims to be PKCS#1": relabelled(pem(EC, OWN), b"EC PRIVATE", b"RSA PRIVATE"),
    "encrypted": RSA.private_bytes(Encoding.PEM, PKCS8, BestAvailableEncryption(b"x")),
    "encrypted in the old way": RSA.private_bytes(Encoding.PEM, OWN, BestAvailableEncryption(b"x")),
    "of another curve": pem(ec.generate_private_key(ec.SECP256K1()), OWN),
    "Ed448": pem(ed448.Ed448PrivateKey.generate()),
    "padded too much": ED.replace(b"\n-----END", b"=\n-----END"),
    "no DER": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "a broken DSA key": b"-----BEGIN DSA PRIVATE KEY-----\nMAA=\n-----END DSA PRIVATE KEY-----\n",
}


@pytest.mark.parametrize("key", [*UNUSABLE.values(), DSA, X25519], ids=[*UNUSABLE, "DSA", "X25519"])
def test_a_key_that_cannot_sign_is_refused_without_showing_it(key: bytes) -> None:
    for attempt in (
        lambda: authority(key),
        lambda: leaf(key),
        lambda: certificates.gen_signed_cert(Budget(), b"me", [], [], 1, Certificate(authority().cert, key)),
    ):
        with pytest.raises(FunctionError) as caught:
            attempt()
        assert not any(line.decode() in str(caught.value) for line in key.split(b"\n") if line)


def test_a_key_of_x25519_can_be_signed_by_another() -> None:
    made = certificates.gen_signed_cert_with_key(Budget(), b"me", [], [], 1, authority(), X25519)
    assert isinstance(parsed(made).public_key(), x25519.X25519PublicKey)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"name": b"\xff"}, "common name is not UTF-8"),
        ({"hosts": ["é".encode()]}, "other characters than ASCII"),
        ({"hosts": [1]}, "one DNS name is no string"),
        ({"addresses": [None]}, "one IP address is no string"),
        *(
            ({"addresses": [text]}, "IP address")
            for text in (b"", b"1.2.3", b"1.2.3.04", b"1.2.3.4/8", b"fe80::1%eth0", b"::g", b"\xff")
        ),
    ],
)
def test_names_are_checked_without_showing_them(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(FunctionError, match=reason) as caught:
        leaf(**changed)
    assert "1.2" not in str(caught.value)
    assert "é" not in str(caught.value)


@pytest.mark.parametrize(
    ("cert", "key", "reason"),
    [
        (b"", KEY, "no PEM in the certificate"),
        (KEY, KEY, "certificate cannot be parsed"),
        (authority().cert, ED, "does not belong"),
        (authority().cert[:300], KEY, "no PEM in the certificate"),
    ],
)
def test_an_authority_is_a_certificate_and_its_key(cert: bytes, key: bytes, reason: str) -> None:
    with pytest.raises(FunctionError, match=reason):
        certificates.gen_signed_cert(Budget(), b"me", [], [], 1, Certificate(cert, key))


@pytest.mark.parametrize("key", [KEY, pem(EC, OWN), ED, X25519, DSA, b"junk\n" + KEY])
def test_a_custom_certificate_is_kept_as_it_is(key: bytes) -> None:
    cert = b"text\n" + authority().cert
    made = certificates.build_custom_cert(Budget(), base64.b64encode(cert), base64.b64encode(key))
    assert (made.cert, made.key) == (cert, key)


@pytest.mark.parametrize("key", UNUSABLE.values(), ids=UNUSABLE)
def test_a_custom_certificate_needs_a_key_that_can_be_parsed(key: bytes) -> None:
    with pytest.raises(FunctionError):
        certificates.build_custom_cert(Budget(), base64.b64encode(authority().cert), base64.b64encode(key))


@pytest.mark.parametrize(
    ("cert", "key", "reason"),
    [
        (b"no base64!", b"", "wrong base64"),
        (base64.b64encode(authority().cert), b"A", "wrong base64"),
        (base64.b64encode(b"no PEM"), base64.b64encode(KEY), "no PEM in the certificate"),
        (base64.b64encode(KEY), base64.b64encode(KEY), "certificate cannot be parsed"),
    ],
)
def test_a_custom_certificate_is_base64_of_pem(cert: bytes, key: bytes, reason: str) -> None:
    with pytest.raises(FunctionError, match=reason):
        certificates.build_custom_cert(Budget(), cert, key)


def test_what_templates_see_is_a_struct_with_two_fields() -> None:
    made = Certificate(b"c", b"k")
    assert (kind_of(made), type_name(made)) == ("struct", "sprig.certificate")
    assert {name: getattr(made, attribute) for name, attribute in made.fields.items()} == {
        "Cert": b"c",
        "Key": b"k",
    }
    assert made.plain() == {b"Cert": b"c", b"Key": b"k"}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("gen_private_key", (b"ecdsa",)),
        ("build_custom_cert", (b"", b"")),
        ("gen_ca", (b"n", 1)),
        ("gen_ca_with_key", (b"n", 1, KEY)),
        ("gen_self_signed_cert", (b"n", [], [], 1)),
        ("gen_self_signed_cert_with_key", (b"n", [], [], 1, KEY)),
        ("gen_signed_cert", (b"n", [], [], 1, Certificate(b"", b""))),
        ("gen_signed_cert_with_key", (b"n", [], [], 1, Certificate(b"", b""), KEY)),
    ],
)
def test_keys_are_counted(name: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(BoundExceeded, match="keys and password hashes"):
        getattr(certificates, name)(Budget(Limits(costly=0)), *arguments)
