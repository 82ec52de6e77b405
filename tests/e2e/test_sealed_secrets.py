"""SealedSecrets on a real API server: what the Sealed Secrets controller does, and what it does not."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.scope import Scope
from tests.canary import Canary
from tests.e2e.world import Manifest, World, eventually, sealed_secret, whole_secret
from tests.sealing_keys import sealing_key
from tests.servers.operator import Operator

MANAGED = {"sealedsecrets.bitnami.com/managed": "true"}
PATCH = {"sealedsecrets.bitnami.com/patch": "true"}
SKIP = {"sealedsecrets.bitnami.com/skip-set-owner-references": "true"}
RETAIN = {"sealbridge.io/on-delete": "retain"}


@pytest.fixture(scope="module")
def running(world: World) -> Iterator[Operator]:
    """One operator for the tests that need none of their own."""
    made = world.operator()
    made.start()
    yield made
    assert made.stop() == 0


@pytest.fixture(scope="module")
def certificate(running: Operator) -> Certificate:
    return running.certificate()


@pytest.fixture(autouse=True)
def cleared(world: World, namespace: str) -> Iterator[None]:
    yield
    world.clear(namespace)


def templated(sealed: Manifest, **annotations: str) -> Manifest:
    sealed["spec"]["template"]["metadata"].setdefault("annotations", {}).update(annotations)
    return sealed


def make(world: World, namespace: str, name: str, items: dict[str, str], **metadata: object) -> str:
    """A Secret of somebody else; returns its UID."""
    made = world.server.request(
        "POST",
        f"/api/v1/namespaces/{namespace}/secrets",
        {"metadata": {"name": name, **metadata}, "stringData": items},
    )
    return str(made["metadata"]["uid"])


def wait_for_value(world: World, namespace: str, name: str, **items: str) -> None:
    wanted = {key: value.encode() for key, value in items.items()}
    eventually(lambda: world.secrets(namespace).get(name) == wanted, what=f"the items of {name}", timeout=20)


def wait_for_reason(world: World, namespace: str, name: str, reason: str) -> Manifest:
    eventually(
        lambda: world.condition("SealedSecret", namespace, name).get("reason") == reason,
        what=f"the reason {reason} of {name}, not {world.get('SealedSecret', namespace, name).get('status')}",
        timeout=20,
    )
    return world.get("SealedSecret", namespace, name)


def metadata_of(world: World, namespace: str, name: str) -> Manifest:
    return dict(world.get("Secret", namespace, name)["metadata"])


def kstatus(obj: Manifest) -> str:
    """What Flux's kstatus makes of a custom resource, by its published rules."""
    metadata, status = obj["metadata"], obj.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    if "observedGeneration" in status and status["observedGeneration"] != metadata["generation"]:
        return "InProgress"
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or []}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    return {"True": "Current", None: "Current"}.get(conditions.get("Ready"), "InProgress")


def test_the_key_that_opened_each_item_is_in_the_status_and_kstatus_calls_it_current(
    world: World, certificate: Certificate, namespace: str, canary: Canary
) -> None:
    value = canary("told")
    world.apply([sealed_secret(certificate, namespace, "told", {"a": value, "b": value})])

    obj = wait_for_reason(world, namespace, "told", "Unsealed")

    assert obj["status"]["sealedWith"] == dict.fromkeys("ab", certificate.fingerprint)
    assert obj["status"]["observedGeneration"] == obj["metadata"]["generation"]
    assert kstatus(obj) == "Current"
    synced = world.condition("SealedSecret", namespace, "told", "Synced")
    assert (synced["status"], synced["message"], "reason" in synced) == ("True", "", False)
    shown = world.server.kubectl("get", "sealedsecret", "told", "-n", namespace)
    assert shown.split()[:4] == ["NAME", "STATUS", "SYNCED", "AGE"]
    assert "fingerprint" in world.server.kubectl("explain", "sealedsecrets.status.sealedWith")


