"""Who may write a target, and what it becomes. Pure: knows objects, neither reads nor writes them.

Both clusters ask `decide` before they write, so that a directory and a Kubernetes API come to the same
Secret. Two things the API cannot do in place are refused with an error that says how to go on, never
done by deleting: another `type`, and other data in an immutable Secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sealbridge.errors import Immutable, NotOwned
from sealbridge.reconcile.cluster import Action, Owner, Ownership, TargetState
from sealbridge.reconcile.kinds import SEALED_SECRET, Object
from sealbridge.sealing.keys import KEY_LABEL
from sealbridge.secret import Secret
from sealbridge.sync.fingerprints import created_by, data_hash
from sealbridge.sync.template import CREATED_BY_LABEL, DATA_HASH_ANNOTATION, MANAGED_LABEL

MANAGED_ANNOTATION = "sealedsecrets.bitnami.com/managed"
PATCH_ANNOTATION = "sealedsecrets.bitnami.com/patch"
# On a target without an owner reference: whose it is all the same. It holds no UID, so that an owner that
# was deleted and applied again goes on where it was.
RETAINED_ANNOTATION = "sealbridge.io/retained-for"

# On an ExternalSecret or on a Secret that somebody else has made: the one may take over the other.
ADOPT_ANNOTATION = "sealbridge.io/adopt"

DEFAULT_TYPE = "Opaque"
# What logs in to the cluster itself: no ExternalSecret makes one, and none changes one.
_CREDENTIALS = frozenset({"kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"})

_MERGES = frozenset({Ownership.MERGE, Ownership.CREATE_OR_MERGE})
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do to a target: the manifest to create or replace it by, None when it is so already.

    A manifest that replaces carries the resourceVersion it was decided on. The three tuples name item
    keys in sorted order. `ours` tells whether the target is the owner's own after it.
    """

    action: Action
    manifest: Object | None = None
    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    ours: bool = True


def decide(existing: Object | None, desired: Secret, owner: Owner, ownership: Ownership) -> Plan:
    """What makes `existing`, a whole Secret object or None, into what `owner` desires.

    Raises NotOwned when the target belongs to somebody else, Immutable when it cannot be changed in
    place, ManifestError when `existing` cannot be read.
    """
    if existing is None:
        if ownership is Ownership.MERGE:
            return Plan(action=Action.ABSENT, ours=False)
        controls = ownership in (Ownership.OWN, Ownership.ADOPT)
        return _creation(desired, owner if controls else replace(owner, unowned=True))
    current = Secret.from_manifest(existing)
    _check_no_key(current, owner)
    if ownership is Ownership.OWN:
        merged = _owned(current, desired, owner)
    else:
        merged = _shared(current, desired, owner, ownership)
    _check_immutable(current, merged, ownership)
    changes = {
        "added": tuple(sorted(merged.items.keys() - current.items.keys())),
        "removed": tuple(sorted(current.items.keys() - merged.items.keys())),
        "updated": tuple(
            key
            for key in sorted(merged.items)
            if current.items.get(key, merged.items[key]) != merged.items[key]
        ),
    }
    ours = ownership is not Ownership.OWN or _is_ours(merged, owner) or _is_managed(merged)
    if _content(merged) == _content(current):
        return Plan(action=Action.UNCHANGED, ours=ours)
    return Plan(action=Action.UPDATED, manifest=merged.to_manifest(), ours=ours, **changes)


