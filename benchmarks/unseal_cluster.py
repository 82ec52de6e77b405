"""Unsealing on a real API server, beside what the machine and the API server can do at best.

Run alone with `python -m benchmarks.unseal_cluster`. The operator is a process of its own; the limit
is measured in the same run: the RSA operations on all cores, and the API writes alone.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import Row, table
from sealbridge.kube.client import Client, path_of
from sealbridge.kube.config import connect
from sealbridge.reconcile.kinds import SEALED_SECRET, SECRET, Object
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import SealingKey
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import SealedSecret, seal
from sealbridge.secret import Secret, Value
from tests.servers.apiserver import ApiServer
from tests.servers.process import Process, free_ports

OBJECTS = 500
VALUES = 3
BITS = 4096
TARGET = 2.5  # times what the machine and the API server can do at best
NAMESPACE = "bench"
_AT_ONCE = 16
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_TICKS = os.sysconf("SC_CLK_TCK")


class Operator:
    """`sealbridge operator` with its metrics."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self._port, self._health = free_ports(2)
        self._process = Process(
            [
                Path(sys.executable).parent / "sealbridge",
                "operator",
                *("--namespace", NAMESPACE, "--kubeconfig", kubeconfig),
                *("--listen-addr", f"127.0.0.1:{self._health}"),
                *("--listen-metrics-addr", f"127.0.0.1:{self._port}"),
                *("--log-level", "warning"),
            ],
            folder / f"operator-{secrets.token_hex(4)}.log",
        )

    def __enter__(self) -> Operator:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def wait_for(
        self, outcome: str, count: int = OBJECTS, *, kind: str = "SealedSecret", interval: float = 0.2
    ) -> float:
        """Wait until so many objects have come to this outcome; returns the seconds that it took."""
        began = time.perf_counter()
        wanted = f'sealbridge_reconcile_duration_seconds_count{{kind="{kind}",outcome="{outcome}"}}'
        # A page of metrics of so many objects takes milliseconds on both sides: not to be measured as well.
        self._process.wait_until(
            lambda: self.metrics().get(wanted, 0) >= count, timeout=900, interval=interval
        )
        return time.perf_counter() - began

    def wait_until_ready(self) -> float:
        """Wait until it says that it is ready; returns the seconds that it took."""
        began = time.perf_counter()
        self._process.wait_until(self._is_ready, timeout=300, interval=0.05)
        return time.perf_counter() - began

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._health}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def wait_for_events(self, count: int = OBJECTS) -> None:
        """Events are posted behind the work: they belong to its cost, if not to its time."""
        self._process.wait_until(lambda: self.requests().get("POST events", 0) >= count, timeout=60)

    def metrics(self) -> dict[str, float]:
        """Every sample by its name and labels; empty while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return {}
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def requests(self) -> dict[str, float]:
        """Requests to the API server by verb and resource."""
        counts: dict[str, float] = {}
        for name, value in self.metrics().items():
            if name.startswith("sealbridge_api_requests_total{"):
                labels = dict(_LABEL.findall(name))
                what = f"{labels['verb']} {labels['resource']}"
                counts[what] = counts.get(what, 0) + value
        return counts

    def cpu(self) -> float:
        """Seconds of user and system time so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self) -> float:
        """The largest resident size so far, in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run has measured. Times in seconds."""

    rsa: float
    rsa_cpu: float
    writes: float
    unseal: float
    unseal_cpu: float
    memory: float
    requests: dict[str, float]
    again: float
    again_cpu: float
    again_decryptions: float
    again_writes: float

    @property
    def limit(self) -> float:
        """Opening and writing share the same cores, so the one does not hide behind the other."""
        return self.rsa + self.writes


def run() -> Figures:
    """Measure everything once."""
    with tempfile.TemporaryDirectory(prefix="sealbridge-bench-") as folder:
        server = ApiServer(Path(folder) / "apiserver")
        server.start()
        try:
            server.install_crds()
            for namespace in (NAMESPACE, f"{NAMESPACE}-limit"):
                server.ensure_namespace(namespace)
            return _measure(server, Path(folder))
        finally:
            server.stop()


def _measure(server: ApiServer, folder: Path) -> Figures:
    key = SealingKey.generate(at=datetime.now(UTC), bits=BITS)
    sealed = [_sealed(key, number) for number in range(OBJECTS)]
    before = time.process_time()
    rsa = _open_all(key, sealed)
    rsa_cpu = time.process_time() - before
    writes = asyncio.run(_write_all(server, sealed))
    asyncio.run(_prepare(server, key, sealed))
    with Operator(server.admin_kubeconfig, folder) as operator:
        unseal = operator.wait_for("created")
        operator.wait_for_events()
        unseal_cpu, memory, requests = operator.cpu(), operator.memory(), operator.requests()
    _check(server)
    with Operator(server.admin_kubeconfig, folder) as operator:
        again = operator.wait_for("unchanged")
        again_cpu, after, asked = operator.cpu(), operator.metrics(), operator.requests()
    return Figures(
        rsa=rsa,
        rsa_cpu=rsa_cpu,
        writes=writes,
        unseal=unseal,
        unseal_cpu=unseal_cpu,
        memory=memory,
        requests=requests,
        again=again,
        again_cpu=again_cpu,
        again_decryptions=after["sealbridge_decryptions_total"],
        again_writes=written(asked),
    )


