"""`sealbridge render`: what ExternalSecrets would make of their Secrets now, without writing anything."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Container, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sealbridge.errors import ManifestError, SealbridgeError, UsageError
from sealbridge.local.source import SourceObject, key_in, object_of
from sealbridge.manifests import Document, read_file
from sealbridge.reconcile.kinds import (
    CLUSTER_EXTERNAL_SECRET,
    EXTERNAL_SECRET,
    KINDS,
    PUSH_SECRET,
    SEALED_SECRET,
    Object,
    ObjectKey,
)
from sealbridge.reconcile.rendering import Rendered, Renderer, Result
from sealbridge.reconcile.store_access import DEFAULT_CONTROLLER_CLASS
from sealbridge.stores.reach import LOCAL, Reach
from sealbridge.stores.registry import open_store
from sealbridge_cli import console, options, render_report, sources
from sealbridge_cli.render_report import Line

if TYPE_CHECKING:
    from sealbridge.kube.config import Connection

DIFFERENT = 3  # the exit code with --exit-code
_CLUSTER = "cluster"
# Kinds that a file brings along where a folder serves.
_SERVES = frozenset(KINDS) - {
    kind.name for kind in (EXTERNAL_SECRET, SEALED_SECRET, CLUSTER_EXTERNAL_SECRET, PUSH_SECRET)
}
_GROUPS = frozenset(kind.group for kind in KINDS.values() if kind.group)
_AT_ONCE = 8  # ExternalSecrets that are rendered side by side


def configure(parser: argparse.ArgumentParser) -> None:
    """What to render, over what, and how it is shown."""
    parser.description = (
        "Asks the stores of ExternalSecrets, renders their templates and shows by key what a refresh would\n"
        "change in the Secret that is there. Nothing is written: no Secret, no status, no event. Stores,\n"
        "their credentials and the ConfigMaps and Secrets of templateFrom come from the cluster, by your\n"
        "own rights there, or from a directory. Values are not shown, not even their lengths."
    )
    parser.epilog = (
        "exit codes: 0 all could be rendered; 1 one could not; 2 wrong usage;\n"
        f"            {DIFFERENT} with --exit-code: a refresh would change something\n\n"
        "examples:\n"
        "  sealbridge render -f app.yaml\n"
        "  sealbridge render -f app.yaml --store-from environment --against out\n"
        "  kustomize build | sealbridge render -f - --exit-code"
    )
    sources.add_files(parser, "ExternalSecrets")
    sources.add_recursion(parser)
    parser.add_argument(
        "--store-from",
        default=_CLUSTER,
        metavar="cluster|DIR",
        help="where stores and all that they need come from: the cluster of the kubeconfig (the default),"
        " or a folder of manifests, over which the other documents of -f are laid",
    )
    parser.add_argument(
        "-n",
        "--namespace",
        type=options.namespace,
        metavar="NS",
        help="of objects that name none (default: that of the context, else default)",
    )
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="the format (default: text)"
    )
    parser.add_argument(
        "--reveal", action="store_true", help="show the values; only where stdout is a terminal"
    )
    parser.add_argument(
        "--exit-code", action="store_true", help=f"exit with {DIFFERENT} when something would change"
    )
    cluster = parser.add_argument_group("from the cluster")
    cluster.add_argument(
        "--kubeconfig", metavar="FILE", help="the kubeconfig (default: $KUBECONFIG, ~/.kube/config)"
    )
    cluster.add_argument("--context", metavar="NAME", help="the context in it (default: the current one)")
    cluster.add_argument(
        "--store-allowed-networks",
        type=_reach,
        metavar="NETWORK,...",
        help="as the operator's option: special addresses that stores may reach",
    )
    cluster.add_argument(
        "--controller-class",
        metavar="NAME",
        help="as the operator's option: stores of another spec.controller are another's (default: default)",
    )
    folder = parser.add_argument_group("from a folder")
    folder.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="what `sealbridge sync` has made, to compare with (default: the Secrets of the folder itself)",
    )
    folder.add_argument(
        "--secrets", type=Path, metavar="DIR", help="Secret manifests that hold the credentials of stores"
    )


def run(args: argparse.Namespace) -> int:
    """Render them all, each whatever becomes of the others."""
    _check_usage(args)
    paths = sources.files(args) or [sources.STDIN]
    if args.store_from == _CLUSTER:
        connection = _connection(args)
        given = _read(paths, args.namespace or connection.namespace or "default", serves=())
        place: _Place = partial(
            _cluster,
            connection,
            args.store_allowed_networks or Reach(),
            args.controller_class or DEFAULT_CONTROLLER_CLASS,
        )
    else:
        given = _read(paths, args.namespace or "default", serves=_SERVES)
        place = partial(_folder, args, given)
    if not given.wanted and not given.failed:
        raise ManifestError("there is no ExternalSecret in it", where=", ".join(args.file) or "stdin")
    _tell_passed_over(given)
    lines = asyncio.run(_render(place, given.wanted))
    lines = sorted([*lines, *given.failed], key=lambda line: line.number)
    render_report.show(lines, as_json=args.output == "json", reveal=args.reveal)
    if any(line.failed for line in lines):
        return 1
    return DIFFERENT if args.exit_code and any(line.differs for line in lines) else 0


class _Given(NamedTuple):
    """What -f holds, in order."""

    wanted: Sequence[tuple[int, SourceObject]]
    others: Sequence[SourceObject]
    failed: Sequence[Line]
    passed_over: Mapping[str, int]  # kinds of ours that do not count here


# Opens what to render over: a renderer, and objects that it says something wrong of.
_Source = tuple[Renderer, dict[ObjectKey, SealbridgeError]]
_Place = Callable[[], AbstractAsyncContextManager[_Source]]


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def _check_usage(args: argparse.Namespace) -> None:
    if args.reveal and (sys.stdout is None or not sys.stdout.isatty()):
        raise UsageError(
            "--reveal shows secret values to a person, and stdout is no terminal: in a pipe, a file or the"
            " log of a job they would stay",
            hint="run it in a terminal, or leave --reveal out",
        )
    from_cluster = ("kubeconfig", "context", "store_allowed_networks", "controller_class")
    for name in ("against", "secrets") if args.store_from == _CLUSTER else from_cluster:
        if getattr(args, name):
            where = "cluster" if name in from_cluster else "DIR"
            raise UsageError(f"--{name.replace('_', '-')} is for --store-from {where}", hint="leave it out")


def _reach(text: str) -> Reach:
    try:
        return Reach.of(part.strip() for part in text.split(",") if part.strip())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _connection(args: argparse.Namespace) -> Connection:
    from sealbridge_cli.cluster import extra_named

    with extra_named():
        import aiohttp  # noqa: F401 - named here when it is missing, not where it is first used

        from sealbridge.kube.config import connect_person
        from sealbridge.kube.kubeconfig import Overrides, places
    try:
        return connect_person(args.kubeconfig, Overrides(context=args.context or ""))
    except UsageError as error:
        if not places(args.kubeconfig):
            error.hint = "pass --kubeconfig, set KUBECONFIG, or take a folder with --store-from DIR"
        raise


@asynccontextmanager
async def _cluster(connection: Connection, reach: Reach, controller_class: str) -> AsyncIterator[_Source]:
    from sealbridge.kube.client import Client
    from sealbridge.kube.cluster import KubernetesCluster

    async with Client(connection) as client:
        renderer = Renderer(
            KubernetesCluster(client, _Nobody()),
            _SystemClock(),
            opener=partial(open_store, reach=reach),
            controller_class=controller_class,
        )
        try:
            yield renderer, {}
        finally:
            await renderer.close()


class _Nobody:
    """Takes no event: there is none to take."""

    async def record(self, about: object, *, type_: str, reason: str, message: str) -> None:
        raise RuntimeError("an event of a rendering")


@asynccontextmanager
async def _folder(args: argparse.Namespace, given: _Given) -> AsyncIterator[_Source]:
    from tempfile import TemporaryDirectory

    from sealbridge.local.directory import DirectoryCluster

    laid_over = [*given.others, *(each for _, each in given.wanted)]
    with TemporaryDirectory(prefix="sealbridge-") as nothing:
        cluster = DirectoryCluster(
            Path(args.store_from),
            args.against or Path(nothing),
            credentials=args.secrets,
            namespace=args.namespace or "default",
            dry=True,
            laid_over=laid_over,
        )
        wrong = {problem.key: problem.error for problem in cluster.problems if problem.key is not None}
        ours = {each.key for each in laid_over}
        for problem in cluster.problems:
            if problem.key not in ours:
                console.warning(f"{problem.where}: {problem.error.what}")
        renderer = Renderer(cluster, _SystemClock(), opener=partial(open_store, reach=LOCAL))
        try:
            yield renderer, wrong
        finally:
            await renderer.close()


async def _render(place: _Place, wanted: Sequence[tuple[int, SourceObject]]) -> list[Line]:
    at_once = asyncio.Semaphore(_AT_ONCE)
    async with place() as (renderer, wrong):

        async def line(number: int, each: SourceObject) -> Line:
            error = wrong.get(each.key)
            if error is not None:
                rendered = Rendered(key=each.key, result=Result.FAILED, error=error)
            else:
                async with at_once:
                    rendered = await renderer.render(each.obj)
            return Line(number, each.where, rendered)

        return list(await asyncio.gather(*(line(number, each) for number, each in wanted)))


def _read(paths: Sequence[str], namespace: str, *, serves: Container[str]) -> _Given:
    """All documents of ours; whatever is wrong with one of them is told in its place.

    `serves` are the kinds that count besides ExternalSecrets.
    """
    passed_over: Counter[str] = Counter()
    wanted: list[tuple[int, SourceObject]] = []
    others: dict[ObjectKey, SourceObject] = {}
    failed: list[Line] = []
    places: dict[ObjectKey, str] = {}
    for number, found in enumerate(_documents(paths)):
        if isinstance(found, SealbridgeError):
            failed.append(Line(number, found.where or "", None, found))
            continue
        kind = found.obj.get("kind")
        if kind != EXTERNAL_SECRET.name and kind not in serves:
            if _is_ours(found.obj):
                passed_over[str(kind)] += 1
            continue
        try:
            obj = object_of(found.obj, namespace=namespace)
        except ManifestError as error:
            key = key_in(found.obj, namespace)
            if kind == EXTERNAL_SECRET.name and key is not None:
                failed.append(Line(number, found.where, Rendered(key=key, result=Result.FAILED, error=error)))
            else:
                failed.append(Line(number, found.where, None, error))
            continue
        if obj is None:
            continue
        each = SourceObject.of(obj, found.where)
        if each.key in places:
            twice = ManifestError(
                f"it is there more than once: also in {places[each.key]}", hint="keep one of them"
            )
            failed.append(
                Line(number, found.where, Rendered(key=each.key, result=Result.FAILED, error=twice))
            )
            continue
        places[each.key] = found.where
        if each.key.kind == EXTERNAL_SECRET.name:
            wanted.append((number, each))
        else:
            others[each.key] = each
    return _Given(wanted, list(others.values()), failed, passed_over)


def _is_ours(document: Object) -> bool:
    """Whether somebody may think that it counts here."""
    group = str(document.get("apiVersion")).rpartition("/")[0]
    return document.get("kind") in KINDS or group in _GROUPS


def _tell_passed_over(given: _Given) -> None:
    if given.passed_over:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(given.passed_over.items()))
        console.note(f"not looked at in the files: {kinds}")


def _documents(paths: Sequence[str]) -> list[Document | SealbridgeError]:
    found: list[Document | SealbridgeError] = []
    for path in paths:
        try:
            found += sources.documents([path]) if path == sources.STDIN else read_file(path)
        except ManifestError as error:
            found.append(error)
    return found
