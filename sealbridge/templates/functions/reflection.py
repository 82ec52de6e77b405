"""The types of values, and their equality. Knows Go's names; nothing of how a value prints."""

from __future__ import annotations

from typing import Any

from sealbridge.templates.go import equality, values
from sealbridge.templates.limits import Budget


def type_of(value: Any) -> bytes:
    """The name of a value's type in Go.

    {{ typeOf 1.5 }} -> float64
    {{ typeOf (list 1) }} -> []interface {}
    """
    return values.type_name(value).encode()


def type_is(name: bytes, value: Any) -> bool:
    """Whether a value is of the type of that name.

    {{ typeIs "int" 42 }} -> true
    """
    return name == type_of(value)


def type_is_like(name: bytes, value: Any) -> bool:
    """Whether a value is of the type of that name or a pointer to it.

    {{ typeIsLike "semver.Version" (semver "1.2.3") }} -> true
    """
    return type_of(value) in (name, b"*" + name)


def kind_of(value: Any) -> bytes:
    """Go's kind of a value: `string`, `int`, `float64`, `bool`, `slice`, `map`... and `invalid` for nil.

    {{ kindOf (list 1) }} -> slice
    {{ kindOf nil }} -> invalid
    """
    return b"invalid" if value is None else values.kind_of(value).encode()


def kind_is(name: bytes, value: Any) -> bool:
    """Whether a value is of that kind.

    {{ kindIs "map" (dict "a" 1) }} -> true
    """
    return name == kind_of(value)


def deep_equal(budget: Budget, left: Any, right: Any) -> bool:
    """Whether two values have the same type and the same contents, all the way down.

    {{ deepEqual (list 1 2 3) (list 1 2 3) }} -> true
    {{ deepEqual 1 1.0 }} -> false
    """
    return equality.deep_equal(budget, left, right)
