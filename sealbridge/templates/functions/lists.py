"""Lists: making, reading, joining, cutting. Knows lists of any element type; keeps none as it was given.

What takes a list has a second name with `must` in sprig. There one of them panics on other values and one
returns an error, and a template ends either way: here both are one function.
"""

from __future__ import annotations

from typing import Any

from sealbridge.templates.builtins import slice_of
from sealbridge.templates.go.casts import to_int64
from sealbridge.templates.go.equality import Collection, deep_equal
from sealbridge.templates.go.values import FunctionError, Ints, Lists, NilList, kind_of, truth, wrap
from sealbridge.templates.limits import Budget


def list_(*items: Any) -> list[Any]:
    """A list of the given values.

    {{ list 1 "two" true }} -> [1 two true]
    """
    return list(items)


def push(items: Any, item: Any) -> list[Any]:
    """A new list with one more value at the end.

    {{ append (list 1 2) 3 }} -> [1 2 3]
    """
    return [*_entries(items), item]


def prepend(items: Any, item: Any) -> list[Any]:
    """A new list with one more value at the beginning.

    {{ prepend (list 1 2) 0 }} -> [0 1 2]
    """
    return [item, *_entries(items)]


def first(items: Any) -> Any:
    """The first value of a list, nil of an empty one.

    {{ first (list 1 2 3) }} -> 1
    """
    return next(iter(_entries(items)), None)


def rest(items: Any) -> list[Any]:
    """All values of a list but the first.

    {{ rest (list 1 2 3) }} -> [2 3]
    """
    return _entries(items)[1:] if items else _none_of(items)


def last(items: Any) -> Any:
    """The last value of a list, nil of an empty one.

    {{ last (list 1 2 3) }} -> 3
    """
    entries = _entries(items)
    return entries[-1] if entries else None


def initial(items: Any) -> list[Any]:
    """All values of a list but the last.

    {{ initial (list 1 2 3) }} -> [1 2]
    """
    return _entries(items)[:-1] if items else _none_of(items)


def reverse(items: Any) -> list[Any]:
    """A new list with the values from the last to the first.

    {{ reverse (list 1 2 3) }} -> [3 2 1]
    """
    return _entries(items)[::-1]


def uniq(budget: Budget, items: Any) -> list[Any]:
    """A new list without the values that were there before, as `deepEqual` compares them.

    {{ uniq (list 1 2 1 "1") }} -> [1 2 1]
    """
    met = Collection(budget)
    kept = []
    for item in _entries(items):
        if item not in met:
            met.add(item)
            kept.append(item)
    return kept


def without(budget: Budget, items: Any, *unwanted: Any) -> list[Any]:
    """A new list without some values, as `deepEqual` compares them.

    {{ without (list 1 2 3 2) 2 3 }} -> [1]
    """
    left_out = Collection(budget, unwanted)
    return [item for item in _entries(items) if item not in left_out]


def has(budget: Budget, item: Any, items: Any) -> bool:
    """Whether a value is in a list, as `deepEqual` compares them.

    {{ has 4 (list 1 2 3) }} -> false
    """
    return items is not None and any(deep_equal(budget, item, other) for other in _entries(items))


def slice_(items: Any, *bounds: Any) -> Any:
    """The values of a list from one place up to another, by default from 0 to the end; nil of an empty list.

    Of a string, the bytes: sprig hides text/template's own `slice`, which can do that.

    {{ slice (list 1 2 3 4) 1 3 }} -> [2 3]
    {{ slice "password" 0 4 }} -> pass
    """
    if isinstance(items, bytes):
        return slice_of(items, *bounds)
    entries = _entries(items)
    if not entries:
        return None
    start = to_int64(bounds[0]) if bounds else 0
    end = to_int64(bounds[1]) if len(bounds) > 1 else len(entries)
    if not 0 <= start <= end <= len(entries):
        raise FunctionError("the list is shorter than the part asked for")
    return type(items)(entries[start:end])


def concat(budget: Budget, *lists: Any) -> list[Any]:
    """All values of several lists in a new one.

    {{ concat (list 1 2) (list 3) }} -> [1 2 3]
    """
    budget.hold(sum(len(_entries(items)) for items in lists))
    return [entry for items in lists for entry in items] or NilList()


def chunk(budget: Budget, size: int, items: Any) -> Lists:
    """The values of a list in lists of the given size; the last may be shorter.

    {{ chunk 2 (list 1 2 3) }} -> [[1 2] [3]]
    """
    entries = _entries(items)
    # With sizes that make no sense there is still one case or another in which sprig gets by.
    number = (len(entries) - 1) // size + 1 if size else -1
    if number < 0 or (size < 0 and number and (len(entries) != 1 or size == -1)):
        raise FunctionError("a list cannot be cut into parts of that size")
    if size < 0:
        return Lists([list(entries)] if number else [])
    budget.hold(number)
    budget.hold(len(entries))
    return Lists(list(entries[start : start + size]) for start in range(0, len(entries), size))


def compact(items: Any) -> list[Any]:
    """A new list without empty values: false, 0, nil, empty texts, lists and maps.

    {{ compact (list 1 "a" "" 0 "foo") }} -> [1 a foo]
    """
    return list(filter(truth, _entries(items)))


def until(budget: Budget, count: int) -> Ints:
    """The numbers from 0 up to `count`, or down to it, without it.

    {{ until 5 }} -> [0 1 2 3 4]
    """
    return until_step(budget, 0, count, -1 if count < 0 else 1)


def until_step(budget: Budget, start: int, stop: int, step: int) -> Ints:
    """The numbers from `start` to `stop` in steps, without `stop`; none when the step goes the wrong way.

    {{ untilStep 3 9 2 }} -> [3 5 7]
    """
    if step == 0 or (stop < start) != (step < 0):
        return Ints()
    count = (stop - start + step - (1 if step > 0 else -1)) // step
    budget.hold(count)
    after = start + count * step
    if wrap(int, after) != after:
        raise FunctionError("the numbers go beyond 64 bits")
    return Ints(range(start, stop, step))


def seq(budget: Budget, *bounds: int) -> bytes:
    """Numbers as the command `seq` prints them, in one line: to an end, from a start, in steps.

    {{ seq 5 }} -> 1 2 3 4 5
    {{ seq 0 -2 -6 }} -> 0 -2 -4 -6
    """
    if not 1 <= len(bounds) <= 3:
        return b""
    start, end = (1, bounds[0]) if len(bounds) == 1 else (bounds[0], bounds[-1])
    direction = -1 if end < start else 1
    step = bounds[1] if len(bounds) == 3 else direction
    if direction < 0 < step:
        return b""
    numbers = until_step(budget, start, wrap(int, end + direction), step)
    return b" ".join(b"%d" % number for number in numbers)


def _entries(items: Any) -> list[Any]:
    """The values of a list of any type, in a list of Python's that may be the list itself."""
    if not isinstance(items, list):
        kind = "invalid" if items is None else kind_of(items)
        raise FunctionError(f"a value of the kind {kind} stands where a list is expected")
    return items


def _none_of(items: Any) -> NilList:
    _entries(items)
    return NilList()