@pytest.mark.parametrize(
    ("spoil", "reason", "item"),
    [
        ("another key", "WrongKey", "a"),
        ("another scope", "WrongScope", "a"),
        ("cut off", "Corrupt", "a"),
        ("no base64", "Corrupt", "a"),
        ("a number", "Invalid", "a"),
        ("a template", "TemplateFailed", "broken"),
        ("a word", "Invalid", "on-delete"),
        ("both formats", "Invalid", "encryptedData"),
    ],
)
def test_what_fails_says_why_in_one_word_and_which_item(
    world: World, certificate: Certificate, namespace: str, canary: Canary, spoil: str, reason: str, item: str
) -> None:
    items = {"a": canary(spoil)}
    sealed = sealed_secret(certificate, namespace, "bad", items)
    data = sealed["spec"]["encryptedData"]
    if spoil == "another key":
        sealed = sealed_secret(sealing_key(7).certificate, namespace, "bad", items)
    elif spoil == "another scope":
        sealed = sealed_secret(certificate, namespace, "bad", items, Scope.CLUSTER_WIDE)
        del sealed["metadata"]["annotations"]
    elif spoil == "cut off":
        data["a"] = data["a"][:400]
    elif spoil == "no base64":
        data["a"] = "_-_-"
    elif spoil == "a number":
        data["a"] = 17
    elif spoil == "a template":
        sealed["spec"]["template"]["data"] = {"broken": "{{ .a"}
    elif spoil == "a word":
        sealed["metadata"]["annotations"]["sealbridge.io/on-delete"] = "Retain"
    else:
        sealed["spec"]["data"] = data["a"]
    world.apply([sealed])

    obj = wait_for_reason(world, namespace, "bad", reason)

    ready = world.condition("SealedSecret", namespace, "bad")
    synced = world.condition("SealedSecret", namespace, "bad", "Synced")
    assert item in ready["message"]
    assert item in synced["message"]
    assert (ready["status"], synced["status"]) == ("False", "False")
    assert kstatus(obj) == "Failed"
    if reason in {"WrongKey", "WrongScope", "Corrupt"}:
        assert obj["status"]["failedItems"] == {"a": reason}
    assert "bad" not in world.secrets(namespace)

    world.patch(
        "SealedSecret", namespace, "bad", {"metadata": {"annotations": {"sealbridge.io/on-delete": None}}}
    )
    good = sealed_secret(certificate, namespace, "bad", items)
    good["spec"]["data"] = None
    good["spec"]["template"]["data"] = None
    world.patch("SealedSecret", namespace, "bad", good)
    # One that the first patch has put right is unsealed twice.
    eventually(lambda: kstatus(world.get("SealedSecret", namespace, "bad")) == "Current", what="the good one")
    obj = wait_for_reason(world, namespace, "bad", "Unsealed")
    assert "failedItems" not in obj["status"]
    assert {one["type"] for one in obj["status"]["conditions"]} == {"Synced", "Ready"}


def test_a_scope_annotation_that_comes_or_goes_is_a_change(
    world: World, certificate: Certificate, namespace: str, canary: Canary
) -> None:
    value = canary("scoped")
    sealed = sealed_secret(certificate, namespace, "scoped", {"a": value}, Scope.NAMESPACE_WIDE)
    annotation = "sealedsecrets.bitnami.com/namespace-wide"
    del sealed["metadata"]["annotations"][annotation]
    world.apply([sealed])
    wait_for_reason(world, namespace, "scoped", "WrongScope")

    world.patch("SealedSecret", namespace, "scoped", {"metadata": {"annotations": {annotation: "true"}}})
    wait_for_value(world, namespace, "scoped", a=value)
    wait_for_reason(world, namespace, "scoped", "Unsealed")

    world.patch("SealedSecret", namespace, "scoped", {"metadata": {"annotations": {annotation: None}}})
    wait_for_reason(world, namespace, "scoped", "WrongScope")
    assert world.secrets(namespace)["scoped"] == {"a": value.encode()}


