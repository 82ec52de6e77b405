"""Certificates for tests: chains of them, made when they are asked for. Knows no sealing."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_BEGIN, _END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2054, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Signed:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        """The key as PEM, PKCS#8."""
        return key_pem(self.key)


@dataclass(frozen=True)
class Chain:
    """A leaf, who signed it, who signed that one, and one that has nothing to do with them."""

    leaf: Signed
    intermediate: Signed
    root: Signed
    stranger: Signed


def key_pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    """A private key as PEM."""
    text: bytes = key.private_bytes(Encoding.PEM, form, NoEncryption())
    return text


def subject(common_name: str) -> x509.Name:
    """A subject of nothing but a common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def sign(
    name: x509.Name | str,
    key: Any,
    issuer: Signed | None = None,
    *,
    names: Sequence[x509.GeneralName] = (),
    identifiers: bool = True,
) -> Signed:
    """A certificate; without an issuer it signs itself and, as step-ca does, names no authority key."""
    name = subject(name) if isinstance(name, str) else name
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
    )
    if identifiers:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        if issuer:
            authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
            builder = builder.add_extension(authority, False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    signer = issuer.key if issuer else key
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else SHA256()
    return Signed(builder.sign(signer, digest), key)


@functools.cache
def rsa_key() -> rsa.RSAPrivateKey:
    """An RSA key of 2048 bits."""
    return rsa.generate_private_key(65537, 2048)


@functools.cache
def chain() -> Chain:
    """A leaf on P-256, an intermediate on P-384, a root and a stranger with Ed25519."""
    root = sign("root", ed25519.Ed25519PrivateKey.generate())
    intermediate = sign("intermediate", ec.generate_private_key(ec.SECP384R1()), root)
    leaf = sign(
        "leaf", ec.generate_private_key(ec.SECP256R1()), intermediate, names=[x509.DNSName("example.com")]
    )
    return Chain(leaf, intermediate, root, sign("stranger", ed25519.Ed25519PrivateKey.generate()))
