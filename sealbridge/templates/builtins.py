"""The functions that text/template itself has. Knows nothing of sprig, whose `slice` hides that of lists.

Their errors never name a value. Arguments may be INVALID where Go takes a reflect.Value.
"""

from __future__ import annotations

from typing import Any

from sealbridge.templates.go.printing import sprint, sprintln
from sealbridge.templates.go.values import (
    INVALID,
    NIL_LISTS,
    FunctionError,
    Number,
    Object,
    StringMap,
    StringMaps,
    Uint8,
    is_integer,
    kind_of,
    truth,
    type_name,
    with_article,
)
from sealbridge.templates.go.verbs import sprintf
from sealbridge.templates.limits import Budget

_ZEROS = {StringMap: b"", dict: None}


def and_(first: Any, *others: Any) -> Any:
    """The first argument that is false, or the last. Evaluates no more than it needs."""
    value = first
    for other in others:
        if not truth(value):
            break
        value = other
    return value


def or_(first: Any, *others: Any) -> Any:
    """The first argument that is true, or the last. Evaluates no more than it needs."""
    value = first
    for other in others:
        if truth(value):
            break
        value = other
    return value


def not_(value: Any) -> bool:
    """Whether the argument is false."""
    return not truth(value)


def length(value: Any) -> int:
    """The number of bytes of a string, or of entries of a list or map."""
    if isinstance(value, (bytes, list, dict)):
        return len(value)
    raise FunctionError(f"{_a(value)} has no length")


def index(value: Any, *keys: Any) -> Any:
    """What a list, map or string has at an index or key, and so on with further keys."""
    if value is INVALID:
        raise FunctionError("`nil` has no entries")
    for key in keys:
        if value is None:
            raise FunctionError("`nil` has no entries")
        if isinstance(value, dict):
            value = value.get(_map_key(value, key), _zero(value))
        elif isinstance(value, (list, bytes)):
            at = _position(key, len(value))
            if at >= len(value):
                raise FunctionError("an index is out of range")
            value = Uint8(value[at]) if isinstance(value, bytes) else value[at]
        else:
            raise FunctionError(f"{_a(value)} has no entries")
    return value


def slice_of(text: bytes, *bounds: Any) -> bytes:
    """A part of a string, as Go's `x[a:b]`; `slice` of lists is sprig's."""
    if len(bounds) > 2:
        raise FunctionError("a string is sliced with two indexes at most")
    start, end = 0, len(text)
    if bounds:
        start = _position(bounds[0], len(text))
    if len(bounds) > 1:
        end = _position(bounds[1], len(text))
    if start > end:
        raise FunctionError("the indexes of a slice must not decrease")
    return text[start:end]


def call(function: Any, *_arguments: Any) -> Any:
    """Call a function that is a value; the data of a template never holds one."""
    raise FunctionError("`nil` cannot be called" if function is INVALID else "only a function can be called")


def eq(first: Any, *others: Any) -> bool:
    """Whether the first argument equals any of the others."""
    if not others:
        raise FunctionError("there is nothing to compare with")
    return any(_equal(first, other) for other in others)


def ne(first: Any, second: Any) -> bool:
    """Whether two arguments differ."""
    return not _equal(first, second)


def lt(first: Any, second: Any) -> bool:
    """Whether the first argument is less than the second: numbers of one type, or strings."""
    kinds = _basic(first), _basic(second)
    if None in kinds:
        raise FunctionError(f"{_a(first)} and {_a(second)} have no order")
    if kinds[0] != kinds[1] and not set(kinds) <= {"int", "uint"}:
        raise _incomparable(first, second)
    if kinds[0] in ("bool", "complex"):
        raise FunctionError(f"{_a(first)} has no order")
    return bool(first < second)


def le(first: Any, second: Any) -> bool:
    """Whether the first argument is less than or equal to the second."""
    return lt(first, second) or _equal(first, second)


def gt(first: Any, second: Any) -> bool:
    """Whether the first argument is greater than the second."""
    return not le(first, second)


def ge(first: Any, second: Any) -> bool:
    """Whether the first argument is greater than or equal to the second."""
    return not lt(first, second)


def print_(*values: Any) -> bytes:
    """The arguments as text, with spaces between two that are no strings."""
    return sprint(values)


def println(*values: Any) -> bytes:
    """The arguments as text with spaces between them, and a line break."""
    return sprintln(values)


def printf(budget: Budget, form: bytes, *values: Any) -> bytes:
    """The arguments in a form, as Go's fmt.Sprintf."""
    return sprintf(form, values, budget)


def _a(value: Any) -> str:
    return "a missing value" if value is INVALID else with_article(type_name(value))


def _basic(value: Any) -> str | None:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Number):
        return "int" if value.signed else "uint"
    return {bytes: "string", int: "int", float: "float", complex: "complex"}.get(type(value))


def _equal(first: Any, second: Any) -> bool:
    kind, other = _basic(first), _basic(second)
    if kind != other:
        if {kind, other} == {"int", "uint"}:
            return bool(first == second)
        if first is not INVALID and second is not INVALID:
            raise _incomparable(first, second)
        return False
    if kind is not None:
        return bool(first == second)
    if kind_of(first) != kind_of(second) and first is not INVALID and second is not INVALID:
        raise _incomparable(first, second)
    if _is_nil(first) or _is_nil(second):
        return _is_nil(first) and _is_nil(second)
    if isinstance(first, Object) and isinstance(second, Object):
        if first.kind == "ptr":
            return first is second
        return type(first) is type(second) and bool(first == second)
    raise FunctionError(f"{_a(first)} cannot be compared")


def _incomparable(first: Any, second: Any) -> FunctionError:
    numbers = {_basic(first), _basic(second)} <= {"int", "uint", "float"}
    hint = "only numbers of one type compare: `int` makes an int of both, `float64` a float64"
    return FunctionError(f"{_a(first)} cannot be compared with {_a(second)}", hint=hint if numbers else None)


def _is_nil(value: Any) -> bool:
    return value is INVALID or isinstance(value, NIL_LISTS)


def _map_key(value: dict[bytes, Any], key: Any) -> bytes:
    if key is INVALID:
        raise FunctionError("`nil` is no key of a map")
    if type(key) is not bytes:
        raise FunctionError(f"{_a(key)} is no key of {with_article(type_name(value))}")
    return key


def _zero(value: dict[bytes, Any]) -> Any:
    if type(value) is StringMaps:
        return StringMap()
    return _ZEROS.get(type(value))


def _position(key: Any, size: int) -> int:
    if key is INVALID:
        raise FunctionError("`nil` is no index")
    if not is_integer(key):
        raise FunctionError(f"{_a(key)} is no index")
    if not 0 <= key <= size:
        raise FunctionError("an index is out of range")
    return int(key)
