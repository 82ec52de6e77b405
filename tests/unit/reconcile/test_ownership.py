"""Who may write a target, as tables: existing, desired, policy, outcome."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from sealbridge.errors import Immutable, NotOwned
from sealbridge.reconcile.cluster import Action, Owner, Ownership
from sealbridge.reconcile.kinds import Object
from sealbridge.reconcile.ownership import (
    ADOPT_ANNOTATION,
    OwnFields,
    belongs_to,
    controller_of,
    decide,
    managed_fields_of,
    own_fields,
)
from sealbridge.secret import Secret, Value
from sealbridge.sync.fingerprints import created_by, data_hash

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


def wrote(manager: str, *, made: bool = False, **fields: str) -> Object:
    """An entry of managedFields; the keys of each kind of field stand in one text."""
    keys = {kind: frozenset(text.split()) for kind, text in fields.items()}
    return managed_fields_of(manager, OwnFields(made=made, any=True, **keys))


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


def test_an_external_secret_adopts_what_it_is_given_and_wipes_its_keys() -> None:
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u-3"}
    before = existing(
        {"old": "1"},
        owners=[foreign],
        metadata={
            "labels": {"theirs": "1", "stale": "1", "mine": "old"},
            "annotations": {"theirs": "1", "stale": "1"},
            "managedFields": [
                wrote("kubectl", labels="theirs", annotations="theirs"),
                wrote("es/db", labels="stale mine", annotations="stale"),
            ],
        },
    )
    adopting = replace(EXTERNAL, adopts=True)
    plan = decide(before, desired({"new": "1"}, labels={"mine": "new"}), adopting, Ownership.ADOPT)

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
    handed = {ADOPT_ANNOTATION: "true"}
    key = existing({"tls.key": "1"}, metadata={"labels": labels, "annotations": MANAGED | PATCH | handed})
    with pytest.raises(NotOwned, match="is a sealing key"):
        decide(key, desired({"tls.key": "2"}), owner, ownership)

    retired = existing(
        {"tls.key": "1"},
        metadata={"labels": dict.fromkeys(labels, "compromised"), "annotations": MANAGED | handed},
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


# ExternalSecrets: creationPolicies against Secrets that are there. NS/NAME of the owner is app/db.

CREATED_BY = {
    "reconcile.external-secrets.io/managed": "true",
    "reconcile.external-secrets.io/created-by": created_by("app", "db"),
}
OTHERS = {**CREATED_BY, "reconcile.external-secrets.io/created-by": created_by("app", "other")}
MANAGED_ONLY = {"reconcile.external-secrets.io/managed": "true"}
CERTIFICATE = {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "name": "c", "uid": "u-9"}
REPLACING = [Ownership.ADOPT, Ownership.ORPHAN]
MERGING = [Ownership.MERGE, Ownership.CREATE_OR_MERGE]


def taken_over(metadata: dict[str, Any], owners: list[Object], ownership: Ownership, **owner: Any) -> Object:
    """What becomes of a Secret with the key `old`. Raises NotOwned."""
    before = existing({"old": "1"}, owners=owners, metadata=metadata)
    plan = decide(before, desired({"new": "1"}), replace(EXTERNAL, **owner), ownership)
    assert plan.manifest is not None
    return plan.manifest


@pytest.mark.parametrize("ownership", REPLACING)
@pytest.mark.parametrize(
    ("metadata", "owners"),
    [
        ({}, [reference(EXTERNAL)]),
        ({}, [reference(EXTERNAL, uid="a former life's", apiVersion="external-secrets.io/v1beta1")]),
        ({"labels": CREATED_BY}, []),
        ({"managedFields": [wrote("es/db", made=True)]}, []),
        ({"labels": MANAGED_ONLY, "managedFields": [wrote("es/db", items="old")]}, []),
        ({"annotations": {"sealbridge.io/adopt": "true"}}, []),
    ],
    ids=["controlled", "former life", "created by", "made", "nothing of others in it", "handed over"],
)
def test_a_target_that_is_ours_is_replaced_without_being_asked_for(
    metadata: dict[str, Any], owners: list[Object], ownership: Ownership
) -> None:
    manifest = taken_over(metadata, owners, ownership)

    assert items(manifest) == {"new": "1"}
    controlled = manifest["metadata"].get("ownerReferences", [])
    assert controlled == ([reference(EXTERNAL)] if ownership is Ownership.ADOPT else [])


@pytest.mark.parametrize("ownership", REPLACING)
@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"labels": MANAGED_ONLY},
        {"labels": OTHERS},
        {"labels": {"reconcile.external-secrets.io/created-by": created_by("app", "db")}},
        {"labels": MANAGED_ONLY, "managedFields": [wrote("es/other", items="old", made=True)]},
        {"labels": MANAGED_ONLY, "managedFields": [wrote("es/db", items="another")]},
        {"labels": MANAGED_ONLY, "managedFields": [{**wrote("es/db", made=True), "operation": "Apply"}]},
        {"annotations": {"sealbridge.io/adopt": "yes"}},
    ],
    ids=[
        "nobody's",
        "managed label",
        "created by another",
        "not managed",
        "another's",
        "a key of others in it",
        "applied",
        "not true",
    ],
)
def test_a_secret_that_somebody_else_made_needs_merge_or_to_be_handed_over(
    metadata: dict[str, Any], ownership: Ownership
) -> None:
    with pytest.raises(NotOwned) as caught:
        taken_over(metadata, [], ownership)
    assert caught.value.what.startswith('Secret "db" was made by somebody else')
    assert "creationPolicy Merge" in caught.value.what
    assert 'sealbridge.io/adopt: "true"' in caught.value.what

    assert items(taken_over(metadata, [], ownership, adopts=True)) == {"new": "1"}


@pytest.mark.parametrize("adopts", [False, True])
@pytest.mark.parametrize(
    ("controller", "refusing"),
    [
        (reference(EXTERNAL, name="other", uid="u-2"), [*REPLACING, *MERGING]),
        (reference(SEALED, uid="u-2"), [*REPLACING, *MERGING]),
        ({**CERTIFICATE, "controller": True}, REPLACING),
        (CERTIFICATE, []),
    ],
    ids=["another ExternalSecret", "a SealedSecret", "another controller", "an owner that does not control"],
)
def test_what_another_controls_is_taken_by_nobody_and_merged_into_where_that_lasts(
    controller: Object, refusing: list[Ownership], adopts: bool
) -> None:
    for ownership in (*REPLACING, *MERGING):
        if ownership in refusing:
            with pytest.raises(NotOwned, match="target is owned by"):
                taken_over({}, [controller], ownership, adopts=adopts)
        elif adopts or ownership in MERGING:
            manifest = taken_over({}, [controller], ownership, adopts=adopts)
            expected = [controller, *([reference(EXTERNAL)] if ownership is Ownership.ADOPT else [])]
            assert manifest["metadata"]["ownerReferences"] == expected


def test_a_sealed_secret_that_patches_lets_others_merge() -> None:
    manifest = taken_over({"annotations": PATCH}, [reference(SEALED)], Ownership.MERGE)
    assert items(manifest) == {"old": "1", "new": "1"}


@pytest.mark.parametrize(
    ("ownership", "action", "owners"),
    [
        (Ownership.ADOPT, Action.CREATED, [reference(EXTERNAL)]),
        (Ownership.ORPHAN, Action.CREATED, None),
        (Ownership.CREATE_OR_MERGE, Action.CREATED, None),
        (Ownership.MERGE, Action.ABSENT, None),
    ],
)
def test_what_is_not_there_is_made_by_all_policies_but_merge(
    ownership: Ownership, action: Action, owners: list[Object] | None
) -> None:
    plan = decide(None, desired({"a": "1"}), EXTERNAL, ownership)

    assert plan.action is action
    assert (plan.manifest or {"metadata": {}})["metadata"].get("ownerReferences") == owners


@pytest.mark.parametrize("ownership", MERGING)
@pytest.mark.parametrize(
    ("before", "own", "wanted", "after"),
    [
        ({"theirs": "1"}, "", {"mine": "1"}, {"theirs": "1", "mine": "1"}),
        (
            {"theirs": "1", "mine": "1", "stale": "1"},
            "mine stale",
            {"mine": "2"},
            {"theirs": "1", "mine": "2"},
        ),
        ({"theirs": "1", "mine": "1"}, "mine", {}, {"theirs": "1"}),
        ({"theirs": "1"}, "", {"theirs": "2"}, {"theirs": "2"}),
        ({"theirs": "1"}, "gone", {}, {"theirs": "1"}),
    ],
    ids=[
        "added",
        "stale own keys go",
        "nothing is left of ours",
        "an equal key is overwritten",
        "gone already",
    ],
)
def test_a_merge_keeps_the_keys_of_others_and_takes_back_its_own(
    before: dict[str, str], own: str, wanted: dict[str, str], after: dict[str, str], ownership: Ownership
) -> None:
    managed = [wrote("kubectl", items="theirs", made=True), wrote("es/db", items=own)]
    hashed = {"reconcile.external-secrets.io/data-hash": "of what is desired"}
    plan = decide(
        existing(before, metadata={"managedFields": managed}),
        desired(wanted, annotations=hashed),
        EXTERNAL,
        ownership,
    )

    assert items(plan.manifest) == after
    assert plan.manifest is not None
    values = {key: Value(text.encode()) for key, text in after.items()}
    assert plan.manifest["metadata"]["annotations"] == dict.fromkeys(hashed, data_hash(values))


def test_what_others_have_written_beside_ours_is_not_ours_when_they_write_it_again() -> None:
    """As managedFields has it: who changes a key owns it."""
    managed = [wrote("kubectl", items="k"), wrote("es/db", labels="l")]
    before = existing({"k": "1"}, metadata={"managedFields": managed, "labels": {"l": "1"}})
    plan = decide(before, desired({}), EXTERNAL, Ownership.MERGE)

    assert items(plan.manifest) == {"k": "1"}
    assert plan.manifest is not None
    assert "labels" not in plan.manifest["metadata"]


def test_an_owner_that_becomes_an_orphan_lets_go_of_its_target() -> None:
    for ownership in (Ownership.ORPHAN, *MERGING):
        before = existing({"a": "1"}, owners=[reference(EXTERNAL)])
        plan = decide(before, desired({"a": "1"}), EXTERNAL, ownership)
        assert plan.manifest is not None
        assert "ownerReferences" not in plan.manifest["metadata"]


@pytest.mark.parametrize("ownership", [Ownership.ORPHAN, *MERGING])
def test_an_immutable_target_keeps_its_data_under_every_policy(ownership: Ownership) -> None:
    before = existing({"a": "1"}, metadata={"labels": CREATED_BY}, immutable=True)

    with pytest.raises(Immutable, match="could not update secret, target is immutable"):
        decide(before, desired({"a": "2"}), EXTERNAL, ownership)


@pytest.mark.parametrize(
    ("labels", "owners", "ours"),
    [
        (CREATED_BY, [], True),
        ({}, [reference(EXTERNAL)], True),
        ({}, [reference(EXTERNAL, uid="a former life's")], True),
        (MANAGED_ONLY, [], False),
        (OTHERS, [], False),
        ({}, [], False),
        (CREATED_BY, [reference(EXTERNAL, name="other")], False),
        (CREATED_BY, [reference(SEALED)], False),
    ],
)
def test_only_what_belongs_to_an_external_secret_goes_with_it(
    labels: dict[str, str], owners: list[Object], ours: bool
) -> None:
    secret = Secret.from_manifest(existing({"a": "1"}, owners=owners, metadata={"labels": labels}))
    assert belongs_to(secret, EXTERNAL) is ours


def test_managed_fields_of_a_real_api_server_are_understood() -> None:
    entry = {
        "manager": "es/db",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:data": {".": {}, "f:password": {}, "f:a.b_c": {}},
            "f:immutable": {},
            "f:metadata": {
                "f:annotations": {".": {}, "f:n": {}},
                "f:labels": {".": {}, "f:example.org/l": {}},
                "f:ownerReferences": {".": {}, 'k:{"uid":"u"}': {}},
            },
            "f:type": {},
        },
    }
    assert own_fields([entry], "es/db") == OwnFields(
        items=frozenset({"password", "a.b_c"}),
        labels=frozenset({"example.org/l"}),
        annotations=frozenset({"n"}),
        made=True,
        any=True,
    )
    assert own_fields([entry], "es/d") == OwnFields()
