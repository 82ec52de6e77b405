"""Requests to one server, on a few threads of their own. Knows no token but the one it is handed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sealbridge.errors import Unavailable
from sealbridge.secret import Value
from sealbridge.stores import documents
from sealbridge.stores.vault.answers import Response, parsed

if TYPE_CHECKING:
    from sealbridge.stores.vault.transport import Transport

WORKERS = 8
# Above what the transport itself takes, for a server that keeps dripping headers.
_CALL_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request below `/v1/`; `what` is the word for it in errors."""

    path: str
    what: str = "read"
    method: str = "get"
    namespace: str = ""
    parameters: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = field(default=None, repr=False)


class Api:
    """One server. Safe for many tasks of one event loop."""

    def __init__(self, server: str, transport: Transport) -> None:
        self._server = server
        self._transport = transport
        self._executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="vault")
        # In front of the threads, so that the time in their queue does not count against an answer.
        self._slots = asyncio.Semaphore(WORKERS)

    async def send(self, request: Request, token: Value | None) -> Response:
        """The answer, whatever its status. Raises Unavailable and Invalid."""

        def call() -> Response:
            return parsed(
                self._transport.request(
                    request.method,
                    request.path,
                    token=token.reveal().decode() if token is not None else "",
                    namespace=request.namespace,
                    parameters=request.parameters,
                    body=None if request.body is None else documents.dump(request.body),
                )
            )

        try:
            async with self._slots, asyncio.timeout(_CALL_TIMEOUT):
                return await asyncio.get_running_loop().run_in_executor(self._executor, call)
        except TimeoutError:
            raise Unavailable(f"{self._server} did not answer within {_CALL_TIMEOUT:.0f} s") from None

    def close(self) -> None:
        """Close the connections."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._transport.close()
