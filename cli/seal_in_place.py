"""`sealbridge seal --in-place`: the Secrets of files and folders, each sealed where it stands."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from sealbridge.errors import SealbridgeError
from sealbridge.files import write_atomic
from sealbridge.repo.in_place import Outcome, seal_in_place
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.choosing import Wishes
from sealbridge_cli import console, sources, texts
from sealbridge_cli.progress import Progress
from sealbridge_cli.vouching import Vouchers


class _File(NamedTuple):
    path: str
    outcome: Outcome


def run(args: argparse.Namespace, certificate: Certificate, wishes: Wishes) -> int:
    """Seal everything, and write only when all of it could be sealed."""
    vouchers = Vouchers(args, certificate)
    paths = sources.files(args)
    named = set(args.file)
    done: list[_File] = []
    errors: list[SealbridgeError] = []
    unread = 0
    with Progress("sealing", len(paths)) as progress:
        for path in paths:
            try:
                text = texts.read_all(path, named=path in named, word=b"Secret")
                if text is None:
                    unread += 1
                else:
                    outcome = seal_in_place(text, certificate, wishes, vouchers)
                    errors += outcome.errors
                    done.append(_File(path, outcome))
            except SealbridgeError as error:
                errors.append(error)
            progress.step()
    for problem in errors:
        console.error(problem)
    if errors:
        console.note("nothing was written")
        return 1
    failed = _write(done, vouchers)
    _tell(done, unread, failed)
    return 1 if failed else 0


def _write(done: list[_File], vouchers: Vouchers) -> int:
    failed = 0
    fresh = []
    changed = [file for file in done if file.outcome.changed]
    with Progress("writing", len(changed)) as progress:
        for path, outcome in changed:
            try:
                write_atomic(path, outcome.data)
                fresh += outcome.fresh
            except OSError as error:
                failed += 1
                reason = (error.strerror or "unknown error").lower()
                console.error(SealbridgeError(f"cannot write it: {reason}", where=path))
            progress.step()
    vouchers.remember(fresh)
    return failed


def _tell(done: list[_File], unread: int, failed: int) -> None:
    outcomes = [file.outcome for file in done]
    for outcome in outcomes:
        for where, kept in outcome.kept_items.items():
            console.note(f"{where}: kept as they were: {', '.join(kept)}")
        for document in outcome.flattened:
            console.warning(f"{document.where}: its comments and layout could not be kept")
    changed = sum(outcome.changed for outcome in outcomes) - failed
    parts = [f"{_count(sum(one.sealed for one in outcomes), 'Secret')} sealed"]
    if merged := sum(one.merged for one in outcomes):
        parts.append(f"{merged} sealed into SealedSecrets that were there")
    console.note(f"{', '.join(parts)}, in {_count(changed, 'file')}")
    left = []
    if sealed := sum(one.left_sealed for one in outcomes):
        left.append(_count(sealed, "SealedSecret"))
    if others := sum(one.left_others for one in outcomes):
        left.append(_count(others, "other document"))
    if unread:
        left.append(f"{_count(unread, 'file')} that no manifests are in")
    if left:
        console.note(f"left as they are: {', '.join(left)}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
