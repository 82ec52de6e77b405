"""PKCS#12 containers that are not what openssl writes: odd, broken, and costly ones."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import BoundExceeded, Budget, Limits
from sealbridge.templates.pki import certificates, der, keys, pbe, pfx
from tests import chains

LEAF = chains.chain().leaf
KEY = keys.pkcs8(LEAF.key)
DATA = der.element(der.OID, der.DATA)
SHA1 = der.oid("1.3.14.3.2.26")


def octets(content: bytes) -> bytes:
    return der.element(der.OCTET_STRING, content)


def explicit(content: bytes) -> bytes:
    return der.element(der.EXPLICIT, content)


def bag(kind: bytes, value: bytes) -> bytes:
    return der.sequence(der.element(der.OID, kind), explicit(value))


def cert_bag(content: bytes = LEAF.der, kind: bytes = der.X509_CERTIFICATE) -> bytes:
    return bag(der.CERT_BAG, der.sequence(der.element(der.OID, kind), explicit(octets(content))))


def key_bag() -> bytes:
    return bag(der.KEY_BAG, KEY)


def part(*bags: bytes) -> bytes:
    return der.sequence(DATA, explicit(octets(der.sequence(*bags))))


def file(*parts: bytes, mac: bytes = b"", version: int = 3, kind: bytes = DATA) -> bytes:
    content = der.sequence(kind, explicit(octets(der.sequence(*parts))))
    return der.sequence(der.integer(version), content, mac)


def classic(digest: bytes, code: bytes, salt: bytes, *iterations: bytes) -> bytes:
    info = der.sequence(der.sequence(der.element(der.OID, digest), der.element(der.NULL)), octets(code))
    return der.sequence(info, octets(salt), *iterations)


def pbmac1(text: bytes, *, length: int = 32, digest: str = "2.9", iterations: int = 10) -> bytes:
    """A MAC of RFC 9579 for the password `1234`, made without the module under test."""
    algorithm = der.element(der.OID, der.oid(f"1.2.840.113549.{digest}"))
    parameters = der.sequence(
        octets(b"salt"), der.integer(iterations), der.integer(length), der.sequence(algorithm)
    )
    derivation = der.sequence(der.element(der.OID, der.PBKDF2), parameters)
    name = {"2.9": "sha256", "2.11": "sha512"}.get(digest, "sha1")
    code = hmac.digest(hashlib.pbkdf2_hmac(name, b"1234", b"salt", iterations, length), text, name)
    scheme = der.sequence(
        der.element(der.OID, der.PBMAC1),
        der.sequence(derivation, der.sequence(algorithm, der.element(der.NULL))),
    )
    return der.sequence(der.sequence(scheme, octets(code)), octets(b"ignored"), der.integer(1))


PARTS = (part(cert_bag()), part(key_bag()))


def test_bags_may_be_in_one_part_or_in_two_and_others_are_left_out() -> None:
    unknown = bag(der.oid("1.2.840.113549.1.12.10.1.5"), der.sequence())
    for parts in (PARTS, PARTS[::-1], [part(key_bag(), unknown, cert_bag())]):
        found = pfx.read(Budget(), file(*parts), b"")
        assert keys.pkcs8(found.key) == KEY
        assert [one.raw for one in found.certificates] == [LEAF.der]


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "three parts": (lambda: file(*PARTS, part()), "another number of parts than one or two"),
    "no part": (lambda: file(), "another number of parts than one or two"),
    "another version": (lambda: file(*PARTS, version=2), "another version than 3"),
    "signed": (
        lambda: file(*PARTS, kind=der.element(der.OID, der.oid("1.2.840.113549.1.7.2"))),
        "not protected by a password",
    ),
    "enveloped": (
        lambda: file(
            der.sequence(der.element(der.OID, der.oid("1.2.840.113549.1.7.3")), explicit(octets(b"")))
        ),
        "contents of an unknown kind",
    ),
    "two keys": (lambda: file(part(cert_bag(), key_bag(), key_bag())), "more than one key"),
    "no key": (lambda: file(PARTS[0]), "no private key"),
    "no certificate": (lambda: file(PARTS[1]), "no certificate"),
    "an SDSI certificate": (
        lambda: file(part(cert_bag(kind=der.oid("1.2.840.113549.1.9.22.2")), key_bag())),
        "not of X.509",
    ),
    "two certificates in a bag": (
        lambda: file(part(cert_bag(LEAF.der * 2), key_bag())),
        "the certificate cannot be parsed",
    ),
    "a broken key": (
        lambda: file(part(cert_bag(), bag(der.KEY_BAG, der.sequence()))),
        "the private key cannot be parsed",
    ),
    "more behind it": (lambda: file(*PARTS) + b"\0", "the PKCS#12 file cannot be parsed"),
    "less": (lambda: file(*PARTS)[:-1], "the PKCS#12 file cannot be parsed"),
    "indefinite length": (
        lambda: b"\x30\x80" + file(*PARTS)[4:] + b"\0\0",
        "the PKCS#12 file cannot be parsed",
    ),
    "a MAC of MD5": (
        lambda: file(*PARTS, mac=classic(der.oid("1.2.840.113549.2.5"), b"", b"salt")),
        "the MAC of the PKCS#12 file uses an unsupported algorithm",
    ),
    "a MAC of another text": (
        lambda: file(*PARTS, mac=classic(SHA1, bytes(20), b"salt", der.integer(2))),
        "the password is wrong",
    ),
    "a MAC of too many iterations": (
        lambda: file(*PARTS, mac=classic(SHA1, bytes(20), b"salt", der.integer(pbe.MAX_ITERATIONS + 1))),
        "less than 1 or more than 1000000 iterations",
    ),
    "a MAC of no iterations": (
        lambda: file(*PARTS, mac=classic(SHA1, bytes(20), b"salt", der.integer(0))),
        "less than 1 or more than 1000000 iterations",
    ),
    "PBMAC1 with a short key": (
        lambda: file(*PARTS, mac=pbmac1(der.sequence(*PARTS), length=19)),
        "no key, or one of a wrong length",
    ),
    "PBMAC1 with another digest": (
        lambda: file(*PARTS, mac=pbmac1(der.sequence(*PARTS), digest="2.5")),
        "unsupported key derivation",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    make, error = REFUSED[name]

    with pytest.raises(FunctionError, match=error):
        pfx.read(Budget(), make(), b"")


@pytest.mark.parametrize("digest", ["2.9", "2.11", "2.7"])
def test_a_mac_of_pbmac1_is_checked(digest: str) -> None:
    data = file(*PARTS, mac=pbmac1(der.sequence(*PARTS), digest=digest))

    assert keys.pkcs8(pfx.read(Budget(), data, b"1234").key) == KEY
    with pytest.raises(FunctionError, match="the password is wrong"):
        pfx.read(Budget(), data, b"12345")


def test_an_empty_password_may_be_none_at_all() -> None:
    text = der.sequence(*PARTS)
    salt = b"saltsalt"
    # RFC 7292 B.2 by hand, for one block of SHA-1 and one iteration: the password adds nothing to it.
    key = hashlib.sha1(b"\3" * 64 + (salt * 8), usedforsecurity=False).digest()
    data = file(*PARTS, mac=classic(SHA1, hmac.digest(key, text, "sha1"), salt))

    assert keys.pkcs8(pfx.read(Budget(), data, b"").key) == KEY


def test_a_file_that_claims_an_algorithm_that_is_not_there_is_refused() -> None:
    def encrypted(*algorithm: bytes) -> bytes:
        info = der.sequence(DATA, der.sequence(*algorithm), der.element(der.IMPLICIT, bytes(16)))
        content = der.sequence(der.integer(0), info)
        return file(der.sequence(der.element(der.OID, der.ENCRYPTED_DATA), explicit(content)))

    old = der.sequence(octets(b"saltsalt"), der.integer(1))
    rc4 = der.element(der.OID, der.oid("1.2.840.113549.1.12.1.1"))
    with pytest.raises(FunctionError, match="encrypted with an unsupported algorithm"):
        pfx.read(Budget(), encrypted(rc4, old), b"")
    scrypt = der.sequence(
        der.sequence(der.element(der.OID, der.oid("1.3.6.1.4.1.11591.4.11"))), _aes(bytes(16))
    )
    with pytest.raises(FunctionError, match="unsupported key derivation"):
        pfx.read(Budget(), encrypted(der.element(der.OID, der.PBES2), scrypt), b"")
    parameters = der.sequence(der.element(der.OID, der.PBKDF2), old)
    with pytest.raises(FunctionError, match="the PKCS#12 file cannot be parsed"):
        pfx.read(
            Budget(),
            encrypted(der.element(der.OID, der.PBES2), der.sequence(parameters, _aes(b"short"))),
            b"",
        )
    for algorithm in (der.SHA_3DES, der.SHA_RC2_40):
        with pytest.raises(FunctionError, match="the PKCS#12 file cannot be decrypted"):
            pfx.read(Budget(), encrypted(der.element(der.OID, algorithm), old), b"")


def _aes(iv: bytes) -> bytes:
    return der.sequence(der.element(der.OID, der.AES_256_CBC), octets(iv))


def test_a_long_key_of_a_mac_counts_as_often_as_it_is_derived(monkeypatch: pytest.MonkeyPatch) -> None:
    text = der.sequence(*PARTS)
    data = file(*PARTS, mac=pbmac1(text, length=1024, digest="2.7", iterations=2000))
    assert pfx.read(Budget(Limits(steps=10_000)), data, b"1234").certificates
    with pytest.raises(BoundExceeded, match="more than 3000 steps"):
        pfx.read(Budget(Limits(steps=3000)), data, b"1234")
    monkeypatch.setattr(pbe, "_MAX_TOTAL", 50_000)
    with pytest.raises(FunctionError, match="more than 1000000 iterations"):
        pfx.read(Budget(), data, b"1234")


def test_the_same_random_bytes_make_the_same_file() -> None:
    leaf = certificates.parse(LEAF.der)

    made = [pfx.write(Budget(), LEAF.key, [leaf], b"1234", bytes) for _ in range(2)]

    assert made[0] == made[1]
    assert pfx.read(Budget(), made[0], b"1234").certificates == [leaf]


_WRITTEN = pfx.write(Budget(), LEAF.key, [certificates.parse(LEAF.der)], b"1234")


@given(st.integers(0, len(_WRITTEN) - 1), st.integers(1, 255))
def test_a_changed_byte_changes_nothing_or_is_refused(at: int, change: int) -> None:
    changed = _WRITTEN[:at] + bytes((_WRITTEN[at] ^ change,)) + _WRITTEN[at + 1 :]

    with pytest.raises(FunctionError):
        pfx.read(Budget(), changed, b"1234")


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FunctionError):
        pfx.read(Budget(), data, b"")
    with pytest.raises(FunctionError):
        pfx.read(Budget(), file(data), b"")
