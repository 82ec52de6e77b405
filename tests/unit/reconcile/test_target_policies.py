"""creationPolicy and deletionPolicy of an ExternalSecret, in a directory with the fake provider."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from sealbridge.errors import NotOwned
from sealbridge.reconcile.finalizer import FINALIZER, is_needed, is_settled, stores_of, targets_of
from sealbridge.reconcile.result import Outcome
from sealbridge.secret import Secret
from tests.passes import DB, HOUR, Operator
from tests.worlds import World, external_key, external_secret, fake_store

EXTRACT = [{"extract": {"key": "all"}}]
OWN_LABELS = ("reconcile.external-secrets.io/managed", "sealbridge.io/managed")
CREATED_BY = "reconcile.external-secrets.io/created-by"
HASH = "reconcile.external-secrets.io/data-hash"


def put_foreign(world: World, items: dict[str, str], *, name: str = "db", **metadata: Any) -> None:
    """Somebody else's Secret."""
    folder = world.output / "default"
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, **metadata},
        "type": "Opaque",
        "stringData": items,
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(document))


def target(**fields: Any) -> dict[str, Any]:
    return {"target": {key: value for key, value in fields.items() if value is not None}}


async def secret_of(operator: Operator, name: str = "db") -> Secret | None:
    return await operator.cluster.get_secret("default", name)


async def told(operator: Operator) -> tuple[str, str, str]:
    ready = await operator.ready()
    return ready["status"], ready["reason"], ready["message"].partition("; next try")[0]


@pytest.mark.parametrize(
    ("policy", "outcome", "owned", "created_by", "reason"),
    [
        ("Owner", Outcome.CREATED, True, True, "SecretSynced"),
        ("Orphan", Outcome.CREATED, False, False, "SecretSynced"),
        ("CreateOrMerge", Outcome.CREATED, False, False, "SecretSynced"),
        ("Merge", Outcome.UNCHANGED, False, False, "SecretMissing"),
        ("None", Outcome.UNCHANGED, False, False, "SecretSynced"),
    ],
)
async def test_a_target_that_is_not_there_is_made_as_the_policy_has_it(
    world: World, policy: str, outcome: Outcome, owned: bool, created_by: bool, reason: str
) -> None:
    world.write(
        "all.yaml",
        fake_store("fake", {"a": "1"}),
        external_secret("db", {"x": "a"}, **target(creationPolicy=policy)),
    )
    operator = Operator(world)

    result = await operator.reconcile()

    assert (result.outcome, (await told(operator))[:2]) == (outcome, ("True", reason))
    status = await operator.status()
    assert status["refreshTime"] == "2026-05-01T12:00:00Z"
    assert status["syncedResourceVersion"]
    secret = await secret_of(operator)
    assert (secret is not None) is (outcome is Outcome.CREATED)
    assert ("target" in status) is ("binding" in status) is (secret is not None)
    if secret is not None:
        assert bool(secret.metadata.get("ownerReferences")) is owned
        assert (CREATED_BY in secret.labels) is created_by
        assert all(secret.labels[label] == "true" for label in OWN_LABELS)
    status = await operator.status()
    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED
    assert await operator.status() == status


@pytest.mark.parametrize(
    ("policy", "before", "after", "outcome"),
    [
        ("Owner", {"theirs": "1"}, {"theirs": "1"}, Outcome.FAILED),
        ("Orphan", {"theirs": "1"}, {"theirs": "1"}, Outcome.FAILED),
        ("Merge", {"theirs": "1"}, {"theirs": "1", "x": "1"}, Outcome.UPDATED),
        ("CreateOrMerge", {"theirs": "1"}, {"theirs": "1", "x": "1"}, Outcome.UPDATED),
        ("Merge", {"x": "theirs"}, {"x": "1"}, Outcome.UPDATED),
        ("None", {"theirs": "1"}, {"theirs": "1"}, Outcome.UNCHANGED),
    ],
)
async def test_a_secret_of_somebody_else_is_left_or_merged_into(
    world: World, policy: str, before: dict[str, str], after: dict[str, str], outcome: Outcome
) -> None:
    put_foreign(world, before, labels={"theirs": "1"})
    world.write(
        "all.yaml",
        fake_store("fake", {"a": "1"}),
        external_secret("db", {"x": "a"}, **target(creationPolicy=policy)),
    )
    operator = Operator(world)

    assert (await operator.reconcile()).outcome is outcome

    secret = await secret_of(operator)
    assert secret is not None
    assert world.read("default/db.yaml") == after
    assert secret.labels["theirs"] == "1"
    assert not secret.metadata.get("ownerReferences")


