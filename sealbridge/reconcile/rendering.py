"""What a refresh would make of an ExternalSecret now, against the Secret that is there. Writes nothing.

It comes to its result by the same steps as a pass of the reconciler, and contacts stores itself: whether
an operator has found them ready does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import msgspec

from sealbridge.errors import SealbridgeError
from sealbridge.reconcile import conditions, finalizer
from sealbridge.reconcile.asking import Foreign
from sealbridge.reconcile.cluster import Action, Clock, Cluster
from sealbridge.reconcile.desired import (
    Desired,
    Given,
    Step,
    check_deletion,
    next_step,
    owner_for,
    ownership_of,
)
from sealbridge.reconcile.kinds import EXTERNAL_SECRET, SECRET, Object, ObjectKey, key_of
from sealbridge.reconcile.ownership import DEFAULT_TYPE, belongs_to, controller_of, decide
from sealbridge.reconcile.read_only import ReadOnlyCluster
from sealbridge.reconcile.store_access import DEFAULT_CONTROLLER_CLASS
from sealbridge.reconcile.store_pool import Opener, StorePool
from sealbridge.secret import Secret, Value, check_name, check_namespace
from sealbridge.stores.registry import open_store
from sealbridge.sync.missing import missing_text
from sealbridge.sync.model import ExternalSecret, parse
from sealbridge.sync.plan import generators
from sealbridge.sync.template import DATA_HASH_ANNOTATION

_IDENTITY = ("uid", "resourceVersion", "generation")


class _Applied(msgspec.Struct):
    metadata: dict[str, Any] = {}


class Result(Enum):
    """What would happen to the target."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    KEPT = "kept"  # the stores have nothing any more, and the policy keeps the Secret
    ABSENT = "absent"  # there is no Secret to merge into
    NONE = "none"  # it is to make none
    SKIPPED = "skipped"  # another controller takes care of it
    FAILED = "failed"


class Change(Enum):
    """What would happen to one entry."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One entry before and after: an item, a label, or an annotation. Templates make all three."""

    key: str
    before: Value | None
    after: Value | None

    @property
    def change(self) -> Change:
        """In one word."""
        if self.before is None:
            return Change.ADDED
        if self.after is None:
            return Change.REMOVED
        return Change.SAME if self.before == self.after else Change.CHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a refresh would do. `fields` are type, immutable, owner and finalizers, as text before and after,
    where they would change; nothing in them is secret. `former` is a Secret of an earlier name that would go.
    """

    key: ObjectKey
    result: Result
    target: ObjectKey | None = None
    items: tuple[Difference, ...] = ()
    labels: tuple[Difference, ...] = ()
    annotations: tuple[Difference, ...] = ()
    fields: Mapping[str, tuple[str, str]] | None = None
    former: str | None = None
    notes: tuple[str, ...] = ()
    error: SealbridgeError | None = None

    @property
    def differs(self) -> bool:
        """Whether a refresh would change anything."""
        return self.result in (Result.CREATED, Result.UPDATED, Result.DELETED) or self.former is not None

    @property
    def tells_changes(self) -> bool:
        """Whether any of what is listed here would change."""
        listed = (*self.items, *self.labels, *self.annotations)
        return bool(self.fields) or any(one.change is not Change.SAME for one in listed)


class Renderer:
    """Renders ExternalSecrets over the stores of one cluster, each store opened once. Close it."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        *,
        opener: Opener = open_store,
        controller_class: str = DEFAULT_CONTROLLER_CLASS,
    ) -> None:
        self._cluster = ReadOnlyCluster(cluster)
        self._stores = StorePool(self._cluster, clock, opener=opener, controller_class=controller_class)

    async def close(self) -> None:
        """Close the stores."""
        await self._stores.close()

    async def render(self, obj: Object) -> Rendered:
        """What would become of an ExternalSecret as it is given. Raises nothing that a user can meet."""
        key = key_of(obj)
        try:
            return await self._rendered(key, obj)
        except SealbridgeError as error:
            return Rendered(key=key, result=Result.FAILED, error=error)

    async def _rendered(self, key: ObjectKey, given: Object) -> Rendered:
        check_name(key.name, "metadata.name")
        check_namespace(key.namespace, "metadata.namespace")
        obj = _as_live(given, await self._cluster.get(EXTERNAL_SECRET, key.namespace, key.name))
        wanted = parse(obj)
        check_name(wanted.target_name, "spec.target.name")
        desired = Desired(self._cluster, self._stores, wanted, fresh=False, checked_only=False)
        try:
            found = await desired.ask()
        except Foreign:
            return Rendered(
                key=key, result=Result.SKIPPED, notes=("another controller takes care of its store",)
            )
        target = ObjectKey(SECRET.name, wanted.namespace, wanted.target_name)
        rendered = Rendered(key=key, result=Result.NONE, target=target, notes=_notes(wanted, found))
        match next_step(wanted, found.assembled.items):
            case Step.NOTHING:
                made = tuple(_difference(k, None, v) for k, v in sorted(found.assembled.items.items()))
                return replace(rendered, target=None, items=made)
            case Step.KEEP:
                return replace(rendered, result=Result.KEPT)
            case Step.DELETE:
                check_deletion(wanted)
                rendered = await self._deleted(rendered, obj, target)
            case Step.WRITE:
                rendered = await self._written(
                    rendered, obj, wanted, await desired.secret(found.assembled.items)
                )
        return replace(rendered, former=await self._former(obj, wanted))

    async def _written(
        self, rendered: Rendered, obj: Object, wanted: ExternalSecret, secret: Secret
    ) -> Rendered:
        before = await self._cluster.get_secret(wanted.namespace, wanted.target_name)
        existing = None if before is None else before.to_manifest()
        plan = decide(existing, secret, owner_for(obj), ownership_of(wanted))
        if plan.action is Action.ABSENT:
            return replace(rendered, result=Result.ABSENT)
        after = before if plan.manifest is None else Secret.from_manifest(plan.manifest)
        compared = _compared(replace(rendered, result=Result(plan.action.value)), before, after)
        if compared.result is Result.UPDATED and not compared.tells_changes:
            return replace(compared, notes=(*compared.notes, "only its owner reference would be renewed"))
        return compared

    async def _deleted(self, rendered: Rendered, obj: Object, target: ObjectKey) -> Rendered:
        before = await self._cluster.get_secret(target.namespace, target.name)
        if before is None:
            return replace(rendered, result=Result.UNCHANGED)
        if not belongs_to(before, owner_for(obj)):
            raise finalizer.not_of_this(target.name)
        return _compared(replace(rendered, result=Result.DELETED), before, None)

    async def _former(self, obj: Object, wanted: ExternalSecret) -> str | None:
        """The Secret of an earlier target name, if it would go."""
        status = obj.get("status")
        binding = status.get("binding") if isinstance(status, dict) else None
        former = binding.get("name") if isinstance(binding, dict) else None
        if not isinstance(former, str) or former in ("", wanted.target_name):
            return None
        secret = await self._cluster.get_secret(wanted.namespace, former)
        return former if secret is not None and belongs_to(secret, owner_for(obj)) else None


