"""The paths of the operator: status codes, headers and bodies. Knows HTTP; what to answer others know.

Paths and codes are the Sealed Secrets controller's, and as there any method will do.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from sealbridge.errors import ManifestError, SealbridgeError, UnsealError
from sealbridge.operator.clients import Clients
from sealbridge.operator.metrics import CONTENT_TYPE, Metrics
from sealbridge.operator.rate_limit import SECOND, Decision, RateLimit
from sealbridge.operator.requests import KeyRequests, explanation

log = logging.getLogger("sealbridge.http")

# The API server takes requests of 3 MiB, and etcd objects of half that.
MAX_BODY = 3 << 20
BODIES_AT_ONCE, BODIES_OF_A_CLIENT = 32, 8
ROTATE_FACTOR = 20  # so much more often than /v1/verify may /v1/rotate be asked
RETRY_AFTER = 5  # seconds that a client is asked to wait when the operator is busy

CERTIFICATE, VERIFY, ROTATE, KEYS = "/v1/cert.pem", "/v1/verify", "/v1/rotate", "/v1/keys"
_COUNTED = frozenset({CERTIFICATE, VERIFY, ROTATE, KEYS})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "other"
_PEM = "application/x-pem-file"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Health(Protocol):
    """What probes ask for. Each answers None when all is well, else what is wrong."""

    def alive(self) -> str | None:
        """Whether a restart would help."""

    def ready(self) -> str | None:
        """Whether the first look at everything is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a client may ask for. Times in seconds."""

    rate: int = 2
    burst: int = 2
    read_timeout: float = 120.0
    write_timeout: float = 120.0
    trusted_proxies: tuple[str, ...] = ()


def main_app(health: Health, keys: KeyRequests, metrics: Metrics, limits: Limits) -> web.Application:
    """/healthz, /readyz and /v1/..."""
    return _Endpoints(health, keys, metrics, limits).app()


def metrics_app(metrics: Metrics) -> web.Application:
    """/metrics."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=metrics.page(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application(client_max_size=1024)
    app.router.add_get("/metrics", page)
    return app


