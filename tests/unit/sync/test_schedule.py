"""When a refresh is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.sync.model import ExternalSecretSpec, RefreshPolicy
from sealbridge.sync.schedule import SyncState, due_time, is_due, jitter, seconds_until_due, sync_request

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PERIODIC, ONCE, ON_CHANGE = RefreshPolicy.PERIODIC, RefreshPolicy.CREATED_ONCE, RefreshPolicy.ON_CHANGE


@pytest.mark.parametrize(
    ("policy", "interval", "synced", "refreshed", "due"),
    [
        # policy, interval, synced version ('v' is the current one), time since the refresh, outcome
        (PERIODIC, HOUR, "", None, True),
        (PERIODIC, HOUR, "v", timedelta(minutes=59), False),
        (PERIODIC, HOUR, "v", timedelta(minutes=60), True),
        (PERIODIC, HOUR, "v", None, True),
        (PERIODIC, HOUR, "v", -timedelta(minutes=1), True),
        (PERIODIC, HOUR, "older", timedelta(minutes=1), True),
        (PERIODIC, timedelta(), "", None, True),
        (PERIODIC, timedelta(), "v", timedelta(days=900), False),
        (PERIODIC, timedelta(), "older", timedelta(days=900), False),
        (ONCE, HOUR, "", None, True),
        (ONCE, HOUR, "v", None, True),
        (ONCE, HOUR, "v", timedelta(days=900), False),
        (ONCE, HOUR, "older", timedelta(days=900), False),
        (ON_CHANGE, HOUR, "", None, True),
        (ON_CHANGE, HOUR, "v", timedelta(days=900), False),
        (ON_CHANGE, HOUR, "older", timedelta(minutes=1), True),
        (ON_CHANGE, HOUR, "v", None, True),
    ],
)
def test_a_refresh_is_due_by_policy(
    policy: RefreshPolicy, interval: timedelta, synced: str, refreshed: timedelta | None, due: bool
) -> None:
    spec = ExternalSecretSpec(refresh_policy=policy, refresh_interval=interval)
    state = SyncState(
        refresh_time=None if refreshed is None else NOW - refreshed, synced_resource_version=synced
    )
    assert is_due(spec, state, resource_version="v", now=NOW) is due


@pytest.mark.parametrize("policy", RefreshPolicy)
@pytest.mark.parametrize("interval", [HOUR, timedelta()])
@pytest.mark.parametrize(
    ("request_", "answered", "due"),
    [("", "", False), ("", "1", False), ("1", "1", False), ("1", "", True), ("2", "1", True)],
)
def test_a_new_request_is_due_under_every_policy(
    policy: RefreshPolicy, interval: timedelta, request_: str, answered: str, due: bool
) -> None:
    spec = ExternalSecretSpec(refresh_policy=policy, refresh_interval=interval)
    state = SyncState(refresh_time=NOW, synced_resource_version="v", answered=answered)
    assert is_due(spec, state, resource_version="v", now=NOW, request=request_) is due


def test_a_request_is_kept_short() -> None:
    assert sync_request({"force-sync": "1"}) == ""
    assert sync_request({"sealbridge.io/sync": "now"}) == "now"
    long = [sync_request({"sealbridge.io/sync": "x" * 1000 + end}) for end in "ab"]
    assert long[0] != long[1]
    assert max(map(len, long)) <= 63


@pytest.mark.parametrize(("u", "minutes"), [(0.0, 54), (0.5, 60), (1.0, 66)])
def test_the_interval_is_spread_by_a_tenth_either_way(u: float, minutes: int) -> None:
    spec = ExternalSecretSpec(refresh_interval=HOUR)
    assert due_time(spec, NOW, u=u) == NOW + timedelta(minutes=minutes)
    state = SyncState(refresh_time=NOW, synced_resource_version="v")
    moment = NOW + timedelta(minutes=minutes)
    assert is_due(spec, state, resource_version="v", now=moment, u=u)
    assert not is_due(spec, state, resource_version="v", now=moment - timedelta(seconds=1), u=u)


@pytest.mark.parametrize(
    ("policy", "interval", "ago", "seconds"),
    [
        (PERIODIC, HOUR, timedelta(minutes=20), 2400.0),
        (PERIODIC, HOUR, timedelta(hours=3), 0.0),
        (PERIODIC, timedelta(), timedelta(), None),
        (ONCE, HOUR, timedelta(), None),
        (ON_CHANGE, HOUR, timedelta(), None),
    ],
)
def test_the_next_refresh_is_told_in_seconds(
    policy: RefreshPolicy, interval: timedelta, ago: timedelta, seconds: float | None
) -> None:
    spec = ExternalSecretSpec(refresh_policy=policy, refresh_interval=interval)
    assert seconds_until_due(spec, NOW - ago, now=NOW) == seconds


@given(st.uuids().map(str), st.datetimes(timezones=st.just(UTC)) | st.none())
def test_jitter_is_the_same_for_the_same_object_and_refresh(uid: str, time: datetime | None) -> None:
    assert jitter(uid, time) == jitter(uid, time)
    assert 0 <= jitter(uid, time) < 1


def test_jitter_differs_between_objects_and_refreshes() -> None:
    values = {jitter(str(uid), NOW + timedelta(seconds=step)) for uid in range(20) for step in range(20)}
    assert len(values) == 400
    assert abs(sum(values) / 400 - 0.5) < 0.1
