"""Tokens of service accounts are asked for in time. Time is looptime's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from sealbridge.errors import ClusterError, Denied, Invalid, SealbridgeError, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.kubernetes.config import ServiceAccount
from sealbridge.stores.kubernetes.login import AccountLogin
from tests.servers.resolver import DictResolver

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]
ACCOUNT = ServiceAccount(name="reader", namespace="ns", audiences=("a",))


class Accounts(DictResolver):
    def __init__(self, error: SealbridgeError | None = None) -> None:
        super().__init__()
        self.error = error
        self.given = 0

    async def service_account_token(
        self, name: str, *, namespace: str = "", audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        assert (name, namespace, tuple(audiences), expiration_seconds) == ("reader", "ns", ("a",), 3600)
        await asyncio.sleep(1)
        if self.error is not None:
            raise self.error
        self.given += 1
        return Value(f"t{self.given}".encode())


async def test_a_token_serves_many_and_is_renewed_before_its_hour_is_over() -> None:
    resolver = Accounts()
    login = AccountLogin(resolver, ACCOUNT)
    headers = await asyncio.gather(*(login.authorization() for _ in range(5)))
    assert headers == [Value(b"Bearer t1")] * 5
    await asyncio.sleep(2800)
    assert await login.authorization() == Value(b"Bearer t1")
    await asyncio.sleep(100)
    assert await login.authorization() == Value(b"Bearer t2")


async def test_many_that_are_refused_at_once_ask_for_one_new_token() -> None:
    resolver = Accounts()
    login = AccountLogin(resolver, ACCOUNT)
    await login.authorization()
    headers = await asyncio.gather(*(login.authorization(fresh=True) for _ in range(5)))
    assert headers == [Value(b"Bearer t2")] * 5


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (ClusterError("forbidden", status=403, retryable=True), Denied),
        (ClusterError("no such account", status=404), Invalid),
        (ClusterError("down", status=503, retryable=True), Unavailable),
        (Denied("another namespace"), Denied),
    ],
)
async def test_what_the_cluster_refuses_is_an_error_of_the_store(
    error: SealbridgeError, becomes: type[SealbridgeError]
) -> None:
    with pytest.raises(becomes) as caught:
        await AccountLogin(Accounts(error), ACCOUNT).authorization()
    assert error.what in caught.value.what
