"""A Cluster in a directory: manifests below one folder in, a file for each Secret below another out.

It is a product, not a stand-in: CI jobs, compose hosts and single machines run on it. What a
Kubernetes API would keep beside a Secret, its owner above all, stands in OUTPUT/.sealbridge.
"""

from __future__ import annotations

import builtins
import hashlib
import logging
import secrets as random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sealbridge.errors import ClusterError, Conflict, ManifestError
from sealbridge.local.formats import Format
from sealbridge.local.source import Contents, Problem, SourceObject, SourceTree, Stamp, target_of, uid_of
from sealbridge.local.state import ManagerRecord, OwnerRecord, State, TargetRecord
from sealbridge.local.tree import OutputTree, check_names
from sealbridge.reconcile.cluster import Action, Applied, Owner, Ownership, TargetState
from sealbridge.reconcile.kinds import NAMESPACE, SECRET, Kind, Object, ObjectKey, key_of
from sealbridge.reconcile.ownership import (
    OwnFields,
    controller_of,
    decide,
    managed_fields_of,
    owner_reference,
    state_of,
)
from sealbridge.secret import Secret, Value

_EVENTS_KEPT = 1000
_METADATA_KEPT = ("labels", "annotations")
# Ends the version of a file that others may read or that has another format, so that no status names it
# and it is put right.
_MISPLACED = "-misplaced"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """What was told of an object."""

    about: ObjectKey
    type_: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """A target whose owner is gone. `removed` is False where somebody has changed the file by hand."""

    target: ObjectKey
    removed: bool


