"""A PushSecret is reconciled against a real directory and stores of the provider fake that are watched."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from sealbridge.errors import ClusterError, Denied, StoreError, Unavailable
from sealbridge.reconcile.kinds import Object, ObjectKey
from sealbridge.reconcile.push_secret import PushSecretReconciler
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.secret_store import SecretStoreReconciler
from sealbridge.reconcile.store_pool import StorePool
from sealbridge.secret import Value
from sealbridge.stores.base import Push, Reference, Resolver, Target
from sealbridge.stores.fake import FakeStore
from tests.canary import Canary
from tests.worlds import World, condition, fake_store

HOUR = 3600.0


class Remote(FakeStore):
    """What is remote: outlives the pool, counts what is asked of it, and fails where it is told to."""

    def __init__(self) -> None:
        super().__init__({})
        self.calls: list[str] = []
        self.broken: dict[str, StoreError] = {}

    async def push(self, push: Push) -> bool:
        if push.target.key in self.broken:
            self.calls.append(f"refused {push.target}")
            raise self.broken[push.target.key]
        written = await super().push(push)
        self.calls.append(f"{'wrote' if written else 'compared'} {push.target}")
        return written

    async def delete(self, target: Target) -> None:
        if target.key in self.broken:
            raise self.broken[target.key]
        self.calls.append(f"removed {target}")
        await super().delete(target)

    async def exists(self, target: Target) -> bool:
        self.calls.append(f"looked for {target}")
        return await super().exists(target)

    def told(self) -> list[str]:
        calls, self.calls = self.calls, []
        return calls

    async def get(self, key: str) -> bytes | None:
        value = (await self.fetch([Reference(key)]))[Reference(key)]
        return value.reveal() if isinstance(value, Value) else None


class Pusher:
    """What outlives a pass, and with `restart` what does not."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.remotes: dict[str, Remote] = {}
        self.restart()

    def restart(self) -> None:
        self.cluster = self.world.cluster()
        self.pool = StorePool(self.cluster, self.world.clock, opener=self._open)
        self.push = PushSecretReconciler(self.cluster, self.pool, self.world.clock)
        self.stores = SecretStoreReconciler(self.cluster, self.pool, self.world.clock)

    def remote(self, name: str = "remote") -> Remote:
        return self.remotes.setdefault(name, Remote())

    async def _open(self, provider: str, config: Mapping[str, Any], resolver: Resolver) -> Remote:
        return self.remote(config["data"][0]["key"])

    async def reconcile(self, name: str = "ps") -> Result:
        self.cluster.reload()
        for key in list(self.cluster._contents.objects):
            if key.kind in ("SecretStore", "ClusterSecretStore"):
                await self.stores.reconcile(key)
        return await self.push.reconcile(ObjectKey("PushSecret", "default", name))

    async def object(self, name: str = "ps") -> Object:
        return await self.world.object(self.cluster, ObjectKey("PushSecret", "default", name))

    async def ready(self, name: str = "ps") -> dict[str, Any]:
        return condition(await self.object(name), "Ready")

    def events(self) -> list[tuple[str, str, str]]:
        return [(e.type_, e.reason, e.message) for e in self.cluster.events if e.about.kind == "PushSecret"]


def store(name: str = "remote", **metadata: Any) -> Object:
    made = fake_store(name, {name: ""})
    made["metadata"] |= metadata
    return made


def secret(name: str, items: Mapping[str, str], **metadata: Any) -> Object:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in items.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, **metadata}, "data": data}


def entry(key: str, remote: str, property_: str = "", **more: Any) -> dict[str, Any]:
    ref = {"remoteKey": remote} | ({"property": property_} if property_ else {})
    return {"match": {"remoteRef": ref} | ({"secretKey": key} if key else {}), **more}


def push_secret(name: str = "ps", *data: Any, **spec: Any) -> Object:
    return {
        "apiVersion": "external-secrets.io/v1alpha1",
        "kind": "PushSecret",
        "metadata": {"name": name},
        "spec": {
            "secretStoreRefs": [{"name": "remote"}],
            "selector": {"secret": {"name": "source"}},
            **({"data": list(data)} if data else {}),
            **spec,
        },
    }


