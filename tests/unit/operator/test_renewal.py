"""The life of keys in the operator. Time is looptime's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sealbridge.errors import ClusterError
from sealbridge.lifecycle.creation import Clock, key_secrets
from sealbridge.lifecycle.policy import KeyPolicy
from sealbridge.operator.renewal import KeyKeeper, policy_of
from sealbridge.operator.settings import Settings
from sealbridge.sealing.keyring import Keyring, by_certificate, by_creation
from sealbridge.sealing.keys import SealingKey
from sealbridge.secret import Secret
from tests.sealing_keys import sealing_key
from tests.unit.lifecycle.test_creation import Shelf, stored
from tests.worlds import START

pytestmark = pytest.mark.looptime

TENTH = 360.0  # of an hour
POLICY = KeyPolicy(bits=2048, renew_after=timedelta(hours=3))


class LoopClock(Clock):
    """The loop's time as a date; `ahead` is how wrong it is."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time()) + self.ahead


class Keys:
    """The keyring of a shelf, always fresh."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._read: dict[str, SealingKey] = {}

    async def keyring(self, *, fresh: bool = False) -> Keyring:
        there = await key_secrets(self._shelf, "kube-system")
        for secret in there:
            if secret.name not in self._read:
                self._read[secret.name] = SealingKey.from_secret(secret)
        return Keyring([self._read[secret.name] for secret in there])

    def forget(self) -> None:
        return None


class World:
    def __init__(self, shelf: Shelf, policy: KeyPolicy = POLICY) -> None:
        self.shelf = shelf
        self.keys = Keys(shelf)
        self.clock = LoopClock()
        self.policy = policy

    def keeper(self) -> KeyKeeper:
        async def cluster_id() -> str:
            return "a"

        return KeyKeeper(
            store=self.shelf,
            keys=self.keys,
            namespace="kube-system",
            cluster_id=cluster_id,
            clock=self.clock,
            policy=self.policy,
        )

    async def current(self) -> SealingKey:
        return (await self.keys.keyring()).current


@asynccontextmanager
async def running(*keepers: KeyKeeper) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(keeper.run()) for keeper in keepers]
    try:
        for keeper in keepers:
            await keeper.tried.wait()
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def until(seconds: float) -> None:
    await asyncio.sleep(seconds - asyncio.get_running_loop().time())


def young(begin: datetime = START) -> SealingKey:
    return SealingKey.generate(at=begin, bits=2048)


async def test_the_first_key_is_made_and_after_its_time_the_next() -> None:
    world = World(Shelf())
    async with running(world.keeper()):
        assert len(world.shelf.created) == 1
        await until(29.9 * TENTH)
        assert len(world.shelf.created) == 1
        await until(30.1 * TENTH)
        assert len(world.shelf.created) == 2
        assert (await world.current()).not_before - START >= timedelta(hours=3)


async def test_two_of_them_renew_for_long_and_make_each_key_once() -> None:
    world = World(Shelf(stored(young())))
    async with running(world.keeper(), world.keeper()):
        await until(91 * TENTH)
    assert len(world.shelf.created) == 3


async def test_a_key_that_grew_old_while_nobody_ran_is_renewed_at_the_start() -> None:
    world = World(Shelf(stored(sealing_key())))
    async with running(world.keeper()):
        assert len(world.shelf.created) == 1


async def test_zero_is_never_and_a_wish_is_granted_nevertheless() -> None:
    world = World(Shelf(stored(sealing_key())), replace(POLICY, renew_after=timedelta(0)))
    keeper = world.keeper()
    async with running(keeper):
        await until(200 * TENTH)
        assert world.shelf.created == []
        keeper.force()
        await until(200 * TENTH + 1)
        assert len(world.shelf.created) == 1
        await until(400 * TENTH)
        assert len(world.shelf.created) == 1


async def test_a_clock_that_goes_back_renews_nothing_early_and_one_that_leaps_makes_one_key() -> None:
    world = World(Shelf(stored(young())))
    async with running(world.keeper()):
        world.clock.ahead = timedelta(hours=-1)
        await until(10 * TENTH)
        assert world.shelf.created == []
        world.clock.ahead = timedelta(days=3)
        await until(10 * TENTH + 120)
        assert len(world.shelf.created) == 1
        await until(20 * TENTH)
        assert len(world.shelf.created) == 1


async def test_an_older_clock_of_the_cluster_does_not_make_keys_without_end() -> None:
    # By creation every key is as old as the API server's clock says.
    class Slow(Shelf):
        async def create_secret(self, secret: Secret) -> Secret:
            long_ago = {"creationTimestamp": "2020-01-01T00:00:00Z"}
            return await super().create_secret(replace(secret, metadata=long_ago))

    world = World(Slow(stored(sealing_key())), replace(POLICY, order=by_creation))
    async with running(world.keeper()):
        await until(100.0)
    assert len(world.shelf.created) == 1


async def test_a_cutoff_counts_at_the_start_only_and_once() -> None:
    policy = replace(POLICY, renew_after=timedelta(0), cutoff=START)
    world = World(Shelf(stored(sealing_key())), policy)
    for _ in range(2):
        async with running(world.keeper()):
            assert len(world.shelf.created) == 1


async def test_while_the_api_server_is_away_the_old_key_stays_and_the_new_comes_after() -> None:
    class Away(Shelf):
        away = True

        async def create_secret(self, secret: Secret) -> Secret:
            if self.away:
                raise ClusterError("away", retryable=True)
            return await super().create_secret(secret)

    shelf = Away(stored(sealing_key()))
    world = World(shelf)
    async with running(world.keeper()):
        await until(300.0)
        assert (await world.current()).fingerprint == sealing_key().fingerprint
        shelf.away = False
        await until(400.0)
        assert (await world.current()).fingerprint != sealing_key().fingerprint
        assert len(shelf.created) == 1


async def test_when_every_key_is_taken_away_none_is_made_until_somebody_asks() -> None:
    world = World(Shelf(stored(young())))
    keeper = world.keeper()
    async with running(keeper):
        world.shelf.secrets.clear()
        await until(40 * TENTH)
        assert world.shelf.created == []
        keeper.force()
        await until(40 * TENTH + 1)
        assert world.shelf.created


def test_the_flags_are_the_policy() -> None:
    cutoff = "Mon, 02 Jan 2023 15:04:05 -0700"
    flags = {
        "key_prefix": "p",
        "key_size": "2048",
        "key_ttl": "1h",
        "key_renew_period": "2h",
        "key_cutoff_time": cutoff,
        "my_cn": "cn",
        "privatekey_labels": "a=b",
        "privatekey_annotations": "c=d",
        "key_order_priority": "SecretCreationTimestamp",
    }
    assert policy_of(Settings.read(flags, {})) == KeyPolicy(
        prefix="p",
        bits=2048,
        valid_for=timedelta(hours=1),
        renew_after=timedelta(hours=2),
        cutoff=datetime(2023, 1, 2, 22, 4, 5, tzinfo=UTC),
        common_name="cn",
        labels={"a": "b"},
        annotations={"c": "d"},
        order=by_creation,
    )
    assert policy_of(Settings()) == KeyPolicy(order=by_certificate)
