"""The bytes of one sealed item: a registry of suites. Knows no name, namespace, scope or file.

The first suite is the wire format of Sealed Secrets, kept for good:

    u16 length of the wrapped key, big endian
    wrapped key: RSA-OAEP (SHA-256, MGF1 with SHA-256, the label) of a random session key
    AES-256-GCM of the value under the session key: zero nonce, no additional data, 16 bytes of tag

The nonce may be zero because a session key seals once. Nothing in an envelope names its key, so a
wrong key shows only when it is tried: that is WrongKeyError, every other failure is final.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from sealbridge.errors import EnvelopeError, WrongKeyError
from sealbridge.secret import Value, decode_base64

if TYPE_CHECKING:
    from sealbridge.sealing.certificate import Certificate
    from sealbridge.sealing.keys import SealingKey

_NONCE = bytes(12)
_TAG_LENGTH = 16
_SESSION_KEY_LENGTH = 32
# What Go's aes.NewCipher takes, and so what the controller opens.
_SESSION_KEY_LENGTHS = frozenset({16, 24, 32})
_WRAPPED_LENGTHS = range(2048 // 8, 8192 // 8 + 1)


class Suite(Protocol):
    """One way to make and open envelopes."""

    def recognizes(self, envelope: bytes) -> bool:
        """True when the first bytes are this suite's."""

    def fits(self, certificate: Certificate) -> bool:
        """True when values for this certificate are sealed with this suite."""

    def seal(self, value: bytes, certificate: Certificate, label: bytes) -> bytes:
        """Make an envelope."""

    def open_(self, envelope: bytes, key: SealingKey, label: bytes) -> Value:
        """Open an envelope. Raises WrongKeyError or EnvelopeError."""


class RsaOaepAesGcm:
    """The suite of Sealed Secrets: RSA-OAEP with SHA-256, AES-256-GCM."""

    def recognizes(self, envelope: bytes) -> bool:
        """True when the two bytes of length name an RSA key of a supported size."""
        return int.from_bytes(envelope[:2]) in _WRAPPED_LENGTHS

    def fits(self, certificate: Certificate) -> bool:
        """True: every certificate that can be read holds an RSA key."""
        return True

    def seal(self, value: bytes, certificate: Certificate, label: bytes) -> bytes:
        """A fresh session key for every value."""
        session_key = os.urandom(_SESSION_KEY_LENGTH)
        wrapped = certificate.public_key.encrypt(session_key, _padding(label))
        return len(wrapped).to_bytes(2) + wrapped + AESGCM(session_key).encrypt(_NONCE, value, None)

    def open_(self, envelope: bytes, key: SealingKey, label: bytes) -> Value:
        """A wrong key and a wrong label look alike: both are WrongKeyError."""
        length = int.from_bytes(envelope[:2])
        wrapped, sealed = envelope[2 : 2 + length], envelope[2 + length :]
        if len(wrapped) < length or len(sealed) < _TAG_LENGTH:
            raise EnvelopeError("the sealed value is cut short", hint=_HINT)
        if length != (key.private_key.key_size + 7) // 8:
            raise WrongKeyError("the value was sealed for a key of another size")
        try:
            session_key = key.private_key.decrypt(wrapped, _padding(label))
        except ValueError:
            raise WrongKeyError("the key does not open the value") from None
        if len(session_key) not in _SESSION_KEY_LENGTHS:
            raise EnvelopeError("the sealed value holds a session key of a wrong length", hint=_HINT)
        try:
            return Value(AESGCM(session_key).decrypt(_NONCE, sealed, None))
        except InvalidTag:
            raise EnvelopeError("the sealed value is damaged", hint=_HINT) from None


_HINT = "it was changed after it was sealed: restore the file from Git, or seal the value again"
SUITES: tuple[Suite, ...] = (RsaOaepAesGcm(),)


def seal(value: bytes, certificate: Certificate, label: bytes) -> bytes:
    """Seal one value of any length so that only the certificate's key and the same label open it."""
    suite = next(suite for suite in SUITES if suite.fits(certificate))
    return suite.seal(value, certificate, label)


def open_(envelope: bytes, key: SealingKey, label: bytes) -> Value:
    """Open an envelope with one key.

    Raises WrongKeyError when another key may open it (or the label is wrong), EnvelopeError when no
    key ever will.
    """
    for suite in SUITES:
        if suite.recognizes(envelope):
            return suite.open_(envelope, key, label)
    raise EnvelopeError("it is not a sealed value: no known format begins like this", hint=_HINT)


def wrapped_length(envelope: bytes) -> int:
    """How many bytes the key has that an envelope was made for. Raises EnvelopeError when it is malformed."""
    length = int.from_bytes(envelope[:2])
    if not any(suite.recognizes(envelope) for suite in SUITES):
        raise EnvelopeError("it is not a sealed value: no known format begins like this", hint=_HINT)
    if len(envelope) < 2 + length + _TAG_LENGTH:
        raise EnvelopeError("the sealed value is cut short", hint=_HINT)
    return length


def encode(envelope: bytes) -> str:
    """An envelope as manifests hold it: standard base64 with padding."""
    return base64.b64encode(envelope).decode()


def decode(text: str) -> bytes:
    """The envelope in a manifest's text. Line breaks are ignored, as the controller does.

    Raises EnvelopeError; the URL-safe alphabet and missing padding are not tolerated.
    """
    try:
        return decode_base64(text)
    except ValueError:
        raise EnvelopeError("the sealed value is not standard base64 with padding", hint=_HINT) from None


def _padding(label: bytes) -> OAEP:
    return OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=label)