async def test_a_merge_takes_back_its_own_keys_labels_and_annotations_and_heeds_edits_of_others(
    world: World,
) -> None:
    def write(data: dict[str, str], labels: dict[str, str], **spec: Any) -> None:
        metadata = {"labels": labels, "annotations": {"note": "1"} if labels else {}}
        fields = {"creationPolicy": "Merge", "deletionPolicy": "Merge", **spec}
        world.write("db.yaml", external_secret("db", data, metadata=metadata, target=fields))

    put_foreign(world, {"theirs": "1"}, labels={"l": "theirs"})
    world.write("store.yaml", fake_store("fake", {"a": "1", "b": "2"}))
    write({"x": "a", "y": "b"}, {"mine": "1"})
    operator = Operator(world)
    assert (await operator.reconcile()).added == ("x", "y")

    write({"x": "a"}, {})
    assert (await operator.reconcile()).removed == ("y",)
    secret = await secret_of(operator)
    assert secret is not None
    assert {key for key in secret.labels if key not in OWN_LABELS} == {"l"}
    assert set(secret.annotations) == {HASH}

    # An edit of another's key is no drift to put right, but one to be hashed again.
    world.clock.advance(60)
    document = yaml.safe_load((world.output / "default" / "db.yaml").read_text())
    document["data"]["theirs"] = "Mg=="
    (world.output / "default" / "db.yaml").write_text(yaml.safe_dump(document))
    hashed = secret.annotations[HASH]
    assert (await operator.reconcile()).outcome is Outcome.UPDATED
    assert world.read("default/db.yaml") == {"theirs": "2", "x": "1"}
    secret = await secret_of(operator)
    assert secret is not None
    assert secret.annotations[HASH] != hashed

    world.write("store.yaml", fake_store("fake", {}))
    world.clock.advance(2 * HOUR)
    assert (await operator.reconcile()).removed == ("x",)
    assert world.read("default/db.yaml") == {"theirs": "2"}
    assert await told(operator) == ("True", "SecretSynced", "secret synced")
    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED


async def test_a_secret_to_merge_into_is_looked_for_until_it_comes_without_asking_the_store(
    world: World,
) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, **target(creationPolicy="Merge")))
    operator = Operator(world)
    assert await operator.reconcile()
    assert await told(operator) == (
        "True",
        "SecretMissing",
        "secret will not be created due to CreationPolicy=Merge",
    )
    before = await operator.status()
    world.clock.advance(60)
    waiting = await operator.reconcile()
    assert (waiting.outcome, waiting.requeue_after) == (Outcome.UNCHANGED, 60)
    assert await operator.status() == before
    assert not operator.events()

    put_foreign(world, {"theirs": "1"})
    assert (await operator.reconcile()).added == ("x",)
    assert (await told(operator))[1] == "SecretSynced"

    (world.output / "default" / "db.yaml").unlink()
    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED
    assert (await told(operator))[1] == "SecretMissing"
    assert "target" not in await operator.status()


@pytest.mark.parametrize(
    ("policy", "comes_back"), [("Owner", True), ("CreateOrMerge", True), ("Orphan", False)]
)
async def test_a_deleted_target_comes_back_at_once_but_an_orphan_at_the_next_refresh(
    world: World, policy: str, comes_back: bool
) -> None:
    world.write(
        "all.yaml",
        fake_store("fake", {"a": "1"}),
        external_secret("db", {"x": "a"}, **target(creationPolicy=policy)),
    )
    operator = Operator(world)
    await operator.reconcile()
    (world.output / "default" / "db.yaml").unlink()

    expected = Outcome.CREATED if comes_back else Outcome.UNCHANGED
    assert (await operator.reconcile()).outcome is expected
    world.clock.advance(2 * HOUR)
    assert (await operator.reconcile()).outcome is (Outcome.UNCHANGED if comes_back else Outcome.CREATED)


