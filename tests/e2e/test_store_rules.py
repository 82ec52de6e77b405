"""What holds for every store, whatever its provider: who may use it, whose it is, what it leaves behind."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest

from tests.canary import Canary
from tests.e2e.test_stores import reader, secret
from tests.e2e.world import Manifest, World, eventually, external_secret, fake_store
from tests.servers.apiserver import ApiServer
from tests.servers.operator import Operator

STORES = "/apis/external-secrets.io/v1/clustersecretstores"
MERGE = "application/merge-patch+json"


@pytest.fixture
def operator(loopback_operator: Operator) -> Operator:
    return loopback_operator


@pytest.fixture
def name(apiserver: ApiServer) -> Iterator[str]:
    """Of a cluster store of the test's own."""
    made = f"store-{secrets.token_hex(4)}"
    yield made
    if made in {one["metadata"]["name"] for one in apiserver.request("GET", STORES)["items"]}:
        apiserver.request("DELETE", f"{STORES}/{made}")


def cluster_store(name: str, value: str, conditions: list[Manifest]) -> Manifest:
    made = fake_store("", name, {"a": value})
    made["kind"] = "ClusterSecretStore"
    del made["metadata"]["namespace"]
    made["spec"]["conditions"] = conditions
    return made


def user(namespace: str, store: str) -> Manifest:
    made = external_secret(namespace, "one", store=store, password="a")
    made["spec"]["secretStoreRef"]["kind"] = "ClusterSecretStore"
    return made


def ready(server: ApiServer, name: str) -> Manifest:
    status = server.request("GET", f"{STORES}/{name}").get("status") or {}
    return next((c for c in status.get("conditions") or [] if c["type"] == "Ready"), {})


def test_who_is_not_let_in_is_as_soon_as_the_namespace_or_the_store_is_changed(
    world: World, apiserver: ApiServer, namespace: str, operator: Operator, name: str, canary: Canary
) -> None:
    value = canary("conditions")
    team = {"matchExpressions": [{"key": "team", "operator": "In", "values": [name]}]}
    world.apply([cluster_store(name, value, [{"namespaceSelector": team}]), user(namespace, name)])
    eventually(
        lambda: (
            "denied by spec.condition"
            in world.condition("ExternalSecret", namespace, "one").get("message", "")
        ),
        what="the refusal",
    )
    assert world.secrets(namespace) == {}

    labels = {"metadata": {"labels": {"team": name}}}
    apiserver.request("PATCH", f"/api/v1/namespaces/{namespace}", labels, content_type=MERGE)
    wanted = {"one": {"password": value.encode()}}
    # Before the pauses between two tries have grown long.
    eventually(lambda: world.secrets(namespace) == wanted, what="the Secret", timeout=10)


def test_a_store_whose_conditions_cannot_be_read_is_not_ready_and_lets_nobody_in(
    world: World, apiserver: ApiServer, namespace: str, operator: Operator, name: str, canary: Canary
) -> None:
    bad = [{"namespaceSelector": {"matchLables": {"team": "x"}}}]
    world.apply([cluster_store(name, canary("bad conditions"), bad), user(namespace, name)])
    eventually(lambda: ready(apiserver, name).get("status") == "False", what="the store's condition")
    told = ready(apiserver, name)
    assert told["reason"] == "InvalidProviderConfig"
    assert "spec.conditions[0].namespaceSelector.matchLables" in told["message"]
    eventually(
        lambda: world.condition("ExternalSecret", namespace, "one").get("status") == "False",
        what="the refusal",
    )
    assert world.secrets(namespace) == {}


def test_each_class_of_controller_has_its_own_stores(world: World, namespace: str, canary: Canary) -> None:
    value = canary("class")
    stores = [fake_store(namespace, name, {"a": value}) for name in ("mine", "theirs", "anybodys")]
    stores[0]["spec"]["controller"] = "mine"
    stores[1]["spec"]["controller"] = "default"
    names = ("mine", "theirs", "anybodys")
    operator = world.operator("--controller-class=mine")
    operator.start()
    try:
        world.apply(stores + [external_secret(namespace, name, store=name, password="a") for name in names])
        eventually(lambda: set(world.secrets(namespace)) == {"mine", "anybodys"}, what="the Secrets")
        assert world.get("SecretStore", namespace, "theirs").get("status") is None
        assert world.get("ExternalSecret", namespace, "theirs").get("status") is None
    finally:
        assert operator.stop() == 0
        world.clear(namespace)


