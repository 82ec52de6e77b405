"""From a change to work, and from a result to the next look, under a loop whose time is warped."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sealbridge.errors import NotFound, SealbridgeError, SyncError, Unavailable
from sealbridge.kube.source import Change
from sealbridge.operator.controller import DEADLINE, Controller
from sealbridge.operator.metrics import Metrics
from sealbridge.operator.queue import WorkQueue
from sealbridge.operator.targets import Targets
from sealbridge.reconcile.conditions import synced_version
from sealbridge.reconcile.kinds import (
    CLUSTER_EXTERNAL_SECRET,
    EXTERNAL_SECRET,
    NAMESPACE,
    PUSH_SECRET,
    SEALED_SECRET,
    SECRET,
    SECRET_STORE,
    Kind,
    Object,
    ObjectKey,
)
from sealbridge.reconcile.push_stores import any_store
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.sealing_keys import SEALING_KEYS
from sealbridge.stores.waiting import waiting_since

pytestmark = pytest.mark.looptime

SEALED = ObjectKey("SealedSecret", "a", "x")
EXTERNAL = ObjectKey("ExternalSecret", "a", "x")
STORE = ObjectKey("SecretStore", "a", "s")
TARGET = ObjectKey("Secret", "a", "x")
NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW


class Offers:
    """Remembers what a watch has brought."""

    def __init__(self) -> None:
        self.there: dict[str, Object] = {}

    def offer(self, obj: Object, *, renew: bool = False) -> None:
        if not renew or obj["metadata"]["name"] in self.there:
            self.there[obj["metadata"]["name"]] = obj

    def withdraw(self, key: ObjectKey) -> None:
        self.there.pop(key.name, None)


class Scripted:
    """A reconciler that does as told and remembers when it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[ObjectKey, float]] = []
        self.then: Callable[[ObjectKey], Any] = lambda key: Result(key=key, outcome=Outcome.UNCHANGED)

    async def reconcile(self, key: ObjectKey) -> Result:
        self.calls.append((key, round(asyncio.get_running_loop().time(), 3)))
        answer = self.then(key)
        return await answer if asyncio.iscoroutine(answer) else answer

    @property
    def keys(self) -> list[ObjectKey]:
        return [key for key, _ in self.calls]


class House:
    """A controller with all that it needs."""

    def __init__(self) -> None:
        self.queue: WorkQueue[ObjectKey] = WorkQueue(rng=random.Random(1))
        self.reconciler = Scripted()
        self.targets = Targets()
        self.offers = Offers()
        self.metrics = Metrics()
        kinds = (
            "SealedSecret",
            "ExternalSecret",
            "PushSecret",
            "SecretStore",
            "ClusterSecretStore",
            "ClusterExternalSecret",
        )
        self.controller = Controller(
            queue=self.queue,
            reconcilers=dict.fromkeys(kinds, self.reconciler),
            offers=self.offers,
            targets=self.targets,
            metrics=self.metrics,
            clock=Clock(),
            rng=random.Random(1),
        )

    async def work(self, seconds: float = 0.01) -> list[ObjectKey]:
        """Let a worker work for so long; returns what it has worked on."""
        before = len(self.reconciler.calls)
        worker = asyncio.create_task(self.controller.work())
        await asyncio.sleep(seconds)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        return self.reconciler.keys[before:]

    def does(self, **result: Any) -> None:
        """Every look comes to this."""
        self.reconciler.then = lambda key: Result(key=key, **{"outcome": Outcome.UNCHANGED, **result})


@pytest.fixture
async def house() -> House:
    return House()


def obj(kind: Kind = SEALED_SECRET, name: str = "x", generation: int = 1, **more: Any) -> Object:
    metadata = {
        "name": name,
        "namespace": "a",
        "uid": "u",
        "generation": generation,
        **more.pop("metadata", {}),
    }
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **more}


def secret(version: str, *, owner: str = "SealedSecret", name: str = "x") -> Object:
    group = "bitnami.com/v1alpha1" if owner == "SealedSecret" else "external-secrets.io/v1"
    reference = {"apiVersion": group, "kind": owner, "name": "x", "uid": "u", "controller": True}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": "a",
            "uid": "s",
            "resourceVersion": version,
            "ownerReferences": [reference],
        },
    }


