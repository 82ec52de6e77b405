"""RC2 against the vectors of RFC 2268, section 5, whose keys are effective to the last bit."""

from __future__ import annotations

import pytest

from sealbridge.templates.limits import BoundExceeded, Budget, Limits
from sealbridge.templates.pki import rc2

VECTORS = [
    ("0000000000000000", "0000000000000000", "ebb773f993278eff"),
    ("ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"),
    ("3000000000000000", "1000000000000001", "30649edf9be7d2c2"),
    ("88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"),
]


@pytest.mark.parametrize(("key", "plain", "text"), VECTORS)
def test_the_vectors_of_the_rfc_are_decrypted(key: str, plain: str, text: str) -> None:
    found = rc2.decrypt(Budget(), bytes.fromhex(key), bytes(8), bytes.fromhex(text))

    assert found.hex() == plain


def test_blocks_are_chained() -> None:
    key, text = bytes.fromhex(VECTORS[1][0]), bytes.fromhex(VECTORS[1][2])

    found = rc2.decrypt(Budget(), key, b"\xff" * 8, text + text)

    assert found[:8] == bytes(8)
    assert found[8:] == bytes(byte ^ 0xFF for byte in text)


def test_every_block_is_a_step() -> None:
    with pytest.raises(BoundExceeded, match="9 steps"):
        rc2.decrypt(Budget(Limits(steps=9)), bytes(5), bytes(8), bytes(80))
