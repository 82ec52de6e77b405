"""Key files are read again when something does not open, and not more often than that."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from sealbridge.errors import KeyFileError
from sealbridge.local.keys import KeyFiles
from sealbridge.sealing.keys import SealingKey
from tests.worlds import ManualClock


def put(folder: Path, name: str, key: SealingKey) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(key.private_pem.reveal())


async def test_a_key_that_comes_later_is_found_by_a_fresh_look(
    tmp_path: Path, sealing_key: SealingKey, other_key: SealingKey
) -> None:
    clock = ManualClock()
    put(tmp_path / "keys", "a.pem", sealing_key)
    keys = KeyFiles([str(tmp_path / "keys")], clock)
    put(tmp_path / "keys", "b.pem", other_key)
    first = (sealing_key.fingerprint,)
    both = {sealing_key.fingerprint, other_key.fingerprint}

    assert (await keys.keyring(fresh=True)).fingerprints == first
    clock.advance(4)
    assert (await keys.keyring()).fingerprints == first
    assert set((await keys.keyring(fresh=True)).fingerprints) == both
    assert set((await keys.keyring()).fingerprints) == both


async def test_keys_that_cannot_be_read_again_serve_on(
    tmp_path: Path, sealing_key: SealingKey, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    put(tmp_path / "keys", "a.pem", sealing_key)
    keys = KeyFiles([str(tmp_path / "keys")], clock)
    (tmp_path / "keys" / "a.pem").unlink()
    clock.advance(4)

    with caplog.at_level(logging.WARNING):
        assert (await keys.keyring(fresh=True)).fingerprints == (sealing_key.fingerprint,)
    assert "cannot read the sealing keys again" in caplog.text


def test_keys_that_were_never_there_are_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        KeyFiles([str(tmp_path / "nowhere")], ManualClock())