def controller_of(references: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The owner reference that controls, or None."""
    return next((reference for reference in references if reference.get("controller") is True), None)


def state_of(secret: Object) -> TargetState:
    """What the metadata of a Secret object tells."""
    metadata = secret["metadata"]
    controller = controller_of(metadata.get("ownerReferences") or ())
    return TargetState(
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        owner_uid=None if controller is None else controller.get("uid"),
        owner=None if controller is None else f"{controller.get('kind')} {controller.get('name')}",
    )


def owner_reference(owner: Owner) -> Object:
    """The reference that makes `owner` the controller. It never blocks its deletion."""
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
    }


def is_left_to_nobody(desired: Secret, owner: Owner) -> bool:
    """Whether a target made so could not be changed again: nothing on it says whose it is."""
    annotations = desired.annotations
    told = annotations.get(MANAGED_ANNOTATION) == "true" or annotations.get(PATCH_ANNOTATION) == "true"
    return owner.unowned and not owner.retain and not told


def not_owned(name: str, owner: Owner) -> NotOwned:
    """The error of a Secret that is not the owner's to change."""
    return NotOwned(
        f'Resource "{name}" already exists and is not managed by {owner.kind}',
        hint=f'annotate the Secret with {MANAGED_ANNOTATION}: "true" to hand it over, or delete it',
    )


def _creation(desired: Secret, owner: Owner) -> Plan:
    if owner.retain:
        desired = replace(desired, annotations={**desired.annotations, RETAINED_ANNOTATION: _mark(owner)})
    document = desired.to_manifest()
    document["type"] = desired.type or DEFAULT_TYPE
    references = _references((), owner)
    if references:
        document["metadata"]["ownerReferences"] = references
    ours = owner.retain or not owner.unowned or _is_managed(desired)
    return Plan(action=Action.CREATED, manifest=document, added=tuple(sorted(desired.items)), ours=ours)


def _owned(current: Secret, desired: Secret, owner: Owner) -> Secret:
    patch = current.annotations.get(PATCH_ANNOTATION) == "true"
    if not (_is_ours(current, owner) or _is_managed(current) or patch):
        raise not_owned(desired.name, owner)
    annotations = {**current.annotations, **desired.annotations} if patch else dict(desired.annotations)
    metadata = _metadata(current)
    # As the controller does: an annotation that this very patch brings counts.
    if not patch or annotations.get(MANAGED_ANNOTATION) == "true" or _changes_hands(current, owner):
        _set(metadata, "ownerReferences", _references((), owner))
        annotations.pop(RETAINED_ANNOTATION, None)
        if owner.retain:
            annotations[RETAINED_ANNOTATION] = _mark(owner)
    return Secret(
        name=current.name,
        namespace=current.namespace,
        items={**current.items, **desired.items} if patch else desired.items,
        # A patch adds to somebody's Secret: it has an opinion on the type only when it states one.
        type=desired.type or (current.type if patch else "") or DEFAULT_TYPE,
        immutable=current.immutable,
        labels={**current.labels, **desired.labels} if patch else desired.labels,
        annotations=annotations,
        metadata=metadata,
    )


def _is_ours(secret: Secret, owner: Owner) -> bool:
    """Whether the owner controls it, or would if it were to go with its owner."""
    controller = controller_of(secret.metadata.get("ownerReferences") or ())
    if controller is not None:
        return controller.get("uid") == owner.uid
    known = owner.retain and owner.target_uid != "" and secret.metadata.get("uid") == owner.target_uid
    return (known and _was_written(secret, owner)) or _is_retained(secret, owner)


def _was_written(secret: Secret, owner: Owner) -> bool:
    """Whether we have written it before. A UID comes from a status, which others may be allowed to write."""
    entries = secret.metadata.get("managedFields") or ()
    return any(entry.get("manager") == owner.field_manager for entry in entries)


def _changes_hands(current: Secret, owner: Owner) -> bool:
    """Whether a patched target of ours is to be retained, or no longer."""
    return _is_retained(current, owner) or (owner.retain and _is_ours(current, owner))


def _is_retained(secret: Secret, owner: Owner) -> bool:
    return secret.annotations.get(RETAINED_ANNOTATION) == _mark(owner)


def _is_managed(secret: Secret) -> bool:
    return secret.annotations.get(MANAGED_ANNOTATION) == "true"


def _mark(owner: Owner) -> str:
    return f"{owner.kind}/{owner.name}"


def belongs_to(secret: Secret, owner: Owner) -> bool:
    """Whether a target goes with its ExternalSecret: it is its controller, or marked as its owner."""
    controller = controller_of(secret.metadata.get("ownerReferences") or ())
    if controller is not None:
        return _same_object(controller, owner)
    return _is_marked(secret, owner)


def _is_marked(secret: Secret, owner: Owner) -> bool:
    return secret.labels.get(MANAGED_LABEL) == "true" and (
        secret.labels.get(CREATED_BY_LABEL) == created_by(secret.namespace, owner.name)
    )


def _was_made_by(secret: Secret, own: OwnFields, owner: Owner) -> bool:
    """Whether replacing its data takes nothing that is somebody else's.

    Secrets that External Secrets Operator has made count: it signs with the same names.
    """
    if belongs_to(secret, owner) or own.made:
        return True
    # A Secret taken over once, with nothing in it but what was written then.
    return secret.labels.get(MANAGED_LABEL) == "true" and own.any and secret.items.keys() <= own.items


def _shared(current: Secret, desired: Secret, owner: Owner, ownership: Ownership) -> Secret:
    """The target of an ExternalSecret, which never takes what is somebody else's."""
    if current.type in _CREDENTIALS:
        raise NotOwned(
            f'Secret "{current.name}" is a credential of the cluster itself ({current.type})',
            hint="choose another name for the target",
        )
    references = current.metadata.get("ownerReferences") or []
    merges = ownership in _MERGES
    _check_controller(current, owner, merges=merges)
    own = own_fields(current.metadata.get("managedFields") or (), owner.field_manager)
    handed_over = owner.adopts or current.annotations.get(ADOPT_ANNOTATION) == "true"
    if not (merges or handed_over or _was_made_by(current, own, owner)):
        raise NotOwned(
            f'Secret "{current.name}" was made by somebody else and would lose its data: creationPolicy'
            f' Merge adds to it, the annotation {ADOPT_ANNOTATION}: "true" on the ExternalSecret or on the'
            " Secret hands it over",
            hint="or give target.name another name",
        )
    metadata = _metadata(current)
    _set(
        metadata,
        "ownerReferences",
        _references(references, owner)
        if ownership is Ownership.ADOPT
        else [dict(one) for one in references if not _same_object(one, owner)],
    )
    items = {**_without(current.items, own.items), **desired.items} if merges else dict(desired.items)
    annotations = _without(current.annotations, own.annotations) | dict(desired.annotations)
    if merges and DATA_HASH_ANNOTATION in desired.annotations:
        # Over the keys of others as well, so that an edit of any of them is seen.
        annotations[DATA_HASH_ANNOTATION] = data_hash(items)
    return Secret(
        name=current.name,
        namespace=current.namespace,
        items=items,
        type=desired.type or current.type or DEFAULT_TYPE,
        immutable=True if desired.immutable or current.immutable else desired.immutable,
        labels=_without(current.labels, own.labels) | dict(desired.labels),
        annotations=annotations,
        metadata=metadata,
    )


def _check_controller(current: Secret, owner: Owner, *, merges: bool) -> None:
    """Refuse what another controller would write over again and again."""
    controller = controller_of(current.metadata.get("ownerReferences") or ())
    if controller is None or _same_object(controller, owner):
        return
    group, kind = _group(controller.get("apiVersion")), controller.get("kind")
    if (group, kind) == (_group(owner.api_version), owner.kind):
        what = f"target is owned by another {owner.kind}"
    elif not merges:
        what = f"target is owned by {kind} {controller.get('name')}"
    elif (group, kind) == (SEALED_SECRET.group, SEALED_SECRET.name) and (
        current.annotations.get(PATCH_ANNOTATION) != "true"
    ):
        what = f"target is owned by {kind} {controller.get('name')}, which replaces all of its data"
    else:
        return
    raise NotOwned(what, hint="give the two different target names, or delete one of them")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFields:
    """What one field manager has written of a Secret: keys of its items, labels and annotations.

    `made`: it is the one that created the Secret.
    """

    items: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    annotations: frozenset[str] = frozenset()
    made: bool = False
    any: bool = False


def own_fields(managed_fields: Iterable[Mapping[str, Any]], manager: str) -> OwnFields:
    """What `manager` has written, from an object's managedFields."""
    items: set[str] = set()
    labels: set[str] = set()
    annotations: set[str] = set()
    made = found = False
    for entry in managed_fields:
        if entry.get("manager") != manager or entry.get("operation") != "Update":
            continue
        found = True
        fields = entry.get("fieldsV1") or {}
        metadata = fields.get("f:metadata") or {}
        items.update(_field_names(fields.get("f:data")))
        labels.update(_field_names(metadata.get("f:labels")))
        annotations.update(_field_names(metadata.get("f:annotations")))
        # The type is written once, by whoever creates a Secret.
        made = made or "f:type" in fields
    return OwnFields(
        items=frozenset(items),
        labels=frozenset(labels),
        annotations=frozenset(annotations),
        made=made,
        any=found,
    )


def managed_fields_of(manager: str, own: OwnFields) -> Object:
    """The managedFields entry that `own_fields` reads this from."""
    names: dict[str, Object] = {
        kind: {f"f:{key}": {} for key in sorted(keys)}
        for kind, keys in (("data", own.items), ("labels", own.labels), ("annotations", own.annotations))
    }
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:data": names["data"],
            "f:metadata": {"f:labels": names["labels"], "f:annotations": names["annotations"]},
            **({"f:type": {}} if own.made else {}),
        },
    }


