"""The operator's HTTP servers on loopback."""

from __future__ import annotations

import aiohttp
import pytest

from sealbridge.errors import KeyFileError, SealbridgeError
from sealbridge.operator.http import Server, main_app, metrics_app
from sealbridge.operator.metrics import Metrics


class State:
    """Is what it is told to be."""

    def __init__(self, alive: str | None = None, ready: str | None = None) -> None:
        self._alive, self._ready = alive, ready

    def alive(self) -> str | None:
        return self._alive

    def ready(self) -> str | None:
        return self._ready


async def certificate() -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n"


async def no_certificate() -> bytes:
    raise KeyFileError("there is no sealing key with a certificate")


async def get(server: Server, path: str) -> tuple[int, str, str]:
    address = await server.start()
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://{address}{path}") as answer:
            return answer.status, answer.content_type, await answer.text()
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("state", "path", "status", "text"),
    [
        (State(), "/healthz", 200, "ok\n"),
        (State(alive="the watch is dead"), "/healthz", 503, "the watch is dead\n"),
        (State(ready="not yet"), "/healthz", 200, "ok\n"),
        (State(), "/readyz", 200, "ok\n"),
        (State(ready="not yet"), "/readyz", 503, "not yet\n"),
    ],
)
async def test_probes_say_what_is_wrong(state: State, path: str, status: int, text: str) -> None:
    server = Server(main_app(state, certificate), "127.0.0.1:0", "certificate and health")
    assert await get(server, path) == (status, "text/plain", text)


async def test_the_certificate_is_served_as_upstream_serves_it() -> None:
    server = Server(main_app(State(), certificate), "127.0.0.1:0", "certificate and health")
    assert await get(server, "/v1/cert.pem") == (
        200,
        "application/x-pem-file",
        "-----BEGIN CERTIFICATE-----\n",
    )


async def test_without_a_key_there_is_no_certificate() -> None:
    server = Server(main_app(State(), no_certificate), "127.0.0.1:0", "certificate and health")
    status, _, text = await get(server, "/v1/cert.pem")
    assert (status, text) == (500, "there is no sealing key with a certificate\n")


async def test_metrics_are_served() -> None:
    status, kind, text = await get(Server(metrics_app(Metrics()), "127.0.0.1:0", "metrics"), "/metrics")
    assert (status, kind) == (200, "text/plain")
    assert "sealbridge_decryptions_total 0.0" in text


async def test_an_address_that_is_taken_is_an_error_that_says_so() -> None:
    first = Server(metrics_app(Metrics()), "127.0.0.1:0", "metrics")
    address = await first.start()
    second = Server(metrics_app(Metrics()), address, "metrics")
    try:
        with pytest.raises(SealbridgeError, match="cannot listen") as caught:
            await second.start()
        assert caught.value.hint is not None
    finally:
        await second.stop()
        await first.stop()
