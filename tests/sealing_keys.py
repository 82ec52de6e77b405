"""Small sealing keys, made once per test process."""

from __future__ import annotations

from datetime import UTC, datetime

from sealbridge.sealing.keys import SealingKey

MADE = datetime(2026, 1, 1, tzinfo=UTC)
_MADE: dict[tuple[int, int], SealingKey] = {}


def sealing_key(number: int = 0, *, bits: int = 2048) -> SealingKey:
    """Key number so-and-so; all were made on the same day."""
    if (number, bits) not in _MADE:
        _MADE[number, bits] = SealingKey.generate(at=MADE, bits=bits, valid_days=36500)
    return _MADE[number, bits]
