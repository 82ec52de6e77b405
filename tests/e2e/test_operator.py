"""The operator on a real API server, under the rights that it ships with."""

from __future__ import annotations

import base64
import secrets
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from sealbridge.sealing.scope import Scope
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
from tests.servers.apiserver import ApiServer
from tests.servers.openbao import DevOpenBao, RaftOpenBao
from tests.servers.operator import Operator

MANY = 50


@dataclass
class Shop:
    """A namespace full of objects, with what must come of each."""

    namespace: str
    expected: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def is_there(self, world: World) -> bool:
        there = world.secrets(self.namespace)
        return all(there.get(name) == items for name, items in self.expected.items())


def make_shop(
    world: World, operator: Operator, namespace: str, canary: Canary, openbao: DevOpenBao | None = None
) -> Shop:
    """Apply many of both kinds at once; with OpenBao each fifth of the ExternalSecrets is from there."""
    shop = Shop(namespace)
    certificate = operator.certificate()
    manifests = []
    scopes = (Scope.STRICT, Scope.NAMESPACE_WIDE, Scope.CLUSTER_WIDE)
    for number in range(MANY):
        name = f"sealed-{number}"
        items = {"password": canary(f"{name} password"), "user": canary(f"{name} user")}
        manifests.append(sealed_secret(certificate, namespace, name, items, scopes[number % 3]))
        shop.expected[name] = {key: value.encode() for key, value in items.items()}
    remote = {f"remote-{number}": canary(f"remote-{number}") for number in range(MANY)}
    manifests.append(fake_store(namespace, "fake", remote))
    vault = fill_openbao(openbao, world, namespace, remote) if openbao else None
    manifests += [vault] if vault else []
    for number in range(MANY):
        name, key = f"external-{number}", f"remote-{number}"
        if vault and number % 5 == 0:
            reference = {"key": "app", "property": key}
            manifests.append(external_secret(namespace, name, store="bao", password=reference))
        else:
            manifests.append(external_secret(namespace, name, password=key))
        shop.expected[name] = {"password": remote[key].encode()}
    world.apply(manifests)
    return shop


def fill_openbao(openbao: DevOpenBao, world: World, namespace: str, values: Mapping[str, str]) -> Manifest:
    """Put the values there; returns the store for them, whose token is in the cluster already."""
    openbao.mount_kv(namespace, version=2)
    openbao.client().secrets.kv.v2.create_or_update_secret("app", dict(values), mount_point=namespace)
    token = openbao.token_with(
        f'path "{namespace}/data/app" {{ capabilities = ["read"] }}'
        ' path "auth/token/lookup-self" { capabilities = ["read"] }'
    )
    world.server.request(
        "POST",
        f"/api/v1/namespaces/{namespace}/secrets",
        {"metadata": {"name": "bao"}, "stringData": {"token": token}},
    )
    return vault_store(namespace, "bao", openbao.url, "bao", path=namespace)


@pytest.fixture
def shop(world: World, operator: Operator, namespace: str, canary: Canary) -> Shop:
    made = make_shop(world, operator, namespace, canary)
    eventually(lambda: made.is_there(world), what="all Secrets")
    return made


