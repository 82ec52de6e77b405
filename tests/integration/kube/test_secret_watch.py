"""Which Secrets have changed, on a real API server."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from sealbridge.kube.config import connect
from sealbridge.kube.secret_watch import MANY, SecretWatch
from tests.servers.apiserver import ApiServer


class Interest:
    def __init__(self) -> None:
        self.names: set[str] = set()
        self.changed: Callable[[], None] = lambda: None

    @property
    def namespaces(self) -> frozenset[str]:
        return frozenset(self.names)


class Watching:
    """A watch that runs, and what it has told."""

    def __init__(self, server: ApiServer, *, everywhere: bool) -> None:
        self.server = server
        self.interest = Interest()
        self.told: list[tuple[str, str, Mapping[str, str]]] = []
        self.requests: list[tuple[str, str]] = []
        self.watch = SecretWatch(
            connect(str(server.admin_kubeconfig)),
            self.interest,
            lambda *told: self.told.append(told),
            everywhere=everywhere,
            observe=lambda verb, resource, _: self.requests.append((verb, resource)),
        )
        self.task = asyncio.create_task(self.watch.run())

    def add(self, *names: str) -> None:
        self.interest.names.update(names)
        self.interest.changed()

    async def eventually(self, *told: tuple[str, str, Mapping[str, str]]) -> None:
        async with asyncio.timeout(30):
            while any(one not in self.told for one in told):
                await asyncio.sleep(0.02)

    async def watching(self, count: int) -> None:
        async with asyncio.timeout(30):
            while sum(verb == "WATCH" for verb, _ in self.requests) < count:
                await asyncio.sleep(0.02)


@pytest.fixture
async def watching(apiserver: ApiServer) -> AsyncIterator[Watching]:
    made = Watching(apiserver, everywhere=True)
    yield made
    made.task.cancel()
    await asyncio.gather(made.task, return_exceptions=True)
    await made.watch.close()


def path(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/secrets" + (f"/{name}" if name else "")


def secret(name: str, labels: dict[str, str] | None = None) -> dict[str, object]:
    data = {"a": base64.b64encode(b"x").decode()}
    return {"metadata": {"name": name, "labels": labels or {}}, "data": data}


async def test_what_comes_changes_and_goes_is_told_with_old_and_new_labels(
    watching: Watching, apiserver: ApiServer, namespace: str
) -> None:
    call = apiserver.request
    await asyncio.to_thread(call, "POST", path(namespace), secret("before"))
    watching.add(namespace)
    await watching.eventually((namespace, "before", {}))
    await watching.watching(1)
    await asyncio.to_thread(call, "POST", path(namespace), secret("new", {"app": "a"}))
    await watching.eventually((namespace, "new", {"app": "a"}))
    watching.told.clear()
    await asyncio.to_thread(call, "PUT", path(namespace, "new"), secret("new", {"app": "b"}))
    await watching.eventually((namespace, "new", {"app": "a"}), (namespace, "new", {"app": "b"}))
    watching.told.clear()
    await asyncio.to_thread(call, "DELETE", path(namespace, "new"))
    await watching.eventually((namespace, "new", {"app": "b"}))
    # Nobody asks for what is in no namespace of interest.
    assert {one[0] for one in watching.told} == {namespace}


async def test_many_namespaces_are_watched_at_once(watching: Watching, apiserver: ApiServer) -> None:
    names = [f"many-{secrets.token_hex(4)}" for _ in range(MANY + 1)]
    for name in names:
        await asyncio.to_thread(apiserver.ensure_namespace, name)
    watching.add(*names)
    await watching.watching(1)
    for name in names:
        await asyncio.to_thread(apiserver.request, "POST", path(name), secret("s"))
    await watching.eventually(*((name, "s", {}) for name in names))
    assert sum(verb == "WATCH" for verb, _ in watching.requests) == 1


async def test_a_namespace_of_no_interest_any_more_is_not_watched(
    watching: Watching, apiserver: ApiServer, namespace: str
) -> None:
    watching.add(namespace)
    await watching.watching(1)
    watching.interest.names.clear()
    watching.interest.changed()
    other = f"other-{secrets.token_hex(4)}"
    await asyncio.to_thread(apiserver.ensure_namespace, other)
    watching.add(other)
    await watching.watching(2)
    await asyncio.to_thread(apiserver.request, "POST", path(namespace), secret("unseen"))
    await asyncio.to_thread(apiserver.request, "POST", path(other), secret("seen"))
    await watching.eventually((other, "seen", {}))
    assert (namespace, "unseen", {}) not in watching.told


async def test_what_happened_while_the_api_server_was_away_is_told(own_apiserver: ApiServer) -> None:
    own_apiserver.ensure_namespace("away")
    watching = Watching(own_apiserver, everywhere=False)
    try:
        watching.add("away")
        await watching.watching(1)
        await asyncio.to_thread(own_apiserver.stop)
        await asyncio.to_thread(own_apiserver.start)
        await asyncio.to_thread(own_apiserver.request, "POST", path("away"), secret("late"))
        await watching.eventually(("away", "late", {}))
    finally:
        watching.task.cancel()
        await asyncio.gather(watching.task, return_exceptions=True)
        await watching.watch.close()
