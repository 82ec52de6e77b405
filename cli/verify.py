"""`sealbridge verify`: what is wrong with SealedSecrets, found without a cluster."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NamedTuple

from sealbridge.errors import ManifestError
from sealbridge.manifests import Document, read_file
from sealbridge.repo.in_place import may_hold
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.lint import Finding, findings, opening
from sealbridge.sealing.sealed_secret import KIND
from sealbridge_cli import console, options, server, sources, texts
from sealbridge_cli.progress import Progress

if TYPE_CHECKING:
    from sealbridge.kube.controller_access import Controller


class _Found(NamedTuple):
    where: str
    name: str
    finding: Finding


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = (
        "look for mistakes in SealedSecrets: base64, lengths, scopes, names. Exit code 1 when one is found"
    )
    sources.add_files(parser, "SealedSecrets")
    sources.add_recursion(parser)
    parser.add_argument(
        "--cert",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH|URL",
        help="the certificates that values may be sealed for; a file may hold many",
    )
    options.add_keys(parser, "sealing keys: every value has to open with one of them")
    parser.add_argument(
        "-n",
        "--namespace",
        type=options.namespace,
        metavar="NS",
        help="the namespace of SealedSecrets that do not name their own",
    )
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="the format (default: text)"
    )
    server.add_options(parser, "also ask the controller of the cluster whether it can open each of them")
    parser.epilog = (
        "examples:\n"
        "  sealbridge verify -f sealed.yaml\n"
        "  sealbridge verify --cert cert.pem -r -f environments --output json\n"
        "  sealbridge verify --key keys -f sealed.yaml\n"
        "  sealbridge verify --server -f sealed.yaml"
    )


def run(args: argparse.Namespace) -> int:
    """Look at every SealedSecret, and print what is wrong on stdout."""
    server.check_usage(args)
    certificates = [one for place in args.cert for one in sources.certificates(place)]
    keyring: Keyring | None = None
    if args.key:
        from sealbridge.lifecycle.key_files import read_keyring

        keyring = read_keyring(args.key)
    found: list[_Found] = []
    asked: list[tuple[int, str, dict[str, Any]]] = []
    looked_at = others = 0
    paths = sources.files(args) or [sources.STDIN]
    named = {*args.file, sources.STDIN}
    with Progress("verifying", len(paths)) as progress:
        for path in paths:
            try:
                documents = _documents(path, named)
            except ManifestError as error:
                finding = Finding("readable", "", error.what, error.hint)
                found.append(_Found(error.where or path, "", finding))
                documents = []
            for document in documents:
                if document.obj.get("kind") != KIND:
                    others += 1
                    continue
                looked_at += 1
                obj = _with_namespace(document.obj, args.namespace)
                wrong = findings(obj, certificates)
                if keyring is not None:
                    wrong += _not_said_yet(opening(obj, keyring), wrong)
                found += [_Found(document.where, _name(obj), finding) for finding in wrong]
                if args.server and not wrong:
                    asked.append((len(found), document.where, obj))
            progress.step()
    if asked:
        _ask(asked, found, args)
    if args.output == "json":
        _print_json(found, looked_at, others)
    else:
        _print_text(found)
        _tell(found, looked_at, others)
    if not looked_at and not found:
        raise ManifestError("there is no SealedSecret in it", where=", ".join(args.file) or "stdin")
    return 1 if found else 0


def _ask(asked: list[tuple[int, str, dict[str, Any]]], found: list[_Found], args: argparse.Namespace) -> None:
    """Ask the controller about objects without a finding so far; each finding goes to its place."""

    async def verify_all(controller: Controller) -> list[bool]:
        with Progress("asking the controller", len(asked)) as progress:
            answers = []
            for _, _, obj in asked:
                answers.append(await controller.verify(obj))
                progress.step()
            return answers

    answers = server.ask(verify_all, args)
    finding = Finding("server", "", "the controller cannot open it", "seal it again for this cluster")
    for (place, where, obj), good in reversed(list(zip(asked, answers, strict=True))):
        if not good:
            found.insert(place, _Found(where, _name(obj), finding))


def _documents(path: str, named: set[str]) -> list[Document]:
    if path == sources.STDIN:
        return sources.documents([path])
    try:
        return read_file(path)
    except ManifestError:
        if path in named or may_hold(texts.content(path), KIND.encode()):
            raise
        return []


def _with_namespace(obj: dict[str, Any], namespace: str | None) -> dict[str, Any]:
    metadata = obj.get("metadata")
    if namespace and isinstance(metadata, dict) and not metadata.get("namespace"):
        return {**obj, "metadata": {**metadata, "namespace": namespace}}
    return obj


def _not_said_yet(more: list[Finding], said: list[Finding]) -> list[Finding]:
    fields = {finding.field for finding in said}
    return [finding for finding in more if finding.field not in fields]


def _name(obj: dict[str, Any]) -> str:
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    parts = [metadata.get("namespace"), metadata.get("name")]
    return "/".join(part for part in parts if isinstance(part, str) and part)


def _print_text(found: list[_Found]) -> None:
    lines: list[str] = []
    said = None
    for where, _, finding in found:
        field = f"{finding.field}: " if finding.field else ""
        lines.append(console.clean(f"{where}: {field}{finding.what} [{finding.rule}]"))
        if finding.hint and finding.hint != said:
            lines.append(console.clean(f"  hint: {finding.hint}"))
        said = finding.hint
    if lines:
        console.data("\n".join(lines) + "\n")


def _print_json(found: list[_Found], looked_at: int, others: int) -> None:
    import json

    listed = [
        {
            "where": where,
            "object": name,
            "rule": finding.rule,
            "field": finding.field,
            "message": finding.what,
            "hint": finding.hint,
        }
        for where, name, finding in found
    ]
    facts = {"sealedSecrets": looked_at, "otherDocuments": others, "findings": listed}
    console.data(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def _tell(found: list[_Found], looked_at: int, others: int) -> None:
    aside = f"; left aside: {console.count(others, 'other document')}" if others else ""
    number = console.count(len(found), "finding") if found else "no findings"
    console.note(f"{console.count(looked_at, 'SealedSecret')}, {number}{aside}")
