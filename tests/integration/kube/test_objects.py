"""Objects of others' kinds that a reconciler makes, changes and deletes on a real API server."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest

from sealbridge.errors import ClusterError, Conflict
from sealbridge.kube.client import Client
from sealbridge.kube.cluster import KubernetesCluster
from sealbridge.kube.config import connect
from sealbridge.kube.events import EventRecorder
from sealbridge.operator.process import SystemClock
from sealbridge.reconcile.kinds import EXTERNAL_SECRET, Object
from tests.canary import Canary
from tests.servers.apiserver import ApiServer


@pytest.fixture
async def cluster(apiserver: ApiServer) -> AsyncIterator[KubernetesCluster]:
    async with Client(connect(str(apiserver.admin_kubeconfig))) as client:
        yield KubernetesCluster(client, EventRecorder(client, SystemClock()))


def wanted(namespace: str, name: str) -> Object:
    data = [{"secretKey": "a", "remoteRef": {"key": "a"}}]
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"secretStoreRef": {"name": "s"}, "data": data},
    }


async def test_objects_of_a_name_are_found_in_all_namespaces(
    apiserver: ApiServer, cluster: KubernetesCluster
) -> None:
    name = f"many-{secrets.token_hex(4)}"
    places = [f"{name}-{number}" for number in range(3)]
    for place in places:
        apiserver.ensure_namespace(place)
        await cluster.create_object(EXTERNAL_SECRET, wanted(place, name))
        await cluster.create_object(EXTERNAL_SECRET, wanted(place, f"{name}-other"))

    found = await cluster.list_named(EXTERNAL_SECRET, name)

    assert sorted(one["metadata"]["namespace"] for one in found) == places
    assert {(one["kind"], one["apiVersion"], one["metadata"]["name"]) for one in found} == {
        ("ExternalSecret", "external-secrets.io/v1", name)
    }


async def test_what_is_there_is_not_made_again_nor_an_older_version_put_back(
    cluster: KubernetesCluster, namespace: str
) -> None:
    made = await cluster.create_object(EXTERNAL_SECRET, wanted(namespace, "one"))
    with pytest.raises(Conflict):
        await cluster.create_object(EXTERNAL_SECRET, wanted(namespace, "one"))
    changed = {**made, "spec": {**made["spec"], "refreshInterval": "5m"}}
    await cluster.replace_object(EXTERNAL_SECRET, changed)
    with pytest.raises(Conflict):
        await cluster.replace_object(EXTERNAL_SECRET, made)
    found = await cluster.get(EXTERNAL_SECRET, namespace, "one")
    assert found is not None
    assert found["spec"]["refreshInterval"] == "5m"


async def test_only_the_very_object_is_deleted(cluster: KubernetesCluster, namespace: str) -> None:
    old = await cluster.create_object(EXTERNAL_SECRET, wanted(namespace, "one"))
    assert await cluster.delete_object(EXTERNAL_SECRET, old) is True
    assert await cluster.delete_object(EXTERNAL_SECRET, old) is False
    await cluster.create_object(EXTERNAL_SECRET, wanted(namespace, "one"))
    assert await cluster.delete_object(EXTERNAL_SECRET, old) is False
    assert await cluster.get(EXTERNAL_SECRET, namespace, "one") is not None


async def test_a_namespace_that_is_not_there_is_told(cluster: KubernetesCluster) -> None:
    with pytest.raises(ClusterError) as caught:
        await cluster.create_object(EXTERNAL_SECRET, wanted("not-there", "one"))
    assert caught.value.status == 404


async def test_a_refusal_quotes_nothing_of_a_template(
    cluster: KubernetesCluster, namespace: str, canary: Canary
) -> None:
    value = canary("in a template")
    obj = wanted(namespace, "one")
    obj["spec"]["target"] = {"creationPolicy": value}
    with pytest.raises(ClusterError) as caught:
        await cluster.create_object(EXTERNAL_SECRET, obj)
    assert caught.value.status == 422
    assert value not in str(caught.value)
