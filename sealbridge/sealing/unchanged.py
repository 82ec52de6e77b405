"""Items that need not be sealed again: their sealed form still holds the very same value. No I/O.

Sealing is never deterministic, so every value sealed again is a difference in Git that tells nothing. An
item keeps its sealed form when name, namespace, scope and key are the same, and somebody vouches that
the value is: a private key that opens it, or a record of when it was sealed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace

from sealbridge.errors import EnvelopeError, UnsealError
from sealbridge.sealing import envelope
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import SealedSecret
from sealbridge.secret import Secret, Value

# Whether `sealed`, made with a certificate and a label for an item, holds the value: (item, sealed, value).
Voucher = Callable[[str, str, Value], bool]


def kept_items(old: SealedSecret, secret: Secret, scope: Scope, vouchers: list[Voucher]) -> dict[str, str]:
    """The items of a Secret whose sealed form in `old` can stay."""
    if old.scope is not scope or old.label != scope.label(secret.namespace, secret.name):
        return {}
    return {
        item: sealed
        for item, value in secret.items.items()
        if (sealed := old.encrypted_data.get(item)) is not None
        and any(vouches(item, sealed, value) for vouches in vouchers)
    }


def seal_changed(
    secret: Secret, certificate: Certificate, scope: Scope, kept: Mapping[str, str]
) -> SealedSecret:
    """As `sealed_secret.seal`, but items in `kept` have that sealed form."""
    from sealbridge.sealing.sealed_secret import seal

    fresh = {item: value for item, value in secret.items.items() if item not in kept}
    if not fresh and kept:
        # Everything but the items is made by `seal`, which wants one to seal.
        fresh = {next(iter(kept)): Value(b"")}
    sealed = seal(replace(secret, items=fresh), certificate, scope)
    together = {item: kept.get(item) or sealed.encrypted_data[item] for item in secret.items}
    return replace(sealed, encrypted_data=together)


def opened_by(keyring: Keyring, certificate: Certificate, label: bytes) -> Voucher:
    """Vouches for what the certificate's own key opens."""

    def vouches(item: str, sealed: str, value: Value) -> bool:
        try:
            opened = keyring.open(envelope.decode(sealed), label, [certificate.fingerprint])
        except (UnsealError, EnvelopeError):
            return False
        return opened.key == certificate.fingerprint and opened.value == value

    return vouches


def record(key: bytes, certificate: Certificate, label: bytes, item: str, sealed: str, value: Value) -> bytes:
    """What stands for 'this sealed form holds this value': 32 bytes that tell nothing without the key.

    HMAC-SHA256 of all of it, every part with its length, so that no two inputs look alike.
    """
    digest = hmac.new(key, digestmod=hashlib.sha256)
    parts = (certificate.fingerprint.encode(), label, item.encode(), sealed.encode(), value.reveal())
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()
