"""When an object that was there before us is due. Reads status, no clock and no cluster.

After a start thousands of refreshes may be overdue; asking the stores for all of them at once would
be a flood that helps nobody, so they are spread.
"""

from __future__ import annotations

import random
from datetime import datetime

from sealbridge.errors import ManifestError
from sealbridge.reconcile import conditions
from sealbridge.reconcile.kinds import EXTERNAL_SECRET, PUSH_SECRET, Object
from sealbridge.sync.model import parse
from sealbridge.sync.schedule import SyncState, is_due, jitter

PUSH_SPREAD = 10.0  # seconds over which PushSecrets are looked at again
SPREAD = 60.0  # seconds over which overdue refreshes are spread


def delay_at_start(obj: Object, *, now: datetime, rng: random.Random) -> float:
    """Seconds to wait with an object that a list has brought.

    Only an ExternalSecret that is merely overdue waits: its Secret is there and its spec has not
    changed. Everything else is looked at now, which costs no store a request.
    """
    if not conditions.is_true(obj, conditions.READY):
        return 0.0
    if obj["kind"] == PUSH_SECRET.name:
        # Of many that were synced, each reads its source and its stores from the API server.
        return rng.uniform(0, PUSH_SPREAD)
    if obj["kind"] != EXTERNAL_SECRET.name:
        return 0.0
    status = obj["status"]
    version = conditions.synced_version(obj)
    if status.get("syncedResourceVersion") != version:  # a request to sync is an edit, too
        return 0.0
    try:
        wanted = parse(obj)
    except ManifestError:
        return 0.0
    refreshed = conditions.parse_timestamp(status.get("refreshTime"))
    state = SyncState(refresh_time=refreshed, synced_resource_version=version)
    if not is_due(wanted.spec, state, resource_version=version, now=now, u=jitter(wanted.uid, refreshed)):
        return 0.0
    interval = wanted.spec.refresh_interval.total_seconds()
    return rng.uniform(0, min(SPREAD, interval))
