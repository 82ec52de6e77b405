"""How a reconciler tells what happened: status when it differs, events once. Knows no kind's logic."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from sealbridge.errors import Conflict, SealbridgeError
from sealbridge.reconcile import conditions
from sealbridge.reconcile.cluster import Clock, Owner, TargetState
from sealbridge.reconcile.kinds import Kind, Object, ObjectKey, key_of
from sealbridge.reconcile.result import Outcome, Result


class StatusWriter(Protocol):
    """Takes a status: a cluster, or a memory in its place."""

    async def patch_status(self, kind: Kind, obj: Object, status: Object) -> None:
        """As a Cluster does."""


class StatusMemory:
    """Statuses that are not to be written, kept for as long as the process lives."""

    def __init__(self) -> None:
        self._kept: dict[ObjectKey, tuple[str, Object]] = {}

    async def patch_status(self, kind: Kind, obj: Object, status: Object) -> None:
        """Keep it."""
        merged = {**(obj.get("status") or {}), **status}
        kept = {field: value for field, value in merged.items() if value is not None}
        self._kept[key_of(obj)] = (obj["metadata"].get("uid") or "", kept)

    def recall(self, obj: Object) -> Object:
        """The object with the status that was kept for it; as it is when none was."""
        uid, kept = self._kept.get(key_of(obj), ("", None))
        return {**obj, "status": kept} if kept and uid == (obj["metadata"].get("uid") or "") else obj

    def forget(self, key: ObjectKey) -> None:
        """It is gone."""
        self._kept.pop(key, None)


_log = logging.getLogger(__name__)


async def write_status(
    cluster: StatusWriter,
    clock: Clock,
    kind: Kind,
    obj: Object,
    *,
    wanted: Sequence[Object],
    fields: Mapping[str, Any],
    without: Collection[str] = (),
) -> bool:
    """Patch what differs of the status and nothing when nothing does. True when it wrote.

    A field that is None goes, and so do conditions of the types `without`.

    Raises ClusterError.
    """
    full = {**fields, "conditions": conditions.with_conditions(obj, wanted, clock.now(), without)}
    changed = conditions.changed_fields(obj, full)
    if changed:
        await cluster.patch_status(kind, obj, changed)
    return bool(changed)


async def try_write_status(
    cluster: StatusWriter,
    clock: Clock,
    kind: Kind,
    obj: Object,
    *,
    wanted: Sequence[Object],
    fields: Mapping[str, Any],
    without: Collection[str] = (),
) -> None:
    """Like `write_status` on the way out of a failure, which a second one must not hide."""
    try:
        await write_status(cluster, clock, kind, obj, wanted=wanted, fields=fields, without=without)
    except Conflict:
        _log.debug("status of %s was changed meanwhile", obj["metadata"]["name"])
    except SealbridgeError as error:
        _log.warning("cannot write the status of %s %s: %s", kind, obj["metadata"]["name"], error)


def owner_of(kind: Kind, obj: Object, field_manager: str) -> Owner:
    """The object as the owner of its target."""
    metadata = obj["metadata"]
    return Owner(
        api_version=obj.get("apiVersion") or kind.api_version,
        kind=kind.name,
        name=metadata["name"],
        uid=metadata.get("uid") or "",
        field_manager=field_manager,
    )


def target_matches(obj: Object, state: TargetState | None) -> bool:
    """Whether the target is the very version that the status names."""
    status = obj.get("status")
    target = status.get("target") if isinstance(status, dict) else None
    return (
        state is not None
        and isinstance(target, dict)
        and target.get("uid") == state.uid
        and target.get("resourceVersion") == state.resource_version
    )


def being_deleted(obj: Object) -> bool:
    """Whether somebody has asked for this object's deletion."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def failed(
    key: ObjectKey,
    error: SealbridgeError,
    *,
    retry: bool,
    told: bool = False,
    message: str = "",
    target: ObjectKey | None = None,
    depends_on: frozenset[ObjectKey] = frozenset(),
) -> Result:
    """The result of a failure; `told` when the status names it."""
    return Result(
        key=key,
        outcome=Outcome.FAILED,
        message=message or error.what,
        target=target,
        retry=retry,
        told=told,
        error=error,
        depends_on=depends_on,
    )