def test_the_template_gives_metadata_type_and_items_and_sealed_items_win(
    world: World, certificate: Certificate, namespace: str, canary: Canary
) -> None:
    value = canary("templated")
    sealed = sealed_secret(certificate, namespace, "templated", {"a": value})
    sealed["spec"]["template"] = {
        "type": "example.com/t",
        "immutable": True,
        "metadata": {
            "name": "other",
            "namespace": "elsewhere",
            "labels": {"l": "1"},
            "annotations": {"n": "2"},
            "finalizers": ["example.com/hold"],
        },
        "data": {"a": "loses", "raw": "{{ .a }}", "both": "{{ .a }}/{{ .raw }}/{{ .none }}"},
    }
    world.apply([sealed])

    wait_for_value(world, namespace, "templated", a=value, raw=value, both=f"{value}/{{{{ .a }}}}/<no value>")

    made = world.get("Secret", namespace, "templated")
    assert (made["type"], made["immutable"]) == ("example.com/t", True)
    assert made["metadata"]["labels"] == {"l": "1", "sealbridge.io/managed": "true"}
    assert made["metadata"]["annotations"] == {"n": "2"}
    assert made["metadata"]["finalizers"] == ["example.com/hold"]
    world.patch("Secret", namespace, "templated", {"metadata": {"finalizers": None}})

    world.patch("SealedSecret", namespace, "templated", {"spec": {"template": {"data": {"more": "x"}}}})
    wait_for_reason(world, namespace, "templated", "Immutable")
    world.delete("Secret", namespace, "templated")
    eventually(lambda: "more" in world.secrets(namespace).get("templated", {}), what="the Secret anew")
    wait_for_reason(world, namespace, "templated", "Unsealed")
    world.patch("Secret", namespace, "templated", {"metadata": {"finalizers": None}})


def test_a_secret_of_others_is_refused_until_it_is_handed_over(
    world: World, certificate: Certificate, namespace: str, canary: Canary
) -> None:
    value = canary("managed")
    make(world, namespace, "managed", {"theirs": "1"}, annotations={"n": "1"}, labels={"l": "1"})
    world.apply([sealed_secret(certificate, namespace, "managed", {"a": value})])
    wait_for_reason(world, namespace, "managed", "NotOwned")
    message = 'Resource "managed" already exists and is not managed by SealedSecret'
    assert world.condition("SealedSecret", namespace, "managed", "Synced")["message"] == message
    assert world.secrets(namespace)["managed"] == {"theirs": b"1"}
    eventually(
        lambda: any(
            (event["reason"], event["message"], event["type"], event["source"]["component"])
            == ("ErrUpdateFailed", message, "Warning", "sealed-secrets")
            for event in world.events(namespace)
        ),
        what="the event",
    )

    world.patch("Secret", namespace, "managed", {"metadata": {"annotations": MANAGED}})

    wait_for_value(world, namespace, "managed", a=value)
    metadata = metadata_of(world, namespace, "managed")
    assert "annotations" not in metadata
    assert metadata["labels"] == {"app": "shop", "sealbridge.io/managed": "true"}
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["controller"], "blockOwnerDeletion" in owner) == (
        "SealedSecret",
        True,
        False,
    )


def test_a_patched_secret_keeps_what_it_has_and_stays_away_when_it_is_deleted(
    world: World, running: Operator, certificate: Certificate, namespace: str, canary: Canary
) -> None:
    value = canary("patched")
    make(world, namespace, "patched", {"theirs": "1"}, annotations=PATCH, labels={"l": "1"})
    world.apply([sealed_secret(certificate, namespace, "patched", {"a": value})])
    wait_for_value(world, namespace, "patched", a=value, theirs="1")
    wait_for_reason(world, namespace, "patched", "Unsealed")
    metadata = metadata_of(world, namespace, "patched")
    assert "ownerReferences" not in metadata
    assert metadata["labels"] == {"l": "1", "app": "shop", "sealbridge.io/managed": "true"}

    spoilt = base64.b64encode(b"spoilt").decode()
    world.patch("Secret", namespace, "patched", {"data": {"a": spoilt}})
    wait_for_value(world, namespace, "patched", a=value, theirs="1")

    drift = running.metric("sealbridge_drift_total")
    world.delete("Secret", namespace, "patched")
    eventually(lambda: running.metric("sealbridge_drift_total") > drift, what="the deletion to be noticed")
    eventually(lambda: running.metric("sealbridge_queue_depth") == 0, what="an empty queue")
    assert "patched" not in world.secrets(namespace)
    # Its next edit is another matter.
    world.patch("SealedSecret", namespace, "patched", {"spec": {"template": {"data": {"b": "2"}}}})
    wait_for_value(world, namespace, "patched", a=value, b="2")


