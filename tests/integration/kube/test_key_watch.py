"""The watch on key Secrets: what it tells, with an API server that does as a test says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import yaml

from sealbridge.kube.client import Client
from sealbridge.kube.config import connect
from sealbridge.kube.key_watch import KeyWatch
from sealbridge.reconcile.kinds import SECRET
from tests.servers.scripted import ScriptedApi


async def until(check: object, *, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not check():  # type: ignore[operator]
            await asyncio.sleep(0.02)


@asynccontextmanager
async def watching(url: str, folder: Path) -> AsyncIterator[list[None]]:
    """What was told, while it watches."""
    config = {
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    told: list[None] = []
    async with Client(connect(str(file))) as client:
        watch = KeyWatch(client, "a", label="k=v", name="old", changed=lambda: told.append(None))
        task = asyncio.create_task(watch.run())
        try:
            yield told
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def api() -> AsyncIterator[ScriptedApi]:
    async with ScriptedApi([SECRET]) as made:
        yield made


async def test_both_selections_are_watched_by_metadata_and_every_change_is_told(
    api: ScriptedApi, tmp_path: Path
) -> None:
    async with watching(api.url, tmp_path) as told:
        await until(lambda: api.watchers(SECRET) == 2)
        assert len(told) == 2
        selections = {query.get("labelSelector") or query.get("fieldSelector") for _, query in api.requests}
        assert selections == {"k=v", "metadata.name=old"}
        secret = api.put(SECRET, "key")
        for count, type_ in enumerate(("ADDED", "MODIFIED", "DELETED"), 1):
            api.tell(SECRET, type_, secret)
            await until(lambda count=count: len(told) == 2 + 2 * count)


async def test_a_watch_that_is_cut_or_too_old_begins_anew_and_tells_that_something_may_have_changed(
    api: ScriptedApi, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with watching(api.url, tmp_path) as told:
            await until(lambda: api.watchers(SECRET) == 2)
            before = len(told)
            api.fail(SECRET, 410)
            await until(lambda: len(told) >= before + 2 and api.watchers(SECRET) == 2)
            api.cut(SECRET)
            await until(lambda: len(told) >= before + 4 and api.watchers(SECRET) == 2)
            # What no watch can mean ends it, and another begins.
            for watch in ("text", 7):
                api.tell(SECRET, "MODIFIED", watch)  # type: ignore[arg-type]
            await until(lambda: len(told) >= before + 6)
    assert caplog.text == ""