def test_what_is_applied_becomes_secrets_and_a_bad_object_fails_alone(
    world: World, operator: Operator, namespace: str, canary: Canary, openbao: DevOpenBao
) -> None:
    broken = sealed_secret(operator.certificate(), namespace, "broken", {"password": canary("broken")})
    broken["spec"]["encryptedData"]["password"] = base64.b64encode(b"\x01\x00" + b"x" * 300).decode()
    missing = external_secret(namespace, "missing", password="no-such-key")
    odd = external_secret(namespace, "odd", password="remote-1")
    odd["spec"]["data"] *= 2
    world.apply([broken, missing, odd])

    shop = make_shop(world, operator, namespace, canary, openbao)

    eventually(lambda: shop.is_there(world), what="all Secrets but those of the bad objects")
    for name in shop.expected:
        kind, type_ = ("SealedSecret", "Synced") if name.startswith("sealed") else ("ExternalSecret", "Ready")
        eventually(
            lambda kind=kind, name=name, type_=type_: (
                world.condition(kind, namespace, name, type_).get("status") == "True"
            ),
            what=f"the condition of {kind} {name}",
        )
    for kind, name, told in (
        ("SealedSecret", "broken", "password"),
        ("ExternalSecret", "missing", "no-such-key"),
        ("ExternalSecret", "odd", "secretKey 'password'"),
    ):
        eventually(
            lambda kind=kind, name=name: world.condition(kind, namespace, name).get("status") == "False",
            what=f"the condition of {kind} {name}",
        )
        assert told in world.condition(kind, namespace, name)["message"]
        assert name not in world.secrets(namespace)
    for kind in ("SealedSecret", "ExternalSecret", "SecretStore"):
        for obj in world.all(kind, namespace):
            metadata = obj["metadata"]
            assert "finalizers" not in metadata
            ours = [one["fieldsV1"] for one in metadata["managedFields"] if "kubectl" not in one["manager"]]
            assert all(fields.keys() == {"f:status"} for fields in ours)
            canary.seen(str(obj.get("status")), f"status of {kind} {metadata['name']}")
    eventually(lambda: len(world.events(namespace)) >= 2 * MANY, what="an event for each")
    told = {(event["reason"], event["source"]["component"]) for event in world.events(namespace)}
    assert {
        ("Unsealed", "sealed-secrets"),
        ("ErrUnsealFailed", "sealed-secrets"),
        ("Created", "external-secrets"),
        ("UpdateFailed", "external-secrets"),
    } <= told
    canary.seen(str(world.events(namespace)), "events")
    canary.seen(operator.fetch("/metrics")[1], "metrics")


def test_a_target_is_labelled_and_owned(world: World, operator: Operator, shop: Shop) -> None:
    for name, kind in (("sealed-0", "SealedSecret"), ("external-0", "ExternalSecret")):
        metadata = world.get("Secret", shop.namespace, name)["metadata"]
        owner = world.get(kind, shop.namespace, name)["metadata"]

        assert metadata["labels"]["sealbridge.io/managed"] == "true"
        assert [(one["kind"], one["uid"], one["controller"]) for one in metadata["ownerReferences"]] == [
            (kind, owner["uid"], True)
        ]


def test_deleted_and_hand_edited_secrets_come_back(world: World, operator: Operator, shop: Shop) -> None:
    namespace = shop.namespace
    for name in ("sealed-1", "external-1"):
        world.delete("Secret", namespace, name)
    edited = base64.b64encode(b"edited by hand").decode()
    for name in ("sealed-2", "external-2"):
        world.patch("Secret", namespace, name, {"data": {"password": edited, "more": edited}})
    for name in ("sealed-3", "external-3"):
        world.patch("Secret", namespace, name, {"metadata": {"labels": {"sealbridge.io/managed": None}}})

    eventually(lambda: shop.is_there(world), what="the Secrets as they were", timeout=20)
    for name in ("sealed-3", "external-3"):
        eventually(
            lambda name=name: (
                world.get("Secret", namespace, name)["metadata"]["labels"].get("sealbridge.io/managed")
                == "true"
            ),
            what=f"the label of {name}",
            timeout=20,
        )
    assert operator.metric("sealbridge_drift_total") >= 6


