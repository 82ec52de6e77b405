"""One HTTP request at a time to a store's server, bounded in time and size. Knows no provider.

Errors name the server as they are told to, never an address, a header or a body: those may hold secrets.
"""

from __future__ import annotations

import email.utils
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from sealbridge.errors import Invalid, StoreError, Unavailable

if TYPE_CHECKING:
    import aiohttp

LARGEST_ANSWER = 16 * 1024 * 1024
_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and the whole body; its repr shows no body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Guard(Protocol):
    """Says no to where a request is about to go, by raising StoreError."""

    def check_host(self, host: str) -> None:
        """Look at the host of a URL: nobody resolves what is an address already."""

    def resolver(self) -> Any:
        """An aiohttp resolver for the running event loop."""

    def socket(self, address: Any) -> Any:
        """A socket for an entry of getaddrinfo, the last moment to say no."""


class Exchange:
    """A session of its own: no cookies, no redirects, no proxy or password of the environment."""

    def __init__(
        self,
        server: str,
        *,
        tls: ssl.SSLContext,
        timeout: float,
        largest: int = LARGEST_ANSWER,
        guard: Guard | None = None,
    ) -> None:
        """`server`: what errors call it. `timeout` in seconds, for all of one request."""
        self._server = server
        self._tls = tls
        self._timeout = timeout
        self._largest = largest
        self._guard = guard
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """The whole answer, whatever its status. Raises Unavailable and Invalid."""
        import yarl

        async with self._explained():
            session = self._opened()
            # What is percent-encoded already stays to the letter; what is not is encoded.
            ready = url.isascii() and all(character not in url for character in ' "<>\\^`{|}')
            target = yarl.URL(url, encoded=ready)
            if self._guard is not None:
                self._guard.check_host(target.raw_host or "")
            async with session.request(
                method,
                target,
                headers=dict(headers or {}),
                data=body,
                allow_redirects=False,
            ) as response:
                content = bytearray()
                async for chunk in response.content.iter_any():
                    content += chunk
                    if len(content) > self._largest:
                        limit = self._largest // (1024 * 1024)
                        raise Invalid(f"{self._server} answered with more than {limit} MiB")
                return Answer(response.status, response.headers, bytes(content))

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            options: dict[str, Any] = {}
            if self._guard is not None:
                options = {"resolver": self._guard.resolver(), "socket_factory": self._guard.socket}
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls, limit=_CONNECTIONS, **options),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    total=self._timeout, sock_connect=min(self._timeout, 10.0), ceil_threshold=30
                ),
                headers={"User-Agent": "sealbridge", "Accept-Encoding": "identity"},
                skip_auto_headers=("Content-Type",),
                trust_env=False,
            )
        return self._session

    @asynccontextmanager
    async def _explained(self) -> AsyncIterator[None]:
        """Errors of the library as ours. Their text is not kept: it quotes the address."""
        import aiohttp

        server = self._server
        try:
            yield
        except StoreError:
            raise
        except aiohttp.ClientConnectorCertificateError as error:
            cause = error.certificate_error
            reason = getattr(cause, "verify_message", "") or "its certificate is not trusted"
            hint = "give the CA that signed it in caBundle or caProvider"
            raise Unavailable(f"no trusted TLS connection to {server}: {reason}", hint=hint) from None
        except (aiohttp.ClientSSLError, ssl.SSLError):
            raise Unavailable(f"no trusted TLS connection to {server}: the handshake failed") from None
        except aiohttp.ClientConnectorDNSError:
            raise Unavailable(f"cannot reach {server}: its name cannot be resolved") from None
        except TimeoutError:
            raise Unavailable(f"{server} did not answer within {self._timeout:g} s") from None
        except (aiohttp.InvalidURL, ValueError, TypeError):
            raise Invalid(f"no request to {server} can be made of address and headers") from None
        except (aiohttp.ClientError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else ""
            raise Unavailable(f"cannot reach {server}: {reason.lower() or 'the connection broke'}") from None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a server asks to wait for, given as such or as a date, or None."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
