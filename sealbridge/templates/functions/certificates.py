"""Private keys and certificates made in templates. Knows sprig's defaults; `pki` knows the formats.

What these functions make is new each time a template is rendered.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sealbridge.sealing.der import INTEGER, SEQUENCE, Reader
from sealbridge.templates.go import base64_text
from sealbridge.templates.go.values import FunctionError, Int64, Object, wrap
from sealbridge.templates.limits import Budget
from sealbridge.templates.pki import certificates, issuing, keys, pem
from sealbridge.templates.pki.der import OCTET_STRING
from sealbridge.templates.pki.issuing import Issuer, Request
from sealbridge.templates.pki.keys import PrivateKey

_Generated = rsa.RSAPrivateKey | dsa.DSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_GENERATORS: Final[Mapping[bytes, Callable[[], _Generated]]] = {
    b"": lambda: rsa.generate_private_key(65537, 4096),
    b"rsa": lambda: rsa.generate_private_key(65537, 4096),
    b"dsa": lambda: dsa.generate_private_key(2048),
    b"ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    b"ed25519": ed25519.Ed25519PrivateKey.generate,
}
_KEY: Final = b"PRIVATE KEY"
# What follows the version in the format that each type of PEM block stands for.
_SECOND_TAGS: Final = {b"RSA PRIVATE KEY": INTEGER, b"EC PRIVATE KEY": OCTET_STRING, _KEY: SEQUENCE}
_DSA_KEY: Final = b"DSA PRIVATE KEY"
# Bits of a serial number.
_SERIAL: Final = 128
_DAY: Final = 24 * 3600 * 10**9


class Certificate(Object):
    """A certificate and its private key, both PEM."""

    type_name = "sprig.certificate"
    fields: ClassVar[Mapping[str, str]] = {"Cert": "cert", "Key": "key"}
    __slots__ = ("cert", "key")

    def __init__(self, cert: bytes, key: bytes) -> None:
        self.cert = cert
        self.key = key

    def plain(self) -> dict[bytes, Any]:
        """What encoding/json makes of it."""
        return {b"Cert": self.cert, b"Key": self.key}


def gen_private_key(budget: Budget, kind: bytes) -> bytes:
    """A new private key as PEM: `rsa` (4096 bits), `ecdsa` (P-256), `ed25519` or `dsa`.

    {{ genPrivateKey "ecdsa" | trunc 30 }} -> -----BEGIN EC PRIVATE KEY-----
    {{ genPrivateKey "ed25519" | trunc 27 }} -> -----BEGIN PRIVATE KEY-----
    """
    generate = _GENERATORS.get(kind)
    if generate is None:
        return b"Unknown type " + kind
    budget.spend()
    return _written(generate())


def build_custom_cert(budget: Budget, cert: bytes, key: bytes) -> Certificate:
    """A certificate object of a certificate and a key that are both base64 of PEM.

    {{ (buildCustomCert (b64enc .crt) (b64enc .key)).Cert | trunc 27 }} -> -----BEGIN CERTIFICATE-----
    """
    budget.spend()
    try:
        cert, key = base64_text.decode(cert), base64_text.decode(key)
    except ValueError:
        raise FunctionError("the certificate or the key is wrong base64") from None
    certificates.parse(_first_block(cert, "certificate").der)
    block = _first_block(key, "private key")
    if block.label == _DSA_KEY:
        _check_dsa(block.der)
    else:
        _parsed(block)
    return Certificate(cert, key)


def gen_ca(budget: Budget, name: bytes, days: int) -> Certificate:
    """A new certificate authority: its common name, and the days it is valid.

    {{ $ca := genCA "My CA" 365 }}{{ $ca.Cert | trunc 27 }} -> -----BEGIN CERTIFICATE-----
    """
    return _issued(_new_key(budget), _request(budget, name, [], [], days, authority=True))


def gen_ca_with_key(budget: Budget, name: bytes, days: int, key: bytes) -> Certificate:
    """A new certificate authority with a private key that is given as PEM.

    {{ $ca := genCAWithKey "My CA" 365 .key }}{{ $ca.Cert | trunc 27 }} -> -----BEGIN CERTIFICATE-----
    """
    return _issued(_given_key(budget, key), _request(budget, name, [], [], days, authority=True))


def gen_self_signed_cert(
    budget: Budget, name: bytes, addresses: list[Any] | None, hosts: list[Any] | None, days: int
) -> Certificate:
    """A new certificate that signs itself: common name, IP addresses, DNS names, days of validity.

    {{ certSANs (genSelfSignedCert "me" (list "10.0.0.1") (list "a.b") 30).Cert }} -> [a.b 10.0.0.1]
    """
    request = _request(budget, name, addresses, hosts, days)
    return _issued(_new_key(budget), request)


def gen_self_signed_cert_with_key(
    budget: Budget, name: bytes, addresses: list[Any] | None, hosts: list[Any] | None, days: int, key: bytes
) -> Certificate:
    """A new certificate that signs itself, with a private key that is given as PEM.

    {{ certSANs (genSelfSignedCertWithKey "me" nil (list "me.example") 30 .key).Cert }} -> [me.example]
    """
    return _issued(_given_key(budget, key), _request(budget, name, addresses, hosts, days))


def gen_signed_cert(
    budget: Budget,
    name: bytes,
    addresses: list[Any] | None,
    hosts: list[Any] | None,
    days: int,
    authority: Certificate,
) -> Certificate:
    """A new certificate that an authority signs: common name, IP addresses, DNS names, days, authority.

    {{ $ca := genCA "My CA" 365 }}{{ certSANs (genSignedCert "me" nil (list "a.b") 30 $ca).Cert }} -> [a.b]
    """
    request = _request(budget, name, addresses, hosts, days)
    return _issued(_new_key(budget), request, _issuer(authority))


def gen_signed_cert_with_key(
    budget: Budget,
    name: bytes,
    addresses: list[Any] | None,
    hosts: list[Any] | None,
    days: int,
    authority: Certificate,
    key: bytes,
) -> Certificate:
    """A new certificate that an authority signs, with a private key that is given as PEM.

    {{ $ca := genCA "CA" 9 }}{{ eq (genSignedCertWithKey "me" nil nil 9 $ca .key).Cert $ca.Cert }} -> false
    """
    request = _request(budget, name, addresses, hosts, days)
    return _issued(_given_key(budget, key), request, _issuer(authority))


def _request(
    budget: Budget,
    name: bytes,
    addresses: Sequence[Any] | None,
    hosts: Sequence[Any] | None,
    days: int,
    *,
    authority: bool = False,
) -> Request:
    try:
        common_name = name.decode()
    except UnicodeDecodeError:
        raise FunctionError("the common name is not UTF-8") from None
    texts = _strings(hosts, "DNS name"), _strings(addresses, "IP address")
    budget.grow(sum(map(len, texts[0])) + sum(map(len, texts[1])))
    now = datetime.now(UTC)
    # More than 292 years are beyond what Go's durations hold, and come around.
    lasting = timedelta(microseconds=wrap(Int64, days * _DAY) // 1000)
    return Request(
        common_name,
        1 + secrets.randbelow((1 << _SERIAL) - 1),
        now,
        now + lasting,
        issuing.alternative_names(*texts),
        authority,
    )


def _strings(values: Sequence[Any] | None, what: str) -> list[bytes]:
    for value in values or ():
        if not isinstance(value, bytes):
            raise FunctionError(f"one {what} is no string")
    return list(values or ())


def _issued(key: PrivateKey, request: Request, issuer: Issuer | None = None) -> Certificate:
    try:
        made = issuing.issue(request, key, issuer)
    except ValueError:
        raise FunctionError("the key is too small to sign") from None
    return Certificate(pem.encode(certificates.LABEL, made), _written(key))


def _issuer(authority: Certificate) -> Issuer:
    block = _first_block(authority.cert, "certificate")
    return issuing.issuer_of(block.der, _signing_key(authority.key))


def _new_key(budget: Budget) -> PrivateKey:
    budget.spend()
    return rsa.generate_private_key(65537, 2048)


def _given_key(budget: Budget, text: bytes) -> PrivateKey:
    # Checking a key that was given may cost more than to make a small one.
    budget.spend()
    return _signing_key(text)


def _signing_key(text: bytes) -> PrivateKey:
    block = _first_block(text, "private key")
    if block.label == _DSA_KEY:
        raise FunctionError("a DSA key signs no certificate and is in none")
    return _parsed(block)


def _first_block(text: bytes, what: str) -> pem.Block:
    block = pem.find(text)
    if block is None:
        raise FunctionError(f"there is no PEM in the {what}")
    return block


def _parsed(block: pem.Block) -> PrivateKey:
    """The key of a block, which must be in the format that its type says."""
    tag = _SECOND_TAGS.get(block.label)
    if tag is None:
        raise FunctionError("the PEM of the private key is of another type")
    try:
        fields = Reader(block.der).sequence()
        fields.integer()
        fields.read(tag)
    except ValueError:
        raise FunctionError("the private key is not in the format that its PEM says") from None
    return keys.parse(block.der)


def _check_dsa(data: bytes) -> None:
    try:
        fields = Reader(data).sequence()
        for _ in ("version", "p", "q", "g", "y", "x"):
            fields.integer()
    except ValueError:
        raise FunctionError("the private key cannot be parsed") from None


def _written(key: _Generated | PrivateKey) -> bytes:
    """A key as PEM: in the format of its kind where it has one of its own."""
    own = isinstance(key, (rsa.RSAPrivateKey, dsa.DSAPrivateKey, ec.EllipticCurvePrivateKey))
    form = PrivateFormat.TraditionalOpenSSL if own else PrivateFormat.PKCS8
    return key.private_bytes(Encoding.PEM, form, NoEncryption())
