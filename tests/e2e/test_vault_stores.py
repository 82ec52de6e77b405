"""Stores of OpenBao in the operator: logged in by service accounts, searched, through outages."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import hvac
import pytest

from tests.canary import Canary
from tests.e2e.world import Manifest, World, eventually, external_secret
from tests.servers.apiserver import ApiServer
from tests.servers.odd import Request, odd_server
from tests.servers.openbao import DevOpenBao
from tests.servers.operator import Operator


@pytest.fixture
def mount(openbao: DevOpenBao, apiserver: ApiServer, namespace: str) -> Iterator[str]:
    """A KV engine and a login of the same name, for the service account `app` of the namespace."""
    name, client = f"e2e-{secrets.token_hex(4)}", openbao.client()
    openbao.mount_kv(name, version=2)
    client.sys.create_or_update_policy(
        name,
        f'path "{name}/data/*" {{ capabilities = ["read"] }}\n'
        f'path "{name}/metadata/*" {{ capabilities = ["list"] }}',
    )
    apiserver.ensure_service_account(namespace, "app")
    apiserver.kubectl(
        "create", "clusterrolebinding", name, "--clusterrole=system:auth-delegator",
        f"--group=system:serviceaccounts:{namespace}",
    )  # fmt: skip
    client.sys.enable_auth_method("kubernetes", path=name)
    config = {"kubernetes_host": apiserver.url, "kubernetes_ca_cert": apiserver.ca_file.read_text()}
    client.write_data(f"auth/{name}/config", data={**config, "disable_local_ca_jwt": True})
    bound = {"bound_service_account_names": "app", "bound_service_account_namespaces": namespace}
    client.write_data(f"auth/{name}/role/app", data={**bound, "token_policies": name})
    yield name
    client.sys.disable_auth_method(name)
    client.sys.disable_secrets_engine(name)


def store(namespace: str, url: str, mount: str, *, cluster: bool = False, **account: Any) -> Manifest:
    auth = {"kubernetes": {"mountPath": mount, "role": "app", **account}}
    metadata = {"name": mount} if cluster else {"name": mount, "namespace": namespace}
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ClusterSecretStore" if cluster else "SecretStore",
        "metadata": metadata,
        "spec": {"provider": {"vault": {"server": url, "path": mount, "auth": auth}}},
    }


def put(server: DevOpenBao, mount: str, key: str, entries: dict[str, str]) -> None:
    server.client().secrets.kv.v2.create_or_update_secret(key, secret=entries, mount_point=mount)


def tokens(server: DevOpenBao, mount: str) -> list[str]:
    """Accessors of what the login has given out and that still lives."""
    found, client = [], server.client()
    for accessor in client.auth.token.list_accessors()["data"]["keys"]:
        try:
            data = client.auth.token.lookup_accessor(accessor)["data"]
        except (hvac.exceptions.Forbidden, hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest):
            continue  # gone since the list was made
        if data["path"].startswith(f"auth/{mount}/"):
            found.append(accessor)
    return found


def test_a_service_account_logs_in_and_its_token_is_replaced_after_revocation(
    world: World, operator: Operator, openbao: DevOpenBao, namespace: str, mount: str, canary: Canary
) -> None:
    first, second = canary("vault e2e one"), canary("vault e2e two")
    put(openbao, mount, "team/db", {"password": first})
    found = external_secret(namespace, "found", store=mount)
    found["spec"]["dataFrom"] = [{"find": {"name": {"regexp": "^team/"}}}]
    reference = {"key": "team/db", "property": "password"}
    one = external_secret(namespace, "one", store=mount, password=reference)
    for manifest in (found, one):
        manifest["spec"]["refreshInterval"] = "1s"
    account = {"serviceAccountRef": {"name": "app"}}
    world.apply([store(namespace, openbao.url, mount, **account), found, one])
    expected = {"password": first.encode()}
    eventually(lambda: world.secrets(namespace).get("one") == expected, what="the Secret")
    eventually(
        lambda: (world.secrets(namespace).get("found") or {}).keys() == {"team_db"}, what="what was found"
    )
    (accessor,) = tokens(openbao, mount)
    openbao.client().auth.token.revoke_accessor(accessor)
    put(openbao, mount, "team/db", {"password": second})
    expected = {"password": second.encode()}
    eventually(lambda: world.secrets(namespace).get("one") == expected, what="the new value")
    assert len(tokens(openbao, mount)) == 1
    assert operator.stop() == 0
    assert tokens(openbao, mount) == []
    assert world.secrets(namespace)["one"] == expected


def test_a_tenant_cannot_have_the_operators_own_token_sent_to_his_server(
    world: World, operator: Operator, namespace: str
) -> None:
    def answer(request: Request) -> None:
        request.reply(b"{}")

    with odd_server(answer) as server:
        world.apply([store(namespace, server.url, "mine")])
        eventually(
            lambda: (
                "may not log in with the operator's own token"
                in world.condition("SecretStore", namespace, "mine").get("message", "")
            ),
            what="the refusal",
        )
        assert server.requests == []


def test_a_cluster_store_logs_in_as_the_service_account_of_whoever_uses_it(
    world: World, operator: Operator, openbao: DevOpenBao, namespace: str, mount: str
) -> None:
    put(openbao, mount, "app", {"k": "v"})
    other = f"other-{secrets.token_hex(4)}"
    world.server.ensure_namespace(other)
    world.server.ensure_service_account(other, "app")
    shared = store(namespace, openbao.url, mount, cluster=True, serviceAccountRef={"name": "app"})
    manifests = [shared]
    for place in (namespace, other):
        manifest = external_secret(place, "one", store=mount, k={"key": "app", "property": "k"})
        manifest["spec"]["secretStoreRef"]["kind"] = "ClusterSecretStore"
        manifests.append(manifest)
    world.apply(manifests)
    eventually(lambda: world.secrets(namespace).get("one") == {"k": b"v"}, what="the Secret")
    eventually(
        lambda: (
            "the login by kubernetes is refused"
            in world.condition("ExternalSecret", other, "one").get("message", "")
        ),
        what="the refusal of the other namespace's account",
    )
