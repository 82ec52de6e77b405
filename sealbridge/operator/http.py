"""The operator's two HTTP servers: certificate and health, and metrics. Knows no kind."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from sealbridge.errors import SealbridgeError
from sealbridge.operator.metrics import CONTENT_TYPE, Metrics
from sealbridge.operator.settings import host_and_port

log = logging.getLogger("sealbridge.http")

_CLOSE_WITHIN = 1.0  # seconds for requests that are being answered


class Health(Protocol):
    """What probes ask for. Each answers None when all is well, else what is wrong."""

    def alive(self) -> str | None:
        """Whether a restart would help."""

    def ready(self) -> str | None:
        """Whether the first look at everything is done."""


CertificateSource = Callable[[], Awaitable[bytes]]


def main_app(health: Health, certificate: CertificateSource) -> web.Application:
    """/healthz, /readyz and /v1/cert.pem, as the Sealed Secrets controller serves them."""

    async def healthz(_: web.Request) -> web.Response:
        return _probe(health.alive())

    async def readyz(_: web.Request) -> web.Response:
        return _probe(health.ready())

    async def cert(_: web.Request) -> web.Response:
        try:
            pem = await certificate()
        except SealbridgeError as error:
            log.warning("the certificate cannot be served", extra={"error": error.what})
            return web.Response(status=500, text=f"{error.what}\n")
        return web.Response(body=pem, content_type="application/x-pem-file")

    app = web.Application(client_max_size=1024)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/v1/cert.pem", cert)
    return app


def metrics_app(metrics: Metrics) -> web.Application:
    """/metrics."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=metrics.page(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application(client_max_size=1024)
    app.router.add_get("/metrics", page)
    return app


class Server:
    """An application on an address. Port 0 takes a free one."""

    def __init__(self, app: web.Application, address: str, what: str) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_WITHIN)
        self._address = address
        self._what = what

    async def start(self) -> str:
        """Listen; returns the real address. Raises SealbridgeError when that is not possible."""
        host, port = host_and_port(self._address)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        try:
            await site.start()
        except OSError as error:
            reason = error.strerror or "the address cannot be used"
            raise SealbridgeError(
                f"cannot listen on {self._address} for {self._what}: {reason}",
                hint="choose another address with --listen-addr or --listen-metrics-addr",
            ) from None
        bound = self._runner.addresses[0]
        name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        address = f"{name}:{bound[1]}"
        log.info(f"listening for {self._what}", extra={"address": address})
        return address

    async def stop(self) -> None:
        """Close it."""
        await self._runner.cleanup()


def _probe(problem: str | None) -> web.Response:
    return web.Response(text="ok\n") if problem is None else web.Response(status=503, text=f"{problem}\n")
