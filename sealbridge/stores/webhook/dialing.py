"""A connection for a look, and where redirects lead. Sends no request."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

import yarl

from sealbridge.errors import Unavailable
from sealbridge.stores.addresses import AddressGuard


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
