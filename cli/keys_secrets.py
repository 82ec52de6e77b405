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
    group.add_argument(
        "--share",
        nargs="+",
        action="extend",
        default=[],
        type=options.file,
        metavar="FILE",
        help="files of shares, as many as the threshold says",
    )
    _add_passphrase(group)


def lock_of(args: argparse.Namespace, *, with_shares: bool = False) -> Lock | None:
    """What to encrypt to; None for --plaintext. `with_shares`: also the new identity of --shares.

    Raises UsageError.
    """
    from sealbridge.lifecycle.age import Lock

    passphrase = _passphrase(args, twice=True)
    has_shares = with_shares and args.shares is not None
    ways = sum((bool(args.recipient) or has_shares, passphrase is not None, args.plaintext))
    if ways != 1:
        raise UsageError(
            "a backup is encrypted in one way" if ways else "a backup is not left unencrypted",
            hint="give --recipient AGE..., --passphrase-file FILE or --passphrase"
            + ("" if ways else "; --plaintext insists"),
        )
    if args.plaintext:
        return None
    recipients = list(args.recipient)
    if with_shares and (recipient := shared(args)) is not None:
        recipients.append(recipient)
    return Lock(recipients=tuple(recipients), passphrase=passphrase)


def add_shares(parser: argparse.ArgumentParser) -> None:
    """Declare that a new identity is split among people."""
    group = parser.add_argument_group("shares for people to hold")
    group.add_argument("--shares", type=int, metavar="N", help="split a new identity into so many shares")
    group.add_argument("--threshold", type=int, metavar="M", help="of which so many open the backup")
    group.add_argument(
        "--shares-to", type=options.file, metavar="DIR", help="the folder for them, a file each; made (0700)"
    )


def shared(args: argparse.Namespace) -> str | None:
    """Write the shares of a new identity and return its recipient; None when none are asked for."""
    given = [args.shares is not None, args.threshold is not None, args.shares_to is not None]
    if not any(given):
        return None
    if not all(given):
        raise UsageError("--shares, --threshold and --shares-to go together")
    from pathlib import Path

    from sealbridge.files import write_new
    from sealbridge.lifecycle.age import new_identity
    from sealbridge.lifecycle.shamir import split

    identity, recipient = new_identity()
    made = split(identity, shares=args.shares, threshold=args.threshold)
    if args.dry_run:
        return recipient
    folder = Path(args.shares_to)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError("the folder for the shares is not empty", where=str(folder))
        for share in made:
            write_new(str(folder / f"share-{share.number}.txt"), share.text().reveal() + b"\n", mode=0o600)
    except OSError as error:
        raise UsageError(
            f"cannot write the shares: {(error.strerror or 'unknown error').lower()}", where=str(folder)
        ) from None
    return recipient


def opener_of(args: argparse.Namespace) -> Opener:
    """What opens. Raises UsageError."""
    from sealbridge.lifecycle.age import Opener, identities_of

    identities = [one for path in args.identity for one in identities_of(_read(path), where=path)]
    if args.share:
        from sealbridge.lifecycle.shamir import Share, combine

        identities.append(combine([Share.parse(_read(path), where=path) for path in args.share]))
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