async def test_values_go_into_the_store_and_are_told_of(world: World, canary: Canary) -> None:
    value = canary("pushed")
    canary.output(world.source)
    world.write("all.yaml", store(), secret("source", {"a": value}), push_secret("ps", entry("a", "db/a")))
    pusher = Pusher(world)

    result = await pusher.reconcile()

    assert (result.outcome, result.updated) == (Outcome.UPDATED, ("db/a",))
    assert result.requeue_after is not None
    assert 0.9 * HOUR <= result.requeue_after <= 1.1 * HOUR
    assert await pusher.remote().get("db/a") == value.encode()
    status = (await pusher.object())["status"]
    assert status["refreshTime"] == "2026-05-01T12:00:00Z"
    assert status["syncedPushSecrets"]["SecretStore/remote"]["db/a"]["match"] == {
        "secretKey": "a",
        "remoteRef": {"remoteKey": "db/a"},
    }
    ready = await pusher.ready()
    assert (ready["status"], ready["reason"]) == ("True", "Synced")
    assert ready["message"] == "PushSecret synced successfully"
    assert pusher.events() == [
        ("Normal", "Synced", "PushSecret synced successfully: pushed db/a to SecretStore remote")
    ]


async def test_while_nothing_changes_the_store_is_not_asked_not_even_after_a_restart(world: World) -> None:
    world.write("all.yaml", store(), secret("source", {"a": "1"}), push_secret("ps", entry("a", "k")))
    pusher = Pusher(world)
    await pusher.reconcile()
    pusher.remote().told()
    before = (await pusher.object())["status"]

    for _ in range(2):
        assert (await pusher.reconcile()).outcome is Outcome.UNCHANGED
        pusher.restart()
    assert (await pusher.reconcile()).outcome is Outcome.UNCHANGED

    assert pusher.remote().told() == []
    assert (await pusher.object())["status"] == before


async def test_a_changed_source_is_pushed_at_once_and_only_what_changed_of_it(world: World) -> None:
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "ka"), entry("b", "kb")))
    world.write("source.yaml", secret("source", {"a": "1", "b": "1"}))
    pusher = Pusher(world)
    await pusher.reconcile()
    pusher.remote().told()

    world.write("source.yaml", secret("source", {"a": "1", "b": "2"}))
    result = await pusher.reconcile()

    assert (result.outcome, result.updated) == (Outcome.UPDATED, ("kb",))
    assert pusher.remote().told() == ["wrote kb"]
    assert await pusher.remote().get("kb") == b"2"


async def test_what_others_have_changed_remotely_is_put_right_when_it_is_due(world: World) -> None:
    world.write("all.yaml", store(), secret("source", {"a": "1"}), push_secret("ps", entry("a", "k")))
    pusher = Pusher(world)
    await pusher.reconcile()
    await pusher.remote().delete(Target("k"))
    pusher.remote().told()

    world.clock.advance(0.8 * HOUR)
    assert (await pusher.reconcile()).outcome is Outcome.UNCHANGED
    assert pusher.remote().told() == []
    world.clock.advance(0.4 * HOUR)
    assert (await pusher.reconcile()).outcome is Outcome.UPDATED
    assert await pusher.remote().get("k") == b"1"
    pusher.remote().told()
    world.clock.advance(1.2 * HOUR)
    assert (await pusher.reconcile()).outcome is Outcome.UNCHANGED
    assert pusher.remote().told() == ["compared k"]


async def test_with_interval_0_it_is_pushed_once_and_again_after_an_edit(world: World) -> None:
    spec = {"refreshInterval": "0"}
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "k"), **spec))
    world.write("source.yaml", secret("source", {"a": "1"}))
    pusher = Pusher(world)
    assert (await pusher.reconcile()).requeue_after is None
    world.write("source.yaml", secret("source", {"a": "2"}))
    assert (await pusher.reconcile()).outcome is Outcome.UNCHANGED
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "k"), entry("a", "k2"), **spec))
    assert (await pusher.reconcile()).updated == ("k", "k2")


