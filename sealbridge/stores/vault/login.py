"""Whose token requests carry, for as long as it lives: logged in, renewed, replaced, revoked.

Knows the life of tokens; what a method sends to log in is `methods`' business.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sealbridge.errors import StoreError, Unavailable
from sealbridge.secret import Value
from sealbridge.stores import documents
from sealbridge.stores.vault.answers import content, login_content
from sealbridge.stores.vault.api import Api, Request

_RENEWED_AFTER = 2 / 3  # of its life
_LONG_ENOUGH = 60.0  # seconds that a token must have left to be renewed rather than replaced
_OUTAGE_PAUSE = 5.0  # before the next try to renew a token that is still good
_REFUSED_PAUSE = 30.0  # how long a login that was refused is not tried again
_BLIND_PAUSE = 60.0  # between logins where nobody can tell a bad token from a forbidden path
_LAST_WORD = 5.0  # for revoking on the way out


class Login(Protocol):
    """Where tokens come from."""

    async def token(self, *, again: bool = False) -> Value | None:
        """A token that should be good, or None to go without; `again`: forget an earlier refusal.

        Raises StoreError."""

    async def refused(self, token: Value | None) -> Value | None:
        """After the answer 403 to `token`: another that may fare better, or None. Raises StoreError."""

    async def close(self) -> None:
        """Give the token back where it is of our making."""


class FixedLogin:
    """A token that somebody has given us, or none at all. Not ours to renew or revoke."""

    def __init__(self, token: Value | None) -> None:
        self._token = token

    async def token(self, *, again: bool = False) -> Value | None:
        """As Login.token."""
        return self._token

    async def refused(self, token: Value | None) -> Value | None:
        """As Login.refused."""
        return None

    async def close(self) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    value: Value = field(repr=False)
    renew_at: float
    expires_at: float
    renewable: bool
    revocable: bool


class MethodLogin:
    """Tokens of one auth method, one at a time for all tasks."""

    def __init__(
        self, api: Api, method: str, request: Callable[[], Awaitable[Request]], *, namespace: str
    ) -> None:
        """`request` makes the login request afresh each time; `method` is its name in errors."""
        self._api = api
        self._method = method
        self._request = request
        self._namespace = namespace
        self._lock = asyncio.Lock()
        self._current: _Token | None = None
        self._pending: asyncio.Task[_Token] | None = None
        self._refusal: tuple[StoreError, float] | None = None
        self._blind_until = 0.0
        self._closed = False

    async def token(self, *, again: bool = False) -> Value | None:
        """As Login.token."""
        if again:
            self._refusal = None
        async with self._lock:
            current, now = self._current, _now()
            if current is None or now >= current.expires_at:
                current = await self._logged_in()
            elif now >= current.renew_at:
                current = await self._prolonged(current)
            return current.value

    async def refused(self, token: Value | None) -> Value | None:
        """As Login.refused. OpenBao answers alike to a bad token and to a forbidden path."""
        async with self._lock:
            current = self._current
            if current is not None and current.value != token:
                return current.value
            if current is None or _now() < self._blind_until or await self._is_known(current):
                return None
            await self._revoke(current)
            self._current = None
            current = await self._logged_in()
            if not await self._is_known(current):
                # Its policies do not let it look itself up, so that we cannot tell next time either.
                self._blind_until = _now() + _BLIND_PAUSE
            return current.value

    async def close(self) -> None:
        """As Login.close."""
        self._closed = True
        with contextlib.suppress(TimeoutError, StoreError):
            async with asyncio.timeout(_LAST_WORD):
                if self._pending is not None:
                    await asyncio.wait({self._pending})
                if self._current is not None:
                    current, self._current = self._current, None
                    await self._revoke(current)

    async def _prolonged(self, current: _Token) -> _Token:
        """The token renewed, or another one; through an outage the old one as long as it lasts."""
        try:
            renewed = await self._renewed(current) if current.renewable else None
            if renewed is not None:
                self._current = renewed
                return renewed
            other = await self._logged_in()
        except StoreError as error:
            if not error.retryable:
                raise
            wait = min(current.expires_at, _now() + _OUTAGE_PAUSE)
            self._current = replace(current, renew_at=wait)
            return self._current
        await self._revoke(current)
        return other

    async def _renewed(self, current: _Token) -> _Token | None:
        """None when it may not be renewed, or not for long enough."""
        request = self._about_self("renew-self", method="post", what="renewal", body={})
        started = _now()
        response = await self._api.send(request, current.value)
        if response.status in (400, 401, 403):
            return None
        token = _token(content(response, request.path, request.what), started, current.value)
        left = token.expires_at - started
        if left == float("inf") or (left < _LONG_ENOUGH and _is_nearer(token, current)):
            return None  # nothing is left of it, or little
        return token

    async def _logged_in(self) -> _Token:
        """A new token, which is ours even when whoever asked for it gives up."""
        if self._closed:
            raise Unavailable("the store was closed meanwhile")
        if self._refusal is not None:
            error, until = self._refusal
            if _now() < until:
                raise copy.copy(error)
        if self._pending is None or self._pending.done():
            self._pending = asyncio.create_task(self._log_in())
            # Its error is nobody's when whoever waited for it has gone.
            self._pending.add_done_callback(lambda task: task.cancelled() or task.exception())
        task = self._pending
        await asyncio.wait({task})
        return task.result()

    async def _log_in(self) -> _Token:
        started = _now()
        try:
            request = await self._request()
            response = await self._api.send(request, None)
            answer = login_content(response, self._method, request.body or {})
        except StoreError as error:
            if not error.retryable:
                self._refusal = copy.copy(error), _now() + _REFUSED_PAUSE
            raise
        self._refusal = None
        self._current = _token(answer, started, None)
        return self._current

    async def _is_known(self, token: _Token) -> bool:
        """Whether the server lets the token look itself up. Raises StoreError in an outage."""
        request = self._about_self("lookup-self")
        response = await self._api.send(request, token.value)
        if response.status in (401, 403):
            return False
        content(response, request.path)
        return True

    async def _revoke(self, token: _Token) -> None:
        """As well as it goes: what cannot be revoked expires."""
        if token.revocable:
            with contextlib.suppress(StoreError):
                await self._api.send(
                    self._about_self("revoke-self", method="post", what="revocation", body={}), token.value
                )

    def _about_self(self, verb: str, **options: Any) -> Request:
        return Request(path=f"auth/token/{verb}", namespace=self._namespace, **options)


def _token(answer: Mapping[str, Any], started: float, known: Value | None) -> _Token:
    auth = answer.get("auth")
    auth = auth if isinstance(auth, dict) else {}
    text = auth.get("client_token")
    if not isinstance(text, str) or not text or not text.isascii() or not text.isprintable():
        if known is None:
            raise Unavailable("the answer to the login has no token")
        text = known.reveal().decode()
    try:
        seconds = float(documents.dump(auth.get("lease_duration")))
    except ValueError:
        seconds = 0.0
    life = seconds if seconds > 0 else float("inf")
    return _Token(
        value=Value(text.encode()),
        renew_at=started + life * _RENEWED_AFTER,
        expires_at=started + life,
        renewable=auth.get("renewable") is True,
        revocable=auth.get("token_type") != "batch",
    )


def _is_nearer(renewed: _Token, before: _Token) -> bool:
    """Whether a renewal gave less than the token once had: its end is near."""
    had = (before.expires_at - before.renew_at) / (1 - _RENEWED_AFTER)
    got = (renewed.expires_at - renewed.renew_at) / (1 - _RENEWED_AFTER)
    return got < had * 0.9


def _now() -> float:
    return asyncio.get_running_loop().time()
