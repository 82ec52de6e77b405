"""KubernetesCluster keeps the contract, on a real API server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from sealbridge.errors import ClusterError, Conflict
from sealbridge.kube.client import Client, path_of
from sealbridge.kube.cluster import KubernetesCluster
from sealbridge.kube.config import connect
from sealbridge.kube.events import EventRecorder
from sealbridge.reconcile.kinds import KINDS, SECRET, Kind, Object, ObjectKey
from sealbridge.stores.waiting import waiting_since
from tests.contract.cluster_contract import ClusterContract
from tests.servers.apiserver import ApiServer


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class KubernetesHarness:
    """Plays a user with kubectl, who is another client."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        connection = connect(str(server.admin_kubeconfig))
        self.server = server
        self.namespace = namespace
        self.count = self.reads = 0
        self.user = Client(connection)
        self.client = Client(connection, observe=self.observe)
        self.cluster = KubernetesCluster(self.client, EventRecorder(self.client, Clock()))

    def observe(self, verb: str, resource: str, code: int) -> None:
        self.count += resource == "secrets" and verb != "GET" and code < 300
        self.reads += resource == "secrets" and verb == "GET"

    async def close(self) -> None:
        await self.user.close()
        await self.client.close()

    async def put(self, manifest: Object) -> Object:
        kind = KINDS[manifest["kind"]]
        name = manifest["metadata"]["name"]
        path = path_of(kind, self.namespace)
        try:
            await self.user.request("POST", path, body=manifest)
        except Conflict:
            existing = await self.user.get(f"{path}/{name}")
            version = existing["metadata"]["resourceVersion"]
            replacement = {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": version}}
            await self.user.request("PUT", f"{path}/{name}", body=replacement)
        found = await self.cluster.get(kind, self.namespace, name)
        assert found is not None
        return found

    async def put_secret(self, manifest: Object) -> None:
        path, name = path_of(SECRET, self.namespace), manifest["metadata"]["name"]
        manifest = {**manifest, "metadata": {**manifest["metadata"], "namespace": self.namespace}}
        try:
            await self.user.request("POST", path, body=manifest)
        except Conflict:
            await self.user.request("PUT", f"{path}/{name}", body=manifest)

    async def remove(self, kind: Kind, name: str) -> None:
        await self.user.request("DELETE", path_of(kind, self.namespace, name))

    async def events(self) -> list[tuple[str, str, str, str]]:
        found = (await self.user.get(f"/api/v1/namespaces/{self.namespace}/events"))["items"]
        found.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
        return [
            (event["involvedObject"]["name"], event["type"], event["reason"], event["message"])
            for event in found
        ]

    async def writes(self) -> int:
        return self.count


@pytest.fixture
async def harness(apiserver: ApiServer, namespace: str) -> AsyncIterator[KubernetesHarness]:
    made = KubernetesHarness(apiserver, namespace)
    yield made
    await made.close()


class TestKubernetesCluster(ClusterContract):
    """All of it."""

    async def test_a_target_that_a_watch_has_brought_is_not_read_and_only_once_believed(
        self, harness: KubernetesHarness
    ) -> None:
        cluster, name = harness.cluster, (harness.namespace, "brought")
        await harness.put_secret(self.foreign(harness, "brought", labels={"l": "1"}))
        read = await cluster.target_state(*name)
        path = path_of(SECRET, *name)
        brought = {**await harness.user.get(path), "kind": "Secret"}

        cluster.offer(brought)
        reads = harness.reads
        assert await cluster.target_state(*name) == read
        assert harness.reads == reads
        await harness.put_secret(self.foreign(harness, "brought", labels={"l": "2"}))
        edited = await cluster.target_state(*name)
        assert edited is not None
        assert (harness.reads, dict(edited.labels)) == (reads + 1, {"l": "2"})

        cluster.offer(brought)
        cluster.withdraw(ObjectKey("Secret", *name))
        assert await cluster.target_state(*name) == edited

    async def test_a_read_of_a_store_serves_all_for_a_moment_unless_it_has_changed(
        self, harness: KubernetesHarness
    ) -> None:
        now, reads = 100.0, 0

        def count(verb: str, resource: str, code: int) -> None:
            nonlocal reads
            reads += resource == "secretstores" and verb == "GET"

        client = Client(connect(str(harness.server.admin_kubeconfig)), observe=count)
        cluster = KubernetesCluster(
            client, EventRecorder(client, Clock()), monotonic=lambda: now, share_for=1.0
        )
        key = ObjectKey("SecretStore", harness.namespace, "shared")
        store = {
            "apiVersion": "external-secrets.io/v1",
            "kind": "SecretStore",
            "metadata": {"name": "shared"},
            "spec": {"provider": {"fake": {"data": []}}},
        }

        async def read() -> Object:
            found = await cluster.get(KINDS["SecretStore"], key.namespace, key.name)
            assert found is not None
            return found

        await harness.put(store)
        assert await read() == await read()
        assert reads == 2
        waiting_since.set(101.0)
        assert await read() == await read()
        assert reads == 4
        reads = 0
        # Whoever has waited since before that last read has it, and pays for none.
        waiting_since.set(100.0)
        assert await read() == await read()
        assert reads == 0
        reads = 1
        # Its own status, an edit that a watch brings, one that a sweep has found, and time.
        await cluster.patch_status(KINDS["SecretStore"], await read(), {"capabilities": "ReadWrite"})
        assert (await read())["status"] == {"capabilities": "ReadWrite"}
        assert reads == 2
        edited = await harness.put({**store, "spec": {"controller": "x", **store["spec"]}})
        cluster.offer({**edited, "kind": "SecretStore"})
        assert [(await read())["spec"].get("controller") for _ in range(2)] == ["x", "x"]
        assert reads == 2
        await harness.put({**store, "spec": {"controller": "y", **store["spec"]}})
        cluster.withdraw(key)
        assert (await read())["spec"]["controller"] == "y"
        await harness.put({**store, "spec": {"controller": "z", **store["spec"]}})
        now += 1.1
        assert (await read())["spec"]["controller"] == "z"
        assert reads == 4
        await client.close()


@pytest.mark.parametrize(
    "name", ["x/../../../{}/serviceaccounts/theirs", "..", "x/y", "theirs?x=", "", "%2e%2e"]
)
async def test_the_name_of_a_service_account_leads_to_no_other_namespace(
    apiserver: ApiServer, namespace: str, name: str
) -> None:
    other = f"{namespace}-other"
    apiserver.ensure_service_account(other, "theirs")
    harness = KubernetesHarness(apiserver, namespace)
    try:
        with pytest.raises(ClusterError, match="cannot be the name of a ServiceAccount"):
            await harness.cluster.service_account_token(
                namespace, name.format(other), audiences=(), expiration_seconds=600
            )
    finally:
        await harness.close()
