"""Operators that look after a part of the cluster, or not in every way."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.canary import Canary
from tests.e2e.world import Manifest, World, eventually, sealed_secret, whole_secret
from tests.servers.apiserver import ApiServer
from tests.servers.operator import Operator


@pytest.fixture(autouse=True)
def cleared(world: World, namespace: str) -> Iterator[None]:
    yield
    world.clear(namespace)


def labelled(manifest: Manifest, **labels: str) -> Manifest:
    manifest["metadata"]["labels"] = labels
    return manifest


def idle(operator: Operator) -> bool:
    return operator.metric("sealbridge_queue_depth") + operator.metric("sealbridge_queue_working") == 0


def test_a_label_selector_chooses_and_lets_go_without_deleting_anything(
    world: World, namespace: str, canary: Canary
) -> None:
    operator = world.operator("--label-selector=mine,tier in (a, b),!legacy,zone!=x")
    operator.start()
    value, newer = canary("selected"), canary("selected and renewed")
    certificate = operator.certificate()

    def sealed(name: str, text: str, **labels: str) -> Manifest:
        return labelled(sealed_secret(certificate, namespace, name, {"a": text}), **labels)

    try:
        world.apply(
            [
                sealed("chosen", value, mine="", tier="b"),
                sealed("other-tier", value, mine="", tier="c"),
                sealed("legacy", value, mine="", tier="a", legacy="1"),
                sealed("none", value),
            ]
        )
        eventually(lambda: world.secrets(namespace) == {"chosen": {"a": value.encode()}}, what="the Secret")
        eventually(
            lambda: world.condition("SealedSecret", namespace, "chosen").get("status") == "True",
            what="its status",
        )

        gone = "sealbridge_reconcile_duration_seconds_count"
        looks = operator.metric(gone)
        world.apply([sealed("chosen", newer, mine="", tier="c")])
        eventually(lambda: operator.metric(gone) > looks and idle(operator), what="it to be let go")
        world.patch("Secret", namespace, "chosen", {"metadata": {"labels": {"edited": "by-hand"}}})
        world.apply([sealed("other-tier", value, mine="", tier="a")])
        eventually(lambda: "other-tier" in world.secrets(namespace), what="another one that came in")
        eventually(lambda: idle(operator), what="an empty queue")
        assert world.secrets(namespace)["chosen"] == {"a": value.encode()}
        metadata = world.get("Secret", namespace, "chosen")["metadata"]
        assert metadata["labels"]["edited"] == "by-hand"
        status = world.get("SealedSecret", namespace, "chosen")["status"]
        assert status["observedGeneration"] == 1
        assert operator.metric("sealbridge_drift_total") == 0

        world.apply([sealed("chosen", newer, mine="", tier="a")])
        eventually(lambda: world.secrets(namespace)["chosen"] == {"a": newer.encode()}, what="it taken up")
    finally:
        assert operator.stop() == 0


def test_the_switches_of_the_controller_are_heeded(world: World, namespace: str, canary: Canary) -> None:
    """In one life: no status, no target made again, no spec.data, nothing named in metrics."""
    flags = ("--update-status=false", "--skip-recreate", "--metrics-omit-secret-labels")
    operator = world.operator(*flags, "--accept-deprecated-v1-data=false")
    operator.start()
    value = canary("switched")
    certificate = operator.certificate()
    try:
        old = whole_secret(certificate, namespace, "old", {"kind": "Secret", "data": {}})
        world.apply([sealed_secret(certificate, namespace, "one", {"a": value}), old])
        eventually(lambda: world.secrets(namespace) == {"one": {"a": value.encode()}}, what="the Secret")
        eventually(
            lambda: any("flip the feature flag" in (line.get("error") or "") for line in operator.lines()),
            what="a refusal in the log",
        )
        page = operator.fetch("/metrics")[1]
        assert 'name="one"' not in page
        assert 'unseal_errors_total{namespace="' + namespace + '",reason="unseal"} 1.0' in page
        for name in ("one", "old"):
            assert "status" not in world.get("SealedSecret", namespace, name)

        opened = operator.metric("sealbridge_decryptions_total")
        drift = operator.metric("sealbridge_drift_total")
        world.delete("Secret", namespace, "one")
        eventually(
            lambda: operator.metric("sealbridge_drift_total") > drift and idle(operator),
            what="the deletion to be noticed",
        )
        assert world.secrets(namespace) == {}
        assert operator.metric("sealbridge_decryptions_total") == opened
        assert [event["reason"] for event in world.events(namespace) if event["reason"] == "Unsealed"] == [
            "Unsealed"
        ]
        world.patch("SealedSecret", namespace, "one", {"metadata": {"labels": {"a": "b"}}})
        eventually(lambda: "one" in world.secrets(namespace), what="the Secret after an edit")
    finally:
        assert operator.stop() == 0


def test_namespaced_mode_serves_its_own_and_those_listed_even_when_they_come_later(
    world: World, apiserver: ApiServer, namespace: str, canary: Canary
) -> None:
    other, later = f"other-{secrets.token_hex(4)}", f"later-{secrets.token_hex(4)}"
    apiserver.ensure_namespace(other)
    operator = world.operator("--all-namespaces=false", f"--additional-namespaces={namespace},{later}")
    operator.start()
    value = canary("namespaced")
    certificate = operator.certificate()
    try:
        places = (namespace, other, "sealbridge")
        world.apply([sealed_secret(certificate, place, "one", {"a": value}) for place in places])
        for place in (namespace, "sealbridge"):
            eventually(
                lambda place=place: world.secrets(place).get("one") == {"a": value.encode()},
                what=f"the Secret in {place}",
            )
        assert world.secrets(other) == {}
        (told,) = [line for line in operator.lines() if line.get("namespace") == later]
        assert (told["level"], told["error"]) == ("error", "it does not exist")

        apiserver.ensure_namespace(later)
        world.apply([sealed_secret(certificate, later, "one", {"a": value})])
        eventually(
            lambda: world.secrets(later).get("one") == {"a": value.encode()},
            what="the Secret in the namespace that came",
        )
        assert world.secrets(other) == {}
    finally:
        assert operator.stop() == 0
        for place in (other, later):
            world.clear(place)
        world.delete("SealedSecret", "sealbridge", "one")
        world.delete("Secret", "sealbridge", "one")


def test_a_restart_opens_and_writes_nothing_whatever_the_mode_of_the_targets(
    world: World, namespace: str, canary: Canary
) -> None:
    operator = world.operator()
    operator.start()
    value = canary("modes")
    certificate = operator.certificate()
    modes = {
        "retained": {},
        "patched": {"sealedsecrets.bitnami.com/patch": "true"},
        "unowned": {
            "sealedsecrets.bitnami.com/skip-set-owner-references": "true",
            "sealedsecrets.bitnami.com/managed": "true",
        },
        "whole": {},
        "gone": {"sealedsecrets.bitnami.com/patch": "true"},
    }
    manifests = []
    for name, marks in modes.items():
        sealed = sealed_secret(certificate, namespace, name, {"a": value})
        if name == "whole":
            sealed = whole_secret(
                certificate, namespace, name, {"kind": "Secret", "stringData": {"a": value}}
            )
        elif name == "retained":
            sealed["metadata"]["annotations"]["sealbridge.io/on-delete"] = "retain"
        else:
            sealed["spec"]["template"]["metadata"]["annotations"] = marks
        manifests.append(sealed)
    for name in ("patched", "gone"):
        secret = {"metadata": {"name": name, "annotations": modes[name]}, "stringData": {"theirs": "1"}}
        world.server.request("POST", f"/api/v1/namespaces/{namespace}/secrets", secret)
    world.apply(manifests)

    def well() -> bool:
        return all(world.condition("SealedSecret", namespace, name).get("status") == "True" for name in modes)

    eventually(well, what="every status")
    drift = operator.metric("sealbridge_drift_total")
    world.delete("Secret", namespace, "gone")
    eventually(lambda: operator.metric("sealbridge_drift_total") > drift, what="the deletion to be noticed")
    assert operator.stop() == 0
    since = world.server.audit_position()

    operator.start()
    try:
        eventually(
            lambda: operator.metric("sealbridge_reconcile_duration_seconds_count") >= len(modes),
            what="a look at each",
        )
        eventually(lambda: idle(operator), what="an empty queue")
        assert operator.metric("sealbridge_decryptions_total") == 0
        assert [event for event in world.writes(since=since) if event.namespace == namespace] == []
        assert set(world.secrets(namespace)) == modes.keys() - {"gone"}
    finally:
        assert operator.stop() == 0
