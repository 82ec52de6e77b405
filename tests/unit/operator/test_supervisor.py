"""The supervisor under warped time: restarts, surveys and sweeps."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from sealbridge.errors import ClusterError
from sealbridge.kube.failures import Unreachable
from sealbridge.operator import supervisor
from sealbridge.operator.metrics import Metrics
from sealbridge.operator.supervisor import Supervisor, Survey
from sealbridge.reconcile.kinds import EXTERNAL_SECRET, SEALED_SECRET, SECRET, Kind, Object, ObjectKey, key_of

pytestmark = pytest.mark.looptime


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 1, tzinfo=UTC)


class Api:
    """Serves kinds, refuses some, and fails when told; client, discovery and cluster at once."""

    def __init__(self) -> None:
        self.served = {SEALED_SECRET: "v1alpha1", EXTERNAL_SECRET: "v1", SECRET: "v1"}
        self.forbidden: set[str] = set()
        self.refused: dict[str, int] = {}
        self.trouble: ClusterError | None = None
        self.slow = 0.0
        self.objects: dict[Kind, list[Object]] = {}
        self.lists = 0

    def forget(self) -> None:
        pass

    async def version(self, kind: Kind) -> str | None:
        if self.trouble is not None:
            raise self.trouble
        return self.served.get(kind)

    async def request(self, verb: str, path: str, **_: Any) -> None:
        await asyncio.sleep(self.slow)
        if path in self.refused:
            raise ClusterError("refused", status=self.refused[path])
        if path.rpartition("/")[2] in self.forbidden:
            raise ClusterError("forbidden", status=403, hint="grant it")

    async def list_metadata(
        self, kind: Kind, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        if self.trouble is not None:
            raise self.trouble
        self.lists += 1
        return self.objects.get(kind, [])


class Source:
    """Dies when told."""

    def __init__(self, versions: Mapping[Kind, str]) -> None:
        self.versions = dict(versions)
        self.started_at: float | None = None
        self.stopped = False
        self.death: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def start(self) -> None:
        self.started_at = asyncio.get_running_loop().time()

    async def stop(self) -> None:
        self.stopped = True

    async def died(self) -> str:
        return await asyncio.shield(self.death)

    def is_alive(self) -> bool:
        return self.started_at is not None and not self.stopped and not self.death.done()


class Watcher:
    """Remembers what sweeps brought."""

    def __init__(self) -> None:
        self.seen: set[ObjectKey] = set()
        self.sweeps: list[float] = []

    def known(self, kind: Kind) -> frozenset[ObjectKey]:
        return frozenset(key for key in self.seen if key.kind == kind.name)

    def swept(self, kind: Kind, objects: Any, before: frozenset[ObjectKey]) -> int:
        keys = {key_of(obj) for obj in objects}
        missed = len(keys - self.seen) + len(before - keys)
        self.seen |= keys
        if kind is SEALED_SECRET:
            self.sweeps.append(asyncio.get_running_loop().time())
        return missed

    def targets(self) -> dict[tuple[str, str], ObjectKey]:
        return {}

    def swept_targets(self, secrets: Any, before: Any) -> int:
        return 0


class House:
    """A supervisor with all that it needs."""

    def __init__(self) -> None:
        self.api = Api()
        self.watcher = Watcher()
        self.sources: list[Source] = []
        self.survey = Survey(self.api, self.api, tuple(self.api.served))  # type: ignore[arg-type]
        self.supervisor = Supervisor(
            survey=self.survey,
            cluster=self.api,  # type: ignore[arg-type]
            make_source=self.make,
            watcher=self.watcher,
            metrics=Metrics(),
            clock=Clock(),
            rng=random.Random(1),
        )
        self.task: asyncio.Task[None] | None = None

    async def pass_time(self, seconds: float) -> None:
        """Let the supervisor run for so long; the first call starts it."""
        if self.task is None:
            self.task = asyncio.create_task(self.supervisor.run())
        await asyncio.sleep(seconds)

    def make(self, versions: Mapping[Kind, str]) -> Source:
        self.sources.append(Source(versions))
        return self.sources[-1]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    if made.task is not None:
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)


async def test_it_watches_and_is_ready_after_the_first_sweep(house: House) -> None:
    await house.pass_time(1)
    assert house.supervisor.ready() is None
    assert house.supervisor.alive() is None
    assert [source.versions for source in house.sources] == [house.api.served]


async def test_a_watch_that_dies_is_started_anew_and_swept_behind(house: House) -> None:
    await house.pass_time(1)
    house.sources[0].death.set_result("WatchingError")
    await house.pass_time(5)
    assert len(house.sources) == 2
    assert house.sources[0].stopped
    assert house.sources[1].is_alive()
    assert len(house.watcher.sweeps) == 2


async def test_a_watch_that_dies_again_and_again_is_started_less_and_less_often(house: House) -> None:
    for _ in range(200):
        await house.pass_time(1)
        if not house.sources[-1].death.done():
            house.sources[-1].death.set_result("WatchingError")
    assert 8 < len(house.sources) < 40


DOWN = Unreachable("down", where="GET /api")
BROKEN = ClusterError("the API server failed", retryable=True, status=500)
STRANGER = ClusterError("the API server does not accept our credentials", retryable=True, status=401)


@pytest.mark.parametrize(
    ("trouble", "told"), [(DOWN, None), (BROKEN, None), (STRANGER, "the watch is dead")], ids=str
)
async def test_a_process_without_a_watch_for_long_is_not_alive_unless_the_api_server_is_what_is_missing(
    house: House, trouble: ClusterError, told: str | None
) -> None:
    await house.pass_time(1)
    house.api.trouble = trouble
    house.sources[0].death.set_result("ClientConnectorError")
    await house.pass_time(supervisor.DEAD_AFTER / 2)
    assert house.supervisor.alive() is None
    for _ in range(4):
        await house.pass_time(supervisor.DEAD_AFTER / 2)
    assert house.supervisor.alive() == told
    house.api.trouble = None
    await house.pass_time(supervisor.RESTART_LAST + 1)
    assert house.supervisor.alive() is None


async def test_a_process_that_waits_for_an_answer_for_long_is_alive(house: House) -> None:
    await house.pass_time(1)
    house.api.slow = 3 * supervisor.DEAD_AFTER
    house.sources[0].death.set_result("WatchingError")
    for _ in range(4):
        await house.pass_time(supervisor.DEAD_AFTER / 2)
        assert house.supervisor.alive() is None
    assert len(house.sources) == 1


async def test_an_api_server_that_is_away_at_the_start_is_awaited(house: House) -> None:
    house.api.trouble = DOWN
    await house.pass_time(30)
    assert house.sources == []
    house.api.trouble = None
    await house.pass_time(supervisor.RESTART_LAST + 1)
    assert house.supervisor.ready() is None


@pytest.mark.parametrize("trouble", ["not served", "forbidden"])
async def test_a_kind_that_is_missing_does_not_hold_up_the_others(
    house: House, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    if trouble == "not served":
        del house.api.served[SEALED_SECRET]
    else:
        house.api.forbidden.add("sealedsecrets")
    await house.pass_time(3 * supervisor.SURVEY_SOON)
    assert [sorted(kind.name for kind in source.versions) for source in house.sources] == [
        ["ExternalSecret", "Secret"]
    ]
    complaints = [record for record in caplog.records if "cannot be watched" in record.message]
    assert [record.__dict__["kind"] for record in complaints] == ["SealedSecret"]
    assert complaints[0].__dict__["hint"]

    house.api.served[SEALED_SECRET] = "v1alpha1"
    house.api.forbidden.clear()
    await house.pass_time(supervisor.SURVEY_SOON + 1)
    assert len(house.sources) == 2
    assert house.sources[0].stopped
    assert SEALED_SECRET in house.sources[1].versions
    assert house.survey.complete


async def test_a_sweep_comes_now_and_then(house: House) -> None:
    await house.pass_time(4 * supervisor.SWEEP_AFTER)
    gaps = [b - a for a, b in itertools.pairwise(house.watcher.sweeps)]
    assert 2 <= len(gaps) <= 5
    assert all(0.8 * supervisor.SWEEP_AFTER <= gap <= 1.2 * supervisor.SWEEP_AFTER + 1 for gap in gaps)


async def test_a_watch_that_had_to_list_anew_is_swept_behind(house: House) -> None:
    await house.pass_time(1)
    sweeps = len(house.watcher.sweeps)
    house.supervisor.look_again()
    await house.pass_time(1)
    assert len(house.watcher.sweeps) == sweeps + 1


async def test_a_sweep_leaves_a_new_watch_the_time_to_bring_whole_objects(house: House) -> None:
    house.api.objects[SEALED_SECRET] = [
        {"kind": "SealedSecret", "metadata": {"name": name, "namespace": "a"}} for name in ("x", "y")
    ]
    await house.pass_time(supervisor.SETTLE / 2)
    assert house.watcher.sweeps == []
    assert house.supervisor.ready() is not None
    await house.pass_time(supervisor.SETTLE)
    assert len(house.watcher.sweeps) == 1


async def test_a_sweep_that_fails_is_tried_again(house: House) -> None:
    await house.pass_time(1)
    sweeps = len(house.watcher.sweeps)
    house.api.trouble = DOWN
    house.supervisor.look_again()
    await house.pass_time(10)
    assert len(house.watcher.sweeps) == sweeps
    house.api.trouble = None
    await house.pass_time(61)
    assert len(house.watcher.sweeps) > sweeps


async def test_a_namespace_that_is_not_there_is_served_when_it_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = Api()
    survey = Survey(api, api, (SEALED_SECRET, SECRET), namespaces=("own", "later"))  # type: ignore[arg-type]
    api.refused["/api/v1/namespaces/later"] = 404
    for _ in range(2):
        assert set(await survey.take()) == {SEALED_SECRET, SECRET}
        assert survey.namespaces == ("own",)
        assert not survey.complete
    complaints = [record for record in caplog.records if "cannot be watched" in record.message]
    assert [record.__dict__["namespace"] for record in complaints] == ["later"]

    api.refused.clear()
    await survey.take()
    assert survey.namespaces == ("own", "later")
    assert survey.complete


@pytest.mark.parametrize("status", [403, 404])
async def test_a_namespace_that_refuses_does_not_hold_up_the_others(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    api = Api()
    survey = Survey(api, api, (SEALED_SECRET, SECRET), namespaces=("own", "closed"))  # type: ignore[arg-type]
    # Nobody may read namespaces here, which says nothing of what is in them.
    for name in ("own", "closed"):
        api.refused[f"/api/v1/namespaces/{name}"] = 403
    api.refused["/api/v1/namespaces/closed/secrets"] = status

    assert set(await survey.take()) == {SEALED_SECRET, SECRET}
    assert survey.namespaces == ("own",)
    (complaint,) = [record for record in caplog.records if "cannot be watched" in record.message]
    assert complaint.__dict__["error"] == "the API server forbids to list Secret"

    del api.refused["/api/v1/namespaces/closed/secrets"]
    await survey.take()
    assert survey.namespaces == ("own", "closed")
    assert survey.complete


async def test_when_no_namespace_can_be_watched_the_watch_is_not_widened_to_all() -> None:
    api = Api()
    survey = Survey(api, api, (SEALED_SECRET,), namespaces=("a", "b"))  # type: ignore[arg-type]
    for name in ("a", "b"):
        api.refused[f"/api/v1/namespaces/{name}"] = 404
    await survey.take()
    assert survey.namespaces == ("a", "b")


async def test_a_namespace_that_comes_starts_the_watch_anew(house: House) -> None:
    house.survey._wanted = house.survey.namespaces = ("own", "later")
    house.api.refused["/api/v1/namespaces/later"] = 404
    await house.pass_time(1)
    assert len(house.sources) == 1
    house.api.refused.clear()
    await house.pass_time(supervisor.SURVEY_SOON + 1)
    assert len(house.sources) == 2
    assert house.survey.namespaces == ("own", "later")
