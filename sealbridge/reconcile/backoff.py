"""How long to wait for the next try of what has failed. Knows a status and an error; waits for nobody."""

from __future__ import annotations

from datetime import datetime, timedelta

from sealbridge.errors import SealbridgeError, Throttled
from sealbridge.reconcile import conditions
from sealbridge.reconcile.kinds import Object
from sealbridge.sync.schedule import jitter

FIRST = timedelta(seconds=2)
LAST = timedelta(minutes=10)


def backoff(obj: Object, error: SealbridgeError, now: datetime) -> timedelta:
    """As long as it has been failing already, so that the wait doubles from try to try.

    Taken from the status, it goes on after a restart where it was before. A store that asks for a longer
    pause gets it.
    """
    before = conditions.condition_of(obj, conditions.READY)
    since = conditions.parse_timestamp(before.get("lastTransitionTime")) if before else None
    failing = now - since if since is not None and before.get("status") == "False" else timedelta()
    spread = 0.75 + 0.5 * jitter(str(obj["metadata"].get("uid")), now)
    delay = min(max(failing, FIRST), LAST) * spread
    asked = [one.retry_after for one in getattr(error, "failures", ()) if isinstance(one, Throttled)]
    return max(delay, *(timedelta(seconds=seconds or 0) for seconds in asked), FIRST)
