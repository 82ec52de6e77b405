"""Password hashes, derived passwords and AES. Knows sprig's formats; certificates are elsewhere.

`derivePassword` is the first version of the Master Password algorithm, as sprig has it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final

import bcrypt as bcrypt_library
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from sealbridge.templates.go import base64_text
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import Budget

_COST: Final = 10
# bcrypt looks at no more; newer versions of Go's say so instead of cutting.
_LONGEST: Final = 72
_TOO_LONG: Final = (
    b"failed to encrypt string with bcrypt: bcrypt: password length exceeds %d bytes" % _LONGEST
)

_BLOCK: Final = 16
_KEY: Final = 32

_SEED: Final = b"com.lyndir.masterpassword"
# Forms of passwords: each letter stands for a class of characters.
_FORMS: Final = {
    b"maximum": "anoxxxxxxxxxxxxxxxxx axxxxxxxxxxxxxxxxxno",
    b"long": (
        "CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno"
        " CvcvnoCvccCvcv CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno"
        " CvccnoCvccCvcv CvccCvccnoCvcv CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno"
        " CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno"
    ),
    b"medium": "CvcnoCvc CvcCvcno",
    b"short": "Cvcn",
    b"basic": "aaanaaan aannaaan aaannaaa",
    b"pin": "nnnn",
}
_VOWELS, _CONSONANTS, _DIGITS = "AEIOU", "BCDFGHJKLMNPQRSTVWXYZ", "0123456789"
_LETTERS = _VOWELS + _VOWELS.lower() + _CONSONANTS + _CONSONANTS.lower()
_CLASSES: Final = {
    "C": _CONSONANTS,
    "v": _VOWELS.lower(),
    "c": _CONSONANTS.lower(),
    "a": _LETTERS,
    "n": _DIGITS,
    "o": "@&%?,=[]_:-+*$#!'^~;()/.",
    "x": _LETTERS + _DIGITS + "!@#$%^&*()",
}


def bcrypt(budget: Budget, password: bytes) -> bytes:
    """The bcrypt hash of `password` with a cost of 10; beyond 72 bytes the text of an error.

    {{ bcrypt "secret" | trunc 7 }} -> $2a$10$
    """
    if len(password) > _LONGEST:
        return _TOO_LONG
    budget.spend()
    return bcrypt_library.hashpw(password, bcrypt_library.gensalt(_COST, b"2a"))


def htpasswd(budget: Budget, user: bytes, password: bytes) -> bytes:
    """A line of an htpasswd file with a bcrypt hash; the text of an error for a user with a colon.

    {{ htpasswd "anna" "secret" | trunc 12 }} -> anna:$2a$10$
    """
    if b":" in user:
        return b"invalid username: " + user
    return user + b":" + bcrypt(budget, password)


def derive_password(
    budget: Budget, counter: int, kind: bytes, password: bytes, user: bytes, site: bytes
) -> bytes:
    """The password for `site` out of a master password: `maximum`, `long`, `medium`, `short`, `basic`, `pin`.

    {{ derivePassword 1 "long" "password" "user" "example.com" }} -> ZedaFaxcZaso9*
    """
    forms = _FORMS.get(kind, "").split()
    if not forms:
        return b"cannot find password template " + kind
    budget.spend()
    salt = _SEED + len(user).to_bytes(4) + user
    key = hashlib.scrypt(password, salt=salt, n=1 << 15, r=8, p=2, maxmem=1 << 26, dklen=64)
    message = _SEED + len(site).to_bytes(4) + site + counter.to_bytes(4)
    first, *rest = hmac.digest(key, message, "sha256")
    form = forms[first % len(forms)]
    classes = (_CLASSES[letter] for letter in form)
    return "".join(
        characters[byte % len(characters)] for characters, byte in zip(classes, rest, strict=False)
    ).encode()


def encrypt_aes(password: bytes, text: bytes) -> bytes:
    """`text` encrypted with AES-256-CBC, in base64; the key is the first 32 bytes of `password`.

    {{ encryptAES "secretkey" "plaintext" | decryptAES "secretkey" }} -> plaintext
    {{ encryptAES "secretkey" "" }} ->
    """
    if not text:
        return b""
    start = secrets.token_bytes(_BLOCK)
    missing = _BLOCK - len(text) % _BLOCK
    encryptor = Cipher(AES256(_aes_key(password)), CBC(start)).encryptor()
    sealed = encryptor.update(text + bytes([missing]) * missing) + encryptor.finalize()
    return base64.b64encode(start + sealed)


def decrypt_aes(password: bytes, text: bytes) -> bytes:
    """What `encryptAES` made of a text. A wrong key gives an error or nonsense: nothing authenticates it.

    {{ decryptAES "secretkey" "30tEfhuJSVRhpG97XCuWgz2okj7L8vQ1s6V9zVUPeDQ=" }} -> plaintext
    """
    if not text:
        return b""
    try:
        sealed = base64_text.decode(text)
    except ValueError:
        raise FunctionError("the text to decrypt is wrong base64") from None
    start, sealed = sealed[:_BLOCK], sealed[_BLOCK:]
    if not sealed or len(sealed) % _BLOCK:
        raise FunctionError("the text to decrypt is not whole blocks of AES")
    decryptor = Cipher(AES256(_aes_key(password)), CBC(start)).decryptor()
    plain = decryptor.update(sealed) + decryptor.finalize()
    # As sprig does: the last byte is believed, whatever the others say.
    size = len(plain) - plain[-1]
    if size < 0:
        raise FunctionError("the padding of the decrypted text is wrong: is the key right?")
    return plain[:size]


def _aes_key(password: bytes) -> bytes:
    return password[:_KEY].ljust(_KEY, b"\0")