@pytest.mark.parametrize(
    ("second", "news"),
    [
        (obj(status={"observedGeneration": 1}), False),
        (obj(generation=2), True),
        (obj(metadata={"labels": {"a": "b"}}), True),
        (obj(metadata={"annotations": {"a": "b"}}), True),
        (obj(metadata={"uid": "another life"}), True),
        (obj(metadata={"deletionTimestamp": "2026-11-01T00:00:00Z"}), True),
        (obj(metadata={"finalizers": ["x"], "resourceVersion": "9"}), False),
    ],
)
async def test_only_what_people_change_is_news(house: House, second: Object, news: bool) -> None:
    house.controller.change(Change(SEALED_SECRET, obj()))
    assert await house.work() == [SEALED]
    house.controller.change(Change(SEALED_SECRET, second))
    assert await house.work() == [SEALED] * news


async def test_a_body_that_was_brought_is_offered_and_kept_fresh(house: House) -> None:
    house.controller.change(Change(SEALED_SECRET, obj()))
    newer = obj(status={"x": 1})
    house.controller.change(Change(SEALED_SECRET, newer))
    assert house.offers.there == {"x": newer}
    house.controller.change(Change(SEALED_SECRET, newer, deleted=True))
    assert house.offers.there == {}


async def test_an_object_that_goes_is_looked_at_and_forgotten(house: House) -> None:
    house.controller.change(Change(SEALED_SECRET, obj()))
    house.does(target=TARGET)
    await house.work()
    house.does(outcome=Outcome.GONE)
    house.controller.change(Change(SEALED_SECRET, obj(), deleted=True))
    assert await house.work() == [SEALED]
    assert house.controller.known(SEALED_SECRET) == frozenset()
    assert house.controller.targets() == {}


async def test_a_failure_is_tried_again_and_a_change_makes_it_at_once(house: House) -> None:
    house.does(outcome=Outcome.FAILED, retry=True, error=SealbridgeError("no"))
    house.controller.change(Change(SEALED_SECRET, obj()))
    assert len(await house.work(200)) >= 5
    waiting = house.queue.due_in(SEALED)
    assert waiting is not None
    assert waiting > 1
    house.controller.change(Change(SEALED_SECRET, obj(generation=2)))
    assert await house.work() == [SEALED]


async def test_a_failure_that_stays_waits_for_a_change(house: House) -> None:
    house.does(outcome=Outcome.FAILED, error=SealbridgeError("bad ciphertext"))
    house.controller.change(Change(SEALED_SECRET, obj()))
    assert await house.work(10000) == [SEALED]


async def test_a_failure_that_names_its_next_try_is_tried_then(house: House) -> None:
    house.does(outcome=Outcome.FAILED, retry=True, requeue_after=30.0, error=SealbridgeError("store"))
    house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET)))
    await house.work(70)
    times = [at for _, at in house.reconciler.calls]
    assert [round(b - a) for a, b in itertools.pairwise(times)] == [30, 30]


async def test_a_refresh_comes_when_it_is_due(house: House) -> None:
    house.does(requeue_after=3600.0)
    house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET)))
    assert len(await house.work(3500)) == 1
    assert len(await house.work(200)) == 1


