"""Changes as they happen: a watch on every kind of interest. Knows kopf; decides nothing.

kopf lists and watches, in a thread and an event loop of its own, and is used for nothing else: it
writes no finalizer, no annotation, no status and no event. Whoever wants another watcher writes
another EventSource.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import aiohttp
import kopf

from sealbridge.kube.client import (
    METADATA,
    METADATA_LIST,
    Observer,
    authorized,
    ignore,
    new_session,
    observed,
)
from sealbridge.kube.config import Connection
from sealbridge.reconcile.kinds import SECRET, Kind, Object

log = logging.getLogger("sealbridge.source")

MANAGED_LABEL = "sealbridge.io/managed"

_REQUEST_TIMEOUT = 30.0  # seconds
_CONNECT_TIMEOUT = 10.0
# A watch that has brought nothing for so long, not even a bookmark, is dead.
_INACTIVITY = 70.0
# kopf's own tries of one request; after the last one it ends and is started anew, with a backoff.
_RETRIES = (0.5, 1.0, 2.0)
_CHUNK = 500
_STOP_WITHIN = 5.0  # seconds that the thread may take to end
_CANCELLATIONS = 10  # of kopf's tasks, when it ends
_CANCEL_WITHIN = 0.2  # seconds for each


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """An object came, changed or went. `obj` has apiVersion and kind; of a Secret it is metadata only.

    `listed`: it was there when the watch began, so it may or may not be news.
    """

    kind: Kind
    obj: Object
    listed: bool = False
    deleted: bool = False


Sink = Callable[[Change], None]


def unheard() -> None:
    """Where nobody listens."""


class EventSource(Protocol):
    """Brings changes to a sink, in the event loop that started it."""

    def start(self) -> None:
        """Begin; returns at once."""

    async def stop(self) -> None:
        """End and wait for it. Works on a source that has died, too."""

    async def died(self) -> str:
        """Waits until the source ends without being asked to; returns why."""

    def is_alive(self) -> bool:
        """Whether changes are still brought."""


class _NoDiffBase(kopf.DiffBaseStorage):
    """Keeps nothing: no annotation on anybody's object, and no copy of every body."""

    def build(self, *, body: Any, extra_fields: Any = None) -> Any:
        return {}

    def fetch(self, *, body: Any) -> Any:
        return None

    def store(self, *, body: Any, patch: Any, essence: Any) -> None:
        return None


