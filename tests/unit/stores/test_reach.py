"""Which addresses a tenant's URL may lead to."""

from __future__ import annotations

import pytest

from sealbridge.stores.reach import LOCAL, Reach


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "2606:2800::1", "fd12::1"],
)
def test_public_and_private_addresses_are_in_reach(address: str) -> None:
    assert Reach().lets(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104
        "0.1.2.3",
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2002:7f00:1::",
        "localhost",
        "",
        "127.1",
    ],
)
def test_special_addresses_are_out_of_reach_in_whatever_way_they_are_written(address: str) -> None:
    assert not Reach().lets(address)


def test_what_is_allowed_is_in_reach_and_nothing_else() -> None:
    reach = Reach.of(["169.254.169.254", "127.0.0.0/8"])
    assert reach.lets("169.254.169.254")
    assert reach.lets("127.3.2.1")
    assert reach.lets("::ffff:127.0.0.1")
    assert not reach.lets("169.254.169.253")
    assert not reach.lets("::1")
    assert LOCAL.lets("::1")
    assert not LOCAL.lets("169.254.169.254")


@pytest.mark.parametrize("text", ["localhost", "10.0.0.0/99", "", "::1/x"])
def test_what_is_no_network_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not a network or address"):
        Reach.of([text])
