"""Requests to a Kubernetes API server over one HTTP session. Knows verbs and paths, no kind's meaning.

Bodies of requests never reach an error, a log or a metric.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp

from sealbridge.errors import ClusterError
from sealbridge.kube.config import Connection, Credentials, user_agent
from sealbridge.kube.failures import Unreachable, cluster_error, meant
from sealbridge.reconcile.kinds import Kind, Object

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

PAGE = 500  # objects a page of a list
_TIMEOUT = 30.0  # seconds for one try of one request
_CONNECT_TIMEOUT = 10.0
_TRIES = 5
_FIRST_DELAY = 0.2  # seconds, the ceiling of the first wait between two tries
_LONGEST_WAIT = 30.0  # seconds that a Retry-After may make one request wait
_RESTARTS = 5  # of a list whose continue token expired
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
# After this the server has surely not acted, so that even a POST may be sent again.
_NOT_ACTED = frozenset({429})

_SEGMENT = re.compile(r"[A-Za-z0-9._:-]{1,253}")

# Tells a counter of the verb, the resource and the outcome: an HTTP status, or 0 without an answer.
Observer = Callable[[str, str, int], None]


def ignore(verb: str, resource: str, code: int) -> None:
    """Counts nothing."""


def path_of(
    kind: Kind, namespace: str | None = None, name: str | None = None, *, version: str = "", sub: str = ""
) -> str:
    """The path of an object or a collection. `version` where another than the kind's first is served.

    Raises ClusterError for what cannot be a name: one from a spec must not lead to another path."""
    for text in (namespace, name):
        if text and (text in {".", ".."} or not _SEGMENT.fullmatch(text)):
            raise ClusterError(f"{text[:253]!r} cannot be the name of a {kind}")
    version = version or kind.versions[0]
    parts = ["/apis", kind.group, version] if kind.group else ["/api", version]
    if kind.namespaced and namespace:
        parts += ["namespaces", namespace]
    parts.append(kind.plural)
    if name:
        parts.append(name)
    if sub:
        parts.append(sub)
    return "/".join(parts)


class Client:
    """For the tasks of one event loop. Close it when done."""

    def __init__(
        self,
        connection: Connection,
        *,
        observe: Observer = ignore,
        connections: int = 64,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connection = connection
        self._observe = observe
        self._sleep = sleep
        self._limit = connections
        self._credentials = connection.credentials()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, path: str, *, accept: str = JSON, params: Mapping[str, str] | None = None) -> Any:
        """The parsed answer, or None for 404."""
        try:
            return await self.request("GET", path, accept=accept, params=params)
        except ClusterError as error:
            if error.status == 404:
                return None
            raise

    async def request(
        self,
        verb: str,
        path: str,
        *,
        body: Object | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        params: Mapping[str, str] | None = None,
        sensitive: bool = False,
    ) -> Any:
        """One request, tried again while that is safe and of use. Returns the parsed answer.

        Raises ClusterError, Conflict among them. `sensitive`: the body carries secret values.
        """
        payload = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        headers = {"Accept": accept}
        if payload is not None:
            headers["Content-Type"] = content_type
        idempotent = verb != "POST"
        resource, where = _resource(path), f"{verb} {path}"
        refused = False
        for attempt in range(1, _TRIES + 1):
            last = attempt == _TRIES
            try:
                status, content, retry_after = await self._send(
                    verb, path, payload, headers, params, fresh=refused
                )
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._observe(verb, resource, 0)
                unsent = isinstance(error, aiohttp.ClientConnectorError)
                what = f"the API server cannot be reached: {_describe(error)}"
                if isinstance(error, aiohttp.ClientSSLError):
                    raise ClusterError(what, retryable=True, where=where) from None
                if last or not (idempotent or unsent):
                    raise Unreachable(what, where=where) from None
                await self._sleep(_delay(attempt))
                continue
            self._observe(verb, resource, status)
            status = meant(status, content)
            if status < 300:
                return json.loads(content) if content else None
            if status == 401 and not refused:
                # The token may just have been replaced: once more with a fresh one.
                refused = True
                continue
            if not last and status in (_TRANSIENT if idempotent else _NOT_ACTED):
                await self._sleep(max(_delay(attempt), min(retry_after or 0.0, _LONGEST_WAIT)))
                continue
            raise cluster_error(status, content, where=where, sensitive=sensitive)
        raise ClusterError("the API server does not accept our credentials", retryable=True, where=where)

    async def pages(
        self,
        path: str,
        *,
        labels: Mapping[str, str] | str | None = None,
        name: str = "",
        metadata_only: bool = False,
    ) -> AsyncIterator[list[Object]]:
        """The items of a collection, a page at a time; `labels` as they must be, or a selector. `name`:
        those of this name only.

        When the list expires on the way it starts again from its beginning, so that an object may
        come twice, but none that is there throughout is missed.
        """
        accept = METADATA_LIST if metadata_only else JSON
        params = {"limit": str(PAGE)}
        if labels:
            params["labelSelector"] = (
                labels
                if isinstance(labels, str)
                else ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
            )
        if name:
            params["fieldSelector"] = f"metadata.name={name}"
        restarts = 0
        token = ""
        while True:
            try:
                page = await self.request(
                    "GET", path, accept=accept, params=params | ({"continue": token} if token else {})
                )
            except ClusterError as error:
                if error.status != 410 or not token or restarts >= _RESTARTS:
                    raise
                restarts += 1
                token = ""
                continue
            yield page.get("items") or []
            token = page["metadata"].get("continue") or ""
            if not token:
                return

    async def watch(
        self, path: str, *, accept: str, params: Mapping[str, str], lasts: int
    ) -> AsyncIterator[Any]:
        """The events of one watch, until the server ends it after about `lasts` seconds.

        Raises ClusterError when it cannot begin or breaks; one that says nothing for too long is broken.
        """
        where = f"WATCH {path}"
        if self._session is None:
            self._session = new_session(self._connection, limit=self._limit)
        authorization = await self._credentials.authorization(fresh=False)
        headers = {"Accept": accept}
        if authorization is not None:
            headers["Authorization"] = authorization.reveal().decode()
        try:
            async with self._session.get(
                self._connection.server + path,
                params={**params, "watch": "true", "timeoutSeconds": str(lasts)},
                headers=headers,
                timeout=aiohttp.ClientTimeout(
                    total=lasts + _TIMEOUT, sock_connect=_CONNECT_TIMEOUT, sock_read=lasts + _TIMEOUT
                ),
                allow_redirects=False,
            ) as response:
                self._observe("WATCH", _resource(path), response.status)
                if response.status >= 300:
                    raise cluster_error(response.status, await response.read(), where=where, sensitive=False)
                rest = b""
                async for chunk in response.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        if line.strip():
                            yield json.loads(line)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            what = "the answer is not JSON" if isinstance(error, ValueError) else _describe(error)
            raise Unreachable(f"the watch broke: {what}", where=where) from None

    async def _send(
        self,
        verb: str,
        path: str,
        payload: bytes | None,
        headers: dict[str, str],
        params: Mapping[str, str] | None,
        *,
        fresh: bool,
    ) -> tuple[int, bytes, float | None]:
        if self._session is None:
            self._session = new_session(self._connection, limit=self._limit)
        authorization = await self._credentials.authorization(fresh=fresh)
        if authorization is not None:
            headers = headers | {"Authorization": authorization.reveal().decode()}
        async with self._session.request(
            verb,
            self._connection.server + path,
            data=payload,
            params=params,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT, sock_connect=_CONNECT_TIMEOUT),
            allow_redirects=False,
        ) as response:
            return response.status, await response.read(), _seconds(response.headers.get("Retry-After"))


def new_session(
    connection: Connection,
    *,
    limit: int = 0,
    middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = (),
    response_class: type[aiohttp.ClientResponse] = aiohttp.ClientResponse,
) -> aiohttp.ClientSession:
    """A session that trusts what the connection trusts; authorization is the caller's to add."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=connection.tls or True, limit=limit),
        headers=[("User-Agent", user_agent()), *connection.headers],
        proxy=connection.proxy,
        middlewares=middlewares,
        response_class=response_class,
    )


