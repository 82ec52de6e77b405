"""Where commands put documents: stdout or a file, in the format asked for."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from sealbridge.errors import SealbridgeError
from sealbridge.files import write_atomic
from sealbridge.manifests import Format, dump
from sealbridge_cli import console, options


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare -o and -w."""
    parser.add_argument(
        "-o",
        "--output",
        choices=("yaml", "json"),
        help="the format (default: by the name of the file written, else yaml)",
    )
    parser.add_argument(
        "-w",
        "--write",
        type=options.file,
        metavar="FILE",
        help="write here instead of to stdout, and only when all went well",
    )


def write(objects: Iterable[Mapping[str, Any]], args: argparse.Namespace, *, mode: int | None = None) -> None:
    """Put documents where -o and -w say. Raises SealbridgeError when the file cannot be written."""
    put(dump(objects, format_of(args)).encode(), args, mode=mode)


def put(data: bytes, args: argparse.Namespace, *, mode: int | None = None) -> None:
    """Put a text where -w says. Raises SealbridgeError when the file cannot be written."""
    # Opened anew, /dev/stdout would replace the file that a shell appends to.
    if args.write in (None, "-", "/dev/stdout"):
        console.binary(data)
        return
    replace(args.write, data, mode=mode)


def replace(path: str, data: bytes, *, mode: int | None = None) -> None:
    """Replace a file as a whole. Raises SealbridgeError and leaves it as it was when that fails."""
    try:
        write_atomic(path, data, mode=mode)
    except OSError as error:
        raise SealbridgeError(
            f"cannot write it: {(error.strerror or 'unknown error').lower()}", where=path
        ) from None


def format_of(args: argparse.Namespace) -> Format:
    """The format asked for, else that of the file's name."""
    if args.output is not None:
        return "json" if args.output == "json" else "yaml"
    return "json" if (args.write or "").lower().endswith(".json") else "yaml"