def _field_names(fields: Mapping[str, Any] | None) -> set[str]:
    return {name[2:] for name in fields or () if name.startswith("f:")}


def _references(current: Iterable[Mapping[str, Any]], owner: Owner) -> list[Object]:
    if owner.unowned or owner.retain:
        return []
    # An owner that was deleted and made anew takes its target with it: the reference to its former
    # life would have the garbage collector delete the Secret.
    kept = [dict(reference) for reference in current if not _same_object(reference, owner)]
    return [*kept, owner_reference(owner)]


def _same_object(reference: Mapping[str, Any], owner: Owner) -> bool:
    return (
        _group(reference.get("apiVersion")) == _group(owner.api_version)
        and reference.get("kind") == owner.kind
        and reference.get("name") == owner.name
    )


def _group(api_version: object) -> str:
    text = str(api_version or "")
    return text.rpartition("/")[0]


def _metadata(current: Secret) -> dict[str, Any]:
    """What stays of the metadata in a replacement. managedFields are the server's to write."""
    return {key: deepcopy(value) for key, value in current.metadata.items() if key != "managedFields"}


def _set(metadata: dict[str, Any], key: str, value: list[Object]) -> None:
    if value:
        metadata[key] = value
    else:
        metadata.pop(key, None)


def _without(current: Mapping[str, _T], keys: frozenset[str]) -> dict[str, _T]:
    return {key: value for key, value in current.items() if key not in keys}


