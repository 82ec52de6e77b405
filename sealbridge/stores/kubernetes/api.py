"""Requests to the API server of a store, and which of the five errors a refusal is. Knows no Secret.

`sealbridge.kube` has a client as well, for the cluster that we run in. It stands above stores, and means
other things by the same answers: a store's server is one of many, chosen by whoever writes the store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, Throttled, Unavailable
from sealbridge.stores.exchange import Answer, Exchange, retry_after
from sealbridge.stores.kubernetes.login import Login

_LONGEST_MESSAGE = 300
_MANAGER = "sealbridge"


class Changed(StoreError):  # noqa: N818 - as the other errors are named
    """Somebody changed, made or deleted the object meanwhile."""

    retryable = True


class Api:
    """One API server and one identity."""

    def __init__(self, server: str, exchange: Exchange, login: Login) -> None:
        self._server = server
        self._exchange = exchange
        self._login = login

    async def read(self, path: str, what: str, *, parameters: Mapping[str, str] | None = None) -> Any:
        """GET; `what` names it in errors. Raises StoreError: NotFound only for a Secret that is not there."""
        return await self._request("GET", path, what, parameters=parameters)

    async def ask(self, path: str, body: Mapping[str, Any], what: str) -> Any:
        """POST of a question, which changes nothing. Raises StoreError."""
        return await self._request("POST", path, what, body=body)

    async def write(self, method: str, path: str, body: Mapping[str, Any], what: str) -> Any:
        """POST, PUT or DELETE. Raises StoreError, Changed among them."""
        parameters = {} if method == "DELETE" else {"fieldManager": _MANAGER}
        return await self._request(method, path, what, body=body, parameters=parameters, sensitive=True)

    async def close(self) -> None:
        """Close the connections."""
        await self._exchange.close()

    async def _request(
        self,
        method: str,
        path: str,
        what: str,
        *,
        body: Mapping[str, Any] | None = None,
        parameters: Mapping[str, str] | None = None,
        sensitive: bool = False,
    ) -> Any:
        url = self._server + path + (f"?{urlencode(parameters)}" if parameters else "")
        headers = {"Accept": "application/json"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, separators=(",", ":")).encode()
        answer = None
        for fresh in (False, True):
            before = headers.get("Authorization")
            authorization = await self._login.authorization(fresh=fresh)
            if authorization is not None:
                headers["Authorization"] = authorization.reveal().decode("latin-1")
            if answer is not None and headers.get("Authorization") == before:
                break  # the same again would be refused again
            answer = await self._exchange.send(method, url, headers=headers, body=content)
            if answer.status != 401:
                break
        assert answer is not None  # noqa: S101 - for the type checker; the loop runs at least once
        document = _parsed(answer.body)
        if 200 <= answer.status < 300 and document is not None:
            return document
        raise self._error(answer, document or {}, what, sensitive=sensitive)

    def _error(
        self, answer: Answer, document: Mapping[str, Any], what: str, *, sensitive: bool
    ) -> StoreError:
        status, server = answer.status, self._server
        is_status = document.get("kind") == "Status"
        said = _said(document) if is_status and not sensitive else ""
        if status == 401:
            return Denied(
                f"{server} does not accept the credentials: they are wrong, expired or revoked",
                credentials=True,
            )
        if status == 403:
            return Denied(
                f"{server} forbids to {what}{said}", hint="grant it there with a Role and RoleBinding"
            )
        if status == 429:
            return Throttled(f"{server} asks for fewer requests", retry_after=retry_after(answer.headers))
        if status == 404 and is_status:
            details = document.get("details")
            if isinstance(details, dict) and details.get("kind") == "secrets" and details.get("name"):
                return NotFound(f"cannot {what}: there is no such Secret", missing="collection")
            if isinstance(details, dict) and details.get("kind") == "namespaces":
                return Invalid(f"cannot {what}: there is no such namespace")
            return Invalid(f"cannot {what}{said or ': there is no such resource'}")
        if status == 409:
            return Changed(f"cannot {what}: others keep changing it")
        if status == 410:
            return Unavailable(f"cannot {what}: the list has changed meanwhile")
        if status >= 500 or status == 408:
            if b"too large" in answer.body or b"larger than max" in answer.body:
                return Invalid(f"cannot {what}: it is too large for the server")
            return Unavailable(f"{server} failed with status {status}{said}")
        if is_status:
            return Invalid(f"cannot {what}: the server refuses it with status {status}{said}")
        return Unavailable(
            f"{server} does not answer as a Kubernetes API server (status {status})",
            hint="look whether something else answers at that address",
        )


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _said(document: Mapping[str, Any]) -> str:
    """The server's words, in one line and not too many."""
    message = document.get("message")
    if not isinstance(message, str) or not message.strip():
        return ""
    text = " ".join(message.split())
    return f": {text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + '...'}"
