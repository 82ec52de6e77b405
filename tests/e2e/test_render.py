"""`sealbridge render` against a real API server: what it tells, what it may, and that it writes nothing."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sealbridge.manifests import dump_yaml
from tests.canary import Canary
from tests.e2e.world import Manifest, World, eventually, external_secret, fake_store
from tests.servers.apiserver import ApiError, Request
from tests.servers.odd import OddServer, odd_server
from tests.servers.odd import Request as OddRequest

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "sealbridge")
RBAC = "rbac.authorization.k8s.io"

# As docs/render.md has them.
RIGHTS = [
    {
        "apiGroups": ["external-secrets.io"],
        "resources": ["externalsecrets", "secretstores"],
        "verbs": ["get"],
    },
    {"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["get"]},
]
CLUSTER_RIGHTS = [
    {"apiGroups": ["external-secrets.io"], "resources": ["clustersecretstores"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
]
TOKENS = [{"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}]


class Person(NamedTuple):
    """Somebody with the rights that the documents ask for, in one namespace."""

    namespace: str
    user: str
    kubeconfig: Path


class Printed(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def objects(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in json.loads(self.out)["externalSecrets"]}


class Desk:
    """Where a person types, in one namespace. All that is printed is searched for values."""

    def __init__(self, world: World, person: Person, canary: Canary, folder: Path) -> None:
        self.world, self.person, self._canary = world, person, canary
        self._file = folder / "render.yaml"

    def render(self, manifests: list[Manifest], *arguments: str) -> Printed:
        self._file.write_text(dump_yaml(manifests))
        done = subprocess.run(
            [
                PROGRAM,
                "render",
                "-f",
                str(self._file),
                "--kubeconfig",
                str(self.person.kubeconfig),
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self._canary.seen(done.stdout, "stdout of render")
        self._canary.seen(done.stderr, "stderr of render")
        return Printed(done.returncode, done.stdout, done.stderr)

    def json(self, manifests: list[Manifest], *arguments: str) -> Printed:
        return self.render(manifests, "-o", "json", *arguments)


def grant(
    world: World, person_namespace: str, namespace: str, rules: list[Any], *, cluster: bool = False
) -> None:
    name = f"render-{secrets.token_hex(4)}"
    kind = "ClusterRole" if cluster else "Role"
    root = f"/apis/{RBAC}/v1" + ("" if cluster else f"/namespaces/{namespace}")
    world.server.request("POST", f"{root}/{kind.lower()}s", {"metadata": {"name": name}, "rules": rules})
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "person", "namespace": person_namespace}],
    }
    world.server.request("POST", f"{root}/{kind.lower()}bindings", binding)


@pytest.fixture
def desk(world: World, namespace: str, canary: Canary, tmp_path: Path) -> Iterator[Desk]:
    token = world.server.token_for(namespace, "person")
    kubeconfig = world.server.kubeconfig_for(token, namespace=namespace)
    grant(world, namespace, namespace, RIGHTS)
    grant(world, namespace, namespace, CLUSTER_RIGHTS, cluster=True)
    person = Person(namespace, f"system:serviceaccount:{namespace}:person", kubeconfig)
    yield Desk(world, person, canary, tmp_path)
    world.clear(namespace)
    world.server.kubectl("delete", "clustersecretstores", "--all", "--wait=false")


def versions(world: World, namespace: str) -> dict[str, str]:
    """The resourceVersion of all that a rendering could have written to."""
    kinds = ("ExternalSecret", "SecretStore", "Secret", "ConfigMap", "Event")
    return {
        f"{kind} {one['metadata']['name']}": one["metadata"]["resourceVersion"]
        for kind in kinds
        for one in world.all(kind, namespace)
    }


def secret(namespace: str, name: str, items: dict[str, str], **metadata: Any) -> Manifest:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in items.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "data": data,
    }


def without_namespace(manifest: Manifest) -> Manifest:
    del manifest["metadata"]["namespace"]
    return manifest


def test_nothing_is_written_and_only_what_is_documented_is_asked(
    world: World, desk: Desk, canary: Canary
) -> None:
    """By the audit log of the API server. No operator has ever looked at the store."""
    namespace = desk.person.namespace
    source = f"{namespace}-source"
    world.server.ensure_namespace(source)
    grant(world, namespace, namespace, TOKENS)
    world.server.ensure_service_account(namespace, "reader")
    world.server.request(
        "POST",
        f"/apis/{RBAC}/v1/namespaces/{source}/rolebindings",
        {
            "metadata": {"name": "reader"},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view-secrets"},
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
        },
    )
    world.apply(
        [
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "ClusterRole",
                "metadata": {"name": "view-secrets"},
                "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}],
            },
            secret(source, "origin", {"password": canary("origin")}),
            {
                "apiVersion": "external-secrets.io/v1",
                "kind": "SecretStore",
                "metadata": {"name": "here", "namespace": namespace},
                "spec": {
                    "provider": {
                        "kubernetes": {
                            "server": {
                                "url": world.server.url,
                                "caBundle": base64.b64encode(world.server.ca_file.read_bytes()).decode(),
                            },
                            "remoteNamespace": source,
                            "auth": {"serviceAccount": {"name": "reader"}},
                        }
                    }
                },
            },
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "templates", "namespace": namespace},
                "data": {"url": "postgres://{{ .password }}"},
            },
        ]
    )
    wanted = external_secret(
        namespace, "db", store="here", password={"key": "origin", "property": "password"}
    )
    template = {"templateFrom": [{"configMap": {"name": "templates", "items": [{"key": "url"}]}}]}
    wanted["spec"]["target"] = {"template": template}
    broken = external_secret(namespace, "broken", store="here", a={"key": "nothing", "property": "x"})
    before, position = versions(world, namespace), world.server.audit_position()

    printed = desk.json([wanted, broken], "--store-allowed-networks", "127.0.0.0/8")

    assert printed.code == 1, printed.err
    assert printed.objects["db"]["data"] == [{"key": "url", "change": "added"}]
    assert "data[0] (secretKey a)" in printed.objects["broken"]["error"]["what"]
    events = world.server.audit_events(user=desk.person.user, since=position)
    assert {event.request for event in events} == {
        Request("get", "externalsecrets"),
        Request("get", "secretstores"),
        Request("get", "secrets"),
        Request("get", "configmaps"),
        Request("create", "serviceaccounts", "token"),
    }
    assert {event.status for event in events} <= {200, 201, 404}
    reader = world.server.audit_events(user=f"system:serviceaccount:{namespace}:reader", since=position)
    assert {event.request.verb for event in reader} == {"get"}
    assert versions(world, namespace) == before


def test_the_plan_is_what_the_operator_does_then(world: World, desk: Desk, canary: Canary) -> None:
    namespace = desk.person.namespace
    values = {key: canary(f"value {key}") for key in ("a", "b", "c", "d")}
    world.apply(
        [fake_store(namespace, "fake", values), external_secret(namespace, "db", A="a", B="b", C="c")]
    )
    operator = world.operator()
    operator.start()
    try:
        eventually(lambda: "db" in world.secrets(namespace), what="the Secret")
        in_sync = desk.json([external_secret(namespace, "db", A="a", B="b", C="c")], "--exit-code")
        assert (in_sync.code, in_sync.objects["db"]["result"]) == (0, "unchanged"), in_sync.out
        operator.stop()

        world.apply([fake_store(namespace, "fake", {**values, "b": canary("another value")})])
        wanted = external_secret(namespace, "db", A="a", B="b", D="d")
        wanted["metadata"]["labels"] = {"team": "x"}
        found = desk.json([wanted], "--exit-code")

        assert found.code == 3
        assert found.objects["db"]["result"] == "updated"
        assert {one["key"]: one["change"] for one in found.objects["db"]["data"]} == {
            "A": "same",
            "B": "changed",
            "C": "removed",
            "D": "added",
        }
        assert found.objects["db"]["labels"] == [{"key": "team", "change": "added"}]

        world.apply([wanted])
        operator.start()
        eventually(lambda: set(world.secrets(namespace)["db"]) == {"A", "B", "D"}, what="the new keys")
        assert world.get("Secret", namespace, "db")["metadata"]["labels"]["team"] == "x"
        assert desk.json([wanted], "--exit-code").code == 0
    finally:
        if operator.is_running:
            operator.stop()


def test_a_store_that_the_operator_calls_unready_is_asked_all_the_same(
    world: World, desk: Desk, canary: Canary
) -> None:
    namespace = desk.person.namespace
    world.apply([fake_store(namespace, "fake", {"a": canary("unready")})])
    unready = {"type": "Ready", "status": "False", "reason": "InvalidProviderConfig", "message": "of old"}
    world.server.request(
        "PATCH",
        f"/apis/external-secrets.io/v1/namespaces/{namespace}/secretstores/fake/status",
        {"status": {"conditions": [{**unready, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}},
        content_type="application/merge-patch+json",
    )

    printed = desk.render([without_namespace(external_secret(namespace, "db", A="a"))])

    assert (printed.code, printed.err) == (0, "")
    assert printed.out.startswith(f"ExternalSecret {namespace}/db: Secret {namespace}/db would be created\n")


def test_a_store_of_the_file_does_not_serve_where_the_cluster_does(world: World, desk: Desk) -> None:
    namespace = desk.person.namespace

    printed = desk.render(
        [fake_store(namespace, "mine", {"a": "x"}), external_secret(namespace, "db", store="mine", A="a")]
    )

    assert printed.code == 1
    assert f'there is no SecretStore "mine" in namespace "{namespace}"' in printed.err
    assert "not looked at in the files: 1 SecretStore" in printed.err


def test_what_others_have_put_on_the_applied_object_counts(world: World, desk: Desk, canary: Canary) -> None:
    """Labels and annotations that kubectl did not bring, and so does not take away."""
    namespace = desk.person.namespace
    applied = external_secret(namespace, "db", A="a")
    applied["metadata"]["labels"] = {"brought": "1", "dropped": "1"}
    theirs = secret(namespace, "db", {"B": canary("of somebody else")})
    world.apply([fake_store(namespace, "fake", {"a": canary("adopting")}), theirs, applied])
    wanted = external_secret(namespace, "db", A="a")
    wanted["metadata"]["labels"] = {"brought": "2"}

    assert "made by somebody else" in desk.json([wanted]).objects["db"]["error"]["what"]
    added = {"labels": {"by-hand": "1"}, "annotations": {"sealbridge.io/adopt": "true"}}
    world.patch("ExternalSecret", namespace, "db", {"metadata": added})

    told = desk.json([wanted]).objects["db"]
    assert told["result"] == "updated", told
    assert {one["key"]: one["change"] for one in told["data"]} == {"A": "added", "B": "removed"}
    assert {one["key"] for one in told["labels"] if "/" not in one["key"]} == {"brought", "by-hand"}


def cluster_store(name: str, provider: Manifest, **spec: Any) -> Manifest:
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ClusterSecretStore",
        "metadata": {"name": name},
        "spec": {"provider": provider, **spec},
    }


def from_cluster_store(namespace: str, store: str, name: str = "db") -> Manifest:
    wanted = external_secret(namespace, name, store=store, A="a")
    wanted["spec"]["secretStoreRef"]["kind"] = "ClusterSecretStore"
    return wanted


def test_conditions_of_cluster_stores_hold(world: World, desk: Desk, canary: Canary) -> None:
    namespace = desk.person.namespace
    fake = {"fake": {"data": [{"key": "a", "value": canary("of a cluster store")}]}}
    world.server.kubectl("label", "namespace", namespace, "team=shop")
    selector = {"matchLabels": {"team": "shop"}}
    world.apply(
        [
            cluster_store(f"{namespace}-others", fake, conditions=[{"namespaces": ["kube-system"]}]),
            cluster_store(f"{namespace}-ours", fake, conditions=[{"namespaceSelector": selector}]),
        ]
    )

    printed = desk.json(
        [from_cluster_store(namespace, f"{namespace}-{name}", name) for name in ("others", "ours")]
    )

    assert "denied by spec.condition" in printed.objects["others"]["error"]["what"]
    assert printed.objects["ours"]["result"] == "created"


def test_a_store_may_not_take_credentials_of_another_namespace(
    world: World, desk: Desk, canary: Canary
) -> None:
    """Though the person who renders may read them."""
    namespace = desk.person.namespace
    other = f"{namespace}-other"
    world.server.ensure_namespace(other)
    grant(world, namespace, other, RIGHTS)
    world.apply([secret(other, "token", {"token": canary("token of others")})])
    vault = {
        "server": "http://127.0.0.1:1",
        "path": "kv",
        "auth": {"tokenSecretRef": {"name": "token", "namespace": other, "key": "token"}},
    }
    store = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {"name": "vault", "namespace": namespace},
        "spec": {"provider": {"vault": vault}},
    }
    world.apply([store])
    position = world.server.audit_position()

    printed = desk.render([external_secret(namespace, "db", store="vault", A="a")])

    assert printed.code == 1
    assert "may not use Secret" in printed.err
    asked = world.server.audit_events(user=desk.person.user, since=position)
    assert not [event for event in asked if event.namespace == other]


@pytest.fixture
def loopback() -> Iterator[OddServer]:
    def answer(request: OddRequest) -> None:
        request.reply(b"internal")

    with odd_server(answer) as server:
        yield server


def test_webhooks_reach_what_the_operator_lets_them(world: World, desk: Desk, loopback: OddServer) -> None:
    namespace = desk.person.namespace
    hook = {"url": f"{loopback.url}/{{{{ .remoteRef.key }}}}"}
    world.apply(
        [
            {
                "apiVersion": "external-secrets.io/v1",
                "kind": "SecretStore",
                "metadata": {"name": "hook", "namespace": namespace},
                "spec": {"provider": {"webhook": hook}},
            }
        ]
    )
    wanted = external_secret(namespace, "db", store="hook", A="a")

    refused = desk.render([wanted])
    assert refused.code == 1
    assert "127.0.0.1" in refused.err
    assert not loopback.requests

    assert desk.render([wanted], "--store-allowed-networks", "127.0.0.0/8").code == 0


def test_a_right_that_is_missing_is_named_and_stops_no_other(
    world: World, namespace: str, canary: Canary, tmp_path: Path
) -> None:
    token = world.server.token_for(namespace, "person")
    kubeconfig = world.server.kubeconfig_for(token, namespace=namespace)
    person = Person(namespace, f"system:serviceaccount:{namespace}:person", kubeconfig)
    grant(world, namespace, namespace, RIGHTS[:1])
    world.apply([fake_store(namespace, "fake", {"a": canary("not compared")})])
    unwritten = external_secret(namespace, "none", A="a")
    unwritten["spec"]["target"] = {"creationPolicy": "None"}

    printed = Desk(world, person, canary, tmp_path).json([external_secret(namespace, "db", A="a"), unwritten])

    assert printed.code == 1
    assert "secrets" in printed.objects["db"]["error"]["what"]
    assert printed.objects["none"]["data"] == [{"key": "A", "change": "added"}]
    world.clear(namespace)


def test_a_context_is_chosen_by_name(world: World, desk: Desk) -> None:
    printed = desk.render([external_secret("x", "db", A="a")], "--context", "nowhere")

    assert printed.code == 2
    assert "nowhere" in printed.err


def test_an_account_that_is_refused_is_told_so(
    world: World, desk: Desk, tmp_path: Path, canary: Canary
) -> None:
    kubeconfig = world.server.kubeconfig_for("no-token-of-anybody", namespace="default")
    nobody = Desk(world, Person("default", "", kubeconfig), canary, tmp_path)

    printed = nobody.render([external_secret("default", "db", A="a")])

    assert printed.code == 1
    assert "401" in printed.err or "unauthorized" in printed.err.lower()
    with pytest.raises(ApiError):
        world.get("ExternalSecret", "default", "db")
