"""Stores of the providers kubernetes and webhook in the operator, and what tenants may not do with them."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.canary import Canary
from tests.e2e.world import LOOPBACK, Manifest, World, eventually, external_secret
from tests.servers.apiserver import ApiServer
from tests.servers.odd import OddServer, Request, odd_server
from tests.servers.operator import Operator

LABEL = {"external-secrets.io/type": "webhook"}


@pytest.fixture
def other(apiserver: ApiServer) -> str:
    """The namespace of somebody else."""
    name = f"other-{secrets.token_hex(4)}"
    apiserver.ensure_namespace(name)
    return name


@pytest.fixture
def loopback() -> Iterator[OddServer]:
    """A service that only this machine may reach."""

    def answer(request: Request) -> None:
        request.reply(b"internal")

    with odd_server(answer) as server:
        yield server


@pytest.fixture
def operator(loopback_operator: Operator) -> Operator:
    return loopback_operator


def store(namespace: str, name: str, provider: str, config: Manifest, *, cluster: bool = False) -> Manifest:
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ClusterSecretStore" if cluster else "SecretStore",
        "metadata": {"name": name} if cluster else {"name": name, "namespace": namespace},
        "spec": {"provider": {provider: config}},
    }


def secret(namespace: str, name: str, items: dict[str, str | bytes], **metadata: Any) -> Manifest:
    data = {
        key: base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
        for key, value in items.items()
    }
    metadata |= {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def reader(world: World, namespace: str, subject: str) -> None:
    """Let a service account `reader` of `subject` read the Secrets of `namespace`."""
    world.server.ensure_service_account(subject, "reader")
    api = "rbac.authorization.k8s.io"
    root = f"/apis/{api}/v1/namespaces/{namespace}"
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]
    world.server.request("POST", f"{root}/roles", {"metadata": {"name": "reader"}, "rules": rules})
    binding = {
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": api, "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": subject}],
    }
    world.server.request("POST", f"{root}/rolebindings", binding)


def here(world: World, **more: Any) -> Manifest:
    server = {"url": world.server.url, "caBundle": world.server.ca_file.read_text()}
    return {"server": server, "auth": {"serviceAccount": {"name": "reader"}}, **more}


def test_a_secret_of_another_namespace_comes_over_by_a_service_account(
    world: World, operator: Operator, namespace: str, other: str, canary: Canary
) -> None:
    password, raw = canary("remote password"), canary.bytes("remote bytes")
    reader(world, other, namespace)
    source = {"password": password, "raw": raw, "doc": json.dumps({"user": password})}
    whole = external_secret(namespace, "whole", store="remote")
    whole["spec"]["dataFrom"] = [{"extract": {"key": "db"}}]
    reference = {"key": "db", "property": "doc.user"}
    world.apply(
        [
            secret(other, "db", source),
            store(namespace, "remote", "kubernetes", here(world, remoteNamespace=other)),
            external_secret(namespace, "one", store="remote", user=reference),
            whole,
        ]
    )
    expected = {key: value.encode() if isinstance(value, str) else value for key, value in source.items()}
    eventually(lambda: world.secrets(namespace).get("whole") == expected, what="the whole Secret")
    eventually(
        lambda: world.secrets(namespace).get("one") == {"user": password.encode()}, what="one item of it"
    )
    eventually(
        lambda: world.condition("SecretStore", namespace, "remote").get("reason") == "Valid",
        what="a valid store",
    )


def test_a_store_without_the_right_to_read_says_so(
    world: World, operator: Operator, namespace: str, other: str
) -> None:
    world.server.ensure_service_account(namespace, "reader")
    world.apply([store(namespace, "remote", "kubernetes", here(world, remoteNamespace=other))])
    eventually(
        lambda: (
            f"may not get Secrets in namespace {other}"
            in world.condition("SecretStore", namespace, "remote").get("message", "")
        ),
        what="the condition of the store",
    )


def test_a_webhook_may_reach_what_the_operator_allows(
    world: World, namespace: str, loopback: OddServer, canary: Canary
) -> None:
    token = canary("webhook token")
    operator = world.operator(LOOPBACK)
    operator.start()
    config = {
        "url": loopback.url + "/{{ .remoteRef.namespace }}/{{ .remoteRef.key }}",
        "headers": {"Authorization": "Bearer {{ .auth.token }}"},
        "secrets": [{"name": "auth", "secretRef": {"name": "cred"}}],
    }
    world.apply(
        [
            secret(namespace, "cred", {"token": token}, labels=LABEL),
            store(namespace, "hook", "webhook", config),
            external_secret(namespace, "app", store="hook", value="some/key"),
        ]
    )
    eventually(lambda: world.secrets(namespace).get("app") == {"value": b"internal"}, what="the Secret")
    path, headers = loopback.requests[-1]
    assert path == f"/{namespace}/some%2Fkey"
    assert headers["Authorization"] == f"Bearer {token}"
    assert operator.stop() == 0
    world.clear(namespace)
