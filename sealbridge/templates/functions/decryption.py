"""The function that decrypts. Knows schemes and digests by name."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512

from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.pki import keys, pem

_MIN_BITS = 1024


def rsa_decrypt(scheme: bytes, digest: bytes, text: bytes, key: bytes) -> bytes:
    """What a text says that was encrypted for an RSA key in PEM, by `RSA-OAEP` (or `None`: as it is).

    The digest is SHA1, SHA256 or SHA512; any other name means SHA256.

    {{ rsaDecrypt "RSA-OAEP" "SHA256" .ciphertext .key }} -> hello
    {{ rsaDecrypt "None" "" "hello" "" }} -> hello
    """
    if scheme == b"None":
        return text
    if scheme != b"RSA-OAEP":
        raise FunctionError("the decryption scheme is not supported (None, RSA-OAEP)")
    block = pem.find(key)
    if block is None:
        raise FunctionError("failed to decode PEM block")
    private = keys.parse(block.der)
    if not isinstance(private, RSAPrivateKey):
        raise FunctionError("the private key is none for RSA")
    if private.key_size < _MIN_BITS:
        raise FunctionError(f"the RSA key has less than {_MIN_BITS} bits")
    algorithm = SHA1() if digest == b"SHA1" else SHA512() if digest == b"SHA512" else SHA256()  # noqa: S303
    try:
        # Zero bytes at the beginning may have been left out.
        whole = text.rjust((private.key_size + 7) // 8, b"\0")
        return private.decrypt(whole, padding.OAEP(padding.MGF1(algorithm), algorithm, None))
    except ValueError:
        raise FunctionError("error decrypting data with RSA") from None
