"""Items sealed anew with another certificate, everything else as it was. Renders nothing.

Works on the manifest, so that what this version does not know survives. Templates stay templates: they
are authenticated by nobody, and rendering one here would make an oracle of whoever opens for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from sealbridge.sealing import envelope
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import open_items
from sealbridge.sealing.sealed_secret import SEALED_WITH, SealedSecret

# What an API server sets: it belongs to the object in the cluster, not to the one in Git.
_SERVER_SET = ("uid", "resourceVersion", "generation", "creationTimestamp", "selfLink", "managedFields")


class Resealed(NamedTuple):
    """The manifest, and the keys of the items that were sealed anew, in order."""

    manifest: dict[str, Any]
    items: tuple[str, ...]


def reseal(
    manifest: Mapping[str, Any], keyring: Keyring, certificate: Certificate, *, every: bool = False
) -> Resealed:
    """Seal the items of a SealedSecret anew, under its own scope, name and namespace.

    An item that the certificate's own key opens stays as it is, unless `every` asks for all. Raises
    ManifestError, or UnsealError that names the items that do not open: then nothing is changed.
    """
    sealed = SealedSecret.from_manifest(manifest)
    opened = open_items(sealed, keyring)
    stale = tuple(key for key in opened if every or opened[key].key != certificate.fingerprint)
    fresh = {
        key: envelope.encode(envelope.seal(opened[key].value.reveal(), certificate, sealed.label))
        for key in stale
    }
    result: dict[str, Any] = deepcopy({key: part for key, part in manifest.items() if key != "status"})
    for field in _SERVER_SET:
        result["metadata"].pop(field, None)
    result["spec"]["encryptedData"] = {**sealed.encrypted_data, **fresh}
    if opened:
        annotations = result["metadata"].get("annotations") or {}
        result["metadata"]["annotations"] = {**annotations, SEALED_WITH: certificate.fingerprint}
    return Resealed(result, stale)
