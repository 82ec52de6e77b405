"""`sealbridge keys retire`: takes a key out of use that nothing needs any more."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sealbridge.errors import KeyFileError
from sealbridge_cli import console, keys_home

if TYPE_CHECKING:
    from sealbridge.lifecycle.ending import Obstacles
    from sealbridge.lifecycle.key_home import KeyHome

_SHOWN = 50


def configure(subcommands: argparse._SubParsersAction[Any]) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "retire",
        help="take a key out of use that nothing needs",
        description=(
            "take a sealing key out of use. Refused, with a list, while a SealedSecret of the cluster or of"
            " --repo needs it. The key stays where it is and in backups, marked as retired"
        ),
        epilog="example:\n  sealbridge keys retire SHA256:... --repo environments",
    )
    parser.add_argument("fingerprint", metavar="FINGERPRINT", help="of the key; its beginning is enough")
    keys_home.add_options(parser)
    keys_home.add_repositories(parser)
    keys_home.add_output(parser)
    parser.add_argument("--dry-run", action="store_true", help="say whether it can be, and mark nothing")
    parser.set_defaults(work=work)


def work(args: argparse.Namespace) -> int:
    """Retire it."""
    from sealbridge.lifecycle.ending import check_not_current, end, obstacles
    from sealbridge.lifecycle.key_home import State

    async def retired(home: KeyHome) -> int:
        records = await keys_home.read(home)
        record = records.find(args.fingerprint)
        check_not_current(record)
        found = obstacles(record, await keys_home.needed(home, records, args))
        if found:
            _refuse(args, record.fingerprint, found)
            return 1
        if not args.repo:
            console.warning("no working tree was looked at: name those of your Git repositories with --repo")
        is_new = not args.dry_run and await end(home, record.fingerprint, State.RETIRED, datetime.now(UTC))
        if args.output == "json":
            document = {"fingerprint": record.fingerprint, "retired": not args.dry_run, "needed": []}
            console.data(json.dumps(document, indent=2) + "\n")
        elif args.dry_run:
            console.note(f"{record.fingerprint} can be retired")
        else:
            console.note(f"{record.fingerprint}  {'retired' if is_new else 'is out of use already'}")
        return 0

    return keys_home.with_home(args, retired)


def _refuse(args: argparse.Namespace, fingerprint: str, found: Obstacles) -> None:
    for problem in found.unread:
        console.error(problem)
    uses = [*found.uses, *found.claimed]
    if args.output == "json":
        needed = [
            {"where": use.where, "namespace": use.namespace, "name": use.name, "items": list(use.items)}
            for use in uses
        ]
        document = {"fingerprint": fingerprint, "retired": False, "needed": needed}
        console.data(json.dumps(document, indent=2) + "\n")
    else:
        for use in uses[:_SHOWN]:
            claimed = " (it says so, and opens with no key)" if use in found.claimed else ""
            console.data(
                console.clean(f"{use.object}: {', '.join(use.items)}  ({use.where}){claimed}") + "\n"
            )
        if len(uses) > _SHOWN:
            console.data(f"and {len(uses) - _SHOWN} more\n")
    what = (
        f"the key is still needed by {console.count(len(uses), 'SealedSecret')}"
        if uses
        else "whether the key is still needed cannot be told"
    )
    console.error(
        KeyFileError(
            what,
            where=fingerprint,
            hint="sealbridge reseal seals them with the current key"
            if uses
            else "repair what cannot be read",
        )
    )
