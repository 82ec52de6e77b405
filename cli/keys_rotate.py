"""`sealbridge keys rotate`: a new current key, which is backed up before anybody seals with it."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sealbridge.errors import UsageError
from sealbridge_cli import console, keys_home, keys_secrets, options

if TYPE_CHECKING:
    from sealbridge.lifecycle.key_home import KeyHome
    from sealbridge.lifecycle.rotation import Keep

_BITS = 4096


class Clock:
    """The machine's."""

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)


def configure(subcommands: argparse._SubParsersAction[Any]) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "rotate",
        help="make a new current key",
        description=(
            "make a new current key; the old ones go on opening. With --backup-to, it is backed up and read"
            " back before it is used, and a run that was cut off is gone on with"
        ),
        epilog=(
            "examples:\n"
            "  sealbridge keys rotate --if-older-than 30d\n"
            "  sealbridge keys rotate --backup-to s3://backups/sealbridge/ --recipient age1...\n"
            "  sealbridge keys rotate --dir keys"
        ),
    )
    parser.add_argument(
        "--if-older-than", type=options.period, metavar="TIME", help="only when the current key is, as in 30d"
    )
    add_making(parser)
    keys_home.add_options(parser)
    keys_home.add_output(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and make no key")
    parser.set_defaults(work=work)


def add_making(parser: argparse.ArgumentParser) -> None:
    """Declare how a new key is made and where it is backed up."""
    parser.add_argument(
        "--size", type=int, default=_BITS, metavar="BITS", help=f"bits of the key (default: {_BITS})"
    )
    parser.add_argument(
        "--backup-to",
        type=options.file,
        metavar="TARGET",
        help="back all keys up before the new one is used; as --to of `keys backup`",
    )
    keys_secrets.add_lock(parser)


def keeper(args: argparse.Namespace) -> tuple[Any, Any] | None:
    """The place and the lock for the backup, None where none is configured. Raises UsageError."""
    from sealbridge.lifecycle.backup_place import open_place
    from sealbridge.sealing.certificate import check_size

    if problem := check_size(args.size):
        raise UsageError(problem)
    if args.backup_to is None:
        if args.recipient or args.passphrase or args.passphrase_file or args.plaintext:
            raise UsageError("there is no place for a backup", hint="name one with --backup-to TARGET")
        return None
    return open_place(args.backup_to), keys_secrets.lock_of(args)


def keep_of(home: KeyHome, backup: tuple[Any, Any] | None) -> Keep | None:
    """What backs the keys of a home up."""
    from sealbridge.lifecycle.backing_up import back_up

    if backup is None:
        return None
    place, lock = backup

    async def keep() -> None:
        done = await back_up(home, place, lock, datetime.now(UTC))
        for problem in done.unnoted:
            console.warning(f"the backup is not noted on a key: {problem}")
        console.note(f"{console.count(len(done.backup.records), 'sealing key')} backed up to {done.name}")

    return keep


def work(args: argparse.Namespace) -> int:
    """Rotate."""
    from sealbridge.lifecycle.policy import KeyPolicy
    from sealbridge.lifecycle.rotation import is_due, rotate

    backup = keeper(args)

    async def rotated(home: KeyHome) -> int:
        if args.dry_run:
            current = (await keys_home.read(home)).current
            due = current is not None and is_due(current, args.if_older_than, datetime.now(UTC))
            _tell(args, current.fingerprint if current else "", "", made=due)
            return 0
        done = await rotate(
            home,
            KeyPolicy(bits=args.size),
            Clock(),
            if_older_than=args.if_older_than,
            keep=keep_of(home, backup),
        )
        _tell(args, done.before, done.current.fingerprint, made=done.made)
        return 0

    return keys_home.with_home(args, rotated)


def _tell(args: argparse.Namespace, before: str, current: str, *, made: bool) -> None:
    if args.output == "json":
        document = {"rotated": made and not args.dry_run, "before": before, "current": current or before}
        console.data(json.dumps(document | ({"due": made} if args.dry_run else {}), indent=2) + "\n")
    elif args.dry_run:
        console.note(f"{before} would {'be replaced' if made else 'stay current'}")
    elif made:
        console.note(f"{current}  current")
        console.note(f"{before}  goes on opening; `sealbridge reseal` frees it")
    else:
        console.note(f"{current}  stays current")
