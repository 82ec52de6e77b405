"""`sealbridge keys compromise`: a leaked key out of use, a new one, and the list of what has to follow."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sealbridge_cli import console, keys_home, options, output
from sealbridge_cli.keys_rotate import Clock, add_making, keep_of, keeper

if TYPE_CHECKING:
    from sealbridge.lifecycle.key_home import KeyHome
    from sealbridge.lifecycle.need import Need


def configure(subcommands: argparse._SubParsersAction[Any]) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "compromise",
        help="a key has leaked: make a new one, and list what to do",
        description=(
            "make a new current key when the leaked one is current, and list every item that was sealed with"
            " it: each has to be sealed anew, and each credential in it replaced, for whoever has the key and"
            " the repository's history has read it. The key goes on opening until nothing needs it, or until"
            " --disable takes it out of use"
        ),
        epilog=(
            "examples:\n"
            "  sealbridge keys compromise SHA256:... --repo environments --checklist leak.md\n"
            "  sealbridge keys compromise SHA256:... --repo environments --disable"
        ),
    )
    parser.add_argument("fingerprint", metavar="FINGERPRINT", help="of the key; its beginning is enough")
    keys_home.add_options(parser)
    keys_home.add_repositories(parser)
    parser.add_argument(
        "--checklist", type=options.file, metavar="FILE", help="the list, into a file (default: stdout)"
    )
    parser.add_argument("-o", "--output", choices=("markdown", "json"), default="markdown", help="its format")
    parser.add_argument(
        "--disable", action="store_true", help="mark it as compromised now, though things still need it"
    )
    parser.add_argument("--dry-run", action="store_true", help="make the list, and change no key")
    add_making(parser)
    parser.set_defaults(work=work)


def work(args: argparse.Namespace) -> int:
    """Do what can be done at once, and list the rest."""
    from sealbridge.lifecycle.ending import end
    from sealbridge.lifecycle.key_home import State, records_of
    from sealbridge.lifecycle.policy import KeyPolicy
    from sealbridge.lifecycle.rotation import rotate

    backup = keeper(args)

    async def told(home: KeyHome) -> int:
        records = await keys_home.read(home)
        record = records.find(args.fingerprint)
        need = await keys_home.needed(home, records, args)
        current = records.current
        disabled = record.state is State.COMPROMISED
        if not args.dry_run:
            if record.state is State.CURRENT:
                policy = KeyPolicy(bits=args.size)
                await rotate(home, policy, Clock(), keep=keep_of(home, backup), replacing=record.fingerprint)
            if args.disable or not need.of(record.fingerprint):
                await end(home, record.fingerprint, State.COMPROMISED, datetime.now(UTC))
                disabled = True
            current = records_of(await home.all_secrets()).current
        document = _document(record.fingerprint, current.fingerprint if current else "", need, disabled)
        text = json.dumps(document, indent=2) + "\n" if args.output == "json" else _markdown(document)
        if args.checklist:
            output.replace(args.checklist, text.encode())
        else:
            console.data(text)
        _tell(args, document, need)
        return 0

    return keys_home.with_home(args, told)


def _document(fingerprint: str, current: str, need: Need, disabled: bool) -> dict[str, Any]:
    uses = (*need.of(fingerprint), *need.hinted.get(fingerprint, ()))
    return {
        "fingerprint": fingerprint,
        "current": current,
        "disabled": disabled,
        "objects": [
            {"namespace": use.namespace, "name": use.name, "where": use.where, "items": list(use.items)}
            for use in uses
        ],
        "unread": [str(problem) for problem in need.unread],
    }


def _markdown(document: dict[str, Any]) -> str:
    lines = [
        "# A sealing key has leaked",
        "",
        f"Key `{document['fingerprint']}`; current is now `{document['current']}`.",
        "",
        (
            "Resealing does not undo the leak: what was ever sealed with the key and is in the history of a"
            " repository has to be taken for read. Older versions that are not below may hold more."
        ),
        "",
        "## Seal anew",
        "",
    ]
    lines += [f"- [ ] {_object(one)} ({_code(one['where'])})" for one in document["objects"]] or ["- nothing"]
    lines += ["", "## Replace the credential itself", ""]
    lines += [
        f"- [ ] {_object(one)}: {_code(item)}" for one in document["objects"] for item in one["items"]
    ] or ["- nothing"]
    if document["unread"]:
        lines += ["", "## Could not be looked at", ""]
        lines += [f"- [ ] {_code(problem)}" for problem in document["unread"]]
    lines += ["", "## Then", ""]
    if not document["disabled"]:
        lines.append(f"- [ ] `sealbridge keys compromise {document['fingerprint']} --disable`")
    lines.append("- [ ] `sealbridge keys backup`, and delete the backups that others may have seen")
    return "\n".join(lines) + "\n"


def _object(one: dict[str, Any]) -> str:
    return _code(f"{one['namespace']}/{one['name']}" if one["namespace"] else one["name"])


def _code(text: str) -> str:
    """Text of strangers as code, which it cannot end."""
    return f"`{console.clean(text).replace('`', chr(39))}`"


def _tell(args: argparse.Namespace, document: dict[str, Any], need: Need) -> None:
    for problem in need.unread:
        console.warning(f"not looked at: {problem}")
    if not args.repo:
        console.warning("no working tree was looked at: name those of your Git repositories with --repo")
    items = sum(len(one["items"]) for one in document["objects"])
    console.note(
        f"{console.count(items, 'item')} of {console.count(len(document['objects']), 'SealedSecret')}"
        " to seal anew, and as many credentials to replace"
    )
    console.note(f"{document['current']}  current")
    state = "compromised: it opens nothing any more" if document["disabled"] else "goes on opening"
    console.note(f"{document['fingerprint']}  {state}")
    if not document["disabled"]:
        console.hint("when all is sealed anew, or at once: --disable takes it out of use")
