"""The CRD goes, and every SealedSecret with it: what was retained stays and is taken up again."""

from __future__ import annotations

from tests.canary import Canary
from tests.e2e.world import World, eventually, sealed_secret
from tests.servers.operator import Operator


def test_retained_secrets_outlive_the_crd_and_are_adopted_without_a_write(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    value = canary("outlives the CRD")
    certificate = operator.certificate()
    sealed = sealed_secret(certificate, namespace, "kept", {"a": value})
    sealed["metadata"]["annotations"]["sealbridge.io/on-delete"] = "retain"

    def ready() -> bool:
        return world.condition("SealedSecret", namespace, "kept").get("status") == "True"

    world.apply([sealed])
    eventually(ready, what="the status")
    before = world.get("Secret", namespace, "kept")["metadata"]
    assert "ownerReferences" not in before
    try:
        world.server.kubectl("delete", "crd", "sealedsecrets.bitnami.com", "--wait=true")
        eventually(
            lambda: any(
                line.get("kind") == "SealedSecret" and "cannot be watched" in line["msg"]
                for line in operator.lines()
            ),
            what="the operator to notice",
            timeout=120,
        )
        assert operator.fetch("/healthz")[0] == 200
        assert world.secrets(namespace)["kept"] == {"a": value.encode()}
    finally:
        world.server.install_crds()

    world.apply([sealed])
    eventually(ready, what="the status of the new object", timeout=120)
    after = world.get("Secret", namespace, "kept")["metadata"]
    assert (after["uid"], after["resourceVersion"]) == (before["uid"], before["resourceVersion"])

    newer = canary("outlives the CRD, renewed")
    again = sealed_secret(certificate, namespace, "kept", {"a": newer})
    again["metadata"]["annotations"]["sealbridge.io/on-delete"] = "retain"
    world.apply([again])
    eventually(lambda: world.secrets(namespace)["kept"] == {"a": newer.encode()}, what="the new value")
