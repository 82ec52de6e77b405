"""Searches, rewrites, generators and templates of others, by a running operator on a real API server."""

from __future__ import annotations

import uuid
from typing import Any

from tests.e2e.world import Manifest, World, eventually, external_secret, fake_store
from tests.servers.operator import Operator

GENERATORS = "generators.external-secrets.io/v1alpha1"


def generator(kind: str, name: str, spec: dict[str, Any], *, namespace: str = "") -> Manifest:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": GENERATORS, "kind": kind, "metadata": metadata, "spec": spec}


def of(kind: str, name: str) -> Manifest:
    return {"sourceRef": {"generatorRef": {"apiVersion": GENERATORS, "kind": kind, "name": name}}}


def without_store(secret: Manifest) -> Manifest:
    del secret["spec"]["secretStoreRef"], secret["spec"]["data"]
    return secret


def test_what_is_found_is_rewritten_counted_and_rendered_by_a_config_map(
    world: World, operator: Operator, namespace: str
) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "texts", "namespace": namespace},
        "data": {"url": "db://{{ .user }}:{{ .password }}@host"},
    }
    found = external_secret(namespace, "found")
    found["spec"]["dataFrom"] = [
        {
            "find": {"name": {"regexp": "^prod/"}},
            "rewrite": [{"regexp": {"source": "^prod/(.*)$", "target": "$1"}}],
        },
        {"find": {"name": {"regexp": "^gone/"}}},
    ]
    place = {"configMap": {"name": "texts", "items": [{"key": "url"}]}}
    found["spec"]["target"] = {"template": {"templateFrom": [place], "mergePolicy": "Merge"}}
    store = fake_store(namespace, "fake", {"prod/user": "bob", "prod/password": "pw", "test/user": "eve"})

    world.apply([store, config, found])

    eventually(lambda: "found" in world.secrets(namespace), what="a Secret")
    assert world.secrets(namespace)["found"] == {
        "user": b"bob", "password": b"pw", "url": b"db://bob:pw@host",
    }  # fmt: skip
    eventually(
        lambda: world.condition("ExternalSecret", namespace, "found").get("reason") == "NothingFound",
        what="the condition",
    )
    status = world.get("ExternalSecret", namespace, "found")["status"]
    assert status["matches"] == [{"entry": "dataFrom[0]", "count": 2}, {"entry": "dataFrom[1]", "count": 0}]


def test_generators_make_values_that_stay(world: World, operator: Operator, namespace: str) -> None:
    made = without_store(external_secret(namespace, "made"))
    made["spec"]["dataFrom"] = [of("Password", "long"), of("ClusterGenerator", f"{namespace}-id")]
    cluster_generator = generator(
        "ClusterGenerator", f"{namespace}-id", {"kind": "UUID", "generator": {"uuidSpec": {}}}
    )

    world.apply([generator("Password", "long", {"length": 32}, namespace=namespace), cluster_generator, made])
    world.apply([generator("Password", "plain", {}, namespace=namespace)])

    try:
        eventually(lambda: "made" in world.secrets(namespace), what="a Secret")
        values = world.secrets(namespace)["made"]
        # A length of 32 has eight digits and eight symbols.
        assert len(values["password"]) == 32
        assert sum(chr(byte).isdigit() for byte in values["password"]) == 8
        assert uuid.UUID(values["uuid"].decode()).version == 4
        assert operator.stop() == 0
        operator.start()
        world.patch("Secret", namespace, "made", {"metadata": {"annotations": {"seen": "true"}}})
        version = world.get("Secret", namespace, "made")["metadata"]["resourceVersion"]

        def noted() -> bool:
            target = world.get("ExternalSecret", namespace, "made")["status"]["target"]
            return bool(target["resourceVersion"] == version)

        eventually(noted, what="the operator to have looked again")
        assert world.secrets(namespace)["made"] == values
    finally:
        world.server.kubectl("delete", "clustergenerators", f"{namespace}-id")


def test_the_api_server_fills_in_and_refuses_what_the_schemas_say(world: World, namespace: str) -> None:
    world.apply([generator("Password", "empty", {}, namespace=namespace)])
    stored = world.server.request("GET", f"/apis/{GENERATORS}/namespaces/{namespace}/passwords/empty")
    assert stored["spec"] == {"length": 24, "noUpper": False, "allowRepeat": False, "encoding": "raw"}
