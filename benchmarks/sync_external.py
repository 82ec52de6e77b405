"""5,000 ExternalSecrets on a real API server: from cold, with all due at once, and an hour of nothing new.

Run alone with `python -m benchmarks.sync_external`. The operator is a process of its own, but for the hour,
which its reconcilers go through in this process with a clock that does not wait.
"""

from __future__ import annotations

import asyncio
import heapq
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report import Row, table
from benchmarks.unseal_cluster import NAMESPACE, Operator, at_once, written
from sealbridge.kube.client import Client, path_of
from sealbridge.kube.cluster import KubernetesCluster
from sealbridge.kube.config import connect
from sealbridge.kube.events import EventRecorder
from sealbridge.reconcile.external_secret import ExternalSecretReconciler
from sealbridge.reconcile.kinds import EXTERNAL_SECRET, SECRET, SECRET_STORE, Kind, Object, ObjectKey
from sealbridge.reconcile.secret_store import SecretStoreReconciler
from sealbridge.reconcile.store_pool import StorePool
from tests.servers.apiserver import ApiServer

OBJECTS, KEYS = 5_000, 100
LIVE_WITHIN = 1  # seconds: the aim
STORE = "fake"
HOUR = 3600.0
_MERGE = "application/merge-patch+json"
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Cold(NamedTuple):
    """A start with nothing there but the ExternalSecrets."""

    limit: float
    took: float
    cpu: float
    memory: float
    requests: dict[str, float]


class Hour(NamedTuple):
    """What an hour of nothing new has cost."""

    passes: int
    refreshes: int
    requests: Counter[str]


def measure() -> list[Row]:
    """The figures of one run, each beside what it is held against."""
    with tempfile.TemporaryDirectory(prefix="sealbridge-bench-") as folder:
        server = ApiServer(Path(folder) / "apiserver")
        server.start()
        try:
            server.install_crds()
            for namespace in (NAMESPACE, f"{NAMESPACE}-limit"):
                server.ensure_namespace(namespace)
            limit = asyncio.run(_write_all(server))
            asyncio.run(_prepare(server))
            cold = _cold(server, Path(folder), limit)
            again, again_writes = _again(server, Path(folder))
            hour = asyncio.run(_hour(server))
            live, due = _edit_while_all_are_due(server, Path(folder))
        finally:
            server.stop()
    return [*_cold_rows(cold), *_calm_rows(again, again_writes, hour), *_busy_rows(live, due)]


def _cold_rows(cold: Cold) -> list[Row]:
    events = cold.requests.get("POST events", 0) + cold.requests.get("PATCH events", 0)
    writes = written(cold.requests) - events
    requests = sum(cold.requests.values()) - events
    return [
        Row("API writes alone", cold.limit, "s", f"{OBJECTS} Secrets and {OBJECTS} statuses"),
        Row("all Ready", cold.took, "s", f"{OBJECTS} ExternalSecrets of {KEYS} keys, from the start"),
        Row("all Ready, in writes alone", cold.took / cold.limit, "x", "one processor works, not all"),
        Row("CPU of the operator", cold.cpu, "s"),
        Row("memory of the operator", cold.memory, "MiB", "largest resident size"),
        Row("requests an object, without its event", requests / OBJECTS, "requests", "writes included"),
        Row("writes an object, without its event", writes / OBJECTS, "requests", "aim: at most 2"),
    ]


def _calm_rows(again: float, again_writes: float, hour: Hour) -> list[Row]:
    tells = hour.requests.pop("PUT externalsecrets/status", 0)
    others = sum(count for what, count in hour.requests.items() if what.split()[0] in _WRITES)
    return [
        Row("a start with all in sync", again, "s", "from the start of the process"),
        Row("writes of that start", again_writes, "requests", "aim: 0"),
        Row("refreshes in an hour of nothing new", hour.refreshes, "", f"in {hour.passes} passes"),
        Row("writes of that hour, a refresh", tells / hour.refreshes, "requests", "its time, refreshTime"),
        Row("all other writes of that hour", others, "requests", "aim: 0"),
    ]


def _busy_rows(live: float, due: float) -> list[Row]:
    return [
        Row("refreshes that are due at once", OBJECTS, "", "the operator is started after two hours"),
        Row("an edit among them", live, "s", f"until the Secret has it; aim: at most {LIVE_WITHIN}"),
        Row("all of them refreshed", due, "s", "they are spread over a minute on purpose"),
    ]


def _cold(server: ApiServer, folder: Path, limit: float) -> Cold:
    with Operator(server.admin_kubeconfig, folder) as operator:
        began = time.perf_counter()
        # A page of metrics costs the operator more than many ExternalSecrets: first, Secrets are counted.
        while _count(server, SECRET) < OBJECTS:
            time.sleep(0.1)
        operator.wait_for("created", OBJECTS, kind=EXTERNAL_SECRET.name)
        took = time.perf_counter() - began
        return Cold(limit, took, operator.cpu(), operator.memory(), operator.requests())


def _count(server: ApiServer, kind: Kind) -> int:
    """How many there are, for the price of one."""
    page = server.request("GET", f"{path_of(kind, NAMESPACE)}?limit=1")
    return len(page["items"]) + int(page["metadata"].get("remainingItemCount") or 0)


def _again(server: ApiServer, folder: Path) -> tuple[float, float]:
    with Operator(server.admin_kubeconfig, folder) as operator:
        took = operator.wait_for("unchanged", OBJECTS, kind=EXTERNAL_SECRET.name, interval=1)
        return took, written(operator.requests())