async def test_one_entry_that_fails_stops_no_other_and_the_condition_says_which(
    world: World, canary: Canary
) -> None:
    value = canary("fails")
    canary.output(world.source)
    world.write(
        "all.yaml",
        store(),
        store("other"),
        secret("source", {"a": value}),
        push_secret(
            "ps",
            entry("a", "good"),
            entry("a", "bad"),
            entry("nowhere", "missing"),
            secretStoreRefs=[{"name": "remote"}, {"name": "other"}, {"name": "absent"}],
        ),
    )
    pusher = Pusher(world)
    pusher.remote().broken["bad"] = Denied("permission denied")

    result = await pusher.reconcile()

    assert (result.outcome, result.retry) == (Outcome.FAILED, True)
    assert result.requeue_after is not None
    assert await pusher.remote().get("good") == value.encode()
    assert await pusher.remote("other").get("bad") == value.encode()
    ready = await pusher.ready()
    assert (ready["status"], ready["reason"]) == ("False", "Errored")
    assert ready["message"].startswith(
        "set secret failed: data[2] to SecretStore remote, data[2] to SecretStore other:"
        ' the Secret "source" has no key "nowhere";'
        " data[1] to SecretStore remote: permission denied (Denied);"
    ), ready["message"]
    assert 'SecretStore absent: there is no SecretStore "absent" in namespace "default"' in ready["message"]
    assert "; next try at 2026-05-01T12:00:0" in ready["message"]
    status = (await pusher.object())["status"]
    assert set(status["syncedPushSecrets"]["SecretStore/remote"]) == {"good"}
    assert "refreshTime" not in status
    assert [event[:2] for event in pusher.events()] == [("Normal", "Synced"), ("Warning", "Errored")]

    pusher.remote().told()
    await pusher.reconcile()
    assert pusher.remote().told() == ["refused bad"]  # what arrived is not even compared
    assert [event[:2] for event in pusher.events()] == [("Normal", "Synced"), ("Warning", "Errored")]


async def test_a_store_that_is_back_gets_what_it_missed(world: World) -> None:
    world.write("all.yaml", store(), secret("source", {"a": "1"}), push_secret("ps", entry("a", "k")))
    pusher = Pusher(world)
    pusher.remote().broken["k"] = Unavailable("the server is away")
    result = await pusher.reconcile()
    assert "the server is away (Unavailable); next try" in result.message
    assert ObjectKey("SecretStore", "default", "remote") in result.depends_on
    pusher.remote().broken.clear()
    assert (await pusher.reconcile()).outcome is Outcome.UPDATED
    assert (await pusher.ready())["status"] == "True"


async def test_if_not_exists_leaves_what_is_there_and_does_not_take_it_for_its_own(world: World) -> None:
    spec = {"updatePolicy": "IfNotExists", "deletionPolicy": "Delete"}
    world.write("source.yaml", secret("source", {"a": "1"}))
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "theirs"), entry("a", "ours"), **spec))
    pusher = Pusher(world)
    theirs = Push(target=Target("theirs"), source=_plain("x", "old"), item="x")
    await pusher.remote().push(theirs)

    assert (await pusher.reconcile()).updated == ("ours",)
    ready = await pusher.ready()
    assert ready["message"] == "PushSecret synced successfully. Existing secrets in providers unchanged."
    assert await pusher.remote().get("theirs") == b"old"
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "third"), **spec))
    assert (await pusher.reconcile()).removed == ("ours",)
    assert await pusher.remote().get("theirs") == b"old"


async def test_with_delete_entries_that_are_not_listed_any_more_go(world: World) -> None:
    world.write("source.yaml", secret("source", {"a": "1"}))
    both = push_secret("ps", entry("a", "k1"), entry("a", "k2"), deletionPolicy="Delete")
    world.write("ps.yaml", store(), both)
    pusher = Pusher(world)
    await pusher.reconcile()
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "k1"), deletionPolicy="Delete"))

    assert (await pusher.reconcile()).removed == ("k2",)

    assert (await pusher.remote().get("k1"), await pusher.remote().get("k2")) == (b"1", None)
    assert set((await pusher.object())["status"]["syncedPushSecrets"]["SecretStore/remote"]) == {"k1"}


async def test_an_entry_that_fails_is_not_removed(world: World) -> None:
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "k"), deletionPolicy="Delete"))
    world.write("source.yaml", secret("source", {"a": "1"}))
    pusher = Pusher(world)
    await pusher.reconcile()
    world.write("source.yaml", secret("source", {"b": "1"}))
    assert (await pusher.reconcile()).outcome is Outcome.FAILED
    assert await pusher.remote().get("k") == b"1"


async def test_a_store_that_is_not_named_any_more_loses_what_it_got(world: World) -> None:
    refs = [{"name": "remote"}, {"name": "other"}]
    stores = store(), store("other")
    world.write("source.yaml", secret("source", {"a": "1"}))
    spec = {"deletionPolicy": "Delete"}
    world.write("ps.yaml", *stores, push_secret("ps", entry("a", "k"), secretStoreRefs=refs, **spec))
    pusher = Pusher(world)
    await pusher.reconcile()
    assert await pusher.remote("other").get("k") == b"1"
    world.write("ps.yaml", *stores, push_secret("ps", entry("a", "k"), **spec))
    assert (await pusher.reconcile()).removed == ("k",)
    assert (await pusher.remote().get("k"), await pusher.remote("other").get("k")) == (b"1", None)


