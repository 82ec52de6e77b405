"""What a refresh would do, told without doing it: by the steps of a real pass, in a directory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sealbridge.errors import ManifestError, NotFound, NotOwned, SealbridgeError, SyncError, TemplateError
from sealbridge.reconcile.kinds import EXTERNAL_SECRET, Object
from sealbridge.reconcile.read_only import ReadOnlyCluster
from sealbridge.reconcile.rendering import Change, Rendered, Renderer, Result
from sealbridge.reconcile.result import Outcome
from tests.canary import Canary
from tests.passes import DB, Operator
from tests.worlds import World, external_key, external_secret, fake_store


async def rendered(world: World, obj: Object | None = None) -> Rendered:
    """What would become of `db`, as it is in the source or as given."""
    cluster = world.cluster(dry=True)
    if obj is None:
        obj = await cluster.get(EXTERNAL_SECRET, DB.namespace, DB.name)
        assert obj is not None
    obj = {**obj, "metadata": {"namespace": DB.namespace, **obj["metadata"]}}
    renderer = Renderer(cluster, world.clock)
    try:
        return await renderer.render(obj)
    finally:
        await renderer.close()


def changes(found: Rendered) -> dict[str, str]:
    return {one.key: one.change.value for one in found.items}


def secret(name: str, items: dict[str, str], **more: Any) -> Object:
    metadata = {"name": name, **more.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": items, **more}


async def test_a_secret_that_is_not_there_would_be_created(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one", "b": "two"}))
    world.write("db.yaml", external_secret("db", {"A": "a", "B": "b"}, metadata={"labels": {"team": "x"}}))

    found = await rendered(world)

    assert found.result is Result.CREATED
    assert found.differs
    assert changes(found) == {"A": "added", "B": "added"}
    assert found.fields == {"type": ("", "Opaque"), "owner": ("", "ExternalSecret db")}
    assert "team" in [one.key for one in found.labels]
    assert world.output_files() == {}
    assert not world.output.exists()


async def test_every_key_is_told_as_added_changed_same_or_removed(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one", "b": "two", "c": "three"}))
    world.write("db.yaml", external_secret("db", {"KEPT": "a", "MOVED": "b", "DROPPED": "c"}))
    assert (await Operator(world).reconcile()).outcome is Outcome.CREATED
    before = world.output_files()
    world.write("store.yaml", fake_store("fake", {"a": "one", "b": "other", "c": "three"}))
    world.write("db.yaml", external_secret("db", {"KEPT": "a", "MOVED": "b", "NEW": "c"}))

    found = await rendered(world)

    assert found.result is Result.UPDATED
    assert changes(found) == {"DROPPED": "removed", "KEPT": "same", "MOVED": "changed", "NEW": "added"}
    assert found.annotations == found.labels == ()
    assert world.output_files() == before


async def test_what_is_in_sync_differs_in_nothing(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    world.write("db.yaml", external_secret("db", {"A": "a"}))
    await Operator(world).reconcile()

    found = await rendered(world)

    assert found.result is Result.UNCHANGED
    assert not found.differs
    assert changes(found) == {"A": "same"}
    assert not found.fields


async def test_a_rendering_foretells_what_the_next_pass_does(world: World) -> None:
    template = {
        "type": "kubernetes.io/basic-auth",
        "metadata": {"finalizers": ["example.org/held"]},
        "data": {"username": "ann", "password": "{{ .A }}"},
    }
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    world.write("db.yaml", external_secret("db", {"A": "a"}, target={"template": template}))

    found = await rendered(world)
    result = await Operator(world).reconcile()

    assert found.result.value == result.outcome.value == "created"
    assert [one.key for one in found.items] == list(result.added) == ["password", "username"]
    assert found.fields is not None
    assert found.fields["type"] == ("", "kubernetes.io/basic-auth")
    assert found.fields["finalizers"] == ("", "example.org/held")
    assert (await rendered(world)).result is Result.UNCHANGED


async def test_changes_of_labels_and_annotations_are_told(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))

    def with_metadata(**labels: str) -> Object:
        metadata = {"labels": labels, "annotations": {"note": labels.get("team", "none")}}
        return external_secret("db", {"A": "a"}, target={"template": {"metadata": metadata}})

    world.write("db.yaml", with_metadata(team="x", old="1"))
    await Operator(world).reconcile()

    found = await rendered(world, with_metadata(team="y", new="1"))

    assert found.result is Result.UPDATED
    assert {one.key: one.change.value for one in found.labels} == {
        "new": "added",
        "old": "removed",
        "team": "changed",
    }
    assert {one.key: one.change.value for one in found.annotations} == {"note": "changed"}
    assert changes(found) == {"A": "same"}


async def test_another_type_is_refused_as_a_pass_refuses_it(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    world.write("db.yaml", external_secret("db", {"A": "a"}))
    await Operator(world).reconcile()

    typed = external_secret("db", {"A": "a"}, target={"template": {"type": "example.org/other"}})
    found = await rendered(world, typed)

    assert found.result is Result.FAILED
    assert "the type of Secret" in str(found.error)


@pytest.mark.parametrize(
    ("target", "result", "words"),
    [
        ({}, Result.FAILED, "made by somebody else"),
        ({"creationPolicy": "Orphan"}, Result.FAILED, "made by somebody else"),
        ({"creationPolicy": "Merge"}, Result.UPDATED, None),
        ({"creationPolicy": "CreateOrMerge"}, Result.UPDATED, None),
    ],
    ids=["Owner", "Orphan", "Merge", "CreateOrMerge"],
)
async def test_a_secret_of_somebody_else_is_treated_as_its_policy_says(
    world: World, target: dict[str, str], result: Result, words: str | None
) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    world.write("theirs.yaml", secret("db", {"THEIRS": "t"}))
    world.write("db.yaml", external_secret("db", {"A": "a"}, target=target))

    found = await rendered(world)

    assert found.result is result
    if words:
        assert isinstance(found.error, NotOwned)
        assert words in found.error.what
    else:
        assert changes(found) == {"A": "added", "THEIRS": "same"}


async def test_nothing_to_merge_into_is_no_difference(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    world.write("db.yaml", external_secret("db", {"A": "a"}, target={"creationPolicy": "Merge"}))

    found = await rendered(world)

    assert found.result is Result.ABSENT
    assert not found.differs


async def test_without_a_target_the_keys_that_stores_give_are_told(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    world.write("db.yaml", external_secret("db", {"A": "a"}, target={"creationPolicy": "None"}))

    found = await rendered(world)

    assert found.result is Result.NONE
    assert found.target is None
    assert not found.differs
    assert [one.key for one in found.items] == ["A"]


@pytest.mark.parametrize(
    ("policy", "result"),
    [("Delete", Result.DELETED), ("Merge", Result.UPDATED), ("Retain", Result.FAILED)],
)
async def test_a_value_that_is_gone_from_its_store_goes_as_the_deletion_policy_says(
    world: World, policy: str, result: Result
) -> None:
    manifest = external_secret("db", {"A": "a"}, target={"deletionPolicy": policy})
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    world.write("db.yaml", manifest)
    await Operator(world).reconcile()
    world.write("store.yaml", fake_store("fake", {"other": "one"}))

    found = await rendered(world)

    assert found.result is result
    if result is Result.FAILED:
        assert isinstance(found.error, SyncError)
        assert isinstance(found.error.failures[0], NotFound)
        assert "data[0] (secretKey A)" in found.error.what
        assert "NotFound" in found.error.what
    else:
        assert changes(found) == {"A": "removed"}
        assert "data[0] (secretKey A)" in " ".join(found.notes)
    assert world.read("default/db.yaml") == {"A": "one"}


async def test_deletion_of_a_secret_that_nobody_owns_is_refused(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {}))
    world.write("theirs.yaml", secret("db", {"THEIRS": "t"}))
    world.write("db.yaml", external_secret("db", {"A": "a"}, target={"deletionPolicy": "Delete"}))

    found = await rendered(world)

    assert found.result is Result.FAILED
    assert "does not belong to this ExternalSecret" in str(found.error)


async def test_the_secret_of_a_former_name_would_go(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    world.write("db.yaml", external_secret("db", {"A": "a"}, target={"name": "first"}))
    await Operator(world).reconcile()

    found = await rendered(world, external_secret("db", {"A": "a"}, target={"name": "second"}))

    assert (found.result, found.former) == (Result.CREATED, "first")


async def test_a_store_is_asked_without_waiting_for_an_operator(world: World) -> None:
    """In the source of this test no store has a status, and none gets one."""
    world.write("store.yaml", fake_store("fake", {"a": "one"}, kind="ClusterSecretStore"))
    world.write("db.yaml", external_secret("db", {"A": "a"}, kind="ClusterSecretStore"))

    assert (await rendered(world)).result is Result.CREATED


STORE_RULES: dict[str, tuple[dict[str, Any], str]] = {
    "conditions": ({"conditions": [{"namespaces": ["elsewhere"]}]}, "denied by spec.condition"),
    "conditions that cannot be read": ({"conditions": "all"}, "spec.conditions must be a list"),
    "an unknown provider": ({"provider": {"tape": {}}}, "is not supported yet"),
}


@pytest.mark.parametrize(("spec", "words"), STORE_RULES.values(), ids=STORE_RULES)
async def test_rules_between_stores_and_namespaces_hold(
    world: World, spec: dict[str, Any], words: str
) -> None:
    store = fake_store("fake", {"a": "one"}, kind="ClusterSecretStore")
    store["spec"] |= spec
    world.write("store.yaml", store)
    world.write("db.yaml", external_secret("db", {"A": "a"}, kind="ClusterSecretStore"))

    found = await rendered(world)

    assert found.result is Result.FAILED
    assert words in str(found.error)


async def test_a_store_of_another_controller_is_left_to_it(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}, controller="other"))
    world.write("db.yaml", external_secret("db", {"A": "a"}))

    found = await rendered(world)

    assert found.result is Result.SKIPPED
    assert not found.differs


async def test_a_mistake_in_a_template_is_told_with_its_line_and_column(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    template = {"data": {"conf": "first\nsecond {{ .NOPE }}"}}
    world.write("db.yaml", external_secret("db", {"A": "a"}, target={"template": template}))

    found = await rendered(world)

    assert isinstance(found.error, TemplateError)
    assert "spec.target.template.data.conf:2:" in str(found.error)


async def test_templates_of_config_maps_are_rendered(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "v={{ .A }}"}}
    world.write("config.yaml", config)
    template = {"templateFrom": [{"configMap": {"name": "c", "items": [{"key": "k"}]}}]}
    world.write("db.yaml", external_secret("db", {"A": "a"}, target={"template": template}))

    found = await rendered(world)

    assert {one.key: one.after and one.after.reveal() for one in found.items} == {"k": b"v=one"}


async def test_what_the_model_refuses_is_told_of_the_object(world: World) -> None:
    bad = external_secret("db", {"A": "a"}, target={"creationPolicy": "Sometimes"})

    found = await rendered(world, bad)

    assert isinstance(found.error, ManifestError)


async def test_generators_are_run_and_said_to_be_new_every_time(world: World) -> None:
    spec = {"apiVersion": "generators.external-secrets.io/v1alpha1", "kind": "Password"}
    world.write("password.yaml", {**spec, "metadata": {"name": "p"}, "spec": {"length": 12}})
    source = {"sourceRef": {"generatorRef": {**spec, "name": "p"}}}
    world.write("db.yaml", external_secret("db", {}, dataFrom=[source]))

    found = await rendered(world)

    assert changes(found) == {"password": "added"}
    assert "new values at every refresh" in " ".join(found.notes)


async def test_no_text_of_a_rendering_holds_a_value(world: World, canary: Canary) -> None:
    canary.output(world.source)
    world.write("store.yaml", fake_store("fake", {"a": canary("rendered")}))
    template = {"data": {"x": "{{ .A }}"}, "metadata": {"labels": {"l": "{{ .A }}"}}}
    world.write("db.yaml", external_secret("db", {"A": "a"}, target={"template": template}))

    found = await rendered(world)

    assert found.result is Result.CREATED
    canary.seen(repr(found), "repr of a rendering")


async def test_one_that_fails_does_not_keep_another_from_being_rendered(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    cluster = world.cluster(dry=True)
    renderer = Renderer(cluster, world.clock)
    objects = [external_secret(name, {"A": remote}) for name, remote in (("x", "a"), ("y", "nope"))]
    for obj in objects:
        obj["metadata"]["namespace"] = "default"

    found = await asyncio.gather(*map(renderer.render, objects))
    await renderer.close()

    assert [one.result for one in found] == [Result.CREATED, Result.FAILED]
    assert found[1].key == external_key("y")
    assert isinstance(found[1].error, SealbridgeError)


async def test_a_write_through_a_cluster_that_is_only_read_is_a_defect(world: World) -> None:
    cluster = ReadOnlyCluster(world.cluster())
    about = external_secret("db", {})

    for write in (
        cluster.patch_status(EXTERNAL_SECRET, about, {}),
        cluster.record_event(about, type_="Normal", reason="x", message="y"),
        cluster.delete_secret("default", "db", uid="1"),
        cluster.set_finalizer(EXTERNAL_SECRET, about, "f", present=True),
    ):
        with pytest.raises(RuntimeError):
            await write


def test_a_difference_says_in_one_word_what_it_is() -> None:
    assert {change.value for change in Change} == {"added", "changed", "same", "removed"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"metadata": {"name": "../x"}}, "metadata.name is not a name"),
        ({"metadata": {"name": "db", "namespace": "a/b"}}, "metadata.namespace is not a namespace"),
        ({"target": {"name": "../../x"}}, "spec.target.name is not a name"),
    ],
)
async def test_names_that_no_server_takes_are_refused(
    world: World, fields: dict[str, Any], words: str
) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))

    found = await rendered(world, external_secret("db", {"A": "a"}, **fields))

    assert found.result is Result.FAILED
    assert words in str(found.error)
