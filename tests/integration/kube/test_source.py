"""kopf as an event source: what it brings, and that it writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sealbridge.kube.client import Client, path_of
from sealbridge.kube.config import Connection, connect
from sealbridge.kube.source import Change, KopfSource
from sealbridge.reconcile.kinds import SEALED_SECRET, SECRET
from tests.canary import Canary
from tests.servers.apiserver import ApiServer

VERSIONS = {SEALED_SECRET: "v1alpha1", SECRET: "v1"}


async def until(check: Callable[[], bool], *, what: str, seconds: float = 15) -> None:
    """Wait in the event loop until `check` holds."""
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.02)


def sealed_secret(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": name},
        "spec": {"encryptedData": {"a": "AgA="}},
    }


class Seen:
    """Changes of one namespace."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.changes: list[Change] = []

    def __call__(self, change: Change) -> None:
        if change.obj["metadata"].get("namespace") == self.namespace:
            self.changes.append(change)

    def of(self, name: str) -> list[Change]:
        return [change for change in self.changes if change.obj["metadata"]["name"] == name]


async def test_objects_come_whole_and_secrets_as_metadata_of_managed_ones(
    apiserver: ApiServer, namespace: str, canary: Canary
) -> None:
    connection = connect(str(apiserver.admin_kubeconfig))
    seen = Seen(namespace)
    source = KopfSource(connection, VERSIONS, seen)
    async with Client(connection) as client:
        await client.request("POST", path_of(SEALED_SECRET, namespace), body=sealed_secret("before"))
        source.start()
        try:
            await until(lambda: bool(seen.of("before")), what="the listed object")
            await client.request("POST", path_of(SEALED_SECRET, namespace), body=sealed_secret("after"))
            for name, labels in (("managed", {"sealbridge.io/managed": "true"}), ("other", {})):
                body = {"metadata": {"name": name, "labels": labels}, "stringData": {"a": canary(name)}}
                await client.request("POST", path_of(SECRET, namespace), body=body, sensitive=True)
            await client.request("DELETE", path_of(SEALED_SECRET, namespace, "before"))
            await until(
                lambda: len(seen.of("before")) == 2 and bool(seen.of("after")) and bool(seen.of("managed")),
                what="all changes",
            )
            left = await client.get(path_of(SEALED_SECRET, namespace, "after"))
        finally:
            await source.stop()
    listed, deleted = seen.of("before")
    assert (listed.listed, listed.deleted) == (True, False)
    assert (deleted.listed, deleted.deleted) == (False, True)
    assert listed.obj["spec"] == sealed_secret("x")["spec"]
    assert (listed.obj["apiVersion"], listed.obj["kind"]) == ("bitnami.com/v1alpha1", "SealedSecret")
    (managed,) = seen.of("managed")
    assert managed.kind is SECRET
    assert managed.obj.keys() == {"apiVersion", "kind", "metadata"}
    assert (managed.obj["apiVersion"], managed.obj["kind"]) == ("v1", "Secret")
    assert seen.of("other") == []
    assert left["metadata"].keys().isdisjoint({"finalizers", "annotations"})
    assert not source.is_alive()


async def test_a_source_that_was_not_started_can_be_stopped() -> None:
    source = KopfSource(Connection(server="http://127.0.0.1:1"), {}, lambda _: None)
    await source.stop()
    assert not source.is_alive()
    with pytest.raises(RuntimeError):
        await source.died()
