"""When two values are the same to reflect.DeepEqual. Knows types and contents; not what `eq` compares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sealbridge.templates.go.values import Object
from sealbridge.templates.limits import Budget

# How much of a string is compared in one step.
_BYTES_PER_STEP = 12


def deep_equal(budget: Budget, left: Any, right: Any) -> bool:
    """Whether two values have the same type and, all the way down, the same contents.

    An int64 is never an int, NaN is nothing but itself within the same list or map, and a list that is
    nil is not an empty one.
    """
    waiting = [(left, right)]
    # Two that are being compared are taken for equal where they meet again: a map may contain itself.
    met: set[tuple[int, int]] = set()
    while waiting:
        left, right = waiting.pop()
        if type(left) is not type(right):
            return False
        if not isinstance(left, (dict, list)):
            if left.__class__ is bytes:
                budget.step(len(left) >> _BYTES_PER_STEP)
            if left != right:
                return False
            continue
        if left is right or (id(left), id(right)) in met:
            continue
        if len(left) != len(right):
            return False
        budget.step(len(left))
        met.add((id(left), id(right)))
        if isinstance(left, list):
            waiting.extend(zip(left, right, strict=True))
        elif left.keys() == right.keys():
            waiting.extend((entry, right[key]) for key, entry in left.items())
        else:
            return False
    return True


class Collection:
    """Values to ask for by `deep_equal`, most of them without a look at all the others."""

    def __init__(self, budget: Budget, values: Iterable[Any] = ()) -> None:
        self._budget = budget
        self._simple: set[tuple[type, Any]] = set()
        self._nested: list[Any] = []
        for value in values:
            self.add(value)

    def add(self, value: Any) -> None:
        """Have one more."""
        if isinstance(value, (dict, list, Object)):
            self._nested.append(value)
        elif value == value:  # NaN is not, and never found
            self._simple.add((type(value), value))

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, (dict, list, Object)):
            if value.__class__ is bytes:
                self._budget.step(len(value) >> _BYTES_PER_STEP)
            return value == value and (type(value), value) in self._simple
        self._budget.step(len(self._nested))
        return any(deep_equal(self._budget, value, other) for other in self._nested)
