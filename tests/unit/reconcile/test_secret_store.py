"""A store is opened and checked, and its status says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sealbridge.errors import Invalid
from sealbridge.local.directory import DirectoryCluster
from sealbridge.reconcile.kinds import ObjectKey
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.secret_store import SecretStoreReconciler, refresh_interval
from sealbridge.reconcile.store_pool import StorePool
from tests.worlds import World, condition, fake_store, store_key

STORE = store_key("fake")
# Nothing is contacted: the token's Secret is not there.
VAULT = {
    "vault": {
        "server": "http://127.0.0.1:1",
        "path": "secret",
        "auth": {"tokenSecretRef": {"name": "cred", "key": "token"}},
    }
}


async def check(world: World, cluster: DirectoryCluster, key: ObjectKey = STORE) -> Result:
    cluster.reload()
    pool = StorePool(cluster, world.clock)
    try:
        return await SecretStoreReconciler(cluster, pool, world.clock).reconcile(key)
    finally:
        await pool.close()


async def test_a_store_that_works_is_valid_and_told_once(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}, refreshInterval="90s"))
    cluster = world.cluster()

    result = await check(world, cluster)

    assert (result.outcome, result.requeue_after) == (Outcome.VALID, 90)
    obj = await world.object(cluster, STORE)
    ready = condition(obj, "Ready")
    assert (ready["status"], ready["reason"], ready["message"]) == ("True", "Valid", "store validated")
    assert obj["status"]["capabilities"] == "ReadWrite"
    world.clock.advance(90)
    await check(world, cluster)
    assert await world.object(cluster, STORE) == obj
    assert [(e.type_, e.reason, e.message) for e in cluster.events] == [
        ("Normal", "Valid", "store validated")
    ]


@pytest.mark.parametrize(
    ("spec", "message", "retry"),
    [
        ({"provider": {}}, "unable to create client: spec.provider must name exactly one provider", False),
        (
            {"provider": {"nosuch": {}}},
            "unable to create client: spec.provider.nosuch: the provider nosuch is not supported yet",
            True,
        ),
        (
            {"provider": VAULT},
            'unable to create client: there is no Secret "cred" in namespace "default"',
            True,
        ),
        (
            {"provider": {"fake": {}}, "refreshInterval": "-5m"},
            "unable to create client: spec.refresh",
            False,
        ),
        (
            {"provider": {"fake": {"data": []}}, "retrySettings": {"maxRetries": -1}},
            "unable to create client: spec.retrySettings.maxRetries: must be a number from 0 on",
            False,
        ),
        (
            {"provider": {"fake": {"data": []}}, "retrySettings": {"retryInterval": "soon"}},
            "unable to create client: spec.retrySettings.retryInterval: not a duration",
            False,
        ),
        (
            {"provider": {"fake": {"data": []}}, "retrySettings": {"retries": 1}},
            "unable to create client: spec.retrySettings.retries: there is no such field",
            False,
        ),
    ],
)
async def test_a_store_that_does_not_work_says_why_once(
    world: World, spec: dict[str, Any], message: str, retry: bool
) -> None:
    world.write("store.yaml", {**fake_store("fake", {}), "spec": spec})
    cluster = world.cluster()

    result = await check(world, cluster)

    assert (result.outcome, result.retry, result.told) == (Outcome.FAILED, retry, True)
    ready = condition(await world.object(cluster, STORE), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "InvalidProviderConfig")
    assert ready["message"].startswith(message)
    assert result.message == ready["message"]
    await check(world, cluster)
    assert [(e.type_, e.reason) for e in cluster.events] == [("Warning", "InvalidProviderConfig")]


async def test_a_store_waits_for_the_secret_it_lacks(world: World) -> None:
    world.write("store.yaml", {**fake_store("fake", {}), "spec": {"provider": VAULT}})

    result = await check(world, world.cluster())

    assert result.depends_on == {ObjectKey("Secret", "default", "cred")}


async def test_a_cluster_store_that_logs_in_as_its_user_is_valid_until_used(world: World) -> None:
    store = fake_store("fake", {}, kind="ClusterSecretStore")
    world.write("store.yaml", {**store, "spec": {"provider": VAULT}})

    result = await check(world, world.cluster(), ObjectKey("ClusterSecretStore", "", "fake"))

    assert result.outcome is Outcome.VALID


async def test_settings_of_retries_that_can_be_read_are_no_obstacle(world: World) -> None:
    settings = {"maxRetries": 5, "retryInterval": "10s"}
    world.write("store.yaml", fake_store("fake", {"a": "1"}, retrySettings=settings))
    assert (await check(world, world.cluster())).outcome is Outcome.VALID


@pytest.mark.parametrize(
    ("conditions", "place"),
    [
        ("all", "spec.conditions"),
        ([{}, "all"], "spec.conditions[1]"),
        ([{"namespaceRegexes": ["a", "("]}], "spec.conditions[0].namespaceRegexes"),
        ([{"namespace": ["a"]}], "spec.conditions[0].namespace"),
        (
            [{"namespaces": ["a"]}, {"namespaceSelector": {"matchLables": {}}}],
            "spec.conditions[1].namespaceSelector.matchLables",
        ),
    ],
)
async def test_conditions_that_cannot_be_read_are_told_whomever_they_let_in(
    world: World, conditions: Any, place: str
) -> None:
    key = ObjectKey("ClusterSecretStore", "", "fake")
    world.write("store.yaml", fake_store("fake", {}, kind="ClusterSecretStore", conditions=conditions))
    cluster = world.cluster()

    result = await check(world, cluster, key)

    assert (result.outcome, result.retry) == (Outcome.FAILED, False)
    ready = condition(await world.object(cluster, key), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "InvalidProviderConfig")
    assert ready["message"].startswith(f"unable to create client: {place}: ")


async def test_a_store_of_another_class_or_none_at_all_is_left(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {}, controller="theirs"))
    cluster = world.cluster()

    assert (await check(world, cluster)).outcome is Outcome.SKIPPED
    assert (await check(world, cluster, store_key("nobody"))).outcome is Outcome.GONE
    assert "status" not in await world.object(cluster, STORE)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, 300), (0, 300), ("", 300), ("0s", 300), (60, 60), ("60", 60), ("1h30m", 5400), ("2m", 120)],
)
def test_the_interval_is_seconds_or_a_duration(value: object, seconds: int) -> None:
    assert refresh_interval({"spec": {"refreshInterval": value}}) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", [-1, "-5m", "often", True, 1.5, [], "9" * 30])
def test_any_other_interval_is_refused(value: object) -> None:
    with pytest.raises(Invalid, match=r"spec\.refreshInterval"):
        refresh_interval({"spec": {"refreshInterval": value}})