@pytest.mark.parametrize(("policy", "left"), [("Delete", None), ("None", b"1")])
async def test_when_the_source_goes_its_values_go_with_delete_only(
    world: World, policy: str, left: bytes | None
) -> None:
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "k"), deletionPolicy=policy))
    source = world.write("source.yaml", secret("source", {"a": "1"}))
    pusher = Pusher(world)
    await pusher.reconcile()
    source.unlink()

    await pusher.reconcile()

    assert await pusher.remote().get("k") == left
    ready = await pusher.ready()
    reason = "SourceDeleted" if policy == "Delete" else "Errored"
    assert (ready["status"], ready["reason"]) == ("False", reason)
    pusher.remote().told()
    await pusher.reconcile()
    assert pusher.remote().told() == []
    world.write("source.yaml", secret("source", {"a": "2"}))
    assert (await pusher.reconcile()).outcome is Outcome.UPDATED
    assert await pusher.remote().get("k") == b"2"


async def test_of_two_for_one_remote_key_the_first_has_it(world: World) -> None:
    world.write("stores.yaml", store(), secret("source", {"a": "1"}), secret("second", {"a": "2"}))
    first = world.write("ps.yaml", push_secret("ps", entry("a", "k"), deletionPolicy="None"))
    late = world.write(
        "late.yaml",
        push_secret(
            "late", entry("a", "k"), deletionPolicy="Delete", selector={"secret": {"name": "second"}}
        ),
    )
    pusher = Pusher(world)
    await pusher.reconcile()

    result = await pusher.reconcile("late")

    assert "k belongs to PushSecret default/ps, which pushes to it" in result.message
    assert await pusher.remote().get("k") == b"1"
    pusher.restart()
    assert (await pusher.reconcile("late")).outcome is Outcome.FAILED
    text = late.read_text()
    first.unlink()
    await pusher.reconcile()
    late.write_text(text)
    assert (await pusher.reconcile("late")).outcome is Outcome.UPDATED
    assert await pusher.remote().get("k") == b"2"


async def test_sources_and_stores_are_chosen_by_labels(world: World) -> None:
    spec: dict[str, Any] = {
        "secretStoreRefs": [{"labelSelector": {"matchLabels": {"push": "yes"}}}],
        "selector": {
            "secret": {
                "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["shop"]}]}
            }
        },
    }
    world.write("ps.yaml", push_secret("ps", entry("a", "ka"), entry("b", "kb"), **spec))
    world.write("stores.yaml", store(), store("other", labels={"push": "yes"}))
    world.write("one.yaml", secret("one", {"a": "1"}, labels={"app": "shop"}))
    world.write("two.yaml", secret("two", {"b": "2"}, labels={"app": "shop"}))
    world.write("no.yaml", secret("no", {"a": "3"}, labels={"app": "bank"}))
    world.write("else.yaml", secret("else", {"a": "4"}, labels={"app": "shop"}, namespace="else"))
    pusher = Pusher(world)

    result = await pusher.reconcile()

    assert result.outcome is Outcome.UPDATED, result.message
    assert (await pusher.remote("other").get("ka"), await pusher.remote("other").get("kb")) == (b"1", b"2")
    assert await pusher.remote().get("ka") is None
    world.write("stores.yaml", store(labels={"push": "yes"}), store("other", labels={"push": "yes"}))
    assert (await pusher.reconcile()).outcome is Outcome.UPDATED
    assert await pusher.remote().get("ka") == b"1"
    world.write("two.yaml", secret("two", {"a": "5"}, labels={"app": "shop"}))
    message = (await pusher.reconcile()).message
    assert 'the Secrets "one", "two" all have key "a", and one can go there' in message
    assert await pusher.remote().get("ka") == b"1"


