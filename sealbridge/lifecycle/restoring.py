"""Keys of a backup put back beside those that are there. Overwrites nothing, and can be run again."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from sealbridge.errors import BackupError, Conflict
from sealbridge.lifecycle.backup import Backup
from sealbridge.lifecycle.key_home import KeyHome, Record, Records, records_of
from sealbridge.lifecycle.policy import KEY_PREFIX

_NAMES = 20


class Restored(NamedTuple):
    """What a restore did, or would do."""

    stored: tuple[Record, ...]
    present: tuple[Record, ...]
    differing: tuple[tuple[Record, Record], ...]  # of the backup and here, where the states differ
    before: Records

    def takes_over(self, after: Records) -> bool:
        """Whether a key of the backup is current now in place of one that was there."""
        old, new = self.before.current, after.current
        return old is not None and new is not None and old.fingerprint != new.fingerprint


async def restore(home: KeyHome, backup: Backup, *, dry_run: bool = False) -> Restored:
    """Store the keys that are missing, the newest first, so that the right one is current from the start.

    Each is stored as a whole under its own name, or another where that is taken. Raises BackupError and
    ClusterError; what was stored by then stays, and the next run goes on.
    """
    before = records_of(await home.all_secrets())
    here = {record.fingerprint: record for record in before.keys}
    missing = [record for record in backup.records if record.fingerprint not in here]
    missing.sort(key=lambda record: record.key.not_before, reverse=True)
    if not dry_run:
        namespace = (await home.place()).namespace
        for record in missing:
            await _store(home, record, namespace)
    both = [(one, here[one.fingerprint]) for one in backup.records if one.fingerprint in here]
    differing = tuple((one, other) for one, other in both if one.label != other.label)
    return Restored(tuple(missing), tuple(other for _, other in both), differing, before)


async def _store(home: KeyHome, record: Record, namespace: str) -> None:
    letters = "".join(letter for letter in record.fingerprint.lower() if letter.isalnum())
    names = [record.secret.name, *(f"{KEY_PREFIX}{letters[6:16]}-{number}" for number in range(_NAMES))]
    for name in names:
        try:
            await home.create_secret(replace(record.secret, name=name, namespace=namespace))
        except Conflict:
            # Somebody else may restore at the same time.
            found = records_of(await home.all_secrets())
            if any(one.fingerprint == record.fingerprint for one in found.keys):
                return
        else:
            return
    raise BackupError(f"no name is left for the key {record.fingerprint}", where=home.where)
