"""The operator's keyring counts what it opens and tells when its keys are others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sealbridge.errors import UnsealError
from sealbridge.operator.keys import OperatorKeys
from sealbridge.sealing.envelope import seal
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import SealingKey


@pytest.fixture(scope="module")
def keys() -> list[SealingKey]:
    return [SealingKey.generate(at=datetime(2026, 1, day, tzinfo=UTC), bits=2048) for day in (1, 2)]


class Source:
    """Gives whatever keys there are now."""

    def __init__(self, keyring: Keyring) -> None:
        self.now = keyring
        self.asked_fresh: list[bool] = []
        self.forgotten = 0

    async def keyring(self, *, fresh: bool = False) -> Keyring:
        self.asked_fresh.append(fresh)
        return self.now

    def forget(self) -> None:
        self.forgotten += 1


async def test_every_try_of_a_private_key_is_counted(keys: list[SealingKey]) -> None:
    counted: list[None] = []
    operator = OperatorKeys(Source(Keyring(keys)), count=lambda: counted.append(None), changed=lambda: None)  # type: ignore[arg-type]
    keyring = await operator.keyring()
    sealed = seal(b"value", keys[1].certificate, b"l")
    assert keyring.open(sealed, b"l").value.reveal() == b"value"
    assert len(counted) == 2
    keyring.open(sealed, b"l", [keys[1].fingerprint])
    assert len(counted) == 3
    with pytest.raises(UnsealError):
        keyring.open(sealed, b"m")
    assert len(counted) == 5


async def test_a_key_that_comes_or_goes_is_told_and_the_same_keys_are_not(keys: list[SealingKey]) -> None:
    changes: list[None] = []
    source = Source(Keyring(keys[:1]))
    operator = OperatorKeys(source, count=lambda: None, changed=lambda: changes.append(None))  # type: ignore[arg-type]

    first = await operator.keyring()
    assert await operator.keyring() is first
    source.now = Keyring(keys[:1])
    await operator.keyring()
    assert changes == []

    source.now = Keyring(keys)
    assert len(await operator.keyring(fresh=True)) == 2
    assert len(changes) == 1
    assert source.asked_fresh[-1] is True
    source.now = Keyring(keys[1:])
    await operator.keyring()
    assert len(changes) == 2


def test_forgetting_is_passed_on(keys: list[SealingKey]) -> None:
    source = Source(Keyring(keys))
    OperatorKeys(source, count=lambda: None, changed=lambda: None).forget()  # type: ignore[arg-type]
    assert source.forgotten == 1
