"""Who may write a target, as tables: existing, desired, policy, outcome."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from sealbridge.errors import Immutable, NotOwned
from sealbridge.reconcile.cluster import Action, Owner, Ownership
from sealbridge.reconcile.kinds import Object
from sealbridge.reconcile.ownership import controller_of, decide, managed_metadata
from sealbridge.secret import Secret, Value

SEALED = Owner(
    api_version="bitnami.com/v1alpha1",
    kind="SealedSecret",
    name="db",
    uid="uid-1",
    field_manager="sealbridge",
)
EXTERNAL = Owner(
    api_version="external-secrets.io/v1", kind="ExternalSecret", name="db", uid="uid-1", field_manager="es/db"
)
MANAGED = {"sealedsecrets.bitnami.com/managed": "true"}
PATCH = {"sealedsecrets.bitnami.com/patch": "true"}


def reference(owner: Owner, **changes: object) -> Object:
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        **changes,
    }


def existing(
    data: dict[str, str] | None = None, *, owners: list[Object] | None = None, **more: Any
) -> Object:
    metadata = {
        "name": "db",
        "namespace": "app",
        "uid": "s-1",
        "resourceVersion": "7",
        **more.pop("metadata", {}),
    }
    if owners:
        metadata["ownerReferences"] = owners
    encoded = {k: base64.b64encode(v.encode()).decode() for k, v in (data or {}).items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "Opaque",
        "data": encoded,
        **more,
    }


def desired(data: dict[str, str] | None = None, **more: Any) -> Secret:
    items = {key: Value(text.encode()) for key, text in (data or {}).items()}
    return Secret(name="db", namespace="app", items=items, **more)


def items(manifest: Object | None) -> dict[str, str]:
    assert manifest is not None
    return {key: value.reveal().decode() for key, value in Secret.from_manifest(manifest).items.items()}


@pytest.mark.parametrize(("owner", "ownership"), [(SEALED, Ownership.OWN), (EXTERNAL, Ownership.ADOPT)])
def test_a_missing_target_is_created_with_its_controller_and_a_type(
    owner: Owner, ownership: Ownership
) -> None:
    plan = decide(None, desired({"b": "2", "a": "1"}, immutable=True), owner, ownership)

    assert (plan.action, plan.added) == (Action.CREATED, ("a", "b"))
    assert plan.manifest is not None
    assert plan.manifest["type"] == "Opaque"
    assert plan.manifest["immutable"] is True
    assert plan.manifest["metadata"]["ownerReferences"] == [reference(owner)]


@pytest.mark.parametrize(("owner", "ownership"), [(SEALED, Ownership.OWN), (EXTERNAL, Ownership.ADOPT)])
def test_a_target_that_is_so_already_is_not_written(owner: Owner, ownership: Ownership) -> None:
    wanted = desired({"a": "1"}, labels={"x": "y"}, annotations={"n": "m"}, type="Opaque")
    created = decide(None, wanted, owner, ownership).manifest

    assert decide(created, wanted, owner, ownership).action is Action.UNCHANGED
    assert decide(created, wanted, owner, ownership).manifest is None


def test_an_owned_target_is_replaced_as_a_whole_and_on_the_version_that_was_read() -> None:
    before = existing(
        {"stale": "0", "kept": "1", "changed": "1"},
        owners=[reference(SEALED), reference(EXTERNAL, uid="u-2", controller=False)],
        metadata={"labels": {"foreign": "1"}, "annotations": {"foreign": "1"}, "finalizers": ["f/x"]},
    )
    plan = decide(
        before,
        desired({"kept": "1", "changed": "2", "new": "3"}, labels={"mine": "1"}),
        SEALED,
        Ownership.OWN,
    )

    assert (plan.action, plan.added, plan.updated, plan.removed) == (
        Action.UPDATED,
        ("new",),
        ("changed",),
        ("stale",),
    )
    assert items(plan.manifest) == {"kept": "1", "changed": "2", "new": "3"}
    assert plan.manifest is not None
    metadata = plan.manifest["metadata"]
    assert metadata["labels"] == {"mine": "1"}
    assert "annotations" not in metadata
    assert metadata["ownerReferences"] == [reference(SEALED)]
    assert (metadata["resourceVersion"], metadata["uid"], metadata["finalizers"]) == ("7", "s-1", ["f/x"])


@pytest.mark.parametrize(
    "owners",
    [
        [],
        [reference(SEALED, uid="uid-of-a-former-life")],
        [reference(SEALED, controller=False)],
        [reference(EXTERNAL, uid="u-2")],
    ],
    ids=["nobody's", "a former life's", "not controlled", "another's"],
)
@pytest.mark.parametrize("annotations", [{}, dict.fromkeys(MANAGED, "True"), dict.fromkeys(PATCH, "1")])
def test_a_sealed_secret_leaves_alone_what_it_does_not_control(
    owners: list[Object], annotations: dict[str, str]
) -> None:
    before = existing({"a": "1"}, owners=owners, metadata={"annotations": annotations})

    with pytest.raises(NotOwned) as caught:
        decide(before, desired({"a": "2"}), SEALED, Ownership.OWN)
    assert caught.value.what == 'Resource "db" already exists and is not managed by SealedSecret'


def test_the_managed_annotation_hands_a_secret_over() -> None:
    before = existing({"a": "1", "b": "1"}, metadata={"annotations": MANAGED, "labels": {"old": "1"}})
    plan = decide(before, desired({"a": "2"}), SEALED, Ownership.OWN)

    assert items(plan.manifest) == {"a": "2"}
    assert plan.manifest is not None
    assert "annotations" not in plan.manifest["metadata"]
    assert "labels" not in plan.manifest["metadata"]
    assert plan.manifest["metadata"]["ownerReferences"] == [reference(SEALED)]


@pytest.mark.parametrize(
    ("annotations", "owned"),
    [(PATCH, False), ({**PATCH, **MANAGED}, True)],
    ids=["patch", "patch and managed"],
)
def test_the_patch_annotation_merges(annotations: dict[str, str], owned: bool) -> None:
    before = existing(
        {"a": "1", "b": "1"}, metadata={"annotations": annotations, "labels": {"old": "1"}}, type="example/x"
    )
    plan = decide(
        before, desired({"a": "2"}, labels={"new": "1"}, annotations={"n": "1"}), SEALED, Ownership.OWN
    )

    assert items(plan.manifest) == {"a": "2", "b": "1"}
    assert (plan.updated, plan.removed) == (("a",), ())
    assert plan.manifest is not None
    metadata = plan.manifest["metadata"]
    assert metadata["labels"] == {"old": "1", "new": "1"}
    assert metadata["annotations"] == {**annotations, "n": "1"}
    assert plan.manifest["type"] == "example/x"
    assert metadata.get("ownerReferences", []) == ([reference(SEALED)] if owned else [])


@pytest.mark.parametrize(("manager", "known"), [("kubectl", False), ("sealbridge", True)])
def test_a_uid_that_a_status_names_counts_only_of_what_was_written_before(manager: str, known: bool) -> None:
    before = existing({"a": "1"}, metadata={"managedFields": [{"manager": manager}]})
    owner = replace(SEALED, retain=True, target_uid="s-1")

    if known:
        assert decide(before, desired({"a": "2"}), owner, Ownership.OWN).updated == ("a",)
    else:
        with pytest.raises(NotOwned):
            decide(before, desired({"a": "2"}), owner, Ownership.OWN)


def test_the_skip_annotation_of_the_template_leaves_the_owner_out() -> None:
    skip = {"sealedsecrets.bitnami.com/skip-set-owner-references": "true"}
    unowned = replace(SEALED, unowned=True)
    created = decide(None, desired({"a": "1"}, annotations=skip), unowned, Ownership.OWN).manifest
    assert created is not None
    assert "ownerReferences" not in created["metadata"]

    managed = decide(
        None, desired({"a": "1"}, annotations={**skip, **MANAGED}), unowned, Ownership.OWN
    ).manifest
    plan = decide(managed, desired({"a": "2"}, annotations={**skip, **MANAGED}), unowned, Ownership.OWN)
    assert plan.action is Action.UPDATED
    assert plan.manifest is not None
    assert "ownerReferences" not in plan.manifest["metadata"]


def test_an_external_secret_adopts_what_nobody_controls_and_wipes_its_keys() -> None:
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u-3"}
    before = existing(
        {"old": "1"},
        owners=[foreign],
        metadata={
            "labels": {"theirs": "1", "stale": "1", "mine": "old"},
            "annotations": {"theirs": "1", "stale": "1"},
            "managedFields": [
                managed_metadata("kubectl", ["theirs"], ["theirs"]),
                managed_metadata("es/db", ["stale", "mine"], ["stale"]),
            ],
        },
    )
    plan = decide(before, desired({"new": "1"}, labels={"mine": "new"}), EXTERNAL, Ownership.ADOPT)

    assert items(plan.manifest) == {"new": "1"}
    assert plan.manifest is not None
    metadata = plan.manifest["metadata"]
    assert metadata["labels"] == {"theirs": "1", "mine": "new"}
    assert metadata["annotations"] == {"theirs": "1"}
    assert metadata["ownerReferences"] == [foreign, reference(EXTERNAL)]
    assert "managedFields" not in metadata


def test_an_external_secret_made_anew_takes_its_target_with_it() -> None:
    before = existing(
        {"a": "1"}, owners=[reference(EXTERNAL, apiVersion="external-secrets.io/v1beta1", uid="old")]
    )
    plan = decide(before, desired({"a": "1"}), EXTERNAL, Ownership.ADOPT)

    assert plan.action is Action.UPDATED
    assert plan.manifest is not None
    assert plan.manifest["metadata"]["ownerReferences"] == [reference(EXTERNAL)]


@pytest.mark.parametrize(
    ("controller", "message"),
    [
        (reference(EXTERNAL, name="other", uid="u-2"), "target is owned by another ExternalSecret"),
        (reference(SEALED, uid="u-2"), "target is owned by SealedSecret db"),
        (reference(EXTERNAL, apiVersion="example.com/v1", uid="u-2"), "target is owned by ExternalSecret db"),
    ],
)
def test_an_external_secret_leaves_alone_what_another_controls(controller: Object, message: str) -> None:
    with pytest.raises(NotOwned) as caught:
        decide(existing({"a": "1"}, owners=[controller]), desired({"a": "2"}), EXTERNAL, Ownership.ADOPT)
    assert caught.value.what == message


@pytest.mark.parametrize(("owner", "ownership"), [(SEALED, Ownership.OWN), (EXTERNAL, Ownership.ADOPT)])
def test_nobody_adopts_a_sealing_key(owner: Owner, ownership: Ownership) -> None:
    labels = {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}
    key = existing({"tls.key": "1"}, metadata={"labels": labels, "annotations": MANAGED | PATCH})
    with pytest.raises(NotOwned, match="is a sealing key"):
        decide(key, desired({"tls.key": "2"}), owner, ownership)

    retired = existing(
        {"tls.key": "1"}, metadata={"labels": dict.fromkeys(labels, "compromised"), "annotations": MANAGED}
    )
    assert decide(retired, desired({"tls.key": "2"}), owner, ownership).updated == ("tls.key",)
    # One that comes from a store is kept up by whoever has made it.
    own = existing({"tls.key": "1"}, owners=[reference(owner)], metadata={"labels": labels})
    assert decide(own, desired({"tls.key": "2"}, labels=labels), owner, ownership).updated == ("tls.key",)


@pytest.mark.parametrize(
    ("owner", "ownership", "message"),
    [
        (SEALED, Ownership.OWN, 'Secret "db" is immutable and its data has changed'),
        (EXTERNAL, Ownership.ADOPT, "could not update secret, target is immutable"),
    ],
)
def test_other_data_in_an_immutable_secret_is_an_error_and_other_labels_are_not(
    owner: Owner, ownership: Ownership, message: str
) -> None:
    before = existing({"a": "1"}, owners=[reference(owner)], immutable=True)

    with pytest.raises(Immutable) as caught:
        decide(before, desired({"a": "2"}), owner, ownership)
    assert caught.value.what == message
    assert caught.value.hint is not None

    plan = decide(before, desired({"a": "1"}, labels={"x": "y"}), owner, ownership)
    assert plan.action is Action.UPDATED
    assert plan.manifest is not None
    assert plan.manifest["immutable"] is True


def test_immutable_is_set_at_creation_only_by_a_sealed_secret_and_later_too_by_an_external_one() -> None:
    wanted = desired({"a": "1"}, immutable=True)

    assert (
        decide(existing({"a": "1"}, owners=[reference(SEALED)]), wanted, SEALED, Ownership.OWN).action
        is Action.UNCHANGED
    )
    plan = decide(existing({"a": "1"}, owners=[reference(EXTERNAL)]), wanted, EXTERNAL, Ownership.ADOPT)
    assert plan.manifest is not None
    assert plan.manifest["immutable"] is True


@pytest.mark.parametrize(("owner", "ownership"), [(SEALED, Ownership.OWN), (EXTERNAL, Ownership.ADOPT)])
def test_another_type_is_refused_with_a_way_out(owner: Owner, ownership: Ownership) -> None:
    before = existing({"a": "1"}, owners=[reference(owner)])

    with pytest.raises(Immutable) as caught:
        decide(before, desired({"a": "1"}, type="kubernetes.io/tls"), owner, ownership)
    assert caught.value.what == 'the type of Secret "db" cannot change from Opaque to kubernetes.io/tls'
    assert caught.value.hint == "delete the Secret, the next pass makes it anew"


def test_errors_never_show_a_value() -> None:
    before = existing({"a": "hush-hush-1"}, owners=[reference(SEALED)], immutable=True)

    with pytest.raises(Immutable) as caught:
        decide(before, desired({"a": "hush-hush-2"}), SEALED, Ownership.OWN)
    assert "hush-hush" not in f"{caught.value!r} {caught.value} {caught.value.hint}"


def test_an_item_that_appears_twice_in_base64_spelling_is_the_same_value() -> None:
    before = existing(owners=[reference(SEALED)])
    before["data"] = {"a": "aHVz\naA=="}

    assert decide(before, desired({"a": "hush"}), SEALED, Ownership.OWN).action is Action.UNCHANGED


def test_the_controller_is_the_one_reference_that_says_so() -> None:
    assert controller_of([reference(SEALED, controller=False), reference(EXTERNAL)]) == reference(EXTERNAL)
    assert controller_of([]) is None
