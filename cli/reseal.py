"""`sealbridge reseal`: SealedSecrets of files and folders sealed anew for a certificate, without loss."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from sealbridge.errors import ClusterError, ManifestError, SealbridgeError, UnsealError, UsageError
from sealbridge.lifecycle.key_files import read_keyring
from sealbridge.manifest_text import Change, Edited, ManifestText
from sealbridge.manifests import read_documents
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.resealing import Resealed, answered, question, reseal
from sealbridge.sealing.sealed_secret import KIND, SealedSecret
from sealbridge_cli import certificates, console, options, output, server, sources, texts
from sealbridge_cli.progress import Progress

_Way = Callable[[Mapping[str, Any]], Resealed]
_CANNOT_OPEN = 409


class _Done(NamedTuple):
    """What became of a file."""

    path: str
    edited: Edited | None = None
    objects: int = 0
    items: int = 0
    fresh_objects: int = 0
    others: int = 0
    errors: tuple[SealbridgeError, ...] = ()


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = (
        "seal values anew for a certificate, in their files; templates, comments and order stay as they are"
    )
    sources.add_files(parser, "SealedSecrets")
    sources.add_recursion(parser)
    certificates.add_options(parser, fetched=False)
    server.add_options(parser, "have the controller of the cluster open and seal, with its current key")
    options.add_keys(
        parser, "sealing keys that open what is sealed: PEM, key Secrets, or a folder of such files"
    )
    parser.add_argument(
        "--all", action="store_true", help="also values that are sealed for this certificate already"
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="write what could be resealed when something could not"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and write nothing")
    parser.epilog = (
        "examples:\n"
        "  sealbridge reseal --cert new.pem --key keys -r -f environments --dry-run\n"
        "  sealbridge reseal --cert new.pem --key keys -r -f environments\n"
        "  sealbridge reseal --server -r -f environments\n"
        "  sealbridge reseal --cert new.pem --key keys < sealed.yaml > resealed.yaml"
    )


def run(args: argparse.Namespace) -> int:
    """Reseal in memory, then write. Of stdin, the result goes to stdout."""
    if bool(args.key) == args.server:
        raise UsageError(
            "nothing opens what is sealed, or two things do",
            hint="give the sealing keys with --key, or have the controller do it with --server",
        )
    certificate = certificates.load(args)
    if args.server:
        return server.with_controller(lambda call: _all(args, _by_server(args, certificate, call)), args)
    return _all(args, _by_keys(args, certificate))


def _all(args: argparse.Namespace, way: _Way) -> int:
    if not args.file:
        return _stream(args, way)
    paths = sources.files(args)
    if sources.STDIN in paths:
        raise UsageError("stdin is not edited in place", hint="leave -f out to go from stdin to stdout")
    named = set(args.file)

    def work(path: str) -> _Done:
        try:
            text = texts.read_all(path, named=path in named, word=KIND.encode())
            return _Done(path) if text is None else _resealed(text, way)
        except SealbridgeError as error:
            return _Done(path, errors=(error,))

    threads = 1 if args.server else os.cpu_count() or 1
    with Progress("resealing", len(paths)) as progress, ThreadPoolExecutor(threads) as pool:
        done = []
        for one in pool.map(work, paths):
            done.append(one)
            progress.step()
    return _finish(done, args)


def _by_keys(args: argparse.Namespace, certificate: Certificate) -> _Way:
    keyring = read_keyring(args.key)
    return lambda obj: reseal(obj, keyring, certificate, every=args.all)


def _by_server(args: argparse.Namespace, certificate: Certificate, call: server.Call) -> _Way:
    """What says that it is sealed with the current key is believed, unless all is asked for."""

    def resealed(obj: Mapping[str, Any]) -> Resealed:
        sealed = SealedSecret.from_manifest(obj)
        if not sealed.encrypted_data or (sealed.hint == certificate.fingerprint and not args.all):
            return Resealed(dict(obj), ())
        try:
            answer = call(lambda controller: controller.rotate(question(obj)))
        except ClusterError as error:
            if error.status == _CANNOT_OPEN:
                raise UnsealError(
                    "the controller cannot open it", hint="it was sealed for another one"
                ) from None
            raise
        return answered(obj, answer, certificate)

    return resealed


def _resealed(text: ManifestText, way: _Way) -> _Done:
    changes: dict[int, Change] = {}
    errors: list[SealbridgeError] = []
    objects = items = 0
    for index, document in enumerate(text.documents):
        if document.obj.get("kind") != KIND:
            continue
        objects += 1
        try:
            result = way(document.obj)
        except SealbridgeError as error:
            errors.append(error.at(document.where))
            continue
        if result.items or result.manifest != document.obj:
            changes[index] = Change(result.manifest)
            items += len(result.items)
    edited = text.edited(changes) if changes else None
    others = len(text.documents) - objects
    return _Done(text.file, edited, objects, items, len(changes), others, tuple(errors))


def _finish(done: list[_Done], args: argparse.Namespace) -> int:
    errors = [error for one in done for error in one.errors]
    for error in errors:
        console.error(error)
    objects = sum(one.objects for one in done)
    if not objects and not errors:
        raise ManifestError("there is no SealedSecret in it", where=", ".join(args.file))
    changed = [one for one in done if one.edited is not None]
    if errors and not args.keep_going:
        console.note("nothing was written")
        if changed:
            console.hint("--keep-going writes the others")
        return 1
    failed = 0
    for one in changed:
        assert one.edited is not None  # noqa: S101 - selected above
        if args.dry_run:
            console.note(f"{one.path}: {console.count(one.items, 'item')} would be sealed anew")
            continue
        try:
            output.replace(one.path, one.edited.data)
        except SealbridgeError as error:
            failed += 1
            console.error(error)
        for document in one.edited.flattened:
            console.warning(f"{document.where}: its comments and layout could not be kept")
    _tell(done, args)
    return 1 if errors or failed else 0


def _tell(done: Iterable[_Done], args: argparse.Namespace) -> None:
    done = list(done)
    items, fresh = sum(one.items for one in done), sum(one.fresh_objects for one in done)
    objects, others = sum(one.objects for one in done), sum(one.others for one in done)
    verb = "would be sealed" if args.dry_run else "sealed"
    aside = f"; left as they are: {console.count(others, 'other document')}" if others else ""
    of = f"in {fresh} of {console.count(objects, 'SealedSecret')}"
    console.note(f"{console.count(items, 'item')} {verb} anew, {of}{aside}")
    if args.server and not args.all and objects > fresh:
        console.hint("the others say that they are sealed with the current key; --all takes them too")


def _stream(args: argparse.Namespace, way: _Way) -> int:
    data = sources.stdin_bytes()
    if not read_documents(data, file="stdin"):
        raise ManifestError("there is no SealedSecret in it", where="stdin")
    done = _resealed(ManifestText(data, file="stdin"), way)
    for error in done.errors:
        console.error(error)
    if done.errors:
        console.note("nothing was written")
        return 1
    if not args.dry_run:
        console.binary(done.edited.data if done.edited else data)
    _tell([done], args)
    return 0
