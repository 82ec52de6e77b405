"""Servers that answer as no Vault should: slowly, endlessly, with nonsense, or with a way elsewhere."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class Request(http.server.BaseHTTPRequestHandler):
    """One request; `answer` does what the test wants with it."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    answer: Callable[[Request], object]
    server: _Server
    content: bytes

    def do_GET(self) -> None:
        """Count it and answer."""
        self.content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.path, dict(self.headers)))
        type(self).answer(self)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names of the base

    def reply(self, body: bytes, *, status: int = 200, **headers: str) -> None:
        """A whole answer; underscores in the names of headers are dashes."""
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the base
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    connections = 0

    def __init__(self, handler: type[Request]) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), handler)

    def process_request(self, request: object, client_address: object) -> None:
        """Count the connection."""
        self.connections += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is what the tests are about."""


@dataclass
class OddServer:
    """What a test sees of it."""

    url: str
    _server: _Server = field(repr=False)

    @property
    def requests(self) -> list[tuple[str, dict[str, str]]]:
        """Path and headers of every request so far."""
        return self._server.seen

    @property
    def connections(self) -> int:
        """How many connections were made."""
        return self._server.connections


@contextmanager
def odd_server(
    answer: Callable[[Request], object], *, tls: ssl.SSLContext | None = None
) -> Iterator[OddServer]:
    """A server on loopback that answers every request with `answer`."""
    server = _Server(type("Handler", (Request,), {"answer": staticmethod(answer)}))
    if tls is not None:
        # The handshake happens at the first read, in the thread of the connection.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield OddServer(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}", server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
