"""The files below the output folder. Knows paths, modes and atomic replacement; knows no Secret.

Everything is opened relative to its folder and no link is followed, so that nobody who may write into
the output can turn a write somewhere else.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sealbridge.errors import ClusterError

STATE_FOLDER = ".sealbridge"
_TEMPORARY = ".sealbridge-"

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A namespace and a name as the API takes them: no dot first, no slash, nothing a shell minds.
_FOLDER = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_STEM = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as it was read. `private`: nobody but its owner may read it."""

    data: bytes
    private: bool


class OutputTree:
    """Files two levels deep: a folder a namespace, a file a Secret.

    With `dry`, what is written is remembered and read back, and the disk stays as it is.
    """

    def __init__(self, root: Path, *, dry: bool = False) -> None:
        self.root = root
        self._dry = dry
        self._overlay: dict[tuple[str, str], Stored | None] = {}
        self._lock: int | None = None

    @property
    def dry(self) -> bool:
        """Whether nothing is written."""
        return self._dry

    def read(self, folder: str, name: str) -> Stored | None:
        """A file, or None. Raises ClusterError for a link or anything else that is no plain file."""
        if (folder, name) in self._overlay:
            return self._overlay[folder, name]
        with self._folder(folder, create=False) as directory:
            if directory is None:
                return None
            try:
                # Without O_NONBLOCK, a pipe put there would have us wait for ever.
                handle = os.open(
                    name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory
                )
            except FileNotFoundError:
                return None
            except OSError as error:
                raise self._refused(folder, name, error) from None
            with os.fdopen(handle, "rb") as file:
                mode = os.fstat(handle).st_mode
                if not stat.S_ISREG(mode):
                    raise ClusterError("not a plain file", where=self.path(folder, name))
                return Stored(file.read(), private=not mode & 0o077)

    def write(self, folder: str, name: str, data: bytes) -> None:
        """Put a file in place of whatever has its name, readable by its owner alone, all or nothing."""
        if self._dry:
            self._overlay[folder, name] = Stored(data, private=True)
            return
        with self._folder(folder, create=True) as directory:
            temporary = f"{_TEMPORARY}{secrets.token_hex(6)}"
            try:
                handle = os.open(
                    temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=directory
                )
                try:
                    with os.fdopen(handle, "wb") as file:
                        file.write(data)
                    os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
                except BaseException:
                    os.unlink(temporary, dir_fd=directory)
                    raise
            except OSError as error:
                raise self._refused(folder, name, error) from None

    def append(self, folder: str, name: str, data: bytes) -> None:
        """Add to a file of our own."""
        if self._dry:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._folder(folder, create=True) as directory:
            try:
                with os.fdopen(os.open(name, flags, 0o600, dir_fd=directory), "ab") as file:
                    file.write(data)
            except OSError as error:
                raise self._refused(folder, name, error) from None

    def remove(self, folder: str, name: str) -> bool:
        """Delete a file, and its folder when it was the last one. True when it was there."""
        if self._dry:
            was = self.read(folder, name) is not None
            self._overlay[folder, name] = None
            return was
        with self._folder(folder, create=False) as directory:
            if directory is None:
                return False
            try:
                os.unlink(name, dir_fd=directory)
            except FileNotFoundError:
                return False
            except OSError as error:
                raise self._refused(folder, name, error) from None
        try:
            (self.root / folder).rmdir()
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}:
                raise self._refused(folder, name, error) from None
        return True

    def remove_leftovers(self) -> None:
        """Delete the half-written files of a run that was killed. Only for who holds the lock."""
        if self._dry:
            return
        for entry in self.root.iterdir():
            if entry.is_symlink() or not entry.is_dir():
                continue
            for file in entry.glob(f"{_TEMPORARY}*"):
                self.remove(entry.name, file.name)

    def lock(self) -> None:
        """Keep other processes of ours out until `unlock`. Raises ClusterError when one is in."""
        if self._dry or self._lock is not None:
            return
        with self._folder(STATE_FOLDER, create=True) as directory:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                handle = os.open("lock", flags, 0o600, dir_fd=directory)
            except OSError as error:
                raise self._refused(STATE_FOLDER, "lock", error) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise ClusterError(
                "another sealbridge is writing there",
                where=str(self.root),
                hint="wait for it to end, or give this one another output",
                retryable=True,
            ) from None
        self._lock = handle

    def unlock(self) -> None:
        """Let others in again."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def path(self, folder: str, name: str) -> str:
        """Where a file stands, for people."""
        return str(self.root / folder / name)

    @contextmanager
    def _folder(self, folder: str, *, create: bool) -> Iterator[int | None]:
        handles: list[int] = []
        try:
            try:
                if create:
                    self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
                # The root itself is what the user has named, by a link or not.
                handles.append(os.open(self.root, _DIRECTORY & ~os.O_NOFOLLOW))
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(folder, 0o700, dir_fd=handles[0])
                handles.append(os.open(folder, _DIRECTORY, dir_fd=handles[0]))
            except FileNotFoundError:
                if create:
                    raise
                yield None
                return
            except OSError as error:
                raise self._refused(folder, "", error) from None
            yield handles[1]
        finally:
            for handle in reversed(handles):
                os.close(handle)

    def _refused(self, folder: str, name: str, error: OSError) -> ClusterError:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            what, hint = "it is a link or not a folder, and links are not followed", "remove it"
        elif error.errno == errno.EEXIST:
            what, hint = "there is something in the way that is no folder", "remove it"
        else:
            what = (error.strerror or "input/output error").lower()
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            hint = "make room and run it again" if full else "look at who may write there"
        return ClusterError(what, where=self.path(folder, name), hint=hint)


def check_names(namespace: str, name: str) -> None:
    """Refuse what is no name of a namespace and a Secret, and so could stand for another path.

    Raises ClusterError.
    """
    if not _FOLDER.fullmatch(namespace):
        raise ClusterError(
            f"{namespace!r} cannot be the name of a namespace",
            hint="use at most 63 lower-case letters, digits and -",
        )
    if not _STEM.fullmatch(name):
        raise ClusterError(
            f"{name!r} cannot be the name of a Secret",
            hint="use at most 253 lower-case letters, digits, - and .",
        )