def _as_live(given: Object, live: Object | None) -> Object:
    """The object as it would be once it is applied: who it is and what was told of it are the cluster's."""
    metadata = {k: v for k, v in given["metadata"].items() if k not in _IDENTITY}
    rest = {k: v for k, v in given.items() if k != "status"}
    if live is None:
        return {**rest, "metadata": metadata}
    own = live["metadata"]
    metadata |= {k: own[k] for k in _IDENTITY if k in own}
    applied = _last_applied(own)
    for field in ("labels", "annotations"):
        # What others have put there stays, as kubectl has it: it counts for the operator as well.
        others = {k: v for k, v in (own.get(field) or {}).items() if k not in applied.get(field, ())}
        metadata[field] = others | (metadata.get(field) or {})
    # The API server hands out every version as the one that is asked for, and so names it as the owner.
    version = live.get("apiVersion") or rest.get("apiVersion")
    return {**rest, "apiVersion": version, "metadata": metadata, "status": live.get("status") or {}}


def _last_applied(metadata: Object) -> Mapping[str, Mapping[str, str]]:
    """Labels and annotations that kubectl has put there, and takes away when a file has them no more."""
    text = (metadata.get("annotations") or {}).get("kubectl.kubernetes.io/last-applied-configuration")
    try:
        found = msgspec.json.decode(text or "{}", type=_Applied).metadata
    except (msgspec.DecodeError, UnicodeError):
        return {}
    return {field: keys for field, keys in found.items() if isinstance(keys, dict)}


def _compared(rendered: Rendered, before: Secret | None, after: Secret | None) -> Rendered:
    items = _differences(before.items if before else {}, after.items if after else {})
    annotations = _texts(before.annotations if before else {}, after.annotations if after else {})
    if any(item.change is not Change.SAME for item in items):
        # It says no more than that the data is another.
        annotations = tuple(one for one in annotations if one.key != DATA_HASH_ANNOTATION)
    fields = {
        name: (told(before) if before else "", told(after) if after else "")
        for name, told in (
            ("type", _type),
            ("immutable", _immutable),
            ("owner", _owner),
            ("finalizers", _finalizers),
        )
    }
    return replace(
        rendered,
        items=items,
        labels=_texts(before.labels if before else {}, after.labels if after else {}),
        annotations=annotations,
        fields={name: (old, new) for name, (old, new) in fields.items() if old != new},
    )


def _differences(before: Mapping[str, Value], after: Mapping[str, Value]) -> tuple[Difference, ...]:
    keys = sorted(before.keys() | after.keys())
    return tuple(_difference(key, before.get(key), after.get(key)) for key in keys)


def _difference(key: str, before: Value | None, after: Value | None) -> Difference:
    return Difference(key=key, before=before, after=after)


def _texts(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Difference, ...]:
    """Labels or annotations that would change. Their values may come from stores as well."""
    made = _differences(_values(before), _values(after))
    return tuple(one for one in made if one.change is not Change.SAME)


def _values(texts: Mapping[str, str]) -> dict[str, Value]:
    return {key: Value(text.encode("utf-8", "surrogatepass")) for key, text in texts.items()}


def _type(secret: Secret) -> str:
    return secret.type or DEFAULT_TYPE


def _immutable(secret: Secret) -> str:
    return "true" if secret.immutable else ""


def _finalizers(secret: Secret) -> str:
    return ", ".join(secret.metadata.get("finalizers") or ())


def _owner(secret: Secret) -> str:
    owner = controller_of(secret.metadata.get("ownerReferences") or ())
    return "" if owner is None else f"{owner.get('kind')} {owner.get('name')}"


def _notes(wanted: ExternalSecret, found: Given) -> tuple[str, ...]:
    """What to know besides the plan; no value."""
    notes = [f"{where} found {count or 'nothing'}" for where, count in found.assembled.matches.items()]
    notes += [f"without {name}: {error.what}" for name, error in found.assembled.missing.items()]
    if found.missing:
        notes.append(missing_text(found.missing))
    if next_step(wanted, found.assembled.items) is Step.KEEP:
        notes.append(conditions.RETAINED_MESSAGE)
    if generators(wanted.spec):
        notes.append("generators make new values at every refresh, and others than these")
    return tuple(notes)
