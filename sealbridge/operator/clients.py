"""Who asks: the address that a request is counted under. Knows addresses; counts nothing.

X-Forwarded-For is whatever the client wrote, unless a proxy that is trusted stands between: then its
last entry is the proxy's own word.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from sealbridge.errors import UsageError

_MOST_HOPS = 10
_OF_ONE_CLIENT = 64  # bits of an IPv6 address: who has one address has all of that network


class Clients:
    """`trusted` are addresses and networks of proxies whose X-Forwarded-For is believed.

    Raises UsageError for what is neither.
    """

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        try:
            self._trusted = tuple(ip_network(text) for text in trusted)
        except ValueError:
            raise UsageError(
                "a name in --trusted-proxies is neither an address nor a network",
                hint="write them like 10.0.0.7,10.1.0.0/16",
            ) from None

    def name(self, peer: str | None, forwarded: Sequence[str]) -> str:
        """The client behind a connection from `peer` with these X-Forwarded-For headers."""
        address = _parsed(peer or "")
        if address is None:
            return peer or "unknown"
        hops = ",".join(forwarded).rsplit(",", _MOST_HOPS)[-_MOST_HOPS:] if forwarded else []
        while hops and self._is_trusted(address):
            before = _parsed(hops.pop().strip())
            if before is None:
                break
            address = before
        if isinstance(address, IPv6Address):
            return str(IPv6Network((address, _OF_ONE_CLIENT), strict=False))
        return str(address)

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
