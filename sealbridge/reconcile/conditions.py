"""The words of status and events, written once, and the conditions made of them. Knows no kind's logic.

Types, reasons and messages are those of Sealed Secrets and External Secrets, so that dashboards, health
checks and scripts written for them read ours. What is sealbridge's own is added behind them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sealbridge.reconcile.kinds import Object
from sealbridge.sync.fingerprints import resource_version

NORMAL = "Normal"
WARNING = "Warning"

# Condition types.
READY = "Ready"  # all kinds; kstatus and Argo CD read it
STALLED = "Stalled"  # there while time alone heals nothing: kstatus calls it failed instead of in progress
SYNCED = "Synced"  # SealedSecret

# SealedSecret: event reasons, and the reasons of its conditions.
UNSEALED = "Unsealed"
UNSEAL_FAILED = "ErrUnsealFailed"
UPDATE_FAILED = "ErrUpdateFailed"

UNSEALED_MESSAGE = "SealedSecret unsealed successfully"
UNSEAL_FAILED_PREFIX = "Failed to unseal: "

# ExternalSecret: condition reasons and messages.
SECRET_SYNCED = "SecretSynced"  # noqa: S105 - a word, no secret
SECRET_SYNCED_ERROR = "SecretSyncedError"  # noqa: S105
SECRET_DELETED = "SecretDeleted"  # noqa: S105
SECRET_MISSING = "SecretMissing"  # noqa: S105
# sealbridge's own: all went well, and a search that should find something has found nothing.
NOTHING_FOUND = "NothingFound"
SECRET_SYNCED_MESSAGE = "secret synced"  # noqa: S105
RETAINED_MESSAGE = "secret retained due to DeletionPolicy=Retain"
DELETED_MESSAGE = "secret deleted due to DeletionPolicy=Delete"
MISSING_MESSAGE = "secret will not be created due to CreationPolicy=Merge"
GET_FAILED_MESSAGE = "could not get secret data from provider"
UPDATE_FAILED_MESSAGE = "could not update secret"
DELETE_FAILED_MESSAGE = "could not delete secret"
DELETE_ORPHANED_FAILED_MESSAGE = "could not delete orphaned secrets"

# ExternalSecret: event reasons.
CREATED_EVENT = "Created"
UPDATED_EVENT = "Updated"
DELETED_EVENT = "Deleted"
MISSING_PROVIDER_SECRET_EVENT = "MissingProviderSecret"  # noqa: S105
UPDATE_FAILED_EVENT = "UpdateFailed"
OPTIONAL_KEYS_EVENT = "OptionalKeysMissing"

# PushSecret: condition and event reasons, and messages.
PUSH_SYNCED = "Synced"
PUSH_ERRORED = "Errored"
PUSH_SOURCE_DELETED = "SourceDeleted"
PUSH_SYNCED_MESSAGE = "PushSecret synced successfully"
PUSH_KEPT_MESSAGE = ". Existing secrets in providers unchanged."
PUSH_SOURCE_FAILED_MESSAGE = "could not get source secret"
PUSH_FAILED_MESSAGE = "set secret failed"
PUSH_DELETE_FAILED_MESSAGE = "Failed to Delete Secrets from Provider"
PUSH_SOURCE_DELETED_MESSAGE = "source secret deleted; provider secrets cleaned up"

# SecretStore and ClusterSecretStore.
STORE_VALID = "Valid"
STORE_INVALID = "InvalidProviderConfig"
STORE_IN_USE = "InUse"  # sealbridge's own
STORE_VALID_MESSAGE = "store validated"
STORE_CREATE_FAILED_MESSAGE = "unable to create client"
STORE_CHECK_FAILED_MESSAGE = "unable to validate store"

# ClusterExternalSecret: upstream's messages; the reasons are sealbridge's own, as upstream gives none.
PROVISIONED = "Provisioned"
NO_NAMESPACE = "NoNamespaceMatches"
NAMESPACES_FAILED = "NamespacesFailed"
INVALID_SPEC = "InvalidSpec"
PROVISIONED_MESSAGE = "every namespace that matches has its external secret"
NO_NAMESPACE_MESSAGE = "no namespace matches"
NAMESPACES_FAILED_MESSAGE = "one or more namespaces failed"
EXISTS_MESSAGE = "external secret already exists in namespace"


def timestamp(at: datetime) -> str:
    """A time as Kubernetes writes it: UTC, whole seconds, `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: object) -> datetime | None:
    """The time of a status field, aware; None when it holds none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def condition_of(obj: Object, type_: str) -> Mapping[str, Any]:
    """One condition of an object; empty when it has none of this type."""
    for condition in _conditions(obj):
        if condition.get("type") == type_:
            return condition
    return {}


def is_true(obj: Object, type_: str) -> bool:
    """Whether the object has this condition with status True."""
    return condition_of(obj, type_).get("status") == "True"


def with_conditions(
    obj: Object, wanted: Sequence[Object], at: datetime, without: Collection[str] = ()
) -> list[Object]:
    """All conditions of `obj` but the types `without`, after `wanted` ones replaced those of their types.

    A condition that says the same keeps its times; `lastTransitionTime` moves only when the status
    flips. Conditions of other types stay where they are. Upstream's SealedSecret has lastUpdateTime
    as well: it is kept up wherever `wanted` holds the key.
    """
    result = [dict(condition) for condition in _conditions(obj) if condition.get("type") not in without]
    for new in wanted:
        old = next((c for c in result if c.get("type") == new["type"]), None)
        if old is None:
            result.append(_timed(new, transition=timestamp(at), at=at))
        elif not _says(old, new):
            flipped = old.get("status") != new["status"]
            transition = timestamp(at) if flipped else old.get("lastTransitionTime") or timestamp(at)
            result[result.index(old)] = _timed(new, transition=transition, at=at)
    return result


def condition(type_: str, *, ok: bool, reason: str, message: str) -> Object:
    """A condition without its times; an empty `reason` is left out."""
    told = {"reason": reason} if reason else {}
    return {"type": type_, "status": "True" if ok else "False", **told, "message": message}


def synced_version(obj: Object) -> str:
    """`<generation>-<hash of labels and annotations>`: changes with every edit that matters."""
    metadata = obj["metadata"]
    return resource_version(
        metadata.get("generation") or 0, metadata.get("labels") or {}, metadata.get("annotations") or {}
    )


def changed_fields(obj: Object, wanted: Mapping[str, Any]) -> Object:
    """Those fields of `wanted` that the object's status does not hold yet."""
    status = obj.get("status")
    current = status if isinstance(status, dict) else {}
    return {field: value for field, value in wanted.items() if current.get(field) != value}


def _conditions(obj: Object) -> list[Mapping[str, Any]]:
    status = obj.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return [c for c in conditions if isinstance(c, dict)] if isinstance(conditions, list) else []


def _says(old: Mapping[str, Any], new: Object) -> bool:
    return all(old.get(field) == new.get(field) for field in ("status", "reason", "message"))


def _timed(new: Object, *, transition: str, at: datetime) -> Object:
    timed = {**new, "lastTransitionTime": transition}
    if new["type"] == SYNCED:
        timed["lastUpdateTime"] = timestamp(at)
    return timed
