"""How `keys` commands are told recipients, identities and passphrases: by files, not as secret arguments."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from sealbridge.errors import UsageError
from sealbridge.secret import Value
from sealbridge_cli import options

if TYPE_CHECKING:
    from sealbridge.lifecycle.age import Lock, Opener

_MOST = 1 << 20  # bytes of such a file


def add_lock(parser: argparse.ArgumentParser) -> None:
    """Declare what a backup is encrypted to."""
    group = parser.add_argument_group("encryption, one of")
    group.add_argument(
        "--recipient",
        nargs="+",
        action="extend",
        default=[],
        metavar="AGE",
        help="age recipients (age1..., ssh-ed25519 ...), each of whom can open it",
    )
    _add_passphrase(group)
    group.add_argument("--plaintext", action="store_true", help="none: whoever reads it has the keys")


def add_opener(parser: argparse.ArgumentParser) -> None:
    """Declare what opens a backup."""
    group = parser.add_argument_group("what opens the backup")
    group.add_argument(
        "--identity",
        nargs="+",
        action="extend",
        default=[],
        type=options.file,
        metavar="FILE",
        help="files of age identities, or private keys of OpenSSH",
    )
    _add_passphrase(group)


def lock_of(args: argparse.Namespace) -> Lock | None:
    """What to encrypt to; None for --plaintext. Raises UsageError."""
    from sealbridge.lifecycle.age import Lock

    passphrase = _passphrase(args, twice=True)
    ways = sum((bool(args.recipient), passphrase is not None, args.plaintext))
    if ways != 1:
        raise UsageError(
            "a backup is encrypted in one way" if ways else "a backup is not left unencrypted",
            hint="give --recipient AGE..., --passphrase-file FILE or --passphrase"
            + ("" if ways else "; --plaintext insists"),
        )
    if args.plaintext:
        return None
    return Lock(recipients=tuple(args.recipient), passphrase=passphrase)


def opener_of(args: argparse.Namespace) -> Opener:
    """What opens. Raises UsageError."""
    from sealbridge.lifecycle.age import Opener, identities_of

    identities = [one for path in args.identity for one in identities_of(_read(path), where=path)]
    return Opener(identities=tuple(identities), passphrase=_passphrase(args, twice=False))


def _add_passphrase(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--passphrase-file", type=options.file, metavar="FILE", help="a passphrase, the first line of a file"
    )
    group.add_argument("--passphrase", action="store_true", help="a passphrase that is asked for")


def _passphrase(args: argparse.Namespace, *, twice: bool) -> Value | None:
    if args.passphrase_file:
        line = _read(args.passphrase_file).split(b"\n")[0].rstrip(b"\r")
        if not line:
            raise UsageError("the passphrase is empty", where=args.passphrase_file)
        return Value(line)
    if not args.passphrase:
        return None
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for a passphrase", hint="use --passphrase-file FILE")
    from getpass import getpass

    given = getpass("passphrase: ")
    if twice and getpass("once more: ") != given:
        raise UsageError("the two are not the same")
    return Value(given.encode())


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - pathlib is not needed here otherwise
            return stream.read(_MOST)
    except OSError as error:
        raise UsageError(
            f"cannot read it: {(error.strerror or 'unknown error').lower()}", where=path
        ) from None