def authorized(credentials: Credentials) -> aiohttp.ClientMiddlewareType:
    """A middleware that adds the Authorization header, fresh once after a 401."""

    async def add(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        for fresh in (False, True):
            authorization = await credentials.authorization(fresh=fresh)
            if authorization is not None:
                request.headers["Authorization"] = authorization.reveal().decode()
            response = await handler(request)
            if response.status != 401 or fresh:
                break
            response.release()
        return response

    return add


def observed(observe: Observer) -> aiohttp.ClientMiddlewareType:
    """A middleware that counts; a watch counts as one request when it begins."""

    async def count(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        response = await handler(request)
        verb = "WATCH" if "watch" in request.url.query else request.method
        observe(verb, _resource(request.url.path), response.status)
        return response

    return count


def _resource(path: str) -> str:
    """The plural and subresource of a path, for metrics: never a name."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if len(parts) > 2 and parts[0] == "namespaces":
        parts = parts[2:]
    if not parts:
        return "discovery"
    return f"{parts[0]}/{parts[2]}" if len(parts) > 2 else parts[0]


def _delay(attempt: int) -> float:
    ceiling = _FIRST_DELAY * 2.0 ** (attempt - 1)
    return ceiling / 2 + random.uniform(0, ceiling / 2)  # noqa: S311 - jitter


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None  # the date form, which no API server sends


def _describe(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientSSLError):
        return "the TLS handshake failed"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "the connection was lost"
