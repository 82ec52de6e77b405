"""What is told of the entries of an ExternalSecret that went well: how much a search has found, and which
optional entry there was nothing for. Knows no store and no target."""

from __future__ import annotations

from sealbridge.reconcile import conditions
from sealbridge.reconcile.cluster import Cluster
from sealbridge.reconcile.kinds import Object
from sealbridge.sync.assemble import Assembled

_NAMED = 10


def outcome(assembled: Assembled, reason: str, message: str) -> tuple[str, str]:
    """Reason and message of a success; a reason of its own when a search has found nothing."""
    empty = [f"{where}.find" for where, count in assembled.matches.items() if not count]
    if not empty or reason != conditions.SECRET_SYNCED:
        return reason, message
    return conditions.NOTHING_FOUND, f"{message}; {', '.join(empty)} found nothing"


def status_fields(assembled: Assembled) -> dict[str, object]:
    """Fields of the status; None removes one."""
    matches = [{"entry": where, "count": count} for where, count in assembled.matches.items()]
    return {"matches": matches or None, "missingKeys": list(assembled.missing) or None}


async def tell(cluster: Cluster, obj: Object, assembled: Assembled, ready: Object) -> None:
    """Events, where this differs from what the status of `obj` says. `ready` is the new condition."""
    status = obj.get("status") or {}
    if assembled.missing and status.get("missingKeys") != list(assembled.missing):
        await cluster.record_event(
            obj,
            type_=conditions.WARNING,
            reason=conditions.OPTIONAL_KEYS_EVENT,
            message=_results(assembled),
        )
    before = conditions.condition_of(obj, conditions.READY).get("reason")
    if ready["reason"] == conditions.NOTHING_FOUND != before:
        await cluster.record_event(
            obj, type_=conditions.WARNING, reason=conditions.NOTHING_FOUND, message=ready["message"]
        )


def _results(assembled: Assembled) -> str:
    """Which keys there are, and why each optional one that is missing is."""
    there = sorted(assembled.items)
    more = f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
    synced = ", ".join(there[:_NAMED]) + more if there else "nothing"
    missing = [f"without {name}: {error.what}" for name, error in assembled.missing.items()]
    return "; ".join([f"synced {synced}", *missing])
