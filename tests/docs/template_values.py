"""The data that the examples of template functions may use."""

from __future__ import annotations

import base64
import functools
import json

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from tests import chains


@functools.cache
def template_values() -> dict[str, bytes]:
    """Values by key, made anew in every process:

    - crt: a certificate in PEM for example.com, the leaf of `chain`
    - key: its RSA key in PEM, PKCS#8
    - chain: leaf, intermediate and root in PEM, in another order
    - p12: certificate and key in a PKCS#12 file, raw, without a password
    - jwk: a private EC key as JSON
    - ciphertext: `hello`, encrypted for the key with RSA-OAEP and SHA-256
    """
    made = chains.chain()
    leaf = chains.sign(
        "example.com", chains.rsa_key(), made.intermediate, names=[x509.DNSName("example.com")]
    )
    oaep = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
    return {
        "crt": leaf.pem,
        "key": leaf.key_pem,
        "chain": made.root.pem + leaf.pem + made.intermediate.pem,
        "p12": serialize_key_and_certificates(None, leaf.key, leaf.certificate, None, NoEncryption()),
        "jwk": _jwk(ec.generate_private_key(ec.SECP256R1())),
        "ciphertext": leaf.key.public_key().encrypt(b"hello", oaep),
    }


def _jwk(key: ec.EllipticCurvePrivateKey) -> bytes:
    private = key.private_numbers()
    point = private.public_numbers
    numbers = {"x": point.x, "y": point.y, "d": private.private_value}
    encoded = {
        name: base64.urlsafe_b64encode(value.to_bytes(32)).rstrip(b"=").decode()
        for name, value in numbers.items()
    }
    return json.dumps({"kty": "EC", "crv": "P-256", **encoded}).encode()
