"""`sealbridge keys restore`: the keys of a backup beside those that are there."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from sealbridge_cli import console, keys_home, keys_secrets
from sealbridge_cli.keys_verify import add_source, read_backup

if TYPE_CHECKING:
    from sealbridge.lifecycle.backup import Backup
    from sealbridge.lifecycle.key_home import KeyHome
    from sealbridge.lifecycle.restoring import Restored


def configure(subcommands: argparse._SubParsersAction[Any]) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "restore",
        help="put the keys of a backup back",
        description=(
            "store the keys of a backup that are missing, and overwrite none; the operator takes them up at"
            " once, and what waited for them is tried again"
        ),
        epilog=(
            "examples:\n"
            "  sealbridge keys restore --from keys.age --identity identity.txt -n sealbridge\n"
            "  sealbridge keys restore --from keys.age --identity identity.txt --dir keys"
        ),
    )
    add_source(parser)
    keys_secrets.add_opener(parser)
    keys_home.add_options(parser)
    keys_home.add_output(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be stored, and store nothing")
    parser.set_defaults(work=work)


def work(args: argparse.Namespace) -> int:
    """Restore them."""
    backup = read_backup(args)

    async def restored(home: KeyHome) -> int:
        from sealbridge.lifecycle.key_home import records_of
        from sealbridge.lifecycle.restoring import restore

        place = await home.place()
        done = await restore(home, backup, dry_run=args.dry_run)
        after = records_of(await home.all_secrets())
        if not args.dry_run and after.current is not None:
            await home.settle(after.current.key)
        if done.before.keys and place.cluster_id != backup.cluster:
            console.warning(f"the backup is of another cluster ({backup.cluster})")
        if done.takes_over(after) and after.current is not None:
            console.warning(f"the current key is now {after.current.fingerprint}, of the backup")
        for kept, here in done.differing:
            console.warning(f"{kept.fingerprint} is {kept.label} in the backup, and stays {here.label}")
        _tell(args, backup, done)
        return 0

    return keys_home.with_home(args, restored, make=True)


def _tell(args: argparse.Namespace, backup: Backup, done: Restored) -> None:
    stored = [record.fingerprint for record in done.stored]
    if args.output == "json":
        present = [record.fingerprint for record in done.present]
        console.data(
            json.dumps({"manifest": backup.manifest, "restored": stored, "present": present}, indent=2) + "\n"
        )
        return
    for record in done.stored:
        console.note(f"{record.fingerprint}  {record.label}")
    verb = "would be restored" if args.dry_run else "restored"
    there = f"; {len(done.present)} there already" if done.present else ""
    console.note(f"{console.count(len(stored), 'sealing key')} {verb}{there}")
