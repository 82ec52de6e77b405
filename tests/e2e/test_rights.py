"""The rights that deploy/ ships, held against what the operator asks for."""

from __future__ import annotations

import secrets

import yaml

from tests.canary import Canary
from tests.e2e.world import (
    Manifest,
    World,
    eventually,
    external_secret,
    fake_store,
    push_secret,
    sealed_secret,
    vault_store,
)
from tests.servers.apiserver import REPOSITORY, ApiServer

GENERATORS = "generators.external-secrets.io/v1alpha1"

# Of an event that happens again after minutes.
AFTER_A_WHILE = {"patch events"}


def granted(file: str) -> set[str]:
    role = yaml.safe_load((REPOSITORY / "deploy" / "kustomize" / "base" / file).read_text())
    return {
        f"{verb} {resource}"
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_roles_grant_what_is_asked_for_and_nothing_else(
    world: World, apiserver: ApiServer, namespace: str, canary: Canary
) -> None:
    value = canary("rights")
    since = apiserver.audit_position()
    operator = world.operator()
    operator.start()
    try:
        cluster_store: Manifest = fake_store(namespace, f"rights-{namespace}", {"a": value})
        cluster_store["kind"] = "ClusterSecretStore"
        del cluster_store["metadata"]["namespace"]
        name = cluster_store["metadata"]["name"]
        cluster_store["metadata"]["finalizers"] = ["secretstore.externalsecrets.io/finalizer"]
        cluster_store["spec"]["conditions"] = [{"namespaceSelector": {"matchLabels": {"nobody": "has"}}}]
        refused = external_secret(namespace, "refused", store=name, password="a")
        refused["spec"]["secretStoreRef"]["kind"] = "ClusterSecretStore"
        unreachable = vault_store(namespace, "vault", "https://127.0.0.1:1", "token", path="secret")
        unreachable["spec"]["provider"]["vault"]["caProvider"] = {
            "type": "ConfigMap",
            "name": "none",
            "key": "ca.crt",
        }
        # Whether its service account is there or not, a token for it is asked for.
        elsewhere: Manifest = {
            "apiVersion": "external-secrets.io/v1",
            "kind": "SecretStore",
            "metadata": {
                "name": "elsewhere",
                "namespace": namespace,
                "finalizers": ["secretstore.externalsecrets.io/finalizer"],
            },
            "spec": {"provider": {"kubernetes": {"auth": {"serviceAccount": {"name": "nobody"}}}}},
        }
        generated = external_secret(namespace, "generated", store="fake")
        generated["spec"]["dataFrom"] = [
            {"sourceRef": {"generatorRef": {"apiVersion": GENERATORS, "kind": kind, "name": "none"}}}
            for kind in ("Password", "UUID", "Fake", "ClusterGenerator")
        ]
        pushed = push_secret(namespace, "pushed", source="token", store="fake", token="pushed")
        pushed["spec"]["deletionPolicy"] = "Delete"
        open_store: Manifest = fake_store(namespace, f"open-{namespace}", {})
        open_store["kind"] = "ClusterSecretStore"
        del open_store["metadata"]["namespace"]
        pushed["spec"]["secretStoreRefs"] += [
            {"name": open_store["metadata"]["name"], "kind": "ClusterSecretStore"}
        ]
        finalized = external_secret(namespace, "finalized", password="a")
        finalized["spec"]["target"] = {"deletionPolicy": "Delete"}
        fan: Manifest = {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ClusterExternalSecret",
            "metadata": {
                "name": f"fan-{namespace}",
                "finalizers": ["externalsecrets.external-secrets.io/clusterexternalsecret-cleanup"],
            },
            "spec": {
                "externalSecretName": "fan",
                "externalSecretSpec": external_secret("", "", password="a")["spec"],
                "namespaces": [namespace],
            },
        }
        sealed = sealed_secret(operator.certificate(), namespace, "sealed", {"a": value})
        world.apply(
            [
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": "token", "namespace": namespace},
                    "stringData": {"token": value},
                },
                sealed,
                cluster_store,
                refused,
                unreachable,
                elsewhere,
                generated,
                finalized,
                fan,
                open_store,
                pushed,
                fake_store(namespace, "fake", {"a": value}),
                external_secret(namespace, "moves", password="a"),
            ]
        )
        eventually(
            lambda: {"sealed", "moves", "finalized", "fan"} <= set(world.secrets(namespace)),
            what="the Secrets",
        )
        fan["spec"]["externalSecretSpec"]["refreshInterval"] = "2h"
        world.apply([fan])
        eventually(
            lambda: world.get("ExternalSecret", namespace, "fan")["spec"]["refreshInterval"] == "2h",
            what="an edit for many",
        )
        fan["spec"]["namespaces"] = []
        world.apply([fan])
        eventually(
            lambda: "fan" not in {one["metadata"]["name"] for one in world.all("ExternalSecret", namespace)},
            what="it to be left out",
        )
        world.delete("Secret", namespace, "fan")
        world.patch("Secret", namespace, "sealed", {"data": {"a": None}})
        world.patch("ExternalSecret", namespace, "moves", {"spec": {"target": {"name": "moved"}}})

        eventually(
            lambda: set(world.secrets(namespace)) == {"token", "sealed", "moved", "finalized"},
            what="the move",
        )
        world.delete("Secret", namespace, "moved")
        eventually(lambda: "moved" in world.secrets(namespace), what="it made anew")
        eventually(
            lambda: world.condition("SecretStore", namespace, "vault").get("message"), what="a store's status"
        )
        eventually(
            lambda: "condition" in world.condition("ExternalSecret", namespace, "refused").get("message", ""),
            what="a refusal",
        )

        def reads_a_cluster_store() -> bool:
            # What the watch or another has just brought is not read.
            labels = {"again": secrets.token_hex(4)}
            world.patch("ExternalSecret", namespace, "refused", {"metadata": {"labels": labels}})
            requests = [event.request for event in apiserver.audit_events(user=world.user, since=since)]
            return any((one.verb, one.resource) == ("get", "clustersecretstores") for one in requests)

        eventually(reads_a_cluster_store, what="a read of a cluster's store")
        eventually(
            lambda: world.condition("SecretStore", namespace, "elsewhere").get("message"),
            what="a token's end",
        )
        world.delete("SecretStore", namespace, "elsewhere")
        apiserver.kubectl("delete", "clustersecretstores", name, "--timeout=30s")
        eventually(
            lambda: world.condition("ExternalSecret", namespace, "generated").get("message"),
            what="generators that are not there",
        )
        eventually(
            lambda: world.condition("PushSecret", namespace, "pushed").get("reason") == "Synced",
            what="a push",
        )
        eventually(lambda: world.secrets(namespace)["sealed"] == {"a": value.encode()}, what="a repair")
    finally:
        assert operator.stop() == 0
        world.clear(namespace)
        world.sweep_away()

    # Watches are in the log once they have ended.
    asked = {
        f"{event.request.verb} {'/'.join(filter(None, event.request[1:]))}"
        for event in apiserver.audit_events(user=world.user, since=since)
    }
    rights = granted("clusterrole.yaml")
    assert asked - rights == set()
    assert rights - asked <= AFTER_A_WHILE
    assert granted("role.yaml") <= rights


