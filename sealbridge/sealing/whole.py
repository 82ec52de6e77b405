"""The deprecated `spec.data`: a whole Secret as JSON in one envelope. Knows no template; writes nothing new.

kubeseal made it before 2019 and the controller still opens it. What is sealed anew gets items.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from sealbridge.errors import ManifestError, UnsealError
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import Reason, open_texts
from sealbridge.sealing.sealed_secret import SERVER_SIDE, SealedSecret
from sealbridge.secret import Secret, Value

FIELD = "spec.data"

_NOT_A_SECRET = "spec.data opens, and what is in it is no Secret"  # noqa: S105 - a message


class OpenedWhole(NamedTuple):
    """The Secret, under the name and namespace of its SealedSecret, and the key that opened it."""

    secret: Secret
    key: str


def open_whole(
    sealed: SealedSecret, keyring: Keyring, *, known: Mapping[str, str] | None = None
) -> OpenedWhole:
    """Open `spec.data`. Raises UnsealError, whose items name `spec.data`, also when it holds no Secret."""
    opened = open_texts(sealed, {FIELD: sealed.whole or ""}, keyring, known=known)[FIELD]
    try:
        secret = _read(opened.value)
    except (ValueError, RecursionError, ManifestError):
        # Whatever they say may quote the content.
        raise UnsealError(
            _NOT_A_SECRET,
            items={FIELD: Reason.CORRUPT.value},
            hint="take the Secret from the cluster and seal it again",
        ) from None
    metadata = {name: value for name, value in secret.metadata.items() if name not in SERVER_SIDE}
    return OpenedWhole(
        replace(secret, name=sealed.name, namespace=sealed.namespace, metadata=metadata), opened.key
    )


def _read(value: Value) -> Secret:
    document = json.loads(value.reveal())
    if not isinstance(document, dict) or document.get("kind", "Secret") != "Secret":
        raise ManifestError("it is another kind")
    return Secret.from_manifest(document)
