"""Types, kinds and equality under their names in Go."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.templates.functions import reflection, versions
from sealbridge.templates.go.values import Int64, Ints, Lists, NilList, NilStrings, StringMap, Strings, Uint8
from sealbridge.templates.limits import Budget


@pytest.mark.parametrize(
    ("value", "type_name", "kind"),
    [
        (None, b"<nil>", b"invalid"),
        (1, b"int", b"int"),
        (True, b"bool", b"bool"),
        (1.0, b"float64", b"float64"),
        (b"", b"string", b"string"),
        (Int64(1), b"int64", b"int64"),
        (Uint8(1), b"uint8", b"uint8"),
        ([], b"[]interface {}", b"slice"),
        (NilList(), b"[]interface {}", b"slice"),
        (Strings(), b"[]string", b"slice"),
        (NilStrings(), b"[]string", b"slice"),
        (Ints(), b"[]int", b"slice"),
        (Lists(), b"[][]interface {}", b"slice"),
        ({}, b"map[string]interface {}", b"map"),
        (StringMap(), b"map[string]string", b"map"),
        (versions.semver(b"1.2.3"), b"*semver.Version", b"ptr"),
    ],
)
def test_types_and_kinds(value: Any, type_name: bytes, kind: bytes) -> None:
    assert reflection.type_of(value) == type_name
    assert reflection.kind_of(value) == kind
    assert reflection.type_is(type_name, value)
    assert reflection.type_is_like(type_name, value)
    assert reflection.kind_is(kind, value)
    assert not reflection.type_is(b"*" + type_name, value)
    assert not reflection.kind_is(b"chan", value)


def test_a_type_is_like_that_it_points_to() -> None:
    assert reflection.type_is_like(b"semver.Version", versions.semver(b"1.2.3"))
    assert not reflection.type_is_like(b"*int", 1)


def test_equality_goes_by_type_and_contents() -> None:
    assert reflection.deep_equal(Budget(), [1, {b"a": None}], [1, {b"a": None}])
    assert not reflection.deep_equal(Budget(), [1], [1.0])
