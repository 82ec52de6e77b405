"""Objects that are unlike others, and an end in the middle of work, on a real API server."""

from __future__ import annotations

import time
from contextlib import suppress

from tests.canary import Canary
from tests.e2e.world import Manifest, World, eventually, sealed_secret
from tests.servers.apiserver import ApiError
from tests.servers.operator import Operator

PATH = "/apis/bitnami.com/v1alpha1/namespaces/{}/sealedsecrets"


def create(world: World, manifest: Manifest) -> None:
    world.server.request("POST", PATH.format(manifest["metadata"]["namespace"]), manifest)


def synced(world: World, namespace: str, name: str) -> str:
    return str(world.condition("SealedSecret", namespace, name, "Synced").get("status", ""))


def test_odd_objects_become_secrets_of_their_own_namespace(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    certificate = operator.certificate()
    name = ".".join(["n" * 49] * 5)  # an event's name is made of its first 200 characters, the last a dot
    items = {"text": canary("odd") + " schlüssel \U0001f511\x00"}
    bare, astray, long = (
        sealed_secret(certificate, namespace, one, items) for one in ("bare", "astray", name)
    )
    bare["metadata"] |= {"labels": None, "annotations": None}
    bare["spec"]["template"]["metadata"] |= {"labels": None, "annotations": None}
    astray["spec"]["template"]["metadata"] |= {"namespace": "kube-system", "name": "elsewhere"}

    for manifest in (bare, astray, long):
        create(world, manifest)

    expected = {key: value.encode() for key, value in items.items()}
    eventually(
        lambda: world.secrets(namespace) == dict.fromkeys(("bare", "astray", name), expected), what="Secrets"
    )
    assert "elsewhere" not in world.secrets("kube-system")
    eventually(lambda: len(world.events(namespace)) == 3, what="an event of each")
    assert not any(".." in event["metadata"]["name"] for event in world.events(namespace))


def test_what_a_secret_cannot_hold_is_said_once(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    value = canary("too much of it")
    items = {f"item-{number}": value + "x" * 100_000 for number in range(11)}
    large = sealed_secret(operator.certificate(), namespace, "large", items)
    labels = sealed_secret(operator.certificate(), namespace, "labels", {"a": value})
    labels["spec"]["template"]["metadata"]["labels"] = {"a": f"no label: {canary('as a label')}"}
    before = world.server.audit_position()

    create(world, large)
    create(world, labels)

    for name in ("large", "labels"):
        eventually(lambda name=name: synced(world, namespace, name) == "False", what="a condition")
    assert "data: Too long" in world.condition("SealedSecret", namespace, "large", "Synced")["message"]
    message = world.condition("SealedSecret", namespace, "labels", "Synced")["message"]
    assert message == "the API server refuses the object: metadata.labels: invalid value"
    eventually(lambda: len(world.events(namespace)) == 2, what="an event of each")
    tries = [event for event in world.writes(since=before) if event.request.resource == "secrets"]
    assert len([event for event in tries if event.namespace == namespace]) == 2
    assert operator.metric("sealbridge_queue_delayed") == 0


def test_a_status_that_has_no_room_left_is_not_tried_for_ever(
    world: World, operator: Operator, namespace: str
) -> None:
    items = {f"item-{number}": "x" * 100_000 for number in range(10)}
    sealed = sealed_secret(operator.certificate(), namespace, "full", items)
    before = world.server.audit_position()
    # Less and less, until it just fits into what etcd takes.
    for padding in range(250_000, 100_000, -250):
        sealed["metadata"]["annotations"] = {"padding": "x" * padding}
        with suppress(ApiError):
            create(world, sealed)
            break

    eventually(lambda: "full" in world.secrets(namespace), what="the Secret")
    eventually(
        lambda: [event["reason"] for event in world.events(namespace)] == ["ErrUpdateFailed"], what="an event"
    )

    assert "too large for the API server" in world.events(namespace)[0]["message"]
    assert synced(world, namespace, "full") == ""
    written = [event for event in world.writes(since=before) if event.request.subresource == "status"]
    assert len([event for event in written if event.namespace == namespace]) == 1
    assert operator.metric("sealbridge_queue_delayed") == 0


def test_sigterm_in_the_middle_of_the_work_ends_it_soon_and_the_next_start_finishes(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    certificate = operator.certificate()
    value = canary("in the middle")
    items = {f"item-{number}": value for number in range(5)}
    names = [f"sealed-{number}" for number in range(200)]
    operator.stop()
    world.apply(sealed_secret(certificate, namespace, name, items) for name in names)
    operator.start()
    began = time.monotonic()

    assert operator.stop() == 0

    assert time.monotonic() - began < 10
    operator.start()
    eventually(lambda: sorted(world.secrets(namespace)) == sorted(names), what="all Secrets")
    eventually(
        lambda: all(
            (obj.get("status") or {}).get("conditions") for obj in world.all("SealedSecret", namespace)
        ),
        what="every status",
    )
