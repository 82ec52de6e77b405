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
    text = dump(objects, _format(args))
    # Opened anew, /dev/stdout would replace the file that a shell appends to.
    if args.write in (None, "-", "/dev/stdout"):
        console.data(text)
        return
    try:
        write_atomic(args.write, text.encode(), mode=mode)
    except OSError as error:
        raise SealbridgeError(
            f"cannot write it: {(error.strerror or 'unknown error').lower()}", where=args.write
        ) from None


def _format(args: argparse.Namespace) -> Format:
    if args.output is not None:
        return "json" if args.output == "json" else "yaml"
    return "json" if (args.write or "").lower().endswith(".json") else "yaml"
