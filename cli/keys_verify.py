"""`sealbridge keys verify-backup`: proves that a backup would bring everything back, and writes nothing."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from sealbridge.errors import UsageError
from sealbridge_cli import console, keys_home, keys_secrets, options

if TYPE_CHECKING:
    from sealbridge.lifecycle.backup import Backup
    from sealbridge.lifecycle.drill import Drill
    from sealbridge.lifecycle.key_home import KeyHome, Records
    from sealbridge.lifecycle.need import Use


def configure(subcommands: argparse._SubParsersAction[Any]) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "verify-backup",
        help="prove that a backup opens everything",
        description=(
            "open a backup in memory, compare its keys with those of the cluster or directory, and open every"
            " SealedSecret of the cluster and of working trees with it; exit code 1 when one would be lost"
        ),
        epilog=(
            "examples:\n"
            "  sealbridge keys verify-backup --from keys.age --identity identity.txt --repo environments\n"
            "  sealbridge keys verify-backup --from s3://backups/sealbridge/ --identity identity.txt\n"
            "  sealbridge keys verify-backup --from keys.age --identity identity.txt --offline --repo ."
        ),
    )
    add_source(parser)
    keys_secrets.add_opener(parser)
    keys_home.add_options(parser)
    keys_home.add_repositories(parser)
    keys_home.add_output(parser)
    parser.add_argument(
        "--offline", action="store_true", help="ask no cluster: the backup and --repo are all there is"
    )
    parser.set_defaults(work=work)


def add_source(parser: argparse.ArgumentParser) -> None:
    """Declare --from."""
    parser.add_argument(
        "--from",
        dest="source",
        required=True,
        type=options.file,
        metavar="TARGET",
        help="a file, a folder or s3://BUCKET/FOLDER/ (the newest of it), or s3://BUCKET/KEY",
    )


def read_backup(args: argparse.Namespace) -> Backup:
    """The backup that --from names, every check passed. Raises BackupError and UsageError."""
    from sealbridge.lifecycle.backup import load
    from sealbridge.lifecycle.backup_place import open_place

    opener = keys_secrets.opener_of(args)
    place = open_place(args.source)
    return load(place.read(), opener, where=place.where)


def work(args: argparse.Namespace) -> int:
    """Verify it."""
    backup = read_backup(args)
    if args.offline:
        if args.dir or args.kubeconfig or args.context or args.namespace:
            raise UsageError("--offline compares with no keys, and some are named", hint="leave one out")
        return _drilled(args, backup, None, [])
    if args.repo and not args.dir and not keys_home.has_cluster(args):
        console.note("no cluster is configured: the backup is tried on the working trees alone")
        return _drilled(args, backup, None, [])

    async def compared(home: KeyHome) -> int:
        from sealbridge.lifecycle.key_home import records_of

        here = records_of(await home.all_secrets())
        return _drilled(args, backup, here, await home.sealed())

    return keys_home.with_home(args, compared)


def _drilled(args: argparse.Namespace, backup: Backup, here: Records | None, sealed: Any) -> int:
    from sealbridge.lifecycle.drill import drill
    from sealbridge.lifecycle.need import needed, sealed_below
    from sealbridge.sealing.keyring import Keyring

    found, problems = sealed_below(args.repo)
    keyring = Keyring(record.key for record in backup.records)
    done = drill(backup, here, needed([*sealed, *found], keyring, problems, any_scope=False))
    for problem in done.unread:
        console.error(problem)
    if args.output == "json":
        console.data(json.dumps(_document(backup, done), indent=2) + "\n")
    else:
        console.data(_text(backup, done))
    return 0 if done.is_good else 1


def _document(backup: Backup, done: Drill) -> dict[str, Any]:
    return {
        "ok": done.is_good,
        "manifest": backup.manifest,
        "keys": [
            {"fingerprint": key.fingerprint, "inBackup": key.in_backup, "here": key.here} for key in done.keys
        ],
        "objects": [
            *(_object(use, opens=True) for use in done.opened),
            *(_object(use, opens=False) for use in done.closed),
        ],
        "unread": [str(problem) for problem in done.unread],
    }


def _object(use: Use, *, opens: bool) -> dict[str, Any]:
    return {
        "where": use.where,
        "namespace": use.namespace,
        "name": use.name,
        "items": list(use.items),
        "opens": opens,
    }


def _text(backup: Backup, done: Drill) -> str:
    lines = [f"backup of {backup.made}, of cluster {backup.cluster}, by {backup.tool}"]
    for key in done.keys:
        if not key.in_backup:
            lines.append(f"FAILED  key {key.fingerprint} is not in the backup")
            continue
        note = "" if key.here is not False else "  (only in the backup)"
        if all(key.states) and key.states[0] != key.states[1]:
            note = f"  ({key.states[0]} in the backup, {key.states[1]} here)"
        lines.append(f"ok      key {key.fingerprint}{note}")
    lines += [
        f"ok      {use.object}: {console.count(len(use.items), 'item')}  ({use.where})" for use in done.opened
    ]
    lines += [
        f"FAILED  {use.object}: does not open: {', '.join(use.items)}  ({use.where})" for use in done.closed
    ]
    items = sum(len(use.items) for use in done.opened)
    good = "would bring everything back" if done.is_good else "does not bring everything back"
    lines.append(
        f"the backup {good}: {console.count(len(backup.records), 'key')},"
        f" {console.count(items, 'item')} of {console.count(len(done.opened), 'SealedSecret')} opened"
    )
    return "".join(f"{console.clean(line)}\n" for line in lines)