def test_restarts_need_the_rights_that_are_shipped_for_them_and_no_others(
    world: World, apiserver: ApiServer, namespace: str, canary: Canary
) -> None:
    rights = REPOSITORY / "deploy" / "kustomize" / "restart"
    apiserver.kubectl("apply", "-k", rights)
    since = apiserver.audit_position()
    operator = world.operator()
    operator.start()
    try:
        pod = {"containers": [{"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": "db"}}]}]}
        labels = {"app": "web"}
        spec = {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        }
        wanted = external_secret(namespace, "db", password="a")
        wanted["metadata"]["annotations"] = {"sealbridge.io/restart": "true"}
        metadata = {"name": "web", "namespace": namespace}
        world.apply(
            [
                {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
                {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec},
                {
                    "apiVersion": "apps/v1",
                    "kind": "StatefulSet",
                    "metadata": metadata,
                    "spec": {**spec, "serviceName": "web"},
                },
                fake_store(namespace, "fake", {"a": canary("one")}),
                wanted,
            ]
        )
        eventually(
            lambda: (world.get("ExternalSecret", namespace, "db").get("status") or {}).get("restart"),
            what="the first look",
        )
        world.apply([fake_store(namespace, "fake", {"a": canary("two")})])
        world.patch("ExternalSecret", namespace, "db", {"metadata": {"annotations": {"force-sync": "2"}}})
        eventually(
            lambda: sum(event["reason"] == "Restarted" for event in world.events(namespace)) == 4,
            what="the restarts",
        )
    finally:
        assert operator.stop() == 0
        world.clear(namespace)
        apiserver.kubectl("delete", "-k", rights)

    asked = {
        f"{event.request.verb} {'/'.join(filter(None, event.request[1:]))}"
        for event in apiserver.audit_events(user=world.user, since=since)
    }
    more = {
        f"{verb} {resource}"
        for rule in yaml.safe_load((rights / "clusterrole.yaml").read_text())["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert asked - granted("clusterrole.yaml") == more