async def test_a_defect_is_logged_without_its_text_and_ends_no_worker(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(key: ObjectKey) -> Result:
        raise ZeroDivisionError

    house.reconciler.then = breaks
    house.controller.change(Change(SEALED_SECRET, obj()))
    assert len(await house.work(60)) >= 2
    assert "a defect" in caplog.text


async def test_what_hangs_is_ended_and_tried_again(house: House) -> None:
    async def hangs(key: ObjectKey) -> Result:
        await asyncio.sleep(10 * DEADLINE)
        raise AssertionError

    house.reconciler.then = hangs
    house.controller.change(Change(SEALED_SECRET, obj()))
    assert len(await house.work(3 * DEADLINE)) >= 2


async def test_our_own_write_is_no_drift(house: House) -> None:
    house.targets.witness("a", "x", "5")
    house.controller.change(Change(SECRET, secret("5")))
    assert await house.work() == []


@pytest.mark.parametrize("owner", ["SealedSecret", "ExternalSecret"])
async def test_an_edit_by_somebody_else_wakes_the_owner(house: House, owner: str) -> None:
    house.targets.witness("a", "x", "5")
    house.controller.change(Change(SECRET, secret("6", owner=owner)))
    assert await house.work() == [ObjectKey(owner, "a", "x")]


async def test_two_who_write_against_each_other_are_slowed_to_a_write_a_second(house: House) -> None:
    versions = itertools.count(5)

    async def writes(key: ObjectKey) -> Result:
        house.targets.witness("a", "x", str(next(versions)))
        return Result(key=key, outcome=Outcome.UPDATED, target=TARGET)

    async def fights() -> None:
        while True:
            house.controller.change(Change(SECRET, secret(str(next(versions)))))
            await asyncio.sleep(0.05)

    house.reconciler.then = writes
    house.controller.change(Change(SEALED_SECRET, obj()))
    await house.work()
    other = asyncio.create_task(fights())
    assert 60 <= len(await house.work(60)) <= 75
    other.cancel()

    house.controller.change(Change(SECRET, secret(str(next(versions)))))
    assert await house.work(1.5) == [SEALED], "the last word is ours, within a second"
    await house.work(60)
    house.controller.change(Change(SECRET, secret(str(next(versions)))))
    assert await house.work() == [SEALED], "whoever was left in peace is put right at once again"


async def test_a_write_that_is_seen_before_its_answer_is_no_drift(house: House) -> None:
    async def writes(key: ObjectKey) -> Result:
        house.controller.change(Change(SECRET, secret("5")))
        await asyncio.sleep(1)
        house.targets.witness("a", "x", "5")
        return Result(key=key, outcome=Outcome.CREATED, target=TARGET)

    house.reconciler.then = writes
    house.controller.change(Change(SEALED_SECRET, obj()))
    assert await house.work(10) == [SEALED]


@pytest.mark.parametrize("deleted", [False, True])
async def test_an_edit_during_the_work_is_seen_after_it(house: House, deleted: bool) -> None:
    async def writes(key: ObjectKey) -> Result:
        if len(house.reconciler.calls) == 1:
            house.controller.change(Change(SECRET, secret("6"), deleted=deleted))
        await asyncio.sleep(1)
        house.targets.witness("a", "x", "5")
        return Result(key=key, outcome=Outcome.CREATED, target=TARGET)

    house.reconciler.then = writes
    house.controller.change(Change(SEALED_SECRET, obj()))
    assert await house.work(10) == [SEALED, SEALED]


async def test_a_deleted_target_wakes_the_owner_even_without_a_reference(house: House) -> None:
    house.does(target=TARGET)
    house.targets.witness("a", "x", "5")
    house.controller.change(Change(SEALED_SECRET, obj()))
    await house.work()
    gone = secret("6")
    del gone["metadata"]["ownerReferences"]
    house.controller.change(Change(SECRET, gone, deleted=True))
    assert await house.work() == [SEALED]


async def test_targets_that_are_listed_at_the_start_wake_nobody(house: House) -> None:
    house.controller.change(Change(SECRET, secret("5"), listed=True))
    assert await house.work() == []


async def test_a_secret_of_somebody_else_wakes_nobody(house: House) -> None:
    foreign = secret("5")
    foreign["metadata"]["ownerReferences"][0]["apiVersion"] = "apps/v1"
    house.controller.change(Change(SECRET, foreign))
    assert await house.work() == []


async def test_a_store_that_recovers_wakes_those_who_failed_and_no_others(house: House) -> None:
    well = ObjectKey("ExternalSecret", "a", "well")
    outcome = {EXTERNAL: Outcome.FAILED, well: Outcome.UNCHANGED, STORE: Outcome.FAILED}
    house.reconciler.then = lambda key: Result(
        key=key, outcome=outcome[key], depends_on=frozenset({STORE}) if key != STORE else frozenset()
    )
    for name in ("x", "well"):
        house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET, name)))
    house.controller.change(Change(SECRET_STORE, obj(SECRET_STORE, "s")))
    await house.work()

    outcome[STORE] = Outcome.VALID
    house.controller.change(Change(SECRET_STORE, obj(SECRET_STORE, "s", generation=2)))
    assert await house.work(30) == [STORE, EXTERNAL]


async def test_one_that_gets_through_to_a_store_again_wakes_those_who_were_cut_off_from_it(
    house: House,
) -> None:
    names = ("x", "cut-off", "wrong", "elsewhere")
    x, cut_off, wrong, elsewhere = (ObjectKey("ExternalSecret", "a", name) for name in names)
    other = ObjectKey("SecretStore", "a", "other")
    down = SyncError("no values", failures=(Unavailable("down"),))
    errors = {x: down, cut_off: down, elsewhere: down, wrong: SyncError("no", failures=(NotFound("no"),))}

    def look(key: ObjectKey) -> Result:
        error = errors.get(key)
        return Result(
            key=key,
            outcome=Outcome.UNCHANGED if error is None else Outcome.FAILED,
            error=error,
            retry=error is not None,
            requeue_after=None if error is None else 600,
            depends_on=frozenset({other if key == elsewhere else STORE}),
        )

    house.reconciler.then = look
    for name in names:
        house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET, name)))
    await house.work()

    del errors[x], errors[cut_off]
    house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET, "x", generation=2)))
    assert await house.work(30) == [x, cut_off]


