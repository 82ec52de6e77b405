"""The addresses that a store may connect to, enforced. Sends no request and knows no provider.

A name is resolved here and nowhere else, so that what was looked at is what is connected to.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from sealbridge.errors import Denied
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
        what = f"{self._server} is at an address that stores may not reach: loopback, link-local or the like"
        return Denied(what, hint="the operator's flag --store-allowed-networks lets stores reach it")


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