async def test_templates_and_generators_make_what_is_pushed(world: World, canary: Canary) -> None:
    value = canary("templated")
    canary.output(world.source)
    generator = {
        "apiVersion": "generators.external-secrets.io/v1alpha1",
        "kind": "Fake",
        "metadata": {"name": "gen"},
        "spec": {"data": {"a": "made"}},
    }
    ref = {"apiVersion": generator["apiVersion"], "kind": "Fake", "name": "gen"}
    template = {"data": {"url": "https://{{ .a }}@host"}}
    world.write("all.yaml", store(), generator, secret("source", {"a": value}))
    world.write(
        "ps.yaml",
        push_secret("ps", entry("url", "url"), entry("a", "plain"), template=template),
        push_secret("gen", entry("a", "generated"), selector={"generatorRef": ref}),
        push_secret("bad", entry("url", "bad"), template={"data": {"url": "{{ .nothing }}"}}),
    )
    pusher = Pusher(world)
    for name in ("ps", "gen"):
        assert (await pusher.reconcile(name)).outcome is Outcome.UPDATED
    assert await pusher.remote().get("url") == f"https://{value}@host".encode()
    assert await pusher.remote().get("plain") == value.encode()
    assert await pusher.remote().get("generated") == b"made"
    assert (await pusher.reconcile("gen")).outcome is Outcome.UNCHANGED
    failed = await pusher.reconcile("bad")
    assert "spec.template.data.url" in failed.message
    assert "target" not in failed.message


async def test_a_whole_secret_is_pushed_as_json(world: World) -> None:
    world.write(
        "all.yaml", store(), secret("source", {"b": "2", "a": "1"}), push_secret("ps", entry("", "k"))
    )
    pusher = Pusher(world)
    await pusher.reconcile()
    assert json.loads(await pusher.remote().get("k") or b"") == {"a": "1", "b": "2"}


async def test_another_controllers_store_is_left_to_it(world: World) -> None:
    foreign = store()
    foreign["spec"]["controller"] = "theirs"
    world.write("all.yaml", foreign, secret("source", {"a": "1"}), push_secret("ps", entry("a", "k")))
    pusher = Pusher(world)
    assert (await pusher.reconcile()).outcome is Outcome.SKIPPED
    assert pusher.remote().told() == []
    assert "status" not in await pusher.object()


async def test_a_dry_run_pushes_nothing(world: World) -> None:
    world.write("all.yaml", store(), secret("source", {"a": "1"}), push_secret("ps", entry("a", "k")))
    pusher = Pusher(world)
    pusher.push = PushSecretReconciler(pusher.cluster, pusher.pool, world.clock, dry=True)
    assert (await pusher.reconcile()).outcome is Outcome.SKIPPED
    assert pusher.remote().told() == []


def _plain(key: str, text: str) -> Any:
    from sealbridge.secret import Secret

    return Secret(name="x", items={key: Value(text.encode())})


async def test_a_store_that_loses_its_label_loses_what_it_got(world: World) -> None:
    refs = [{"labelSelector": {"matchLabels": {"push": "yes"}}}]
    labelled, other = store(labels={"push": "yes"}), store("other", labels={"push": "yes"})
    world.write("source.yaml", secret("source", {"a": "1"}))
    world.write("stores.yaml", labelled, other)
    world.write("ps.yaml", push_secret("ps", entry("a", "k"), secretStoreRefs=refs, deletionPolicy="Delete"))
    pusher = Pusher(world)
    await pusher.reconcile()
    world.write("stores.yaml", labelled, store("other"))
    result = await pusher.reconcile()
    assert (result.outcome, result.removed) == (Outcome.UPDATED, ("k",))
    assert (await pusher.remote().get("k"), await pusher.remote("other").get("k")) == (b"1", None)
    assert (await pusher.reconcile()).outcome is Outcome.UNCHANGED


async def test_a_store_that_is_gone_keeps_what_it_has_and_an_event_says_so(world: World) -> None:
    refs = [{"name": "remote"}, {"name": "other"}]
    spec = {"deletionPolicy": "Delete"}
    world.write("source.yaml", secret("source", {"a": "1"}))
    stores = world.write("stores.yaml", store("other"))
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "k"), secretStoreRefs=refs, **spec))
    pusher = Pusher(world)
    await pusher.reconcile()
    stores.unlink()
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "k"), **spec))
    assert (await pusher.reconcile()).outcome is Outcome.UNCHANGED
    assert await pusher.remote("other").get("k") == b"1"
    assert ("Warning", "Errored", "SecretStore other is gone, so that what was pushed there stays: k") in (
        pusher.events()
    )
    assert set((await pusher.object())["status"]["syncedPushSecrets"]) == {"SecretStore/remote"}


