"""`sealbridge sync`: makes the Secrets of a directory of manifests, once or for good."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sealbridge.errors import SealbridgeError, UsageError
from sealbridge.local.directory import DirectoryCluster
from sealbridge.local.formats import Format
from sealbridge.local.keys import KeyFiles
from sealbridge.local.run import Report, Session, watch
from sealbridge.reconcile.kinds import SEALED_SECRET
from sealbridge.reconcile.result import Outcome, Result
from sealbridge_cli import console, options

_COLUMNS = ("KIND", "NAMESPACE/NAME", "RESULT", "CHANGED", "REASON")
_PLANNED = {
    Outcome.CREATED: "would be created",
    Outcome.UPDATED: "would be updated",
    Outcome.DELETED: "would be deleted",
}
_KEYS_SHOWN = 8


def configure(parser: argparse.ArgumentParser) -> None:
    """Source, output and how."""
    parser.description = (
        "Reads every manifest below a directory (SealedSecret, ExternalSecret, PushSecret,\n"
        "SecretStore, ClusterSecretStore, ConfigMap, Secret, Namespace; others are ignored) and\n"
        "writes each Secret that they make to OUTPUT/NAMESPACE/NAME.yaml, readable by you alone;\n"
        "last, Secrets are pushed where PushSecrets say. Where an\n"
        "object fails, the Secret it made before stays. Run it again at will: what is in sync is\n"
        "neither opened nor written."
    )
    parser.epilog = (
        "examples:\n"
        "  sealbridge sync --source environment --output out --keys keys\n"
        "  sealbridge sync --source environment --output out --keys keys --dry-run\n"
        "  sealbridge sync --source environment --output /run/secrets --keys keys --format env --watch\n"
    )
    parser.add_argument("--source", required=True, type=Path, metavar="DIR", help="where the manifests are")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="where the Secrets go")
    parser.add_argument(
        "--keys",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="sealing keys: PEM files, manifests of key Secrets, directories of them",
    )
    parser.add_argument(
        "--secrets", type=Path, metavar="DIR", help="Secret manifests that hold the credentials of stores"
    )
    parser.add_argument(
        "--format", choices=[f.value for f in Format], default="yaml", help="of the output (default: yaml)"
    )
    parser.add_argument(
        "-n",
        "--namespace",
        type=options.namespace,
        default="default",
        metavar="NS",
        help="of objects that name none (default: default)",
    )
    parser.add_argument(
        "--watch", action="store_true", help="go on until stopped: follow changes and schedules"
    )
    parser.add_argument("--dry-run", action="store_true", help="write nothing, show what would change")
    parser.add_argument(
        "--prune", action="store_true", help="remove Secrets it made whose manifest is gone, and nothing else"
    )
    parser.add_argument(
        "-o",
        choices=["table", "json"],
        default="table",
        dest="report",
        help="report for people, or on stdout",
    )


def run(args: argparse.Namespace) -> int:
    """One pass, or pass after pass until SIGINT or SIGTERM."""
    if args.watch and args.dry_run:
        raise UsageError("--watch and --dry-run exclude each other", hint="run it once with --dry-run")
    _check_folders(args.source, args.output, args.secrets)
    clock = _SystemClock()
    keyring = KeyFiles(args.keys, clock)
    cluster = DirectoryCluster(
        args.source,
        args.output,
        credentials=args.secrets,
        format_=Format(args.format),
        namespace=args.namespace or "default",
        dry=args.dry_run,
    )
    session = Session(cluster, keyring, clock, once=not args.watch, prune=args.prune)
    tell = _json_report(args) if args.report == "json" else _table_report(args)
    return asyncio.run(_watch(session, cluster, tell) if args.watch else _once(session, tell))


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


async def _once(session: Session, tell: Callable[[Report], None]) -> int:
    try:
        report = await session.run()
    finally:
        await session.close()
    tell(report)
    return 0 if report.ok else 1


async def _watch(session: Session, cluster: DirectoryCluster, tell: Callable[[Report], None]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await watch(session, cluster, stop=stop, tell=tell, complain=console.error)
    finally:
        await session.close()
    console.note("stopped")
    return 0


def _check_folders(source: Path, output: Path, secrets: Path | None) -> None:
    real, target = source.resolve(), output.resolve()
    if target == real or target in real.parents:
        raise UsageError(
            f"the source {source} is inside the output {output}",
            hint="give the output a folder of its own; it may be inside the source",
        )
    if secrets is not None and (target == secrets.resolve() or target in secrets.resolve().parents):
        raise UsageError(
            f"the Secrets of --secrets {secrets} are inside the output {output}",
            hint="give the output a folder of its own",
        )


def _table_report(args: argparse.Namespace) -> Callable[[Report], None]:
    """Rows for people on stderr; while watching, only of what did something."""

    def tell(report: Report) -> None:
        rows = [_row(result, args.dry_run) for result in report.results if not args.watch or _is_news(result)]
        rows += [
            [
                problem.key.kind if problem.key else "File",
                _name(problem.key.namespace, problem.key.name) if problem.key else problem.where,
                "failed",
                "",
                problem.error.what,
            ]
            for problem in report.problems
        ]
        for pruned in report.pruned:
            removed = "would be removed" if args.dry_run else "removed"
            rows.append(
                [
                    "Secret",
                    _name(pruned.target.namespace, pruned.target.name),
                    removed if pruned.removed else "kept",
                    "",
                    "its manifest is gone" + ("" if pruned.removed else ", but it was changed by hand"),
                ]
            )
        if rows:
            console.table(_COLUMNS, rows)
        elif not args.watch:
            console.note("there is nothing for sealbridge in it")
        _tell_failures(report, args)

    return tell


def _json_report(args: argparse.Namespace) -> Callable[[Report], None]:
    """One line of JSON a pass on stdout."""

    def tell(report: Report) -> None:
        objects = [
            {
                "kind": result.key.kind,
                "namespace": result.key.namespace,
                "name": result.key.name,
                "file": report.where.get(result.key, ""),
                "result": result.outcome.value,
                "target": str(result.target.name) if result.target else None,
                "added": list(result.added),
                "updated": list(result.updated),
                "removed": list(result.removed),
                "reason": result.message,
            }
            for result in report.results
        ]
        problems = [
            {
                "kind": problem.key.kind if problem.key else None,
                "namespace": problem.key.namespace if problem.key else None,
                "name": problem.key.name if problem.key else None,
                "file": problem.where,
                "reason": problem.error.what,
            }
            for problem in report.problems
        ]
        pruned = [
            {"namespace": each.target.namespace, "name": each.target.name, "removed": each.removed}
            for each in report.pruned
        ]
        document = {
            "ok": report.ok,
            "dryRun": args.dry_run,
            "objects": objects,
            "problems": problems,
            "pruned": pruned,
        }
        console.data(json.dumps(document, ensure_ascii=False) + "\n")
        _tell_failures(report, args)

    return tell


def _tell_failures(report: Report, args: argparse.Namespace) -> None:
    for problem in report.problems:
        where = problem.error.where or problem.where
        console.error(SealbridgeError(problem.error.what, where=where, hint=problem.error.hint))
    for result in report.results:
        if result.outcome is Outcome.FAILED:
            hint = result.error.hint if result.error is not None else None
            if result.key.kind == SEALED_SECRET.name and not args.keys:
                hint = "give the sealing keys with --keys"
            place = f"{result.key} ({report.where[result.key]})"
            console.error(SealbridgeError(result.message, where=place, hint=hint))
            if result.error is not None and result.error.__cause__ is not None:
                console.traceback(result.error.__cause__)
    if report.not_pruned is not None:
        console.error(report.not_pruned)


def _row(result: Result, dry: bool) -> list[str]:
    outcome = (_PLANNED.get(result.outcome) if dry else None) or result.outcome.value
    return [
        result.key.kind,
        _name(result.key.namespace, result.key.name),
        outcome,
        _changes(result),
        result.message.replace("\n", "; "),
    ]


def _changes(result: Result) -> str:
    """Which items changed: `+new ~other -gone`. Values are not shown, not even their lengths."""
    marked = [
        f"{sign}{key}"
        for sign, keys in (("+", result.added), ("~", result.updated), ("-", result.removed))
        for key in keys
    ]
    if not marked and result.outcome is Outcome.UPDATED:
        return "metadata"
    more = f" and {len(marked) - _KEYS_SHOWN} more" if len(marked) > _KEYS_SHOWN else ""
    return " ".join(marked[:_KEYS_SHOWN]) + more


def _is_news(result: Result) -> bool:
    return result.outcome not in (Outcome.UNCHANGED, Outcome.VALID, Outcome.SKIPPED)


def _name(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name
