"""An API server that does as a test says: expired lists, watches that fail. Knows lists and watches only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from sealbridge.reconcile.kinds import Kind

Object = dict[str, Any]

# kopf waits until it has discovered these, and does nothing with them.
_ALSO_SERVED = (
    Kind("Namespace", "", ("v1",), "namespaces", namespaced=False),
    Kind(
        "CustomResourceDefinition",
        "apiextensions.k8s.io",
        ("v1",),
        "customresourcedefinitions",
        namespaced=False,
    ),
)
_EXPIRED = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410}


class ScriptedApi:
    """What it has is in `objects`, by kind and then by name; changing that tells no watch."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.objects: dict[Kind, dict[str, Object]] = {kind: {} for kind in kinds}
        self._served = (*self.objects, *_ALSO_SERVED)
        self.page = 500
        self.expire = 0
        """So many of the next requests for a further page are told that the list has expired."""
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        """Path and query of every list and watch so far."""
        self.url = ""
        self._watches: dict[Kind, list[asyncio.Queue[Object | None]]] = {kind: [] for kind in self.objects}
        self._version = 100
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> ScriptedApi:
        app = web.Application()
        for kind in self.objects:
            prefix = _prefix(kind)
            app.router.add_get(f"{prefix}/{kind.plural}", self._collection(kind))
            app.router.add_get(f"{prefix}/namespaces/a/{kind.plural}", self._collection(kind))
        app.router.add_get("/api", self._versions)
        app.router.add_get("/apis", self._groups)
        for prefix in {_prefix(kind) for kind in self._served}:
            app.router.add_get(prefix, self._discovery(prefix))
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for kind in self.objects:
            self.cut(kind)
        if self._runner is not None:
            await self._runner.cleanup()

    def put(self, kind: Kind, name: str, *, generation: int = 1) -> Object:
        """Make or change an object, silently."""
        self._version += 1
        metadata = {
            "name": name,
            "namespace": "a",
            "uid": f"uid-of-{name}",
            "generation": generation,
            "resourceVersion": str(self._version),
        }
        obj = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, "spec": {}}
        self.objects[kind][name] = obj
        return obj

    def watchers(self, kind: Kind) -> int:
        """How many watch this kind now."""
        return len(self._watches[kind])

    def tell(self, kind: Kind, type_: str, obj: Object) -> None:
        """Send an event to those who watch the kind."""
        for watch in self._watches[kind]:
            watch.put_nowait({"type": type_, "object": obj})

    def fail(self, kind: Kind, code: int) -> None:
        """Send an ERROR event, after which a watch is of no use, as API servers do."""
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": code,
            "message": "told to",
        }
        self.tell(kind, "ERROR", status)
        self.cut(kind)

    def cut(self, kind: Kind) -> None:
        """End every watch of the kind in the middle."""
        for watch in self._watches[kind]:
            watch.put_nowait(None)

    async def _versions(self, _: web.Request) -> web.Response:
        return web.json_response({"kind": "APIVersions", "versions": ["v1"]})

    async def _groups(self, _: web.Request) -> web.Response:
        groups = [
            {
                "name": kind.group,
                "versions": [{"version": kind.versions[0]}],
                "preferredVersion": {"version": kind.versions[0]},
            }
            for kind in self._served
            if kind.group
        ]
        return web.json_response({"kind": "APIGroupList", "groups": groups})

    def _discovery(self, prefix: str) -> Any:
        async def answer(_: web.Request) -> web.Response:
            resources = [
                {
                    "name": kind.plural,
                    "singularName": kind.name.lower(),
                    "namespaced": kind.namespaced,
                    "kind": kind.name,
                    "verbs": ["get", "list", "watch"],
                }
                for kind in self._served
                if _prefix(kind) == prefix
            ]
            return web.json_response({"kind": "APIResourceList", "resources": resources})

        return answer

    def _collection(self, kind: Kind) -> Any:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.requests.append((request.path, dict(request.query)))
            return await (self._watch if "watch" in request.query else self._list)(request, kind)

        return answer

    async def _list(self, request: web.Request, kind: Kind) -> web.StreamResponse:
        objects = [self.objects[kind][name] for name in sorted(self.objects[kind])]
        begin = int(request.query.get("continue") or 0)
        if begin and self.expire:
            self.expire -= 1
            return web.json_response(_EXPIRED, status=410)
        end = begin + min(self.page, int(request.query.get("limit") or self.page))
        more = {"continue": str(end)} if end < len(objects) else {}
        metadata = {"resourceVersion": str(self._version), **more}
        return web.json_response(
            {"kind": f"{kind.name}List", "metadata": metadata, "items": objects[begin:end]}
        )

    async def _watch(self, request: web.Request, kind: Kind) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        events: asyncio.Queue[Object | None] = asyncio.Queue()
        self._watches[kind].append(events)
        try:
            while (event := await events.get()) is not None:
                await response.write(json.dumps(event).encode() + b"\n")
        finally:
            self._watches[kind].remove(events)
        return response


def _prefix(kind: Kind) -> str:
    return f"/{'apis' if kind.group else 'api'}/{kind.api_version}"
