"""`sealbridge.io/restart`: who uses a Secret is restarted when its data changes, and only then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.canary import Canary
from tests.e2e.world import Manifest, World, eventually, external_secret, fake_store, sealed_secret
from tests.servers.apiserver import REPOSITORY, ApiServer
from tests.servers.operator import Operator

RIGHTS = REPOSITORY / "deploy" / "kustomize" / "restart"
PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}


@pytest.fixture
def rights(world: World) -> Iterator[None]:
    """What deploy/ has for it, beside the base that every operator has."""
    world.server.kubectl("apply", "-k", RIGHTS)
    yield
    world.server.kubectl("delete", "-k", RIGHTS)


def workload(namespace: str, name: str, kind: str = "Deployment", **pod: Any) -> Manifest:
    spec: Manifest = {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": "none"}], **pod},
        },
    }
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def using(secret: str) -> Manifest:
    return {"containers": [{"name": "main", "image": "none", "envFrom": [{"secretRef": {"name": secret}}]}]}


def restarting(manifest: Manifest) -> Manifest:
    manifest["metadata"].setdefault("annotations", {})["sealbridge.io/restart"] = "true"
    return manifest


def get(world: World, namespace: str, name: str, kind: str = "Deployment") -> Manifest:
    return world.server.request("GET", f"/apis/apps/v1/namespaces/{namespace}/{PLURALS[kind]}/{name}")


def checksum(world: World, namespace: str, name: str, kind: str = "Deployment") -> str | None:
    metadata = get(world, namespace, name, kind)["spec"]["template"]["metadata"]
    annotations: dict[str, str] = metadata.get("annotations") or {}
    return annotations.get("sealbridge.io/checksum-db")


def noted(world: World, namespace: str, name: str = "db", kind: str = "ExternalSecret") -> Manifest:
    return (world.get(kind, namespace, name).get("status") or {}).get("restart") or {}


def is_settled(world: World, namespace: str, name: str = "db", kind: str = "ExternalSecret") -> bool:
    secret = world.get("Secret", namespace, name)["metadata"]
    return noted(world, namespace, name, kind).get("resourceVersion") == secret["resourceVersion"]


def reasons(world: World, namespace: str, about: str) -> list[str]:
    return [
        f"{event['reason']}: {event['message']}"
        for event in world.events(namespace)
        if event["involvedObject"]["name"] == about
    ]


def change(world: World, namespace: str, value: str) -> None:
    """Other data in the store, and the ExternalSecret asked to look at it."""
    world.apply([fake_store(namespace, "fake", {"a": value})])
    world.patch("ExternalSecret", namespace, "db", {"metadata": {"annotations": {"force-sync": value[-12:]}}})
    eventually(lambda: world.secrets(namespace)["db"] == {"password": value.encode()}, what="the new data")


@pytest.mark.usefixtures("rights")
def test_everything_that_uses_the_secret_is_restarted_and_nothing_else(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    before, after = canary("before"), canary("after")
    projected = {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "db"}}]}}]}
    world.apply(
        [
            workload(namespace, "web", **using("db")),
            workload(namespace, "sets", "StatefulSet", **projected),
            workload(namespace, "daemons", "DaemonSet", imagePullSecrets=[{"name": "db"}]),
            workload(namespace, "other", **using("other")),
            workload(namespace, "none"),
            fake_store(namespace, "fake", {"a": before}),
            restarting(external_secret(namespace, "db", password="a")),
        ]
    )
    eventually(lambda: "db" in world.secrets(namespace), what="the Secret")
    eventually(lambda: is_settled(world, namespace), what="the note")
    assert checksum(world, namespace, "web") is None

    change(world, namespace, after)

    eventually(lambda: is_settled(world, namespace), what="the restarts")
    wanted = noted(world, namespace)["checksum"]
    assert checksum(world, namespace, "web") == wanted
    assert checksum(world, namespace, "sets", "StatefulSet") == wanted
    assert checksum(world, namespace, "daemons", "DaemonSet") == wanted
    for name in ("other", "none"):
        assert get(world, namespace, name)["metadata"]["generation"] == 1
    told = "Restarted: restarted Deployment web, StatefulSet sets, DaemonSet daemons for new data of Secret"
    eventually(lambda: f'{told} "db"' in reasons(world, namespace, "db"), what="the event of the owner")
    eventually(
        lambda: (
            reasons(world, namespace, "web")
            == ['Restarted: restarted: Secret "db" of ExternalSecret "db" has new data']
        ),
        what="the event of the workload",
    )
    managers = {
        entry["manager"]: entry["fieldsV1"]
        for entry in get(world, namespace, "web")["metadata"]["managedFields"]
    }
    template = managers["sealbridge"]["f:spec"]["f:template"]
    assert template == {"f:metadata": {"f:annotations": {".": {}, "f:sealbridge.io/checksum-db": {}}}} or (
        template == {"f:metadata": {"f:annotations": {"f:sealbridge.io/checksum-db": {}}}}
    )


@pytest.mark.usefixtures("rights")
def test_a_restart_of_the_operator_and_new_metadata_restart_nothing(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    value = canary("value")
    world.apply(
        [
            workload(namespace, "web", **using("db")),
            fake_store(namespace, "fake", {"a": value}),
            restarting(external_secret(namespace, "db", password="a")),
        ]
    )
    eventually(lambda: "db" in world.secrets(namespace), what="the Secret")
    eventually(lambda: is_settled(world, namespace), what="the note")
    first = noted(world, namespace)["checksum"]
    operator.kill()
    since = world.server.audit_position()
    operator.start()
    eventually(lambda: operator.metric("sealbridge_reconcile_duration_seconds_count"), what="a look")
    assert not [one for one in world.writes(since=since) if one.request.resource != "events"]

    world.patch("ExternalSecret", namespace, "db", {"metadata": {"labels": {"team": "shop"}}})
    eventually(
        lambda: world.get("Secret", namespace, "db")["metadata"]["labels"].get("team"), what="the label"
    )
    eventually(lambda: is_settled(world, namespace), what="the note")

    assert noted(world, namespace)["checksum"] == first
    assert get(world, namespace, "web")["metadata"]["generation"] == 1


@pytest.mark.usefixtures("rights")
def test_what_changed_while_nobody_looked_is_caught_up_with(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    """As after a crash between the write of the Secret and the restart: nobody has seen the new data."""
    world.apply(
        [
            workload(namespace, "web", **using("db")),
            fake_store(namespace, "fake", {"a": canary("first")}),
            restarting(external_secret(namespace, "db", password="a")),
        ]
    )
    eventually(lambda: "db" in world.secrets(namespace), what="the Secret")
    eventually(lambda: is_settled(world, namespace), what="the note")
    operator.kill()
    world.apply([fake_store(namespace, "fake", {"a": canary("second")})])
    secret = world.get("Secret", namespace, "db")
    world.patch("ExternalSecret", namespace, "db", {"metadata": {"annotations": {"force-sync": "2"}}})
    without_rights = world.operator()
    world.server.kubectl("delete", "-k", RIGHTS)
    without_rights.start()
    eventually(
        lambda: (
            world.get("Secret", namespace, "db")["metadata"]["resourceVersion"]
            != secret["metadata"]["resourceVersion"]
        ),
        what="the new data",
    )
    without_rights.kill()
    assert checksum(world, namespace, "web") is None
    world.server.kubectl("apply", "-k", RIGHTS)

    operator.start()

    eventually(lambda: checksum(world, namespace, "web"), what="the restart")
    eventually(lambda: is_settled(world, namespace), what="the note")
    assert get(world, namespace, "web")["metadata"]["generation"] == 2


@pytest.mark.usefixtures("rights")
def test_who_applies_a_workload_again_finds_no_field_of_his_changed(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    """kubectl and Helm as clients, Argo CD and Flux by server-side apply: no conflict, nothing reverted."""
    applied = workload(namespace, "web", **using("db"))
    manifest = json.dumps(applied)
    by_server = ("apply", "--server-side", "--field-manager=kustomize-controller", "-f", "-")
    world.apply([applied, fake_store(namespace, "fake", {"a": canary("before")})])
    served = json.dumps(workload(namespace, "served", **using("db")))
    world.server.kubectl(*by_server, stdin=served)
    world.apply([restarting(external_secret(namespace, "db", password="a"))])
    eventually(lambda: "db" in world.secrets(namespace), what="the Secret")
    eventually(lambda: is_settled(world, namespace), what="the note")
    change(world, namespace, canary("after"))
    eventually(lambda: checksum(world, namespace, "web"), what="the restart")
    eventually(lambda: checksum(world, namespace, "served"), what="the other")
    before = {name: get(world, namespace, name)["metadata"]["generation"] for name in ("web", "served")}

    world.server.kubectl("apply", "-f", "-", stdin=manifest)
    world.server.kubectl(*by_server, stdin=served)

    for name, generation in before.items():
        assert get(world, namespace, name)["metadata"]["generation"] == generation == 2
        assert checksum(world, namespace, name) == noted(world, namespace)["checksum"]


def test_an_operator_of_single_namespaces_restarts_where_it_is_bound(
    world: World, namespace: str, canary: Canary
) -> None:
    world.server.kubectl("apply", "-f", RIGHTS / "clusterrole.yaml")
    account = "--serviceaccount=sealbridge:sealbridge"
    world.server.kubectl(
        *("create", "rolebinding", "restart", "-n", namespace), "--clusterrole=sealbridge-restart", account
    )
    operator = world.operator(f"--watch-namespaces={namespace}")
    operator.start()
    try:
        world.apply(
            [
                workload(namespace, "web", **using("db")),
                fake_store(namespace, "fake", {"a": canary("before")}),
                restarting(external_secret(namespace, "db", password="a")),
            ]
        )
        eventually(lambda: "db" in world.secrets(namespace), what="the Secret")
        eventually(lambda: is_settled(world, namespace), what="the note")
        change(world, namespace, canary("after"))
        eventually(lambda: checksum(world, namespace, "web"), what="the restart")
        eventually(lambda: is_settled(world, namespace), what="the note")
    finally:
        assert operator.stop() == 0
        world.clear(namespace)
        world.server.kubectl("delete", "clusterrole", "sealbridge-restart")


def test_a_missing_right_is_told_and_keeps_nothing_from_being_synced(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    world.apply(
        [
            workload(namespace, "web", **using("db")),
            fake_store(namespace, "fake", {"a": canary("before")}),
            restarting(external_secret(namespace, "db", password="a")),
        ]
    )
    eventually(lambda: "db" in world.secrets(namespace), what="the Secret")
    eventually(lambda: is_settled(world, namespace), what="the note")

    change(world, namespace, canary("after"))

    eventually(
        lambda: any(
            reason.startswith("RestartFailed: ") and "deploy/kustomize/restart" in reason
            for reason in reasons(world, namespace, "db")
        ),
        what="the event",
    )
    assert world.condition("ExternalSecret", namespace, "db")["status"] == "True"
    assert checksum(world, namespace, "web") is None


@pytest.mark.usefixtures("rights")
def test_a_sealed_secret_restarts_as_well_and_leaves_alone_what_is_paused_or_opted_out(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    certificate = operator.certificate()
    paused = workload(namespace, "paused", **using("db"))
    paused["spec"]["paused"] = True
    out = workload(namespace, "out", **using("db"))
    out["metadata"]["annotations"] = {"sealbridge.io/restart": "false"}
    sealed = restarting(sealed_secret(certificate, namespace, "db", {"a": canary("before")}))
    world.apply([workload(namespace, "web", **using("db")), paused, out, sealed])
    eventually(lambda: "db" in world.secrets(namespace), what="the Secret")
    eventually(lambda: is_settled(world, namespace, kind="SealedSecret"), what="the note")

    world.apply([restarting(sealed_secret(certificate, namespace, "db", {"a": canary("after")}))])

    eventually(lambda: checksum(world, namespace, "web"), what="the restart")
    eventually(lambda: is_settled(world, namespace, kind="SealedSecret"), what="the note")
    assert checksum(world, namespace, "paused") is None
    assert checksum(world, namespace, "out") is None
    eventually(
        lambda: any(
            reason.startswith("RestartSkipped: not restarted: Deployment out") and "paused" in reason
            for reason in reasons(world, namespace, "db")
        ),
        what="the event",
    )
    # Sealed anew with the same values: nothing to do.
    generation = get(world, namespace, "web")["metadata"]["generation"]
    operator.stop()
    world.patch(
        "SealedSecret", namespace, "db", {"metadata": {"annotations": {"sealbridge.io/restart": None}}}
    )
    operator.start()
    eventually(lambda: not noted(world, namespace, kind="SealedSecret"), what="the note to go")
    assert get(world, namespace, "web")["metadata"]["generation"] == generation


@pytest.mark.usefixtures("rights")
def test_workloads_are_restarted_one_after_the_other_and_each_not_too_often(
    world: World, apiserver: ApiServer, namespace: str, canary: Canary
) -> None:
    operator = world.operator("--restart-interval=1h")
    operator.start()
    try:
        world.apply(
            [
                workload(namespace, "web", **using("db")),
                fake_store(namespace, "fake", {"a": canary("one")}),
                restarting(external_secret(namespace, "db", password="a")),
            ]
        )
        eventually(lambda: "db" in world.secrets(namespace), what="the Secret")
        eventually(lambda: is_settled(world, namespace), what="the note")
        change(world, namespace, canary("two"))
        eventually(lambda: is_settled(world, namespace), what="the restart")
        second = checksum(world, namespace, "web")
        assert second is not None

        change(world, namespace, canary("three"))
        since = apiserver.audit_position()
        change(world, namespace, canary("four"))
        eventually(
            lambda: any(
                event.request.verb == "list" and event.request.resource == "daemonsets"
                for event in apiserver.audit_events(user=world.user, since=since)
            ),
            what="a look at the workloads",
        )
        assert checksum(world, namespace, "web") == second
        assert not is_settled(world, namespace)
    finally:
        assert operator.stop() == 0
        world.clear(namespace)
