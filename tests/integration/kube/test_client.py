"""The client against a server that answers as told: retries, credentials, lists, and no values in errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sealbridge.errors import ClusterError, Conflict
from sealbridge.kube.client import METADATA_LIST, Client, path_of
from sealbridge.kube.cluster import KubernetesCluster
from sealbridge.kube.config import Connection
from sealbridge.kube.events import EventRecorder
from sealbridge.operator.process import SystemClock
from sealbridge.reconcile.kinds import (
    CLUSTER_SECRET_STORE,
    EXTERNAL_SECRET,
    SEALED_SECRET,
    SECRET,
    SECRET_STORE,
)
from tests.canary import Canary

PATH = "/api/v1/namespaces/a/secrets"
Answer = Callable[[web.Request], web.StreamResponse]


class Script:
    """Answers one request after the other; the last answer stays."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []

    def say(self, *answers: Answer) -> None:
        self.answers = list(answers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])(request)


def says(status: int, body: Any = None, **headers: str) -> Answer:
    return lambda _: web.json_response(
        body if body is not None else {},
        status=status,
        headers={k.replace("_", "-"): v for k, v in headers.items()},
    )


def hangs_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


class Waits:
    """Waits without waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
async def script() -> AsyncIterator[tuple[Script, str]]:
    made = Script()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield made, f"http://{host}:{port}"
    await runner.cleanup()


async def test_an_answer_is_parsed_and_404_is_none(script: tuple[Script, str]) -> None:
    server, url = script
    async with Client(Connection(server=url)) as client:
        server.say(says(200, {"a": 1}), says(404))
        assert await client.get(PATH) == {"a": 1}
        assert await client.get(PATH) is None
    assert server.requests[0].headers["User-Agent"].startswith("sealbridge/")


@pytest.mark.parametrize("verb", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("trouble", [says(500), says(503), says(504), says(429), hangs_up])
async def test_what_may_be_repeated_is(script: tuple[Script, str], verb: str, trouble: Answer) -> None:
    server, url = script
    waits = Waits()
    async with Client(Connection(server=url), sleep=waits) as client:
        server.say(trouble, trouble, says(200, {"done": True}))
        assert await client.request(verb, PATH, body={"x": 1} if verb != "GET" else None) == {"done": True}
    # aiohttp repeats by itself when a connection that it kept is lost, without a wait.
    assert len(server.requests) == 3
    assert 1 <= len(waits.seconds) <= 2


@pytest.mark.parametrize("trouble", [says(500), says(503), hangs_up])
async def test_a_post_that_may_have_worked_is_not_repeated(
    script: tuple[Script, str], trouble: Answer
) -> None:
    server, url = script
    async with Client(Connection(server=url), sleep=Waits()) as client:
        server.say(trouble, says(201))
        with pytest.raises(ClusterError) as caught:
            await client.request("POST", PATH, body={})
    assert caught.value.retryable
    assert len(server.requests) == 1


async def test_a_post_that_was_turned_away_is_repeated_when_the_server_says(
    script: tuple[Script, str],
) -> None:
    server, url = script
    waits = Waits()
    async with Client(Connection(server=url), sleep=waits) as client:
        server.say(says(429, Retry_After="7"), says(201, {"ok": 1}))
        assert await client.request("POST", PATH, body={}) == {"ok": 1}
    assert waits.seconds == [7]


async def test_a_server_cannot_make_it_wait_for_ever(script: tuple[Script, str]) -> None:
    server, url = script
    waits = Waits()
    async with Client(Connection(server=url), sleep=waits) as client:
        server.say(says(429, Retry_After="86400"), says(429, Retry_After="tomorrow"), says(200))
        await client.get(PATH)
    assert waits.seconds[0] == 30
    assert waits.seconds[1] < 1


async def test_trouble_that_stays_ends_after_some_tries(script: tuple[Script, str]) -> None:
    server, url = script
    async with Client(Connection(server=url), sleep=Waits()) as client:
        server.say(says(503))
        with pytest.raises(ClusterError, match="not available") as caught:
            await client.get(PATH)
    assert caught.value.retryable
    assert len(server.requests) == 5


@pytest.mark.parametrize("code", [400, 403, 422])
async def test_a_refusal_is_not_repeated(script: tuple[Script, str], code: int) -> None:
    server, url = script
    async with Client(Connection(server=url), sleep=Waits()) as client:
        server.say(says(code))
        with pytest.raises(ClusterError) as caught:
            await client.get(PATH)
    assert caught.value.status == code
    assert len(server.requests) == 1


async def test_what_etcd_finds_too_large_is_not_sent_again(script: tuple[Script, str]) -> None:
    server, url = script
    async with Client(Connection(server=url), sleep=Waits()) as client:
        body = {"kind": "Status", "code": 500, "message": "etcdserver: request is too large"}
        server.say(says(500, body))
        with pytest.raises(ClusterError, match="too large for the API server") as caught:
            await client.request("PUT", PATH, body={}, sensitive=True)
    assert (caught.value.status, caught.value.retryable) == (413, False)
    assert len(server.requests) == 1


async def test_409_is_a_conflict(script: tuple[Script, str]) -> None:
    server, url = script
    async with Client(Connection(server=url)) as client:
        server.say(says(409))
        with pytest.raises(Conflict):
            await client.request("PUT", PATH, body={})


async def test_nobody_there_is_an_error_that_says_so() -> None:
    async with Client(Connection(server="http://127.0.0.1:1"), sleep=Waits()) as client:
        with pytest.raises(ClusterError, match="cannot be reached") as caught:
            await client.request("POST", PATH, body={})
    assert caught.value.retryable


async def test_a_refused_token_is_read_again_once(script: tuple[Script, str], tmp_path: Path) -> None:
    server, url = script
    token = tmp_path / "token"
    token.write_text("old\n")

    def renew(request: web.Request) -> web.StreamResponse:
        token.write_text("new\n")
        return web.json_response({}, status=401)

    async with Client(Connection(server=url, token_file=token)) as client:
        server.say(renew, says(200, {"ok": 1}))
        assert await client.get(PATH) == {"ok": 1}
        server.say(says(401))
        with pytest.raises(ClusterError, match="credentials"):
            await client.get(PATH)
    sent = [request.headers["Authorization"] for request in server.requests]
    assert sent[:2] == ["Bearer old", "Bearer new"]
    assert len(sent) == 4


async def test_a_missing_token_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    async with Client(Connection(server="http://127.0.0.1:1", token_file=tmp_path / "token")) as client:
        with pytest.raises(ClusterError, match="no such file") as caught:
            await client.get(PATH)
    assert caught.value.where == str(tmp_path / "token")


async def test_a_list_comes_in_pages(script: tuple[Script, str]) -> None:
    server, url = script
    async with Client(Connection(server=url)) as client:
        server.say(
            says(200, {"metadata": {"continue": "more"}, "items": [{"n": 1}]}),
            says(200, {"metadata": {"continue": ""}, "items": [{"n": 2}]}),
        )
        pages = [page async for page in client.pages(PATH, labels={"b": "2", "a": "1"}, metadata_only=True)]
    assert pages == [[{"n": 1}], [{"n": 2}]]
    assert server.requests[0].query["labelSelector"] == "a=1,b=2"
    assert server.requests[1].query["continue"] == "more"
    assert server.requests[1].headers["Accept"] == METADATA_LIST


async def test_a_list_that_expires_begins_again(script: tuple[Script, str]) -> None:
    server, url = script
    async with Client(Connection(server=url)) as client:
        server.say(
            says(200, {"metadata": {"continue": "old"}, "items": [{"n": 1}]}),
            says(410),
            says(200, {"metadata": {}, "items": None}),
        )
        assert [page async for page in client.pages(PATH)] == [[{"n": 1}], []]
    assert "continue" not in server.requests[2].query


async def test_a_list_that_expires_again_and_again_is_given_up(script: tuple[Script, str]) -> None:
    server, url = script
    server.answers = [
        lambda request: (
            web.json_response({}, status=410)
            if "continue" in request.query
            else web.json_response({"metadata": {"continue": "t"}, "items": []})
        )
    ]
    async with Client(Connection(server=url)) as client:
        with pytest.raises(ClusterError, match="expired"):
            _ = [page async for page in client.pages(PATH)]


async def test_requests_are_counted_by_resource_and_never_by_name(script: tuple[Script, str]) -> None:
    server, url = script
    seen: list[tuple[str, str, int]] = []
    async with Client(Connection(server=url), observe=lambda *what: seen.append(what)) as client:
        server.say(says(200))
        await client.get(path_of(SECRET, "a", "name"))
        await client.get(path_of(SEALED_SECRET, "a", "name", sub="status"))
        await client.get(path_of(CLUSTER_SECRET_STORE, name="name"))
        await client.get("/apis/external-secrets.io/v1")
    assert seen == [
        ("GET", "secrets", 200),
        ("GET", "sealedsecrets/status", 200),
        ("GET", "clustersecretstores", 200),
        ("GET", "discovery", 200),
    ]


async def test_no_error_shows_the_body_of_a_request(script: tuple[Script, str], canary: Canary) -> None:
    server, url = script
    value = canary("in a refused request")

    def quotes(_: web.Request) -> web.StreamResponse:
        return web.json_response(
            {"kind": "Status", "code": 400, "message": f"error found in ...|{value}|..."}, status=400
        )

    async with Client(Connection(server=url)) as client:
        server.say(quotes)
        with pytest.raises(ClusterError) as caught:
            await client.request("POST", PATH, body={"data": value}, sensitive=True)
    assert value not in f"{caught.value} {caught.value!r} {caught.value.__cause__} {caught.value.__context__}"
    assert value.encode() in server.bodies[0]


async def test_a_refused_status_quotes_nothing_of_the_spec(
    script: tuple[Script, str], canary: Canary
) -> None:
    server, url = script
    value = canary("in a spec")
    obj = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {"name": "s", "namespace": "a"},
        "spec": {"provider": {"fake": {"data": [{"key": "k", "value": value}]}}},
    }
    async with Client(Connection(server=url)) as client:
        body = {"kind": "Status", "code": 422, "message": f'spec.provider: Invalid value: "{value}"'}
        server.say(says(422, body))
        cluster = KubernetesCluster(client, EventRecorder(client, SystemClock()))
        with pytest.raises(ClusterError, match="refuses the object") as caught:
            await cluster.patch_status(SECRET_STORE, obj, {"conditions": []})
    assert value not in str(caught.value)
    assert value.encode() in server.bodies[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (path_of(SECRET, "a"), "/api/v1/namespaces/a/secrets"),
        (path_of(SECRET, "a", "b"), "/api/v1/namespaces/a/secrets/b"),
        (path_of(SECRET), "/api/v1/secrets"),
        (
            path_of(EXTERNAL_SECRET, "a", "b", version="v1beta1", sub="status"),
            "/apis/external-secrets.io/v1beta1/namespaces/a/externalsecrets/b/status",
        ),
        (
            path_of(CLUSTER_SECRET_STORE, "ignored", "b"),
            "/apis/external-secrets.io/v1/clustersecretstores/b",
        ),
    ],
)
def test_paths_are_those_of_the_api(path: str, expected: str) -> None:
    assert path == expected


@pytest.mark.parametrize("name", ["..", ".", "../secrets/x", "a/b", "a%2fb", "a?watch=1", "a b", "x" * 254])
def test_a_name_cannot_lead_to_another_path(name: str) -> None:
    with pytest.raises(ClusterError, match="cannot be the name") as caught:
        path_of(SECRET, "a", name)
    assert not caught.value.retryable