async def test_what_cannot_be_removed_is_told_and_tried_again(world: World) -> None:
    spec = {"deletionPolicy": "Delete"}
    world.write("source.yaml", secret("source", {"a": "1"}))
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "k1"), entry("a", "k2"), **spec))
    pusher = Pusher(world)
    await pusher.reconcile()
    pusher.remote().broken["k2"] = Denied("not allowed")
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "k1"), **spec))
    result = await pusher.reconcile()
    assert "k2 cannot be removed: not allowed (Denied)" in result.message
    assert set((await pusher.object())["status"]["syncedPushSecrets"]["SecretStore/remote"]) == {"k1", "k2"}
    pusher.remote().broken.clear()
    assert (await pusher.reconcile()).removed == ("k2",)


async def test_what_failed_for_good_is_not_taken_for_ones_own(world: World) -> None:
    spec = {"deletionPolicy": "Delete"}
    world.write("source.yaml", secret("source", {"a": "1"}))
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "theirs"), **spec))
    pusher = Pusher(world)
    pusher.remote().broken["theirs"] = Denied("secret not managed by external-secrets")
    await pusher.reconcile()
    pusher.remote().broken.clear()
    world.write("ps.yaml", store(), push_secret("ps", entry("a", "mine"), **spec))
    assert (await pusher.reconcile()).removed == ()
    assert "removed theirs" not in pusher.remote().told()


async def test_marks_of_ownership_do_not_travel(world: World) -> None:
    marks = {
        "sealbridge.io/managed": "true",
        "reconcile.external-secrets.io/managed": "true",
        "argocd.argoproj.io/instance": "x",
        "team": "shop",
    }
    world.write(
        "all.yaml", store(), secret("source", {"a": "1"}, labels=marks), push_secret("ps", entry("a", "k"))
    )
    pusher = Pusher(world)
    seen: list[Push] = []
    push = pusher.remote().push

    async def look(one: Push) -> bool:
        seen.append(one)
        return await push(one)

    pusher.remote().push = look  # type: ignore[method-assign]
    await pusher.reconcile()
    assert [one.source.labels for one in seen] == [{"team": "shop"}]


async def test_an_object_that_cannot_be_read_says_so_and_waits(world: World) -> None:
    world.write("all.yaml", store(), push_secret("ps", entry("a", "k"), wrong=1))
    pusher = Pusher(world)
    result = await pusher.reconcile()
    assert (result.outcome, result.retry) == (Outcome.FAILED, False)
    assert (await pusher.ready())["message"].startswith("spec.wrong: there is no such field")


async def test_an_operator_that_may_not_list_all_namespaces_still_knows_who_was_first(world: World) -> None:
    world.write("stores.yaml", store(), secret("source", {"a": "1"}))
    world.write("ps.yaml", push_secret("ps", entry("a", "k")), push_secret("late", entry("a", "k")))
    pusher = Pusher(world)
    await pusher.reconcile()
    pusher.restart()
    listing = pusher.cluster.list

    async def refuse(kind: Any, *, namespace: str | None = None, **more: Any) -> Any:
        if namespace is None:
            raise ClusterError("forbidden", status=403)
        return await listing(kind, namespace=namespace, **more)

    pusher.cluster.list = refuse  # type: ignore[method-assign]
    assert "belongs to PushSecret default/ps" in (await pusher.reconcile("late")).message
    assert (await pusher.reconcile()).outcome is Outcome.UNCHANGED


async def test_tenants_who_share_a_store_do_not_learn_each_others_names(world: World) -> None:
    shared = store()
    shared["kind"] = "ClusterSecretStore"
    refs = [{"name": "remote", "kind": "ClusterSecretStore"}]
    theirs = push_secret("private", entry("a", "k"), secretStoreRefs=refs)
    theirs["metadata"]["namespace"] = "secretive"
    world.write("all.yaml", shared, secret("source", {"a": "1"}, namespace="secretive"), theirs)
    world.write(
        "mine.yaml", secret("source", {"a": "2"}), push_secret("ps", entry("a", "k"), secretStoreRefs=refs)
    )
    pusher = Pusher(world)
    pusher.cluster.reload()
    await pusher.stores.reconcile(ObjectKey("ClusterSecretStore", "", "remote"))
    await pusher.push.reconcile(ObjectKey("PushSecret", "secretive", "private"))
    message = (await pusher.reconcile()).message
    assert "k belongs to a PushSecret of another namespace" in message
    assert "secretive" not in message
    assert await pusher.remote().get("k") == b"1"