@pytest.mark.parametrize("deleted", [False, True])
async def test_an_edit_of_a_target_wakes_all_who_merge_into_it(house: House, deleted: bool) -> None:
    other = ObjectKey("ExternalSecret", "a", "y")
    house.does(target=TARGET)
    house.targets.witness("a", "x", "5")
    for name in ("x", "y"):
        house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET, name)))
    await house.work()
    edited = secret("6")
    del edited["metadata"]["ownerReferences"]
    house.controller.change(Change(SECRET, edited, deleted=deleted))
    assert await house.work() == [EXTERNAL, other]


async def test_a_new_sealing_key_wakes_what_could_not_be_opened(house: House) -> None:
    house.does(outcome=Outcome.FAILED, depends_on=frozenset({SEALING_KEYS}))
    assert not house.controller.waits_for_keys
    house.controller.change(Change(SEALED_SECRET, obj()))
    await house.work()
    assert house.controller.waits_for_keys
    house.does()
    house.controller.keys_changed()
    assert await house.work() == [SEALED]
    assert not house.controller.waits_for_keys


async def test_an_edit_goes_before_what_waits_for_a_key(house: House) -> None:
    house.does(outcome=Outcome.FAILED, depends_on=frozenset({SEALING_KEYS}))
    names = [f"x-{number}" for number in range(8)]
    for name in names:
        house.controller.change(Change(SEALED_SECRET, obj(name=name)))
    await house.work()
    house.controller.keys_changed()
    house.controller.change(Change(SEALED_SECRET, obj(name="edited")))
    first, *rest = [key.name for key in await house.work()]
    assert first == "edited"
    assert sorted(rest) == sorted(names)


async def test_a_credential_that_changes_wakes_the_store_that_reads_it(house: House) -> None:
    credential = ObjectKey("Secret", "a", "token")
    house.does(outcome=Outcome.FAILED, depends_on=frozenset({credential}))
    house.controller.change(Change(SECRET_STORE, obj(SECRET_STORE, "s")))
    await house.work()
    house.targets.witness("a", "token", "5")
    house.controller.change(Change(SECRET, secret("5", name="token")))
    assert await house.work() == [STORE]


async def test_what_is_only_overdue_at_the_start_is_spread_and_a_new_object_is_not(house: House) -> None:
    for number in range(20):
        overdue = obj(
            EXTERNAL_SECRET,
            f"overdue-{number}",
            spec={"secretStoreRef": {"name": "s"}, "data": [{"secretKey": "a", "remoteRef": {"key": "b"}}]},
        )
        overdue["status"] = {
            "refreshTime": "2026-10-01T00:00:00Z",
            "syncedResourceVersion": synced_version(overdue),
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        house.controller.change(Change(EXTERNAL_SECRET, overdue, listed=True))
    house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET, "new"), listed=True))
    assert [key.name for key in await house.work()] == ["new"]
    assert 5 < len(await house.work(30)) < 15
    await house.work(31)
    assert len(house.reconciler.calls) == 21


async def test_an_edit_goes_before_thousands_of_refreshes_that_are_due(house: House) -> None:
    names = [f"db-{number}" for number in range(5000)]
    for name in names:
        house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET, name)))
    house.does(requeue_after=3600)
    await house.work()
    assert house.queue.delayed == 5000
    await asyncio.sleep(3700)
    assert house.queue.depth == 5000

    house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET, names[4711], generation=2)))
    house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET, "new")))
    worked = await house.work(30)

    assert [key.name for key in worked[:2]] == [names[4711], "new"]
    assert len(worked) == 5001


async def test_work_that_many_wait_for_may_share_what_was_fetched_since_it_was_asked_for(
    house: House,
) -> None:
    seen: list[float | None] = []

    def look(key: ObjectKey) -> Result:
        seen.append(waiting_since.get())
        return Result(key=key, outcome=Outcome.UNCHANGED)

    house.reconciler.then = look
    asked = asyncio.get_running_loop().time()
    house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET)))
    await asyncio.sleep(20)
    await house.work()
    assert seen == [asked]


