"""`sealbridge keys list`: every sealing key, its state, and what still needs it."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sealbridge_cli import console, keys_home

if TYPE_CHECKING:
    from sealbridge.lifecycle.key_home import KeyHome, Record
    from sealbridge.lifecycle.need import Need


def configure(subcommands: argparse._SubParsersAction[Any]) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "list",
        help="list the sealing keys, and what still needs them",
        description="list sealing keys, oldest first, and count what opens with each of them alone",
        epilog="examples:\n  sealbridge keys list\n  sealbridge keys list --dir keys --repo environments",
    )
    keys_home.add_options(parser)
    keys_home.add_repositories(parser)
    keys_home.add_output(parser)
    parser.set_defaults(work=work)


def work(args: argparse.Namespace) -> int:
    """List them."""

    async def listed(home: KeyHome) -> int:
        records = await keys_home.read(home)
        need = await keys_home.needed(home, records, args)
        rows = [_row(record, need, datetime.now(UTC)) for record in records.keys]
        for problem in need.unread:
            console.warning(f"not counted: {problem}")
        lost = sum(len(use.items) for use in need.closed)
        if lost:
            console.warning(
                f"{console.count(lost, 'item')} of {console.count(len(need.closed), 'SealedSecret')}"
                f" opens with none of these keys, first {need.closed[0].where}"
            )
        if args.output == "json":
            console.data(json.dumps({"keys": rows, "unopened": lost}, indent=2) + "\n")
        else:
            console.data(_table(rows))
        return 0

    return keys_home.with_home(args, listed)


def _row(record: Record, need: Need, now: datetime) -> dict[str, Any]:
    from sealbridge.lifecycle.key_home import BACKED_UP, State, stamp

    key = record.key
    created = key.created or (key.not_before if key.has_certificate else None)
    uses = need.of(record.fingerprint)
    return {
        "fingerprint": record.fingerprint,
        "name": record.secret.name,
        "state": record.state.value,
        "current": record.state is State.CURRENT,
        "created": stamp(created) if created else None,
        "ageSeconds": max(0, int((now - created).total_seconds())) if created else None,
        "size": key.private_key.key_size,
        "notBefore": stamp(key.not_before) if key.has_certificate else None,
        "expires": stamp(key.certificate.not_after) if key.has_certificate else None,
        "lastBackup": record.secret.annotations.get(BACKED_UP),
        "sealedSecrets": len(uses),
        "items": sum(len(use.items) for use in uses),
    }


def _table(rows: list[dict[str, Any]]) -> str:
    header = (
        "FINGERPRINT",
        "STATE",
        "CREATED",
        "AGE",
        "BITS",
        "EXPIRES",
        "LAST BACKUP",
        "SEALEDSECRETS",
        "ITEMS",
    )
    cells = [
        (
            row["fingerprint"],
            row["state"],
            (row["created"] or "?")[:10],
            _age(row["ageSeconds"]),
            str(row["size"]),
            (row["expires"] or "?")[:10],
            row["lastBackup"] or "never",
            str(row["sealedSecrets"]),
            str(row["items"]),
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *cells)
    )
    return "".join(f"{console.clean(line)}\n" for line in lines)


def _age(seconds: int | None) -> str:
    if seconds is None:
        return "?"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
