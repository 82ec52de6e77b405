"""A directory to reconcile in, for several floors. Sealing keys last a session: making them is slow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sealbridge.sealing.keys import SealingKey
from tests.worlds import START, World


@pytest.fixture(scope="session")
def sealing_key() -> SealingKey:
    return SealingKey.generate(at=START, bits=2048)


@pytest.fixture(scope="session")
def other_key() -> SealingKey:
    return SealingKey.generate(at=START, bits=2048)


@pytest.fixture
def world(tmp_path: Path, sealing_key: SealingKey) -> Iterator[World]:
    made = World(tmp_path, sealing_key)
    yield made
    made.close()
