"""Items sealed anew with another certificate, everything else as it was. Renders nothing.

Works on the manifest, so that what this version does not know survives. Templates stay templates: they
are authenticated by nobody, and rendering one here would make an oracle of whoever opens for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from sealbridge.errors import EnvelopeError, ManifestError
from sealbridge.sealing import envelope
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import open_items
from sealbridge.sealing.sealed_secret import (
    API_VERSION,
    KIND,
    SEALED_WITH,
    SKIP_OWNER_ANNOTATION,
    SealedSecret,
    seal,
)
from sealbridge.sealing.whole import open_whole

# What an API server sets: it belongs to the object in the cluster, not to the one in Git.
_SERVER_SET = ("uid", "resourceVersion", "generation", "creationTimestamp", "selfLink", "managedFields")


class Resealed(NamedTuple):
    """The manifest, and the keys of the items that were sealed anew, in order."""

    manifest: dict[str, Any]
    items: tuple[str, ...]


def reseal(
    manifest: Mapping[str, Any],
    keyring: Keyring,
    certificate: Certificate,
    *,
    every: bool = False,
    accept_whole: bool = False,
) -> Resealed:
    """Seal the items of a SealedSecret anew, under its own scope, name and namespace.

    An item that the certificate's own key opens stays as it is, unless `every` asks for all. With
    `accept_whole` the deprecated `spec.data` becomes items and a template that say the same: labels and
    annotations that were sealed with it can be read then, so ask for it where its owner does. Raises
    ManifestError, or UnsealError that names the items that do not open: then nothing is changed.
    """
    sealed = SealedSecret.from_manifest(manifest, accept_whole=accept_whole)
    if sealed.whole is not None:
        return _modern(manifest, sealed, keyring, certificate)
    opened = open_items(sealed, keyring)
    stale = tuple(key for key in opened if every or opened[key].key != certificate.fingerprint)
    fresh = {
        key: envelope.encode(envelope.seal(opened[key].value.reveal(), certificate, sealed.label))
        for key in stale
    }
    return Resealed(_with_items(manifest, sealed, fresh, certificate), stale)


def question(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What of a SealedSecret a controller is given to seal anew: items, names and scope.

    Its templates stay here: a controller may render them, and give back what was rendered in their stead.
    """
    sealed = SealedSecret.from_manifest(manifest)
    metadata: dict[str, Any] = {"name": sealed.name}
    if sealed.namespace:
        metadata["namespace"] = sealed.namespace
    if scope := sealed.scope.annotations():
        metadata["annotations"] = scope
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata,
        "spec": {"encryptedData": dict(sealed.encrypted_data), "template": {"metadata": metadata}},
    }


def answered(manifest: Mapping[str, Any], answer: Mapping[str, Any], certificate: Certificate) -> Resealed:
    """A SealedSecret with the items of a controller's answer. Raises ManifestError when it lacks one."""
    sealed = SealedSecret.from_manifest(manifest)
    spec = answer.get("spec")
    data = spec.get("encryptedData") if isinstance(spec, Mapping) else None
    fresh = dict(data) if isinstance(data, Mapping) else {}
    if fresh.keys() != sealed.encrypted_data.keys():
        raise ManifestError("the controller's answer does not have the same items")
    for item, text in fresh.items():
        length = check_anew(item, sealed.encrypted_data[item], text)
        if length != (certificate.key_size + 7) // 8:
            raise ManifestError(f"the controller's answer has {item} sealed for another certificate")
    return Resealed(_with_items(manifest, sealed, fresh, certificate), tuple(fresh))


def check_anew(item: str, before: str | None, text: object) -> int:
    """How many bytes the key has that a controller sealed an item for.

    Raises ManifestError where its answer holds no sealed value, or the very one that it was asked about:
    what replaces the only copy of a value has to be one.
    """
    try:
        length = envelope.wrapped_length(envelope.decode(text if isinstance(text, str) else ""))
    except EnvelopeError as error:
        raise ManifestError(f"the controller's answer for {item} is none: {error.what}") from None
    if text == before:
        raise ManifestError(f"the controller did not seal {item} anew")
    return length


def _with_items(
    manifest: Mapping[str, Any], sealed: SealedSecret, fresh: Mapping[str, str], certificate: Certificate
) -> dict[str, Any]:
    result = _without_server_fields(manifest)
    result["spec"]["encryptedData"] = {**sealed.encrypted_data, **fresh}
    if sealed.encrypted_data:
        annotations = result["metadata"].get("annotations") or {}
        result["metadata"]["annotations"] = {**annotations, SEALED_WITH: certificate.fingerprint}
    return result


def _modern(
    manifest: Mapping[str, Any], sealed: SealedSecret, keyring: Keyring, certificate: Certificate
) -> Resealed:
    secret = open_whole(sealed, keyring).secret
    result = _without_server_fields(manifest)
    spec = result["spec"]
    del spec["data"]
    former = spec.get("template") or {}
    fresh: dict[str, Any] = {"encryptedData": {}, "template": {"metadata": {"name": sealed.name}}}
    if secret.items:
        fresh = seal(secret, certificate, sealed.scope).to_manifest()["spec"]
        annotations = result["metadata"].get("annotations") or {}
        result["metadata"]["annotations"] = {**annotations, SEALED_WITH: certificate.fingerprint}
    # Of the template nothing counted beside spec.data but whether the Secret gets an owner.
    skip = ((former.get("metadata") or {}).get("annotations") or {}).get(SKIP_OWNER_ANNOTATION)
    annotations = fresh["template"]["metadata"].setdefault("annotations", {})
    annotations.pop(SKIP_OWNER_ANNOTATION, None)
    if skip is not None:
        annotations[SKIP_OWNER_ANNOTATION] = skip
    if not annotations:
        del fresh["template"]["metadata"]["annotations"]
    result["spec"] = {**spec, **fresh}
    return Resealed(result, tuple(secret.items))


def _without_server_fields(manifest: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = deepcopy({key: part for key, part in manifest.items() if key != "status"})
    for field in _SERVER_SET:
        result["metadata"].pop(field, None)
    return result
