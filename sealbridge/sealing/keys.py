"""A sealing key: a private key with its certificate. Knows no file and no clock; never shows itself."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sealbridge.errors import CertificateError, KeyFileError, NotRsaError
from sealbridge.sealing import pem
from sealbridge.sealing.certificate import Certificate, check_size, fingerprint
from sealbridge.secret import Secret, Value

KEY_LABEL = "sealedsecrets.bitnami.com/sealed-secrets-key"
KEY_TYPE = "kubernetes.io/tls"
PRIVATE_ITEM, CERTIFICATE_ITEM = "tls.key", "tls.crt"

_PRIVATE_LABELS = frozenset({"RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"})
# KeyUsage with encipherOnly alone, as the controller writes it; x509.KeyUsage refuses to build that.
_KEY_USAGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.15"), bytes.fromhex("03020001"))
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class SealingKey:
    """Immutable; its repr shows the fingerprint only, and it is not pickled."""

    __slots__ = ("_certificate", "_private_key", "created", "fingerprint")

    def __init__(
        self,
        private_key: rsa.RSAPrivateKey,
        certificate: Certificate | None,
        *,
        created: datetime | None = None,
    ) -> None:
        """`created`: when it was stored, where that is known."""
        self._private_key = private_key
        self._certificate = certificate
        self.created = created
        self.fingerprint = fingerprint(private_key.public_key())

    @classmethod
    def generate(
        cls,
        *,
        at: datetime,
        bits: int = 4096,
        valid_days: int = 3650,
        valid_for: timedelta | None = None,
        common_name: str = "",
    ) -> SealingKey:
        """A new key with a self-signed certificate, valid from `at` on, as the controller makes them.

        `valid_for` is in place of `valid_days`.

        Raises KeyFileError for a size or validity that cannot be.
        """
        if problem := check_size(bits):
            raise KeyFileError(problem)
        try:
            valid = timedelta(days=valid_days) if valid_for is None else valid_for
            end = at + valid
        except OverflowError:
            end = at
        if end <= at:
            span = f"{valid_days} days" if valid_for is None else str(valid_for)
            raise KeyFileError(f"a certificate cannot be valid for {span}")
        private_key = rsa.generate_private_key(65537, bits)
        names = [x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)] if common_name else []
        name = x509.Name(names)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private_key.public_key())
            .serial_number(secrets.randbits(128) or 1)
            .not_valid_before(at)
            .not_valid_after(end)
            .add_extension(_KEY_USAGE, critical=True)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(private_key, SHA256())
        )
        return cls(private_key, Certificate(certificate.public_bytes(Encoding.DER)))

    @classmethod
    def from_pem(
        cls,
        private: bytes,
        certificate: bytes | None,
        *,
        where: str | None = None,
        created: datetime | None = None,
    ) -> SealingKey:
        """A key from PEM text, PKCS#1 or PKCS#8, and its certificate where there is one.

        Raises KeyFileError or CertificateError.
        """
        private_key = _load(private, where)
        if certificate is None:
            return cls(private_key, None, created=created)
        parsed = Certificate.from_pem(certificate, where=where)
        if parsed.public_key.public_numbers() != private_key.public_key().public_numbers():
            raise KeyFileError(
                "the certificate does not belong to the private key",
                where=where,
                hint=f"put the certificate that was made with the key beside it ({CERTIFICATE_ITEM})",
            )
        return cls(private_key, parsed, created=created)

    @classmethod
    def from_secret(cls, secret: Secret) -> SealingKey:
        """The key that a key Secret holds: tls.key, and tls.crt where there is one."""
        where = f"Secret {secret.namespace}/{secret.name}" if secret.namespace else f"Secret {secret.name}"
        private = secret.items.get(PRIVATE_ITEM)
        if private is None:
            raise KeyFileError(
                f"there is no {PRIVATE_ITEM} in it", where=where, hint="is this a sealing key at all?"
            )
        certificate = secret.items.get(CERTIFICATE_ITEM)
        return cls.from_pem(
            private.reveal(),
            certificate.reveal() if certificate else None,
            where=where,
            created=_time(secret.metadata.get("creationTimestamp")),
        )

    def to_secret(self, *, name: str, namespace: str) -> Secret:
        """The key Secret as the controller stores and finds it."""
        return Secret(
            name=name,
            namespace=namespace,
            type=KEY_TYPE,
            labels={KEY_LABEL: "active"},
            items={PRIVATE_ITEM: self.private_pem, CERTIFICATE_ITEM: Value(self.certificate.pem)},
        )

    @property
    def private_key(self) -> rsa.RSAPrivateKey:
        """For the suites of `envelope`; nobody else has business with it."""
        return self._private_key

    @property
    def private_pem(self) -> Value:
        """The private key as PKCS#1 PEM, as the controller stores it."""
        return Value(
            self._private_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )

    @property
    def has_certificate(self) -> bool:
        """False for a bare private key: it opens, and cannot seal."""
        return self._certificate is not None

    @property
    def certificate(self) -> Certificate:
        """The public half. Raises CertificateError for a bare private key."""
        if self._certificate is None:
            raise CertificateError(
                f"the key {self.fingerprint} has no certificate",
                hint=f"give the key Secret with its {CERTIFICATE_ITEM}",
            )
        return self._certificate

    @property
    def not_before(self) -> datetime:
        """From when the key counts; a bare private key is older than every other."""
        return self._certificate.not_before if self._certificate else _LONG_AGO

    def __repr__(self) -> str:
        return f"<SealingKey {self.fingerprint}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a sealing key is not pickled")


def _time(text: object) -> datetime | None:
    """A time as Kubernetes writes it."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def _load(data: bytes, where: str | None) -> rsa.RSAPrivateKey:
    block = next((block for block in pem.blocks(data) if block.label in _PRIVATE_LABELS), None)
    if block is None:
        raise KeyFileError(
            "there is no PEM private key in it", where=where, hint="PKCS#1 and PKCS#8 keys can be read"
        )
    if block.label == "ENCRYPTED PRIVATE KEY" or b"Proc-Type: 4,ENCRYPTED" in block.text:
        raise KeyFileError(
            "the private key is protected by a passphrase",
            where=where,
            hint="write it without one first: openssl pkey -in FILE -out PLAIN",
        )
    try:
        key = load_pem_private_key(block.text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError("the private key is damaged", where=where) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise NotRsaError("the private key is not an RSA key; sealing needs one", where=where)
    if problem := check_size(key.key_size):
        raise KeyFileError(problem, where=where)
    return key
