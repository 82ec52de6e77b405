"""`sealbridge keys backup`: all sealing keys, encrypted, to a place of one's own."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sealbridge_cli import console, keys_home, keys_secrets, options

if TYPE_CHECKING:
    from sealbridge.lifecycle.key_home import KeyHome


def configure(subcommands: argparse._SubParsersAction[Any]) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "backup",
        help="back all sealing keys up, encrypted with age",
        description=(
            "write all sealing keys, whatever their state, encrypted, and read them back; an older backup of"
            " the same name stays, with its time behind the name"
        ),
        epilog=(
            "examples:\n"
            "  sealbridge keys backup --to keys.age --recipient age1...\n"
            "  sealbridge keys backup --to s3://backups/sealbridge/ --recipient age1... age1...\n"
            "  sealbridge keys backup --dir keys --to keys.age --passphrase"
        ),
    )
    parser.add_argument(
        "--to",
        required=True,
        type=options.file,
        metavar="TARGET",
        help="a file, a folder (a new file each time), s3://BUCKET/KEY or s3://BUCKET/FOLDER/",
    )
    keys_secrets.add_lock(parser)
    keys_secrets.add_shares(parser)
    keys_home.add_options(parser)
    keys_home.add_output(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be kept, and write nothing")
    parser.set_defaults(work=work)


def work(args: argparse.Namespace) -> int:
    """Back them up."""
    from sealbridge.lifecycle.backing_up import back_up
    from sealbridge.lifecycle.backup import dump, make
    from sealbridge.lifecycle.backup_place import open_place

    place = open_place(args.to)
    lock = keys_secrets.lock_of(args, with_shares=True)

    async def kept(home: KeyHome) -> int:
        now = datetime.now(UTC)
        if args.dry_run:
            backup = make(await keys_home.read(home), await home.place(), now)
            dump(backup, lock)
            _tell(args, backup.manifest, f"would be backed up to {place.where}")
            return 0
        done = await back_up(home, place, lock, now)
        for problem in done.unnoted:
            console.warning(f"the backup is not noted on a key: {problem}")
        _tell(args, done.backup.manifest | {"target": done.name}, f"backed up to {done.name}, and read back")
        return 0

    return keys_home.with_home(args, kept)


def _tell(args: argparse.Namespace, manifest: dict[str, Any], verb: str) -> None:
    if args.plaintext:
        console.warning("the backup is not encrypted: whoever reads it has the keys")
    if args.output == "json":
        console.data(json.dumps(manifest, indent=2) + "\n")
        return
    for key in manifest["keys"]:
        console.note(f"{key['fingerprint']}  {key['state']}")
    console.note(f"{console.count(len(manifest['keys']), 'sealing key')} {verb}")
