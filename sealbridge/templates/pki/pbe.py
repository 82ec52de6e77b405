"""The password-based cryptography of PKCS#12 (RFC 7292, 8018, 9579). Knows no container.

Iteration counts come from the file; they are bounded and charged to the rendering's budget.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from sealbridge.sealing.der import Reader
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import Budget
from sealbridge.templates.pki import der, rc2

MAX_ITERATIONS: Final = 1_000_000
# Of all digests that one key is made of: more would take seconds in which nobody looks at the clock.
_MAX_TOTAL: Final = 4 * MAX_ITERATIONS
# Iterations that cost about as much as one step of a template.
_ITERATIONS_PER_STEP: Final = 16
_CHUNK: Final = 1 << 14

_DIGESTS: Final = {
    der.oid("1.3.14.3.2.26"): "sha1",
    der.SHA256: "sha256",
    der.oid("2.16.840.1.101.3.4.2.2"): "sha384",
    der.oid("2.16.840.1.101.3.4.2.3"): "sha512",
}
_PRFS: Final = {
    der.oid("1.2.840.113549.2.7"): "sha1",
    der.HMAC_SHA256: "sha256",
    der.oid("1.2.840.113549.2.10"): "sha384",
    der.oid("1.2.840.113549.2.11"): "sha512",
}
_AES: Final = {
    der.oid("2.16.840.1.101.3.4.1.2"): 16,
    der.oid("2.16.840.1.101.3.4.1.22"): 24,
    der.AES_256_CBC: 32,
}
_KEY, _IV, _MAC = 1, 2, 3


class Password:
    """A password in its two encodings: characters of two bytes and a zero, and UTF-8."""

    __slots__ = ("bmp", "utf8")

    def __init__(self, bmp: bytes) -> None:
        self.bmp = bmp + b"\0\0"
        self.utf8 = bmp.decode("utf-16-be", "replace").encode()

    def is_empty(self) -> bool:
        """Whether it is the empty password, with its zero."""
        return self.bmp == b"\0\0"

    @classmethod
    def absent(cls) -> Password:
        """No password at all, not even the zero behind it: what some files have for an empty one."""
        password = cls(b"")
        password.bmp = b""
        return password


def mac(
    budget: Budget, algorithm: Reader, salt: bytes, iterations: int, password: Password, text: bytes
) -> bytes:
    """The authentication code of a text; PBMAC1 has salt and iterations among its parameters."""
    kind = algorithm.read(der.OID)
    if kind == der.PBMAC1:
        parameters = algorithm.sequence()
        key = _pbkdf2(budget, parameters.sequence(), password, None)
        digest = _PRFS.get(parameters.sequence().read(der.OID))
        if digest is None:
            raise FunctionError("the MAC of the PKCS#12 file uses an unsupported algorithm")
    else:
        digest = _DIGESTS.get(kind)
        if digest is None:
            raise FunctionError("the MAC of the PKCS#12 file uses an unsupported algorithm")
        key = derive(budget, digest, password, salt, iterations, _MAC, hashlib.new(digest).digest_size)
    return hmac.digest(key, text, digest)


def decrypt(budget: Budget, algorithm: Reader, password: Password, text: bytes) -> bytes:
    """What was encrypted with a password, without its padding."""
    kind = algorithm.read(der.OID)
    parameters = algorithm.sequence()
    if kind == der.PBES2:
        key = None
        derivation, scheme = parameters.sequence(), parameters.sequence()
        size = _AES.get(scheme.read(der.OID))
        if size is not None:
            key = _pbkdf2(budget, derivation, password, size)
            iv = scheme.read(der.OCTET_STRING)
            return _unpadded(_cbc(AES(key), iv, text, 16), 16)
    elif kind in (der.SHA_3DES, der.SHA_RC2_40):
        salt, iterations = parameters.read(der.OCTET_STRING), parameters.integer()
        iv = derive(budget, "sha1", password, salt, iterations, _IV, 8)
        if kind == der.SHA_3DES:
            key = derive(budget, "sha1", password, salt, iterations, _KEY, 24)
            return _unpadded(_cbc(TripleDES(key), iv, text, 8), 8)
        key = derive(budget, "sha1", password, salt, iterations, _KEY, 5)
        _check_blocks(text, rc2.BLOCK)
        return _unpadded(rc2.decrypt(budget, key, iv, text), rc2.BLOCK)
    raise FunctionError("the PKCS#12 file is encrypted with an unsupported algorithm")


def encrypt(key: bytes, iv: bytes, text: bytes) -> bytes:
    """A text padded to whole blocks, in AES-CBC."""
    padding = 16 - len(text) % 16
    encryptor = Cipher(AES(key), CBC(iv)).encryptor()
    return encryptor.update(text + bytes((padding,)) * padding) + encryptor.finalize()


def derive(
    budget: Budget, digest: str, password: Password, salt: bytes, iterations: int, purpose: int, size: int
) -> bytes:
    """`size` bytes of key material for a purpose, as appendix B of RFC 7292 derives them."""
    _charge(budget, iterations)
    new = getattr(hashlib, digest)
    block = new().block_size
    state = bytearray(_filled(salt, block) + _filled(password.bmp, block))
    diversifier = bytes((purpose,)) * block
    material = b""
    while True:
        hashed: bytes = new(diversifier + state).digest()
        for done in range(1, iterations):
            hashed = new(hashed).digest()
            if done % _CHUNK == 0:
                budget.check_time()
        material += hashed
        if len(material) >= size:
            return material[:size]
        addend = int.from_bytes(_filled(hashed, block)[:block]) + 1
        for at in range(0, len(state), block):
            total = int.from_bytes(state[at : at + block]) + addend
            state[at : at + block] = (total % (1 << 8 * block)).to_bytes(block)


def _pbkdf2(budget: Budget, derivation: Reader, password: Password, size: int | None) -> bytes:
    """A key of `size` bytes; without one, of as many as the parameters say."""
    if derivation.read(der.OID) != der.PBKDF2:
        raise FunctionError("the PKCS#12 file uses an unsupported key derivation")
    parameters = derivation.sequence()
    salt, iterations = parameters.read(der.OCTET_STRING), parameters.integer()
    length = parameters.integer() if parameters.peek() == der.INTEGER else None
    digest: str | None = "sha1"
    if not parameters.done():
        digest = _PRFS.get(parameters.sequence().read(der.OID))
    if digest is None:
        raise FunctionError("the PKCS#12 file uses an unsupported key derivation")
    if size is None:
        # RFC 9579: a MAC key shorter than 20 bytes could be guessed.
        if length is None or not 20 <= length <= 1024:
            raise FunctionError("the MAC of the PKCS#12 file has no key, or one of a wrong length")
        size = length
    # As many times as it takes to fill the key.
    _charge(budget, iterations, -(-size // hashlib.new(digest).digest_size))
    return hashlib.pbkdf2_hmac(digest, password.utf8, salt, iterations, size)


def _charge(budget: Budget, iterations: int, rounds: int = 1) -> None:
    if not 1 <= iterations <= MAX_ITERATIONS or iterations * rounds > _MAX_TOTAL:
        raise FunctionError(
            f"the PKCS#12 file derives keys in less than 1 or more than {MAX_ITERATIONS} iterations"
        )
    budget.work(1 + iterations * rounds // _ITERATIONS_PER_STEP)


def _filled(text: bytes, block: int) -> bytes:
    """A text repeated to the next whole block; nothing stays nothing."""
    if not text:
        return b""
    size = -(-len(text) // block) * block
    return (text * -(-size // len(text)))[:size]


def _cbc(algorithm: AES | TripleDES, iv: bytes, text: bytes, block: int) -> bytes:
    _check_blocks(text, block)
    decryptor = Cipher(algorithm, CBC(iv)).decryptor()
    return decryptor.update(text) + decryptor.finalize()


def _check_blocks(text: bytes, block: int) -> None:
    if not text or len(text) % block:
        raise ValueError("not whole blocks")


def _unpadded(text: bytes, block: int) -> bytes:
    padding = text[-1]
    if not 1 <= padding <= block or text[-padding:] != bytes((padding,)) * padding:
        raise FunctionError("the PKCS#12 file cannot be decrypted")
    return text[:-padding]
