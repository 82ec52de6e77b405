from __future__ import annotations

import pytest

from sealbridge.sealing import pem

A, B = pem.encode("A", b"first"), pem.encode("B", b"second" * 40)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", []),
        (A, [("A", b"first")]),
        (b"before\n" + A + b"between\n" + B + b"after", [("A", b"first"), ("B", b"second" * 40)]),
        (A.replace(b"\n", b"\r\n") + B, [("A", b"first"), ("B", b"second" * 40)]),
        (b"-----BEGIN A-----\n!\n-----END A-----\n" + B, [("A", None), ("B", b"second" * 40)]),
        (b"-----BEGIN C-----\n" + A, [("A", b"first")]),
        (b"-----END A-----\n" + A, [("A", b"first")]),
        (A + b"-----BEGIN A-----\nZm", [("A", b"first")]),
        (b"-----BEGIN A-----\nZm\n-----END B-----\n" + A, [("A", b"first")]),
        (b"-----BEGIN A\nB-----\nZm\n-----END A\nB-----\n", []),
        (b"-----BEGIN ", []),
    ],
)
def test_every_complete_block_is_found_and_nothing_else(
    text: bytes, found: list[tuple[str, bytes | None]]
) -> None:
    assert [(block.label, block.der) for block in pem.blocks(text)] == found


@pytest.mark.timeout(10)
@pytest.mark.parametrize("end", [b"", b"-----END Z-----", b"-----END 1-----"])
def test_a_hostile_text_takes_no_longer_than_a_large_one(end: bytes) -> None:
    # With a search to the end for each of them this takes half an hour.
    text = b"".join(b"-----BEGIN %d-----" % number for number in range(500_000))
    assert len(pem.blocks(text + end)) <= 1
