"""The fire drill: whether a backup would bring everything back. Decrypts in memory and writes nothing."""

from __future__ import annotations

from typing import NamedTuple

from sealbridge.errors import SealbridgeError
from sealbridge.lifecycle.backup import Backup
from sealbridge.lifecycle.key_home import Record, Records
from sealbridge.lifecycle.need import Need, Use


class KeyCheck(NamedTuple):
    """A key of the backup or of the home, and where it is."""

    fingerprint: str
    in_backup: bool
    here: bool | None  # None where there is no home to compare with
    states: tuple[str, ...]  # in the backup, and here; empty where it is not

    @property
    def is_good(self) -> bool:
        """What is here and not in the backup would be lost."""
        return self.in_backup


class Drill(NamedTuple):
    """What came of it."""

    keys: tuple[KeyCheck, ...]
    opened: tuple[Use, ...]
    closed: tuple[Use, ...]
    unread: tuple[SealbridgeError, ...]

    @property
    def is_good(self) -> bool:
        """Every key is in the backup, and every item opens with it."""
        return all(key.is_good for key in self.keys) and not self.closed and not self.unread


def drill(backup: Backup, here: Records | None, need: Need) -> Drill:
    """`need` is what the SealedSecrets need of the keys of the backup alone."""
    kept = {record.fingerprint: record for record in backup.records}
    present = {record.fingerprint: record for record in here.keys} if here else {}
    keys = tuple(
        KeyCheck(
            fingerprint,
            fingerprint in kept,
            fingerprint in present if here else None,
            tuple(_label(records.get(fingerprint)) for records in (kept, present)),
        )
        for fingerprint in dict.fromkeys([*kept, *present])
    )
    opened: dict[tuple[str, str, str], Use] = {}
    for uses in need.by_key.values():
        for use in uses:
            same = (use.where, use.namespace, use.name)
            items = opened[same].items if same in opened else ()
            opened[same] = use._replace(items=(*items, *use.items))
    unread = (*need.unread, *(here.problems if here else ()))
    return Drill(keys, tuple(opened.values()), need.closed, unread)


def _label(record: Record | None) -> str:
    return record.label if record else ""