async def test_an_orphan_that_was_edited_stays_so_until_the_next_refresh(world: World) -> None:
    world.write(
        "all.yaml",
        fake_store("fake", {"a": "1"}),
        external_secret("db", {"x": "a"}, **target(creationPolicy="Orphan")),
    )
    operator = Operator(world)
    await operator.reconcile()
    put_foreign(world, {"x": "edited"})
    edited = world.output_files()
    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED
    assert world.output_files() == edited
    world.clock.advance(2 * HOUR)
    assert (await operator.reconcile()).outcome is Outcome.UPDATED
    assert world.read("default/db.yaml") == {"x": "1"}


# What the stores have no more

MISSING = "Normal", "MissingProviderSecret"


@pytest.mark.parametrize(
    ("deletion", "creation", "store", "items", "outcome", "reason"),
    [
        # Everything is gone.
        ("Retain", "Owner", {}, {"x": "1", "k": "1"}, Outcome.FAILED, "SecretSyncedError"),
        ("Delete", "Owner", {}, None, Outcome.DELETED, "SecretDeleted"),
        ("Merge", "Owner", {}, {}, Outcome.UPDATED, "SecretSynced"),
        ("Merge", "CreateOrMerge", {}, {}, Outcome.UPDATED, "SecretSynced"),
        ("Merge", "Orphan", {}, {}, Outcome.UPDATED, "SecretSynced"),
        ("Delete", "Orphan", {}, {"x": "1", "k": "1"}, Outcome.FAILED, "SecretSyncedError"),
        # A part of it is.
        ("Retain", "Owner", {"a": "2"}, {"x": "1", "k": "1"}, Outcome.FAILED, "SecretSyncedError"),
        ("Delete", "Owner", {"a": "2"}, {"x": "2"}, Outcome.UPDATED, "SecretSynced"),
        ("Merge", "Owner", {"a": "2"}, {"x": "2"}, Outcome.UPDATED, "SecretSynced"),
        ("Delete", "Owner", {"all": '{"k": "2"}'}, {"k": "2"}, Outcome.UPDATED, "SecretSynced"),
    ],
)
async def test_what_the_store_has_no_more_is_an_error_or_goes(
    world: World,
    deletion: str,
    creation: str,
    store: dict[str, str],
    items: dict[str, str] | None,
    outcome: Outcome,
    reason: str,
) -> None:
    spec = target(creationPolicy=creation, deletionPolicy=deletion)
    world.write("store.yaml", fake_store("fake", {"a": "1", "all": '{"k": "1"}'}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, dataFrom=EXTRACT, **spec))
    operator = Operator(world)
    await operator.reconcile()
    world.write("store.yaml", fake_store("fake", store))
    world.clock.advance(2 * HOUR)

    result = await operator.reconcile()

    assert (result.outcome, (await told(operator))[1]) == (outcome, reason)
    secret = await secret_of(operator)
    assert (None if secret is None else world.read("default/db.yaml")) == items
    missing = [event for event in operator.events() if event[:2] == MISSING]
    assert bool(missing) is (deletion != "Retain")
    for key, entry in (("a", "data[0] (secretKey x) (key a)"), ("all", "dataFrom[0] (key all)")):
        assert all((entry in message) is (key not in store) for *_, message in missing)


async def test_a_deleted_secret_is_told_once_and_comes_back_with_its_values(world: World) -> None:
    spec = target(deletionPolicy="Delete")
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, **spec))
    operator = Operator(world)
    await operator.reconcile()
    world.write("store.yaml", fake_store("fake", {}))
    world.clock.advance(2 * HOUR)
    deleted = await operator.reconcile()
    assert (deleted.outcome, deleted.requeue_after is None) == (Outcome.DELETED, False)
    assert await told(operator) == ("True", "SecretDeleted", "secret deleted due to DeletionPolicy=Delete")
    before = await operator.status()
    assert "target" not in before
    world.clock.advance(60)

    assert (await operator.reconcile()).outcome is Outcome.UNCHANGED
    assert await operator.status() == before
    assert [e for e in operator.events() if e[1] == "Deleted"] == [
        ("Normal", "Deleted", 'secret deleted due to DeletionPolicy=Delete: Secret "db"')
    ]

    world.write("store.yaml", fake_store("fake", {"a": "2"}))
    world.clock.advance(2 * HOUR)
    assert (await operator.reconcile()).outcome is Outcome.CREATED
    assert (await told(operator))[1] == "SecretSynced"


