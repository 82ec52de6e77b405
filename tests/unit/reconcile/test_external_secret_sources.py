"""Where an ExternalSecret gets its values: searches, generators, optional entries. In a real directory."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.reconcile.external_secret import ExternalSecretReconciler
from sealbridge.reconcile.kinds import Object, ObjectKey
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.secret_store import SecretStoreReconciler
from sealbridge.reconcile.store_pool import StorePool
from tests.worlds import World, condition, external_key, external_secret, fake_store, store_key

DB = external_key("db")
HOUR = 3600.0
STORE = fake_store("fake", {"app/user": "bob", "app/password": "pw", "other": "x"})


class Operator:
    """What outlives a pass."""

    def __init__(self, world: World, *, once: bool = False) -> None:
        self.world = world
        self.cluster = world.cluster()
        pool = StorePool(self.cluster, world.clock)
        self.external = ExternalSecretReconciler(self.cluster, pool, world.clock, refresh_always=once)
        self.stores = SecretStoreReconciler(self.cluster, pool, world.clock)

    async def reconcile(self, key: ObjectKey = DB) -> Result:
        self.cluster.reload()
        await self.stores.reconcile(store_key("fake"))
        return await self.external.reconcile(key)

    async def status(self) -> dict[str, Any]:
        status: dict[str, Any] = (await self.world.object(self.cluster, DB))["status"]
        return status

    async def ready(self) -> tuple[str, str, str]:
        ready = condition(await self.world.object(self.cluster, DB), "Ready")
        return ready["status"], ready["reason"], ready["message"]

    def events(self) -> list[tuple[str, str, str]]:
        return [(e.type_, e.reason, e.message) for e in self.cluster.events if e.about == DB]

    def items(self) -> dict[str, str]:
        return self.world.read("default/db.yaml")


def searching(find: dict[str, Any], *, minimum: str | None = None, **more: Any) -> Object:
    annotations = {} if minimum is None else {"sealbridge.io/minimum-matches": minimum}
    return external_secret("db", {}, dataFrom=[{"find": find, **more}], metadata={"annotations": annotations})


async def test_what_is_found_becomes_items_and_its_number_is_in_the_status(world: World) -> None:
    world.write("all.yaml", STORE, searching({"name": {"regexp": "^app/"}}))
    operator = Operator(world)

    result = await operator.reconcile()

    assert (result.outcome, result.depends_on) == (Outcome.CREATED, {store_key("fake")})
    assert operator.items() == {"app_user": "bob", "app_password": "pw"}
    assert (await operator.status())["matches"] == [{"entry": "dataFrom[0]", "count": 2}]
    assert await operator.ready() == ("True", "SecretSynced", "secret synced")


async def test_a_search_that_finds_nothing_has_a_reason_of_its_own(world: World) -> None:
    world.write("store.yaml", STORE)
    world.write("db.yaml", searching({"name": {"regexp": "^gone/"}}))
    operator = Operator(world)

    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED

    message = "secret retained due to DeletionPolicy=Retain; dataFrom[0].find found nothing"
    assert await operator.ready() == ("True", "NothingFound", message)
    assert (await operator.status())["matches"] == [{"entry": "dataFrom[0]", "count": 0}]
    assert operator.events() == [("Warning", "NothingFound", message)]
    world.clock.advance(2 * HOUR)
    await operator.reconcile()
    assert len(operator.events()) == 1

    world.write("db.yaml", external_secret("db", {"x": "other"}))
    await operator.reconcile()
    assert await operator.ready() == ("True", "SecretSynced", "secret synced")
    assert "matches" not in await operator.status()


async def test_fewer_matches_than_the_minimum_keep_the_secret(world: World) -> None:
    world.write("store.yaml", STORE)
    world.write("db.yaml", searching({"name": {"regexp": "^app/"}}, minimum="2"))
    operator = Operator(world)
    await operator.reconcile()
    world.write("store.yaml", fake_store("fake", {"app/user": "bob"}))
    world.clock.advance(2 * HOUR)

    result = await operator.reconcile()

    assert result.outcome is Outcome.FAILED
    status, reason, message = await operator.ready()
    assert (status, reason) == ("False", "SecretSyncedError")
    assert "dataFrom[0]: found only 1, and sealbridge.io/minimum-matches is 2" in message
    assert operator.items() == {"app_user": "bob", "app_password": "pw"}


async def test_a_store_that_cannot_search_so_says_why(world: World) -> None:
    world.write("all.yaml", STORE, searching({"tags": {"env": "prod"}}))
    operator = Operator(world)
    assert (await operator.reconcile()).outcome is Outcome.FAILED
    assert "dataFrom[0]: the fake provider has no tags to find by" in (await operator.ready())[2]


def generator(kind: str, name: str, spec: dict[str, Any]) -> Object:
    return {
        "apiVersion": "generators.external-secrets.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def generated(kind: str = "Password", **more: Any) -> Object:
    source = {
        "generatorRef": {"apiVersion": "generators.external-secrets.io/v1alpha1", "kind": kind, "name": "g"}
    }
    document = external_secret("db", {}, dataFrom=[{"sourceRef": source, **more}])
    del document["spec"]["secretStoreRef"]
    return document


@pytest.mark.parametrize("once", [False, True])
async def test_what_was_generated_stays_until_it_is_due(world: World, once: bool) -> None:
    world.write("all.yaml", generator("Password", "g", {"length": 30, "allowRepeat": True}), generated())
    result = await Operator(world, once=once).reconcile()
    assert result.outcome is Outcome.CREATED
    assert result.depends_on == {ObjectKey("Password", "default", "g")}
    first = world.read("default/db.yaml")
    assert len(first["password"]) == 30

    world.clock.advance(0.5 * HOUR)
    operator = Operator(world, once=once)
    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED
    assert operator.items() == first

    world.clock.advance(HOUR)
    assert (await operator.reconcile()).outcome is Outcome.UPDATED
    assert operator.items()["password"] != first["password"]


async def test_generators_for_one_namespace_and_for_all_are_found(world: World) -> None:
    world.write(
        "all.yaml",
        generator("ClusterGenerator", "g", {"kind": "Fake", "generator": {"fakeSpec": {"data": {"a": "b"}}}}),
        generated("ClusterGenerator", rewrite=[{"regexp": {"source": "^", "target": "x-"}}]),
    )
    operator = Operator(world)
    assert (await operator.reconcile()).depends_on == {ObjectKey("ClusterGenerator", "", "g")}
    assert operator.items() == {"x-a": "b"}


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ([], 'dataFrom[0]: there is no Password "g" in namespace "default"'),
        (
            [generator("Password", "g", {"length": 4, "digits": 5})],
            'dataFrom[0]: Password "g": spec: 5 digits and 1 symbols are more than the length of 4',
        ),
        ([generator("UUID", "g", {})], 'dataFrom[0]: there is no Password "g" in namespace "default"'),
    ],
)
async def test_a_generator_that_gives_nothing_says_why(
    world: World, there: list[Object], message: str
) -> None:
    world.write("all.yaml", *there, generated())
    operator = Operator(world)
    assert (await operator.reconcile()).outcome is Outcome.FAILED
    assert message in (await operator.ready())[2]


async def test_a_generator_of_another_namespace_is_out_of_reach(world: World) -> None:
    theirs = generator("Password", "g", {})
    theirs["metadata"]["namespace"] = "elsewhere"
    world.write("all.yaml", theirs, generated())
    operator = Operator(world)
    assert (await operator.reconcile()).outcome is Outcome.FAILED
    assert 'there is no Password "g" in namespace "default"' in (await operator.ready())[2]


async def test_optional_keys_that_are_missing_hold_nothing_up_and_are_told_once(world: World) -> None:
    annotations = {"sealbridge.io/optional-keys": "extra, more"}
    wanted = {"user": "app/user", "extra": "gone", "more": "gone-too"}
    world.write("store.yaml", STORE)
    world.write("db.yaml", external_secret("db", wanted, metadata={"annotations": annotations}))
    operator = Operator(world)

    assert (await operator.reconcile()).outcome is Outcome.CREATED

    assert operator.items() == {"user": "bob"}
    assert (await operator.status())["missingKeys"] == ["extra", "more"]
    told = [message for type_, reason, message in operator.events() if reason == "OptionalKeysMissing"]
    extra, more = (f"there is no secret '{key}' in the store" for key in ("gone", "gone-too"))
    assert told == [f"synced user; without extra: {extra}; without more: {more}"]
    world.clock.advance(2 * HOUR)
    await operator.reconcile()
    assert len([e for e in operator.events() if e[1] == "OptionalKeysMissing"]) == 1

    world.write("store.yaml", fake_store("fake", {"app/user": "bob", "gone": "1", "gone-too": "2"}))
    world.clock.advance(2 * HOUR)
    assert (await operator.reconcile()).added == ("extra", "more")
    assert "missingKeys" not in await operator.status()


def templated(*places: dict[str, Any]) -> Object:
    target = {"template": {"templateFrom": list(places)}}
    return external_secret("db", {"user": "app/user"}, target=target)


def source(kind: str, name: str, **data: str) -> Object:
    field = "data" if kind == "ConfigMap" else "stringData"
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, field: data}


async def test_templates_come_from_config_maps_and_secrets_of_the_namespace(world: World) -> None:
    one = {"configMap": {"name": "texts", "items": [{"key": "url"}]}}
    other = {"secret": {"name": "more", "items": [{"key": "all", "templateAs": "KeysAndValues"}]}}
    world.write("store.yaml", STORE, source("Secret", "more", all="{{ .user }}: 'yes'"))
    world.write("texts.yaml", source("ConfigMap", "texts", url="http://{{ .user }}@host"))
    world.write("db.yaml", templated(one, other))
    operator = Operator(world)

    result = await operator.reconcile()

    assert operator.items() == {"url": "http://bob@host", "bob": "yes"}
    needs = {
        store_key("fake"),
        ObjectKey("ConfigMap", "default", "texts"),
        ObjectKey("Secret", "default", "more"),
    }
    assert result.depends_on == needs
    assert (await operator.reconcile()).depends_on == needs


async def test_a_template_that_is_not_there_is_waited_for(world: World) -> None:
    world.write("store.yaml", STORE)
    world.write("db.yaml", templated({"configMap": {"name": "texts", "items": [{"key": "url"}]}}))
    operator = Operator(world)

    result = await operator.reconcile()

    assert (result.outcome, result.retry) == (Outcome.FAILED, True)
    assert ObjectKey("ConfigMap", "default", "texts") in result.depends_on
    status, reason, message = await operator.ready()
    assert (status, reason) == ("False", "SecretSyncedError")
    assert message.startswith(
        "could not update secret: spec.target.template.templateFrom:"
        ' there is no ConfigMap "texts" in namespace "default"'
    )
    world.write("texts.yaml", source("ConfigMap", "texts", url="{{ .user"))
    assert (await operator.reconcile()).retry is True
    world.write("texts.yaml", source("ConfigMap", "texts", url="{{ .user }}"))
    assert (await operator.reconcile()).outcome is Outcome.CREATED


async def test_a_template_of_another_namespace_is_out_of_reach(world: World) -> None:
    theirs = source("ConfigMap", "texts", url="x")
    theirs["metadata"]["namespace"] = "elsewhere"
    world.write("all.yaml", STORE, theirs)
    world.write("db.yaml", templated({"configMap": {"name": "texts", "items": [{"key": "url"}]}}))
    assert (await Operator(world).reconcile()).outcome is Outcome.FAILED


NIGHT = {"kind": "allow", "windows": [{"schedule": "0 22 * * *", "duration": "2h"}]}


@pytest.mark.parametrize("once", [False, True])
async def test_outside_of_its_window_nothing_is_refreshed(world: World, once: bool) -> None:
    world.write("store.yaml", STORE)
    world.write("db.yaml", external_secret("db", {"x": "other"}, syncWindows=NIGHT))
    operator = Operator(world, once=once)
    first = await operator.reconcile()
    assert first.outcome is Outcome.CREATED
    assert first.requeue_after == 10 * HOUR
    world.write("store.yaml", fake_store("fake", {"other": "y"}))
    world.clock.advance(3 * HOUR)
    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED
    world.clock.advance(7.5 * HOUR)
    assert (await operator.reconcile()).outcome is Outcome.UPDATED


async def test_a_refresh_that_failed_waits_for_the_next_window_and_an_edit_does_not(world: World) -> None:
    world.write("store.yaml", STORE)
    world.write("db.yaml", external_secret("db", {"x": "other"}, syncWindows=NIGHT))
    operator = Operator(world)
    await operator.reconcile()
    world.write("store.yaml", fake_store("fake", {"away": "y"}))
    world.clock.advance(10.5 * HOUR)
    assert (await operator.reconcile()).outcome is Outcome.FAILED
    world.write("store.yaml", fake_store("fake", {"other": "y"}))
    world.clock.advance(3 * HOUR)
    waiting = await operator.reconcile()
    assert (waiting.outcome, waiting.requeue_after) == (Outcome.UNCHANGED, 20.5 * HOUR)
    world.write("db.yaml", external_secret("db", {"x": "other", "y": "other"}, syncWindows=NIGHT))
    assert (await operator.reconcile()).outcome is Outcome.UPDATED
