"""Connections that are held open, on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sealbridge.operator.connections import Connections

MEGABYTES = bytes(32 << 20)


class Talker(asyncio.Protocol):
    """Says what it has to say, and tells how it ended."""

    def __init__(self, words: bytes, *, hang_up: bool) -> None:
        self._words, self._hang_up = words, hang_up
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._words)
        if self._hang_up:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)


@asynccontextmanager
async def listening(make: Callable[[], Talker], **more: float) -> AsyncIterator[tuple[Connections, int]]:
    connections = Connections(make, stalled_after=0.2, **more)  # type: ignore[arg-type]
    server = await asyncio.get_running_loop().create_server(connections, "127.0.0.1", 0)
    try:
        yield connections, server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def cut_off(words: bytes, *, hang_up: bool) -> None:
    talkers: list[Talker] = []

    def make() -> Talker:
        talkers.append(Talker(words, hang_up=hang_up))
        return talkers[-1]

    async with listening(make) as (connections, port):
        with socket.create_connection(("127.0.0.1", port)) as deaf:
            deaf.setblocking(False)
            async with asyncio.timeout(20):
                while not talkers:
                    await asyncio.sleep(0)
                await talkers[0].lost
            assert len(connections) == 0


async def test_a_client_that_takes_no_answer_is_cut_off() -> None:
    await cut_off(MEGABYTES, hang_up=False)


async def test_a_closed_connection_does_not_wait_for_ever_for_its_last_bytes_to_be_taken() -> None:
    await cut_off(MEGABYTES, hang_up=True)