async def test_what_is_not_ours_is_not_deleted_whatever_the_store_says(world: World) -> None:
    put_foreign(world, {"theirs": "1"})
    world.write(
        "all.yaml",
        fake_store("fake", {}),
        external_secret("db", {"x": "a"}, **target(deletionPolicy="Delete")),
    )
    operator = Operator(world)

    result = await operator.reconcile()

    assert isinstance(result.error, NotOwned)
    assert (await told(operator))[2] == (
        'could not delete secret: Secret "db" does not belong to this ExternalSecret, so it stays'
    )
    assert world.read("default/db.yaml") == {"theirs": "1"}


@pytest.mark.parametrize("deletion", ["Delete", "Merge"])
async def test_a_store_that_is_not_ready_deletes_nothing(world: World, deletion: str) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, **target(deletionPolicy=deletion)))
    operator = Operator(world)
    await operator.reconcile()
    broken = fake_store("fake", {})
    broken["spec"]["provider"]["fake"]["validationResult"] = 2
    world.clock.advance(2 * HOUR)

    for store in (broken, {**broken, "spec": {"provider": {}}}, None):
        if store is None:
            (world.source / "store.yaml").unlink()
        else:
            world.write("store.yaml", store)
        assert (await operator.reconcile()).outcome is Outcome.FAILED
        assert world.read("default/db.yaml") == {"x": "1"}


@pytest.mark.parametrize("deletion", ["Retain", "Delete", "Merge"])
async def test_a_property_that_is_missing_is_an_error_where_the_provider_says_so(
    world: World, deletion: str
) -> None:
    """The fake provider does not: there a missing property counts as a missing secret."""
    world.write("store.yaml", fake_store("fake", {"a": '{"p": "1"}'}))
    es = external_secret("db", {}, **target(deletionPolicy=deletion))
    es["spec"]["data"] = [{"secretKey": "x", "remoteRef": {"key": "a", "property": "q"}}]
    world.write("db.yaml", es)

    result = await Operator(world).reconcile()

    assert result.outcome is (
        Outcome.FAILED
        if deletion == "Retain"
        else Outcome.UNCHANGED
        if deletion == "Delete"
        else Outcome.CREATED
    )


async def test_a_template_is_not_rendered_over_nothing_when_the_keys_are_to_go(world: World) -> None:
    spec = target(deletionPolicy="Merge", template={"data": {"url": "db://{{ .x }}"}})
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, **spec))
    operator = Operator(world)
    await operator.reconcile()
    assert world.read("default/db.yaml") == {"url": "db://1"}
    world.write("store.yaml", fake_store("fake", {}))
    world.clock.advance(2 * HOUR)

    assert (await operator.reconcile()).removed == ("url",)


# Names, owners and what goes with an ExternalSecret


@pytest.mark.parametrize(("policy", "stays"), [("Owner", False), ("Orphan", True), ("CreateOrMerge", True)])
async def test_a_renamed_target_takes_the_former_one_along_when_it_belongs_to_it(
    world: World, policy: str, stays: bool
) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, **target(name="first", creationPolicy=policy)))
    operator = Operator(world)
    await operator.reconcile()
    world.write("db.yaml", external_secret("db", {"x": "a"}, **target(name="second", creationPolicy=policy)))

    await operator.reconcile()

    assert (await secret_of(operator, "first") is not None) is stays
    assert await secret_of(operator, "second") is not None
    deleted = [event[2] for event in operator.events() if event[1] == "Deleted"]
    assert deleted == ([] if stays else ['secret deleted because it was orphaned: Secret "first"'])


