"""Random text and numbers."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable

import pytest

from sealbridge.templates.functions import randoms
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import BoundExceeded, Budget, Limits

Maker = Callable[[Budget, int], bytes]
TEXTS = [
    (randoms.rand_alpha, rb"[A-Za-z]*"),
    (randoms.rand_alpha_num, rb"[0-9A-Za-z]*"),
    (randoms.rand_ascii, rb"[ -~]*"),
    (randoms.rand_numeric, rb"[0-9]*"),
]


@pytest.mark.parametrize(("make", "pattern"), TEXTS)
def test_random_text_is_of_its_alphabet_and_length(make: Maker, pattern: bytes) -> None:
    text = make(Budget(), 500)
    assert len(text) == 500
    assert re.fullmatch(pattern, text)
    assert text != make(Budget(), 500)
    assert make(Budget(), 0) == make(Budget(), -5) == b""


@pytest.mark.parametrize("make", [*(make for make, _ in TEXTS), randoms.rand_bytes])
def test_random_text_is_accounted_for_before_it_is_made(make: Maker) -> None:
    with pytest.raises(BoundExceeded):
        make(Budget(Limits(size=1000)), 1 << 60)


def test_random_bytes_are_in_base64() -> None:
    assert len(base64.b64decode(randoms.rand_bytes(Budget(), 33))) == 33
    with pytest.raises(FunctionError):
        randoms.rand_bytes(Budget(), -1)


def test_a_random_integer_is_below_its_end() -> None:
    assert {randoms.rand_int(-1, 2) for _ in range(200)} == {-1, 0, 1}
    assert randoms.rand_int(7, 8) == 7


@pytest.mark.parametrize(("low", "high"), [(5, 5), (5, 1), (-(1 << 63), (1 << 63) - 1)])
def test_an_empty_range_or_one_beyond_64_bits_is_an_error(low: int, high: int) -> None:
    with pytest.raises(FunctionError):
        randoms.rand_int(low, high)


def test_shuffling_moves_characters_and_not_bytes() -> None:
    text = "äöü€😀abcdefghij"
    shuffled = randoms.shuffle(Budget(), text.encode()).decode()
    assert sorted(shuffled) == sorted(text)
    assert any(randoms.shuffle(Budget(), text.encode()) != text.encode() for _ in range(10))
    assert randoms.shuffle(Budget(), b"\xff") == "\ufffd".encode()
    with pytest.raises(BoundExceeded):
        randoms.shuffle(Budget(Limits(steps=10)), b"a" * 1000)


def test_a_uuid_is_random() -> None:
    assert uuid.UUID(randoms.uuidv4().decode()).version == 4
    assert randoms.uuidv4() != randoms.uuidv4()


def test_a_range_that_overflows_comes_around_as_in_go() -> None:
    lowest, highest = -(1 << 63), (1 << 63) - 1
    assert all(1 <= randoms.rand_int(1, lowest) <= highest for _ in range(100))
    found = {randoms.rand_int(highest, lowest + 2) for _ in range(200)}
    assert found == {highest, lowest, lowest + 1}
    with pytest.raises(FunctionError, match="the end of the range is not above its start"):
        randoms.rand_int(lowest, highest)
