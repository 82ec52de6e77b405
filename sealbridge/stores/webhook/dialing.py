"""Names into addresses that may be connected to, and a connection for a look. Sends no request.

A name is resolved here and nowhere else, so that what was looked at is what is connected to.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import yarl
from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from sealbridge.errors import Denied, Unavailable
from sealbridge.stores.reach import Reach


class AddressGuard:
    """As exchange.Guard: nothing goes to an address out of reach. `server` is what errors call it."""

    def __init__(self, reach: Reach, server: str) -> None:
        self._reach = reach
        self._server = server

    def check_host(self, host: str) -> None:
        """As Guard.check_host. What only looks like an address is refused, as aiohttp takes it for one."""
        looks_so = ":" in host or host.replace(".", "").isdigit()
        if looks_so and not self._reach.lets(host):
            raise self.denied()

    def resolver(self) -> AbstractResolver:
        """As Guard.resolver."""
        return _CheckedResolver(self)

    def socket(self, address: Any) -> socket.socket:
        """As Guard.socket."""
        family, kind, protocol, _, where = address
        self.check([where[0]])
        return socket.socket(family, kind, protocol)

    def check(self, addresses: Iterable[str]) -> None:
        """Raise Denied when any of them may not be connected to."""
        if not all(self._reach.lets(address) for address in addresses):
            raise self.denied()

    def denied(self) -> Denied:
        """The error. It tells no address: that of a name may be a secret."""
        what = (
            f"{self._server} is at an address that webhooks may not reach: loopback, link-local or the like"
        )
        return Denied(what, hint="the operator's flag --webhook-allowed-networks lets stores reach it")


class _CheckedResolver(AbstractResolver):
    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        self._guard.check(result["host"] for result in found)
        return found

    async def close(self) -> None:
        """Holds nothing."""


def redirected(url: str, location: str) -> str | None:
    """Where a redirect leads on the same server, or None when it leads elsewhere."""
    try:
        old = yarl.URL(url)
        new = old.join(yarl.URL(location, encoded=True))
        same = old.origin() == new.origin() and new.user is None
    except ValueError:
        return None
    return str(new.with_user(old.user).with_password(old.password)) if same else None


async def dial(url: str, guard: AddressGuard, server: str, timeout: float) -> None:  # noqa: ASYNC109
    """Open a TCP connection to the server of a URL and close it. Raises Denied and Unavailable."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(timeout):
            found = await guard.resolver().resolve(parts.hostname or "", port, socket.AF_UNSPEC)
            writer = await _connected([result["host"] for result in found], port)
            writer.close()
    except TimeoutError:
        raise Unavailable(f"cannot connect to {server} within {timeout:g} s") from None
    except socket.gaierror:
        raise Unavailable(f"cannot reach {server}: its name cannot be resolved") from None
    except OSError as error:
        reason = (error.strerror or "the connection broke").lower()
        raise Unavailable(f"cannot reach {server}: {reason}") from None


async def _connected(hosts: list[str], port: int) -> asyncio.StreamWriter:
    last: OSError = OSError()
    for host in hosts:
        try:
            return (await asyncio.open_connection(host, port))[1]
        except OSError as error:
            last = error
    raise last
