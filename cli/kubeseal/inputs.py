"""What kubeseal reads: the file of -f or stdin, and the Secrets or SealedSecrets in it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from sealbridge.errors import SealbridgeError
from sealbridge.manifests import MAX_BYTES, Document, read_documents
from sealbridge.sealing.sealed_secret import SealedSecret
from sealbridge_cli import console
from sealbridge_cli.kubeseal.flags import Flags


def documents(flags: Flags) -> list[Document]:
    """Of -f, else of stdin. Raises ManifestError for what cannot be parsed: nothing is passed over."""
    if path := flags.text("secret-file"):
        return read_documents(file(path), file=path)
    return read_documents(stdin(flags), file="stdin")


def file(path: str) -> bytes:
    """The bytes of a file, at most so many that what reads them refuses more."""
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - pathlib takes longer to import than sealing
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise SealbridgeError(f"open {path}: {(error.strerror or 'unknown error').lower()}") from None


def stdin(flags: Flags) -> bytes:
    """The bytes of stdin; a person at a terminal is told what is expected."""
    if flags.stdin is not None:
        return flags.stdin
    if sys.stdin is None:
        raise SealbridgeError("there is no stdin to read from", hint="name a file with -f")
    if sys.stdin.isatty():
        what = "a secret to encrypt" if flags.on("raw") else "json/yaml k8s resource"
        console.note(f"(tty detected: expecting {what} in stdin)")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def keep_stdin(flags: Flags) -> None:
    """Read stdin now if it will be needed."""
    elsewhere = flags.list("from-file") if flags.on("raw") else flags.text("secret-file")
    if not elsewhere or elsewhere == ["/dev/stdin"]:
        flags.stdin = stdin(flags)


def check_sealed(document: Document) -> None:
    """Raise ManifestError unless it is a SealedSecret whose parts are what they should be."""
    obj: Mapping[str, Any] = document.obj
    spec = obj.get("spec")
    if isinstance(spec, Mapping) and spec.get("data") is not None:
        obj = {**obj, "spec": {key: value for key, value in spec.items() if key != "data"}}
    try:
        SealedSecret.from_manifest(obj)
    except SealbridgeError as error:
        raise error.at(document.where) from None