def _edit_while_all_are_due(server: ApiServer, folder: Path) -> tuple[float, float]:
    """Seconds until the Secret of an edited object has it, and until all are refreshed."""
    asyncio.run(_make_overdue(server))
    name = f"object-{OBJECTS - 1}"
    item = {"secretKey": "edited", "remoteRef": {"key": "key-0"}}
    with Operator(server.admin_kubeconfig, folder) as operator:
        began = time.perf_counter()
        operator.wait_until_ready()
        edited = time.perf_counter()
        path = path_of(EXTERNAL_SECRET, NAMESPACE, name)
        server.request("PATCH", path, {"spec": {"data": [item]}}, content_type=_MERGE)
        while "edited" not in server.request("GET", path_of(SECRET, NAMESPACE, name))["data"]:
            time.sleep(0.01)
        live = time.perf_counter() - edited
        operator.wait_for("unchanged", OBJECTS - 1, kind=EXTERNAL_SECRET.name, interval=1)
        return live, time.perf_counter() - began


class _FastClock:
    """Goes where it is sent."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at


async def _hour(server: ApiServer) -> Hour:
    """Every pass that falls into an hour, as the queue would have them, as fast as they can be made."""
    requests: Counter[str] = Counter()
    clock = _FastClock()
    refreshes = passes = 0

    def count(verb: str, resource: str, code: int) -> None:
        requests[f"{verb} {resource}"] += 1

    async with Client(connect(str(server.admin_kubeconfig)), observe=count) as client:
        cluster = KubernetesCluster(client, EventRecorder(client, clock))
        pool = StorePool(cluster, clock)
        external = ExternalSecretReconciler(cluster, pool, clock)
        stores = SecretStoreReconciler(cluster, pool, clock)
        found = [ObjectKey(SECRET_STORE.name, NAMESPACE, STORE)]
        found += [ObjectKey(EXTERNAL_SECRET.name, NAMESPACE, f"object-{n}") for n in range(OBJECTS)]
        begin = clock.at
        due = [(0.0, key) for key in found]
        heapq.heapify(due)
        while due and due[0][0] <= HOUR:
            at, key = heapq.heappop(due)
            clock.at = begin + timedelta(seconds=at)
            told = requests["PUT externalsecrets/status"]
            reconciler: Any = stores if key.kind == SECRET_STORE.name else external
            result = await reconciler.reconcile(key)
            passes += 1
            refreshes += requests["PUT externalsecrets/status"] > told
            if result.requeue_after is not None:
                heapq.heappush(due, (at + max(result.requeue_after, 1.0), key))
        await pool.close()
    return Hour(passes, max(refreshes, 1), requests)


async def _write_all(server: ApiServer) -> float:
    """Seconds for one Secret and one status an object, written by the client that the operator uses."""
    namespace = f"{NAMESPACE}-limit"
    async with Client(connect(str(server.admin_kubeconfig))) as client:
        objects: list[Object] = []

        async def create(document: Object) -> None:
            objects.append(await client.request("POST", path_of(EXTERNAL_SECRET, namespace), body=document))

        await at_once([_external(number) for number in range(OBJECTS)], create)

        async def write(obj: Object) -> None:
            name = obj["metadata"]["name"]
            secret = {"metadata": {"name": name}, "data": {"password": "A" * 44}}
            await client.request("POST", path_of(SECRET, namespace), body=secret)
            path = path_of(EXTERNAL_SECRET, namespace, name, sub="status")
            status = {"conditions": [{"type": "Ready", "status": "True"}]}
            await client.request("PUT", path, body={**obj, "status": status})

        began = time.perf_counter()
        await at_once(objects, write)
        took = time.perf_counter() - began
        for kind in (EXTERNAL_SECRET, SECRET):
            await client.request("DELETE", path_of(kind, namespace))
        return took


async def _prepare(server: ApiServer) -> None:
    async with Client(connect(str(server.admin_kubeconfig))) as client:
        values = [{"key": f"key-{number}", "value": f"value {number}"} for number in range(KEYS)]
        store = {
            "apiVersion": SECRET_STORE.api_version,
            "kind": SECRET_STORE.name,
            "metadata": {"name": STORE},
            "spec": {"provider": {"fake": {"data": values}}},
        }
        await client.request("POST", path_of(SECRET_STORE, NAMESPACE), body=store)

        async def create(document: Object) -> None:
            await client.request("POST", path_of(EXTERNAL_SECRET, NAMESPACE), body=document)

        await at_once([_external(number) for number in range(OBJECTS)], create)


async def _make_overdue(server: ApiServer) -> None:
    """As if all had been refreshed two hours ago."""
    before = f"{datetime.now(UTC) - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"
    async with Client(connect(str(server.admin_kubeconfig))) as client:

        async def set_back(obj: Object) -> None:
            path = path_of(EXTERNAL_SECRET, NAMESPACE, obj["metadata"]["name"], sub="status")
            body = {**obj, "status": {**obj["status"], "refreshTime": before}}
            await client.request("PUT", path, body=body)

        objects = [
            {"apiVersion": EXTERNAL_SECRET.api_version, "kind": EXTERNAL_SECRET.name, **obj}
            async for page in client.pages(path_of(EXTERNAL_SECRET, NAMESPACE))
            for obj in page
        ]
        await at_once(objects, set_back)


def _external(number: int) -> Object:
    return {
        "apiVersion": EXTERNAL_SECRET.api_version,
        "kind": EXTERNAL_SECRET.name,
        "metadata": {"name": f"object-{number}"},
        "spec": {
            "secretStoreRef": {"name": STORE},
            "data": [{"secretKey": "password", "remoteRef": {"key": f"key-{number % KEYS}"}}],
        },
    }


if __name__ == "__main__":
    print(table(measure()))
