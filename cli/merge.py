"""`sealbridge merge`: new items in a SealedSecret file, sealed under its own name, namespace and scope."""

from __future__ import annotations

import argparse

from sealbridge.errors import ManifestError, SealbridgeError, UsageError
from sealbridge.manifest_text import Change, ManifestText
from sealbridge.manifests import Document
from sealbridge.repo.in_place import check_comments
from sealbridge.sealing.choosing import Wishes, choose
from sealbridge.sealing.merging import merge
from sealbridge.sealing.sealed_secret import API_VERSION, KIND, SealedSecret
from sealbridge.secret import Secret
from sealbridge_cli import certificates, console, items, options, output, sources, texts, vouching


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("target", type=options.file, metavar="SEALED", help="the file with the SealedSecret")
    sources.add_files(parser, "Secrets with the new items")
    certificates.add_options(parser)
    parser.add_argument("--name", metavar="NAME", help="which SealedSecret, when the file has several")
    parser.add_argument(
        "-n", "--namespace", type=options.namespace, metavar="NS", help="and in which namespace"
    )
    parser.add_argument(
        "-w", "--write", type=options.file, metavar="FILE", help="write here and leave the file as it is"
    )
    vouching.add_options(parser)
    items.add_options(parser, shortcuts=False)
    parser.epilog = (
        "examples:\n"
        "  sealbridge merge sealed.yaml --cert cert.pem --from-file password=password.txt\n"
        "  kubectl create secret generic any --from-literal=user=app --dry-run=client -o yaml |\n"
        "    sealbridge merge sealed.yaml --cert cert.pem"
    )


def run(args: argparse.Namespace) -> int:
    """Seal the items into the file, which keeps its comments, its order and its format."""
    if items.given(args) and args.file:
        raise UsageError("items are given and files as well", hint="merge them one after the other")
    if args.write is None:
        texts.check_editable(args.target)
    text = texts.read(args.target)
    certificate = certificates.load(args)
    vouchers = vouching.Vouchers(args, certificate)
    secrets = _new(args)
    changes: dict[int, Change] = {}
    fresh = []
    unchanged = 0
    for secret in secrets:
        index = _target(text, secret, args, alone=len(secrets) == 1)
        document = text.documents[index]
        obj = changes[index].obj if index in changes else document.obj
        assert obj is not None  # noqa: S101 - nothing is taken out here
        label = SealedSecret.from_manifest(obj).label
        try:
            merged = merge(obj, secret, certificate, vouchers(label))
        except SealbridgeError as error:
            raise error.at(document.where) from None
        check_comments(text.comments(document), secret.items.items(), document)
        changes[index] = Change(merged.manifest)
        unchanged += merged.unchanged
        fresh += [(label, item, form, secret.items[item]) for item, form in merged.items.items()]
    edited = text.edited(changes)
    if args.write is not None:
        output.put(edited.data, args)
    elif fresh or any(change.obj != text.documents[index].obj for index, change in changes.items()):
        output.replace(args.target, edited.data)
    for document in edited.flattened:
        console.warning(f"{document.where}: its comments and layout could not be kept")
    vouchers.remember(fresh)
    console.note(f"sealed {len(fresh)}, unchanged {unchanged}: {args.write or args.target}")
    return 0


def _new(args: argparse.Namespace) -> list[Secret]:
    if items.given(args):
        return [items.secret(args, name="", namespace="")]
    documents = sources.documents(args.file)
    if not documents:
        raise ManifestError("there is no Secret in it", where=", ".join(args.file) or "stdin")
    found = []
    for document in documents:
        try:
            found.append(choose(document.obj, Wishes()).secret)
        except SealbridgeError as error:
            raise error.at(document.where) from None
    return found


def _target(text: ManifestText, secret: Secret, args: argparse.Namespace, *, alone: bool) -> int:
    """The SealedSecret that is meant: the one named, the only one, or the one of the Secret's name."""
    there = [
        (index, document)
        for index, document in enumerate(text.documents)
        if document.obj.get("kind") == KIND and document.obj.get("apiVersion") == API_VERSION
    ]
    if not there:
        raise ManifestError("there is no SealedSecret in it", where=text.file)
    if args.name or args.namespace:
        found = [index for index, document in there if _is(document, args.name, args.namespace)]
    elif len(there) == 1 and alone:
        found = [there[0][0]]
        if secret.name and not _is(there[0][1], secret.name, None):
            console.note(
                f"the name of the Secret, {secret.name}, does not count: the SealedSecret has its own"
            )
    else:
        found = [index for index, document in there if _is(document, secret.name, secret.namespace)]
    if len(found) != 1:
        raise ManifestError(
            f"{len(found) or 'none'} of the {console.count(len(there), 'SealedSecret')} in it can be meant",
            where=text.file,
            hint="name one with --name and -n",
        )
    return found[0]


def _is(document: Document, name: str | None, namespace: str | None) -> bool:
    sealed = SealedSecret.from_manifest(document.obj)
    return name in (None, "", sealed.name) and namespace in (None, "", sealed.namespace)