@pytest.mark.parametrize(
    ("tracking", "copied"),
    [
        ({"team": "shop"}, True),
        ({"force-sync": "1"}, True),
        ({"argocd.argoproj.io/tracking-id": "shop:x"}, False),
        ({"argocd.argoproj.io/instance": "shop"}, False),
        ({"app.kubernetes.io/instance": "shop"}, False),
        ({"kubectl.kubernetes.io/last-applied-configuration": "{}"}, False),
        ({"sealbridge.io/adopt": "false"}, False),
    ],
)
async def test_labels_and_annotations_are_copied_but_those_that_track_the_external_secret(
    world: World, tracking: dict[str, str], copied: bool
) -> None:
    metadata = (
        {"labels": tracking, "annotations": tracking}
        if "last" not in str(tracking)
        else {"annotations": tracking}
    )
    world.write(
        "all.yaml", fake_store("fake", {"a": "1"}), external_secret("db", {"x": "a"}, metadata=metadata)
    )
    operator = Operator(world)
    await operator.reconcile()

    secret = await secret_of(operator)
    assert secret is not None
    key = next(iter(tracking))
    assert (key in secret.annotations) is copied
    assert "labels" not in metadata or (key in secret.labels) is copied


@pytest.mark.parametrize(
    ("spec", "needed"),
    [
        ({}, False),
        ({"target": None}, False),
        ({"target": {"deletionPolicy": "Delete"}}, True),
        ({"target": {"deletionPolicy": "Delete", "creationPolicy": "Owner"}}, True),
        ({"target": {"deletionPolicy": "Delete", "creationPolicy": "Orphan"}}, False),
        ({"target": {"deletionPolicy": "Retain"}}, False),
        ({"target": {"deletionPolicy": "Merge", "creationPolicy": "Merge"}}, False),
        ("text", False),
        ({"target": ["Delete"]}, False),
    ],
)
def test_only_a_target_that_is_to_go_with_it_needs_a_finalizer(spec: Any, needed: bool) -> None:
    obj = {"metadata": {"name": "db"}, "spec": spec}
    assert is_needed(obj) is needed
    assert is_settled({**obj, "metadata": {"name": "db", "finalizers": [FINALIZER]}}) is needed
    assert is_settled({**obj, "metadata": {"name": "db", "finalizers": ["other"]}}) is not needed


def test_the_targets_of_an_object_are_the_present_and_the_former_one() -> None:
    obj = {
        "metadata": {"name": "db"},
        "spec": {"target": {"name": "now"}},
        "status": {"binding": {"name": "old"}},
    }
    assert targets_of(obj) == ("now", "old")
    assert targets_of({"metadata": {"name": "db"}, "spec": None, "status": "text"}) == ("db",)


@pytest.mark.parametrize(("policy", "gone"), [("Delete", True), ("Retain", False)])
async def test_a_deleted_external_secret_takes_its_secret_along_when_it_says_so(
    world: World, policy: str, gone: bool
) -> None:
    spec = target(deletionPolicy=policy)
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, **spec))
    operator = Operator(world)
    await operator.reconcile()
    going = {"deletionTimestamp": "2026-05-01T12:00:00Z", "finalizers": [FINALIZER]}
    world.write("db.yaml", external_secret("db", {"x": "a"}, metadata=going, **spec))

    result = await operator.reconcile()

    assert result.outcome is (Outcome.DELETED if gone else Outcome.SKIPPED)
    assert (await secret_of(operator) is None) is gone


async def test_a_deleted_external_secret_leaves_the_secrets_of_others_and_other_controllers_alone(
    world: World,
) -> None:
    put_foreign(world, {"theirs": "1"})
    going = {"deletionTimestamp": "2026-05-01T12:00:00Z", "finalizers": [FINALIZER]}
    es = external_secret("db", {"x": "a"}, metadata=going, **target(deletionPolicy="Delete"))
    world.write("db.yaml", es)
    operator = Operator(world)

    assert (await operator.reconcile()).outcome is Outcome.SKIPPED
    assert world.read("default/db.yaml") == {"theirs": "1"}

    world.write("store.yaml", fake_store("fake", {"a": "1"}, controller="theirs"))
    for broken in ({}, {"surprise": 1}):
        # What we do not understand is theirs all the same.
        world.write("db.yaml", {**es, "spec": {**es["spec"], **broken}})
        result = await operator.reconcile(DB)
        assert result.message == "another controller takes care of its store"