class _Endpoints:
    def __init__(self, health: Health, keys: KeyRequests, metrics: Metrics, limits: Limits) -> None:
        self._health = health
        self._keys = keys
        self._metrics = metrics
        self._limits = limits
        self._clients = Clients(limits.trusted_proxies)
        self._rates = {path: RateLimit(limits.rate, limits.burst) for path in (VERIFY, KEYS)}
        # Whole repositories are re-encrypted, a request an object, by a kubeseal that takes no 429.
        self._rates[ROTATE] = RateLimit(limits.rate * ROTATE_FACTOR, (limits.burst + 1) * ROTATE_FACTOR)
        self._bodies: Counter[str] = Counter()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._counted])
        for path, handler in (
            ("/healthz", self._healthz),
            ("/readyz", self._readyz),
            (CERTIFICATE, self._certificate),
            (VERIFY, self._verify),
            (ROTATE, self._rotate),
            (KEYS, self._listing),
        ):
            # Otherwise `100 Continue` asks for a body that is refused for its size afterwards.
            app.router.add_route("*", path, handler, expect_handler=_expect)
        return app

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Metrics, the rate limit, and an end to what nobody thought of. Probes pass by."""
        if request.path in ("/healthz", "/readyz"):
            return await handler(request)
        began = time.perf_counter()
        code = 499  # the client went away
        try:
            answer = await self._answer(request, handler)
            code = answer.status
            return answer
        except web.HTTPException as error:
            code = error.status
            raise
        finally:
            path = request.path if request.path in _COUNTED else _OTHER
            method = request.method if request.method in _METHODS else _OTHER
            self._metrics.answered(path, code, method, time.perf_counter() - began)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        rate = self._rates.get(request.path)
        decision = rate.ask(self._client(request), time.monotonic_ns()) if rate is not None else None
        try:
            if decision is not None and not decision.allowed:
                answer: web.StreamResponse = _text(429, "limit exceeded")
            else:
                async with asyncio.timeout(self._limits.read_timeout + self._limits.write_timeout):
                    answer = await handler(request)
        except web.HTTPException as error:
            if decision is not None:
                _tell(error, decision)
            raise
        except TimeoutError:
            answer = _busy("it takes too long")
        except SealbridgeError as error:
            log.warning("a request failed", extra={"path": request.path, "error": error.what})
            answer = _busy("the sealing keys cannot be used")
        except Exception as error:  # noqa: BLE001 - a request must not end the operator
            # The text of what nobody expects may hold a value.
            log.error("a defect", extra={"path": request.path, "error": type(error).__name__})  # noqa: TRY400
            answer = _text(500, "internal error")
        if decision is not None:
            _tell(answer, decision)
        return answer

    async def _healthz(self, _: web.Request) -> web.Response:
        return _probe(self._health.alive())

    async def _readyz(self, _: web.Request) -> web.Response:
        return _probe(self._health.ready())

    async def _certificate(self, _: web.Request) -> web.Response:
        try:
            pem = await self._keys.certificate()
        except SealbridgeError as error:
            log.warning("the certificate cannot be served", extra={"error": error.what})
            return _text(500, error.what)
        return web.Response(body=pem, content_type=_PEM)

    async def _listing(self, _: web.Request) -> web.Response:
        return web.Response(body=await self._keys.listing(), content_type="application/json")

    async def _verify(self, request: web.Request) -> web.Response:
        async with self._body(request) as body:
            try:
                await self._keys.verify(body)
            except UnsealError as error:
                return _text(409, explanation(error))
            except ManifestError as error:
                return _text(500, str(error))
        return web.Response()

    async def _rotate(self, request: web.Request) -> web.Response:
        async with self._body(request) as body:
            try:
                return web.Response(body=await self._keys.rotate(body), content_type="application/json")
            except UnsealError as error:
                return _text(409, explanation(error))
            except ManifestError as error:
                return _text(400, str(error))

    @asynccontextmanager
    async def _body(self, request: web.Request) -> AsyncIterator[bytes]:
        """What was sent, in memory as long as it is needed: so many at once, so large, in so much time."""
        if (request.content_length or 0) > MAX_BODY:
            raise _too_large()
        client = self._client(request)
        if self._bodies.total() >= BODIES_AT_ONCE or self._bodies[client] >= BODIES_OF_A_CLIENT:
            raise web.HTTPServiceUnavailable(
                text="too many requests at once\n", headers={"Retry-After": str(RETRY_AFTER)}
            )
        self._bodies[client] += 1
        try:
            try:
                async with asyncio.timeout(self._limits.read_timeout):
                    body = await request.read()
            except web.HTTPRequestEntityTooLarge:
                raise _too_large() from None
            except TimeoutError:
                raise web.HTTPRequestTimeout(text="the request did not arrive in time\n") from None
            except web.RequestPayloadError:
                raise web.HTTPBadRequest(text="the request cannot be read\n") from None
            yield body
        finally:
            self._bodies[client] -= 1
            if not self._bodies[client]:
                del self._bodies[client]

    def _client(self, request: web.Request) -> str:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        return self._clients.name(peer[0] if peer else None, request.headers.getall("X-Forwarded-For", ()))


async def _expect(request: web.Request) -> web.StreamResponse | None:
    if (request.content_length or 0) > MAX_BODY:
        raise _too_large()
    if request.headers["Expect"].lower() != "100-continue":
        return _text(417, "only 100-continue can be expected")
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # It is no part of the answer.
    request.writer.output_size = 0
    return None


def _too_large() -> web.HTTPRequestEntityTooLarge:
    answer = web.HTTPRequestEntityTooLarge(
        MAX_BODY, text=f"the request is larger than {MAX_BODY >> 20} MiB\n"
    )
    answer.force_close()
    return answer


def _tell(answer: web.StreamResponse, decision: Decision) -> None:
    answer.headers["X-RateLimit-Limit"] = str(decision.limit)
    answer.headers["X-RateLimit-Remaining"] = str(decision.remaining)
    answer.headers["X-RateLimit-Reset"] = str(_seconds(decision.reset_after))
    if not decision.allowed:
        answer.headers["Retry-After"] = str(_seconds(decision.retry_after))


def _seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // SECOND)


def _busy(what: str) -> web.Response:
    answer = _text(503, what)
    answer.headers["Retry-After"] = str(RETRY_AFTER)
    return answer


def _text(status: int, line: str) -> web.Response:
    return web.Response(status=status, text=" ".join(line.split()) + "\n")


def _probe(problem: str | None) -> web.Response:
    return web.Response(text="ok\n") if problem is None else _text(503, problem)
