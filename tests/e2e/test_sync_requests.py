"""`sealbridge.io/sync` on a real API server: an ExternalSecret is synced when somebody asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.canary import Canary
from tests.e2e.world import World, eventually, external_secret, fake_store
from tests.servers.operator import Operator


@pytest.mark.parametrize(
    "spec", [{"refreshPolicy": "CreatedOnce"}, {"refreshInterval": "0"}, {"refreshPolicy": "OnChange"}, {}]
)
def test_a_request_is_heeded_once_under_every_policy(
    world: World, operator: Operator, namespace: str, canary: Canary, spec: dict[str, Any]
) -> None:
    def ask(annotation: str, value: str) -> None:
        world.patch("ExternalSecret", namespace, "db", {"metadata": {"annotations": {annotation: value}}})

    first, second = canary("first"), canary("second")
    wanted = external_secret(namespace, "db", password="a")
    wanted["spec"] |= spec
    world.apply([fake_store(namespace, "fake", {"a": first}), wanted])
    eventually(lambda: world.secrets(namespace).get("db") == {"password": first.encode()}, what="the Secret")
    world.apply([fake_store(namespace, "fake", {"a": second})])
    ask("sealbridge.io/sync", "1")
    eventually(lambda: world.secrets(namespace)["db"] == {"password": second.encode()}, what="the new data")
    eventually(
        lambda: world.get("ExternalSecret", namespace, "db")["status"].get("syncRequest") == "1",
        what="the answer",
    )

    # After a restart the request has been heeded: nothing is fetched or written again.
    assert operator.stop() == 0
    since = world.server.audit_position()
    world.apply([fake_store(namespace, "fake", {"a": canary("third")})])
    operator.start()
    eventually(
        lambda: operator.metric("sealbridge_reconcile_duration_seconds_count") >= 2, what="a look at both"
    )
    assert world.secrets(namespace)["db"] == {"password": second.encode()}
    written = {one.request.resource for one in world.writes(since=since)}
    assert written <= {"events", "secretstores"}
