"""Passes over a whole directory: order, second chances, watching."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sealbridge.errors import SealbridgeError
from sealbridge.local.directory import DirectoryCluster
from sealbridge.local.formats import Format
from sealbridge.local.run import Report, Session, rest, watch
from sealbridge.reconcile.kinds import Object, ObjectKey
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import SealingKey
from sealbridge.secret import Secret, Value
from tests.canary import Canary
from tests.worlds import FixedKeyring, World, external_secret, fake_store


@asynccontextmanager
async def session_of(
    world: World, *, once: bool = True, prune: bool = False, **options: Any
) -> AsyncIterator[tuple[Session, DirectoryCluster]]:
    cluster = DirectoryCluster(world.source, world.output, **options)
    session = Session(cluster, FixedKeyring(world.keyring), world.clock, once=once, prune=prune)
    try:
        yield session, cluster
    finally:
        await session.close()


async def run(world: World, **options: Any) -> Report:
    async with session_of(world, **options) as (session, _):
        return await session.run()


def outcomes(report: Report) -> dict[str, Outcome]:
    return {f"{result.key.kind} {result.key.name}": result.outcome for result in report.results}


def vault_store(name: str, secret: str) -> Object:
    """A store that needs a credential; nothing listens where it points to."""
    auth = {"tokenSecretRef": {"name": secret, "key": "token"}}
    vault = {"server": "http://127.0.0.1:1", "path": "kv", "auth": auth}
    return {**fake_store(name, {}), "spec": {"provider": {"vault": vault}}}


async def test_everything_works_in_one_pass_and_the_next_one_does_nothing(world: World) -> None:
    world.write(
        "all.yaml",
        world.sealed("sealed", {"a": "1"}),
        fake_store("fake", {"k": "v"}),
        external_secret("external", {"b": "k"}),
    )

    first = await run(world)
    files, opened = world.output_files(), world.keyring.opened
    second = await run(world)

    assert outcomes(first) == {
        "SealedSecret sealed": Outcome.CREATED,
        "SecretStore fake": Outcome.VALID,
        "ExternalSecret external": Outcome.CREATED,
    }
    assert set(outcomes(second).values()) == {Outcome.UNCHANGED, Outcome.VALID}
    assert (world.output_files(), world.keyring.opened) == (files, opened)
    assert first.ok
    assert second.ok


async def test_one_bad_object_of_each_sort_fails_alone(
    world: World, other_key: SealingKey, canary: Canary
) -> None:
    canary.output(world.source)
    canary.output(world.output / "default")
    value = canary("among bad ones")
    world.write("good.yaml", world.sealed("good", {"a": value}), fake_store("fake", {"k": value}))
    world.write(
        "external.yaml", external_secret("fine", {"b": "k"}), external_secret("missing", {"b": "nope"})
    )
    world.write("wrong.yaml", world.sealed("wrong", {"a": value}, key=other_key))
    (world.source / "broken.yaml").write_text("kind: Secret\na: [")

    report = await run(world)

    assert outcomes(report) == {
        "SealedSecret good": Outcome.CREATED,
        "SealedSecret wrong": Outcome.FAILED,
        "SecretStore fake": Outcome.VALID,
        "ExternalSecret fine": Outcome.CREATED,
        "ExternalSecret missing": Outcome.FAILED,
    }
    assert [problem.where for problem in report.problems] == ["broken.yaml: document 1, line 3"]
    assert not report.ok
    assert value not in repr(report)


class BrokenKeyring:
    """A keyring with a defect, whose text quotes a value."""

    async def keyring(self, *, fresh: bool = False) -> Keyring:
        raise RuntimeError("hush")


async def test_a_defect_in_the_way_of_one_object_stops_no_other(world: World) -> None:
    world.write("db.yaml", world.sealed("db", {"a": b"b"}))
    world.write("store.yaml", fake_store("fake", {"k": "v"}))
    world.write("api.yaml", external_secret("api", {"a": "k"}))
    cluster = world.cluster()
    session = Session(cluster, BrokenKeyring(), world.clock, once=True)
    try:
        report = await session.run()
    finally:
        await session.close()

    assert outcomes(report)["ExternalSecret api"] is Outcome.CREATED
    (broken,) = [result for result in report.results if result.outcome is Outcome.FAILED]
    assert broken.key.name == "db"
    assert broken.message.startswith("internal error: RuntimeError in test_run.py, line ")
    assert "hush" not in f"{broken.message} {broken.error}"


async def test_a_store_finds_the_credential_that_an_external_secret_makes_in_the_same_pass(
    world: World,
) -> None:
    world.write(
        "all.yaml",
        vault_store("second", "made"),
        external_secret("made", {"token": "k"}, store="first"),
        fake_store("first", {"k": "v"}),
    )

    report = await run(world)

    assert outcomes(report)["ExternalSecret made"] is Outcome.CREATED
    (second,) = [result for result in report.results if result.key.name == "second"]
    # It got as far as contacting the server, which it cannot without its credential.
    expected = "unable to validate store: cannot reach http://127.0.0.1:1: connection refused"
    assert second.message == expected


async def test_another_format_is_taken_up_by_what_is_in_sync(world: World) -> None:
    world.write(
        "all.yaml",
        world.sealed("sealed", {"a": "1"}),
        fake_store("fake", {"k": "v"}),
        external_secret("external", {"b": "k"}),
    )
    await run(world)

    await run(world, format_=Format.ENV)

    assert list(world.output_files()) == ["default/external.env", "default/sealed.env"]


async def test_a_dry_run_tells_all_and_writes_nothing(world: World) -> None:
    world.write("all.yaml", world.sealed("db", {"a": "1"}))
    await run(world)
    files = world.output_files()
    world.write("all.yaml", world.sealed("db", {"a": "2", "b": "1"}), world.sealed("new", {"c": "1"}))

    report = await run(world, dry=True)

    db, new = report.results
    assert (db.outcome, db.added, db.updated) == (Outcome.UPDATED, ("b",), ("a",))
    assert (new.outcome, new.added) == (Outcome.CREATED, ("c",))
    assert world.output_files() == files
    assert set(outcomes(await run(world)).values()) == {Outcome.UPDATED, Outcome.CREATED}


async def test_pruning_is_asked_for_and_tells_when_it_does_not(world: World) -> None:
    world.write("a.yaml", world.sealed("a", {"a": "1"}))
    world.write("b.yaml", world.sealed("b", {"a": "1"}))
    await run(world)
    (world.source / "b.yaml").unlink()

    assert (await run(world)).pruned == ()
    (world.source / "broken.yaml").write_text("kind: Secret\na: [")
    kept = await run(world, prune=True)
    assert kept.pruned == ()
    assert kept.not_pruned is not None
    (world.source / "broken.yaml").unlink()
    report = await run(world, prune=True)
    assert [each.target.name for each in report.pruned] == ["b"]
    assert report.ok
    assert list(world.output_files()) == ["default/a.yaml"]


def of_target(world: World, name: str) -> Object:
    return external_secret(name, {"a": "k"}, target={"name": "t"})


def sealed_one(world: World, name: str) -> Object:
    return world.sealed("t", {"a": "v"})


@pytest.mark.parametrize(
    ("before", "after"), [(of_target, of_target), (of_target, sealed_one), (sealed_one, of_target)]
)
async def test_a_secret_is_taken_over_from_an_object_that_is_gone(
    world: World, before: Callable[[World, str], Object], after: Callable[[World, str], Object]
) -> None:
    world.write("store.yaml", fake_store("fake", {"k": "v"}))
    world.write("a.yaml", before(world, "old"))
    await run(world)
    world.write("a.yaml", after(world, "new"))

    report = await run(world, prune=True)

    assert (report.ok, report.pruned) == (True, ())
    assert world.read("default/t.yaml") == {"a": "v"}
    assert Outcome.UNCHANGED in outcomes(await run(world, prune=True)).values()


async def test_a_secret_edited_by_hand_is_not_taken_over(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"k": "v"}))
    world.write("a.yaml", of_target(world, "old"))
    await run(world)
    world.write("a.yaml", of_target(world, "new"))
    path = world.output / "default" / "t.yaml"
    path.write_text(path.read_text() + "# by hand\n")

    report = await run(world, prune=True)

    assert "target is owned by another ExternalSecret" in report.results[-1].message
    assert (report.pruned, path.exists()) == ((), True)


async def test_pruning_leaves_what_another_object_is_to_make_and_fails_to(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"k": "v"}))
    world.write("a.yaml", of_target(world, "old"))
    await run(world)
    world.write("store.yaml", fake_store("fake", {}))
    world.write("a.yaml", of_target(world, "new"))

    report = await run(world, prune=True)

    assert outcomes(report)["ExternalSecret new"] is Outcome.FAILED
    assert report.pruned == ()
    assert world.read("default/t.yaml") == {"a": "v"}


class Watcher:
    """Runs `watch` and hands out what it tells, one by one."""

    def __init__(self, session: Session, cluster: DirectoryCluster) -> None:
        self.told: asyncio.Queue[Report | SealbridgeError] = asyncio.Queue()
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(
            watch(
                session,
                cluster,
                stop=self.stop,
                tell=self.told.put_nowait,
                complain=self.told.put_nowait,
                poll=0.01,
            )
        )

    async def next(self) -> Report | SealbridgeError:
        return await asyncio.wait_for(self.told.get(), 20)

    async def end(self) -> None:
        self.stop.set()
        await asyncio.wait_for(self.task, 20)


@asynccontextmanager
async def watching(world: World) -> AsyncIterator[Callable[[], Any]]:
    async with session_of(world, once=False) as (session, cluster):
        watcher = Watcher(session, cluster)
        try:
            yield watcher.next
        finally:
            await watcher.end()


async def test_watching_follows_changes_and_survives_a_pass_that_cannot_be_made(world: World) -> None:
    world.write("a.yaml", world.sealed("a", {"a": "1"}))
    async with watching(world) as told:
        assert outcomes(await told()) == {"SealedSecret a": Outcome.CREATED}

        world.write("b.yaml", world.sealed("b", {"a": "1"}))
        assert outcomes(await told()) == {
            "SealedSecret a": Outcome.UNCHANGED,
            "SealedSecret b": Outcome.CREATED,
        }

        hidden = world.source.rename(world.source.with_name("hidden"))
        complaint = await told()
        assert isinstance(complaint, SealbridgeError)
        assert complaint.what == "there is no such folder"

        hidden.rename(world.source)
        assert set(outcomes(await told()).values()) == {Outcome.UNCHANGED}
    assert list(world.output_files()) == ["default/a.yaml", "default/b.yaml"]


async def test_watching_comes_back_when_a_refresh_is_due(world: World) -> None:
    world.write("store.yaml", fake_store("fake", {"k": "v"}))
    world.write("db.yaml", external_secret("db", {"a": "k"}, refreshInterval="10ms"))
    async with watching(world) as told:
        assert outcomes(await told())["ExternalSecret db"] is Outcome.CREATED
        world.clock.advance(1)
        assert outcomes(await told())["ExternalSecret db"] is Outcome.UNCHANGED


async def test_watching_stops_in_the_middle_of_a_pass_that_waits_for_a_store(world: World) -> None:
    asked = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    token = Secret(name="token", namespace="default", items={"token": Value(b"t")})
    world.write("token.yaml", token.to_manifest())
    store = vault_store("vault", "token")
    store["spec"]["provider"]["vault"]["server"] = f"http://127.0.0.1:{port}"
    world.write("store.yaml", world.sealed("db", {"a": "1"}), store)
    stop = asyncio.Event()
    async with server, session_of(world, once=False) as (session, cluster):
        reports: list[object] = []
        watcher = asyncio.create_task(
            watch(session, cluster, stop=stop, tell=reports.append, complain=reports.append)
        )
        await asyncio.wait_for(asked.wait(), 10)
        stop.set()
        await asyncio.wait_for(watcher, 5)

    assert reports == []
    assert world.read("default/db.yaml") == {"a": "1"}
    assert outcomes(await run(world))["SealedSecret db"] is Outcome.UNCHANGED


@pytest.mark.parametrize("once", [True, False])
async def test_only_a_run_that_comes_once_ignores_the_schedule(world: World, once: bool) -> None:
    world.write("store.yaml", fake_store("fake", {"k": "1"}))
    world.write("db.yaml", external_secret("db", {"a": "k"}))
    await run(world, once=once)
    world.write("store.yaml", fake_store("fake", {"k": "2"}))

    report = await run(world, once=once)

    assert outcomes(report)["ExternalSecret db"] is (Outcome.UPDATED if once else Outcome.UNCHANGED)


def told(**fields: Any) -> Report:
    key = ObjectKey("ExternalSecret", "default", "db")
    result = Result(key=key, outcome=Outcome.FAILED, **fields)
    return Report(results=(result,), problems=(), where={})


@pytest.mark.parametrize(
    ("report", "failures", "seconds"),
    [
        (told(), 1, 300),
        (told(requeue_after=7.5), 0, 7.5),
        (told(requeue_after=9000.0), 0, 300),
        (told(retry=True), 1, 2),
        (told(retry=True), 4, 16),
        (told(retry=True), 10**6, 300),
        (told(retry=True, requeue_after=40.0), 1, 40),
    ],
)
def test_watching_rests_until_something_is_due_and_longer_with_every_failure(
    report: Report, failures: int, seconds: float
) -> None:
    assert rest(report, failures) == seconds


async def test_a_cluster_external_secret_is_named_and_left_to_the_operator(world: World) -> None:
    fan = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ClusterExternalSecret",
        "metadata": {"name": "fan"},
        "spec": {"externalSecretSpec": {}, "namespaces": ["default"]},
    }
    world.write("fan.yaml", fan)

    (result,) = (await run(world)).results

    assert (str(result.key), result.outcome) == ("ClusterExternalSecret fan", Outcome.SKIPPED)
    assert "needs the operator" in result.message
