"""Which addresses a URL may lead to that a tenant wrote. Knows addresses; resolves no name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Where clouds answer a machine with its credentials, beyond the link-local ones.
_METADATA = tuple(
    ipaddress.ip_network(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::/32", "fd20:ce::/32")
)
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
# Prefixes of IPv6 that carry an IPv4 address to which the packets may go in the end.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Reach:
    """Public and private addresses, and of the special ones those in `allowed`."""

    allowed: tuple[_Network, ...] = ()

    @classmethod
    def of(cls, networks: Iterable[str]) -> Reach:
        """From networks and addresses as text. Raises ValueError that names the one that is none."""
        return cls(tuple(_network(text) for text in networks))

    def lets(self, address: str) -> bool:
        """Whether an IP address may be connected to. What is no address may not."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return all(
            not _is_special(meant) or any(_within(meant, network) for network in self.allowed)
            for meant in _meanings(found)
        )


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not a network or address") from None


def _within(address: _Address, network: _Network) -> bool:
    return address.version == network.version and address in network


def _meanings(address: _Address) -> Iterator[_Address]:
    """The address without its zone, or the IPv4 addresses that it stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    plain = ipaddress.IPv6Address(int(address))
    inner = [plain.ipv4_mapped, plain.sixtofour, *(plain.teredo or ())]
    if plain in _NAT64 or (int(plain) >> 32 == 0 and int(plain) > 1):
        inner.append(ipaddress.IPv4Address(int(plain) & 0xFFFFFFFF))
    if plain.ipv4_mapped is None:
        yield plain
    yield from (one for one in inner if one is not None)


def _is_special(address: _Address) -> bool:
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or _within(address, _THIS_NETWORK)
        or (address.version == 4 and address.is_reserved)
        or any(_within(address, network) for network in _METADATA)
    )


# What a person's own machine may reach: there whoever writes the store is who runs the program.
LOCAL = Reach.of(("127.0.0.0/8", "::1"))