async def test_several_merge_into_one_secret_by_their_own_field_managers(world: World) -> None:
    put_foreign(world, {"theirs": "1"}, name="shared")
    long = "x" * 60
    spec = target(name="shared", creationPolicy="Merge", deletionPolicy="Merge")
    world.write("store.yaml", fake_store("fake", {"a": "1", "b": "2"}))
    world.write("one.yaml", external_secret(long, {"x": "a"}, **spec))
    world.write("two.yaml", external_secret("two", {"y": "b"}, **spec))
    operator = Operator(world)
    for name in (long, "two"):
        assert (await operator.reconcile(external_key(name))).outcome is Outcome.UPDATED
    for name in (long, "two"):
        assert (await operator.reconcile(external_key(name))).outcome is Outcome.UNCHANGED
    secret = await secret_of(operator, "shared")
    assert secret is not None
    managers = [entry["manager"] for entry in secret.metadata["managedFields"]]
    assert len(managers) == 2
    assert all(len(manager) <= 128 for manager in managers)
    world.write("store.yaml", fake_store("fake", {"b": "2"}))
    world.clock.advance(2 * HOUR)
    assert (await operator.reconcile(external_key(long))).removed == ("x",)
    assert world.read("default/shared.yaml") == {"theirs": "1", "y": "2"}


async def test_an_interval_of_zero_still_finds_the_secret_that_it_waited_to_merge_into(world: World) -> None:
    spec = {"refreshInterval": "0", **target(creationPolicy="Merge")}
    world.write("all.yaml", fake_store("fake", {"a": "1"}), external_secret("db", {"x": "a"}, **spec))
    operator = Operator(world)
    assert (await operator.reconcile()).requeue_after == 60
    put_foreign(world, {"theirs": "1"})
    assert (await operator.reconcile()).outcome is Outcome.UPDATED


@pytest.mark.parametrize("interval", ["0", "-1h"])
@pytest.mark.parametrize(
    ("policy", "edited", "requests"),
    [("Periodic", False, 1), ("Periodic", True, 1), ("CreatedOnce", True, 1), ("OnChange", True, 2)],
)
async def test_an_interval_of_nothing_asks_once_even_when_it_is_edited_but_on_change(
    world: World, policy: str, edited: bool, requests: int, interval: str
) -> None:
    def write(metadata: dict[str, Any]) -> None:
        spec = {"refreshPolicy": policy, "refreshInterval": interval}
        world.write("db.yaml", external_secret("db", {"x": "a"}, metadata=metadata, **spec))

    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    write({})
    operator = Operator(world)
    assert (await operator.reconcile()).requeue_after is None
    world.write("store.yaml", fake_store("fake", {"a": "2"}))
    if edited:
        write({"annotations": {"force-sync": "1"}})
    world.clock.advance(1000 * HOUR)

    await operator.reconcile()
    assert world.read("default/db.yaml") == {"x": str(requests)}

    # A target that is not valid asks again under every policy.
    (world.output / "default" / "db.yaml").unlink()
    assert (await operator.reconcile()).outcome is Outcome.CREATED
    assert world.read("default/db.yaml") == {"x": "2"}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"refreshInterval": "0"},
        {"refreshInterval": "-5m"},
        {"refreshPolicy": "OnChange"},
        {"refreshPolicy": "CreatedOnce"},
        {"refreshPolicy": "CreatedOnce", "refreshInterval": "0"},
        {"syncWindows": {"kind": "deny", "windows": [{"schedule": "0 0 * * *", "duration": "24h"}]}},
        target(creationPolicy="Orphan"),
        {"refreshPolicy": "CreatedOnce", **target(creationPolicy="CreateOrMerge")},
    ],
    ids=str,
)
async def test_a_request_to_sync_is_heeded_once_under_every_policy(
    world: World, spec: dict[str, Any]
) -> None:
    def write(request: str) -> None:
        metadata = {"annotations": {"sealbridge.io/sync": request} if request else {}}
        world.write("db.yaml", external_secret("db", {"x": "a"}, metadata=metadata, **spec))

    async def value(stored: str, request: str) -> str:
        world.write("store.yaml", fake_store("fake", {"a": stored}))
        write(request)
        await operator.reconcile()
        return world.read("default/db.yaml")["x"]

    operator = Operator(world)
    assert await value("1", "") == "1"
    assert await value("2", "2026-05-01") == "2"
    assert (await operator.status())["syncRequest"] == "2026-05-01"
    # Heeded; also for whoever comes after.
    operator = Operator(world)
    assert await value("3", "2026-05-01") == "2"
    assert await value("4", "2026-05-02") == "4"


