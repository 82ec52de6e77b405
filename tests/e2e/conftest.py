"""The operator in a cluster, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.canary import Canary
from tests.e2e.world import LOOPBACK, World
from tests.servers.apiserver import ApiServer
from tests.servers.operator import Operator


@pytest.fixture(scope="module")
def world(apiserver: ApiServer, canary: Canary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The API server with nothing of others' in it, and the rights that deploy/ ships."""
    made = World(apiserver, tmp_path_factory.mktemp("operator"))
    made.sweep_away()
    yield made
    made.sweep_away()


@pytest.fixture
def operator(world: World, namespace: str) -> Iterator[Operator]:
    """A running, ready operator of the test's own; it may be stopped, killed and started again."""
    made = world.operator()
    made.start()
    yield made
    if made.is_running:
        assert made.stop() == 0
    world.clear(namespace)


@pytest.fixture
def loopback_operator(world: World, namespace: str) -> Iterator[Operator]:
    """One whose stores may reach the API server, which listens on loopback here."""
    made = world.operator(LOOPBACK)
    made.start()
    yield made
    if made.is_running:
        assert made.stop() == 0
    world.clear(namespace)