class KopfSource:
    """One run of kopf. A source that has ended is not started again; make another."""

    def __init__(
        self,
        connection: Connection,
        versions: Mapping[Kind, str],
        sink: Sink,
        *,
        namespaces: Sequence[str] = (),
        relisted: Callable[[], None] = unheard,
        observe: Observer = ignore,
        selectors: Mapping[Kind, str] | None = None,
    ) -> None:
        """`versions`: what to watch, and in which version each kind is served. `namespaces`: where, all of
        them when empty. `relisted` is called when a watch could not go on from where it was: what was
        deleted in between is never told. `observe` counts requests, in the thread of the source.
        `selectors`: only objects with such labels, by kind; one whose labels change so that it is not
        selected any more counts as deleted."""
        self._connection = connection
        self._versions = dict(versions)
        self._sink = sink
        self._namespaces = tuple(namespaces)
        self._relisted = relisted
        self._observe = observe
        self._selectors = dict(selectors or {})
        self._flag = threading.Event()
        self._asked = False
        self._session: aiohttp.ClientSession | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[str] | None = None

    def start(self) -> None:
        """Start the thread."""
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="kopf", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Set the flag and wait. kopf is never cancelled: it would kill the process minutes later."""
        self._asked = True
        self._flag.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _STOP_WITHIN)
            if self._thread.is_alive():
                log.warning("the watch does not end in time; it is left behind")

    async def died(self) -> str:
        """Waits for an end that nobody asked for."""
        if self._ended is None:
            raise RuntimeError("the source was not started")
        return await asyncio.shield(self._ended)

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive() and not self._flag.is_set()

    def _run(self) -> None:
        reason = "it ended by itself"
        try:
            asyncio.run(self._watch_all())
        except BaseException as error:  # noqa: BLE001 - whatever kopf dies of, the supervisor restarts it
            reason = type(error).__name__
        self._hand_over(self._end, reason)

    async def _watch_all(self) -> None:
        """kopf.operator(), but for the end: kopf's own waits without limit for each of its tasks.

        One that takes a cancellation for something else, or waits for a login that is not to come any
        more, would keep a dead watch from ever being noticed. Raises what the first task has died of.
        """
        tasks = await kopf.spawn_tasks(
            registry=self._registry(),
            settings=self._settings(),
            standalone=True,
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            stop_flag=self._flag,
        )
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # A thread of the loop's executor waits for the flag, and the loop's end for that thread.
        self._flag.set()
        for _ in range(_CANCELLATIONS):
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            if not rest:
                break
            for task in rest:
                task.cancel()
            await asyncio.wait(rest, timeout=_CANCEL_WITHIN)
        if self._session is not None:
            await self._session.close()
        for task in done:
            task.result()

    def _settings(self) -> kopf.OperatorSettings:
        settings = _settings()
        for kind, version in self._versions.items():
            if selector := self._selectors.get(kind):
                settings.watching.label_selectors[kind.group, version, kind.plural] = selector
        return settings

    def _end(self, reason: str) -> None:
        if self._ended is not None and not self._ended.done() and not self._asked:
            self._ended.set_result(reason)

    def _hand_over(self, call: Callable[..., None], *arguments: object) -> None:
        if self._loop is None or self._loop.is_closed():
            return
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            # The loop was closed between the check and the call: the process is ending.
            log.debug("a change came after the end")

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        credentials = self._connection.credentials()

        @kopf.on.login(registry=registry)
        async def login(**_: Any) -> kopf.AiohttpSession:
            self._session = new_session(
                self._connection,
                middlewares=(
                    _metadata_of_secrets,
                    authorized(credentials),
                    observed(self._observe),
                    self._lists(),
                ),
                response_class=_Response,
            )
            return kopf.AiohttpSession(server=self._connection.server, aiohttp_session=self._session)

        for kind, version in self._versions.items():
            self._watch(registry, kind, version)
        return registry

    def _lists(self) -> aiohttp.ClientMiddlewareType:
        """A middleware that tells when a collection is listed for the second time."""
        plurals = {kind.plural for kind in self._versions}
        listed: set[str] = set()

        async def tell(
            request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
        ) -> aiohttp.ClientResponse:
            response = await handler(request)
            path, query = request.url.path, request.url.query
            further = "watch" in query or "continue" in query
            if response.ok and not further and path.rpartition("/")[2] in plurals:
                if path in listed:
                    self._hand_over(self._relisted)
                listed.add(path)
            return response

        return tell

    def _watch(self, registry: kopf.OperatorRegistry, kind: Kind, version: str) -> None:
        api_version = f"{kind.group}/{version}" if kind.group else version

        async def changed(event: Any, **_: Any) -> None:
            obj = dict(event["object"])
            # Items of a list lack them, and metadata-only objects have those of their envelope.
            obj["apiVersion"], obj["kind"] = api_version, kind.name
            change = Change(kind, obj, listed=event["type"] is None, deleted=event["type"] == "DELETED")
            self._hand_over(self._sink, change)

        where: Sequence[str] = (kind.group, version, kind.plural) if kind.group else (version, kind.plural)
        kopf.on.event(*where, id=f"watch-{kind.plural}", registry=registry)(changed)


class _Response(aiohttp.ClientResponse):
    """An empty list of metadata has `items: null` from older API servers, which kopf dies of."""

    async def json(self, **kwargs: Any) -> Any:
        document = await super().json(**kwargs)
        if isinstance(document, dict) and "items" in document and document["items"] is None:
            document["items"] = []
        return document


async def _metadata_of_secrets(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Ask for the metadata of Secrets only: their values are of no use to a watch."""
    if request.method == "GET" and request.url.path.rpartition("/")[2] == SECRET.plural:
        watching = "watch" in request.url.query
        request.headers["Accept"] = METADATA if watching else METADATA_LIST
    return await handler(request)


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.process.ultimate_exiting_timeout = None
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.networking.request_timeout = _REQUEST_TIMEOUT
    settings.networking.connect_timeout = _CONNECT_TIMEOUT
    settings.networking.error_backoffs = _RETRIES
    settings.watching.inactivity_timeout = _INACTIVITY
    settings.watching.chunk_size = _CHUNK
    settings.watching.label_selectors["v1", "secrets"] = f"{MANAGED_LABEL}=true"
    # One task an object lives until it has been idle for so long; thousands of them cost memory.
    settings.queueing.idle_timeout = 0.5
    return settings
