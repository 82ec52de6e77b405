"""The operator while its API server is away, and what it finds when that is back."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealbridge.sealing.certificate import Certificate
from tests.canary import Canary
from tests.e2e.world import World, eventually, external_secret, fake_store, sealed_secret
from tests.servers.apiserver import REPOSITORY, ApiServer
from tests.servers.operator import Operator

NAMESPACE = "shop"


@pytest.fixture
def world(own_apiserver: ApiServer, tmp_path: Path) -> World:
    """A cluster of the test's own."""
    own_apiserver.ensure_namespace(NAMESPACE)
    return World(own_apiserver, tmp_path)


@pytest.fixture
def operator(world: World) -> Iterator[Operator]:
    made = world.operator()
    made.start()
    yield made
    assert made.stop() == 0


class Shop:
    """Objects of both kinds, and what must have come of them."""

    def __init__(self, world: World, certificate: Certificate, canary: Canary) -> None:
        self._world = world
        self._certificate = certificate
        self._canary = canary
        self._store: dict[str, str] = {}
        self.expected: dict[str, dict[str, bytes]] = {}

    def apply(self, *names: str) -> None:
        """Create or edit one of each kind for each name, with new values."""
        manifests = []
        for name in names:
            value = self._canary(f"{name} {len(self.expected)}")
            self._store[f"{name}-{value[-4:]}"] = value
            manifests += [
                sealed_secret(self._certificate, NAMESPACE, f"sealed-{name}", {"a": value}),
                external_secret(NAMESPACE, f"external-{name}", a=f"{name}-{value[-4:]}"),
            ]
            for kind in ("sealed", "external"):
                self.expected[f"{kind}-{name}"] = {"a": value.encode()}
        self._world.apply([fake_store(NAMESPACE, "fake", self._store), *manifests])

    def apply_refreshed_each_second(self, name: str) -> None:
        """Create an ExternalSecret that keeps the operator busy."""
        self._store[name] = self._canary(name)
        often = external_secret(NAMESPACE, f"external-{name}", interval="1s", a=name)
        self._world.apply([fake_store(NAMESPACE, "fake", self._store), often])
        self.expected[f"external-{name}"] = {"a": self._store[name].encode()}

    def delete(self, name: str) -> None:
        """Delete both and, as the garbage collector would, their Secrets."""
        for kind in ("SealedSecret", "ExternalSecret"):
            full = f"{kind.removesuffix('Secret').lower()}-{name}"
            self._world.delete(kind, NAMESPACE, full)
            self._world.delete("Secret", NAMESPACE, full)
            del self.expected[full]

    def comes_true(self) -> None:
        eventually(lambda: self._world.secrets(NAMESPACE) == self.expected, what="the Secrets", timeout=60)


@pytest.fixture
def shop(world: World, operator: Operator, canary: Canary) -> Shop:
    made = Shop(world, operator.certificate(), canary)
    made.apply("kept", "edited", "deleted", "robbed")
    made.comes_true()
    return made


def change_everything(world: World, shop: Shop) -> None:
    shop.apply("created", "edited")
    shop.delete("deleted")
    for name in ("sealed-robbed", "external-robbed"):
        world.delete("Secret", NAMESPACE, name)


def assert_all_is_well(operator: Operator, shop: Shop) -> None:
    shop.comes_true()
    eventually(lambda: operator.fetch("/healthz")[0] == 200, what="healthz")
    assert operator.fetch("/readyz")[0] == 200
    # What went is forgotten: nothing is told of it for ever.
    gone = 'name="sealed-deleted"'
    eventually(lambda: gone not in operator.fetch("/metrics")[1], what="the deleted to be forgotten")
    # And the watch lives: news come by it.
    shop.apply("later")
    shop.comes_true()


def test_what_happens_while_the_api_server_restarts_is_found(
    world: World, operator: Operator, shop: Shop
) -> None:
    """The operator stands still meanwhile, so that it sees none of it; its watches have expired then."""
    operator.process.send(signal.SIGSTOP)
    world.server.restart()
    change_everything(world, shop)
    operator.process.send(signal.SIGCONT)

    assert_all_is_well(operator, shop)


def test_without_etcd_for_a_while_nothing_is_lost(world: World, operator: Operator, shop: Shop) -> None:
    shop.apply_refreshed_each_second("often")
    shop.comes_true()
    world.server.stop_etcd()
    assert operator.fetch("/healthz")[0] == 200
    world.server.start_etcd()
    change_everything(world, shop)

    assert_all_is_well(operator, shop)


def test_crds_that_are_taken_away_and_put_back_are_watched_again(
    world: World, operator: Operator, shop: Shop
) -> None:
    crds = REPOSITORY / "crds"
    world.server.kubectl("delete", "--wait=true", "-f", crds)

    def complaints() -> set[str]:
        return {line.get("kind", "") for line in operator.lines() if "cannot be watched" in line["msg"]}

    eventually(
        lambda: complaints() >= {"SealedSecret", "ExternalSecret", "SecretStore"},
        what="complaints",
        timeout=90,
    )
    assert operator.fetch("/healthz")[0] == 200
    assert world.secrets(NAMESPACE) == shop.expected  # their owners' end is the garbage collector's business

    for name in shop.expected:
        world.delete("Secret", NAMESPACE, name)
    shop.expected.clear()
    world.server.install_crds()
    shop.apply("created")
    shop.comes_true()
    assert operator.fetch("/healthz")[0] == 200
