"""`sealbridge keys`: sealing keys for life. Each subcommand but `init` has a module of its own."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime

from sealbridge.errors import KeyFileError, UsageError
from sealbridge_cli import (
    console,
    keys_backup,
    keys_compromise,
    keys_list,
    keys_restore,
    keys_retire,
    keys_rotate,
    keys_verify,
    options,
)

DEFAULT_BITS, DEFAULT_DAYS = 4096, 3650
_LATER = (keys_list, keys_rotate, keys_backup, keys_verify, keys_restore, keys_retire, keys_compromise)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    subcommands = parser.add_subparsers(dest="subcommand", metavar="COMMAND", title="commands")
    init = subcommands.add_parser(
        "init",
        help="make a first sealing key in a directory",
        description="make a sealing key: a key Secret to keep safe, and cert.pem to give to everybody",
        epilog=(
            "example:\n"
            "  sealbridge keys init --dir keys\n"
            "  kubectl apply -f keys/   # the controller finds it by its label"
        ),
    )
    init.add_argument("--dir", required=True, metavar="DIR", help="the directory; made (0700) when missing")
    init.add_argument(
        "--size",
        type=int,
        default=DEFAULT_BITS,
        metavar="BITS",
        help=f"bits of the key (default: {DEFAULT_BITS})",
    )
    init.add_argument(
        "--namespace",
        "-n",
        type=options.namespace,
        default="kube-system",
        metavar="NS",
        help="the namespace of the controller that the key Secret is for (default: kube-system)",
    )
    init.add_argument(
        "--valid-days",
        type=int,
        default=DEFAULT_DAYS,
        metavar="DAYS",
        help=f"how long the certificate is good for sealing (default: {DEFAULT_DAYS})",
    )
    for module in _LATER:
        module.configure(subcommands)
    parser.epilog = "example:\n  sealbridge keys init --dir keys"


def run(args: argparse.Namespace) -> int:
    """Run the subcommand."""
    if args.subcommand is None:
        raise UsageError("keys needs a command", hint="sealbridge keys init --dir DIR")
    if args.subcommand == "init":
        return _init(args)
    work: Callable[[argparse.Namespace], int] = args.work
    return work(args)


def _init(args: argparse.Namespace) -> int:
    from pathlib import Path

    from sealbridge.lifecycle.key_files import check_free, store_key
    from sealbridge.sealing.keys import SealingKey

    directory = Path(args.dir)
    # Looked at before the slow part as well, so that nobody waits for a refusal.
    check_free(directory)
    try:
        key = SealingKey.generate(at=datetime.now(UTC), bits=args.size, valid_days=args.valid_days)
    except KeyFileError as error:
        # It refuses nothing but a size or a validity, which are options.
        raise UsageError(error.what, hint="sealbridge keys init --help shows how it is used") from None
    key_file, certificate_file = store_key(key, directory, namespace=args.namespace)
    console.note(f"sealing key  {key_file}  (keep it safe: it opens what is sealed)")
    console.note(f"certificate  {certificate_file}  (give it to everybody who seals)")
    console.note(f"fingerprint  {key.fingerprint}")
    return 0
