"""What is refused when it is applied, and what is told of that which no schema refuses."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.kube import crds
from tests.canary import Canary
from tests.e2e.world import NAMESPACE, Manifest, World, eventually, fake_store
from tests.servers.apiserver import ApiServer
from tests.servers.operator import Operator
from tests.violations import VIOLATIONS, Violation, manifest

EXTERNAL_SECRETS = "externalsecrets.external-secrets.io"
TOLD = [violation for violation in VIOLATIONS if not violation.field]
REFUSED = [violation for violation in VIOLATIONS if violation.field == "spec.target"]


def named(violations: list[Violation], namespace: str) -> list[tuple[Manifest, Violation]]:
    made = []
    for number, violation in enumerate(violations):
        obj = manifest(violation.spec, f"es{number}")
        obj["metadata"]["namespace"] = namespace
        made.append((obj, violation))
    return made


def test_what_no_schema_can_tell_is_told_as_a_condition(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    made = named(TOLD, namespace)
    world.apply([fake_store(namespace, "fake", {"a": canary("value")}), *(obj for obj, _ in made)])
    for obj, violation in made:
        name = obj["metadata"]["name"]
        eventually(
            lambda name=name: world.condition("ExternalSecret", namespace, name).get("status") == "False",
            what=f"the condition of {violation.name}",
        )
        assert violation.says in world.condition("ExternalSecret", namespace, name)["message"]
    assert world.secrets(namespace) == {}


def lenient(definition: dict[str, Any]) -> dict[str, Any]:
    """The CRD as it was before it refused anything."""
    definition = deepcopy(definition)
    for version in definition["spec"]["versions"]:
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        del spec["anyOf"], spec["properties"]["target"]["not"]
    return definition


def test_what_was_there_before_it_was_refused_is_told_by_an_event_and_holds_up_nothing(
    own_apiserver: ApiServer, tmp_path: Path, canary: Canary
) -> None:
    server, value = own_apiserver, canary("value")
    server.ensure_namespace(NAMESPACE)
    world = World(server, tmp_path)  # with the CRDs as they are
    older = tmp_path / "older.yaml"
    older.write_text(yaml.safe_dump(lenient(crds.definitions()[EXTERNAL_SECRETS])))
    server.kubectl("apply", "-f", older)
    server.ensure_namespace("shop")
    made = named(REFUSED, "shop")
    good = manifest({}, "good")
    good["metadata"]["namespace"] = "shop"

    def is_taken() -> bool:
        try:
            world.apply([fake_store("shop", "fake", {"a": value}), *(obj for obj, _ in made), good])
        except RuntimeError:
            return False
        return True

    eventually(is_taken, what="the older definition to be served")
    server.install_crds()

    def is_refused() -> bool:
        again = deepcopy(made[0][0])
        again["metadata"]["name"] = "again"
        try:
            server.kubectl("create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(again))
        except RuntimeError as error:
            return '"spec.target" must not validate' in str(error)
        return False

    eventually(is_refused, what="the definition that refuses")
    operator = world.operator()
    operator.start()

    eventually(lambda: world.secrets("shop") == {"good": {"x": value.encode()}}, what="the good one")

    def told() -> dict[str, str]:
        events = [event for event in world.events("shop") if event["reason"] == "UpdateFailed"]
        return {event["involvedObject"]["name"]: event["message"] for event in events}

    eventually(lambda: told().keys() == {obj["metadata"]["name"] for obj, _ in made}, what="the events")
    for obj, violation in made:
        assert violation.says in told()[obj["metadata"]["name"]]
    assert operator.stop() == 0


CLIMBING = "x/../../../other/serviceaccounts/reader"


@pytest.mark.parametrize(
    ("field", "config"),
    [
        ("remoteNamespace", {"remoteNamespace": "x/../../other"}),
        ("remoteNamespace", {"remoteNamespace": "Other"}),
        ("remoteNamespace", {"remoteNamespace": "a" * 64}),
        ("auth.serviceAccount.name", {"auth": {"serviceAccount": {"name": CLIMBING}}}),
        ("auth", {"auth": {"serviceAccount": {"name": "a"}, "token": {"bearerToken": {"name": "b"}}}}),
        ("authRef.key", {"authRef": {"name": "a", "key": "../b"}}),
    ],
)
def test_a_name_that_is_none_is_refused_when_a_store_is_applied(
    world: World, namespace: str, field: str, config: dict[str, Any]
) -> None:
    """The operator refuses it as well: its own checks do not hang on the CRD that is installed."""
    store = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {"name": "s", "namespace": namespace},
        "spec": {"provider": {"kubernetes": config}},
    }
    with pytest.raises(RuntimeError, match=re.escape(f"spec.provider.kubernetes.{field}")):
        world.apply([store])