def _check_no_key(current: Secret, owner: Owner) -> None:
    """A sealing key that is overwritten takes all with it that was sealed for it: nobody adopts one."""
    if current.labels.get(KEY_LABEL) != "active" or _is_retained(current, owner):
        return
    if controller_of(current.metadata.get("ownerReferences") or ()) is None:
        raise NotOwned(f'Secret "{current.name}" is a sealing key', hint="choose another name for the target")


def _check_immutable(current: Secret, merged: Secret, ownership: Ownership) -> None:
    again = "delete the Secret, the next pass makes it anew"
    type_ = current.type or DEFAULT_TYPE
    if merged.type != type_:
        raise Immutable(
            f'the type of Secret "{current.name}" cannot change from {type_} to {merged.type}', hint=again
        )
    if current.immutable and merged.items != current.items:
        what = (
            "could not update secret, target is immutable"
            if ownership is not Ownership.OWN
            else f'Secret "{current.name}" is immutable and its data has changed'
        )
        raise Immutable(what, hint=again)


def _content(secret: Secret) -> tuple[object, ...]:
    return (
        secret.items,
        secret.type or DEFAULT_TYPE,
        bool(secret.immutable),
        dict(secret.labels),
        dict(secret.annotations),
        secret.metadata.get("ownerReferences") or [],
    )
