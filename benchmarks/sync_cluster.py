"""What is in sync costs nothing: 10,000 SealedSecrets at a restart, and many sealing keys.

Run alone with `python -m benchmarks.sync_cluster`. The operator is a process of its own on a real API
server, both on the same processors.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import Row, table
from benchmarks.unseal_cluster import Operator, at_once
from sealbridge.kube.client import Client, path_of
from sealbridge.kube.config import connect
from sealbridge.reconcile.kinds import SEALED_SECRET, SECRET, Object
from sealbridge.sealing.keys import SealingKey
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import SEALED_WITH, seal
from sealbridge.secret import Secret, Value
from tests.servers.apiserver import ApiServer

OBJECTS = 10_000
READY_WITHIN, MEMORY, LIVE_WITHIN = 20, 300, 1  # seconds, MiB, seconds: the aims
KEYS, KEYED, VALUES = 20, 50, 3
BITS = 2048  # opening is not what is measured here
NAMESPACE = "bench"
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


def measure() -> list[Row]:
    """The figures of one run, each beside what it is held against."""
    with tempfile.TemporaryDirectory(prefix="sealbridge-bench-") as folder:
        server = ApiServer(Path(folder) / "apiserver")
        server.start()
        try:
            server.install_crds()
            server.ensure_namespace(NAMESPACE)
            return [*_many_keys(server, Path(folder)), *_in_sync(server, Path(folder))]
        finally:
            server.stop()


def _in_sync(server: ApiServer, folder: Path) -> list[Row]:
    key = _new_key()
    _run(server, _store, [key], [_sealed(key, f"object-{number}", 1) for number in range(OBJECTS)])
    with Operator(server.admin_kubeconfig, folder) as operator:
        operator.wait_for("created", OBJECTS)
    with Operator(server.admin_kubeconfig, folder) as operator:
        ready = operator.wait_until_ready()
        live = _edit(server, key, "object-4711", operator)
        operator.wait_for("unchanged", OBJECTS - 1)
        settled, cpu, memory = operator.metrics(), operator.cpu(), operator.memory()
        written = _written(operator) - 3  # the Secret, the status and the event of the one that was edited
    with Operator(server.admin_kubeconfig, folder) as operator:
        operator.wait_until_ready()
        operator.wait_for("unchanged", OBJECTS)
        calm = _edit(server, key, "object-1147", operator)
    opened = settled["sealbridge_decryptions_total"] - 2  # those of the one that was edited
    what = f"{OBJECTS} SealedSecrets in sync, from the start of the process"
    return [
        Row("ready", ready, "s", f"{what}; aim: at most {READY_WITHIN}"),
        Row("decryptions of that start", opened, "values", "but those of the edited one; aim: 0"),
        Row("writes of that start", written, "requests", "but those of the edited one; aim: 0"),
        Row("memory of the operator", memory, "MiB", f"largest resident size; aim: at most {MEMORY}"),
        Row("CPU of the operator", cpu, "s", "until all were looked at"),
        Row("an edit just after ready", live, "s", f"until the Secret has it; aim: at most {LIVE_WITHIN}"),
        Row("an edit among them", calm, "s", f"the same with all looked at; aim: at most {LIVE_WITHIN}"),
    ]


def _many_keys(server: ApiServer, folder: Path) -> list[Row]:
    keys = [_new_key() for _ in range(KEYS)]
    hinted = [_sealed(keys[number % KEYS], f"hinted-{number}", VALUES) for number in range(KEYED)]
    silent = [_sealed(keys[number % KEYS], f"silent-{number}", VALUES) for number in range(KEYED)]
    for sealed in silent:
        del sealed["metadata"]["annotations"][SEALED_WITH]
    counts = []
    with Operator(server.admin_kubeconfig, folder) as operator:
        _run(server, _store, keys, [])
        for objects, outcome in ((hinted, "created"), (silent, "created"), (silent, "unchanged")):
            before = operator.metrics()
            tried = before.get("sealbridge_decryptions_total", 0)
            done = f'sealbridge_reconcile_duration_seconds_count{{kind="SealedSecret",outcome="{outcome}"}}'
            step = _relabel if outcome == "unchanged" else _create
            _run(server, step, objects)
            operator.wait_for(outcome, int(before.get(done, 0)) + KEYED)
            counts.append((operator.metrics()["sealbridge_decryptions_total"] - tried) / (KEYED * VALUES))
    _run(server, _clear)
    what = f"{KEYS} active keys, {KEYED} SealedSecrets of {VALUES} values"
    return [
        Row("private-key operations a value, with the hint", counts[0], "", f"{what}; aim: 1"),
        Row(
            "the same without, the first time",
            counts[1],
            "",
            "the key of one value is tried first for the next",
        ),
        Row("the same without, afterwards", counts[2], "", "the key is remembered in the status; aim: 1"),
    ]


def _new_key() -> SealingKey:
    return SealingKey.generate(at=datetime.now(UTC), bits=BITS)


def _sealed(key: SealingKey, name: str, values: int) -> Object:
    items = {f"value-{index}": Value(b"0123456789abcdef") for index in range(values)}
    return seal(
        Secret(name=name, namespace=NAMESPACE, items=items), key.certificate, Scope.STRICT
    ).to_manifest()


def _run(server: ApiServer, step: Callable[..., Awaitable[None]], *arguments: object) -> None:
    async def run() -> None:
        async with Client(connect(str(server.admin_kubeconfig))) as client:
            await step(client, *arguments)

    asyncio.run(run())


async def _store(client: Client, keys: list[SealingKey], objects: list[Object]) -> None:
    for number, key in enumerate(keys):
        secret = key.to_secret(name=f"key-{number}", namespace=NAMESPACE)
        await client.request("POST", path_of(SECRET, NAMESPACE), body=secret.to_manifest(), sensitive=True)
    await _create(client, objects)


async def _create(client: Client, objects: list[Object]) -> None:
    async def create(document: Object) -> None:
        await client.request("POST", path_of(SEALED_SECRET, NAMESPACE), body=document)

    await at_once(objects, create)


async def _relabel(client: Client, objects: list[Object]) -> None:
    async def relabel(document: Object) -> None:
        path = path_of(SEALED_SECRET, NAMESPACE, document["metadata"]["name"])
        current = await client.get(path)
        if current is None:
            raise RuntimeError(f"{path} is gone")
        current["metadata"]["labels"] = {"edited": "yes"}
        await client.request("PUT", path, body=current)

    await at_once(objects, relabel)


async def _clear(client: Client) -> None:
    for kind in (SEALED_SECRET, SECRET):
        await client.request("DELETE", path_of(kind, NAMESPACE))


def _edit(server: ApiServer, key: SealingKey, name: str, operator: Operator) -> float:
    """Seal another value into one object; returns the seconds until its Secret has it."""
    secret = Secret(name=name, namespace=NAMESPACE, items={"edited": Value(b"x")})
    spec = seal(secret, key.certificate, Scope.STRICT).to_manifest()["spec"]
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{NAMESPACE}/sealedsecrets/{name}"
    before = operator.requests().get("POST events", 0)
    began = time.perf_counter()
    server.request("PATCH", path, {"spec": spec}, content_type="application/merge-patch+json")
    target = f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}"
    while "edited" not in server.request("GET", target)["data"]:
        time.sleep(0.01)
    took = time.perf_counter() - began
    operator.wait_for_events(int(before) + 1)
    return took


def _written(operator: Operator) -> float:
    return sum(count for what, count in operator.requests().items() if what.split()[0] in _WRITES)


if __name__ == "__main__":
    print(table(measure()))
