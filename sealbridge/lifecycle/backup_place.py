"""Where backups are kept: a file, a folder of versions, or S3. Knows bytes, not what is in them.

A place is written whole or not at all, and what was there before stays under a name with its time.
"""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from sealbridge.errors import BackupError, UsageError
from sealbridge.files import replace_entry, write_new
from sealbridge.lifecycle.backup import MAX_BYTES

_PREFIX, _SUFFIX = "sealing-keys-", ".age"
_LATER = {"gs": "Google Cloud Storage", "azblob": "Azure Blob Storage"}


class BackupPlace(Protocol):
    """A place for backups."""

    where: str  # for messages

    def write(self, data: bytes, at: datetime) -> str:
        """Keep it, and return what it is called there. Raises BackupError."""

    def read(self, name: str | None = None) -> bytes:
        """What was written under a name, or the newest. Raises BackupError."""


def open_place(text: str) -> BackupPlace:
    """The place that `--to` or `--from` names. Raises UsageError."""
    scheme, colon, rest = text.partition("://")
    if not colon:
        return FilePlace(text)
    if scheme == "file":
        return FilePlace(rest)
    if scheme == "s3":
        from sealbridge.stores.s3 import Bucket

        return ObjectPlace(text, Bucket.at(rest))
    if scheme in _LATER:
        raise UsageError(
            f"{_LATER[scheme]} ({scheme}://) is not supported yet",
            hint="a file and s3:// are; its own tool copies the file there",
        )
    raise UsageError(f"backups are not kept in {scheme}://", hint="name a file, a folder, or s3://BUCKET/KEY")


class FilePlace:
    """A file, or with a slash at its end or where there is one already, a folder of versions."""

    def __init__(self, path: str) -> None:
        if not path or path == "-":
            raise UsageError("a backup is kept in a file, and none is named")
        self._is_folder = path.endswith("/") or Path(path).is_dir()
        # A link to another disk is that disk's file.
        self._path = Path(os.path.realpath(path))
        self.where = path

    def write(self, data: bytes, at: datetime) -> str:
        """Readable for the owner alone."""
        try:
            if self._is_folder:
                self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
                return self._new_version(data, at)
            if self._path.exists() and not self._path.is_file():
                raise UsageError("it is neither a file nor a folder", where=self.where)
            self._keep_old()
            replace_entry(str(self._path), data, mode=0o600)
            _sync(self._path.parent)
        except OSError as error:
            raise BackupError(
                f"cannot write it: {(error.strerror or 'unknown error').lower()}", where=self.where
            ) from None
        return str(self._path)

    def read(self, name: str | None = None) -> bytes:
        """The file, or the newest of a folder."""
        path = Path(name) if name else self._path
        try:
            if path.is_dir():
                versions = sorted(path.glob(f"{_PREFIX}*{_SUFFIX}"))
                if not versions:
                    raise BackupError("there is no backup in it", where=self.where)
                path = versions[-1]
            with path.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise BackupError(
                f"cannot read it: {(error.strerror or 'unknown error').lower()}", where=self.where
            ) from None
        if len(data) > MAX_BYTES:
            raise BackupError(f"it is larger than {MAX_BYTES >> 20} MiB", where=self.where)
        return data

    def _new_version(self, data: bytes, at: datetime) -> str:
        for name in version_names(at):
            path = self._path / name
            temporary = self._path / f"{name}.{os.urandom(8).hex()}.tmp"
            write_new(str(temporary), data, mode=0o600)
            try:
                os.link(temporary, path)
            except FileExistsError:
                continue
            finally:
                temporary.unlink()
            _sync(self._path)
            return str(path)
        raise BackupError("there are too many backups of this second", where=self.where)

    def _keep_old(self) -> None:
        try:
            written = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        except FileNotFoundError:
            return
        for attempt in range(100):
            old = Path(f"{self._path}.{_compact(written)}{f'-{attempt}' if attempt else ''}")
            try:
                os.link(self._path, old)
            except FileExistsError:
                if old.samefile(self._path):
                    return  # a run before this one came so far
                continue
            return
        raise BackupError("there are too many versions of this second", where=self.where)


class Objects(Protocol):
    """What of an object store is needed. Raises BackupError."""

    key: str

    def put(self, key: str, data: bytes) -> None:
        """Store an object."""

    def get(self, key: str, limit: int) -> bytes:
        """The content of an object, one byte more than `limit` at most."""

    def written(self, key: str) -> datetime | None:
        """When it was stored; None when it is not there."""

    def copy(self, key: str, to: str) -> None:
        """Copy within the bucket."""

    def names(self, prefix: str) -> list[str]:
        """The keys that begin so."""


class ObjectPlace:
    """An object, or with a slash at the end of its key, a folder of versions."""

    def __init__(self, where: str, objects: Objects) -> None:
        self.where = where
        self._objects = objects
        self._is_folder = not objects.key or objects.key.endswith("/")

    def write(self, data: bytes, at: datetime) -> str:
        """A bucket that keeps versions itself keeps this one, too."""
        key = self._objects.key
        if self._is_folder:
            free = (name for name in version_names(at) if self._objects.written(key + name) is None)
            key += next(free)
        elif (before := self._objects.written(key)) is not None:
            self._objects.copy(key, f"{key}.{_compact(before)}")
        self._objects.put(key, data)
        return key

    def read(self, name: str | None = None) -> bytes:
        """The object, or the newest of a folder."""
        key = name or self._objects.key
        if name is None and self._is_folder:
            versions = [one for one in self._objects.names(key + _PREFIX) if one.endswith(_SUFFIX)]
            if not versions:
                raise BackupError("there is no backup in it", where=self.where)
            key = max(versions)
        data = self._objects.get(key, MAX_BYTES)
        if len(data) > MAX_BYTES:
            raise BackupError(f"it is larger than {MAX_BYTES >> 20} MiB", where=self.where)
        return data


def version_names(at: datetime) -> list[str]:
    """Names of a moment, in the order to try; they sort by time."""
    return [
        f"{_PREFIX}{_compact(at)}{f'_{attempt:02}' if attempt else ''}{_SUFFIX}" for attempt in range(100)
    ]


def _compact(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _sync(directory: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
