"""How two maps become one, as dario.cat/mergo does it for sprig. Knows kinds of values; no function.

The destination is changed in place, and so are the maps within it. What it takes over from the source it
shares with it: `deepCopy` first keeps the source as it is.
"""

from __future__ import annotations

from typing import Any

from sealbridge.templates.go.printing import check_nesting
from sealbridge.templates.go.values import FunctionError, Object, StringMap, kind_of, truth
from sealbridge.templates.limits import Budget


class MergeError(FunctionError):
    """mergo refused politely: the functions without `must` swallow this one, and no other."""


def merge(budget: Budget, target: dict[bytes, Any], source: dict[bytes, Any], *, overwrite: bool) -> None:
    """Take over what the source has and the target has not, or everything but that with `overwrite`.

    Empty values (0, false, nil, what has no contents) of the target count as missing. Raises MergeError,
    and FunctionError where mergo panics.
    """
    _merge(budget, target, source, overwrite, 0)


def _merge(budget: Budget, target: Any, source: Any, overwrite: bool, depth: int) -> None:
    check_nesting(depth)
    budget.step(len(source))
    budget.hold(len(target) + sum(key not in target for key in source))
    for key, value in list(source.items()):
        if value is None:
            if overwrite:
                _put(target, source, key, value)
            continue
        has = key in target
        old = target.get(key)
        kind = kind_of(value)
        if kind in ("map", "struct", "ptr"):
            _descend(budget, old, value, overwrite, depth)
        elif kind == "slice" and isinstance(target, StringMap):
            raise FunctionError("a list cannot be put into a map of strings")
        # What was empty may have been filled just now.
        if has and truth(old):
            if kind == "map" and isinstance(old, dict):
                continue
            if not overwrite:
                continue
        _put(target, source, key, value)


def _descend(budget: Budget, old: Any, value: Any, overwrite: bool, depth: int) -> None:
    """What mergo does to an old value on the way into a new map or struct, apart from replacing it."""
    if isinstance(old, dict):
        if isinstance(value, dict):
            _merge(budget, old, value, overwrite, depth + 1)
    elif isinstance(old, Object):
        new_kind = kind_of(value)
        if kind_of(old) == "ptr":
            if new_kind != "ptr" and not overwrite:
                raise MergeError("a pointer cannot be merged with a value of another type")
        elif old.fields and new_kind != "struct":
            raise FunctionError("a struct cannot be merged with a value of another kind")


def _put(target: Any, source: Any, key: bytes, value: Any) -> None:
    """Set a key, unless Go's type of the target forbids values of that of the source."""
    if type(target) is not dict and type(target) is not type(source):
        raise FunctionError("maps of different types cannot be merged")
    target[key] = value
