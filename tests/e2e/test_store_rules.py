"""What holds for every store, whatever its provider: who may use it, whose it is, what it leaves behind."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.canary import Canary
from tests.e2e.world import Manifest, World, eventually, external_secret, fake_store
from tests.servers.apiserver import ApiServer
from tests.servers.operator import Operator

STORES = "/apis/external-secrets.io/v1/clustersecretstores"
MERGE = "application/merge-patch+json"


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