def test_a_finalizer_that_external_secrets_operator_has_left_holds_no_store_up(
    world: World, namespace: str, operator: Operator, canary: Canary
) -> None:
    held = fake_store(namespace, "held", {"a": canary("held")})
    held["metadata"]["finalizers"] = ["secretstore.externalsecrets.io/finalizer"]
    world.apply([held])
    eventually(lambda: world.condition("SecretStore", namespace, "held"), what="a first look")
    world.delete("SecretStore", namespace, "held")
    eventually(lambda: world.all("SecretStore", namespace) == [], what="the end")


def test_a_cluster_store_logs_in_as_a_service_account_of_whoever_uses_it(
    world: World, apiserver: ApiServer, namespace: str, operator: Operator, name: str, canary: Canary
) -> None:
    value = canary("referent")
    remote, stranger = f"remote-{name}", f"stranger-{name}"
    for place in (remote, stranger):
        apiserver.ensure_namespace(place)
    # Both have such an account; only one may read.
    apiserver.ensure_service_account(stranger, "reader")
    reader(world, remote, namespace)
    store = cluster_store(name, "", [])
    server = {"url": apiserver.url, "caBundle": apiserver.ca_file.read_text()}
    account = {"serviceAccount": {"name": "reader"}}
    kubernetes = {"server": server, "auth": account, "remoteNamespace": remote}
    store["spec"] |= {"provider": {"kubernetes": kubernetes}, "refreshInterval": 1}
    world.apply([secret(remote, "a", {"password": value}), store])
    world.apply([user(place, name) for place in (namespace, stranger)])

    eventually(lambda: ready(apiserver, name).get("reason") == "Valid", what="a valid store")
    status = apiserver.request("GET", f"{STORES}/{name}")["status"]
    assert status["capabilities"] == "ReadWrite"
    whole = {"password": json.dumps({"password": value}, separators=(",", ":")).encode()}
    eventually(lambda: world.secrets(namespace).get("one") == whole, what="the Secret")
    eventually(
        lambda: "(Denied)" in world.condition("ExternalSecret", stranger, "one").get("message", ""),
        what="the refusal",
    )
    assert world.secrets(stranger) == {}
    assert ready(apiserver, name)["status"] == "True", "one user's want of rights is not the store's"
    world.clear(stranger)


def test_a_store_is_looked_at_so_often_and_tells_only_what_changes(
    world: World, apiserver: ApiServer, namespace: str, operator: Operator
) -> None:
    remote = f"remote-{secrets.token_hex(4)}"
    apiserver.ensure_namespace(remote)
    reader(world, remote, namespace)
    server = {"url": apiserver.url, "caBundle": apiserver.ca_file.read_text()}
    account = {"serviceAccount": {"name": "reader"}}
    kubernetes = {"server": server, "auth": account, "remoteNamespace": remote}
    store = fake_store(namespace, "remote", {})
    store["spec"] = {"provider": {"kubernetes": kubernetes}, "refreshInterval": "1s"}
    world.apply([store])

    def told() -> str:
        return str(world.condition("SecretStore", namespace, "remote").get("reason"))

    eventually(lambda: told() == "Valid", what="a valid store")
    binding = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{remote}/rolebindings/reader"
    given = apiserver.request("GET", binding)
    apiserver.request("DELETE", binding)
    eventually(lambda: told() == "InvalidProviderConfig", what="its end to be seen")
    # Anything but what an API server adds.
    given["metadata"] = {"name": "reader"}
    apiserver.request("POST", binding.rpartition("/")[0], given)
    eventually(lambda: told() == "Valid", what="a valid store again")
    checks = len(looks(operator))
    eventually(lambda: len(looks(operator)) > checks + 3, what="some more looks")
    reasons = [event["reason"] for event in world.events(namespace)]
    assert reasons.count("Valid") <= 2


def looks(operator: Operator) -> list[object]:
    """The lines that tell of a look at a SecretStore."""
    return [line for line in operator.lines() if line.get("kind") == "SecretStore"]
