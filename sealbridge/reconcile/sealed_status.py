"""What the status of a SealedSecret says, in words for people and for machines. Pure; writes nothing.

`Synced` is the controller's condition, in its form: no reason, the error or nothing as message. `Ready`
says more, and `Stalled` is there while nothing but an edit or a sealing key helps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sealbridge.errors import (
    ClusterError,
    Conflict,
    Immutable,
    ManifestError,
    NotOwned,
    SealbridgeError,
    TemplateError,
    UnsealError,
)
from sealbridge.reconcile import conditions
from sealbridge.reconcile.kinds import Object
from sealbridge.sealing.opening import Reason

TEMPLATE_FAILED = "TemplateFailed"
CONFLICT = "Conflict"
IMMUTABLE = "Immutable"
NOT_OWNED = "NotOwned"
INVALID = "Invalid"
UPDATE_FAILED = "UpdateFailed"

# The reason of an object whose items fail for several: the first that is among them.
_WORST_FIRST = (Reason.CORRUPT.value, Reason.WRONG_SCOPE.value, Reason.WRONG_KEY.value)
_STALLING = frozenset({*_WORST_FIRST, TEMPLATE_FAILED, IMMUTABLE, NOT_OWNED, INVALID})

# Bounds, so that a status always has room: items that are named one by one, and characters of a message.
_MOST_NAMED = 64
_LONGEST_MESSAGE = 4096
# Stands for all items that are not named.
THE_OTHERS = "*"


class Told(NamedTuple):
    """Conditions to set, types of conditions to take off, and fields of the status; None removes one."""

    conditions: list[Object]
    without: tuple[str, ...]
    fields: dict[str, Any]


def reason_of(error: SealbridgeError) -> str:
    """One word for why it failed."""
    match error:
        case UnsealError():
            reasons = set(error.items.values())
            return next((reason for reason in _WORST_FIRST if reason in reasons), Reason.WRONG_KEY.value)
        case TemplateError():
            return TEMPLATE_FAILED
        case ManifestError():
            return INVALID
        case NotOwned():
            return NOT_OWNED
        case Immutable():
            return IMMUTABLE
        case Conflict():
            return CONFLICT
        case _:
            return UPDATE_FAILED


def success(obj: Object, *, sealed_with: Mapping[str, str], target: Mapping[str, Any]) -> Told:
    """Of an object whose target is as it should be; `sealed_with`: the key that opened each item."""
    ready = conditions.condition(
        conditions.READY, ok=True, reason=conditions.UNSEALED, message=conditions.UNSEALED_MESSAGE
    )
    return Told(
        [conditions.condition(conditions.SYNCED, ok=True, reason="", message=""), ready],
        (conditions.STALLED,),
        {
            "observedGeneration": obj["metadata"].get("generation"),
            "syncedResourceVersion": conditions.synced_version(obj),
            "sealedWith": compact(sealed_with) or None,
            "failedItems": None,
            "target": target,
        },
    )


def failure(obj: Object, error: SealbridgeError, cause: str) -> Told:
    """Of an object that failed; `cause` is what the controller would say."""
    reason = reason_of(error)
    items = error.items if isinstance(error, UnsealError) else {}
    message = _shortened("; ".join([cause, *_by_reason(items), *([error.hint] if error.hint else [])]))
    told = [
        conditions.condition(conditions.SYNCED, ok=False, reason="", message=_shortened(cause)),
        conditions.condition(conditions.READY, ok=False, reason=reason, message=message),
    ]
    refused = isinstance(error, ClusterError) and not error.retryable
    stalled = refused or reason in _STALLING
    if stalled:
        told.append(conditions.condition(conditions.STALLED, ok=True, reason=reason, message=message))
    return Told(
        told,
        () if stalled else (conditions.STALLED,),
        {
            "observedGeneration": obj["metadata"].get("generation"),
            "failedItems": dict(sorted(items.items())[:_MOST_NAMED]) or None,
        },
    )


def compact(sealed_with: Mapping[str, str]) -> dict[str, str]:
    """At most so many entries: of many items the most frequent key is told once, as that of all others."""
    if len(sealed_with) <= _MOST_NAMED:
        return dict(sorted(sealed_with.items()))
    ((frequent, _),) = Counter(sealed_with.values()).most_common(1)
    others = sorted((item, key) for item, key in sealed_with.items() if key != frequent)
    return {THE_OTHERS: frequent, **dict(others[: _MOST_NAMED - 1])}


def known_keys(obj: Object, items: Collection[str]) -> dict[str, str]:
    """The key that opened each item the last time, as far as the status tells."""
    status = obj.get("status")
    told = status.get("sealedWith") if isinstance(status, dict) else None
    if not isinstance(told, dict):
        return {}
    found = {item: told.get(item, told.get(THE_OTHERS)) for item in items}
    return {item: key for item, key in found.items() if isinstance(key, str)}


def _by_reason(items: Mapping[str, str]) -> list[str]:
    """Which items fail for which reason, where there is more than one."""
    reasons = sorted(set(items.values()))
    if len(reasons) < 2:
        return []
    return [
        f"{reason}: {', '.join(sorted(item for item in items if items[item] == reason)[:_MOST_NAMED])}"
        for reason in reasons
    ]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[: _LONGEST_MESSAGE - 1]}…"
