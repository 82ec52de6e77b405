"""Who we are to the API server, as the Authorization header says it. Sends no request itself."""

from __future__ import annotations

import asyncio
from typing import Protocol

from sealbridge.errors import ClusterError, Denied, Invalid, SealbridgeError, StoreError, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.base import Resolver
from sealbridge.stores.kubernetes.config import WHERE, ServiceAccount

LIFETIME = 3600  # seconds that a token of a service account is asked to be valid
_RENEWED_AFTER = LIFETIME * 0.8


class Login(Protocol):
    """What stands in the header."""

    async def authorization(self, *, fresh: bool = False) -> Value | None:
        """The header's value, or None without one; `fresh`: the last one was refused. Raises StoreError."""


class FixedLogin:
    """The same header always, or none beside a client certificate."""

    def __init__(self, authorization: Value | None) -> None:
        self._authorization = authorization

    async def authorization(self, *, fresh: bool = False) -> Value | None:
        """As Login.authorization."""
        return self._authorization


class AccountLogin:
    """Tokens of a service account, renewed before they expire, once for all tasks."""

    def __init__(self, resolver: Resolver, account: ServiceAccount) -> None:
        self._resolver = resolver
        self._account = account
        self._lock = asyncio.Lock()
        self._current: Value | None = None
        self._renew_at = 0.0

    async def authorization(self, *, fresh: bool = False) -> Value | None:
        """As Login.authorization."""
        before = self._current
        async with self._lock:
            now = asyncio.get_running_loop().time()
            refused = fresh and self._current is before
            if self._current is None or refused or now >= self._renew_at:
                self._current = Value(b"Bearer " + (await self._token()).reveal())
                self._renew_at = now + _RENEWED_AFTER
            return self._current

    async def _token(self) -> Value:
        account = self._account
        try:
            return await self._resolver.service_account_token(
                account.name,
                namespace=account.namespace,
                audiences=account.audiences,
                expiration_seconds=LIFETIME,
            )
        except StoreError:
            raise
        except SealbridgeError as error:
            what = f'no token of the service account "{account.name}": {error.what}'
            raise _as_store_error(error, what) from None


def _as_store_error(error: SealbridgeError, what: str) -> StoreError:
    where = f"{WHERE}.auth.serviceAccount"
    status = error.status if isinstance(error, ClusterError) else None
    if status in (401, 403):
        return Denied(what, where=where, hint="let the operator create serviceaccounts/token there")
    if isinstance(error, ClusterError) and error.retryable:
        return Unavailable(what, where=where, hint=error.hint)
    return Invalid(what, where=where, hint=error.hint)
