"""Backing sealing keys up: kept, read back, compared, and noted on the keys. Knows homes and places."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sealbridge.errors import BackupError, Conflict, KeyFileError, SealbridgeError
from sealbridge.lifecycle.age import Lock, Opener
from sealbridge.lifecycle.backup import Backup, dump, load, make
from sealbridge.lifecycle.backup_place import BackupPlace
from sealbridge.lifecycle.key_home import BACKED_UP, KeyHome, Record, records_of, stamp

_TRIES = 3


class BackedUp(NamedTuple):
    """A backup that was read back; `unnoted` are the keys whose Secrets could not be told of it."""

    backup: Backup
    name: str
    unnoted: tuple[SealbridgeError, ...]


async def back_up(
    home: KeyHome, place: BackupPlace, lock: Lock | None, at: datetime, *, opener: Opener | None = None
) -> BackedUp:
    """Keep every key of a home at a place, and read it back.

    What comes back has to be what was written, to the byte; where there is an `opener` (or nothing is
    encrypted), it is opened and checked as well. Raises BackupError, KeyFileError, ClusterError.
    """
    records = records_of(await home.all_secrets())
    if records.problems:
        # A backup that leaves a key out without a word is what nobody wants to find out later.
        problem = records.problems[0]
        raise KeyFileError(
            f"a key cannot be read, and a backup without it is none: {problem.what}",
            where=problem.where,
            hint="restore it, or take its Secret out of the way",
        )
    if not records.keys:
        raise KeyFileError("there is no sealing key to back up", where=home.where)
    backup = make(records, await home.place(), at)
    for _ in range(_TRIES):
        data = dump(backup, lock)
        name = place.write(data, at)
        returned = place.read(name)
        if hmac.compare_digest(returned, data):
            break
        # Another job may have written in between.
    else:
        raise BackupError(
            "what was read back is not what was written", where=place.where, hint="do not rely on this backup"
        )
    opener = opener or (Opener(passphrase=lock.passphrase) if lock and lock.passphrase else None)
    if lock is None or opener is not None:
        again = load(returned, opener or Opener(), where=place.where)
        if again.manifest != backup.manifest:
            raise BackupError("what was read back holds other keys", where=place.where)
    return BackedUp(backup, name, await _note(home, records.keys, at))


async def _note(home: KeyHome, records: Iterable[Record], at: datetime) -> tuple[SealbridgeError, ...]:
    unnoted: list[SealbridgeError] = []
    for record in records:
        try:
            await home.mark(record.secret, annotations={BACKED_UP: stamp(at)})
        except (KeyFileError, Conflict) as error:
            unnoted.append(error)
    return tuple(unnoted)
