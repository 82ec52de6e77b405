"""Requests as whoever is logged in. A token that is no longer good is replaced once, then it is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealbridge.stores.vault.answers import Response, content, document
from sealbridge.stores.vault.api import Api, Request
from sealbridge.stores.vault.login import Login


class Session:
    """One server, one identity."""

    def __init__(self, api: Api, login: Login) -> None:
        self._api = api
        self.login = login

    async def document(self, request: Request) -> Mapping[str, Any]:
        """The `data` of the answer. Raises StoreError."""
        return document(await self._answer(request), request.path, request.what)

    async def content(self, request: Request) -> Mapping[str, Any]:
        """All of the answer. Raises StoreError."""
        return content(await self._answer(request), request.path, request.what)

    async def close(self) -> None:
        """Log out and close the connections."""
        await self.login.close()
        self._api.close()

    async def _answer(self, request: Request) -> Response:
        token = await self.login.token()
        response = await self._api.send(request, token)
        if response.status in (401, 403) and (other := await self.login.refused(token)) is not None:
            response = await self._api.send(request, other)
        return response
