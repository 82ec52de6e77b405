"""Files written so that a reader sees the old content or the new, never half. Knows no format."""

from __future__ import annotations

import contextlib
import os
import stat

# `tempfile` and `pathlib` would cost as much start-up time as sealing a Secret takes.

_BEGIN = 200  # bytes of a file's name in that of its temporary one, which may have 255


def write_atomic(path: str, data: bytes, *, mode: int | None = None) -> None:
    """Replace the content of a file. Raises OSError and leaves the old file then.

    `mode` is that of the new file; None keeps the old file's, and its owner where that may be given, or
    leaves a new one to the umask. A symbolic link is followed; what is not a regular file (a pipe,
    /dev/stdout) is written to.
    """
    try:
        old = os.stat(path)
    except FileNotFoundError:
        old = None
    if old is not None and not stat.S_ISREG(old.st_mode):
        with open(path, "wb") as stream:
            stream.write(data)
        return
    path = os.path.realpath(path)
    owner = None
    if mode is None and old is not None:
        mode, owner = stat.S_IMODE(old.st_mode), (old.st_uid, old.st_gid)
    replace_entry(path, data, mode=mode, owner=owner)


def replace_entry(
    path: str, data: bytes, *, mode: int | None = None, owner: tuple[int, int] | None = None
) -> None:
    """As `write_atomic`, but a link or a pipe of that name is itself replaced."""
    folder, name = os.path.split(path)
    # What a kill leaves behind tells what it is of; the name may be as long as a name can be.
    begin = os.fsdecode(os.fsencode(name)[:_BEGIN])
    temporary = os.path.join(folder, f"{begin}.{os.urandom(8).hex()}.tmp")
    try:
        write_new(temporary, data, mode=mode, owner=owner)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def write_new(
    path: str, data: bytes, *, mode: int | None = None, owner: tuple[int, int] | None = None
) -> None:
    """Write a file that must not exist yet. Raises FileExistsError, and leaves nothing on failure."""
    # Never wider than asked for, not even for a moment: the umask only narrows the mode of open().
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666 if mode is None else mode
    )
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if owner is not None:
                # Root edits what belongs to others; others may not give anything away.
                with contextlib.suppress(OSError):
                    os.fchown(descriptor, *owner)
            if mode is not None:
                os.fchmod(descriptor, mode)
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise
