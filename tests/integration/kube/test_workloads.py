"""Workloads on a real API server: who is meant by a patch, and who signs it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sealbridge.errors import ClusterError
from sealbridge.kube.client import Client
from sealbridge.kube.cluster import KubernetesCluster
from sealbridge.kube.config import connect
from sealbridge.kube.events import EventRecorder
from sealbridge.kube.workloads import KubernetesWorkloads
from sealbridge.operator.process import SystemClock
from sealbridge.reconcile.kinds import Object
from sealbridge.reconcile.workloads import DEPLOYMENT, checksum_of, restart_patch, uses
from tests.servers.apiserver import ApiServer


@pytest.fixture
async def client(apiserver: ApiServer) -> AsyncIterator[Client]:
    async with Client(connect(str(apiserver.admin_kubeconfig))) as made:
        yield made


@pytest.fixture
def workloads(client: Client) -> KubernetesWorkloads:
    return KubernetesWorkloads(client, KubernetesCluster(client, EventRecorder(client, SystemClock())))


def create(apiserver: ApiServer, namespace: str) -> Object:
    body = {
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [{"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": "db"}}]}]
                },
            },
        },
    }
    made: Object = apiserver.request("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", body)
    return made


async def test_a_workload_is_found_and_patched(
    apiserver: ApiServer, namespace: str, workloads: KubernetesWorkloads
) -> None:
    create(apiserver, namespace)
    (found,) = await workloads.list(DEPLOYMENT, namespace)
    assert (found["kind"], uses(found, "db")) == ("Deployment", True)

    await workloads.patch(DEPLOYMENT, found, restart_patch(found, "db", "c1", SystemClock().now()))

    (found,) = await workloads.list(DEPLOYMENT, namespace)
    assert checksum_of(found, "db") == "c1"
    assert "sealbridge" in {entry["manager"] for entry in found["metadata"]["managedFields"]}


async def test_a_workload_that_was_made_anew_meanwhile_is_another(
    apiserver: ApiServer, namespace: str, workloads: KubernetesWorkloads
) -> None:
    former = create(apiserver, namespace)
    apiserver.request("DELETE", f"/apis/apps/v1/namespaces/{namespace}/deployments/web")
    create(apiserver, namespace)

    with pytest.raises(ClusterError) as caught:
        await workloads.patch(DEPLOYMENT, former, restart_patch(former, "db", "c1", SystemClock().now()))

    assert caught.value.status == 409
    (found,) = await workloads.list(DEPLOYMENT, namespace)
    assert checksum_of(found, "db") == ""
