"""When workloads are restarted and when not: around the real reconciler, on a directory."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from sealbridge.errors import ClusterError, ManifestError
from sealbridge.reconcile.checksums import KEY_NAME, Checksums, comparable
from sealbridge.reconcile.kinds import Kind, Object, ObjectKey
from sealbridge.reconcile.restart import Pace, Restarter
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.secret import Secret, Value
from tests.canary import Canary
from tests.passes import DB, Operator
from tests.worlds import World, external_secret, fake_store

SYSTEM = "system"
CHECKSUM = "sealbridge.io/checksum-db"


def deployment(name: str, uses: str = "db") -> Object:
    pod = {"containers": [{"envFrom": [{"secretRef": {"name": uses}}]}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
        "spec": {"template": {"metadata": {}, "spec": pod}},
    }


class Workloads:
    """Deployments in memory, patched as an API server does."""

    def __init__(self, *there: Object) -> None:
        self.there = {one["metadata"]["name"]: one for one in there}
        self.failures: dict[str, ClusterError] = {}
        self.patched: list[str] = []
        self.lists = 0

    async def list(self, kind: Kind, namespace: str) -> Sequence[Object]:
        self.lists += 1
        if kind.name in self.failures:
            raise self.failures[kind.name]
        return copy.deepcopy(list(self.there.values())) if kind.name == "Deployment" else []

    async def patch(self, kind: Kind, workload: Object, patch: Object) -> None:
        name = workload["metadata"]["name"]
        if name in self.failures:
            raise self.failures[name]
        _merge(self.there[name], patch)
        self.patched.append(name)

    def checksum(self, name: str) -> str | None:
        annotations = self.there[name]["spec"]["template"]["metadata"].get("annotations") or {}
        return annotations.get(CHECKSUM)


def _merge(into: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


class House:
    """One life of an operator, with an ExternalSecret and who uses its Secret."""

    def __init__(self, world: World, workloads: Workloads, pace: Pace | None = None) -> None:
        self.world = world
        self.operator = Operator(world)
        self.versions: dict[tuple[str, str], str] = {}
        self.restarter = Restarter(
            self.operator.cluster,
            workloads,
            Checksums(self.operator.cluster, SYSTEM),
            world.clock,
            version_of=lambda namespace, name: self.versions.get((namespace, name)),
            pace=pace or Pace(),
        )
        self.reconciler = self.restarter.around(self)

    async def reconcile(self, key: ObjectKey) -> Result:
        result = await self.operator.reconcile(key)
        state = await self.operator.cluster.target_state("default", "db")
        if state is not None:
            self.versions["default", "db"] = state.resource_version
        return result

    async def run(self) -> Result:
        self.operator.cluster.reload()
        self.restarter.notice(DB, await self.world.object(self.operator.cluster, DB))
        return await self.reconciler.reconcile(DB)

    async def noted(self) -> dict[str, str]:
        status = (await self.world.object(self.operator.cluster, DB)).get("status") or {}
        found: dict[str, str] = status.get("restart") or {}
        return found

    def events(self, kind: str = "ExternalSecret") -> list[tuple[str, str]]:
        return [
            (reason, message)
            for _, reason, message in self.operator.events(kind)
            if reason.startswith("Restart")
        ]


def write(world: World, value: str, *, asked: bool = True, request: str = "") -> None:
    wanted = external_secret("db", {"x": "a"})
    annotations = {"sealbridge.io/restart": "true"} if asked else {}
    wanted["metadata"]["annotations"] = annotations | {"force-sync": request or value}
    world.write("all.yaml", fake_store("fake", {"a": value}), wanted)


async def test_what_is_seen_for_the_first_time_is_noted_and_restarts_nothing(world: World) -> None:
    write(world, "one")
    workloads = Workloads(deployment("web"))
    house = House(world, workloads)

    await house.run()

    noted = await house.noted()
    assert (noted["secret"], workloads.patched) == ("db", [])
    assert (await House(world, workloads).run()).outcome is Outcome.UNCHANGED
    assert workloads.lists == 0


async def test_new_data_restarts_who_uses_it_once_and_tells_both(world: World) -> None:
    write(world, "one")
    workloads = Workloads(deployment("web"), deployment("other", "another"))
    house = House(world, workloads)
    await house.run()
    write(world, "two")

    await house.run()
    await house.run()

    assert workloads.patched == ["web"]
    assert workloads.checksum("web") == (await house.noted())["checksum"]
    assert house.events() == [("Restarted", 'restarted Deployment web for new data of Secret "db"')]
    assert house.events("Deployment") == [
        ("Restarted", 'restarted: Secret "db" of ExternalSecret "db" has new data')
    ]


async def test_without_the_annotation_nothing_is_looked_at(world: World) -> None:
    write(world, "one", asked=False)
    workloads = Workloads(deployment("web"))
    house = House(world, workloads)
    await house.run()
    write(world, "two", asked=False)
    await house.run()

    assert (workloads.lists, await house.noted()) == (0, {})
    assert await house.operator.cluster.get_secret(SYSTEM, KEY_NAME) is None


async def test_an_edit_that_asks_for_it_and_changes_the_data_at_once_restarts(world: World) -> None:
    write(world, "one", asked=False)
    workloads = Workloads(deployment("web"))
    house = House(world, workloads)
    await house.run()
    write(world, "two")

    await house.run()

    assert workloads.patched == ["web"]


async def test_new_metadata_alone_restarts_nothing(world: World) -> None:
    write(world, "one")
    workloads = Workloads(deployment("web"))
    house = House(world, workloads)
    await house.run()
    before = await house.noted()
    # The annotation goes to the Secret as well, which has another version then.
    write(world, "one", request="again")

    await house.run()

    after = await house.noted()
    assert after["resourceVersion"] != before["resourceVersion"]
    assert (after["checksum"], workloads.patched) == (before["checksum"], [])


async def test_data_that_comes_back_restarts_only_who_was_restarted_in_between(world: World) -> None:
    write(world, "one")
    workloads = Workloads(deployment("early"), deployment("late"))
    house = House(world, workloads, Pace(per_minute=1))
    await house.run()
    write(world, "two")
    assert (await house.run()).requeue_after == pytest.approx(45)
    assert workloads.patched == ["early"]
    write(world, "one", request="again")
    world.clock.advance(61)

    await house.run()

    assert workloads.patched == ["early", "early"]
    assert workloads.checksum("early") == (await house.noted())["checksum"]


async def test_a_crash_before_the_restart_is_caught_up_with_by_the_next_life(world: World) -> None:
    write(world, "one")
    workloads = Workloads(deployment("web"))
    house = House(world, workloads)
    await house.run()
    write(world, "two")
    house.operator.cluster.reload()
    await house.reconcile(DB)  # the Secret is written, and that was all

    await House(world, workloads).run()

    assert workloads.patched == ["web"]


async def test_a_crash_after_half_of_the_restarts_restarts_the_other_half(world: World) -> None:
    write(world, "one")
    workloads = Workloads(deployment("a"), deployment("b"))
    house = House(world, workloads)
    await house.run()
    write(world, "two")
    workloads.failures["b"] = ClusterError("the connection was lost", retryable=True)
    result = await house.run()
    assert (workloads.patched, result.requeue_after) == (["a"], pytest.approx(30))
    assert result.outcome is Outcome.UPDATED
    workloads.failures.clear()

    later = House(world, workloads)
    await later.run()
    await later.run()

    assert workloads.patched == ["a", "b"]


async def test_a_workload_is_not_restarted_more_often_than_told_also_after_a_crash(world: World) -> None:
    write(world, "one")
    workloads = Workloads(deployment("web"))
    house = House(world, workloads)
    await house.run()
    write(world, "two")
    await house.run()
    world.clock.advance(20)
    write(world, "three")

    result = await house.run()
    assert (workloads.patched, result.requeue_after) == (["web"], pytest.approx(40))
    later = await House(world, workloads).run()
    assert (workloads.patched, later.requeue_after) == (["web"], pytest.approx(40))

    world.clock.advance(41)
    await House(world, workloads).run()
    assert workloads.patched == ["web", "web"]


async def test_many_workloads_are_restarted_by_and_by(world: World) -> None:
    write(world, "one")
    workloads = Workloads(*(deployment(f"web-{number:02}") for number in range(40)))
    house = House(world, workloads, Pace(per_minute=60))
    await house.run()
    write(world, "two")
    await house.run()
    at_once = len(workloads.patched)
    assert 10 <= at_once <= 20
    for _ in range(100):
        world.clock.advance(1)
        await house.run()
        if len(workloads.patched) == 40:
            break

    assert len(set(workloads.patched)) == len(workloads.patched) == 40
    assert world.clock.at.minute == 0  # within a minute


async def test_a_missing_right_is_told_and_the_other_kinds_go_on(world: World) -> None:
    write(world, "one")
    workloads = Workloads(deployment("web"))
    house = House(world, workloads)
    await house.run()
    write(world, "two")
    workloads.failures["DaemonSet"] = ClusterError("the API server forbids it", status=403, retryable=True)

    result = await house.run()

    assert (result.outcome, workloads.patched) == (Outcome.UPDATED, ["web"])
    reason, message = house.events()[-1]
    assert reason == "RestartFailed"
    assert "deploy/kustomize/restart" in message
    assert result.requeue_after == pytest.approx(300)


@pytest.mark.parametrize("status", [404, 409])
async def test_a_workload_that_goes_meanwhile_holds_up_nothing(world: World, status: int) -> None:
    write(world, "one")
    workloads = Workloads(deployment("gone"), deployment("web"))
    house = House(world, workloads)
    await house.run()
    write(world, "two")
    workloads.failures["gone"] = ClusterError("gone", status=status)

    await house.run()

    assert workloads.patched == ["web"]
    assert (await house.noted())["checksum"] == workloads.checksum("web")


async def test_a_secret_that_is_deleted_and_made_anew_restarts_only_for_other_data(world: World) -> None:
    write(world, "one")
    workloads = Workloads(deployment("web"))
    house = House(world, workloads)
    await house.run()
    (world.output / "default" / "db.yaml").unlink()
    await house.run()
    assert workloads.patched == []

    (world.output / "default" / "db.yaml").unlink()
    write(world, "two")
    await house.run()
    assert workloads.patched == ["web"]


async def test_who_no_longer_asks_is_forgotten(world: World) -> None:
    write(world, "one")
    workloads = Workloads(deployment("web"))
    await House(world, workloads).run()
    write(world, "two", asked=False)
    house = House(world, workloads)
    await house.run()
    assert await house.noted() == {}

    write(world, "two")
    await house.run()
    assert workloads.patched == []


async def test_a_lost_key_restarts_nothing_for_that(world: World) -> None:
    write(world, "one")
    workloads = Workloads(deployment("web"))
    house = House(world, workloads)
    await house.run()
    before = await house.noted()
    (world.output / SYSTEM / f"{KEY_NAME}.yaml").unlink()
    write(world, "one", request="again")

    house = House(world, workloads)
    await house.run()

    after = await house.noted()
    assert not comparable(before["checksum"], after["checksum"])
    assert workloads.patched == []


async def test_a_checksum_is_keyed_and_differs_between_names(world: World, canary: Canary) -> None:
    value = Value(canary("checksum").encode())
    cluster = world.cluster()
    checksums = Checksums(cluster, SYSTEM)
    one = Secret(name="db", namespace="a", items={"x": value})
    other_key = await Checksums(cluster, "elsewhere").of(one)

    made = {
        await checksums.of(one),
        await checksums.of(one.renamed("db", "b")),
        await checksums.of(one.renamed("db2", "a")),
        await checksums.of(Secret(name="db", namespace="a", items={"y": value})),
        await checksums.of(Secret(name="db", namespace="a", items={"x": value, "y": Value(b"")})),
        other_key,
    }

    assert len(made) == 6
    assert await Checksums(cluster, SYSTEM).of(one) == await checksums.of(one)


async def test_a_key_that_is_too_short_is_refused(world: World) -> None:
    cluster = world.cluster()
    await cluster.create_secret(Secret(name=KEY_NAME, namespace=SYSTEM, items={"key": Value(b"short")}))

    with pytest.raises(ManifestError, match="holds no key"):
        await Checksums(cluster, SYSTEM).of(Secret(name="db", namespace="a"))