async def test_a_sweep_finds_what_the_watch_has_missed(house: House) -> None:
    for name in ("same", "changed", "gone"):
        house.controller.change(Change(SEALED_SECRET, obj(name=name)))
    await house.work()
    before = house.controller.known(SEALED_SECRET)
    house.controller.change(Change(SEALED_SECRET, obj(name="came-meanwhile")))
    await house.work()

    listed = [obj(name="same"), obj(name="changed", generation=2), obj(name="missed")]
    assert house.controller.swept(SEALED_SECRET, listed, before) == 3
    assert sorted(key.name for key in await house.work()) == ["changed", "gone", "missed"]


async def test_a_sweep_finds_targets_that_were_changed_or_deleted_unseen(house: House) -> None:
    house.reconciler.then = lambda key: Result(
        key=key, outcome=Outcome.CREATED, target=ObjectKey("Secret", "a", key.name)
    )
    for name in ("same", "edited", "gone"):
        house.targets.witness("a", name, "5")
        house.controller.change(Change(SEALED_SECRET, obj(name=name)))
    await house.work()

    def listed(name: str, version: str) -> Object:
        found = secret(version, name=name)
        found["metadata"]["ownerReferences"][0]["name"] = name
        return found

    targets = house.controller.targets()
    found = house.controller.swept_targets([listed("same", "5"), listed("edited", "6")], targets)
    assert found == 2
    assert sorted(key.name for key in await house.work()) == ["edited", "gone"]


async def test_a_target_of_an_object_that_is_not_ours_to_look_after_is_left_to_others(house: House) -> None:
    house.controller.change(Change(SECRET, secret("6")))
    assert await house.work() == []


async def test_the_targets_that_a_watch_lists_are_offered_and_withdrawn_when_they_change(
    house: House,
) -> None:
    house.controller.change(Change(SECRET, secret("5"), listed=True))
    assert house.offers.there["x"]["kind"] == "Secret"
    house.controller.change(Change(SECRET, secret("6")))
    assert house.offers.there == {}


FAN = ObjectKey("ClusterExternalSecret", "", "fan")


def fan() -> Object:
    return obj(CLUSTER_EXTERNAL_SECRET, metadata={"name": "fan", "namespace": ""})


def place(name: str = "a", **metadata: Any) -> Object:
    return obj(NAMESPACE, metadata={"name": name, "namespace": "", **metadata})


def made(**more: Any) -> Object:
    """An ExternalSecret that the ClusterExternalSecret controls."""
    reference = {"apiVersion": fan()["apiVersion"], "kind": FAN.kind, "name": "fan", "controller": True}
    return obj(EXTERNAL_SECRET, metadata={"ownerReferences": [reference]}, **more)


async def test_namespaces_that_come_are_relabelled_or_go_are_looked_at_together(house: House) -> None:
    house.controller.change(Change(CLUSTER_EXTERNAL_SECRET, fan()))
    assert await house.work() == [FAN]
    for number in range(20):
        house.controller.change(Change(NAMESPACE, place(f"n{number}")))
    assert await house.work(1) == [FAN]
    house.controller.change(Change(NAMESPACE, place("n1", annotations={"seen": "now"})))
    assert await house.work(1) == []
    house.controller.change(Change(NAMESPACE, place("n1", labels={"team": "x"})))
    assert await house.work(1) == [FAN]
    house.controller.change(Change(NAMESPACE, place("n1", labels={"team": "x"}), deleted=True))
    assert await house.work(1) == [FAN]


async def test_a_sweep_finds_namespaces_that_the_watch_has_missed(house: House) -> None:
    house.controller.change(Change(CLUSTER_EXTERNAL_SECRET, fan()))
    house.controller.change(Change(NAMESPACE, place("old")))
    await house.work(1)
    before = house.controller.known(NAMESPACE)
    assert house.controller.swept(NAMESPACE, [place("new")], before) == 2
    assert await house.work(1) == [FAN]
    assert house.controller.known(NAMESPACE) == {ObjectKey("Namespace", "", "new")}


async def test_an_external_secret_that_waits_is_tried_when_its_namespace_is_relabelled(house: House) -> None:
    house.does(outcome=Outcome.FAILED)
    house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET)))
    await house.work()
    house.controller.change(Change(NAMESPACE, place("b")))
    assert await house.work(1) == []
    house.controller.change(Change(NAMESPACE, place("a", labels={"team": "x"})))
    assert await house.work(1) == [EXTERNAL]


