"""The open connections of a server: bounded in number, none held for ever. Knows no HTTP.

aiohttp closes a connection whose request line and headers are not there in time, and handlers bound the
time of a body. What is left, and done here: many connections at once, and clients that take no answer.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

MOST = 512


class Connections:
    """Makes the protocol of every connection; a factory for `loop.create_server`.

    When there are `most`, the address that has most of them loses its oldest, so that whoever hoards
    connections takes them from himself. A client that has not taken what it was sent within
    `stalled_after` seconds is cut off.
    """

    def __init__(
        self, make: Callable[[], asyncio.Protocol], *, stalled_after: float, most: int = MOST
    ) -> None:
        self._make = make
        self._stalled_after = stalled_after
        self._most = most
        self._open: dict[_Connection, str] = {}

    def __call__(self) -> asyncio.Protocol:
        return _Connection(self, self._make(), self._stalled_after)

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: _Connection, peer: str) -> None:
        """Count it, and make room."""
        self._open[connection] = peer
        if len(self._open) > self._most:
            ((hoarder, _),) = Counter(self._open.values()).most_common(1)
            oldest = next(one for one, address in self._open.items() if address == hoarder)
            del self._open[oldest]
            oldest.abort()

    def closed(self, connection: _Connection) -> None:
        """Count it no more."""
        self._open.pop(connection, None)


class _Connection(asyncio.Protocol):
    """Hands everything on to the protocol of the server, and looks at the clock."""

    def __init__(self, all_: Connections, inner: asyncio.Protocol, stalled_after: float) -> None:
        self._all = all_
        self._inner = inner
        self._stalled_after = stalled_after
        self._transport: asyncio.Transport | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._inner.connection_made(transport)
        self._all.opened(self, str(peer[0]) if peer else "")
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.closed(self)
        for timer in (self._stalled, self._look):
            if timer is not None:
                timer.cancel()
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._stalled = asyncio.get_running_loop().call_later(self._stalled_after, self.abort)
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        self._inner.resume_writing()

    def _look_later(self) -> None:
        """A transport that is closed waits without end for its last bytes to be taken."""
        self._look = asyncio.get_running_loop().call_later(self._stalled_after, self._look_now)

    def _look_now(self) -> None:
        if self._transport is not None and self._transport.is_closing():
            self._transport.abort()
        else:
            self._look_later()
