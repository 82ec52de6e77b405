"""What all tests share: the canary, and servers that start when the first test asks for them."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.canary import Canary, LogRecords
from tests.servers.apiserver import ApiServer
from tests.servers.openbao import DevOpenBao, RaftOpenBao

_LONGEST_ID = 40
_LOG_RECORDS = pytest.StashKey[LogRecords]()

# What would let a test reach the cluster or the store of the person who runs it.
_PERSONAL = ("KUBECONFIG", "VAULT_ADDR", "VAULT_TOKEN", "BAO_ADDR", "BAO_TOKEN", "VAULT_NAMESPACE")


# A busy machine is no failure. In CI the same examples are tried each time; at home new ones are.
settings.register_profile(
    "sealbridge",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("sealbridge")


def pytest_configure(config: pytest.Config) -> None:
    for name in _PERSONAL:
        os.environ.pop(name, None)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    config.stash[_LOG_RECORDS] = LogRecords()
    logging.getLogger().setLevel(logging.DEBUG)


def pytest_unconfigure(config: pytest.Config) -> None:
    records = config.stash[_LOG_RECORDS]
    logging.getLogger().removeHandler(records)
    records.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep all tests of the API server in one worker, so that one server serves them."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        if "apiserver" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("apiserver"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    # Again for each test: what configures logging for a whole process removes the handlers it finds.
    logging.getLogger().addHandler(item.config.stash[_LOG_RECORDS])


@pytest.fixture(scope="session", autouse=True)
def canary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canary]:
    """Hands out secret values; when the session ends, the run fails if one is found where it may not be.

    Servers depend on it, so that they have stopped and written their logs by then.
    """
    session = Canary()
    yield session
    session.seen(request.config.stash[_LOG_RECORDS].text(), "log records of the test process")
    leaks = session.leaks(tmp_path_factory.getbasetemp())
    if leaks:
        pytest.fail("secret values leaked:\n" + "\n".join(f"  {leak}" for leak in leaks), pytrace=False)


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory, canary: Canary) -> Iterator[DevOpenBao]:
    """An OpenBao in memory, one a worker: give what you write there names of your own, and do not stop it."""
    server = DevOpenBao(tmp_path_factory.mktemp("openbao"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_openbao(tmp_path: Path, canary: Canary) -> Iterator[DevOpenBao]:
    """An OpenBao in memory of the test's own, free to be killed and started again (it forgets all)."""
    server = DevOpenBao(_folder(tmp_path, "openbao"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def raft_openbao(tmp_path: Path, canary: Canary) -> Iterator[RaftOpenBao]:
    """An OpenBao of the test's own on disk behind TLS, unsealed; free to be sealed and killed."""
    server = RaftOpenBao(_folder(tmp_path, "raft-openbao"))
    server.start()
    server.initialise()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory, canary: Canary) -> Iterator[ApiServer]:
    """A Kubernetes API server with the CRDs; its tests all run in one worker. Use namespaces of your own."""
    server = ApiServer(tmp_path_factory.mktemp("apiserver"))
    # etcd keeps Secrets as they are, which is its purpose here.
    canary.output(server.data_folder)
    server.start()
    server.install_crds()
    yield server
    server.stop()


@pytest.fixture
def own_apiserver(tmp_path: Path, canary: Canary) -> Iterator[ApiServer]:
    """A Kubernetes API server of the test's own without CRDs, free to be killed and robbed of etcd."""
    server = ApiServer(_folder(tmp_path, "own-apiserver"))
    canary.output(server.data_folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def namespace(apiserver: ApiServer) -> str:
    """A namespace of the API server that no other test uses."""
    name = f"test-{secrets.token_hex(4)}"
    apiserver.ensure_namespace(name)
    return name


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Long values are no names: they may be made anew in each process, which must agree on all names."""
    return argname if isinstance(val, (str, bytes)) and len(val) > _LONGEST_ID else None