class DirectoryCluster:
    """Implements `reconcile.cluster.Cluster`. For the tasks of one event loop.

    Secrets to read from come from `output` first, then from `credentials`, then from `source`. With
    `dry` nothing is written, and what would have been is read back. Objects `laid_over` the source stand
    in the place of those of the same identity in it.
    """

    def __init__(
        self,
        source: Path,
        output: Path,
        *,
        credentials: Path | None = None,
        format_: Format = Format.YAML,
        namespace: str = "default",
        dry: bool = False,
        laid_over: Sequence[SourceObject] = (),
    ) -> None:
        others = [output] if credentials is None else [output, credentials]
        self._source = SourceTree(source, namespace=namespace, exclude=others, laid_over=laid_over)
        self._credentials = (
            None if credentials is None else SourceTree(credentials, namespace=namespace, exclude=[output])
        )
        self._tree = OutputTree(output, dry=dry)
        self._format = format_
        self.dry = dry
        self.events: deque[Event] = deque(maxlen=_EVENTS_KEPT)
        # Before the lock, which makes the output: not for a source that is not there.
        self.reload()
        self._tree.lock()
        try:
            self._state = State(self._tree)
        except BaseException:
            self._tree.unlock()
            raise

    def reload(self) -> None:
        """Read the folders again. Raises SealbridgeError when one is not there."""
        self._contents = self._source.read()
        self._present = {uid_of(key) for key in self._contents.objects}
        self._present |= {uid_of(p.key) for p in self._contents.problems if p.key is not None}
        self._given = None if self._credentials is None else self._credentials.read()

    def stamp(self) -> tuple[Stamp, Stamp]:
        """Differs when a file of the source or of the credentials has come, gone or changed."""
        return self._source.stamp(), () if self._credentials is None else self._credentials.stamp()

    def save(self) -> None:
        """Write down what later runs have to know. Raises ClusterError."""
        if self._contents.complete:
            self._state.keep_only(set(self._contents.objects))
        self._state.save()

    def close(self) -> None:
        """Save, and let others write to the output."""
        try:
            self.save()
        finally:
            self._tree.unlock()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What of the source and of the credentials cannot be used."""
        return (*self._contents.problems, *(self._given.problems if self._given is not None else ()))

    def keys(self, kind: Kind) -> builtins.list[ObjectKey]:
        """The usable objects of a kind, in order."""
        return sorted(key for key in self._contents.objects if key.kind == kind.name)

    def where(self, key: ObjectKey) -> str:
        """The file that an object stands in."""
        return self._contents.objects[key].where

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object with its apiVersion and kind, or None."""
        found = self._contents.objects.get(ObjectKey(kind.name, namespace if kind.namespaced else "", name))
        return None if found is None else self._with_status(found.obj)

    async def list(
        self, kind: Kind, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Object]:
        """All objects of a kind, in a namespace or everywhere."""
        objects = (self._contents.objects[key].obj for key in self.keys(kind))
        return [
            self._with_status(obj)
            for obj in objects
            if namespace in (None, obj["metadata"].get("namespace", ""))
            and _carries(obj["metadata"].get("labels") or {}, labels or {})
        ]

    async def get_secret(self, namespace: str, name: str) -> Secret | None:
        """One Secret with its values, or None."""
        obj = self._secret_object(namespace, name)
        return None if obj is None else Secret.from_manifest(obj)

    async def list_secrets(self, namespace: str, *, labels: Mapping[str, str]) -> Sequence[Secret]:
        """The Secrets of one namespace that carry `labels`; by name, as files have no age."""
        names = {name for there, name in self._state.targets() if there == namespace}
        for contents in self._folders():
            names.update(
                key.name for key in contents.objects if key.kind == SECRET.name and key.namespace == namespace
            )
        found = [await self.get_secret(namespace, name) for name in sorted(names)]
        return [secret for secret in found if secret is not None and _carries(secret.labels, labels)]

    async def target_state(self, namespace: str, name: str) -> TargetState | None:
        """A Secret's metadata, or None."""
        obj = self._secret_object(namespace, name)
        return None if obj is None else state_of(obj)

    async def create_secret(self, secret: Secret) -> Secret:
        """Store a Secret that must not exist yet. Raises Conflict when it exists."""
        namespace, name = secret.namespace, secret.name
        if name.endswith("-*"):
            name = name.removesuffix("*") + random.token_hex(3)
        check_names(namespace, name)
        if self._stored(namespace, name) is not None:
            raise Conflict(f'Secret "{name}" already exists', where=self._path(namespace, name))
        document = secret.to_manifest()
        document["metadata"]["name"] = name
        return Secret.from_manifest(self._write(namespace, name, document, before=None, manager=""))

    async def apply_secret(self, secret: Secret, *, owner: Owner, ownership: Ownership) -> Applied:
        """Make the target so. Raises NotOwned, Immutable and ClusterError."""
        namespace, name = secret.namespace, secret.name
        check_names(namespace, name)
        existing = self._stored(namespace, name)
        if existing is not None and self._is_left_behind(namespace, name, existing):
            existing = None
        plan = decide(existing, secret, owner, ownership)
        manager = owner.field_manager
        if plan.action is Action.ABSENT:
            return Applied(action=plan.action, uid="", resource_version="", ours=plan.ours)
        if plan.manifest is not None:
            written = self._write(namespace, name, plan.manifest, before=existing, manager=manager)
        elif existing is not None and existing["metadata"]["resourceVersion"].endswith(_MISPLACED):
            written = self._write(namespace, name, existing, before=existing, manager=manager)
        else:
            written = existing or {}
        return Applied(
            action=plan.action,
            uid=written["metadata"]["uid"],
            resource_version=written["metadata"]["resourceVersion"],
            added=plan.added,
            updated=plan.updated,
            removed=plan.removed,
            ours=plan.ours,
        )

    async def delete_secret(self, namespace: str, name: str, *, uid: str) -> bool:
        """Delete a file that we wrote, if its Secret still has this uid. True when it was there."""
        record = self._state.target(namespace, name)
        if record is None or uid != _target_uid(namespace, name):
            return False
        removed = self._tree.remove(namespace, record.file)
        self._state.release(namespace, name)
        return removed

    async def patch_status(self, kind: Kind, obj: Object, status: Object) -> None:
        """Replace the top-level fields of the status that `status` names; null removes one."""
        metadata = obj["metadata"]
        key = ObjectKey(kind.name, metadata.get("namespace") or "", metadata["name"])
        found = self._contents.objects.get(key)
        if found is None:
            return
        uid = found.obj["metadata"]["uid"]
        if metadata.get("uid") not in (None, uid):
            raise Conflict(f"{key} was deleted and made anew", where=found.where)
        merged = {**(self._state.status(key, uid) or {}), **status}
        self._state.set_status(key, uid, {field: v for field, v in merged.items() if v is not None})

    async def set_finalizer(self, kind: Kind, obj: Object, finalizer: str, *, present: bool) -> Object:
        """Nothing: an object is gone as soon as its file is, and `prune` cleans up after it."""
        return obj

    async def record_event(self, about: Object, *, type_: str, reason: str, message: str) -> None:
        """Keep it among `events`."""
        self.events.append(Event(key_of(about), type_, reason, message))
        _log.debug("%s %s: %s", key_of(about), reason, message)

    async def namespace_labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels that a Namespace manifest gives, or those every namespace has; None for none."""
        found = self._contents.objects.get(ObjectKey(NAMESPACE.name, "", namespace))
        if found is None and not any(key.namespace == namespace for key in self._contents.objects):
            return None
        labels = {} if found is None else found.obj["metadata"].get("labels") or {}
        return {"kubernetes.io/metadata.name": namespace, **labels}

    async def service_account_token(
        self, namespace: str, name: str, *, audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        """Always a ClusterError: there are no service accounts here."""
        raise ClusterError(
            f'there is no service account "{name}" to log in as outside of a Kubernetes cluster',
            hint="let the store log in with a Secret",
        )

    def prune(self) -> Sequence[Pruned]:
        """Remove the targets whose owner is gone from the source, of those that we wrote ourselves.

        One that another object is to make stays, even while that fails. Raises ClusterError when the
        source is in no state to tell that something is gone.
        """
        if not self._contents.complete:
            raise ClusterError(
                "nothing is pruned while a file of the source cannot be read",
                hint="correct the files named above",
            )
        targets = self._state.targets()
        if targets and not self._contents.objects and not self._contents.problems:
            raise ClusterError(
                "nothing is pruned for a source that holds no manifest of ours",
                where=str(self._source.root),
                hint="is it the right folder? if it is, remove the output folder yourself",
            )
        wanted = {(o.key.namespace, target_of(o.obj)) for o in self._contents.objects.values()}
        pruned: builtins.list[Pruned] = []
        for (namespace, name), record in sorted(targets.items()):
            if record.owner is None or record.owner.uid in self._present or (namespace, name) in wanted:
                continue
            stored = self._tree.read(namespace, record.file)
            ours = stored is not None and _digest(stored.data) == record.digest
            if ours:
                self._tree.remove(namespace, record.file)
            if stored is not None:
                pruned.append(Pruned(ObjectKey(SECRET.name, namespace, name), ours))
            if ours or stored is None:
                self._state.release(namespace, name)
        return pruned

    def _is_left_behind(self, namespace: str, name: str, stored: Object) -> bool:
        """Whether the owner is gone from the source and nobody has touched the file since.

        A Kubernetes API would have collected it by now, and so it is nobody's.
        """
        record = self._state.target(namespace, name)
        return (
            record is not None
            and record.owner is not None
            and record.owner.uid not in self._present
            and self._contents.complete
            and stored["metadata"]["resourceVersion"].removesuffix(_MISPLACED) == record.digest
        )

    def _folders(self) -> builtins.list[Contents]:
        return [self._contents] if self._given is None else [self._given, self._contents]

    def _with_status(self, obj: Object) -> Object:
        status = self._state.status(key_of(obj), obj["metadata"]["uid"])
        copy = {**obj, "metadata": dict(obj["metadata"])}
        return copy if status is None else {**copy, "status": status}

    def _secret_object(self, namespace: str, name: str) -> Object | None:
        try:
            check_names(namespace, name)
        except ClusterError:
            return None
        stored = self._stored(namespace, name)
        if stored is not None:
            return stored
        for contents in self._folders():
            found = contents.objects.get(ObjectKey(SECRET.name, namespace, name))
            if found is not None:
                return found.obj
        return None

    def _stored(self, namespace: str, name: str) -> Object | None:
        """The Secret object in the output, as an API would hand it out. Raises ClusterError."""
        record = self._state.target(namespace, name)
        file = self._file(namespace, name)
        stored = self._tree.read(namespace, file)
        if stored is None:
            return None
        document = Format(file.rpartition(".")[2]).load(stored.data, where=self._tree.path(namespace, file))
        metadata = {**(document.get("metadata") or {}), "name": name, "namespace": namespace}
        metadata["uid"] = _target_uid(namespace, name)
        in_place = stored.private and file == self._wanted_file(name)
        metadata["resourceVersion"] = _digest(stored.data) + ("" if in_place else _MISPLACED)
        if record is not None:
            for field, value in (record.metadata or {}).items():
                (metadata if field in _METADATA_KEPT else document)[field] = value
            metadata["managedFields"] = [
                managed_fields_of(manager, own) for manager, own in _own_fields(record).items()
            ]
            if record.owner is not None:
                owner = Owner(**msgspec.structs.asdict(record.owner), field_manager=record.manager)
                metadata["ownerReferences"] = [owner_reference(owner)]
        return {**document, "metadata": metadata}

    def _write(
        self,
        namespace: str,
        name: str,
        manifest: Object,
        *,
        before: Object | None,
        manager: str,
    ) -> Object:
        data = self._format.dump(manifest)
        file = self._wanted_file(name)
        former = self._state.target(namespace, name)
        own, others = _parts(before, manifest, manager, {} if former is None else _own_fields(former))
        record = TargetRecord(
            file=file,
            digest=_digest(data),
            owner=_owner_record(controller_of(manifest["metadata"].get("ownerReferences") or ())),
            **msgspec.structs.asdict(own),
            others=others,
            metadata=None if self._format.holds_metadata else _metadata_of(manifest),
        )
        if record != former:
            self._state.claim(namespace, name, record)
        self._tree.write(namespace, file, data)
        if former is not None and former.file != file:
            self._tree.remove(namespace, former.file)
        written = self._stored(namespace, name)
        if written is None:
            raise ManifestError("the file went away while it was written", where=self._path(namespace, name))
        return written

    def _file(self, namespace: str, name: str) -> str:
        record = self._state.target(namespace, name)
        return record.file if record is not None else self._wanted_file(name)

    def _wanted_file(self, name: str) -> str:
        return f"{name}.{self._format.value}"

    def _path(self, namespace: str, name: str) -> str:
        return self._tree.path(namespace, self._file(namespace, name))


def _target_uid(namespace: str, name: str) -> str:
    return uid_of(ObjectKey(SECRET.name, namespace, name))


def _owner_record(controller: Mapping[str, Any] | None) -> OwnerRecord | None:
    if controller is None:
        return None
    return OwnerRecord(
        api_version=controller["apiVersion"],
        kind=controller["kind"],
        name=controller["name"],
        uid=controller["uid"],
    )


def _own_fields(record: TargetRecord) -> dict[str, OwnFields]:
    """What each manager has written of a file."""
    last = ManagerRecord(
        manager=record.manager,
        items=record.items,
        labels=record.labels,
        annotations=record.annotations,
        made=record.made,
    )
    return {
        one.manager: OwnFields(
            items=frozenset(one.items),
            labels=frozenset(one.labels),
            annotations=frozenset(one.annotations),
            made=one.made,
            any=True,
        )
        for one in (last, *record.others)
    }


def _parts(
    before: Object | None, after: Object, manager: str, known: Mapping[str, OwnFields]
) -> tuple[ManagerRecord, tuple[ManagerRecord, ...]]:
    """The part of `manager`, who makes `before` into `after`, and the parts of the others.

    As an API server keeps its managedFields: whoever changes a key has written it.
    """
    if before is None:
        known = {}
    former = {} if before is None else _fields(before)
    present = _fields(after)
    changed = {
        kind: {key for key, value in fields.items() if former.get(kind, {}).get(key) != value}
        for kind, fields in present.items()
    }

    def part(name: str, own: OwnFields) -> ManagerRecord:
        keys: dict[str, tuple[str, ...]] = {}
        for kind, fields in present.items():
            kept = getattr(own, kind) & fields.keys()
            keys[kind] = tuple(sorted(kept | changed[kind] if name == manager else kept - changed[kind]))
        return ManagerRecord(manager=name, made=own.made, **keys)

    own = known.get(manager, OwnFields(made=before is None))
    others = (part(name, fields) for name, fields in known.items() if name != manager)
    return part(manager, own), tuple(
        one for one in others if one.items or one.labels or one.annotations or one.made
    )


def _fields(secret: Object) -> dict[str, Mapping[str, object]]:
    """What managers write of a Secret: its items, labels and annotations."""
    content = Secret.from_manifest(secret)
    return {"items": content.items, "labels": content.labels, "annotations": content.annotations}


def _metadata_of(manifest: Object) -> dict[str, Any]:
    kept = {field: manifest["metadata"].get(field) for field in _METADATA_KEPT}
    kept |= {field: manifest.get(field) for field in ("type", "immutable")}
    return {field: value for field, value in kept.items() if value}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())
