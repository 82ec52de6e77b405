"""Where commands take documents and certificates from: files, stdin, URLs. Knows no Secret."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import IO

from sealbridge.errors import CertificateError, ManifestError, UsageError
from sealbridge.manifests import MAX_BYTES, Document, read_file, read_stream
from sealbridge.sealing.certificate import Certificate
from sealbridge_cli import console

STDIN = "-"
CERTIFICATE_VARIABLE = "SEALBRIDGE_CERT"
MAX_CERTIFICATE = 1 << 20  # bytes


def add_files(parser: argparse.ArgumentParser, what: str) -> None:
    """The option that `documents` reads: `-f FILE...`, as often as needed."""
    parser.add_argument(
        "-f",
        "--file",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help=f"manifests of {what}, YAML or JSON, many to a file; - is stdin (default: stdin)",
    )


def add_recursion(parser: argparse.ArgumentParser) -> None:
    """The option for folders: `-r`."""
    parser.add_argument(
        "-r",
        "--recursive",
        action="store_true",
        help="take folders, and from them every .yaml, .yml and .json, links and hidden folders left out",
    )


def files(args: argparse.Namespace) -> list[str]:
    """The files that -f names, folders walked with -r. Links that were not followed are told of."""
    if not args.file:
        if args.recursive:
            raise UsageError("-r takes folders, and none is given", hint="name one with -f")
        return []
    if not args.recursive and not any(map(os.path.isdir, args.file)):
        return list(dict.fromkeys(args.file))
    from sealbridge.repo.files import manifest_files

    found = manifest_files(args.file, recursive=args.recursive)
    if found.links:
        more = f" and {len(found.links) - 1} more" if len(found.links) > 1 else ""
        console.note(f"links are not followed: {found.links[0]}{more}")
    if not found.files:
        raise ManifestError("there is no manifest in it", where=", ".join(args.file))
    return list(found.files)


def documents(files: Sequence[str]) -> list[Document]:
    """The documents of the files named, or of stdin when none is. Raises ManifestError."""
    found: list[Document] = []
    for file in files or [STDIN]:
        found.extend(_stdin() if file == STDIN else read_file(file))
    return found


def certificate(place: str | None) -> Certificate:
    """The certificate at a path or URL, else at that of SEALBRIDGE_CERT.

    Raises UsageError when neither is given, CertificateError when it cannot be had or used.
    """
    place = place or os.environ.get(CERTIFICATE_VARIABLE)
    if not place:
        raise UsageError(
            "no sealing certificate is given",
            hint=f"name one with --cert PATH or URL, or in {CERTIFICATE_VARIABLE}; "
            "`sealbridge keys init --dir DIR` makes one to try",
        )
    return Certificate.from_pem(_certificate_text(place), where=shown(place))


def certificates(place: str) -> list[Certificate]:
    """Every certificate at a path or URL. Raises CertificateError when there is none, or one is damaged."""
    from sealbridge.sealing import pem

    data, where = _certificate_text(place), shown(place)
    blocks = [block for block in pem.blocks(data) if block.label == "CERTIFICATE"]
    return [Certificate.from_pem(block.text, where=where) for block in blocks] or [
        Certificate.from_pem(data, where=where)
    ]


def _certificate_text(place: str) -> bytes:
    where = shown(place)
    if "://" in place:
        from sealbridge_cli.fetch import fetch

        return fetch(place, where=where, at_most=MAX_CERTIFICATE)
    return _read(place, where)


def stdin_bytes() -> bytes:
    """Manifests on stdin as they are, no more than are read of a file."""
    return _stdin_stream().read(MAX_BYTES + 1)


def _stdin() -> list[Document]:
    return read_stream(_stdin_stream(), file="stdin")


def _stdin_stream() -> IO[bytes]:
    if sys.stdin is None:
        raise UsageError("there is no stdin to read from", hint="name a file with -f")
    if sys.stdin.isatty():
        console.hint("reading manifests from the terminal: end with Ctrl-D, or name files with -f")
    return sys.stdin.buffer


def _read(path: str, where: str) -> bytes:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - see sealbridge.files
            return stream.read(MAX_CERTIFICATE)
    except OSError as error:
        raise CertificateError(
            f"cannot read the certificate: {(error.strerror or 'unknown error').lower()}", where=where
        ) from None


def shown(place: str) -> str:
    """A path or URL without the name and password that may stand in it, also in a mistyped one."""
    scheme, separator, rest = place.partition("://")
    if separator:
        rest = rest.partition("?")[0].partition("#")[0]
    else:
        scheme, rest = "", place
    before, at, after = rest.rpartition("@")
    if at and (separator or ":" in before):
        rest = after if separator and "/" not in before else f"...@{after}"
    return f"{scheme}{separator}{rest}"
