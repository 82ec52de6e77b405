"""What a directory remembers between runs: who owns a file, and the status of objects. No values.

It stands in one file that is replaced as a whole. A claim on a file is written to a journal before the
file itself, so that a run that is killed still knows its own files when it comes back.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from sealbridge.errors import ClusterError
from sealbridge.local.tree import STATE_FOLDER, OutputTree
from sealbridge.reconcile.kinds import ObjectKey

_FILE = "state.json"
_JOURNAL = "journal"


class OwnerRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The controlling owner of a target."""

    api_version: str
    kind: str
    name: str
    uid: str


class ManagerRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One who also writes to a target: the keys that it wrote."""

    manager: str
    items: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    made: bool = False


class TargetRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that we wrote.

    `items`, `labels` and `annotations` are the keys that `manager`, the last to write, wrote; `made`
    tells that it made the file. `others` are those who wrote before and still have a part in it.
    `metadata` is what a format has no room for and a manifest would hold.
    """

    file: str
    digest: str
    manager: str = ""
    owner: OwnerRecord | None = None
    items: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    made: bool = False
    others: tuple[ManagerRecord, ...] = ()
    metadata: dict[str, Any] | None = None


class StatusRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The status of one object."""

    uid: str
    status: dict[str, Any]


class _Document(msgspec.Struct, kw_only=True):
    version: int = 1
    targets: dict[str, TargetRecord] = {}
    objects: dict[str, StatusRecord] = {}


class _Claim(msgspec.Struct, frozen=True):
    target: str
    record: TargetRecord


class State:
    """Loaded once, saved when it has changed. Keys are `NAMESPACE/NAME` and `KIND/NAMESPACE/NAME`."""

    def __init__(self, tree: OutputTree) -> None:
        self._tree = tree
        self._document = self._load()
        self._changed = self._replay()

    def target(self, namespace: str, name: str) -> TargetRecord | None:
        """What is known of a target."""
        return self._document.targets.get(f"{namespace}/{name}")

    def targets(self) -> dict[tuple[str, str], TargetRecord]:
        """All targets that we wrote."""
        return {(key.split("/")[0], key.split("/")[1]): r for key, r in self._document.targets.items()}

    def claim(self, namespace: str, name: str, record: TargetRecord) -> None:
        """Remember a target, at once and whatever happens: it is about to be written."""
        self._remember(f"{namespace}/{name}", record)
        # A line break on both sides: what stands before may have been cut off by a full disk.
        line = b"\n" + msgspec.json.encode(_Claim(f"{namespace}/{name}", record)) + b"\n"
        self._tree.append(STATE_FOLDER, _JOURNAL, line)

    def release(self, namespace: str, name: str) -> None:
        """Forget a target."""
        self._changed |= self._document.targets.pop(f"{namespace}/{name}", None) is not None

    def status(self, key: ObjectKey, uid: str) -> dict[str, Any] | None:
        """The status of an object that has this uid."""
        record = self._document.objects.get(_text(key))
        return record.status if record is not None and record.uid == uid else None

    def set_status(self, key: ObjectKey, uid: str, status: dict[str, Any]) -> None:
        """Remember a status."""
        record = StatusRecord(uid=uid, status=status)
        if self._document.objects.get(_text(key)) != record:
            self._document.objects[_text(key)] = record
            self._changed = True

    def keep_only(self, keys: set[ObjectKey]) -> None:
        """Forget the status of every object that is not among `keys`."""
        kept = {_text(key) for key in keys}
        for text in [text for text in self._document.objects if text not in kept]:
            del self._document.objects[text]
            self._changed = True

    def save(self) -> None:
        """Write what has changed since the last time. Raises ClusterError."""
        if self._changed and not self._tree.dry:
            text = json.dumps(
                msgspec.to_builtins(self._document), indent=1, sort_keys=True, ensure_ascii=False
            )
            self._tree.write(STATE_FOLDER, _FILE, text.encode("utf-8", "surrogatepass") + b"\n")
            self._tree.remove(STATE_FOLDER, _JOURNAL)
            self._changed = False

    def _remember(self, key: str, record: TargetRecord) -> None:
        self._changed |= self._document.targets.get(key) != record
        self._document.targets[key] = record

    def _load(self) -> _Document:
        stored = self._tree.read(STATE_FOLDER, _FILE)
        if stored is None:
            return _Document()
        try:
            document = msgspec.json.decode(stored.data, type=_Document)
        except msgspec.MsgspecError:
            raise ClusterError(
                "the state of this folder cannot be read",
                where=self._tree.path(STATE_FOLDER, _FILE),
                hint="remove the output folder and sync again: everything in it is made anew",
            ) from None
        if document.version != 1:
            raise ClusterError(
                f"the state of this folder has version {document.version}, a newer sealbridge wrote it",
                where=self._tree.path(STATE_FOLDER, _FILE),
                hint="use that sealbridge, or another output folder",
            )
        return document

    def _replay(self) -> bool:
        stored = self._tree.read(STATE_FOLDER, _JOURNAL)
        self._changed = stored is not None  # to be written down and the journal removed
        if stored is None:
            return False
        self._tree.remove_leftovers()
        for line in stored.data.splitlines():
            try:
                claim = msgspec.json.decode(line, type=_Claim)
            except msgspec.MsgspecError:
                # The last line of a run that was killed while writing it: nothing follows from it.
                continue
            self._remember(claim.target, claim.record)
        return self._changed


def _text(key: ObjectKey) -> str:
    return f"{key.kind}/{key.namespace}/{key.name}"
