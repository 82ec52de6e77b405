"""The functions that print JSON Web Keys (RFC 7517) as PEM. Know RSA, NIST curves and Ed25519."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.pki import der, keys, pem
from sealbridge.templates.pki.keys import PrivateKey

_CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_ED25519_SIZE = 32


def jwk_public_key_pem(text: bytes) -> bytes:
    """A public JSON Web Key as PEM (PKIX); a private one is an error.

    {{ omit (fromJson .jwk) "d" | toJson | jwkPublicKeyPem | trunc 26 }} -> -----BEGIN PUBLIC KEY-----
    """
    key = _Key(text)
    if key.is_private():
        raise FunctionError("the JWK is a private key where a public one is wanted")
    return pem.encode(b"PUBLIC KEY", key.public())


def jwk_private_key_pem(text: bytes) -> bytes:
    """A private JSON Web Key as PEM (PKCS#8); a public one is an error.

    {{ jwkPrivateKeyPem .jwk | trunc 27 }} -> -----BEGIN PRIVATE KEY-----
    """
    key = _Key(text)
    if not key.is_private():
        raise FunctionError("the JWK is no private key")
    try:
        return pem.encode(b"PRIVATE KEY", keys.pkcs8(key.private()))
    except (ValueError, UnsupportedAlgorithm):
        raise FunctionError("the numbers of the JWK make no key") from None


class _Key:
    """The members of a key, still in base64."""

    def __init__(self, text: bytes) -> None:
        try:
            members = json.loads(text.decode())
        except (ValueError, RecursionError):
            raise FunctionError("the JWK is no JSON") from None
        if not isinstance(members, dict):
            raise FunctionError("the JWK is no JSON object")
        self._members: dict[str, Any] = members
        self._kind = self._text("kty")
        if self._kind not in ("RSA", "EC", "OKP"):
            raise FunctionError("the JWK is of an unsupported kind (RSA, EC, OKP)")

    def is_private(self) -> bool:
        return "d" in self._members

    def public(self) -> bytes:
        """SubjectPublicKeyInfo, as Go writes it."""
        if self._kind == "RSA":
            # Go writes these numbers without a look at them.
            numbers = der.sequence(der.integer(self._number("n")), der.integer(self._number("e")))
            algorithm = der.sequence(der.element(der.OID, der.RSA_ENCRYPTION), der.element(der.NULL))
            return der.sequence(algorithm, der.element(der.BIT_STRING, b"\0", numbers))
        try:
            key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
            if self._kind == "EC":
                key = self._point().public_key()
            else:
                key = ed25519.Ed25519PublicKey.from_public_bytes(self._ed25519("x"))
        except ValueError:
            raise FunctionError("the numbers of the JWK make no key") from None
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def private(self) -> PrivateKey:
        """The key; ValueError when its numbers do not fit together."""
        if self._kind == "RSA":
            return self._rsa()
        if self._kind == "EC":
            return ec.EllipticCurvePrivateNumbers(self._number("d"), self._point()).private_key()
        key = ed25519.Ed25519PrivateKey.from_private_bytes(self._ed25519("d"))
        if key.public_key().public_bytes_raw() != self._bytes("x"):
            raise ValueError("another public key")
        return key

    def _rsa(self) -> rsa.RSAPrivateKey:
        n, e, d, p, q = (self._number(name) for name in ("n", "e", "d", "p", "q"))
        # Each of them: what is computed with larger ones takes minutes.
        if max(n, e, d, p, q).bit_length() > keys.MAX_RSA_BITS:
            raise FunctionError(f"the RSA key has more than {keys.MAX_RSA_BITS} bits")
        # These are optional, and Go computes them.
        dp = self._number("dp") if "dp" in self._members else rsa.rsa_crt_dmp1(d, p)
        dq = self._number("dq") if "dq" in self._members else rsa.rsa_crt_dmq1(d, q)
        qi = self._number("qi") if "qi" in self._members else rsa.rsa_crt_iqmp(p, q)
        numbers = rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, rsa.RSAPublicNumbers(e, n))
        keys.check(numbers)
        return numbers.private_key(unsafe_skip_rsa_key_validation=True)

    def _point(self) -> ec.EllipticCurvePublicNumbers:
        curve = _CURVES.get(self._text("crv"))
        if curve is None:
            raise FunctionError("the JWK is on an unsupported curve (P-256, P-384, P-521)")
        return ec.EllipticCurvePublicNumbers(self._number("x"), self._number("y"), curve)

    def _ed25519(self, name: str) -> bytes:
        if self._text("crv") != "Ed25519":
            raise FunctionError("the JWK is on an unsupported curve (Ed25519)")
        content = self._bytes(name)
        if len(content) != _ED25519_SIZE:
            raise FunctionError("the JWK has a key of a wrong size")
        return content

    def _number(self, name: str) -> int:
        return int.from_bytes(self._bytes(name))

    def _bytes(self, name: str) -> bytes:
        text = self._text(name).translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise FunctionError(f"member {name} of the JWK is no base64") from None

    def _text(self, name: str) -> str:
        value = self._members.get(name)
        if not isinstance(value, str) or not value:
            raise FunctionError(f"member {name} of the JWK is missing or no text")
        return value
