"""kubeseal's modes that ask the controller: --validate and --re-encrypt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sealbridge.errors import ClusterError, ManifestError, NoController, SealbridgeError
from sealbridge.manifests import Document
from sealbridge.sealing.resealing import check_anew
from sealbridge.sealing.sealed_secret import SEALED_WITH
from sealbridge_cli.kubeseal import clusters, encoding, inputs
from sealbridge_cli.kubeseal.flags import Flags

if TYPE_CHECKING:
    from sealbridge.kube.controller_access import Controller


def validate(flags: Flags) -> None:
    """Silent when the controller can decrypt every SealedSecret, also when there is none."""
    documents = inputs.documents(flags)
    if not documents:
        return

    async def locked(controller: Controller) -> list[str]:
        found = []
        for document in documents:
            try:
                if not await controller.verify(document.obj):
                    found.append(_name(document))
            except ClusterError as error:
                raise _failed("cannot validate sealed secret", error, document) from None
        return found

    names = clusters.ask(flags, locked)
    if names:
        raise SealbridgeError(
            f"unable to decrypt sealed secret: {names[0]}",
            hint=f"nor can it decrypt {', '.join(names[1:])}" if len(names) > 1 else None,
        )


def re_encrypt(flags: Flags, format_: str) -> bytes:
    """Every SealedSecret with its items sealed anew, and with all else that it had."""
    documents = inputs.documents(flags)
    for document in documents:
        inputs.check_sealed(document)

    async def rotated(controller: Controller) -> list[dict[str, Any]]:
        found = []
        for document in documents:
            try:
                answer = await controller.rotate(document.obj)
            except ClusterError as error:
                if error.status == 409:
                    raise SealbridgeError("unable to rotate secret", where=document.where) from None
                raise _failed("cannot re-encrypt secret", error, document) from None
            found.append(_joined(document, answer))
        return found

    if not documents:
        raise SealbridgeError("no sealed secrets found")
    return encoding.encode(clusters.ask(flags, rotated), format_).encode()


def _joined(document: Document, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The object with the new items: upstream's controller answers without much that was in it."""
    spec = document.obj.get("spec")
    answered = answer.get("spec")
    answered = answered if isinstance(answered, Mapping) else {}
    sealed = answered.get("encryptedData")
    if not isinstance(spec, Mapping) or not isinstance(sealed, Mapping):
        raise ManifestError("the controller's answer is not a SealedSecret", where=document.where)
    before = spec.get("encryptedData") or {}
    items = before or sealed
    missing = [key for key in items if key not in sealed]
    if missing:
        raise ManifestError(
            f"the controller's answer is without {', '.join(sorted(missing))}", where=document.where
        )
    for key in items:
        try:
            check_anew(key, before.get(key), sealed[key])
        except ManifestError as error:
            raise error.at(document.where) from None
    outer = dict(document.obj.get("metadata") or {})
    annotations = dict(outer.get("annotations") or {})
    annotations.pop(SEALED_WITH, None)
    if hint := _hint(answer.get("metadata")):
        annotations[SEALED_WITH] = hint
    outer["annotations"] = annotations
    for field in ("creationTimestamp", "deletionTimestamp", "generation"):
        outer.pop(field, None)
    template = spec.get("template") or answered.get("template") or {}
    return encoding.sealed_secret(
        outer, {"template": template, "encryptedData": {key: sealed[key] for key in items}}
    )


def _hint(metadata: Any) -> str | None:
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    hint = annotations.get(SEALED_WITH) if isinstance(annotations, Mapping) else None
    return hint if isinstance(hint, str) else None


def _failed(what: str, error: ClusterError, document: Document) -> SealbridgeError:
    if isinstance(error, NoController):
        return error
    return ClusterError(f"{what}: {error.what}", status=error.status, where=document.where, hint=error.hint)


def _name(document: Document) -> str:
    metadata = document.obj.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
