"""The kubernetes store against servers that answer as told, and as no API server should."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, Throttled, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.base import Reference, Search
from sealbridge.stores.reach import LOCAL, Reach
from sealbridge.stores.registry import open_store
from tests.canary import Canary
from tests.servers.odd import Request, odd_server
from tests.servers.resolver import DictResolver

APP = Reference("app")


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    """Set when the test ends, so that a handler that waits goes."""
    event = threading.Event()
    yield event
    event.set()


async def fetched(url: str, token: str | None = None) -> Value | StoreError:
    resolver = DictResolver({"login/token": token or "t"})
    auth = {"token": {"bearerToken": {"name": "login", "key": "token"}}}
    store = await open_store("kubernetes", {"server": {"url": url}, "auth": auth}, resolver, reach=LOCAL)
    try:
        return (await store.fetch([APP]))[APP]
    finally:
        await store.close()


def says(status: int, body: Any, **headers: str) -> Callable[[Request], None]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda request: request.reply(data, status=status, **headers)


def status(message: str = "", **details: Any) -> dict[str, Any]:
    return {"kind": "Status", "message": message, "details": details}


@pytest.mark.parametrize(
    ("code", "body", "error", "what"),
    [
        (401, status(), Denied, "does not accept the credentials"),
        (
            403,
            status("User x cannot get"),
            Denied,
            'forbids to get Secret "app" in namespace default: User x',
        ),
        (404, status(kind="secrets", name="app"), NotFound, "there is no such Secret"),
        (404, status("could not find the requested resource"), Invalid, "could not find"),
        (404, b"<html>nothing here</html>", Unavailable, "does not answer as a Kubernetes API server"),
        (200, b"<html>login</html>", Unavailable, "does not answer as a Kubernetes API server"),
        (200, b"[]", Unavailable, "does not answer as a Kubernetes API server"),
        (200, {"kind": "Secret", "data": {"a": "%%%"}}, Unavailable, "answer is not a Secret"),
        (200, {"kind": "Secret", "metadata": 5}, Unavailable, "answer is not a Secret"),
        (302, b"", Unavailable, "does not answer as a Kubernetes API server"),
        (429, status(), Throttled, "asks for fewer requests"),
        (500, status("etcd\n is  down"), Unavailable, "failed with status 500: etcd is down"),
        (503, b"", Unavailable, "failed with status 503"),
        (400, status("x" * 5000), Invalid, "x..."),
    ],
)
async def test_every_answer_is_one_of_the_five_errors(
    code: int, body: Any, error: type[StoreError], what: str
) -> None:
    headers = {"Location": "http://127.0.0.1:1/elsewhere"} if code == 302 else {}
    with odd_server(says(code, body, **headers)) as server:
        found = await fetched(server.url)
    assert type(found) is error
    assert what in str(found)
    assert len(str(found)) < 600


async def test_the_pause_that_a_server_asks_for_is_told() -> None:
    with odd_server(says(429, status(), Retry_After="7")) as server:
        found = await fetched(server.url)
    assert isinstance(found, Throttled)
    assert found.retry_after == 7


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealbridge.stores.kubernetes.store._LARGEST_ANSWER", 16 * 1024 * 1024)

    def endless(request: Request) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(40):
            request.wfile.write(b" " * 1024 * 1024)

    with odd_server(endless) as server:
        found = await fetched(server.url)
    assert isinstance(found, Invalid)
    assert "more than 16 MiB" in found.what


async def test_a_server_that_keeps_silent_is_given_up(
    ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sealbridge.stores.kubernetes.store._TIMEOUT", 0.3)
    with odd_server(lambda request: ended.wait(20)) as server:
        found = await fetched(server.url)
        ended.set()
    assert isinstance(found, Unavailable)
    assert "did not answer within 0.3 s" in found.what


async def test_a_port_where_nothing_listens_and_a_name_that_nobody_knows() -> None:
    refused = await fetched("https://127.0.0.1:1")
    assert isinstance(refused, Unavailable)
    assert "cannot reach https://127.0.0.1:1" in refused.what
    unknown = await fetched("https://nobody.invalid")
    assert isinstance(unknown, Unavailable)
    assert "its name cannot be resolved" in unknown.what


async def test_a_token_goes_to_no_log_or_error_whatever_the_server_does(canary: Canary) -> None:
    token = canary("bearer token")

    def echo(request: Request) -> None:
        request.reply(str(request.headers).encode(), status=500)

    with odd_server(echo) as server:
        found = await fetched(server.url, token)
        assert server.requests[0][1]["Authorization"] == f"Bearer {token}"
    assert isinstance(found, Unavailable)
    canary.seen(f"{found!r} {found} {found.hint}", "errors")


async def test_a_list_that_never_ends_is_bounded_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealbridge.stores.kubernetes.store._LARGEST_FIND", 10_000)
    page = {
        "items": [{"metadata": {"name": "a"}, "data": {"k": "eHh4eHh4eHh4" * 100}}],
        "metadata": {"continue": "more"},
    }
    with odd_server(says(200, page)) as server:
        resolver = DictResolver({"login/token": "t"})
        auth = {"token": {"bearerToken": {"name": "login", "key": "token"}}}
        store = await open_store(
            "kubernetes", {"server": {"url": server.url}, "auth": auth}, resolver, reach=LOCAL
        )
        with pytest.raises(Invalid, match="larger than"):
            await store.find(Search())
        await store.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"])
async def test_a_server_out_of_reach_gets_neither_a_connection_nor_the_token(host: str) -> None:
    auth = {"token": {"bearerToken": {"name": "login", "key": "token"}}}
    with odd_server(says(200, {})) as server:
        url = f"http://{host}:{server.url.rpartition(':')[2]}"
        store = await open_store(
            "kubernetes",
            {"server": {"url": url}, "auth": auth},
            DictResolver({"login/token": "t"}),
            reach=Reach(),
        )
        found = (await store.fetch([APP]))[APP]
        assert isinstance(found, Denied)
        assert "may not reach" in found.what
        with pytest.raises(Denied, match="may not reach"):
            await store.check()
        await store.close()
        assert server.connections == 0
