"""After a start only what is merely overdue waits a little."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from sealbridge.operator.resume import SPREAD, delay_at_start
from sealbridge.reconcile.conditions import synced_version

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def synced(
    *, interval: str = "1h", refreshed: str = "2026-11-01T09:00:00Z", ready: str = "True", **changes: Any
) -> dict[str, Any]:
    obj: dict[str, Any] = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "x", "namespace": "a", "uid": "u", "generation": 1},
        "spec": {
            "refreshInterval": interval,
            "secretStoreRef": {"name": "s"},
            "data": [{"secretKey": "a", "remoteRef": {"key": "b"}}],
        },
    }
    obj["status"] = {
        "refreshTime": refreshed,
        "syncedResourceVersion": synced_version(obj),
        "conditions": [{"type": "Ready", "status": ready}],
    }
    return {**obj, **changes}


def delays(obj: dict[str, Any]) -> list[float]:
    rng = random.Random(3)
    return [delay_at_start(obj, now=NOW, rng=rng) for _ in range(50)]


def test_what_is_overdue_is_spread() -> None:
    found = delays(synced())
    assert len(set(found)) == 50
    assert 0 <= min(found) < 10
    assert SPREAD - 10 < max(found) <= SPREAD


def test_what_is_refreshed_often_does_not_wait_longer_than_its_interval() -> None:
    assert max(delays(synced(interval="5s"))) <= 5


@pytest.mark.parametrize(
    "obj",
    [
        synced(refreshed="2026-11-01T11:59:00Z"),
        synced(interval="0"),
        synced(ready="False"),
        synced(metadata={"name": "x", "namespace": "a", "uid": "u", "generation": 2}),
        synced(metadata={"name": "x", "namespace": "a", "uid": "u", "generation": 1, "labels": {"a": "b"}}),
        synced(status={}),
        synced(spec={"data": "odd"}),
        synced(kind="SealedSecret"),
        synced(kind="SecretStore"),
    ],
    ids=["not due", "once", "failed", "edited", "labelled", "new", "odd", "sealed", "store"],
)
def test_everything_else_is_looked_at_now(obj: dict[str, Any]) -> None:
    assert set(delays(obj)) == {0.0}
