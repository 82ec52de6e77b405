"""An ExternalSecret is reconciled against a real directory and real stores of the fake provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from sealbridge.errors import StoreError, Throttled
from sealbridge.manifests import dump_yaml
from sealbridge.reconcile.cluster import Ownership
from sealbridge.reconcile.kinds import EXTERNAL_SECRET
from sealbridge.reconcile.result import Outcome
from sealbridge.reconcile.status import owner_of
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Reference, Resolver
from tests.canary import Canary
from tests.passes import DB, HOUR, Operator
from tests.worlds import World, external_key, external_secret, fake_store, store_key


async def test_it_becomes_a_secret_with_status_and_an_event(world: World) -> None:
    world.write(
        "all.yaml", fake_store("fake", {"a": "1", "b": "2"}), external_secret("db", {"x": "a", "y": "b"})
    )
    operator = Operator(world)

    result = await operator.reconcile()

    assert (result.outcome, result.added, result.retry) == (Outcome.CREATED, ("x", "y"), False)
    assert result.depends_on == {store_key("fake")}
    assert result.requeue_after is not None
    assert 0.9 * HOUR <= result.requeue_after <= 1.1 * HOUR
    secret = await operator.cluster.get_secret("default", "db")
    assert secret is not None
    assert secret.items == {"x": Value(b"1"), "y": Value(b"2")}
    assert secret.labels["reconcile.external-secrets.io/managed"] == "true"
    assert secret.labels["sealbridge.io/managed"] == "true"
    status = await operator.status()
    assert status["refreshTime"] == "2026-05-01T12:00:00Z"
    assert status["binding"] == {"name": "db"}
    ready = await operator.ready()
    assert (ready["status"], ready["reason"], ready["message"]) == ("True", "SecretSynced", "secret synced")
    assert operator.events() == [("Normal", "Created", 'created Secret "db": added x, y')]


async def test_before_it_is_due_the_store_is_not_asked_and_nothing_changes(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}))
    operator = Operator(world)
    await operator.reconcile()
    files, status = world.output_files(), await operator.status()
    world.write("store.yaml", fake_store("fake", {"a": "2"}))
    world.clock.advance(0.8 * HOUR)

    result = await operator.reconcile()

    assert result.outcome is Outcome.UNCHANGED
    assert result.requeue_after is not None
    assert result.requeue_after <= 0.3 * HOUR
    assert (world.output_files(), await operator.status()) == (files, status)

    world.clock.advance(0.3 * HOUR)
    result = await operator.reconcile()
    assert (result.outcome, result.updated) == (Outcome.UPDATED, ("x",))
    assert world.read("default/db.yaml") == {"x": "2"}
    assert (await operator.status())["refreshTime"] == "2026-05-01T13:06:00Z"
    assert operator.events()[-1] == ("Normal", "Updated", 'updated Secret "db": updated x')


async def test_a_restart_resumes_from_status(world: World) -> None:
    world.write("all.yaml", fake_store("fake", {"a": "1"}), external_secret("db", {"x": "a"}))
    first = await Operator(world).reconcile()
    files = world.output_files()

    second = await Operator(world).reconcile()

    assert second.outcome is Outcome.UNCHANGED
    assert second.requeue_after == first.requeue_after
    assert world.output_files() == files


async def test_what_was_synced_at_once_is_due_at_different_times_also_after_a_restart(world: World) -> None:
    names = [f"db-{number}" for number in range(200)]
    made = [external_secret(name, {"x": "a"}, metadata={"uid": f"uid-{name}"}) for name in names]
    world.write("all.yaml", fake_store("fake", {"a": "1"}), *made)

    async def dues() -> list[float]:
        operator = Operator(world)
        await operator.check_stores()
        found = [(await operator.external.reconcile(external_key(name))).requeue_after for name in names]
        return [due for due in found if due is not None]

    first = await dues()
    world.clock.advance(600)
    later = await dues()

    assert [due + 600 for due in later] == pytest.approx(first)
    assert len(set(first)) == 200
    # From 54 to 66 minutes, and as many in each part of it as chance has it.
    counts = [
        sum(54 * 60 + part * 120 <= due < 54 * 60 + (part + 1) * 120 for due in first) for part in range(6)
    ]
    assert sum(counts) == 200
    assert all(15 <= count <= 55 for count in counts), counts


async def test_a_run_that_comes_once_asks_at_every_pass_and_writes_only_what_changed(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}))
    await Operator(world, once=True).reconcile()
    files = world.output_files()

    assert (await Operator(world, once=True).reconcile()).outcome is Outcome.UNCHANGED
    assert world.output_files() == files

    world.write("store.yaml", fake_store("fake", {"a": "2"}))
    assert (await Operator(world, once=True).reconcile()).outcome is Outcome.UPDATED


@pytest.mark.parametrize(
    "spec", [{"refreshPolicy": "CreatedOnce"}, {"refreshPolicy": "OnChange"}, {"refreshInterval": "0"}]
)
async def test_a_run_that_comes_once_keeps_to_policies_that_time_has_no_part_in(
    world: World, spec: dict[str, Any]
) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, **spec))
    await Operator(world, once=True).reconcile()
    world.write("store.yaml", fake_store("fake", {"a": "2"}))

    assert (await Operator(world, once=True).reconcile()).outcome is Outcome.UNCHANGED
    assert world.read("default/db.yaml") == {"x": "1"}


@pytest.mark.parametrize(
    "change",
    [
        {"target": {"name": "elsewhere"}},
        {"metadata": {"labels": {"force-sync": "1"}}},
        {"metadata": {"annotations": {"force-sync": "1"}}},
    ],
    ids=["spec", "label", "annotation"],
)
async def test_every_edit_refreshes_at_once(world: World, change: dict[str, Any]) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}))
    operator = Operator(world)
    await operator.reconcile()
    world.clock.advance(60)
    world.write("db.yaml", external_secret("db", {"x": "a"}, **change))

    await operator.reconcile()

    assert (await operator.status())["refreshTime"] == "2026-05-01T12:01:00Z"


def drop(path: Any) -> None:
    path.unlink()


def edit_data(path: Any) -> None:
    document = yaml.safe_load(path.read_text())
    document["data"]["x"] = "ZXZpbA=="
    path.write_text(yaml.safe_dump(document))


def edit_label(path: Any) -> None:
    document = yaml.safe_load(path.read_text())
    document["metadata"]["labels"]["reconcile.external-secrets.io/managed"] = "false"
    path.write_text(yaml.safe_dump(document))


@pytest.mark.parametrize("tamper", [drop, edit_data, edit_label])
async def test_a_target_that_was_tampered_with_is_synced_at_once(world: World, tamper: Any) -> None:
    world.write("all.yaml", fake_store("fake", {"a": "1"}), external_secret("db", {"x": "a"}))
    operator = Operator(world)
    await operator.reconcile()
    before = (world.output / "default" / "db.yaml").read_bytes()
    world.clock.advance(60)
    tamper(world.output / "default" / "db.yaml")

    result = await operator.reconcile()

    assert result.outcome in (Outcome.CREATED, Outcome.UPDATED)
    assert (world.output / "default" / "db.yaml").read_bytes() == before
    assert (await operator.status())["refreshTime"] == "2026-05-01T12:01:00Z"


async def test_a_foreign_annotation_on_the_target_is_noted_and_asks_no_store(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}))
    operator = Operator(world)
    await operator.reconcile()
    path = world.output / "default" / "db.yaml"
    document = yaml.safe_load(path.read_text())
    document["metadata"]["annotations"]["theirs"] = "1"
    path.write_text(yaml.safe_dump(document))
    edited = path.read_bytes()
    world.write("store.yaml", fake_store("fake", {"a": "2"}))
    before = await operator.status()

    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED

    assert path.read_bytes() == edited
    after = await operator.status()
    assert after["target"] != before["target"]
    assert {**after, "target": None} == {**before, "target": None}


async def test_a_failure_keeps_the_secret_says_since_when_and_when_next_and_is_told_once(
    world: World, canary: Canary
) -> None:
    canary.output(world.source)
    canary.output(world.output / "default")
    value = canary("last good value")
    world.write("store.yaml", fake_store("fake", {"a": value}))
    world.write("db.yaml", external_secret("db", {"x": "a"}))
    operator = Operator(world)
    await operator.reconcile()
    files = world.output_files()
    world.write("store.yaml", fake_store("fake", {"b": value}))
    world.clock.advance(2 * HOUR)

    first = await operator.reconcile()

    cause = (
        "could not get secret data from provider: data[0] (secretKey x): there is no secret 'a' in"
        " the store (NotFound)"
    )
    ready = await operator.ready()
    assert (first.outcome, first.retry) == (Outcome.FAILED, True)
    assert (ready["status"], ready["reason"]) == ("False", "SecretSyncedError")
    assert ready["message"].startswith(
        f"{cause}; the Secret keeps its last values, those of 2026-05-01T12:00:00Z;"
        " next try at 2026-05-01T14:00:0"
    )
    assert first.message == ready["message"]
    assert world.output_files() == files
    assert world.read("default/db.yaml") == {"x": value}
    assert (await operator.status())["refreshTime"] == "2026-05-01T12:00:00Z"
    (world.output / "default" / "db.yaml").rename(world.output / "db.yaml")
    assert "keeps its last values" not in (await operator.reconcile()).message
    (world.output / "db.yaml").rename(world.output / "default" / "db.yaml")

    world.clock.advance(300)
    second = await operator.reconcile()
    assert second.requeue_after is not None
    assert 300 * 0.75 <= second.requeue_after <= 300 * 1.25
    assert (await operator.ready())["lastTransitionTime"] == "2026-05-01T14:00:00Z"
    assert [event for event in operator.events() if event[0] == "Warning"] == [
        ("Warning", "UpdateFailed", cause)
    ]

    world.clock.advance(100 * HOUR)
    third = await operator.reconcile()
    assert third.requeue_after is not None
    assert third.requeue_after <= 600 * 1.25

    world.write("store.yaml", fake_store("fake", {"a": value}))
    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED
    assert (await operator.ready())["message"] == "secret synced"


async def test_all_entries_that_fail_are_named_and_none_is_written(world: World) -> None:
    world.write(
        "all.yaml", fake_store("fake", {"a": "1"}), external_secret("db", {"x": "a", "y": "b", "z": "c"})
    )
    operator = Operator(world, once=True)

    result = await operator.reconcile()

    assert "data[1] (secretKey y): there is no secret 'b'" in result.message
    assert "data[2] (secretKey z): there is no secret 'c'" in result.message
    assert "next try" not in result.message
    assert "keeps its last values" not in result.message
    assert not world.output_files()


@pytest.mark.parametrize(
    ("store", "message"),
    [
        (None, 'there is no SecretStore "fake" in namespace "default"'),
        (
            {"provider": {"fake": {}, "vault": {}}},
            'SecretStore "fake" is not ready: unable to create client: spec.provider must name exactly one',
        ),
        (
            {"provider": {"nosuch": {}}},
            'SecretStore "fake" is not ready: unable to create client: spec.provider.nosuch: the provider',
        ),
    ],
    ids=["absent", "two providers", "unknown provider"],
)
async def test_a_store_that_cannot_be_used_is_named_and_waited_for(
    world: World, store: dict[str, Any] | None, message: str
) -> None:
    world.write("db.yaml", external_secret("db", {"x": "a"}))
    if store is not None:
        world.write("store.yaml", {**fake_store("fake", {}), "spec": store})
    operator = Operator(world)

    result = await operator.reconcile()

    assert (result.outcome, result.retry, result.told) == (Outcome.FAILED, True, True)
    assert message in result.message
    assert message in (await operator.ready())["message"]
    assert store_key("fake") in result.depends_on

    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    assert (await operator.reconcile()).outcome is Outcome.CREATED


async def test_a_store_that_nobody_has_looked_at_is_no_failure(world: World) -> None:
    world.write("all.yaml", fake_store("fake", {"a": "1"}), external_secret("db", {"x": "a"}))
    operator = Operator(world)

    result = await operator.external.reconcile(DB)

    assert result.outcome is Outcome.SKIPPED
    assert result.depends_on == {store_key("fake")}
    assert result.requeue_after == 10
    assert not operator.events()


async def test_a_store_of_another_controller_is_passed_over_in_silence(world: World) -> None:
    world.write(
        "all.yaml", fake_store("fake", {"a": "1"}, controller="theirs"), external_secret("db", {"x": "a"})
    )
    operator = Operator(world)

    result = await operator.reconcile()

    assert (result.outcome, result.requeue_after) == (Outcome.SKIPPED, None)
    assert "status" not in await world.object(operator.cluster, DB)
    assert not operator.cluster.events


async def test_a_cluster_store_denies_namespaces_that_its_conditions_do_not_name(world: World) -> None:
    store = fake_store(
        "shared", {"a": "1"}, kind="ClusterSecretStore", conditions=[{"namespaces": ["other"]}]
    )
    world.write(
        "all.yaml",
        store,
        external_secret("db", {"x": "a"}, store="shared", kind="ClusterSecretStore"),
        external_secret(
            "db", {"x": "a"}, store="shared", kind="ClusterSecretStore", metadata={"namespace": "other"}
        ),
    )
    operator = Operator(world)

    denied = await operator.reconcile()
    assert denied.outcome is Outcome.FAILED
    assert "denied by spec.condition" in denied.message
    assert (await operator.reconcile(external_key("db", "other"))).outcome is Outcome.CREATED


async def test_a_secret_of_others_is_adopted_when_it_is_handed_over_and_that_of_a_controller_never(
    world: World,
) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}))
    folder = world.output / "default"
    folder.mkdir(parents=True)
    (folder / "db.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, labels: {theirs: '1'}}\nstringData: {old: x}\n"
    )
    operator = Operator(world)

    refused = await operator.reconcile()
    assert refused.outcome is Outcome.FAILED
    assert 'sealbridge.io/adopt: "true"' in (await operator.ready())["message"]
    assert world.read("default/db.yaml") == {"old": "x"}

    adopt = {"annotations": {"sealbridge.io/adopt": "true"}}
    world.write("db.yaml", external_secret("db", {"x": "a"}, metadata=adopt))
    assert (await operator.reconcile()).removed == ("old",)
    secret = await operator.cluster.get_secret("default", "db")
    assert secret is not None
    assert secret.labels["theirs"] == "1"
    assert "sealbridge.io/adopt" not in secret.annotations
    world.write("db.yaml", external_secret("db", {"x": "a"}))
    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED

    world.write("other.yaml", external_secret("other", {"x": "a"}, target={"name": "taken"}))
    owner = owner_of(EXTERNAL_SECRET, await world.object(operator.cluster, DB), "m")
    taken = Secret(name="taken", namespace="default", items={"a": Value(b"1")})
    await operator.cluster.apply_secret(taken, owner=owner, ownership=Ownership.ADOPT)

    result = await operator.reconcile(external_key("other"))
    expected = "could not update secret: target is owned by another ExternalSecret"
    assert result.message.startswith(expected)
    assert (await operator.ready(external_key("other")))["message"].startswith(expected)
    assert world.read("default/taken.yaml") == {"a": "1"}


async def test_an_immutable_target_says_so_in_upstreams_words(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, target={"immutable": True}))
    operator = Operator(world, once=True)
    await operator.reconcile()
    world.write("store.yaml", fake_store("fake", {"a": "2"}))

    result = await operator.reconcile()

    assert result.message.startswith("could not update secret, target is immutable")
    assert world.read("default/db.yaml") == {"x": "1"}


async def test_a_target_that_is_renamed_leaves_nothing_behind(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, target={"name": "first"}))
    operator = Operator(world)
    await operator.reconcile()
    world.write("db.yaml", external_secret("db", {"x": "a"}, target={"name": "second"}))

    await operator.reconcile()

    assert list(world.output_files()) == ["default/second.yaml"]
    assert (await operator.status())["binding"] == {"name": "second"}


async def test_a_former_target_that_is_no_longer_ours_stays(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, target={"name": "first"}))
    operator = Operator(world)
    await operator.reconcile()
    operator.cluster._state.release("default", "first")
    world.write("db.yaml", external_secret("db", {"x": "a"}, target={"name": "second"}))

    await operator.reconcile()

    assert list(world.output_files()) == ["default/first.yaml", "default/second.yaml"]


async def test_a_target_that_lost_its_owner_is_adopted_again(world: World) -> None:
    world.write("all.yaml", fake_store("fake", {"a": "1"}), external_secret("db", {"x": "a"}))
    operator = Operator(world)
    await operator.reconcile()
    operator.cluster._state.release("default", "db")
    path = world.output / "default" / "db.yaml"
    path.write_text(path.read_text() + "# by hand\n")

    await operator.reconcile()

    state = await operator.cluster.target_state("default", "db")
    assert state is not None
    assert state.owner == "ExternalSecret db"


async def test_an_edit_that_broke_it_and_is_taken_back_leaves_no_stale_condition(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}))
    operator = Operator(world)
    await operator.reconcile()
    world.write("store.yaml", fake_store("fake", {}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, metadata={"labels": {"a": "b"}}))
    assert (await operator.reconcile()).outcome is Outcome.FAILED
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}))

    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED
    assert (await operator.ready())["status"] == "True"


class ThrottlingStore:
    """Asks for patience, and says for how long."""

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        return dict.fromkeys(references, Throttled("too many requests", retry_after=120))

    async def check(self) -> None:
        pass

    async def close(self) -> None:
        pass


async def test_a_store_that_asks_for_patience_gets_it(world: World) -> None:
    async def open_throttling(
        provider: str, config: Mapping[str, Any], resolver: Resolver
    ) -> ThrottlingStore:
        return ThrottlingStore()

    world.write("all.yaml", fake_store("fake", {}), external_secret("db", {"x": "a"}))
    operator = Operator(world, opener=open_throttling)

    result = await operator.reconcile()

    assert result.requeue_after == 120
    assert "too many requests (Throttled); next try at 2026-05-01T12:02:00Z" in result.message


class TickingStore:
    """Has another value at every request."""

    def __init__(self) -> None:
        self.requests = 0

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        self.requests += 1
        return dict.fromkeys(references, Value(str(self.requests).encode()))

    async def check(self) -> None:
        pass

    async def close(self) -> None:
        pass


async def test_objects_share_a_value_for_a_moment_but_an_edit_asks_for_the_one_of_now(world: World) -> None:
    store = TickingStore()

    async def open_ticking(provider: str, config: Mapping[str, Any], resolver: Resolver) -> TickingStore:
        return store

    world.write("store.yaml", fake_store("fake", {}))
    world.write("other.yaml", external_secret("other", {"x": "a"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}))
    operator = Operator(world, opener=open_ticking)
    await operator.reconcile()
    await operator.reconcile(external_key("other"))
    assert store.requests == 1

    world.write("db.yaml", external_secret("db", {"x": "a"}, metadata={"annotations": {"force-sync": "1"}}))
    assert (await operator.reconcile()).outcome is Outcome.UPDATED
    assert store.requests == 2
    assert (world.read("default/db.yaml"), world.read("default/other.yaml")) == ({"x": "2"}, {"x": "1"})


async def test_an_adopted_secret_keeps_its_type_unless_a_template_names_one(world: World) -> None:
    (world.output / "default").mkdir(parents=True)
    tls = Secret(name="db", namespace="default", type="example.org/kind", items={"x": Value(b"old")})
    (world.output / "default" / "db.yaml").write_text(dump_yaml([tls.to_manifest()]))
    adopt = {"annotations": {"sealbridge.io/adopt": "true"}}
    world.write("all.yaml", fake_store("fake", {"a": "1"}), external_secret("db", {"x": "a"}, metadata=adopt))
    operator = Operator(world)

    assert (await operator.reconcile()).outcome is Outcome.UPDATED
    assert yaml.safe_load((world.output / "default" / "db.yaml").read_text())["type"] == "example.org/kind"


async def test_a_store_that_has_nothing_leaves_the_secret_as_it_is(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": '{"k": "v"}'}))
    world.write("db.yaml", external_secret("db", {}, dataFrom=[{"extract": {"key": "a"}}]))
    operator = Operator(world, once=True)
    await operator.reconcile()
    world.write("store.yaml", fake_store("fake", {"a": "{}"}))

    result = await operator.reconcile()

    assert result.outcome is Outcome.UNCHANGED
    assert world.read("default/db.yaml") == {"k": "v"}
    ready = await operator.ready()
    assert (ready["status"], ready["message"]) == ("True", "secret retained due to DeletionPolicy=Retain")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"data": []}, "either spec.data or spec.dataFrom must be given"),
        ({"refreshInterval": "often"}, "spec.refreshInterval: not a duration"),
        ({"target": {"manifest": {"kind": "ConfigMap"}}}, "spec.target.manifest is not supported yet"),
        (
            {"target": {"creationPolicy": "Merge", "deletionPolicy": "Delete"}},
            "spec.target.deletionPolicy Delete must not be used with creationPolicy Merge",
        ),
        ({"surprise": 1}, "spec.surprise: there is no such field"),
        ({"target": "text"}, "spec.target"),
    ],
)
async def test_a_spec_that_is_wrong_fails_alone_and_waits_for_an_edit(
    world: World, spec: dict[str, Any], message: str
) -> None:
    bad = external_secret("bad", {"x": "a"})
    bad["spec"] |= spec
    world.write("all.yaml", fake_store("fake", {"a": "1"}), external_secret("db", {"x": "a"}), bad)
    operator = Operator(world)

    result = await operator.reconcile(external_key("bad"))

    assert (result.outcome, result.retry, result.requeue_after) == (Outcome.FAILED, False, None)
    assert message in result.message
    assert (await operator.ready(external_key("bad")))["reason"] == "SecretSyncedError"
    await operator.reconcile(external_key("bad"))
    assert len(operator.events()) == 1
    assert (await operator.reconcile()).outcome is Outcome.CREATED


async def test_an_interval_of_zero_asks_once(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, refreshInterval="0"))
    operator = Operator(world)

    assert (await operator.reconcile()).requeue_after is None
    world.write("store.yaml", fake_store("fake", {"a": "2"}))
    world.clock.advance(1000 * HOUR)
    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED


async def test_what_is_gone_or_going_is_left(world: World) -> None:
    going = external_secret("db", {"x": "a"}, metadata={"deletionTimestamp": "2026-05-01T00:00:00Z"})
    world.write("all.yaml", fake_store("fake", {"a": "1"}), going)
    operator = Operator(world)

    assert (await operator.reconcile()).outcome is Outcome.SKIPPED
    assert (await operator.reconcile(external_key("nobody"))).outcome is Outcome.GONE


async def test_many_keys_are_counted_rather_than_listed_in_an_event(world: World) -> None:
    keys = {f"k{number:02}": "a" for number in range(15)}
    world.write("all.yaml", fake_store("fake", {"a": "1"}), external_secret("db", keys))
    operator = Operator(world)

    await operator.reconcile()

    assert operator.events()[0][2].endswith("k08, k09 and 5 more")
