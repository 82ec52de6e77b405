"""Private keys as Go's crypto/x509 takes and writes them. Knows no PEM and no password."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from sealbridge.sealing.der import Reader
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.pki import der

PrivateKey = (
    rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey
)

# Checking the primes of a larger key takes seconds.
MAX_RSA_BITS: Final = 8192
_MAX_DER: Final = 6144

_CURVES: Final = (ec.SECP224R1, ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_KINDS: Final = (rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey, x25519.X25519PrivateKey)


def parse(text: bytes) -> PrivateKey:
    """A private key in PKCS#1, PKCS#8 or SEC 1, unencrypted: RSA, NIST curves, Ed25519, X25519."""
    if len(text) > _MAX_DER:
        raise FunctionError(f"the private key is larger than one of {MAX_RSA_BITS} bits")
    try:
        # What that leaves out are primality tests, which take long and which Go does not make.
        key = load_der_private_key(_as_go_reads(text), None, unsafe_skip_rsa_key_validation=True)
        if isinstance(key, rsa.RSAPrivateKey):
            check(key.private_numbers())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise FunctionError("the private key cannot be parsed") from None
    if isinstance(key, _KINDS) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, _CURVES)
    ):
        return key
    raise FunctionError("the private key is of an unknown kind")


def check(numbers: rsa.RSAPrivateNumbers) -> None:
    """Raise ValueError when the numbers of an RSA key do not fit together."""
    p, q, d, e = numbers.p, numbers.q, numbers.d, numbers.public_numbers.e
    if (
        min(p, q, d, e) < 2
        or p * q != numbers.public_numbers.n
        or (d * e - 1) % (p - 1)
        or (d * e - 1) % (q - 1)
        or numbers.dmp1 != d % (p - 1)
        or numbers.dmq1 != d % (q - 1)
        or numbers.iqmp * q % p != 1
    ):
        raise ValueError("inconsistent numbers")


def _as_go_reads(text: bytes) -> bytes:
    """The key without what Go does not look at: what follows it, and what later versions of PKCS#8 add."""
    whole = Reader(text)
    content = whole.read(der.SEQUENCE)
    fields = Reader(content)
    fields.integer()
    if fields.peek() == der.SEQUENCE:
        algorithm, key = fields.read(der.SEQUENCE), fields.read(der.OCTET_STRING)
        return der.sequence(der.integer(0), der.sequence(algorithm), der.element(der.OCTET_STRING, key))
    if fields.peek() == der.INTEGER:
        # PKCS#1, behind which Go wants nothing.
        whole.finish()
    return der.sequence(content)


def pkcs8(key: PrivateKey) -> bytes:
    """The key in PKCS#8, unencrypted."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
