"""New X.509 certificates, as Go's CreateCertificate writes them. Knows no PEM, no clock and no default.

The builder of `cryptography` refuses what Go writes (a name longer than 64 characters, an end before
the beginning) and cannot repeat an issuer's name byte by byte, so the fields are put together here.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from sealbridge.sealing.der import GENERALIZED_TIME, UTC_TIME, Reader
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.pki import certificates, der, names
from sealbridge.templates.pki.keys import PrivateKey

Signer = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_VERSION_3: Final = der.element(der.EXPLICIT, der.integer(2))
_EXTENSIONS: Final = 0xA3
_BOOLEAN: Final = 0x01
_TRUE: Final = der.element(_BOOLEAN, b"\xff")
# The tags of alternative names.
_DNS, _IP = 0x82, 0x87

_COMMON_NAME: Final = der.oid("2.5.4.3")
_KEY_USAGE: Final = der.oid("2.5.29.15")
_EXTENDED_KEY_USAGE: Final = der.oid("2.5.29.37")
_BASIC_CONSTRAINTS: Final = der.oid("2.5.29.19")
_SUBJECT_KEY_ID: Final = der.oid("2.5.29.14")
_AUTHORITY_KEY_ID: Final = der.oid("2.5.29.35")
_ALTERNATIVE_NAMES: Final = der.oid("2.5.29.17")
_SERVER_AND_CLIENT: Final = der.sequence(
    der.element(der.OID, der.oid("1.3.6.1.5.5.7.3.1")), der.element(der.OID, der.oid("1.3.6.1.5.5.7.3.2"))
)
# The number of unused bits, and the bits: digitalSignature and keyEncipherment; keyCertSign as well.
_LEAF_USAGE: Final = der.element(der.BIT_STRING, b"\x05\xa0")
_AUTHORITY_USAGE: Final = der.element(der.BIT_STRING, b"\x02\xa4")

_RSA_SHA256: Final = der.sequence(
    der.element(der.OID, der.oid("1.2.840.113549.1.1.11")), der.element(der.NULL)
)
_ED25519: Final = der.sequence(der.element(der.OID, der.oid("1.3.101.112")))


def _ecdsa(dotted: str) -> bytes:
    return der.sequence(der.element(der.OID, der.oid(dotted)))


_ECDSA: Final[dict[str, tuple[hashes.HashAlgorithm, bytes]]] = {
    "secp224r1": (hashes.SHA256(), _ecdsa("1.2.840.10045.4.3.2")),
    "secp256r1": (hashes.SHA256(), _ecdsa("1.2.840.10045.4.3.2")),
    "secp384r1": (hashes.SHA384(), _ecdsa("1.2.840.10045.4.3.3")),
    "secp521r1": (hashes.SHA512(), _ecdsa("1.2.840.10045.4.3.4")),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What a certificate is to say, besides its key."""

    common_name: str
    serial: int
    not_before: datetime
    not_after: datetime
    # The alternative names, as `alternative_names` encodes them.
    alternative_names: bytes = b""
    authority: bool = False


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: the content of its name, its key and the identifier of that."""

    name: bytes
    key: Signer
    key_id: bytes = b""


def signer(key: PrivateKey) -> Signer:
    """The key as one that can sign."""
    if isinstance(key, x25519.X25519PrivateKey):
        raise FunctionError("a key for X25519 signs no certificate")
    return key


def issuer_of(raw: bytes, key: PrivateKey) -> Issuer:
    """The issuer whose certificate, in DER, and key are given."""
    certificate = certificates.parse(raw)
    able = signer(key)
    try:
        public = load_der_x509_certificate(raw).public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise FunctionError("the public key of the issuer's certificate cannot be parsed") from None
    if public != able.public_key():
        raise FunctionError("the private key of the issuer does not belong to its certificate")
    return Issuer(certificate.subject, able, certificate.subject_key_id or b"")


def alternative_names(hosts: Iterable[bytes], addresses: Iterable[bytes]) -> bytes:
    """The content of the alternative names: DNS names and IP addresses, empty for none at all."""
    parts = []
    packed = [_address(text) for text in addresses]
    for host in hosts:
        if not host.isascii():
            raise FunctionError("a DNS name has other characters than ASCII's")
        parts.append(der.element(_DNS, host))
    return b"".join(parts + [der.element(_IP, address) for address in packed])


def issue(request: Request, key: PrivateKey, issuer: Issuer | None = None) -> bytes:
    """A certificate for a key in DER; signed by the key itself without an issuer."""
    subject = _name(request.common_name)
    if issuer is None:
        issuer = Issuer(subject, signer(key))
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    algorithm = _algorithm(issuer.key)
    content = der.sequence(
        _VERSION_3,
        der.integer(request.serial),
        algorithm,
        der.sequence(issuer.name),
        der.sequence(_time(request.not_before), _time(request.not_after)),
        der.sequence(subject),
        public,
        der.element(_EXTENSIONS, der.sequence(*_extensions(request, subject, public, issuer))),
    )
    return der.sequence(
        content, algorithm, der.element(der.BIT_STRING, b"\0", _signature(issuer.key, content))
    )


def _name(common_name: str) -> bytes:
    """The content of a name; nothing for an empty one."""
    if not common_name:
        return b""
    value = names.encoded(common_name)
    return der.set_of(der.sequence(der.element(der.OID, _COMMON_NAME), value))


def _time(moment: datetime) -> bytes:
    if 1950 <= moment.year < 2050:
        return der.element(UTC_TIME, f"{moment:%y%m%d%H%M%SZ}".encode())
    return der.element(GENERALIZED_TIME, f"{moment:%Y%m%d%H%M%SZ}".encode())


def _extensions(request: Request, subject: bytes, public: bytes, issuer: Issuer) -> Iterable[bytes]:
    yield _extension(_KEY_USAGE, _AUTHORITY_USAGE if request.authority else _LEAF_USAGE, critical=True)
    yield _extension(_EXTENDED_KEY_USAGE, _SERVER_AND_CLIENT)
    constraints = der.sequence(_TRUE) if request.authority else der.sequence()
    yield _extension(_BASIC_CONSTRAINTS, constraints, critical=True)
    if request.authority:
        yield _extension(_SUBJECT_KEY_ID, der.element(der.OCTET_STRING, _key_id(public)))
    if issuer.key_id and issuer.name != subject:
        yield _extension(_AUTHORITY_KEY_ID, der.sequence(der.element(der.IMPLICIT, issuer.key_id)))
    if request.alternative_names:
        yield _extension(_ALTERNATIVE_NAMES, der.sequence(request.alternative_names), critical=not subject)


def _extension(name: bytes, value: bytes, *, critical: bool = False) -> bytes:
    flag = _TRUE if critical else b""
    return der.sequence(der.element(der.OID, name), flag, der.element(der.OCTET_STRING, value))


def _key_id(public: bytes) -> bytes:
    """The identifier of a public key: half of a SHA-256 of its bits, as Go has it since 1.25 (RFC 7093)."""
    fields = Reader(public).sequence()
    fields.sequence()
    return hashlib.sha256(fields.read(der.BIT_STRING)[1:]).digest()[:20]


def _algorithm(key: Signer) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return _RSA_SHA256
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _ECDSA[key.curve.name][1]
    return _ED25519


def _signature(key: Signer, content: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(content, ec.ECDSA(_ECDSA[key.curve.name][0]))
    return key.sign(content)


def _address(text: bytes) -> bytes:
    """An IP address in 4 or 16 bytes; one of version 4 within version 6 is of version 4."""
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        raise FunctionError("an IP address cannot be parsed") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise FunctionError("an IP address has a zone")
        return (address.ipv4_mapped or address).packed
    return address.packed
