"""Defaults, choices and failing. Knows which values are empty: false, 0, nil and what has no contents."""

from __future__ import annotations

from typing import Any

from sealbridge.templates.go.values import FunctionError, truth


def default(substitute: Any, *given: Any) -> Any:
    """The value given last, or `substitute` when that is empty.

    {{ "" | default "foo" }} -> foo
    {{ default "foo" "bar" }} -> bar
    """
    return given[0] if given and truth(given[0]) else substitute


def empty(value: Any) -> bool:
    """Whether a value is empty: false, 0, nil, an empty text, list or map.

    {{ empty 0 }} -> true
    """
    return not truth(value)


def coalesce(*items: Any) -> Any:
    """The first value that is not empty, nil when all are.

    {{ coalesce 0 "" 2 3 }} -> 2
    """
    return next(filter(truth, items), None)


def all_(*items: Any) -> bool:
    """Whether no value is empty.

    {{ all 1 "a" true }} -> true
    """
    return all(map(truth, items))


def any_(*items: Any) -> bool:
    """Whether any value is not empty.

    {{ any 0 "" false }} -> false
    """
    return any(map(truth, items))


def ternary(if_true: Any, if_false: Any, condition: bool) -> Any:
    """The first value when the last is true, the second otherwise.

    {{ true | ternary "foo" "bar" }} -> foo
    """
    return if_true if condition else if_false


def fail(message: bytes) -> bytes:
    """Fails the template with a message.

    {{ if false }}{{ fail "please set a password" }}{{ end }}fine -> fine
    """
    raise FunctionError(message.decode(errors="replace"))