def test_patch_and_managed_together_merge_and_own(
    world: World, certificate: Certificate, namespace: str, canary: Canary
) -> None:
    value = canary("both")
    make(world, namespace, "both", {"theirs": "1"}, annotations={**PATCH, **MANAGED})
    world.apply([sealed_secret(certificate, namespace, "both", {"a": value})])

    wait_for_value(world, namespace, "both", a=value, theirs="1")
    assert [one["kind"] for one in metadata_of(world, namespace, "both")["ownerReferences"]] == [
        "SealedSecret"
    ]
    world.delete("Secret", namespace, "both")
    wait_for_value(world, namespace, "both", a=value)


def test_a_target_without_an_owner_is_kept_up_only_when_its_template_says_managed(
    world: World, certificate: Certificate, namespace: str, canary: Canary
) -> None:
    value = canary("unowned")
    plain = templated(sealed_secret(certificate, namespace, "plain", {"a": value}), **SKIP)
    managed = templated(sealed_secret(certificate, namespace, "kept", {"a": value}), **SKIP, **MANAGED)
    world.apply([plain, managed])

    wait_for_reason(world, namespace, "plain", "NotOwned")
    wait_for_reason(world, namespace, "kept", "Unsealed")
    for name in ("plain", "kept"):
        assert world.secrets(namespace)[name] == {"a": value.encode()}
        assert "ownerReferences" not in metadata_of(world, namespace, name)
    world.patch("SealedSecret", namespace, "kept", {"spec": {"template": {"data": {"b": "2"}}}})
    wait_for_value(world, namespace, "kept", a=value, b="2")


def test_a_retained_secret_outlives_its_sealed_secret_and_is_taken_up_again(
    world: World, certificate: Certificate, namespace: str, canary: Canary
) -> None:
    value, newer = canary("retained"), canary("retained and renewed")
    sealed = sealed_secret(certificate, namespace, "retained", {"a": value})
    world.apply([sealed])
    wait_for_value(world, namespace, "retained", a=value)
    assert metadata_of(world, namespace, "retained")["ownerReferences"]

    world.patch("SealedSecret", namespace, "retained", {"metadata": {"annotations": RETAIN}})
    eventually(
        lambda: "ownerReferences" not in metadata_of(world, namespace, "retained"),
        what="no owner",
        timeout=20,
    )
    uid = metadata_of(world, namespace, "retained")["uid"]
    spoilt = base64.b64encode(b"spoilt").decode()
    world.patch("Secret", namespace, "retained", {"data": {"a": spoilt}, "metadata": {"annotations": None}})
    wait_for_value(world, namespace, "retained", a=value)

    world.delete("SealedSecret", namespace, "retained")
    again = sealed_secret(certificate, namespace, "retained", {"a": newer})
    again["metadata"]["annotations"].update(RETAIN)
    world.apply([again])
    wait_for_value(world, namespace, "retained", a=newer)
    assert metadata_of(world, namespace, "retained")["uid"] == uid

    world.patch("SealedSecret", namespace, "retained", {"metadata": {"annotations": dict.fromkeys(RETAIN)}})
    eventually(
        lambda: "ownerReferences" in metadata_of(world, namespace, "retained"), what="an owner", timeout=20
    )
    metadata = metadata_of(world, namespace, "retained")
    assert (metadata["uid"], "annotations" in metadata) == (uid, False)


def test_the_deprecated_format_opens_unless_it_is_switched_off(
    world: World, certificate: Certificate, namespace: str, canary: Canary, running: Operator
) -> None:
    value = canary("whole")
    secret = {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "x", "namespace": "y", "labels": {"l": "1"}, "creationTimestamp": None},
        "type": "example.com/t",
        "data": {"a": base64.b64encode(value.encode()).decode()},
    }
    other = whole_secret(certificate, namespace, "odd", {"kind": "ConfigMap", "data": {"a": value}})
    world.apply([whole_secret(certificate, namespace, "whole", secret), other])

    wait_for_value(world, namespace, "whole", a=value)
    made = world.get("Secret", namespace, "whole")
    assert (made["type"], made["metadata"]["labels"]["l"]) == ("example.com/t", "1")
    obj = wait_for_reason(world, namespace, "whole", "Unsealed")
    assert obj["status"]["sealedWith"] == {"spec.data": certificate.fingerprint}
    obj = wait_for_reason(world, namespace, "odd", "Corrupt")
    canary.seen(str(obj["status"]), "status")
