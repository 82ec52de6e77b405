"""Whose Secret it is, what goes and what stays, on a real API server; also moving from the other operator."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from sealbridge.sync.fingerprints import created_by, field_manager
from tests.canary import Canary
from tests.e2e.world import (
    NAMESPACE,
    Manifest,
    World,
    eventually,
    external_secret,
    fake_store,
    sealed_secret,
    vault_store,
)
from tests.servers.apiserver import ApiError
from tests.servers.openbao import DevOpenBao
from tests.servers.operator import Operator

FINALIZER = "externalsecrets.external-secrets.io/externalsecret-cleanup"
MANAGED = "reconcile.external-secrets.io/managed"
CREATED_BY = "reconcile.external-secrets.io/created-by"
TRACKED = {"app.kubernetes.io/instance": "shop", "argocd.argoproj.io/instance": "shop", "team": "shop"}


def put_secret(
    world: World,
    namespace: str,
    name: str,
    items: dict[str, str],
    *,
    manager: str = "kubectl",
    **metadata: Any,
) -> None:
    """Somebody else makes a Secret."""
    world.server.request(
        "POST",
        f"/api/v1/namespaces/{namespace}/secrets?fieldManager={manager}",
        {"metadata": {"name": name, **metadata}, "stringData": items, "type": "Opaque"},
    )


def add_items(world: World, namespace: str, name: str, items: dict[str, str], *, manager: str) -> None:
    """Somebody adds to a Secret under a name of their own."""
    path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
    obj = world.server.request("GET", path)
    obj["stringData"] = items
    world.server.request("PUT", f"{path}?fieldManager={manager}", obj)


def with_target(obj: Manifest, **target: Any) -> Manifest:
    obj["spec"]["target"] = target
    return obj


def is_there(world: World, kind: str, namespace: str, name: str) -> bool:
    try:
        world.get(kind, namespace, name)
    except ApiError:
        return False
    return True


def told(world: World, namespace: str, name: str) -> tuple[str, str]:
    ready = world.condition("ExternalSecret", namespace, name)
    return ready.get("status", ""), ready.get("reason", "")


def eventually_told(world: World, namespace: str, name: str, reason: str) -> None:
    status = "False" if reason == "SecretSyncedError" else "True"
    eventually(lambda: told(world, namespace, name) == (status, reason), what=f"{reason} of {name}")


def test_a_target_is_made_merged_into_or_left_as_its_policy_has_it(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    mine, theirs = canary("mine"), canary("theirs")
    policies = ("Owner", "Orphan", "Merge", "CreateOrMerge", "None")
    manifests = [fake_store(namespace, "fake", {"a": mine})]
    for policy in policies:
        for state in ("absent", "foreign"):
            name = f"{policy.lower()}-{state}"
            if state == "foreign":
                put_secret(world, namespace, name, {"theirs": theirs}, labels={"theirs": "1"})
            obj = with_target(external_secret(namespace, name, mine="a"), creationPolicy=policy)
            obj["metadata"] |= {"labels": TRACKED}
            manifests.append(obj)
    world.apply(manifests)

    reasons = {
        "owner-foreign": "SecretSyncedError",
        "orphan-foreign": "SecretSyncedError",
        "merge-absent": "SecretMissing",
    }
    for policy in policies:
        for state in ("absent", "foreign"):
            name = f"{policy.lower()}-{state}"
            eventually_told(world, namespace, name, reasons.get(name, "SecretSynced"))
    ours, foreign = {"mine": mine.encode()}, {"theirs": theirs.encode()}
    assert world.secrets(namespace) == {
        "owner-absent": ours,
        "orphan-absent": ours,
        "createormerge-absent": ours,
        "owner-foreign": foreign,
        "orphan-foreign": foreign,
        "merge-foreign": ours | foreign,
        "createormerge-foreign": ours | foreign,
        "none-foreign": foreign,
    }
    message = world.condition("ExternalSecret", namespace, "owner-foreign")["message"]
    assert "creationPolicy Merge adds to it" in message
    for name, labels in (("owner-absent", {"team", CREATED_BY}), ("merge-foreign", {"team", "theirs"})):
        metadata = world.get("Secret", namespace, name)["metadata"]
        assert set(metadata["labels"]) == {MANAGED, "sealbridge.io/managed"} | labels
        assert "kubectl.kubernetes.io/last-applied-configuration" not in metadata["annotations"]
        assert bool(metadata.get("ownerReferences")) is (name == "owner-absent")

    # Handed over, by the one or by the other.
    adopt = {"metadata": {"annotations": {"sealbridge.io/adopt": "true"}}}
    world.patch("ExternalSecret", namespace, "owner-foreign", adopt)
    world.patch("Secret", namespace, "orphan-foreign", adopt)
    world.patch("ExternalSecret", namespace, "orphan-foreign", {"metadata": {"labels": {"look": "again"}}})
    for name in ("owner-foreign", "orphan-foreign"):
        eventually_told(world, namespace, name, "SecretSynced")
        assert world.secrets(namespace)[name] == ours

    # Edited by hand, a target that is watched over is put right, and one that is gone is made again.
    edited = {"data": {"mine": base64.b64encode(b"edited").decode()}}
    world.patch("Secret", namespace, "merge-foreign", edited)
    world.delete("Secret", namespace, "createormerge-absent")
    eventually(
        lambda: (
            world.secrets(namespace)["merge-foreign"] == ours | foreign
            and world.secrets(namespace).get("createormerge-absent") == ours
        ),
        what="the targets as they were",
    )
    for policy in policies:
        for state in ("absent", "foreign"):
            name = f"{policy.lower()}-{state}"
            eventually_told(
                world, namespace, name, "SecretMissing" if name == "merge-absent" else "SecretSynced"
            )

    # Whatever the policy, there is nothing to do after a restart.
    assert operator.stop() == 0
    before = world.server.audit_position()
    operator.start()
    eventually(
        lambda: operator.metric("sealbridge_reconcile_duration_seconds_count") >= 2 * len(policies),
        what="a look at every object",
    )
    eventually(
        lambda: operator.metric("sealbridge_queue_depth") + operator.metric("sealbridge_queue_working") == 0,
        what="an empty queue",
    )
    assert [event for event in world.writes(since=before) if event.namespace == namespace] == []
    canary.seen(str(world.all("ExternalSecret", namespace)), "ExternalSecrets")
    canary.seen(str(world.events(namespace)), "events")


def test_several_merge_into_one_secret_and_an_edit_of_it_is_put_right_by_the_one_it_concerns(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    values = {key: canary(key) for key in ("one", "two", "theirs")}
    put_secret(world, namespace, "shared", {"theirs": values["theirs"]})
    world.apply(
        [
            fake_store(namespace, "fake", values),
            *(
                with_target(
                    external_secret(namespace, name, **{name: name}), name="shared", creationPolicy="Merge"
                )
                for name in ("one", "two")
            ),
        ]
    )
    expected = {key: value.encode() for key, value in values.items()}
    eventually(lambda: world.secrets(namespace)["shared"] == expected, what="all keys")
    for name in ("one", "two"):
        eventually_told(world, namespace, name, "SecretSynced")
    quiet = world.get("Secret", namespace, "shared")["metadata"]["resourceVersion"]

    world.patch(
        "Secret", namespace, "shared", {"data": {"one": base64.b64encode(b"x").decode(), "two": None}}
    )
    eventually(lambda: world.secrets(namespace)["shared"] == expected, what="all keys again")
    assert world.get("Secret", namespace, "shared")["metadata"]["resourceVersion"] != quiet

    renamed = with_target(external_secret(namespace, "one", uno="one"), name="shared", creationPolicy="Merge")
    world.apply([renamed])
    expected = {"uno": expected["one"], "two": expected["two"], "theirs": expected["theirs"]}
    eventually(lambda: world.secrets(namespace)["shared"] == expected, what="the key under its new name")


def test_deletion_policies_delete_what_is_ours_and_nothing_else(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    value, theirs = canary("value"), canary("theirs")
    put_secret(world, namespace, "merge", {"theirs": theirs})
    put_secret(world, namespace, "foreign", {"theirs": theirs})
    store = fake_store(namespace, "fake", {"a": value})
    policies = {
        "retain": {},
        "delete": {"deletionPolicy": "Delete"},
        "merge": {"creationPolicy": "Merge", "deletionPolicy": "Merge"},
        "foreign": {"deletionPolicy": "Delete"},
    }
    world.apply(
        [
            store,
            *(
                with_target(external_secret(namespace, name, interval="1s", k="a"), **target)
                for name, target in policies.items()
            ),
        ]
    )
    mine, foreign = {"k": value.encode()}, {"theirs": theirs.encode()}
    everything = {"retain": mine, "delete": mine, "merge": mine | foreign, "foreign": foreign}
    eventually(lambda: world.secrets(namespace) == everything, what="the Secrets")
    eventually_told(world, namespace, "foreign", "SecretSyncedError")
    assert FINALIZER in world.get("ExternalSecret", namespace, "delete")["metadata"]["finalizers"]
    assert "finalizers" not in world.get("ExternalSecret", namespace, "retain")["metadata"]

    world.apply([fake_store(namespace, "fake", {"other": value})])

    eventually_told(world, namespace, "delete", "SecretDeleted")
    eventually_told(world, namespace, "retain", "SecretSyncedError")
    eventually(
        lambda: world.secrets(namespace) == {"retain": mine, "merge": foreign, "foreign": foreign},
        what="what is left",
    )
    assert "does not belong" in world.condition("ExternalSecret", namespace, "foreign")["message"]
    eventually(
        lambda: (
            {"Deleted", "MissingProviderSecret"} <= {event["reason"] for event in world.events(namespace)}
        ),
        what="events",
    )

    world.apply([store])
    eventually(lambda: world.secrets(namespace) == everything, what="the Secrets again")

    # With their ExternalSecrets go only those that are to; there is no garbage collector here.
    for name in policies:
        world.delete("ExternalSecret", namespace, name)
    eventually(lambda: not world.all("ExternalSecret", namespace), what="the end of the ExternalSecrets")
    assert world.secrets(namespace) == {key: items for key, items in everything.items() if key != "delete"}


def test_a_finalizer_comes_and_goes_with_the_policy_and_a_renamed_target_takes_the_former_along(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    value = canary("value")

    def finalizers() -> list[str]:
        return world.get("ExternalSecret", namespace, "db")["metadata"].get("finalizers") or []

    def apply(**target: str) -> None:
        world.apply([with_target(external_secret(namespace, "db", k="a"), **target)])

    world.apply([fake_store(namespace, "fake", {"a": value})])
    apply(name="first", deletionPolicy="Delete")
    eventually(lambda: world.secrets(namespace) == {"first": {"k": value.encode()}}, what="the Secret")
    assert finalizers() == [FINALIZER]

    apply(name="second", deletionPolicy="Retain")
    eventually(lambda: world.secrets(namespace) == {"second": {"k": value.encode()}}, what="the new name")
    eventually(lambda: finalizers() == [], what="no finalizer")
    eventually_told(world, namespace, "db", "SecretSynced")
    spec = world.get("ExternalSecret", namespace, "db")["spec"]
    assert spec["target"] == {"name": "second", "creationPolicy": "Owner", "deletionPolicy": "Retain"}


def test_secrets_of_external_secrets_operator_are_taken_over_and_its_finalizers_taken_off(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    """As that one leaves them: labels, field manager, and a controller reference where there is an owner."""
    value, old, theirs = canary("value"), canary("old"), canary("theirs")
    long = "long-" + "x" * 60
    assert len(field_manager(long)) > 63
    names = {"owner": "Owner", "orphan": "Orphan", "merge": "Merge", long: "Merge"}
    # No operator is there yet when they are made.
    assert operator.stop() == 0
    for name, policy in names.items():
        obj = with_target(external_secret(namespace, name, k="a"), creationPolicy=policy)
        obj["metadata"]["finalizers"] = [FINALIZER]
        world.apply([obj])
        labels = {MANAGED: "true"}
        if policy == "Owner":
            labels[CREATED_BY] = created_by(namespace, name)
        if policy == "Merge":
            put_secret(world, namespace, name, {"theirs": theirs})
            add_items(world, namespace, name, {"k": old, "stale": old}, manager=field_manager(name))
            world.patch("Secret", namespace, name, {"metadata": {"labels": labels}})
        else:
            put_secret(
                world, namespace, name, {"k": old, "stale": old}, manager=field_manager(name), labels=labels
            )
    world.apply([fake_store(namespace, "fake", {"a": value})])

    operator.start()

    mine, foreign = {"k": value.encode()}, {"theirs": theirs.encode()}
    expected = {"owner": mine, "orphan": mine, "merge": mine | foreign, long: mine | foreign}
    eventually(lambda: world.secrets(namespace) == expected, what="the Secrets without a stale key")
    for name in names:
        eventually_told(world, namespace, name, "SecretSynced")
        assert "finalizers" not in world.get("ExternalSecret", namespace, name)["metadata"]
        world.delete("ExternalSecret", namespace, name)
    eventually(lambda: not world.all("ExternalSecret", namespace), what="no stuck object")


def test_a_secret_that_a_sealed_secret_replaces_is_not_merged_into_but_one_that_it_patches_is(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    value, sealed = canary("value"), canary("sealed")
    annotations = {"sealedsecrets.bitnami.com/patch": "true"}
    put_secret(world, namespace, "patched", {"theirs": sealed}, annotations=annotations)
    certificate = operator.certificate()
    world.apply(
        [
            fake_store(namespace, "fake", {"a": value}),
            *(sealed_secret(certificate, namespace, name, {"s": sealed}) for name in ("owned", "patched")),
        ]
    )
    eventually(
        lambda: "s" in world.secrets(namespace).get("owned", {}), what="the Secret of the SealedSecret"
    )
    world.apply(
        [
            with_target(external_secret(namespace, name, k="a"), creationPolicy="Merge")
            for name in ("owned", "patched")
        ]
    )

    eventually_told(world, namespace, "owned", "SecretSyncedError")
    assert "owned by SealedSecret owned" in world.condition("ExternalSecret", namespace, "owned")["message"]
    eventually_told(world, namespace, "patched", "SecretSynced")
    both = {"theirs": sealed.encode(), "s": sealed.encode(), "k": value.encode()}
    eventually(lambda: world.secrets(namespace)["patched"] == both, what="all keys")
    assert world.secrets(namespace)["owned"] == {"s": sealed.encode()}


def test_an_immutable_target_keeps_its_data_and_says_so(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    first, second = canary("first"), canary("second")
    immutable = with_target(external_secret(namespace, "db", interval="1s", k="a"), immutable=True)
    world.apply([fake_store(namespace, "fake", {"a": first}), immutable])
    eventually_told(world, namespace, "db", "SecretSynced")
    assert world.get("Secret", namespace, "db")["immutable"] is True

    world.apply([fake_store(namespace, "fake", {"a": second})])

    eventually_told(world, namespace, "db", "SecretSyncedError")
    message = world.condition("ExternalSecret", namespace, "db")["message"]
    assert message.startswith(
        "could not update secret, target is immutable; the Secret keeps its last values"
    )
    assert world.secrets(namespace)["db"] == {"k": first.encode()}
    stale = f'sealbridge_externalsecret_stale_seconds{{name="db",namespace="{namespace}"}}'
    assert stale in operator.fetch("/metrics")[1]

    world.delete("Secret", namespace, "db")
    eventually(
        lambda: world.secrets(namespace).get("db") == {"k": second.encode()}, what="the Secret made anew"
    )
    eventually_told(world, namespace, "db", "SecretSynced")
    eventually(lambda: stale not in operator.fetch("/metrics")[1], what="no stale values")


def test_an_installation_that_may_not_patch_says_so_where_a_finalizer_is_needed_and_goes_on_elsewhere(
    world: World, namespace: str, canary: Canary
) -> None:
    account = f"unpatching-{secrets.token_hex(4)}"
    role = world.server.request("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/sealbridge-operator")
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": account}}
    limited = {
        **rbac,
        "kind": "ClusterRole",
        "rules": [
            rule
            for rule in role["rules"]
            if rule["verbs"] != ["patch"] or "externalsecrets" not in rule["resources"]
        ],
    }
    assert len(limited["rules"]) == len(role["rules"]) - 1
    binding = {
        **rbac,
        "kind": "ClusterRoleBinding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": account},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}],
    }
    value = canary("value")
    left = external_secret(namespace, "left-over", k="a")
    left["metadata"]["finalizers"] = [FINALIZER]
    delete = with_target(external_secret(namespace, "delete", k="a"), deletionPolicy="Delete")
    world.apply([limited, binding, fake_store(namespace, "fake", {"a": value}), left, delete])
    token = world.server.token_for(NAMESPACE, account)
    operator = world.operator(kubeconfig=world.server.kubeconfig_for(token))
    operator.start()

    eventually_told(world, namespace, "left-over", "SecretSynced")
    eventually_told(world, namespace, "delete", "SecretSyncedError")
    message = world.condition("ExternalSecret", namespace, "delete")["message"]
    assert "could not update secret" in message
    assert "forbids" in message
    assert world.secrets(namespace) == {"left-over": {"k": value.encode()}}

    world.apply([{**limited, "rules": role["rules"]}])
    eventually_told(world, namespace, "delete", "SecretSynced")
    world.delete("ExternalSecret", namespace, "delete")
    world.delete("ExternalSecret", namespace, "left-over")
    eventually(lambda: not world.all("ExternalSecret", namespace), what="the end of both")
    assert operator.stop() == 0
    world.clear(namespace)


def test_the_finalizer_of_another_controllers_object_is_left_alone(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    store = fake_store(namespace, "theirs", {"a": canary("value")})
    store["spec"]["controller"] = "theirs"
    obj = with_target(external_secret(namespace, "theirs", store="theirs", k="a"), creationPolicy="None")
    obj["metadata"]["finalizers"] = [FINALIZER]
    mine = external_secret(namespace, "mine", k="b")
    world.apply([store, obj])
    world.delete("ExternalSecret", namespace, "theirs")
    world.apply([fake_store(namespace, "fake", {"b": canary("mine")}), mine])

    eventually_told(world, namespace, "mine", "SecretSynced")
    theirs = world.get("ExternalSecret", namespace, "theirs")
    assert theirs["metadata"]["finalizers"] == [FINALIZER]
    assert "status" not in theirs


def test_what_openbao_has_deleted_goes_and_a_property_or_a_login_that_is_missing_takes_nothing_along(
    world: World, operator: Operator, namespace: str, canary: Canary, openbao: DevOpenBao
) -> None:
    value = canary("value")
    openbao.mount_kv(namespace, version=2)
    kv = openbao.client().secrets.kv.v2
    for name in ("whole", "part"):
        kv.create_or_update_secret(name, {"k": value}, mount_point=namespace)
    token = openbao.token_with(
        f'path "{namespace}/data/*" {{ capabilities = ["read"] }}'
        ' path "auth/token/lookup-self" { capabilities = ["read"] }'
    )
    canary.register(token, "the store's token")
    put_secret(world, namespace, "bao", {"token": token})
    reference = {"property": "k"}
    world.apply(
        [
            vault_store(namespace, "bao", openbao.url, "bao", path=namespace),
            *(
                with_target(
                    external_secret(
                        namespace, name, store="bao", interval="1s", k={"key": name, **reference}
                    ),
                    deletionPolicy="Delete",
                )
                for name in ("whole", "part")
            ),
        ]
    )
    for name in ("whole", "part"):
        eventually_told(world, namespace, name, "SecretSynced")

    kv.delete_latest_version_of_secret("whole", mount_point=namespace)
    kv.create_or_update_secret("part", {"other": value}, mount_point=namespace)

    eventually_told(world, namespace, "whole", "SecretDeleted")
    eventually_told(world, namespace, "part", "SecretSyncedError")
    message = world.condition("ExternalSecret", namespace, "part")["message"]
    assert "data[0] (secretKey k)" in message
    assert "(NotFound); the Secret keeps its last values, those of 20" in message
    assert set(world.secrets(namespace)) == {"bao", "part"}

    # Logged out, the store has lost nothing.
    world.delete("Secret", namespace, "bao")
    eventually(
        lambda: "NotFound" not in world.condition("ExternalSecret", namespace, "part")["message"],
        what="another cause",
        timeout=60,
    )
    assert world.secrets(namespace) == {"part": {"k": value.encode()}}
