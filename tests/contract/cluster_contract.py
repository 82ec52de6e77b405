"""The contract of `reconcile.cluster.Cluster`. Knows the port, no adapter.

An adapter passes by subclassing `ClusterContract` in a test module and giving the fixture `harness`.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any, Protocol

import pytest

from sealbridge.errors import ClusterError, Conflict, Immutable, NotOwned
from sealbridge.reconcile.cluster import Action, Cluster, Owner, Ownership
from sealbridge.reconcile.kinds import (
    CONFIG_MAP,
    EXTERNAL_SECRET,
    SEALED_SECRET,
    Kind,
    Object,
)
from sealbridge.secret import Secret, Value


class Harness(Protocol):
    """A cluster under test, with a namespace of its own and hands to play somebody else in it."""

    cluster: Cluster
    namespace: str

    async def put(self, manifest: Object) -> Object:
        """Create or replace an object as a user does; returns it as the cluster hands it out."""

    async def put_secret(self, manifest: Object) -> None:
        """Create or replace a Secret as somebody else than sealbridge does."""

    async def remove(self, kind: Kind, name: str) -> None:
        """Delete an object as a user does."""

    async def events(self) -> list[tuple[str, str, str, str]]:
        """(object's name, type, reason, message) of every event, in order."""

    async def writes(self) -> int:
        """How many writes of Secrets there were so far."""


def sealed_secret(name: str, **metadata: Any) -> Object:
    return {
        "apiVersion": SEALED_SECRET.api_version,
        "kind": SEALED_SECRET.name,
        "metadata": {"name": name, **metadata},
        "spec": {"encryptedData": {"password": "AgA="}, "template": {"metadata": {"labels": {"x": "y"}}}},
    }


def external_secret(name: str, **metadata: Any) -> Object:
    return {
        "apiVersion": EXTERNAL_SECRET.api_version,
        "kind": EXTERNAL_SECRET.name,
        "metadata": {"name": name, **metadata},
        "spec": {
            "secretStoreRef": {"name": "s"},
            "data": [{"secretKey": "password", "remoteRef": {"key": "db"}}],
        },
    }


def owner_of(obj: Object, *, manager: str = "sealbridge") -> Owner:
    return Owner(
        api_version=obj["apiVersion"],
        kind=obj["kind"],
        name=obj["metadata"]["name"],
        uid=obj["metadata"]["uid"],
        field_manager=manager,
    )


class ClusterContract:
    """The tests. Names are unique in each, so that a shared server serves them all."""

    @staticmethod
    def secret(harness: Harness, name: str, items: dict[str, bytes] | None = None, **more: Any) -> Secret:
        values = {key: Value(data) for key, data in (items or {"password": b"one"}).items()}
        return Secret(name=name, namespace=harness.namespace, items=values, **more)

    @staticmethod
    def foreign(harness: Harness, name: str, **metadata: Any) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": harness.namespace, **metadata},
            "type": "Opaque",
            "data": {"theirs": base64.b64encode(b"theirs").decode()},
        }

    async def test_what_is_not_there_is_none(self, harness: Harness) -> None:
        cluster, namespace = harness.cluster, harness.namespace
        assert await cluster.get(SEALED_SECRET, namespace, "nobody") is None
        assert await cluster.get_secret(namespace, "nobody") is None
        assert await cluster.target_state(namespace, "nobody") is None
        assert await cluster.namespace_labels("no-such-namespace") is None
        assert await cluster.list(SEALED_SECRET, namespace="no-such-namespace") == []

    async def test_an_object_comes_with_its_kind_uid_and_generation(self, harness: Harness) -> None:
        await harness.put(sealed_secret("read", labels={"team": "a"}))

        obj = await harness.cluster.get(SEALED_SECRET, harness.namespace, "read")

        assert obj is not None
        assert (obj["apiVersion"], obj["kind"]) == (SEALED_SECRET.api_version, SEALED_SECRET.name)
        assert obj["metadata"]["namespace"] == harness.namespace
        assert obj["metadata"]["uid"]
        assert obj["metadata"]["generation"] > 0
        assert obj["metadata"]["labels"] == {"team": "a"}
        assert obj["spec"] == sealed_secret("read")["spec"]

    async def test_a_change_of_the_spec_changes_the_generation_and_nothing_else_does(
        self, harness: Harness
    ) -> None:
        before = await harness.put(sealed_secret("generations"))
        labelled = await harness.put(sealed_secret("generations", labels={"a": "b"}))
        changed = sealed_secret("generations", labels={"a": "b"})
        changed["spec"]["encryptedData"]["more"] = "AgB="
        after = await harness.put(changed)

        assert labelled["metadata"]["generation"] == before["metadata"]["generation"]
        assert after["metadata"]["generation"] != before["metadata"]["generation"]
        assert after["metadata"]["uid"] == before["metadata"]["uid"]

    async def test_objects_are_listed_by_namespace_and_labels(self, harness: Harness) -> None:
        await harness.put(sealed_secret("listed-1", labels={"team": "a", "tier": "x"}))
        await harness.put(sealed_secret("listed-2", labels={"team": "b"}))

        async def names(**labels: str) -> set[str]:
            found = await harness.cluster.list(SEALED_SECRET, namespace=harness.namespace, labels=labels)
            assert all(obj["kind"] == SEALED_SECRET.name for obj in found)
            return {obj["metadata"]["name"] for obj in found}

        assert {"listed-1", "listed-2"} <= await names()
        assert await names(team="a") == {"listed-1"}
        assert await names(team="a", tier="y") == set()
        everywhere = await harness.cluster.list(SEALED_SECRET)
        assert {"listed-1", "listed-2"} <= {obj["metadata"]["name"] for obj in everywhere}

    async def test_a_target_is_created_updated_and_then_left_alone(self, harness: Harness) -> None:
        cluster = harness.cluster
        owner = owner_of(await harness.put(sealed_secret("target")))
        first = self.secret(
            harness, "target", {"a": b"1", "b": b"1"}, labels={"l": "1"}, type="example.com/t"
        )

        created = await cluster.apply_secret(first, owner=owner, ownership=Ownership.OWN)
        state = await cluster.target_state(harness.namespace, "target")
        assert (created.action, created.added) == (Action.CREATED, ("a", "b"))
        assert state is not None
        assert (state.uid, state.resource_version) == (created.uid, created.resource_version)
        assert (state.owner_uid, state.owner) == (owner.uid, "SealedSecret target")
        assert state.labels == {"l": "1"}

        second = self.secret(harness, "target", {"b": b"2", "c": b"1"}, type="example.com/t")
        updated = await cluster.apply_secret(second, owner=owner, ownership=Ownership.OWN)
        assert (updated.action, updated.added, updated.updated, updated.removed) == (
            Action.UPDATED,
            ("c",),
            ("b",),
            ("a",),
        )
        assert updated.uid == created.uid
        assert updated.resource_version != created.resource_version

        writes = await harness.writes()
        again = await cluster.apply_secret(second, owner=owner, ownership=Ownership.OWN)
        assert (again.action, again.resource_version) == (Action.UNCHANGED, updated.resource_version)
        assert await harness.writes() == writes

        stored = await cluster.get_secret(harness.namespace, "target")
        assert stored is not None
        assert stored.items == second.items
        assert stored.type == "example.com/t"
        assert dict(stored.labels) == {}

    async def test_a_secret_of_somebody_else_is_left_as_it_is(self, harness: Harness) -> None:
        await harness.put_secret(self.foreign(harness, "foreign"))
        owner = owner_of(await harness.put(sealed_secret("foreign")))

        with pytest.raises(NotOwned, match='Resource "foreign" already exists and is not managed by'):
            await harness.cluster.apply_secret(
                self.secret(harness, "foreign"), owner=owner, ownership=Ownership.OWN
            )
        stored = await harness.cluster.get_secret(harness.namespace, "foreign")
        assert stored is not None
        assert stored.items == {"theirs": Value(b"theirs")}

    async def test_the_managed_annotation_hands_it_over(self, harness: Harness) -> None:
        managed = {"sealedsecrets.bitnami.com/managed": "true"}
        await harness.put_secret(self.foreign(harness, "handed-over", annotations=managed))
        owner = owner_of(await harness.put(sealed_secret("handed-over")))

        applied = await harness.cluster.apply_secret(
            self.secret(harness, "handed-over"), owner=owner, ownership=Ownership.OWN
        )

        assert (applied.action, applied.removed) == (Action.UPDATED, ("theirs",))
        state = await harness.cluster.target_state(harness.namespace, "handed-over")
        assert state is not None
        assert state.owner_uid == owner.uid
        assert dict(state.annotations) == {}

    async def test_a_patch_adds_and_takes_nothing_and_is_not_ours(self, harness: Harness) -> None:
        patch = {"sealedsecrets.bitnami.com/patch": "true"}
        foreign = self.foreign(harness, "patched", annotations=patch, labels={"theirs": "1"})
        await harness.put_secret(foreign)
        owner = owner_of(await harness.put(sealed_secret("patched")))
        target = self.secret(harness, "patched", labels={"mine": "1"})

        applied = await harness.cluster.apply_secret(target, owner=owner, ownership=Ownership.OWN)

        assert (applied.action, applied.added, applied.ours) == (Action.UPDATED, ("password",), False)
        state = await harness.cluster.target_state(harness.namespace, "patched")
        assert state is not None
        assert state.owner_uid is None
        assert dict(state.labels) == {"theirs": "1", "mine": "1"}
        writes = await harness.writes()
        again = await harness.cluster.apply_secret(target, owner=owner, ownership=Ownership.OWN)
        assert (again.action, again.ours) == (Action.UNCHANGED, False)
        assert await harness.writes() == writes

    async def test_a_retained_target_has_no_owner_and_is_known_again_by_whoever_comes_after(
        self, harness: Harness
    ) -> None:
        cluster = harness.cluster
        owner = owner_of(await harness.put(sealed_secret("retained")))
        retaining = replace(owner, retain=True)
        target = self.secret(harness, "retained", annotations={"n": "1"})

        made = await cluster.apply_secret(target, owner=retaining, ownership=Ownership.OWN)
        state = await cluster.target_state(harness.namespace, "retained")
        assert state is not None
        assert (state.owner_uid, made.ours) == (None, True)
        mark = {"sealbridge.io/retained-for": "SealedSecret/retained"}
        assert dict(state.annotations) == {"n": "1", **mark}

        reborn = replace(retaining, uid="00000000-0000-4000-8000-000000000000")
        writes = await harness.writes()
        again = await cluster.apply_secret(target, owner=reborn, ownership=Ownership.OWN)
        assert (again.action, again.uid) == (Action.UNCHANGED, made.uid)
        assert await harness.writes() == writes

        owned = await cluster.apply_secret(target, owner=owner, ownership=Ownership.OWN)
        state = await cluster.target_state(harness.namespace, "retained")
        assert state is not None
        assert (owned.action, state.owner_uid, dict(state.annotations)) == (
            Action.UPDATED,
            owner.uid,
            {"n": "1"},
        )
        await cluster.apply_secret(target, owner=retaining, ownership=Ownership.OWN)
        state = await cluster.target_state(harness.namespace, "retained")
        assert state is not None
        assert (state.owner_uid, dict(state.annotations)) == (None, {"n": "1", **mark})

    async def test_a_retained_target_whose_mark_was_taken_off_is_known_by_its_uid_alone(
        self, harness: Harness
    ) -> None:
        retaining = replace(owner_of(await harness.put(sealed_secret("unmarked"))), retain=True)
        target = self.secret(harness, "unmarked")
        made = await harness.cluster.apply_secret(target, owner=retaining, ownership=Ownership.OWN)
        await harness.put_secret(self.foreign(harness, "unmarked"))

        with pytest.raises(NotOwned):
            await harness.cluster.apply_secret(target, owner=retaining, ownership=Ownership.OWN)
        applied = await harness.cluster.apply_secret(
            target, owner=replace(retaining, target_uid=made.uid), ownership=Ownership.OWN
        )
        assert (applied.action, applied.added, applied.removed) == (
            Action.UPDATED,
            ("password",),
            ("theirs",),
        )

    async def test_an_unowned_target_is_made_without_an_owner(self, harness: Harness) -> None:
        unowned = replace(owner_of(await harness.put(sealed_secret("unowned"))), unowned=True)
        target = self.secret(harness, "unowned")
        applied = await harness.cluster.apply_secret(target, owner=unowned, ownership=Ownership.OWN)
        assert (applied.action, applied.ours) == (Action.CREATED, False)
        with pytest.raises(NotOwned):
            await harness.cluster.apply_secret(target, owner=unowned, ownership=Ownership.OWN)

    async def test_an_external_secret_adopts_and_cleans_up_after_itself_only(self, harness: Harness) -> None:
        await harness.put_secret(self.foreign(harness, "adopted", labels={"theirs": "1"}))
        owner = owner_of(await harness.put(external_secret("adopted")), manager="es/adopted")
        with pytest.raises(NotOwned, match="was made by somebody else"):
            await harness.cluster.apply_secret(
                self.secret(harness, "adopted"), owner=owner, ownership=Ownership.ADOPT
            )
        owner = replace(owner, adopts=True)

        for labels in ({"mine": "1", "old": "1"}, {"mine": "2"}):
            await harness.cluster.apply_secret(
                self.secret(harness, "adopted", labels=labels), owner=owner, ownership=Ownership.ADOPT
            )

        stored = await harness.cluster.get_secret(harness.namespace, "adopted")
        assert stored is not None
        assert dict(stored.labels) == {"theirs": "1", "mine": "2"}
        assert stored.items == {"password": Value(b"one")}

    async def test_two_owners_do_not_share_a_target(self, harness: Harness) -> None:
        first = owner_of(await harness.put(external_secret("sharing-1")), manager="es/1")
        second = owner_of(await harness.put(external_secret("sharing-2")), manager="es/2")
        target = self.secret(harness, "shared")
        await harness.cluster.apply_secret(target, owner=first, ownership=Ownership.ADOPT)

        with pytest.raises(NotOwned, match="target is owned by another ExternalSecret"):
            await harness.cluster.apply_secret(target, owner=second, ownership=Ownership.ADOPT)

    async def test_a_merge_into_nothing_makes_nothing(self, harness: Harness) -> None:
        owner = owner_of(await harness.put(external_secret("absent")), manager="es/absent")

        applied = await harness.cluster.apply_secret(
            self.secret(harness, "absent"), owner=owner, ownership=Ownership.MERGE
        )

        assert (applied.action, applied.uid, applied.ours) == (Action.ABSENT, "", False)
        assert await harness.cluster.get_secret(harness.namespace, "absent") is None

    async def test_several_merge_into_one_secret_and_each_takes_back_only_its_own(
        self, harness: Harness
    ) -> None:
        cluster = harness.cluster
        await harness.put_secret(self.foreign(harness, "merged", labels={"theirs": "1"}))
        one = owner_of(await harness.put(external_secret("merging-1")), manager="es/merging-1")
        two = owner_of(await harness.put(external_secret("merging-2")), manager="es/merging-2")

        async def merge(owner: Owner, items: dict[str, bytes], **more: Any) -> tuple[Action, set[str]]:
            secret = replace(
                self.secret(harness, "merged", **more), items={k: Value(v) for k, v in items.items()}
            )
            applied = await cluster.apply_secret(secret, owner=owner, ownership=Ownership.MERGE)
            stored = await cluster.get_secret(harness.namespace, "merged")
            assert stored is not None
            return applied.action, set(stored.items)

        assert await merge(one, {"a": b"1", "stale": b"1"}, labels={"mine": "1"}) == (
            Action.UPDATED,
            {"theirs", "a", "stale"},
        )
        assert await merge(two, {"b": b"1"}) == (Action.UPDATED, {"theirs", "a", "stale", "b"})
        assert await merge(one, {"a": b"2"}) == (Action.UPDATED, {"theirs", "a", "b"})
        writes = await harness.writes()
        assert await merge(one, {"a": b"2"}) == (Action.UNCHANGED, {"theirs", "a", "b"})
        assert await merge(two, {"b": b"1"}) == (Action.UNCHANGED, {"theirs", "a", "b"})
        assert await harness.writes() == writes
        # Who writes the key of another owns it from then on.
        assert await merge(two, {"a": b"3", "b": b"1"}) == (Action.UPDATED, {"theirs", "a", "b"})
        assert await merge(one, {}) == (Action.UNCHANGED, {"theirs", "a", "b"})
        assert await merge(two, {}) == (Action.UPDATED, {"theirs"})
        state = await cluster.target_state(harness.namespace, "merged")
        assert state is not None
        assert (state.owner_uid, dict(state.labels)) == (None, {"theirs": "1"})

    async def test_what_is_made_without_an_owner_is_known_again_by_whoever_made_it(
        self, harness: Harness
    ) -> None:
        cluster = harness.cluster
        maker = owner_of(await harness.put(external_secret("orphaning")), manager="es/orphaning")
        other = owner_of(await harness.put(external_secret("envious")), manager="es/envious")
        for name, ownership in (
            ("orphan", Ownership.ORPHAN),
            ("created-or-merged", Ownership.CREATE_OR_MERGE),
        ):
            made = await cluster.apply_secret(
                self.secret(harness, name, {"a": b"1"}), owner=maker, ownership=ownership
            )
            state = await cluster.target_state(harness.namespace, name)
            assert state is not None
            assert (made.action, state.owner_uid) == (Action.CREATED, None)
            with pytest.raises(NotOwned):
                await cluster.apply_secret(
                    self.secret(harness, name), owner=other, ownership=Ownership.ORPHAN
                )
            again = await cluster.apply_secret(
                self.secret(harness, name, {"b": b"1"}), owner=maker, ownership=Ownership.ADOPT
            )
            assert (again.added, again.removed) == (("b",), ("a",))
            state = await cluster.target_state(harness.namespace, name)
            assert state is not None
            assert state.owner_uid == maker.uid

    async def test_a_finalizer_holds_an_object_back_where_objects_are_kept(self, harness: Harness) -> None:
        name = "sealbridge.io/test"
        obj = await harness.put(external_secret("held"))
        before = obj["metadata"].get("finalizers") or []

        held = await harness.cluster.set_finalizer(EXTERNAL_SECRET, obj, name, present=True)
        assert (held["spec"], held["metadata"]["uid"]) == (obj["spec"], obj["metadata"]["uid"])
        # The object as it was read first is good enough to go on with.
        await harness.cluster.set_finalizer(EXTERNAL_SECRET, obj, name, present=True)
        await harness.cluster.patch_status(EXTERNAL_SECRET, obj, {"refreshTime": "2026-01-01T00:00:00Z"})
        free = await harness.cluster.set_finalizer(EXTERNAL_SECRET, held, name, present=False)
        assert (free["metadata"].get("finalizers") or []) == before
        await harness.remove(EXTERNAL_SECRET, "held")
        await harness.cluster.set_finalizer(EXTERNAL_SECRET, obj, name, present=False)
        assert await harness.cluster.get(EXTERNAL_SECRET, harness.namespace, "held") is None

    async def test_an_immutable_secret_keeps_its_data(self, harness: Harness) -> None:
        owner = owner_of(await harness.put(sealed_secret("immutable")))
        first = self.secret(harness, "immutable", immutable=True)
        await harness.cluster.apply_secret(first, owner=owner, ownership=Ownership.OWN)

        with pytest.raises(Immutable):
            await harness.cluster.apply_secret(
                self.secret(harness, "immutable", {"password": b"two"}), owner=owner, ownership=Ownership.OWN
            )
        stored = await harness.cluster.get_secret(harness.namespace, "immutable")
        assert stored is not None
        assert stored.items == first.items

    async def test_an_edit_by_hand_changes_the_state_and_is_put_right(self, harness: Harness) -> None:
        owner = owner_of(await harness.put(sealed_secret("drift")))
        target = self.secret(harness, "drift")
        before = await harness.cluster.apply_secret(target, owner=owner, ownership=Ownership.OWN)
        state = await harness.cluster.target_state(harness.namespace, "drift")
        assert state is not None
        await harness.put_secret(
            self.foreign(
                harness,
                "drift",
                ownerReferences=[
                    {
                        "apiVersion": owner.api_version,
                        "kind": owner.kind,
                        "name": owner.name,
                        "uid": owner.uid,
                        "controller": True,
                    }
                ],
            )
        )

        drifted = await harness.cluster.target_state(harness.namespace, "drift")
        assert drifted is not None
        assert drifted.resource_version != before.resource_version
        after = await harness.cluster.apply_secret(target, owner=owner, ownership=Ownership.OWN)
        assert (after.action, after.added, after.removed) == (Action.UPDATED, ("password",), ("theirs",))

    @pytest.mark.parametrize(
        ("name", "items"),
        [
            ("bytes", {"key": bytes(range(256))}),
            ("empty", {"key": b""}),
            ("unicode", {"clé.value_1-x".replace("é", "e"): "pässwörd 🔑 \u2028".encode()}),
            ("large", {"blob": b"\x00\xff" * (512 * 1024 - 4096)}),
            ("many", {f"key-{number}": str(number).encode() for number in range(500)}),
        ],
    )
    async def test_values_come_back_byte_for_byte(
        self, harness: Harness, name: str, items: dict[str, bytes]
    ) -> None:
        owner = owner_of(await harness.put(sealed_secret(f"value-{name}")))
        target = self.secret(harness, f"value-{name}", items, annotations={"note": "ünïcode 🔑\n\ttwo lines"})

        await harness.cluster.apply_secret(target, owner=owner, ownership=Ownership.OWN)

        stored = await harness.cluster.get_secret(harness.namespace, f"value-{name}")
        assert stored is not None
        assert stored.items == target.items
        assert dict(stored.annotations) == dict(target.annotations)
        again = await harness.cluster.apply_secret(target, owner=owner, ownership=Ownership.OWN)
        assert again.action is Action.UNCHANGED

    @pytest.mark.parametrize("name", ["../escape", "UPPER", "a/b", ".hidden", "-dash", "x" * 254, "nul\0"])
    async def test_a_name_that_is_none_is_refused(self, harness: Harness, name: str) -> None:
        owner = owner_of(await harness.put(sealed_secret("hostile")))

        with pytest.raises(ClusterError) as caught:
            await harness.cluster.apply_secret(
                self.secret(harness, name), owner=owner, ownership=Ownership.OWN
            )
        assert not caught.value.retryable

    async def test_a_secret_that_must_be_new_is_created_once(self, harness: Harness) -> None:
        secret = self.secret(harness, "new", labels={"key": "active"})

        created = await harness.cluster.create_secret(secret)

        assert (created.name, created.items) == ("new", secret.items)
        with pytest.raises(Conflict):
            await harness.cluster.create_secret(secret)
        found = await harness.cluster.list_secrets(harness.namespace, labels={"key": "active"})
        assert [(each.name, each.items) for each in found] == [("new", secret.items)]

    async def test_a_star_in_a_name_becomes_something_new(self, harness: Harness) -> None:
        names = {
            (await harness.cluster.create_secret(self.secret(harness, "generated-*"))).name for _ in range(3)
        }
        assert len(names) == 3
        assert all(name.startswith("generated-") and "*" not in name for name in names)

    async def test_only_the_secret_that_was_meant_is_deleted(self, harness: Harness) -> None:
        owner = owner_of(await harness.put(sealed_secret("deleted")))
        applied = await harness.cluster.apply_secret(
            self.secret(harness, "deleted"), owner=owner, ownership=Ownership.OWN
        )

        other = "00000000-0000-4000-8000-000000000000"
        assert not await harness.cluster.delete_secret(harness.namespace, "deleted", uid=other)
        assert await harness.cluster.get_secret(harness.namespace, "deleted") is not None
        assert await harness.cluster.delete_secret(harness.namespace, "deleted", uid=applied.uid)
        assert await harness.cluster.get_secret(harness.namespace, "deleted") is None
        assert not await harness.cluster.delete_secret(harness.namespace, "deleted", uid=applied.uid)

    async def test_a_deleted_target_is_made_anew(self, harness: Harness) -> None:
        owner = owner_of(await harness.put(sealed_secret("again")))
        target = self.secret(harness, "again")
        applied = await harness.cluster.apply_secret(target, owner=owner, ownership=Ownership.OWN)
        await harness.cluster.delete_secret(harness.namespace, "again", uid=applied.uid)

        again = await harness.cluster.apply_secret(target, owner=owner, ownership=Ownership.OWN)
        assert again.action is Action.CREATED

    async def test_status_is_patched_field_by_field_and_leaves_the_rest(self, harness: Harness) -> None:
        obj = await harness.put(sealed_secret("status"))
        cluster = harness.cluster
        condition = {
            "type": "Synced",
            "status": "True",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }

        await cluster.patch_status(SEALED_SECRET, obj, {"observedGeneration": 1, "conditions": [condition]})
        await cluster.patch_status(SEALED_SECRET, obj, {"observedGeneration": 2})
        after = await cluster.get(SEALED_SECRET, harness.namespace, "status")
        assert after is not None
        assert after["status"]["observedGeneration"] == 2
        assert after["status"]["conditions"][0]["type"] == "Synced"
        assert after["spec"] == obj["spec"]
        assert after["metadata"]["generation"] == obj["metadata"]["generation"]

        await cluster.patch_status(SEALED_SECRET, obj, {"observedGeneration": None})
        after = await cluster.get(SEALED_SECRET, harness.namespace, "status")
        assert after is not None
        assert "observedGeneration" not in after["status"]

    async def test_the_status_of_an_object_that_is_gone_is_nobodys_concern(self, harness: Harness) -> None:
        obj = await harness.put(sealed_secret("gone"))
        await harness.remove(SEALED_SECRET, "gone")

        await harness.cluster.patch_status(SEALED_SECRET, obj, {"observedGeneration": 1})

        assert await harness.cluster.get(SEALED_SECRET, harness.namespace, "gone") is None

    async def test_the_status_of_a_former_life_is_a_conflict(self, harness: Harness) -> None:
        obj = await harness.put(sealed_secret("reborn"))
        former = {**obj, "metadata": {**obj["metadata"], "uid": "00000000-0000-4000-8000-000000000000"}}

        with pytest.raises(Conflict):
            await harness.cluster.patch_status(SEALED_SECRET, former, {"observedGeneration": 1})
        after = await harness.cluster.get(SEALED_SECRET, harness.namespace, "reborn")
        assert after is not None
        assert "observedGeneration" not in after.get("status", {})

    async def test_events_are_told_in_order(self, harness: Harness) -> None:
        obj = await harness.put(sealed_secret("told"))

        await harness.cluster.record_event(obj, type_="Normal", reason="Unsealed", message="fine")
        await harness.cluster.record_event(
            obj, type_="Warning", reason="ErrUnsealFailed", message="ünfine 🔑"
        )

        assert [event for event in await harness.events() if event[0] == "told"] == [
            ("told", "Normal", "Unsealed", "fine"),
            ("told", "Warning", "ErrUnsealFailed", "ünfine 🔑"),
        ]

    async def test_a_config_map_and_the_labels_of_a_namespace_are_read(self, harness: Harness) -> None:
        await harness.put(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": "PEM"}}
        )

        found = await harness.cluster.get(CONFIG_MAP, harness.namespace, "ca")
        assert found is not None
        assert found["data"] == {"ca.crt": "PEM"}
        assert await harness.cluster.namespace_labels(harness.namespace) is not None
