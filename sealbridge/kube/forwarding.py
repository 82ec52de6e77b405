"""One HTTP request through a port-forward to a pod, over the API server's WebSocket. Knows no kind."""

from __future__ import annotations

import http.client
import io
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp

from sealbridge.errors import ClusterError

# Each message begins with the number of its channel: of the data and the errors of the one port asked for.
_DATA, _ERRORS = 0, 1
_PROTOCOL = "v4.channel.k8s.io"
_PORT_BYTES = 2  # with which each channel begins: the port
_AT_MOST = 64 << 20  # bytes of an answer
_LONGEST_ERROR = 500


class Answer(NamedTuple):
    """Status, headers and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float:
        """Seconds after which to ask again; 1 where it does not say."""
        try:
            return float(next(v for k, v in self.headers.items() if k.lower() == "retry-after"))
        except (StopIteration, ValueError):
            return 1.0


async def forwarded(
    session: aiohttp.ClientSession,
    url: str,
    headers: Mapping[str, str],
    port: int,
    verb: str,
    path: str,
    body: bytes | None,
    *,
    host: str,
    accept: str = "*/*",
) -> Answer:
    """Send a request to `port` of the pod whose portforward is at `url`. Time limits are the caller's.

    Raises ClusterError when the pod refuses or its answer is cut off, and aiohttp's errors.
    """
    connecting = session.ws_connect(
        url,
        params={"ports": str(port)},
        headers=headers,
        protocols=(_PROTOCOL,),
        max_msg_size=0,
    )
    async with connecting as socket:
        await socket.send_bytes(bytes([_DATA]) + _request(verb, path, body, host, accept))
        skipped = {_DATA: 0, _ERRORS: 0}
        received = bytearray()
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
                continue
            channel, content = message.data[0], message.data[1:]
            if channel not in skipped:
                continue
            skip = min(_PORT_BYTES - skipped[channel], len(content))
            skipped[channel] += skip
            content = content[skip:]
            if channel == _ERRORS and content:
                text = content.decode(errors="replace").strip()[:_LONGEST_ERROR]
                raise ClusterError(f"the port cannot be forwarded: {text}", retryable=True)
            received += content
            if len(received) > _AT_MOST:
                raise ClusterError("the controller's answer is too large")
            if (answer := _parsed(bytes(received))) is not None:
                return answer
    answer = _parsed(bytes(received), ended=True)
    if answer is None:
        raise ClusterError("the port-forward ended before the answer did", retryable=True)
    return answer


def _request(verb: str, path: str, body: bytes | None, host: str, accept: str) -> bytes:
    lines = [f"{verb} {path} HTTP/1.1", f"Host: {host}", f"Accept: {accept}", "Connection: close"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class _Received(io.BytesIO):
    """What http.client takes for a socket."""

    def makefile(self, *_: object) -> _Received:
        return self


def _parsed(data: bytes, *, ended: bool = False) -> Answer | None:
    """The answer when it is whole. `ended`: nothing more comes, so that one without a length is whole."""
    if b"\r\n\r\n" not in data:
        return None
    response = http.client.HTTPResponse(_Received(data))  # type: ignore[arg-type]
    try:
        response.begin()
        if response.length is None and not response.chunked and not ended:
            return None
        body = response.read()
    except http.client.IncompleteRead:
        return None
    except (http.client.HTTPException, ValueError):
        raise ClusterError("the pod does not answer in HTTP", retryable=True) from None
    return Answer(response.status, dict(response.getheaders()), body)
