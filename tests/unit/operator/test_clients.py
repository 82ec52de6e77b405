"""Under which name a request is counted."""

from __future__ import annotations

import pytest

from sealbridge.errors import UsageError
from sealbridge.operator.clients import Clients


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "name"),
    [
        pytest.param((), "10.0.0.7", [], "10.0.0.7", id="the peer"),
        pytest.param((), "10.0.0.7", ["1.2.3.4"], "10.0.0.7", id="a header of a stranger is not believed"),
        pytest.param(("10.0.0.7",), "10.0.0.7", ["1.2.3.4"], "1.2.3.4", id="a trusted proxy is"),
        pytest.param(("10.0.0.0/8",), "10.0.0.7", ["6.6.6.6, 1.2.3.4"], "1.2.3.4", id="only its own word"),
        pytest.param(("10.0.0.0/8",), "10.0.0.7", ["6.6.6.6", "1.2.3.4"], "1.2.3.4", id="in two headers"),
        pytest.param(("10.0.0.0/8",), "10.0.0.7", ["1.2.3.4, 10.0.0.8"], "1.2.3.4", id="a chain of proxies"),
        pytest.param(("10.0.0.0/8",), "10.0.0.7", ["nonsense"], "10.0.0.7", id="nonsense"),
        pytest.param(("10.0.0.0/8",), "10.0.0.7", [""], "10.0.0.7", id="an empty one"),
        pytest.param(("10.0.0.0/8",), "10.0.0.7", ["x" * 8000], "10.0.0.7", id="a long one"),
        pytest.param((), "::ffff:10.0.0.7", [], "10.0.0.7", id="IPv4 in IPv6"),
        pytest.param((), "2001:db8::1", [], "2001:db8::/64", id="IPv6 counts by network"),
        pytest.param((), "fe80::1%eth0", [], "fe80::/64", id="an IPv6 zone"),
        pytest.param((), None, [], "unknown", id="no peer"),
    ],
)
def test_the_client_is(trusted: tuple[str, ...], peer: str | None, forwarded: list[str], name: str) -> None:
    assert Clients(trusted).name(peer, forwarded) == name


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(UsageError, match="--trusted-proxies"):
        Clients(["10.0.0.1/8"])
