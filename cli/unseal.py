"""`sealbridge unseal`: SealedSecrets in, Secrets out, with sealing keys at hand and no cluster."""

from __future__ import annotations

import argparse
from typing import Any

from sealbridge.errors import ManifestError, SealbridgeError
from sealbridge.lifecycle.key_files import read_keyring
from sealbridge.manifests import Document
from sealbridge.reconcile.target import target_secret
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.sealed_secret import KIND, SealedSecret
from sealbridge_cli import console, options, output, sources


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--key",
        nargs="+",
        action="extend",
        required=True,
        metavar="FILE",
        help="sealing keys: PEM, a key Secret or a List of them, or a directory of such files",
    )
    sources.add_files(parser, "SealedSecrets")
    sources.add_recursion(parser)
    parser.add_argument(
        "-n",
        "--namespace",
        type=options.namespace,
        metavar="NS",
        help="the namespace of SealedSecrets that do not name their own",
    )
    output.add_options(parser)
    parser.epilog = (
        "examples:\n"
        "  sealbridge unseal --key keys -f sealed.yaml\n"
        "  kubectl get secret -n kube-system -o yaml \\\n"
        "    -l sealedsecrets.bitnami.com/sealed-secrets-key > keys.yaml\n"
        "  sealbridge unseal --key keys.yaml -f sealed.yaml -w secret.yaml"
    )


def run(args: argparse.Namespace) -> int:
    """Unseal every document. Those that fail are named; with -w, one that fails keeps all unwritten."""
    keyring = read_keyring(args.key)
    documents = _documents(args)
    if not documents:
        raise ManifestError("there is no SealedSecret in it", where=", ".join(args.file) or "stdin")
    opened: list[dict[str, Any]] = []
    failed = 0
    for document in documents:
        try:
            opened.append(_unsealed(document, keyring, args.namespace))
        except SealbridgeError as error:
            failed += 1
            console.error(error.at(document.where))
    if failed and args.write is not None:
        console.note(f"{failed} of {len(documents)} cannot be unsealed: nothing was written")
        return 1
    if failed and len(documents) > 1:
        rest = "the others are on stdout" if opened else "nothing was written"
        console.note(f"{failed} of {len(documents)} cannot be unsealed: {rest}")
    if opened:
        output.write(opened, args, mode=0o600)
    return 1 if failed else 0


def _documents(args: argparse.Namespace) -> list[Document]:
    """All documents; with -r, what is no SealedSecret is left aside, and that is said."""
    found = sources.documents(sources.files(args))
    if not args.recursive:
        return found
    sealed = [document for document in found if document.obj.get("kind") == KIND]
    if aside := len(found) - len(sealed):
        console.note(f"left aside: {console.count(aside, 'other document')}")
    return sealed


def _unsealed(document: Document, keyring: Keyring, namespace: str | None) -> dict[str, Any]:
    obj = document.obj
    if namespace and isinstance(obj.get("metadata"), dict) and not obj["metadata"].get("namespace"):
        obj = {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}
    sealed = SealedSecret.from_manifest(obj)
    return target_secret(sealed, unseal_items(sealed, keyring)).to_manifest()
