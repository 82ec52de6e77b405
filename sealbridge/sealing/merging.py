"""New items in a SealedSecret that is there already, under its own name, namespace and scope. No I/O.

Works on the manifest, so that what this version does not know survives, and opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from sealbridge.errors import ManifestError
from sealbridge.sealing import envelope
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import SEALED_WITH, SealedSecret, carried_annotations
from sealbridge.sealing.unchanged import Voucher
from sealbridge.secret import Secret, check_item_key


class Merged(NamedTuple):
    """The manifest, the items sealed into it with their sealed form, and how many stayed as they were."""

    manifest: dict[str, Any]
    items: dict[str, str]
    unchanged: int


def merge(
    manifest: Mapping[str, Any], secret: Secret, certificate: Certificate, vouchers: list[Voucher]
) -> Merged:
    """Seal the items of a Secret into a SealedSecret; its labels and annotations go to the template.

    Name, namespace, type and scope of the Secret do not count. Raises ManifestError.
    """
    sealed = SealedSecret.from_manifest(manifest)
    if not secret.items:
        raise ManifestError("there are no items to add: data and stringData are empty")
    if not sealed.namespace and sealed.scope is not Scope.CLUSTER_WIDE:
        raise ManifestError(
            f"the SealedSecret has no namespace, and the scope {sealed.scope.value} is bound to one",
            hint="put metadata.namespace into it",
        )
    fresh: dict[str, str] = {}
    for item, value in secret.items.items():
        check_item_key(item)
        old = sealed.encrypted_data.get(item)
        if old is None or not any(vouches(item, old, value) for vouches in vouchers):
            fresh[item] = envelope.encode(envelope.seal(value.reveal(), certificate, sealed.label))
    result: dict[str, Any] = deepcopy({key: part for key, part in manifest.items() if key != "status"})
    result["spec"]["encryptedData"] = {**sealed.encrypted_data, **fresh}
    _add(result["spec"], secret)
    if fresh:
        whole = sealed.encrypted_data.keys() <= secret.items.keys()
        hint_after_merge(result["metadata"], certificate, whole=whole)
    return Merged(result, fresh, len(secret.items) - len(fresh))


def hint_after_merge(metadata: dict[str, Any], certificate: Certificate, *, whole: bool) -> None:
    """Let the hint name a key only when it has sealed all items; `whole` when none is older than the merge.

    Whoever seals anew for a new key passes over what says that it is sealed for it.
    """
    annotations = dict(metadata.get("annotations") or {})
    if whole:
        annotations[SEALED_WITH] = certificate.fingerprint
    elif annotations.get(SEALED_WITH) != certificate.fingerprint:
        annotations.pop(SEALED_WITH, None)
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)


def _add(spec: dict[str, Any], secret: Secret) -> None:
    for field, more in (("labels", secret.labels), ("annotations", carried_annotations(secret.annotations))):
        if more:
            template = spec["template"] = spec.get("template") or {}
            metadata = template["metadata"] = template.get("metadata") or {}
            metadata[field] = {**(metadata.get(field) or {}), **more}
