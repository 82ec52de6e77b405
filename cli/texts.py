"""Files of manifests that a command edits, read with their text."""

from __future__ import annotations

import os

from sealbridge.errors import ManifestError
from sealbridge.manifest_text import ManifestText
from sealbridge.manifests import MAX_BYTES
from sealbridge.repo.in_place import may_hold


def read(path: str) -> ManifestText:
    """The text of a file. Raises ManifestError."""
    return ManifestText(content(path), file=path)


def read_all(path: str, *, named: bool, word: bytes) -> ManifestText | None:
    """As `read`; None for a file that was not named itself, is no manifest and does not have `word`."""
    check_editable(path)
    data = content(path)
    try:
        return ManifestText(data, file=path)
    except ManifestError:
        if named or may_hold(data, word):
            raise
        return None


def check_editable(path: str) -> None:
    """Refuse what gives its bytes once and takes none back, such as a pipe. Raises ManifestError."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise ManifestError("only a regular file is edited in place", where=path)


def content(path: str) -> bytes:
    """The bytes of a file, as far as manifests are read. Raises ManifestError."""
    try:
        with open(path, "rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ManifestError(
            f"cannot read it: {(error.strerror or 'unknown error').lower()}", where=path
        ) from None
