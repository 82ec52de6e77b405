"""A SealedSecret is reconciled against a real directory with real keys."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.errors import (
    ClusterError,
    Conflict,
    Immutable,
    ManifestError,
    NotOwned,
    SealbridgeError,
    TemplateError,
    UnsealError,
)
from sealbridge.local.directory import DirectoryCluster
from sealbridge.reconcile import sealed_status
from sealbridge.reconcile.cluster import Ownership
from sealbridge.reconcile.kinds import EXTERNAL_SECRET, ObjectKey
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.sealed_secret import Options, SealedSecretReconciler
from sealbridge.reconcile.sealing_keys import SEALING_KEYS
from sealbridge.reconcile.status import owner_of
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import SealingKey
from sealbridge.sealing.scope import Scope
from sealbridge.secret import Secret, Value
from tests.canary import Canary
from tests.worlds import FixedKeyring, World, condition, external_key, external_secret, sealed_key

DB = sealed_key("db")


class KeysThatCome:
    """A source whose fresh look finds another keyring."""

    def __init__(self, now: Keyring, fresh: Keyring) -> None:
        self.now, self.fresh = now, fresh
        self.looks = 0

    async def keyring(self, *, fresh: bool = False) -> Keyring:
        if fresh:
            self.looks += 1
            self.now = self.fresh
        return self.now


async def reconcile(
    world: World, cluster: DirectoryCluster, key: ObjectKey = DB, keyring: Any = None
) -> Result:
    source = keyring or FixedKeyring(world.keyring)
    return await SealedSecretReconciler(cluster, source, world.clock).reconcile(key)


def events(cluster: DirectoryCluster) -> list[tuple[str, str, str]]:
    return [(event.type_, event.reason, event.message) for event in cluster.events]


async def test_it_becomes_a_secret_with_status_and_an_event(world: World) -> None:
    world.write("db.yaml", world.sealed("db", {"user": "u", "password": "p"}, labels={"team": "a"}))
    cluster = world.cluster()

    result = await reconcile(world, cluster)

    assert (result.outcome, result.added) == (Outcome.CREATED, ("password", "user"))
    assert result.target == ObjectKey("Secret", "default", "db")
    secret = await cluster.get_secret("default", "db")
    assert secret is not None
    assert secret.items == {"user": Value(b"u"), "password": Value(b"p")}
    assert secret.labels == {"team": "a", "sealbridge.io/managed": "true"}
    obj = await world.object(cluster, DB)
    assert obj["status"]["observedGeneration"] == obj["metadata"]["generation"]
    synced, ready = condition(obj, "Synced"), condition(obj, "Ready")
    assert (synced["status"], synced["message"]) == ("True", "")
    assert synced["lastUpdateTime"] == "2026-05-01T12:00:00Z"
    assert (ready["status"], ready["reason"]) == ("True", "Unsealed")
    assert events(cluster) == [("Normal", "Unsealed", "SealedSecret unsealed successfully")]


async def test_the_second_time_nothing_is_decrypted_written_or_told(world: World) -> None:
    world.write("db.yaml", world.sealed("db", {"password": "p"}))
    await reconcile(world, world.cluster())
    world.close()
    files, opened = world.output_files(), world.keyring.opened
    state = (world.output / ".sealbridge" / "state.json").stat()
    world.clock.advance(3600)

    cluster = world.cluster()
    result = await reconcile(world, cluster)
    world.close()

    assert result.outcome is Outcome.UNCHANGED
    assert (world.output_files(), world.keyring.opened) == (files, opened)
    after = (world.output / ".sealbridge" / "state.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (state.st_ino, state.st_mtime_ns)
    assert events(cluster) == []


async def test_a_new_value_updates_the_secret(world: World) -> None:
    world.write("db.yaml", world.sealed("db", {"password": "one", "old": "x"}))
    await reconcile(world, world.cluster())
    world.write("db.yaml", world.sealed("db", {"password": "two", "new": "x"}))

    result = await reconcile(world, world.cluster())

    assert (result.outcome, result.added, result.updated, result.removed) == (
        Outcome.UPDATED,
        ("new",),
        ("password",),
        ("old",),
    )
    assert world.read("default/db.yaml") == {"password": "two", "new": "x"}


@pytest.mark.parametrize(
    "tamper",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text(path.read_text().replace("b25l", "dHdv")),
        lambda path: path.chmod(0o644),
    ],
    ids=["deleted", "edited", "readable for others"],
)
async def test_a_target_that_somebody_touched_is_put_right(world: World, tamper: Any) -> None:
    world.write("db.yaml", world.sealed("db", {"password": "one"}))
    await reconcile(world, world.cluster())
    path = world.output / "default" / "db.yaml"
    tamper(path)

    await reconcile(world, world.cluster())

    assert world.read("default/db.yaml") == {"password": "one"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert (await reconcile(world, world.cluster())).outcome is Outcome.UNCHANGED


async def test_a_label_on_the_object_makes_it_look_again_and_write_nothing(world: World) -> None:
    sealed = world.sealed("db", {"password": "p"})
    world.write("db.yaml", sealed)
    await reconcile(world, world.cluster())
    files, opened = world.output_files(), world.keyring.opened
    world.write("db.yaml", {**sealed, "metadata": {**sealed["metadata"], "labels": {"a": "b"}}})

    cluster = world.cluster()
    assert (await reconcile(world, cluster)).outcome is Outcome.UNCHANGED
    assert world.keyring.opened > opened
    assert world.output_files() == files
    assert events(cluster) == []


async def test_an_edit_that_broke_it_and_is_taken_back_leaves_no_stale_condition(world: World) -> None:
    sealed = world.sealed("db", {"a": "1"}, scope=Scope.CLUSTER_WIDE)
    world.write("db.yaml", sealed)
    cluster = world.cluster()
    await reconcile(world, cluster)
    world.write("db.yaml", {**sealed, "metadata": {"name": "db"}})
    cluster.reload()
    assert (await reconcile(world, cluster)).outcome is Outcome.FAILED
    world.write("db.yaml", sealed)
    cluster.reload()

    assert (await reconcile(world, cluster)).outcome is Outcome.UNCHANGED
    assert condition(await world.object(cluster, DB), "Synced")["status"] == "True"


async def test_a_wrong_key_names_the_items_and_keeps_the_last_good_secret(
    world: World, other_key: SealingKey, canary: Canary
) -> None:
    canary.output(world.output / "default")
    value = canary("kept value")
    world.write("db.yaml", world.sealed("db", {"password": value}))
    await reconcile(world, world.cluster())
    files = world.output_files()
    world.write("db.yaml", world.sealed("db", {"a": "1", "b": "2"}, key=other_key))

    cluster = world.cluster()
    result = await reconcile(world, cluster)

    assert (result.outcome, result.retry, result.told) == (Outcome.FAILED, False, True)
    assert result.message == "no key could decrypt secret (a, b)"
    assert result.depends_on == {SEALING_KEYS}
    assert world.output_files() == files
    obj = await world.object(cluster, DB)
    assert condition(obj, "Synced")["message"] == "no key could decrypt secret (a, b)"
    assert (condition(obj, "Ready")["status"], condition(obj, "Ready")["reason"]) == (
        "False",
        "WrongKey",
    )
    expected = [("Warning", "ErrUnsealFailed", "Failed to unseal: no key could decrypt secret (a, b)")]
    assert events(cluster) == expected

    await reconcile(world, cluster)
    assert events(cluster) == expected


async def test_one_item_that_does_not_open_keeps_all_from_being_written(
    world: World, other_key: SealingKey
) -> None:
    good = world.sealed("db", {"a": "1", "b": "2"})
    bad = world.sealed("db", {"b": "2"}, key=other_key)
    good["spec"]["encryptedData"]["b"] = bad["spec"]["encryptedData"]["b"]
    world.write("db.yaml", good)

    result = await reconcile(world, world.cluster())

    assert result.message == "no key could decrypt secret (b)"
    assert not world.output_files()


async def test_a_message_that_changes_is_told_again_and_recovery_is_too(
    world: World, other_key: SealingKey
) -> None:
    world.write("db.yaml", world.sealed("db", {"a": "1"}, key=other_key))
    cluster = world.cluster()
    await reconcile(world, cluster)
    flipped = condition(await world.object(cluster, DB), "Synced")["lastTransitionTime"]
    world.clock.advance(60)
    world.write("db.yaml", world.sealed("db", {"c": "1"}, key=other_key))
    cluster.reload()
    await reconcile(world, cluster)

    synced = condition(await world.object(cluster, DB), "Synced")
    assert synced["message"] == "no key could decrypt secret (c)"
    assert synced["lastTransitionTime"] == flipped
    assert synced["lastUpdateTime"] == "2026-05-01T12:01:00Z"

    await reconcile(world, cluster, keyring=FixedKeyring(Keyring([other_key])))
    assert condition(await world.object(cluster, DB), "Synced")["status"] == "True"
    assert [reason for _, reason, _ in events(cluster)] == ["ErrUnsealFailed", "ErrUnsealFailed", "Unsealed"]


async def test_a_key_that_has_just_come_is_found(world: World, other_key: SealingKey) -> None:
    world.write("db.yaml", world.sealed("db", {"password": "p"}))
    keys = KeysThatCome(Keyring([other_key]), Keyring([other_key, world.key]))

    result = await reconcile(world, world.cluster(), keyring=keys)

    assert (result.outcome, keys.looks) == (Outcome.CREATED, 1)


async def test_a_malformed_item_is_tried_no_second_time_with_the_same_keys(world: World) -> None:
    sealed = world.sealed("db", {"a": "1"})
    sealed["spec"]["encryptedData"]["b"] = "no base64!"
    world.write("db.yaml", sealed)
    keys = KeysThatCome(world.keyring, world.keyring)

    result = await reconcile(world, world.cluster(), keyring=keys)

    assert result.outcome is Outcome.FAILED
    assert "(b)" in result.message
    assert world.keyring.opened == 1


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"encryptedData": {"a": 17}}, "spec.encryptedData.a must be a string"),
        ({"encryptedData": "text"}, "spec.encryptedData must be a mapping"),
        ({"data": "AgA="}, "spec.data"),
        ({"encryptedData": {}, "template": {"immutable": "yes"}}, "spec.template.immutable"),
        (None, "spec is missing"),
    ],
)
async def test_an_object_with_wrong_values_fails_alone_and_says_where(
    world: World, spec: Any, message: str
) -> None:
    bad = {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "bad"},
        "spec": spec,
    }
    world.write("all.yaml", bad, world.sealed("db", {"a": "1"}))
    cluster = world.cluster()

    result = await reconcile(world, cluster, sealed_key("bad"))

    assert (result.outcome, result.retry) == (Outcome.FAILED, False)
    assert message in result.message
    assert message in condition(await world.object(cluster, sealed_key("bad")), "Synced")["message"]
    assert (await reconcile(world, cluster)).outcome is Outcome.CREATED


async def test_a_secret_of_somebody_else_is_left_alone_and_looked_at_again(world: World) -> None:
    world.write("db.yaml", world.sealed("db", {"a": "1"}))
    folder = world.output / "default"
    folder.mkdir(parents=True)
    theirs = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {a: theirs}\n"
    (folder / "db.yaml").write_text(theirs)
    cluster = world.cluster()

    result = await reconcile(world, cluster)

    assert (result.outcome, result.retry, result.told) == (Outcome.FAILED, True, True)
    message = 'Resource "db" already exists and is not managed by SealedSecret'
    assert condition(await world.object(cluster, DB), "Synced")["message"] == message
    assert events(cluster) == [("Warning", "ErrUpdateFailed", message)]
    assert (folder / "db.yaml").read_text() == theirs


async def test_a_template_is_rendered_over_the_opened_items(world: World) -> None:
    sealed = world.sealed("db", {"password": "p"})
    sealed["spec"]["template"]["data"] = {"url": "postgres://app:{{ .password }}@db"}
    world.write("db.yaml", sealed)

    await reconcile(world, world.cluster())

    assert world.read("default/db.yaml") == {"password": "p", "url": "postgres://app:p@db"}


async def test_a_template_that_fails_writes_nothing(world: World) -> None:
    sealed = world.sealed("db", {"password": "p"})
    sealed["spec"]["template"]["data"] = {"url": "{{ .password"}
    world.write("db.yaml", sealed)

    result = await reconcile(world, world.cluster())

    assert result.outcome is Outcome.FAILED
    assert "spec.template.data.url" in str(result.error)
    assert not world.output_files()


async def test_a_template_cannot_say_whose_a_target_is(world: World) -> None:
    annotations = {"sealbridge.io/retained-for": "SealedSecret/other", "kept": "1"}
    world.write("db.yaml", world.sealed("db", {"a": "1"}, annotations=annotations))
    cluster = world.cluster()

    await reconcile(world, cluster)

    state = await cluster.target_state("default", "db")
    assert state is not None
    assert dict(state.annotations) == {"kept": "1"}


async def test_what_is_gone_or_going_is_left(world: World) -> None:
    sealed = world.sealed("db", {"a": "1"})
    sealed["metadata"]["deletionTimestamp"] = "2026-05-01T00:00:00Z"
    world.write("db.yaml", sealed)
    cluster = world.cluster()

    assert (await reconcile(world, cluster)).outcome is Outcome.SKIPPED
    assert (await reconcile(world, cluster, sealed_key("nobody"))).outcome is Outcome.GONE
    assert not world.output_files()


async def test_a_target_of_an_external_secret_is_not_taken_over(world: World) -> None:
    world.write("db.yaml", world.sealed("db", {"a": "1"}), external_secret("x", {"a": "a"}))
    cluster = world.cluster()
    other = owner_of(EXTERNAL_SECRET, await world.object(cluster, external_key("x")), "m")
    secret = Secret(name="db", namespace="default", items={"b": Value(b"2")})
    await cluster.apply_secret(secret, owner=other, ownership=Ownership.ADOPT)

    assert (await reconcile(world, cluster)).outcome is Outcome.FAILED
    assert world.read("default/db.yaml") == {"b": "2"}


RETAIN = "sealbridge.io/on-delete"


async def test_the_key_of_each_item_is_remembered_and_tried_first(
    world: World, other_key: SealingKey
) -> None:
    sealed = world.sealed("db", {"a": "1", "b": "2"})
    del sealed["metadata"]["annotations"]
    world.write("db.yaml", sealed)
    tried: list[None] = []
    ring = Keyring([other_key, world.key], tried=lambda: tried.append(None))
    cluster = world.cluster()

    await reconcile(world, cluster, keyring=FixedKeyring(ring))
    obj = await world.object(cluster, DB)
    assert obj["status"]["sealedWith"] == dict.fromkeys("ab", world.key.fingerprint)
    assert len(tried) == 3
    world.write("db.yaml", {**sealed, "metadata": {**sealed["metadata"], "labels": {"a": "b"}}})
    cluster.reload()
    await reconcile(world, cluster, keyring=FixedKeyring(ring))
    assert len(tried) == 5


async def test_the_reason_of_every_item_that_fails_is_told_and_taken_back(
    world: World, other_key: SealingKey
) -> None:
    sealed = world.sealed("db", {"a": "1", "b": "2", "c": "3"})
    other = world.sealed("db", {"b": "2"}, key=other_key)
    data = sealed["spec"]["encryptedData"]
    good = dict(data)
    data["b"] = other["spec"]["encryptedData"]["b"]
    data["c"] = data["c"][:-12]
    world.write("db.yaml", sealed)
    cluster = world.cluster()

    await reconcile(world, cluster)
    obj = await world.object(cluster, DB)
    ready = condition(obj, "Ready")
    assert (ready["reason"], condition(obj, "Stalled")["status"]) == ("Corrupt", "True")
    assert obj["status"]["failedItems"] == {"b": "WrongKey", "c": "Corrupt"}
    assert "Corrupt: c" in ready["message"]
    assert "WrongKey: b" in ready["message"]
    assert "reason" not in condition(obj, "Synced")

    data.update(good)
    world.write("db.yaml", sealed)
    cluster.reload()
    await reconcile(world, cluster)
    status = (await world.object(cluster, DB))["status"]
    assert "failedItems" not in status
    assert [one["type"] for one in status["conditions"]] == ["Synced", "Ready"]


async def test_a_retained_file_stays_when_its_object_is_gone(world: World) -> None:
    sealed, other = world.sealed("db", {"a": "1"}), world.sealed("other", {"a": "1"})
    sealed["metadata"]["annotations"][RETAIN] = "retain"
    world.write("db.yaml", sealed)
    world.write("other.yaml", other)
    cluster = world.cluster()
    for key in (DB, sealed_key("other")):
        await reconcile(world, cluster, key)
        assert (await reconcile(world, cluster, key)).outcome is Outcome.UNCHANGED
    (world.source / "db.yaml").unlink()
    cluster.reload()
    assert cluster.prune() == []
    assert world.read("default/db.yaml") == {"a": "1"}

    del sealed["metadata"]["annotations"][RETAIN]
    world.write("db.yaml", sealed)
    cluster.reload()
    assert (await reconcile(world, cluster)).outcome is Outcome.UPDATED
    (world.source / "db.yaml").unlink()
    cluster.reload()
    assert [pruned.target.name for pruned in cluster.prune()] == ["db"]


async def test_without_writing_status_all_that_it_serves_for_works_for_one_life(world: World) -> None:
    world.write("db.yaml", world.sealed("db", {"a": "1"}))
    cluster = world.cluster()
    options = Options(update_status=False, recreate=False)
    keys = FixedKeyring(world.keyring)
    reconciler = SealedSecretReconciler(cluster, keys, world.clock, options=options)

    assert (await reconciler.reconcile(DB)).outcome is Outcome.CREATED
    assert "status" not in await world.object(cluster, DB)
    (world.output / "default" / "db.yaml").unlink()
    for _ in range(2):
        assert (await reconciler.reconcile(DB)).outcome is Outcome.UNCHANGED
    assert world.keyring.opened == 1
    assert not world.output_files()
    assert len(events(cluster)) == 1

    again = SealedSecretReconciler(cluster, keys, world.clock, options=options)
    assert (await again.reconcile(DB)).outcome is Outcome.CREATED


async def test_an_immutable_target_is_told_and_looked_at_again(world: World) -> None:
    world.write("db.yaml", world.sealed("db", {"a": "1"}, immutable=True))
    cluster = world.cluster()
    await reconcile(world, cluster)
    world.write("db.yaml", world.sealed("db", {"a": "2"}, immutable=True))
    cluster.reload()

    result = await reconcile(world, cluster)

    assert (result.outcome, result.retry) == (Outcome.FAILED, True)
    assert condition(await world.object(cluster, DB), "Ready")["reason"] == "Immutable"
    assert world.read("default/db.yaml") == {"a": "1"}


@pytest.mark.parametrize("count", [64, 65, 3000])
def test_however_many_items_there_are_the_status_stays_small(count: int) -> None:
    keys = {f"item-{number:04}": f"SHA256:{'x' if number % 10 else 'y'}" for number in range(count)}
    told = sealed_status.compact(keys)
    assert len(told) <= 65
    known = sealed_status.known_keys({"status": {"sealedWith": told}}, keys.keys())
    assert known.keys() == keys.keys()
    assert sum(known[item] == keys[item] for item in keys) >= 0.9 * count
    long = UnsealError("x" * 100_000, items=dict.fromkeys(keys, "WrongKey"), hint="y" * 100_000)
    failure = sealed_status.failure({"metadata": {}}, long, long.what)
    assert len(str(failure)) < 30_000


@pytest.mark.parametrize(
    ("error", "reason", "stalled"),
    [
        (UnsealError("no", items={"a": "WrongKey"}), "WrongKey", True),
        (UnsealError("no", items={"a": "WrongKey", "b": "WrongScope"}), "WrongScope", True),
        (TemplateError("no"), "TemplateFailed", True),
        (ManifestError("no"), "Invalid", True),
        (NotOwned("no"), "NotOwned", True),
        (Immutable("no"), "Immutable", True),
        (Conflict("no"), "Conflict", False),
        (ClusterError("no", retryable=True, status=503), "UpdateFailed", False),
        (ClusterError("no", status=422), "UpdateFailed", True),
    ],
)
def test_every_cause_has_a_word_and_what_time_does_not_heal_is_stalled(
    error: SealbridgeError, reason: str, *, stalled: bool
) -> None:
    told = sealed_status.failure({"metadata": {"generation": 3}}, error, error.what)
    found = {one["type"]: one for one in told.conditions}
    assert found["Ready"]["reason"] == reason
    assert ("Stalled" in found, "Stalled" in told.without) == (stalled, not stalled)
    assert told.fields["observedGeneration"] == 3
