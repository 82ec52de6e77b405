"""`sealbridge seal -w FILE`: what the file holds already is sealed again only where it changed."""

from __future__ import annotations

import argparse
from typing import Any

from sealbridge.errors import ManifestError
from sealbridge.manifest_text import Change, ManifestText
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.choosing import Chosen
from sealbridge.sealing.sealed_secret import KIND, SealedSecret
from sealbridge.sealing.unchanged import kept_items, seal_changed
from sealbridge.secret import Value
from sealbridge_cli import output
from sealbridge_cli.progress import Progress
from sealbridge_cli.vouching import Vouchers


def run(args: argparse.Namespace, certificate: Certificate, chosen: list[Chosen]) -> int:
    """Seal, and write the file; comments and order of one that holds the same objects stay."""
    vouchers = Vouchers(args, certificate)
    text = _there(args.write)
    old = _by_identity(text)
    manifests: list[dict[str, Any]] = []
    fresh: list[tuple[bytes, str, str, Value]] = []
    with Progress("sealing", len(chosen)) as progress:
        for secret, scope, _ in chosen:
            before = old.get((secret.namespace, secret.name))
            label = scope.label(secret.namespace, secret.name)
            kept = kept_items(before, secret, scope, vouchers(label)) if before else {}
            sealed = seal_changed(secret, certificate, scope, kept)
            manifests.append(sealed.to_manifest())
            fresh += [
                (label, item, form, secret.items[item])
                for item, form in sealed.encrypted_data.items()
                if item not in kept
            ]
            progress.step()
    edited = _edited(text, manifests, args)
    if edited is None:
        output.write(manifests, args)
    else:
        output.put(edited, args)
    vouchers.remember(fresh)
    return 0


def _there(path: str) -> ManifestText | None:
    """The file as it is, or None where it is not there or not ours to understand: it is written anew."""
    try:
        with open(path, "rb") as stream:
            if not stream.seekable():
                return None
            return ManifestText(stream.read(), file=path)
    except (OSError, ManifestError):
        return None


def _by_identity(text: ManifestText | None) -> dict[tuple[str, str], SealedSecret]:
    found: dict[tuple[str, str], SealedSecret] = {}
    for document in text.documents if text else ():
        if document.obj.get("kind") == KIND:
            try:
                sealed = SealedSecret.from_manifest(document.obj)
            except ManifestError:
                continue
            found[sealed.namespace, sealed.name] = sealed
    return found


def _edited(
    text: ManifestText | None, manifests: list[dict[str, Any]], args: argparse.Namespace
) -> bytes | None:
    """The old text with what changed, when it holds the same objects in the same order and format."""
    if text is None or text.json != (output.format_of(args) == "json"):
        return None
    if [_identity(document.obj) for document in text.documents] != [_identity(one) for one in manifests]:
        return None
    changes = {
        index: Change(manifest)
        for index, (document, manifest) in enumerate(zip(text.documents, manifests, strict=True))
        if document.obj != manifest
    }
    try:
        return text.edited(changes).data
    except ManifestError:
        return None


def _identity(obj: dict[str, Any]) -> tuple[Any, ...]:
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return obj.get("kind"), obj.get("apiVersion"), metadata.get("namespace"), metadata.get("name")
