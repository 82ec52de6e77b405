"""An API server that knows Services, pods and proxies alone, with a controller behind it that answers as
Sealed Secrets' does. It runs in a thread, so that synchronous programs can ask it.

The controller itself is given: a function of method, path and body. Port-forwards speak the kubelet's
WebSocket protocol to it.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from tests.servers.process import write_private

Answer = tuple[int, Mapping[str, str], bytes]
Program = Callable[[str, str, bytes], Answer]


@dataclass
class ClusterWithController:
    """What is there; a test may change it at any time."""

    program: Program
    services: list[dict[str, Any]] = field(default_factory=list)
    pods: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[dict[str, Any]] = field(default_factory=list)
    proxy: Answer | None = None
    """What the Service proxy answers instead of handing a request on."""
    forbidden: tuple[str, ...] = ()
    """Parts of paths that may not be read."""
    cut: bool = False
    """Port-forwards end in the middle of the answer."""
    forward_error: str = ""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def kubeconfig(self, path: Path, *, namespace: str = "team", **user: Any) -> str:
        """A kubeconfig for it."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "k", "cluster": {"server": self.url}}],
            "users": [{"name": "u", "user": user or {"token": "a-token"}}],
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": namespace}}],
        }
        return str(write_private(path, json.dumps(config).encode()))

    def headers(self, part: str) -> dict[str, str]:
        """Of the last request whose path holds `part`."""
        return next(headers for _, path, headers in reversed(self.requests) if part in path)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request of any kind."""
        self.requests.append((request.method, request.path, dict(request.headers)))
        if any(part in request.path for part in self.forbidden):
            return _status(403, "Forbidden", f"{request.path} is forbidden")
        parts = request.path.strip("/").split("/")
        if parts[:2] != ["api", "v1"]:
            return _status(404, "NotFound", "the server could not find the requested resource")
        namespace = ""
        rest = parts[2:]
        if rest[0] == "namespaces":
            namespace, rest = rest[1], rest[2:]
        if len(rest) > 2 and rest[2] == "proxy":
            return await self._proxy(request, rest)
        if len(rest) > 2 and rest[2] == "portforward":
            return await self._forward(request)
        kept = {"services": self.services, "pods": self.pods, "secrets": self.secrets}[rest[0]]
        found = [item for item in kept if not namespace or item["metadata"]["namespace"] == namespace]
        if len(rest) > 1:
            found = [item for item in found if item["metadata"]["name"] == rest[1]]
            if found:
                return web.json_response(found[0])
            return _status(404, "NotFound", f'{rest[0]} "{rest[1]}" not found')
        return web.json_response({"kind": "List", "items": [i for i in found if _selected(i, request.query)]})

    async def _proxy(self, request: web.Request, rest: list[str]) -> web.StreamResponse:
        answer = self.proxy or self.program(request.method, "/" + "/".join(rest[3:]), await request.read())
        return web.Response(status=answer[0], headers=dict(answer[1]), body=answer[2])

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        port = int(request.query["ports"]).to_bytes(2, "little")
        await socket.send_bytes(b"\0" + port)
        await socket.send_bytes(b"\1" + port)
        if self.forward_error:
            await socket.send_bytes(b"\1" + self.forward_error.encode())
            await socket.close()
            return socket
        received = b""
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                break
            received += message.data[1:]
            head, blank, body = received.partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0
            )
            if blank and len(body) >= length:
                method, path, _ = head.split(b"\r\n")[0].decode().split(" ")
                status, headers, content = self.program(method, path, body)
                lines = [f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in headers.items())]
                text = "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""]).encode() + content
                text = text[: len(text) // 2] if self.cut else text
                for at in range(0, len(text), 50):
                    await socket.send_bytes(b"\0" + text[at : at + 50])
                break
        await socket.close()
        return socket


def service(
    namespace: str, name: str, *, port: str = "http", labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A Service of a controller."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": name, "labels": dict(labels or {})},
        "spec": {"selector": {"app": name}, "ports": [{"name": port, "port": 8080, "targetPort": "http"}]},
    }


def pod(namespace: str, name: str, *, app: str, ready: bool = True) -> dict[str, Any]:
    """A pod behind the Service `app`."""
    return {
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": app}},
        "spec": {"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }


@contextmanager
def cluster_with_controller(program: Program) -> Iterator[ClusterWithController]:
    """One on loopback, with the controller's Service and pod where upstream's manifest puts them."""
    cluster = ClusterWithController(
        program,
        services=[service("kube-system", "sealed-secrets-controller")],
        pods=[pod("kube-system", "controller-0", app="sealed-secrets-controller")],
    )
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", cluster.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        cluster.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def serve() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    if not ready.wait(10):
        raise RuntimeError("the server did not start")
    try:
        yield cluster
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def _selected(item: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    labels = item["metadata"].get("labels") or {}
    for part in filter(None, query.get("labelSelector", "").split(",")):
        key, equals, value = part.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    name = query.get("fieldSelector", "").removeprefix("metadata.name=")
    return not name or item["metadata"]["name"] == name


def _status(code: int, reason: str, message: str) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return web.json_response(body | {"message": message}, status=code)
