from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealbridge.errors import ManifestError, UnsealError
from sealbridge.sealing import envelope
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.scope import CLUSTER_WIDE_ANNOTATION, NAMESPACE_WIDE_ANNOTATION, Scope
from sealbridge.sealing.sealed_secret import SEALED_WITH, SealedSecret, seal
from sealbridge.secret import Secret, Value
from tests.sealing_keys import sealing_key

KEYRING = Keyring([sealing_key(1), sealing_key(0)])


def secret(**fields: Any) -> Secret:
    return Secret(**{"name": "db", "namespace": "shop", "items": {"user": Value(b"bob")}, **fields})


def sealed_manifest(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"encryptedData": {}, **spec},
    }


def test_the_manifest_has_the_shape_that_kubeseal_gives_it() -> None:
    plain = secret(
        items={"b": Value(b"2"), "a": Value(b"1")},
        type="Opaque",
        immutable=True,
        labels={"app": "x"},
        annotations={"note": "y", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
        metadata={
            "uid": "u",
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": None,
            "selfLink": "/x",
            "ownerReferences": [{}],
            "managedFields": [{}],
            "finalizers": ["keep/me"],
        },
    )
    key = sealing_key()
    manifest = seal(plain, key.certificate, Scope.STRICT).to_manifest()
    data = manifest["spec"].pop("encryptedData")
    assert list(data) == ["a", "b"]
    assert list(manifest) == ["kind", "apiVersion", "metadata", "spec"]
    assert manifest == {
        "kind": "SealedSecret",
        "apiVersion": "bitnami.com/v1alpha1",
        "metadata": {"name": "db", "namespace": "shop", "annotations": {SEALED_WITH: key.fingerprint}},
        "spec": {
            "template": {
                "metadata": {
                    "name": "db",
                    "namespace": "shop",
                    "labels": {"app": "x"},
                    "annotations": {"note": "y"},
                    "finalizers": ["keep/me"],
                },
                "type": "Opaque",
                "immutable": True,
            }
        },
    }


@pytest.mark.parametrize(
    ("scope", "annotations"),
    [
        (Scope.STRICT, {}),
        (Scope.NAMESPACE_WIDE, {NAMESPACE_WIDE_ANNOTATION: "true"}),
        (Scope.CLUSTER_WIDE, {CLUSTER_WIDE_ANNOTATION: "true"}),
    ],
)
@pytest.mark.parametrize(
    "before", [{}, {NAMESPACE_WIDE_ANNOTATION: "true"}, {CLUSTER_WIDE_ANNOTATION: "true"}]
)
def test_the_scope_asked_for_replaces_the_annotations_of_another(
    scope: Scope, annotations: dict[str, str], before: dict[str, str]
) -> None:
    sealed = seal(secret(annotations=before), sealing_key().certificate, scope)
    assert sealed.template.annotations == annotations
    assert sealed.annotations == {**annotations, SEALED_WITH: sealing_key().fingerprint}
    assert sealed.scope is scope


@given(
    items=st.dictionaries(
        st.text("abc.-_9", min_size=1, max_size=9).filter(lambda k: k not in (".", "..")),
        st.binary(),
        min_size=1,
        max_size=4,
    ),
    scope=st.sampled_from(Scope),
)
@settings(max_examples=40)
def test_items_come_back_through_the_manifest_in_every_scope(items: dict[str, bytes], scope: Scope) -> None:
    plain = secret(items={key: Value(value) for key, value in items.items()})
    text = json.dumps(seal(plain, sealing_key().certificate, scope).to_manifest())
    opened = unseal_items(SealedSecret.from_manifest(json.loads(text)), KEYRING)
    assert {key: value.reveal() for key, value in opened.items()} == items


@pytest.mark.parametrize(
    ("scope", "change", "opens"),
    [
        (Scope.STRICT, {"name": "other"}, False),
        (Scope.STRICT, {"namespace": "other"}, False),
        (Scope.STRICT, {"annotations": {CLUSTER_WIDE_ANNOTATION: "true"}}, False),
        (Scope.NAMESPACE_WIDE, {"name": "other"}, True),
        (Scope.NAMESPACE_WIDE, {"namespace": "other"}, False),
        (Scope.NAMESPACE_WIDE, {"annotations": {}}, False),
        (Scope.CLUSTER_WIDE, {"name": "other"}, True),
        (Scope.CLUSTER_WIDE, {"namespace": "other"}, True),
        (Scope.CLUSTER_WIDE, {"annotations": {}}, False),
    ],
)
def test_what_a_value_is_bound_to_cannot_be_changed(
    scope: Scope, change: dict[str, Any], opens: bool
) -> None:
    manifest = seal(secret(), sealing_key().certificate, scope).to_manifest()
    manifest["metadata"].update(change)
    sealed = SealedSecret.from_manifest(manifest)
    if opens:
        assert unseal_items(sealed, KEYRING)["user"].reveal() == b"bob"
    else:
        with pytest.raises(UnsealError):
            unseal_items(sealed, KEYRING)


def test_the_scope_is_never_taken_from_the_template() -> None:
    manifest = seal(secret(), sealing_key().certificate, Scope.CLUSTER_WIDE).to_manifest()
    del manifest["metadata"]["annotations"][CLUSTER_WIDE_ANNOTATION]
    assert manifest["spec"]["template"]["metadata"]["annotations"] == {CLUSTER_WIDE_ANNOTATION: "true"}
    assert SealedSecret.from_manifest(manifest).scope is Scope.STRICT


def test_an_item_may_be_renamed() -> None:
    manifest = seal(secret(), sealing_key().certificate, Scope.STRICT).to_manifest()
    data = manifest["spec"]["encryptedData"]
    data["login"] = data.pop("user")
    assert unseal_items(SealedSecret.from_manifest(manifest), KEYRING)["login"].reveal() == b"bob"


def test_all_items_that_fail_are_named_by_reason_and_none_comes_out() -> None:
    good = seal(secret(items={key: Value(b"v") for key in "abcd"}), sealing_key().certificate, Scope.STRICT)
    manifest = good.to_manifest()
    data = manifest["spec"]["encryptedData"]
    stranger = seal(secret(items={"x": Value(b"v")}), sealing_key(5).certificate, Scope.STRICT)
    data["b"] = data["c"] = stranger.encrypted_data["x"]
    data["d"] = "not base64"
    with pytest.raises(UnsealError) as caught:
        unseal_items(SealedSecret.from_manifest(manifest), KEYRING)
    assert caught.value.what == (
        "no key could decrypt secret (b, c)\nthe sealed value is not standard base64 with padding (d)"
    )


def failure(sealed: SealedSecret, keyring: Keyring) -> str:
    with pytest.raises(UnsealError) as caught:
        unseal_items(sealed, keyring)
    return caught.value.hint or ""


def test_the_hint_tells_which_keys_were_tried_and_which_was_looked_for() -> None:
    sealed = seal(secret(), sealing_key(5).certificate, Scope.STRICT)
    hint = failure(sealed, KEYRING)
    assert f"it was sealed with {sealing_key(5).fingerprint}" in hint
    assert f"tried {', '.join(KEYRING.fingerprints)}" in hint
    many = failure(sealed, Keyring([sealing_key(number) for number in (0, 1, 2, 3, 6, 7, 8)]))
    assert ", 2 more; and strict values open only with" in many
    assert failure(sealed, Keyring([])) == "there is no sealing key to try"


def test_the_hint_tells_when_the_right_key_was_there_and_what_must_have_changed() -> None:
    manifest = seal(secret(), sealing_key().certificate, Scope.STRICT).to_manifest()
    manifest["metadata"]["name"] = "renamed"
    hint = failure(SealedSecret.from_manifest(manifest), KEYRING)
    assert f"the key that sealed it ({sealing_key().fingerprint}) was tried" in hint
    assert "strict values open only with name renamed and namespace shop as when they were sealed" in hint


def test_a_manifest_of_older_tools_is_read_and_unknown_fields_do_no_harm() -> None:
    manifest = sealed_manifest(
        encryptedData={"a": "Zm9v"},
        template={
            "metadata": {"creationTimestamp": None, "name": "other", "labels": None, "finalizers": ["f"]},
            "data": None,
            "type": "Opaque",
        },
        future=1,
    )
    manifest["metadata"]["creationTimestamp"] = None
    manifest["status"] = {"conditions": []}
    sealed = SealedSecret.from_manifest(manifest)
    assert sealed.encrypted_data == {"a": "Zm9v"}
    assert sealed.template.type == "Opaque"
    assert sealed.template.metadata == {"finalizers": ["f"]}
    assert "creationTimestamp" not in json.dumps(sealed.to_manifest())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"kind": "Secret"}, "this is not a SealedSecret"),
        ({"apiVersion": "v1"}, "this is not a SealedSecret"),
        ({"metadata": {}}, r"metadata\.name is missing"),
        ({"metadata": {"name": 5}}, r"metadata\.name must be a string, it is a number"),
        (
            {"metadata": {"name": "x", "annotations": {"a": True}}},
            r"metadata\.annotations\.a must be a string",
        ),
        ({"spec": None}, "spec is missing"),
        ({"spec": []}, "spec must be a mapping, it is a list"),
        ({"spec": {"data": "AgB"}}, r"spec\.data holds a Secret sealed as a whole"),
        ({"spec": {"data": "AgB", "encryptedData": {}}}, r"spec\.data holds a Secret sealed as a whole"),
        ({"spec": {"encryptedData": {"a": 1}}}, r"spec\.encryptedData\.a must be a string, it is a number"),
        ({"spec": {"encryptedData": {"a": None}}}, r"spec\.encryptedData\.a must be a string, it is null"),
        ({"spec": {"encryptedData": {5: "x"}}}, r"a key of spec\.encryptedData must be a string"),
        ({"spec": {"template": {"metadata": []}}}, r"spec\.template\.metadata must be a mapping"),
        ({"spec": {"template": {"immutable": "yes"}}}, r"spec\.template\.immutable must be true or false"),
        ({"spec": {"template": {"type": 1}}}, r"spec\.template\.type must be a string"),
        ({"spec": {"template": {"data": {"a": 1}}}}, r"spec\.template\.data\.a must be a string"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said_with_the_field(change: dict[str, Any], what: str) -> None:
    with pytest.raises(ManifestError, match=what):
        SealedSecret.from_manifest({**sealed_manifest(), **change})


@pytest.mark.parametrize(
    ("fields", "scope", "what"),
    [
        ({"name": ""}, Scope.STRICT, r"metadata\.name is missing"),
        ({"name": ""}, Scope.CLUSTER_WIDE, r"metadata\.name is missing"),
        ({"name": "Upper"}, Scope.STRICT, r"metadata\.name is not a name that Kubernetes takes: 'Upper'"),
        ({"name": "a" * 254}, Scope.STRICT, "is not a name that Kubernetes takes"),
        ({"namespace": "a.b"}, Scope.STRICT, "is not a namespace that Kubernetes takes"),
        ({"namespace": ""}, Scope.STRICT, "the Secret has no namespace"),
        ({"namespace": ""}, Scope.NAMESPACE_WIDE, "the Secret has no namespace"),
        ({"items": {}}, Scope.STRICT, "the Secret has no items"),
        ({"items": {"a b": Value(b"")}}, Scope.STRICT, "'a b' is not an item key"),
        ({"items": {"..": Value(b"")}}, Scope.STRICT, r"'\.\.' is not an item key"),
    ],
)
def test_what_the_api_server_would_refuse_is_not_sealed(
    fields: dict[str, Any], scope: Scope, what: str
) -> None:
    with pytest.raises(ManifestError, match=what):
        seal(secret(**fields), sealing_key().certificate, scope)


def test_a_cluster_wide_secret_needs_no_namespace() -> None:
    sealed = seal(secret(namespace=""), sealing_key().certificate, Scope.CLUSTER_WIDE)
    assert "namespace" not in sealed.to_manifest()["metadata"]


def test_a_sealed_secret_without_items_opens_as_one() -> None:
    assert unseal_items(SealedSecret(name="a", namespace="b"), KEYRING) == {}


def test_no_error_and_no_repr_shows_a_value() -> None:
    hidden = secret(items={"a": Value(b"correct horse")})
    sealed = seal(hidden, sealing_key(5).certificate, Scope.STRICT)
    with pytest.raises(UnsealError) as caught:
        unseal_items(sealed, KEYRING)
    for text in (repr(hidden), repr(sealed), str(caught.value), repr(caught.value), caught.value.hint or ""):
        assert "horse" not in text


def test_line_breaks_in_sealed_values_are_ignored() -> None:
    manifest = seal(secret(), sealing_key().certificate, Scope.STRICT).to_manifest()
    text = manifest["spec"]["encryptedData"]["user"]
    manifest["spec"]["encryptedData"]["user"] = "\n".join(
        text[at : at + 60] for at in range(0, len(text), 60)
    )
    assert unseal_items(SealedSecret.from_manifest(manifest), KEYRING)["user"].reveal() == b"bob"
    assert envelope.decode(text)[:2] == b"\x01\x00"
