"""`sealbridge seal --in-place`: the Secrets of files and folders, each sealed where it stands."""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from sealbridge.errors import SealbridgeError
from sealbridge.repo.in_place import Outcome, seal_in_place
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.choosing import Wishes
from sealbridge_cli import console, output, sources, texts, workers
from sealbridge_cli.progress import Progress
from sealbridge_cli.vouching import Vouchers

_WRITERS = 8


class _File(NamedTuple):
    """What became of a file: None when it is no manifest at all. `records` are of what was sealed."""

    path: str
    outcome: Outcome | None
    records: tuple[bytes, ...] = ()


def run(args: argparse.Namespace, certificate: Certificate, wishes: Wishes) -> int:
    """Seal everything, and write only when all of it could be sealed."""
    vouchers = Vouchers(args, certificate)
    paths = sources.files(args)
    named = set(args.file)
    done: list[_File] = []
    unread = 0

    def work(path: str) -> _File:
        try:
            text = texts.read_all(path, named=path in named, word=b"Secret")
            if text is None:
                return _File(path, None)
            outcome = seal_in_place(text, certificate, wishes, vouchers)
        except SealbridgeError as error:
            return _File(path, Outcome(errors=[error]))
        return _File(path, outcome, vouchers.records(outcome.take_fresh()))

    with Progress("sealing", len(paths)) as progress:
        for file in workers.in_order(work, paths):
            if file.outcome is None:
                unread += 1
            else:
                done.append(file)
            progress.step()
    errors = [error for file in done if file.outcome for error in file.outcome.errors]
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
    records: list[bytes] = []
    changed = [file for file in done if file.outcome and file.outcome.changed]

    def write(file: _File) -> SealbridgeError | None:
        try:
            output.replace(file.path, file.outcome.data if file.outcome else b"")
        except SealbridgeError as error:
            return error
        return None

    # Writing is waiting for the disk, which serves several at a time.
    with Progress("writing", len(changed)) as progress, ThreadPoolExecutor(_WRITERS) as pool:
        for file, error in zip(changed, pool.map(write, changed), strict=True):
            if error is None:
                records += file.records
            else:
                failed += 1
                console.error(error)
            progress.step()
    vouchers.keep(records)
    return failed


def _tell(done: list[_File], unread: int, failed: int) -> None:
    outcomes = [file.outcome for file in done if file.outcome]
    for outcome in outcomes:
        for where, kept in outcome.kept_items.items():
            console.note(f"{where}: kept as they were: {', '.join(kept)}")
        for where in outcome.flattened:
            console.warning(f"{where}: its comments and layout could not be kept")
    changed = sum(outcome.changed for outcome in outcomes) - failed
    parts = [f"{console.count(sum(one.sealed for one in outcomes), 'Secret')} sealed"]
    if merged := sum(one.merged for one in outcomes):
        parts.append(f"{merged} sealed into SealedSecrets that were there")
    console.note(f"{', '.join(parts)}, in {console.count(changed, 'file')}")
    left = []
    if sealed := sum(one.left_sealed for one in outcomes):
        left.append(console.count(sealed, "SealedSecret"))
    if others := sum(one.left_others for one in outcomes):
        left.append(console.count(others, "other document"))
    if unread:
        left.append(f"{console.count(unread, 'file')} that no manifests are in")
    if left:
        console.note(f"left as they are: {', '.join(left)}")
