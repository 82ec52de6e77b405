"""The manifests below folders, by their names. Knows no kind, and reads nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from sealbridge.errors import ManifestError, UsageError

SUFFIXES = (".yaml", ".yml", ".json")


class Found(NamedTuple):
    """Files in order, each once, and the links below folders that were not followed."""

    files: tuple[str, ...]
    links: tuple[str, ...]


def manifest_files(paths: Iterable[str], *, recursive: bool) -> Found:
    """Files as they are named; with `recursive`, folders stand for the manifests below them, sorted.

    Hidden folders (.git) are passed over, links below folders are not followed. Raises UsageError for a
    folder without `recursive`, ManifestError when one cannot be read.
    """
    files: dict[str, None] = {}
    links: list[str] = []
    for path in paths:
        if path != "-" and os.path.isdir(path):
            if not recursive:
                raise UsageError(f"{path} is a folder", hint="with -r, the manifests below it are meant")
            _walk(path, files, links)
        else:
            files[path] = None
    return Found(tuple(files), tuple(links))


def _walk(folder: str, files: dict[str, None], links: list[str]) -> None:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise ManifestError(
            f"cannot read the folder: {(error.strerror or 'unknown error').lower()}", where=folder
        ) from None
    for entry in entries:
        manifest = entry.name.lower().endswith(SUFFIXES)
        if entry.is_symlink():
            if manifest or entry.is_dir():
                links.append(entry.path)
        elif entry.is_dir():
            if not entry.name.startswith("."):
                _walk(entry.path, files, links)
        elif manifest and entry.is_file():
            files[entry.path] = None
