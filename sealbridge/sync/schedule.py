"""When an ExternalSecret is refreshed. Reads no clock: the time and the status are given."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sealbridge.sync.model import ExternalSecretSpec, RefreshPolicy

# On an ExternalSecret: another value than the last one asks the stores now, whatever the policy.
SYNC_ANNOTATION = "sealbridge.io/sync"
_LONGEST_REQUEST = 63  # characters; of a longer one the status keeps a digest

# An interval is stretched or shortened by up to a tenth, so that what started together drifts apart.
_JITTER = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    """What status tells of the last refresh: its time, and the version that it saw ('' for never).

    `answered` is the last request that was followed by a refresh.
    """

    refresh_time: datetime | None = None
    synced_resource_version: str = ""
    answered: str = ""


def sync_request(annotations: Mapping[str, str]) -> str:
    """The request that these annotations hold, short enough for a status; '' for none."""
    request = annotations.get(SYNC_ANNOTATION) or ""
    if len(request) <= _LONGEST_REQUEST:
        return request
    return hashlib.sha256(request.encode("utf-8", "surrogatepass")).hexdigest()[:_LONGEST_REQUEST]


def jitter(uid: str, refresh_time: datetime | None) -> float:
    """A number in [0, 1) that is the same for the same object and refresh, after a restart as well."""
    text = f"{uid}/{refresh_time.timestamp() if refresh_time else ''}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / (1 << 48)


def due_time(spec: ExternalSecretSpec, refresh_time: datetime, *, u: float = 0.5) -> datetime | None:
    """When the refresh after the one at `refresh_time` is due, or None when time makes none due.

    It is moved to where syncWindows permit it.

    `u` in [0, 1) spreads it over refreshInterval times 0.9 to 1.1; 0.5 is the interval itself.
    """
    if spec.refresh_policy is not RefreshPolicy.PERIODIC or spec.refresh_interval <= timedelta():
        return None
    due = refresh_time + spec.refresh_interval * (1 - _JITTER + 2 * _JITTER * u)
    return due if spec.sync_windows is None else spec.sync_windows.next_permitted(due)


def is_permitted(spec: ExternalSecretSpec, now: datetime) -> bool:
    """Whether syncWindows let a refresh that time has made due be made now."""
    return spec.sync_windows is None or spec.sync_windows.permits(now)


def is_due(
    spec: ExternalSecretSpec,
    state: SyncState,
    *,
    resource_version: str,
    now: datetime,
    u: float = 0.5,
    request: str = "",
) -> bool:
    """Whether the stores must be asked now, going by policy and status alone.

    `request` is what somebody has asked for expressly: a new one makes it due under every policy.

    A target that is missing or was tampered with asks for it as well; that is the caller's to see.
    """
    if request and request != state.answered:
        return True
    synced = bool(state.synced_resource_version)
    changed = state.synced_resource_version != resource_version
    if spec.refresh_policy is RefreshPolicy.CREATED_ONCE:
        return not synced or state.refresh_time is None
    if spec.refresh_policy is RefreshPolicy.ON_CHANGE:
        return changed or state.refresh_time is None
    if spec.refresh_interval <= timedelta() and synced:
        # As upstream does: interval 0 means once, even when the spec is edited later.
        return False
    if changed or state.refresh_time is None or state.refresh_time > now:
        return True
    due = due_time(spec, state.refresh_time, u=u)
    return due is not None and due <= now and is_permitted(spec, now)


def seconds_until_due(
    spec: ExternalSecretSpec, refresh_time: datetime, *, now: datetime, u: float = 0.5
) -> float | None:
    """Seconds until the next refresh, 0 when it is overdue, None when time makes none due."""
    due = due_time(spec, refresh_time, u=u)
    if due is not None and due < now and spec.sync_windows is not None:
        # It was missed within its window, and waits for the next.
        due = spec.sync_windows.next_permitted(now)
    return None if due is None else max((due - now) / timedelta(seconds=1), 0.0)
