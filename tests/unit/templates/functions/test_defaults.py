"""Which values are empty, and what is chosen because of it."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.templates.functions import defaults, versions
from sealbridge.templates.go.durations import Duration
from sealbridge.templates.go.values import FunctionError, Int64, NilList, NilStrings, StringMap, Strings

EMPTY = [
    None,
    False,
    0,
    0.0,
    -0.0,
    b"",
    [],
    {},
    Int64(0),
    Duration(0),
    Strings(),
    NilStrings(),
    NilList(),
    StringMap(),
]
FULL = [True, 1, -1, float("nan"), b" ", [None], {b"": None}, Int64(1), versions.semver(b"0.0.0")]


@pytest.mark.parametrize("value", EMPTY)
def test_an_empty_value_is_replaced(value: Any) -> None:
    assert defaults.empty(value) is True
    assert defaults.default(b"d", value) == b"d"
    assert defaults.coalesce(value, value, b"x") == b"x"
    assert (defaults.all_(1, value), defaults.any_(value, value)) == (False, False)


@pytest.mark.parametrize("value", FULL)
def test_any_other_value_stays(value: Any) -> None:
    assert defaults.empty(value) is False
    assert defaults.default(b"d", value) is value
    assert defaults.coalesce(None, value, b"x") is value
    assert (defaults.all_(1, value), defaults.any_(0, value)) == (True, True)


def test_no_values_at_all() -> None:
    assert defaults.default(b"d") == b"d"
    assert defaults.coalesce() is None
    assert defaults.coalesce(0, b"") is None
    assert (defaults.all_(), defaults.any_()) == (True, False)


def test_only_the_first_given_value_counts() -> None:
    assert defaults.default(1, 0, 5) == 1
    assert defaults.default(1, 2, 0) == 2


def test_a_condition_chooses() -> None:
    assert [defaults.ternary(b"yes", b"no", condition) for condition in (True, False)] == [b"yes", b"no"]


def test_failing_says_why() -> None:
    with pytest.raises(FunctionError, match=r"^set a password, please\ufffd$"):
        defaults.fail(b"set a password, please\xff")
