"""A server for an application: address, TLS, and bounds for every connection. Knows no path."""

from __future__ import annotations

import asyncio
import logging
import ssl

from aiohttp import web

from sealbridge.errors import SealbridgeError
from sealbridge.operator.connections import MOST, Connections
from sealbridge.operator.settings import host_and_port

log = logging.getLogger("sealbridge.http")

IDLE = 30.0  # seconds for the headers of a request to arrive, and between two requests
_HANDSHAKE = 10.0  # seconds
_CLOSE_WITHIN = 1.0  # seconds for requests that are being answered
_LINGER = 5.0  # seconds for a client to see why its body is not read
_LONGEST_LINE = 8190  # bytes of a header or of the request line
_MOST_HEADERS = 64
# What strangers send is no news, and would fill the log.
_UNHEARD = logging.Logger("sealbridge.http.protocol", logging.CRITICAL + 1)


class Server:
    """An application on an address. Port 0 takes a free one. Times are in seconds."""

    def __init__(
        self,
        app: web.Application,
        address: str,
        what: str,
        *,
        tls: ssl.SSLContext | None = None,
        idle: float = IDLE,
        write_timeout: float = 120.0,
        most: int = MOST,
    ) -> None:
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_UNHEARD,
            shutdown_timeout=_CLOSE_WITHIN,
            # aiohttp starts this timer when a connection begins, too, and no byte that trickles in puts
            # it off: so it is the time limit of the headers.
            keepalive_timeout=idle,
            lingering_time=_LINGER,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            max_headers=_MOST_HEADERS,
            # A few bytes would become gigabytes.
            auto_decompress=False,
            # Nobody computes for a client that has hung up.
            handler_cancellation=True,
        )
        self._address = address
        self._what = what
        self._tls = tls
        self._write_timeout = write_timeout
        self._most = most
        self._listener: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen; returns the real address. Raises SealbridgeError when that is not possible."""
        host, port = host_and_port(self._address)
        await self._runner.setup()
        make = self._runner.server
        assert make is not None  # noqa: S101 - setup has made it
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                Connections(make, stalled_after=self._write_timeout, most=self._most),
                host,
                port,
                ssl=self._tls,
                ssl_handshake_timeout=_HANDSHAKE if self._tls else None,
                ssl_shutdown_timeout=_CLOSE_WITHIN if self._tls else None,
            )
        except OSError as error:
            reason = error.strerror or "the address cannot be used"
            raise SealbridgeError(
                f"cannot listen on {self._address} for {self._what}: {reason}",
                hint="choose another address with --listen-addr or --listen-metrics-addr",
            ) from None
        bound = self._listener.sockets[0].getsockname()
        name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        address = f"{name}:{bound[1]}"
        log.info(f"listening for {self._what}", extra={"address": address})
        return address

    async def stop(self) -> None:
        """Close it."""
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()
