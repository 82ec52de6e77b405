from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.errors import BackupError, SealbridgeError, UsageError
from sealbridge.lifecycle.shamir import Share, combine, divide, multiply, split
from sealbridge.secret import Value


def slow(left: int, right: int) -> int:
    """By the definition of FIPS 197, 4.2."""
    total = 0
    for bit in range(8):
        if right >> bit & 1:
            total ^= left << bit
    for bit in range(14, 7, -1):
        if total >> bit & 1:
            total ^= 0x11B << (bit - 8)
    return total


@pytest.mark.parametrize(
    ("left", "right", "result"),
    # FIPS 197, 4.2 and 4.2.1, and the inverse of 53 that its S-box uses.
    [(0x57, 0x83, 0xC1), (0x57, 0x13, 0xFE), (0x57, 0x02, 0xAE), (0x57, 0x10, 0x07), (0x53, 0xCA, 0x01)],
)
def test_the_field_is_that_of_aes(left: int, right: int, result: int) -> None:
    assert multiply(left, right) == multiply(right, left) == result
    assert divide(result, right) == left


def test_every_product_is_right_and_division_undoes_it() -> None:
    for left, right in product(range(256), repeat=2):
        assert multiply(left, right) == slow(left, right)
        if right:
            assert divide(multiply(left, right), right) == left


def fixed(*rows: bytes) -> Iterator[bytes]:
    yield from rows


def test_shares_are_the_values_of_the_polynomial() -> None:
    # f(x) = 0x42 + 0x57 x + 0x83 x^2 in the first byte, worked out by hand:
    # f(1) = 42^57^83, f(2) = 42^ae^(83*04), f(3) = 42^(57*03)^(83*05)
    rows = fixed(b"\x57" + bytes(4), b"\x83" + bytes(4), b"\x01\x02\x03\x04")
    shares = split(Value(b"\x42"), shares=3, threshold=3, random=lambda size: next(rows))
    assert [share.data.reveal()[0] for share in shares] == [
        0x42 ^ 0x57 ^ 0x83,
        0x42 ^ 0xAE ^ slow(0x83, 4),
        0x42 ^ slow(0x57, 3) ^ slow(0x83, 5),
    ]
    assert [share.data.reveal()[0] for share in shares] == [0x96, 0xD6, 0x02]
    # The four bytes behind it are of its SHA-256, df7e70e5...
    assert {share.data.reveal()[1:] for share in shares} == {bytes.fromhex("df7e70e5")}
    assert [share.text().reveal().decode().rpartition("-")[0] for share in shares] == [
        "sealbridge-share-1-01020304-3-1-96df7e70e5",
        "sealbridge-share-1-01020304-3-2-d6df7e70e5",
        "sealbridge-share-1-01020304-3-3-02df7e70e5",
    ]


@given(st.binary(min_size=1, max_size=80), st.integers(2, 5), st.integers(0, 3))
def test_any_so_many_shares_give_the_secret_back_and_fewer_do_not(
    secret: bytes, threshold: int, more: int
) -> None:
    shares = split(Value(secret), shares=threshold + more, threshold=threshold)
    texts = [Share.parse(share.text().reveal(), where="it") for share in shares]
    for some in combinations(texts, threshold):
        assert combine(some).reveal() == secret
    assert combine(texts).reveal() == secret
    for few in combinations(texts, threshold - 1):
        with pytest.raises(UsageError, match="different shares are needed"):
            combine([*few, *few])


def test_all_of_the_most_shares_that_can_be_are_different() -> None:
    shares = split(Value(b"x" * 32), shares=255, threshold=2)
    assert len({share.data for share in shares}) == 255
    assert combine([shares[254], shares[0]]).reveal() == b"x" * 32


@pytest.mark.parametrize(("shares", "threshold"), [(5, 1), (2, 3), (256, 2), (0, 0), (3, -1)])
def test_what_cannot_be_split_so_is_refused(shares: int, threshold: int) -> None:
    with pytest.raises(UsageError, match="cannot be"):
        split(Value(b"x"), shares=shares, threshold=threshold)


def test_a_share_that_is_written_down_wrong_is_told_before_it_is_used() -> None:
    text = split(Value(b"secret"), shares=2, threshold=2)[0].text().reveal()
    assert Share.parse(b"  " + text.upper() + b"\n", where="it").number == 1
    for at in range(len(text)):
        if text[at : at + 1] != b"-":
            wrong = text[:at] + (b"0" if text[at : at + 1] != b"0" else b"1") + text[at + 1 :]
            with pytest.raises(SealbridgeError):
                Share.parse(wrong, where="it")
    for wrong in (b"", b"\xff", text[:-9], b"AGE-SECRET-KEY-1X"):
        with pytest.raises(SealbridgeError):
            Share.parse(wrong, where="it")


def test_shares_of_different_secrets_do_not_mix() -> None:
    first, second = (split(Value(b"secret"), shares=2, threshold=2) for _ in range(2))
    with pytest.raises(UsageError, match="shares of different secrets"):
        combine([first[0], second[1]])
    with pytest.raises(BackupError, match="do not fit together"):
        combine([first[0], second[1]._replace(set=first[0].set)])
    with pytest.raises(UsageError, match="there is no share"):
        combine([])
