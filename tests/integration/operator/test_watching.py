"""Watch, supervisor and controller together against an API server that fails as API servers do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime

import pytest

from sealbridge.kube.client import Client
from sealbridge.kube.cluster import KubernetesCluster
from sealbridge.kube.config import Connection
from sealbridge.kube.discovery import Discovery
from sealbridge.kube.source import KopfSource
from sealbridge.operator.controller import Controller
from sealbridge.operator.metrics import Metrics
from sealbridge.operator.queue import WorkQueue
from sealbridge.operator.supervisor import Supervisor, Survey
from sealbridge.operator.targets import Targets
from sealbridge.reconcile.kinds import SEALED_SECRET, SECRET, Kind, Object, ObjectKey
from sealbridge.reconcile.result import Outcome, Result
from tests.servers.scripted import ScriptedApi

KINDS = (SEALED_SECRET, SECRET)


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class NoEvents:
    async def record(self, about: Object, *, type_: str, reason: str, message: str) -> None:
        raise AssertionError("nothing here posts events")


class Looks:
    """A reconciler that only notes what there was when it looked: the generation, None for nothing."""

    def __init__(self, api: ScriptedApi) -> None:
        self._api = api
        self.last: dict[str, int | None] = {}

    async def reconcile(self, key: ObjectKey) -> Result:
        obj = self._api.objects[SEALED_SECRET].get(key.name)
        self.last[key.name] = None if obj is None else obj["metadata"]["generation"]
        return Result(key=key, outcome=Outcome.GONE if obj is None else Outcome.UNCHANGED)


class House:
    """The watching half of the operator."""

    def __init__(self, api: ScriptedApi) -> None:
        self.api = api
        self.looks = Looks(api)
        self.metrics = Metrics()
        connection = Connection(server=api.url)
        self.client = Client(connection)
        discovery = Discovery(self.client)
        cluster = KubernetesCluster(self.client, NoEvents(), discovery=discovery)
        self.controller = Controller(
            queue=WorkQueue(),
            reconcilers={SEALED_SECRET.name: self.looks},
            offers=cluster,
            targets=Targets(),
            metrics=self.metrics,
            clock=Clock(),
        )

        def source(versions: Mapping[Kind, str]) -> KopfSource:
            return KopfSource(
                connection, versions, self.controller.change, relisted=lambda: self.supervisor.look_again()
            )

        self.supervisor = Supervisor(
            survey=Survey(self.client, discovery, KINDS),
            cluster=cluster,
            make_source=source,
            watcher=self.controller,
            metrics=self.metrics,
            clock=Clock(),
            rng=random.Random(1),
        )

    async def sees(self, expected: dict[str, int | None]) -> None:
        await until(lambda: self.looks.last == expected, what=f"{expected}, not {self.looks.last}")

    @property
    def restarts(self) -> int:
        return int(self.metrics.registry.get_sample_value("sealbridge_watch_restarts_total") or 0)


async def until(check: Callable[[], bool], *, what: str, seconds: float = 20) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not check():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"waited for {what}")


@pytest.fixture
async def api() -> AsyncIterator[ScriptedApi]:
    async with ScriptedApi(KINDS) as made:
        yield made


@pytest.fixture
async def house(api: ScriptedApi) -> AsyncIterator[House]:
    """It has seen the first generation of three objects and watches."""
    for name in ("edited", "deleted", "kept"):
        api.put(SEALED_SECRET, name)
    made = House(api)
    tasks = [asyncio.create_task(made.supervisor.run()), asyncio.create_task(made.controller.work())]
    await made.sees({"edited": 1, "deleted": 1, "kept": 1})
    await until(lambda: made.supervisor.ready() is None, what="the first sweep")
    await until(lambda: api.watchers(SEALED_SECRET) == 1, what="the watch")
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await made.supervisor.stop()
    await made.client.close()


def change_all(api: ScriptedApi) -> dict[str, int | None]:
    """Edit, delete and create without a word to the watch; returns what is to be seen then."""
    api.put(SEALED_SECRET, "edited", generation=2)
    del api.objects[SEALED_SECRET]["deleted"]
    api.put(SEALED_SECRET, "created")
    return {"edited": 2, "deleted": None, "kept": 1, "created": 1}


@pytest.mark.parametrize(("code", "restarts"), [(410, 0), (500, 1)])
async def test_what_a_watch_misses_until_it_fails_is_found_deletions_included(
    house: House, api: ScriptedApi, code: int, restarts: int
) -> None:
    expected = change_all(api)
    api.fail(SEALED_SECRET, code)
    await house.sees(expected)
    await until(lambda: api.watchers(SEALED_SECRET) == 1, what="a watch again")
    assert house.restarts == restarts
    assert house.supervisor.alive() is None

    api.tell(SEALED_SECRET, "MODIFIED", api.put(SEALED_SECRET, "kept", generation=2))
    await house.sees({**expected, "kept": 2})


async def test_a_watch_that_is_cut_goes_on_where_it_was_and_lists_nothing(
    house: House, api: ScriptedApi
) -> None:
    api.tell(SEALED_SECRET, "MODIFIED", api.put(SEALED_SECRET, "edited", generation=2))
    await house.sees({"edited": 2, "deleted": 1, "kept": 1})
    before = len(api.requests)
    api.cut(SEALED_SECRET)
    await until(
        lambda: len(api.requests) > before and api.watchers(SEALED_SECRET) == 1, what="the watch again"
    )
    assert [("watch" in query, query.get("resourceVersion")) for _, query in api.requests[before:]] == [
        (True, api.objects[SEALED_SECRET]["edited"]["metadata"]["resourceVersion"])
    ]
    api.tell(SEALED_SECRET, "MODIFIED", api.put(SEALED_SECRET, "kept", generation=2))
    await house.sees({"edited": 2, "deleted": 1, "kept": 2})
    assert house.restarts == 0


async def test_a_list_that_expires_on_the_way_is_begun_anew(house: House, api: ScriptedApi) -> None:
    """The watch has to list anew and the list of many pages expires: kopf dies of that."""
    expected = change_all(api)
    api.page, api.expire = 1, 2
    api.fail(SEALED_SECRET, 410)
    await house.sees(expected)
    await until(lambda: api.watchers(SEALED_SECRET) == 1, what="a watch again")
    assert api.expire == 0
    assert house.supervisor.alive() is None