async def test_a_request_that_fails_is_heeded_when_the_store_is_back(world: World) -> None:
    spec = {"refreshPolicy": "CreatedOnce"}
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, **spec))
    operator = Operator(world)
    await operator.reconcile()
    world.write("store.yaml", fake_store("fake", {}))
    metadata = {"annotations": {"sealbridge.io/sync": "1"}}
    world.write("db.yaml", external_secret("db", {"x": "a"}, metadata=metadata, **spec))
    assert (await operator.reconcile()).outcome is Outcome.FAILED
    assert "syncRequest" not in await operator.status()

    world.write("store.yaml", fake_store("fake", {"a": "2"}))
    assert (await operator.reconcile()).outcome is Outcome.UPDATED
    assert (await operator.status())["syncRequest"] == "1"


async def test_what_is_created_once_and_immutable_is_not_overwritten_by_who_comes_after(world: World) -> None:
    spec = {"refreshPolicy": "CreatedOnce", **target(immutable=True)}
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, **spec))
    operator = Operator(world)
    await operator.reconcile()
    # The status goes with the object, and "once" with the status.
    operator.cluster._state.keep_only(set())
    world.write("store.yaml", fake_store("fake", {"a": "2"}))

    result = await operator.reconcile()

    assert (await told(operator))[2] == "could not update secret, target is immutable"
    assert (result.outcome, world.read("default/db.yaml")) == (Outcome.FAILED, {"x": "1"})
    world.write("db.yaml", external_secret("db", {"x": "a"}, refreshPolicy="CreatedOnce"))
    (world.output / "default" / "db.yaml").unlink()
    assert (await operator.reconcile()).outcome is Outcome.CREATED


@pytest.mark.parametrize(
    ("spec", "stores"),
    [
        ({"secretStoreRef": {"name": "a"}}, [("SecretStore", "a")]),
        (
            {
                "secretStoreRef": {"name": "a", "kind": "ClusterSecretStore"},
                "data": [{"sourceRef": {"storeRef": {"name": "b"}}}, {"sourceRef": None}, "text"],
                "dataFrom": [{"sourceRef": {"storeRef": {"name": "b"}}}, {"sourceRef": {"generatorRef": {}}}],
            },
            [("ClusterSecretStore", "a"), ("SecretStore", "b")],
        ),
        ({"secretStoreRef": {"name": "a", "kind": "Store"}, "data": "text"}, []),
        ({"secretStoreRef": {"name": ""}}, []),
        (None, []),
    ],
)
def test_the_stores_of_an_object_are_known_whatever_is_wrong_with_it(
    spec: Any, stores: list[tuple[str, str]]
) -> None:
    assert stores_of({"metadata": {"name": "db"}, "spec": spec}) == tuple(stores)


async def test_a_renamed_target_goes_even_when_the_store_has_nothing_for_the_new_name(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    for name, values in (("first", {"a": "1"}), ("second", {})):
        world.write("store.yaml", fake_store("fake", values))
        world.write(
            "db.yaml", external_secret("db", {"x": "a"}, **target(name=name, deletionPolicy="Delete"))
        )
        operator = Operator(world)
        await operator.reconcile()
    assert world.output_files() == {}
    assert (await told(operator))[1] == "SecretDeleted"


async def test_what_is_missing_is_told_only_when_nothing_else_is_wrong(world: World) -> None:
    world.write(
        "all.yaml",
        fake_store("fake", {"all": "no JSON"}),
        external_secret("db", {"x": "a"}, dataFrom=EXTRACT, **target(deletionPolicy="Delete")),
    )
    operator = Operator(world)
    assert (await operator.reconcile()).outcome is Outcome.FAILED
    assert [event[1] for event in operator.events()] == ["UpdateFailed"]