def written(requests: dict[str, float]) -> float:
    """How many of these requests are writes."""
    return sum(count for what, count in requests.items() if what.split()[0] not in ("GET", "WATCH"))


def _sealed(key: SealingKey, number: int) -> Object:
    secret = Secret(
        name=f"object-{number}",
        namespace=NAMESPACE,
        items={f"value-{index}": Value(secrets.token_bytes(32)) for index in range(VALUES)},
    )
    return seal(secret, key.certificate, Scope.STRICT).to_manifest()


def _open_all(key: SealingKey, sealed: list[Object]) -> float:
    """Seconds for the RSA operations alone, on all cores."""
    parsed = [SealedSecret.from_manifest(document) for document in sealed]
    keyring = Keyring([key])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        began = time.perf_counter()
        for _ in pool.map(lambda one: unseal_items(one, keyring), parsed):
            pass
        return time.perf_counter() - began


async def _write_all(server: ApiServer, sealed: list[Object]) -> float:
    """Seconds for one Secret and one status an object, written by the client that the operator uses."""
    namespace = f"{NAMESPACE}-limit"
    async with Client(connect(str(server.admin_kubeconfig))) as client:
        objects = []
        for document in sealed:
            body = {**document, "metadata": {"name": document["metadata"]["name"]}}
            objects.append(await client.request("POST", path_of(SEALED_SECRET, namespace), body=body))
        data = {f"value-{index}": "A" * 44 for index in range(VALUES)}
        status = {"observedGeneration": 1, "conditions": [{"type": "Synced", "status": "True"}]}

        async def write(obj: Object) -> None:
            name = obj["metadata"]["name"]
            secret = {"metadata": {"name": name}, "data": data}
            await client.request("POST", path_of(SECRET, namespace), body=secret)
            path = path_of(SEALED_SECRET, namespace, name, sub="status")
            await client.request("PUT", path, body={**obj, "status": status})

        began = time.perf_counter()
        await at_once(objects, write)
        took = time.perf_counter() - began
        for kind in (SEALED_SECRET, SECRET):
            await client.request("DELETE", path_of(kind, namespace))
        return took


async def _prepare(server: ApiServer, key: SealingKey, sealed: list[Object]) -> None:
    async with Client(connect(str(server.admin_kubeconfig))) as client:
        secret = key.to_secret(name="sealed-secrets-key-bench", namespace=NAMESPACE)
        await client.request("POST", path_of(SECRET, NAMESPACE), body=secret.to_manifest(), sensitive=True)

        async def create(document: Object) -> None:
            await client.request("POST", path_of(SEALED_SECRET, NAMESPACE), body=document)

        await at_once(sealed, create)


async def at_once(items: list[Object], do: Callable[[Object], Awaitable[None]]) -> None:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Object) -> None:
        async with slots:
            await do(item)

    await asyncio.gather(*(one(item) for item in items))


def _check(server: ApiServer) -> None:
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{NAMESPACE}/sealedsecrets"
    synced = [obj["status"]["conditions"][0]["status"] for obj in server.request("GET", path)["items"]]
    if synced != ["True"] * OBJECTS:
        raise RuntimeError("not every SealedSecret was unsealed")


def measure() -> list[Row]:
    """The figures of one run, each beside what it is held against."""
    figures = run()
    asked = figures.requests
    by_object = {
        "POST secrets": "create the Secret",
        "PUT sealedsecrets/status": "tell the status",
        "POST events": "tell people; in the background",
    }
    writes = written(asked) - asked.get("POST events", 0)
    others = sum(count for what, count in asked.items() if what not in by_object)
    what = f"{OBJECTS} SealedSecrets of {VALUES} values, RSA-{BITS}"
    return [
        Row("RSA alone", figures.rsa, "s", f"{OBJECTS * VALUES} values on {os.cpu_count()} cores"),
        Row("API writes alone", figures.writes, "s", f"{OBJECTS} Secrets and {OBJECTS} statuses"),
        Row("unsealing", figures.unseal, "s", f"{what}, from the start of the process"),
        Row("unsealing, in limits", figures.unseal / figures.limit, "x", f"aim: at most {TARGET:g}"),
        Row("CPU of the operator", figures.unseal_cpu, "s", "RSA included"),
        Row("the same in CPU of RSA alone", figures.unseal_cpu / figures.rsa_cpu, "x", "aim: at most 2"),
        Row("memory of the operator", figures.memory, "MiB", "largest resident size"),
        *(
            Row(f"{name} an object", asked.get(name, 0) / OBJECTS, "requests", purpose)
            for name, purpose in by_object.items()
        ),
        Row("writes an object, without its event", writes / OBJECTS, "requests", "aim: at most 2"),
        Row("all other requests", others, "requests", "for all objects together"),
        Row("a start with all in sync", figures.again, "s", "from the start of the process"),
        Row("CPU of that start", figures.again_cpu, "s"),
        Row("decryptions of that start", figures.again_decryptions, "values"),
        Row("writes of that start", figures.again_writes, "requests"),
    ]


if __name__ == "__main__":
    print(table(measure()))
