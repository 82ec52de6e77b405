"""The objects of a Git history: where in it do given bytes stand. Knows git, but nothing of sealing.

Values to look for never become process arguments (`git log -S` would put them there): every object
is streamed through one `git cat-file --batch` and searched in this process.
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sealbridge.errors import SealbridgeError
from sealbridge.secret import Value


@dataclass(frozen=True, slots=True)
class Finding:
    """An object of the history that holds one of the values; `path` is where it was committed."""

    object_id: str
    kind: str  # blob, commit or tag: a message can give a value away as well
    path: str


@dataclass(frozen=True, slots=True)
class Search:
    """How much was looked at, and what was found."""

    objects: int
    findings: tuple[Finding, ...]


def search_history(repository: Path, values: Iterable[Value]) -> Search:
    """Look for `values` (as they are, and in base64) in every object that any ref can reach.

    Empty values are passed over. Raises SealbridgeError when git is missing or the folder is no
    repository.
    """
    needles = [form for value in values if value for form in _forms(value.reveal())]
    paths = dict(_reachable(repository))
    objects = 0
    findings = []
    for object_id, kind, content in _contents(repository, paths):
        objects += 1
        if any(needle in content for needle in needles):
            findings.append(Finding(object_id, kind, paths[object_id]))
    return Search(objects, tuple(findings))


def _forms(value: bytes) -> tuple[bytes, bytes]:
    return value, base64.b64encode(value)


def _reachable(repository: Path) -> Iterator[tuple[str, str]]:
    """Object ids with their paths; commits and the root trees have none."""
    listed = _git(repository, "rev-list", "--objects", "--all")
    for line in listed.splitlines():
        object_id, _, path = line.partition(b" ")
        yield object_id.decode(), path.decode("utf-8", "surrogateescape")


def _contents(repository: Path, object_ids: Iterable[str]) -> Iterator[tuple[str, str, bytes]]:
    for object_id in object_ids:
        if len(object_id) not in (40, 64):
            raise SealbridgeError(f"git listed something that is no object: {object_id[:80]!r}")
    with subprocess.Popen(
        ["git", "-C", str(repository), "cat-file", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as git:
        assert git.stdin is not None  # noqa: S101 - both are pipes by the call above
        assert git.stdout is not None  # noqa: S101
        for object_id in object_ids:
            git.stdin.write(f"{object_id}\n".encode())
            git.stdin.flush()
            kind, content = _read_object(git.stdout, object_id)
            if kind != "tree":
                yield object_id, kind, content
        git.stdin.close()


def _read_object(stream: IO[bytes], object_id: str) -> tuple[str, bytes]:
    header = stream.readline().split()
    if len(header) != 3:
        raise SealbridgeError(
            f"git could not read object {object_id}", hint="run 'git fsck' in the repository"
        )
    content = stream.read(int(header[2]))
    stream.read(1)
    return header[1].decode(), content


def _git(repository: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), *arguments], check=True, capture_output=True, timeout=300
        )
    except FileNotFoundError:
        raise SealbridgeError("git is not installed", hint="install git and try again") from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SealbridgeError(
            f"git {arguments[0]} failed: {reason[-1] if reason else error.returncode}", where=str(repository)
        ) from None
    return done.stdout
