"""What a reconciler did and when it wants to come back. Knows no kind and no cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from sealbridge.errors import SealbridgeError
from sealbridge.reconcile.kinds import ObjectKey


class Outcome(Enum):
    """One word for what happened, as tables and logs show it."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"  # the target, as its policy has it
    VALID = "valid"  # a store that answers
    SKIPPED = "skipped"  # not ours, or nothing to do
    GONE = "gone"  # the object no longer exists
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`requeue_after`: seconds until the next look, None for never unless something changes.

    `retry`: the failure may heal by itself; the queue backs off and comes back, or does so after
    `requeue_after` where the reconciler has told people when. A failure without `retry` waits for a
    change of the object or of what it depends on. `told`: people were told, as well as could be; without
    it the status still speaks of an earlier pass. `depends_on` is told with every outcome: whoever sees
    one of these change hands the object to the queue again. `stale_since`: of a failure, from when the
    values are that its target keeps.
    """

    key: ObjectKey
    outcome: Outcome
    message: str = ""
    target: ObjectKey | None = None
    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    requeue_after: float | None = None
    retry: bool = False
    told: bool = True
    error: SealbridgeError | None = None
    depends_on: frozenset[ObjectKey] = field(default_factory=frozenset)
    stale_since: datetime | None = None
