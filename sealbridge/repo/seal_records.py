"""What this user has sealed, in a file of keyed digests: no value, no name, no plain hash.

Each record says that a sealed form holds a value (`unchanged.record`), under a random key that stands
beside it and never leaves the folder. Both are the user's alone. Losing them costs a few sealed forms
that change without need; so nothing here ever fails a command.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable

from sealbridge.files import replace_entry, write_new
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.unchanged import Voucher, record
from sealbridge.secret import Value

VARIABLE = "SEALBRIDGE_CACHE_DIR"
_KEY, _RECORDS = "seal-key", "seal-records"
_KEY_LENGTH = _RECORD_LENGTH = 32
# 8 MiB; when it is more, the older half is forgotten.
_MOST_RECORDS = 250_000
# No link is followed, and no pipe is waited for.
_CAREFULLY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class SealRecords:
    """The records in a folder, by default that of the user."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder or default_folder()
        self._key: bytes | None = None
        self._known: set[bytes] | None = None

    def prepare(self) -> None:
        """See to it that there is a key, before several processes look for it at once."""
        self._local_key()

    def voucher(self, certificate: Certificate, label: bytes) -> Voucher:
        """Vouches for what was sealed here before."""

        def vouches(item: str, sealed: str, value: Value) -> bool:
            known = self._records()
            key = self._local_key()
            return (
                bool(known)
                and key is not None
                and record(key, certificate, label, item, sealed, value) in known
            )

        return vouches

    def record(
        self, certificate: Certificate, label: bytes, item: str, sealed: str, value: Value
    ) -> bytes | None:
        """The record of a sealed form that was just made; None where no key can be kept."""
        key = self._local_key()
        return record(key, certificate, label, item, sealed, value) if key is not None else None

    def keep(self, records: Iterable[bytes]) -> None:
        """Append records. A folder that cannot be written to is no error."""
        new = b"".join(records)
        if not new:
            return
        path = os.path.join(self._folder, _RECORDS)
        with contextlib.suppress(OSError):
            old = self._read(_RECORDS) if os.path.lexists(path) else b""
            if old is None or len(old) % _RECORD_LENGTH or len(old) > _MOST_RECORDS * _RECORD_LENGTH:
                # One that others can read, cut short by a full disk, or too long.
                kept = (old or b"")[: len(old or b"") // _RECORD_LENGTH * _RECORD_LENGTH]
                newer = kept[-_MOST_RECORDS // 2 * _RECORD_LENGTH :]
                replace_entry(path, newer + new, mode=0o600)
            else:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _CAREFULLY
                with os.fdopen(os.open(path, flags, 0o600), "ab", buffering=0) as stream:
                    stream.write(new)

    def _records(self) -> set[bytes]:
        if self._known is None:
            data = self._read(_RECORDS) or b""
            starts = range(0, len(data) - _RECORD_LENGTH + 1, _RECORD_LENGTH)
            self._known = {data[at : at + _RECORD_LENGTH] for at in starts}
        return self._known

    def _local_key(self) -> bytes | None:
        if self._key is None:
            key = self._read(_KEY)
            if key is None or len(key) != _KEY_LENGTH:
                with contextlib.suppress(OSError):
                    self._make_key()
                    key = self._read(_KEY)
            self._key = key if key is not None and len(key) == _KEY_LENGTH else b""
        return self._key or None

    def _make_key(self) -> None:
        """A key, unless another process makes one, and also where one was cut off or shown to others."""
        path = os.path.join(self._folder, _KEY)
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        if os.path.lexists(path):
            replace_entry(path, os.urandom(_KEY_LENGTH), mode=0o600)
        else:
            with contextlib.suppress(FileExistsError):
                write_new(path, os.urandom(_KEY_LENGTH), mode=0o600)

    def _read(self, name: str) -> bytes | None:
        """A file of ours; None when it is not there or others may read or write it."""
        try:
            path = os.path.join(self._folder, name)
            with os.fdopen(os.open(path, os.O_RDONLY | _CAREFULLY), "rb") as stream:
                status = os.fstat(stream.fileno())
                private = stat.S_ISREG(status.st_mode) and not status.st_mode & 0o077
                return stream.read() if private and status.st_uid == os.geteuid() else None
        except OSError:
            return None


def default_folder() -> str:
    """$SEALBRIDGE_CACHE_DIR, else `sealbridge` in the user's cache folder."""
    if chosen := os.environ.get(VARIABLE):
        return chosen
    cache = os.environ.get("XDG_CACHE_HOME") or ""
    if not os.path.isabs(cache):
        cache = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "sealbridge")