async def test_who_has_made_an_external_secret_hears_of_edits_and_of_its_end(house: House) -> None:
    house.controller.change(Change(EXTERNAL_SECRET, made()))
    assert FAN not in await house.work(), "that it is there is no news to its maker"
    house.controller.change(Change(EXTERNAL_SECRET, made(status={"some": "status"})))
    assert await house.work() == []
    house.controller.change(Change(EXTERNAL_SECRET, made(generation=2)))
    assert set(await house.work(2)) == {FAN, EXTERNAL}
    house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET, generation=2)))
    assert await house.work(2) == [FAN], "its owner reference was taken away"
    house.controller.change(Change(EXTERNAL_SECRET, made(generation=2)))
    house.controller.change(Change(EXTERNAL_SECRET, made(generation=2), deleted=True))
    assert set(await house.work(2)) == {FAN, EXTERNAL}


async def test_a_deletion_that_only_a_sweep_finds_is_told_to_the_maker(house: House) -> None:
    house.controller.change(Change(EXTERNAL_SECRET, made()))
    await house.work()
    house.controller.swept(EXTERNAL_SECRET, [], frozenset({EXTERNAL}))
    assert FAN in await house.work()


async def test_who_finds_its_place_taken_hears_when_it_is_free(house: House) -> None:
    house.does(outcome=Outcome.FAILED, depends_on=frozenset({EXTERNAL}))
    house.controller.change(Change(CLUSTER_EXTERNAL_SECRET, fan()))
    house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET)))
    await house.work()
    house.controller.change(Change(EXTERNAL_SECRET, obj(EXTERNAL_SECRET), deleted=True))
    assert FAN in await house.work()


PUSHED = ObjectKey("PushSecret", "a", "x")


async def test_a_push_secret_that_waits_is_tried_when_its_namespace_is_relabelled(house: House) -> None:
    house.does(outcome=Outcome.FAILED)
    house.controller.change(Change(PUSH_SECRET, obj(PUSH_SECRET)))
    await house.work()
    house.controller.change(Change(NAMESPACE, place("a", labels={"team": "x"})))
    assert await house.work(1) == [PUSHED]


async def test_a_source_that_changes_brings_its_push_secrets(house: House) -> None:
    named = {"selector": {"secret": {"name": "db"}}}
    labelled = {"selector": {"secret": {"selector": {"matchLabels": {"app": "shop"}}}}}
    house.controller.change(Change(PUSH_SECRET, obj(PUSH_SECRET, spec=named)))
    house.controller.change(Change(PUSH_SECRET, obj(PUSH_SECRET, "y", spec=labelled)))
    await house.work()
    house.controller.source_changed("a", "db", {})
    assert await house.work() == [PUSHED]
    house.controller.source_changed("a", "any", {"app": "shop"})
    assert await house.work() == [ObjectKey("PushSecret", "a", "y")]
    house.controller.source_changed("b", "db", {"app": "shop"})
    assert await house.work() == []
    house.does(outcome=Outcome.GONE)
    house.controller.change(Change(PUSH_SECRET, obj(PUSH_SECRET, spec=named), deleted=True))
    await house.work()
    house.controller.source_changed("a", "db", {})
    assert await house.work() == []


async def test_a_store_that_comes_or_is_edited_brings_those_that_choose_by_labels_once(house: House) -> None:
    answers = {
        STORE: Result(key=STORE, outcome=Outcome.VALID),
        PUSHED: Result(
            key=PUSHED, outcome=Outcome.UNCHANGED, depends_on=frozenset({any_store("SecretStore", "a")})
        ),
    }
    house.reconciler.then = answers.__getitem__
    house.controller.change(Change(PUSH_SECRET, obj(PUSH_SECRET)))
    await house.work()
    store = obj(SECRET_STORE, "s")
    house.controller.change(Change(SECRET_STORE, store))
    assert await house.work() == [STORE, PUSHED]
    # Looked at again because of its interval, it is nobody's news.
    house.queue.add(STORE)
    assert await house.work() == [STORE]
    house.controller.change(
        Change(SECRET_STORE, obj(SECRET_STORE, "s", metadata={"labels": {"push": "yes"}}))
    )
    assert await house.work() == [STORE, PUSHED]