def test_an_edited_object_changes_its_secret(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    certificate = operator.certificate()
    values = [canary("first"), canary("second")]
    for value in values:
        world.apply([sealed_secret(certificate, namespace, "edited", {"password": value})])
        eventually(
            lambda value=value: world.secrets(namespace).get("edited", {}).get("password") == value.encode(),
            what="the value",
        )
    eventually(
        lambda: world.get("SealedSecret", namespace, "edited")["status"].get("observedGeneration") == 2,
        what="the status",
    )


def test_kill_9_in_the_middle_loses_nothing(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    shop = make_shop(world, operator, namespace, canary)
    eventually(lambda: len(world.secrets(namespace)) >= 3, what="the first Secrets")
    operator.kill()
    while_dead = world.secrets(namespace)
    if while_dead:
        world.delete("Secret", namespace, next(iter(while_dead)))

    operator.start()

    eventually(lambda: shop.is_there(world), what="all Secrets", timeout=90)


def test_a_second_start_writes_nothing_and_decrypts_nothing(
    world: World, operator: Operator, shop: Shop
) -> None:
    def in_sync() -> bool:
        return all(
            any(one["status"] == "True" for one in (obj.get("status") or {}).get("conditions") or [])
            for kind in ("SealedSecret", "ExternalSecret")
            for obj in world.all(kind, shop.namespace)
        )

    eventually(in_sync, what="every status")
    assert operator.metric("sealbridge_decryptions_total") >= MANY * 2
    assert operator.stop() == 0
    versions = {obj["metadata"]["name"]: obj["metadata"]["resourceVersion"] for obj in _all(world, shop)}
    before = world.server.audit_position()

    operator.start()
    eventually(
        lambda: operator.metric("sealbridge_reconcile_duration_seconds_count") >= 2 * MANY,
        what="a look at every object",
    )
    eventually(
        lambda: operator.metric("sealbridge_queue_depth") + operator.metric("sealbridge_queue_working") == 0,
        what="an empty queue",
    )

    writes = [event for event in world.writes(since=before) if event.namespace == shop.namespace]
    assert writes == []
    assert operator.metric("sealbridge_decryptions_total") == 0
    assert versions == {
        obj["metadata"]["name"]: obj["metadata"]["resourceVersion"] for obj in _all(world, shop)
    }


def _all(world: World, shop: Shop) -> list[dict]:
    kinds = ("Secret", "SealedSecret", "ExternalSecret", "SecretStore")
    return [obj for kind in kinds for obj in world.all(kind, shop.namespace)]


def test_sigterm_ends_it_in_order_and_a_second_one_at_once(world: World) -> None:
    for signals in (1, 2):
        operator = world.operator()
        operator.start()
        for _ in range(signals):
            operator.process.send(signal.SIGTERM)
        assert operator.process.wait(15) == 0
        assert operator.lines()[-1]["msg"] == "ended"


def test_health_and_certificate_are_served(world: World, operator: Operator) -> None:
    assert operator.fetch("/healthz") == (200, "ok\n")
    assert operator.fetch("/readyz") == (200, "ok\n")
    assert operator.certificate().fingerprint == world.keyring().current.fingerprint
    assert operator.fetch("/nothing-here")[0] == 404
    assert operator.metric("sealbridge_build_info") == 1


def test_a_store_that_is_down_leaves_the_secret_and_says_so_and_comes_back_by_itself(
    world: World, operator: Operator, namespace: str, canary: Canary, raft_openbao: RaftOpenBao
) -> None:
    value = canary("database password")
    raft_openbao.mount_kv("kv", version=2)
    write = raft_openbao.client().secrets.kv.v2.create_or_update_secret
    write("app", {"password": value, "n": 1}, mount_point="kv")
    token = raft_openbao.token_with(
        'path "kv/data/*" { capabilities = ["read"] }'
        ' path "auth/token/lookup-self" { capabilities = ["read"] }'
    )
    canary.register(token, "the store's token")
    assert raft_openbao.ca_file is not None
    world.server.request(
        "POST",
        f"/api/v1/namespaces/{namespace}/secrets",
        {"metadata": {"name": "bao"}, "stringData": {"token": token}},
    )
    world.apply(
        [
            vault_store(
                namespace, "bao", raft_openbao.url, "bao", path="kv", ca=raft_openbao.ca_file.read_bytes()
            ),
            external_secret(namespace, "kept", store="bao", password={"key": "app", "property": "password"}),
        ]
    )
    eventually(
        lambda: world.secrets(namespace).get("kept") == {"password": value.encode()}, what="the Secret"
    )

    raft_openbao.kill()

    def tells_when_asked_again() -> bool:
        # What was fetched just now is kept for a moment, so one more request may not reach the store.
        force = {"metadata": {"annotations": {"force-sync": secrets.token_hex(4)}}}
        world.patch("ExternalSecret", namespace, "kept", force)
        return world.condition("ExternalSecret", namespace, "kept").get("status") == "False"

    eventually(tells_when_asked_again, what="a condition that tells")
    message = world.condition("ExternalSecret", namespace, "kept")["message"]
    assert message.startswith("could not get secret data from provider")
    assert "keeps its last values" in message
    assert "next try at 20" in message
    assert world.secrets(namespace)["kept"] == {"password": value.encode()}

    raft_openbao.start()
    raft_openbao.unseal()
    newer = canary("newer database password")
    write("app", {"password": newer}, mount_point="kv")
    eventually(
        lambda: world.secrets(namespace)["kept"] == {"password": newer.encode()},
        what="the value from the store that is back",
        timeout=90,
    )


def test_what_rbac_forbids_is_logged_and_tried_again_until_it_is_granted(
    world: World, apiserver: ApiServer, namespace: str, canary: Canary
) -> None:
    """The rights that are shipped, less the creation of Secrets."""
    account = f"limited-{secrets.token_hex(4)}"
    token = apiserver.token_for(NAMESPACE, account)
    role = apiserver.request("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/sealbridge-operator")
    rules = role["rules"]
    for rule in rules:
        if rule["resources"] == ["secrets"]:
            rule["verbs"].remove("create")
    subject = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    limited = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": account},
        "rules": rules,
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": account},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": account},
        "subjects": [subject],
    }
    value = canary("forbidden")
    world.apply(
        [
            limited,
            binding,
            fake_store(namespace, "fake", {"a": value}),
            external_secret(namespace, "forbidden", password="a"),
        ]
    )
    operator = world.operator(kubeconfig=apiserver.kubeconfig_for(token))
    operator.start()

    def complaints() -> list[dict]:
        return [
            line
            for line in operator.lines()
            if line.get("name") == "forbidden" and "forbids" in line.get("error", "")
        ]

    eventually(lambda: len(complaints()) >= 2, what="a log line and another try")
    assert complaints()[0]["level"] == "warning"
    assert "deploy/kustomize/base" in complaints()[0]["hint"]
    assert "retry_in" in complaints()[0]
    assert operator.fetch("/healthz")[0] == 200

    rules.append({"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]})
    world.apply([{**limited, "rules": rules}])
    eventually(
        lambda: world.secrets(namespace).get("forbidden") == {"password": value.encode()},
        what="the Secret once it is allowed",
    )
    assert operator.stop() == 0


def test_a_kind_that_is_forbidden_does_not_hold_up_the_others(
    world: World, apiserver: ApiServer, namespace: str, canary: Canary
) -> None:
    """An installation for ExternalSecrets only."""
    account = f"partial-{secrets.token_hex(4)}"
    token = apiserver.token_for(NAMESPACE, account)
    role = apiserver.request("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/sealbridge-operator")
    rules = [rule for rule in role["rules"] if rule["apiGroups"] != ["bitnami.com"]]
    world.apply(
        [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": account},
                "rules": rules,
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": account},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": account,
                },
                "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}],
            },
        ]
    )
    operator = world.operator(kubeconfig=apiserver.kubeconfig_for(token))
    operator.start()
    value = canary("allowed")
    world.apply(
        [
            fake_store(namespace, "fake", {"a": value}),
            external_secret(namespace, "allowed", password="a"),
        ]
    )

    eventually(
        lambda: world.secrets(namespace).get("allowed") == {"password": value.encode()}, what="the Secret"
    )
    assert any(
        line.get("kind") == "SealedSecret" and "cannot be watched" in line["msg"] for line in operator.lines()
    )
    assert operator.stop() == 0
