"""The public half of a sealing key: an X.509 certificate. Knows no file, URL or clock.

Certificates of the Sealed Secrets controller carry a KeyUsage that `cryptography` refuses to parse
(encipherOnly alone), so nothing here touches extensions. What sealing needs of a certificate is
read by `der`: `cryptography.x509` takes longer to import than sealing takes; it is imported where a
person asks for subject and serial number.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from sealbridge.errors import CertificateError
from sealbridge.sealing import pem
from sealbridge.sealing.der import BIT_STRING, OBJECT_IDENTIFIER, SEQUENCE, VERSION, Reader

if TYPE_CHECKING:
    from cryptography import x509

MIN_BITS, MAX_BITS = 2048, 8192

_RSA_ENCRYPTION = bytes.fromhex("2a864886f70d010101")  # 1.2.840.113549.1.1.1
_OTHER_KEYS = {
    "2a8648ce3d0201": "an elliptic-curve key",
    "2b6570": "an Ed25519 key",
    "2b6571": "an Ed448 key",
    "2b656e": "an X25519 key",
    "2b656f": "an X448 key",
    "2a864886f70d01010a": "an RSA key for signatures only (RSA-PSS)",
    "2a8648ce380401": "a DSA key",
}
_HINT = "get the sealing certificate of the cluster (`kubeseal --fetch-cert`, or its /v1/cert.pem)"
_NOT_CERTIFICATES = {
    "PUBLIC KEY": "a bare public key",
    "RSA PUBLIC KEY": "a bare public key",
    "PRIVATE KEY": "a private key",
    "RSA PRIVATE KEY": "a private key",
    "ENCRYPTED PRIVATE KEY": "a private key",
    "EC PRIVATE KEY": "a private key",
    "CERTIFICATE REQUEST": "a certificate request",
}


class Certificate:
    """A certificate that values can be sealed with. Immutable."""

    __slots__ = ("_der", "_fingerprint", "not_after", "not_before", "public_key")

    def __init__(self, der: bytes, *, where: str | None = None) -> None:
        self._der = der
        self._fingerprint = ""
        self.not_before: datetime
        self.not_after: datetime
        self.public_key: RSAPublicKey
        try:
            self.not_before, self.not_after, algorithm, key = _walk(der)
        except (ValueError, IndexError):
            raise CertificateError(
                "the certificate is damaged: it is not valid DER", where=where, hint=_HINT
            ) from None
        self.public_key = _public_key(algorithm, key, where)

    @classmethod
    def from_pem(cls, data: bytes, *, where: str | None = None) -> Certificate:
        """The first certificate of a PEM text, as kubeseal reads it. Raises CertificateError."""
        blocks = pem.blocks(data)
        for block in blocks:
            if block.label == "CERTIFICATE":
                if block.der is None:
                    raise CertificateError(
                        "the certificate is damaged: it is not base64", where=where, hint=_HINT
                    )
                return cls(block.der, where=where)
        for block in blocks:
            if block.label in _NOT_CERTIFICATES:
                raise CertificateError(
                    f"this is {_NOT_CERTIFICATES[block.label]}, sealing needs a certificate",
                    where=where,
                    hint=_HINT,
                )
        raise CertificateError("there is no PEM certificate in it", where=where, hint=_HINT)

    @property
    def key_algorithm(self) -> str:
        """What kind of key it is, for people."""
        return "RSA"

    @property
    def key_size(self) -> int:
        """Bits of the key."""
        return self.public_key.key_size

    @property
    def pem(self) -> bytes:
        """The certificate as one PEM block."""
        return pem.encode("CERTIFICATE", self._der)

    @property
    def der(self) -> bytes:
        """The certificate as it is signed."""
        return self._der

    @property
    def fingerprint(self) -> str:
        """Names the key, not the certificate: `SHA256:` and base64, as OpenSSH shows public keys."""
        if not self._fingerprint:
            self._fingerprint = fingerprint(self.public_key)
        return self._fingerprint

    @property
    def subject(self) -> str:
        """The distinguished name as RFC 4514 text; empty for most sealing certificates."""
        return self._parsed().subject.rfc4514_string()

    @property
    def serial(self) -> int:
        """The serial number."""
        return self._parsed().serial_number

    def _parsed(self) -> x509.Certificate:
        from cryptography import x509

        try:
            return x509.load_der_x509_certificate(self._der)
        except ValueError:
            raise CertificateError("the certificate is damaged: it is not valid X.509", hint=_HINT) from None

    def expired(self, at: datetime) -> bool:
        """True when `at` is past the validity. The beginning is not looked at, as kubeseal does."""
        return at > self.not_after

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self._der == other._der

    def __hash__(self) -> int:
        return hash(self._der)

    def __repr__(self) -> str:
        return f"<Certificate {self.fingerprint} until {self.not_after:%Y-%m-%d}>"


def fingerprint(public_key: RSAPublicKey) -> str:
    """The SHA-256 of a public key in SSH's wire format (RFC 4253 6.6), written as OpenSSH does."""
    numbers = public_key.public_numbers()
    wire = b"".join(
        len(part).to_bytes(4) + part for part in (b"ssh-rsa", _mpint(numbers.e), _mpint(numbers.n))
    )
    return "SHA256:" + base64.b64encode(hashlib.sha256(wire).digest()).rstrip(b"=").decode()


def check_size(bits: int) -> str | None:
    """What is wrong with an RSA key of this size, if anything."""
    if MIN_BITS <= bits <= MAX_BITS:
        return None
    return f"the RSA key has {bits} bits; {MIN_BITS} to {MAX_BITS} are supported"


def _mpint(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1)


def _walk(der: bytes) -> tuple[datetime, datetime, bytes, bytes]:
    """Validity, key algorithm and key of a certificate (RFC 5280 4.1)."""
    outer = Reader(der)
    certificate = outer.sequence()
    outer.finish()
    body = certificate.sequence()
    certificate.read(SEQUENCE)  # signature algorithm
    certificate.read(BIT_STRING)  # signature
    certificate.finish()
    if body.peek() == VERSION:
        body.read(VERSION)
    body.integer()  # serial number
    body.read(SEQUENCE)  # signature algorithm
    body.read(SEQUENCE)  # issuer
    validity = body.sequence()
    not_before, not_after = validity.time(), validity.time()
    validity.finish()
    body.read(SEQUENCE)  # subject
    info = body.sequence()
    algorithm = info.sequence().read(OBJECT_IDENTIFIER)
    bits = info.read(BIT_STRING)
    info.finish()
    if bits[0] != 0:
        raise ValueError("a key of broken bytes")
    return not_before, not_after, algorithm, bits[1:]


def _public_key(algorithm: bytes, key: bytes, where: str | None) -> RSAPublicKey:
    if algorithm != _RSA_ENCRYPTION:
        kind = _OTHER_KEYS.get(algorithm.hex(), "a key of an unknown algorithm")
        raise CertificateError(
            f"the certificate holds {kind}, sealing needs an RSA key", where=where, hint=_HINT
        )
    try:
        outer = Reader(key)
        numbers = outer.sequence()
        outer.finish()
        modulus, exponent = numbers.integer(), numbers.integer()
        numbers.finish()
        if problem := check_size(modulus.bit_length()):
            raise CertificateError(problem, where=where, hint=_HINT)
        return RSAPublicNumbers(exponent, modulus).public_key()
    except (ValueError, OverflowError):  # the latter for a negative number
        raise CertificateError(
            "the certificate is damaged: its key is not a usable RSA key", where=where, hint=_HINT
        ) from None
