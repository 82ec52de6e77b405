"""What somebody who may write SealedSecrets, and nothing else, must not get at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sealbridge.sealing.keys import KEY_LABEL
from tests.canary import Canary
from tests.e2e.world import NAMESPACE, World, eventually, sealed_secret
from tests.sealing_keys import sealing_key
from tests.servers.operator import Operator


@pytest.fixture(scope="module")
def running(world: World) -> Iterator[Operator]:
    made = world.operator()
    made.start()
    yield made
    assert made.stop() == 0


def wait_for_reason(world: World, namespace: str, name: str, reason: str, generation: int) -> None:
    def told() -> bool:
        status = world.get("SealedSecret", namespace, name).get("status") or {}
        now = world.condition("SealedSecret", namespace, name).get("reason")
        return status.get("observedGeneration") == generation and now == reason

    eventually(told, what=f"the reason {reason} of {name}", timeout=20)


def test_a_status_that_names_a_foreign_secret_hands_nothing_over(
    world: World, running: Operator, namespace: str, canary: Canary
) -> None:
    foreign = world.server.request(
        "POST",
        f"/api/v1/namespaces/{namespace}/secrets",
        {"metadata": {"name": "foreign"}, "stringData": {"a": canary("foreign")}},
    )
    sealed = sealed_secret(running.certificate(), namespace, "foreign", {"a": canary("intruder")})
    sealed["metadata"]["annotations"]["sealbridge.io/on-delete"] = "retain"
    world.apply([sealed])
    wait_for_reason(world, namespace, "foreign", "NotOwned", 1)

    forged = world.get("SealedSecret", namespace, "foreign")
    forged["status"]["target"] = {field: foreign["metadata"][field] for field in ("uid", "resourceVersion")}
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets/foreign/status"
    world.server.request("PUT", path, forged)
    world.patch(
        "SealedSecret", namespace, "foreign", {"spec": {"template": {"metadata": {"labels": {"new": "1"}}}}}
    )

    wait_for_reason(world, namespace, "foreign", "NotOwned", 2)
    assert world.get("Secret", namespace, "foreign")["metadata"] == foreign["metadata"]
    world.clear(namespace)


@pytest.mark.parametrize("name", ["brought-in", "sealed-secrets-key"])
def test_no_sealed_secret_brings_in_a_sealing_key(world: World, running: Operator, name: str) -> None:
    """Whose key is the newest can read what all others seal from then on."""
    certificate = running.certificate()
    mine = sealing_key(7).to_secret(name=name, namespace=NAMESPACE)
    items = {item: value.reveal().decode() for item, value in mine.items.items()}
    sealed = sealed_secret(certificate, NAMESPACE, name, items)
    template = sealed["spec"]["template"]
    template["type"] = "kubernetes.io/tls"
    template["metadata"]["labels"] = {KEY_LABEL: "active"} if name == "brought-in" else {}
    world.apply([sealed])
    try:
        wait_for_reason(world, NAMESPACE, name, "Invalid", 1)
        assert name not in world.secrets(NAMESPACE)
        assert running.certificate().fingerprint == certificate.fingerprint
        assert "sealing key" in world.condition("SealedSecret", NAMESPACE, name)["message"]
    finally:
        world.delete("SealedSecret", NAMESPACE, name)


def test_a_sealed_secret_under_the_name_of_a_key_leaves_the_key_alone(
    world: World, running: Operator, canary: Canary
) -> None:
    key = next(
        secret
        for secret in world.all("Secret", NAMESPACE)
        if (secret["metadata"].get("labels") or {}).get(KEY_LABEL) == "active"
    )
    name = key["metadata"]["name"]
    sealed = sealed_secret(running.certificate(), NAMESPACE, name, {"tls.key": canary("no key")})
    sealed["spec"]["template"]["metadata"]["annotations"] = {
        "sealedsecrets.bitnami.com/managed": "true",
        "sealedsecrets.bitnami.com/patch": "true",
    }
    world.apply([sealed])
    try:
        wait_for_reason(world, NAMESPACE, name, "NotOwned", 1)
        left = world.get("Secret", NAMESPACE, name)
        assert (left["metadata"], left["data"]) == (key["metadata"], key["data"])
    finally:
        world.delete("SealedSecret", NAMESPACE, name)
