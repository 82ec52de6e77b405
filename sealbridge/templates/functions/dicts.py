"""Maps: making, changing, reading, merging, copying. Knows `merging`'s rules by name only.

Go walks through a map in random order. Where that would show (`keys`, `values`), these functions go by
sorted keys, so that a template renders to the same bytes every time.
"""

from __future__ import annotations

from typing import Any

from sealbridge.templates.functions.splitting import new_text
from sealbridge.templates.go import merging
from sealbridge.templates.go.printing import check_nesting
from sealbridge.templates.go.values import FunctionError, Object, Strings
from sealbridge.templates.limits import Budget

# A map as an argument: a nil one reads as if it were empty.
_Map = dict[bytes, Any] | None


def dict_(budget: Budget, *items: Any) -> dict[bytes, Any]:
    """A map of keys and values in turn; a last key without a value gets the empty text.

    {{ dict "a" 1 "b" "two" }} -> map[a:1 b:two]
    """
    made: dict[bytes, Any] = {}
    for place in range(0, len(items), 2):
        made[new_text(budget, items[place])] = items[place + 1] if place + 1 < len(items) else b""
    return made


def get(mapping: _Map, key: bytes) -> Any:
    """The value of a key, or the empty text.

    {{ get (dict "a" 1) "a" }} -> 1
    """
    return b"" if mapping is None else mapping.get(key, b"")


def set_(mapping: _Map, key: bytes, value: Any) -> dict[bytes, Any]:
    """Sets a key of the map itself, and gives the map.

    {{ set (dict "a" 1) "b" 2 }} -> map[a:1 b:2]
    """
    if mapping is None:
        raise FunctionError("a map that is nil cannot be changed")
    mapping[key] = value
    return mapping


def unset(mapping: _Map, key: bytes) -> dict[bytes, Any]:
    """Removes a key of the map itself, and gives the map.

    {{ unset (dict "a" 1 "b" 2) "a" }} -> map[b:2]
    """
    if mapping is None:
        return {}
    mapping.pop(key, None)
    return mapping


def has_key(mapping: _Map, key: bytes) -> bool:
    """Whether a map has a key.

    {{ hasKey (dict "a" 1) "a" }} -> true
    """
    return mapping is not None and key in mapping


def pluck(key: bytes, *mappings: _Map) -> list[Any]:
    """The values that several maps have for a key.

    {{ pluck "a" (dict "a" 1) (dict "b" 2) (dict "a" 3) }} -> [1 3]
    """
    return [mapping[key] for mapping in mappings if mapping is not None and key in mapping]


def keys(budget: Budget, *mappings: _Map) -> Strings:
    """The keys of one map or several, those of each in order.

    {{ keys (dict "b" 1 "a" 2) (dict "a" 3) }} -> [a b a]
    """
    budget.hold(sum(len(mapping or ()) for mapping in mappings))
    return Strings(key for mapping in mappings for key in sorted(mapping or ()))


def values(mapping: _Map) -> list[Any]:
    """The values of a map, in the order of its keys.

    {{ values (dict "b" 1 "a" 2) }} -> [2 1]
    """
    return [] if mapping is None else [mapping[key] for key in sorted(mapping)]


def pick(mapping: _Map, *names: bytes) -> dict[bytes, Any]:
    """A new map with nothing but some keys of a map.

    {{ pick (dict "a" 1 "b" 2 "c" 3) "a" "c" "d" }} -> map[a:1 c:3]
    """
    return {name: mapping[name] for name in names if name in mapping} if mapping else {}


def omit(mapping: _Map, *names: bytes) -> dict[bytes, Any]:
    """A new map without some keys of a map.

    {{ omit (dict "a" 1 "b" 2 "c" 3) "a" "c" }} -> map[b:2]
    """
    omitted = frozenset(names)
    return {key: value for key, value in (mapping or {}).items() if key not in omitted}


def merge(budget: Budget, target: _Map, *sources: _Map) -> Any:
    """The first map itself, with what it lacks taken from the others, maps within maps, too.

    {{ merge (dict "a" 1 "b" 0) (dict "a" 2 "b" 3 "c" 4) }} -> map[a:1 b:3 c:4]
    """
    return _merged_or_empty(budget, target, sources, overwrite=False)


def merge_overwrite(budget: Budget, target: _Map, *sources: _Map) -> Any:
    """The first map itself, with everything of the others, maps within maps, too; the last one wins.

    {{ mergeOverwrite (dict "a" 1 "b" 2) (dict "a" 3) }} -> map[a:3 b:2]
    """
    return _merged_or_empty(budget, target, sources, overwrite=True)


def must_merge(budget: Budget, target: _Map, *sources: _Map) -> dict[bytes, Any]:
    """As `merge`, but fails where that gives the empty text: for pointers and other values.

    {{ mustMerge (dict "a" (dict "b" 1)) (dict "a" (dict "c" 2)) }} -> map[a:map[b:1 c:2]]
    """
    return _merged(budget, target, sources, overwrite=False)


def must_merge_overwrite(budget: Budget, target: _Map, *sources: _Map) -> dict[bytes, Any]:
    """As `mergeOverwrite`, but fails where that gives the empty text.

    {{ mustMergeOverwrite (dict "a" (list 1)) (dict "a" (list 2 3)) }} -> map[a:[2 3]]
    """
    return _merged(budget, target, sources, overwrite=True)


def dig(*path_default_mapping: Any) -> Any:
    """What maps within maps have under some keys, or a default; the map comes last, before it the default.

    {{ dig "a" "b" "none" (dict "a" (dict "b" 1)) }} -> 1
    {{ dict "a" (dict "b" 1) | dig "a" "c" "none" }} -> none
    """
    if len(path_default_mapping) < 3:
        raise FunctionError("`dig` takes keys, a default and a map")
    *path, default, found = path_default_mapping
    if not all(isinstance(key, bytes) for key in path):
        raise FunctionError("a key is no string")
    for key in path:
        if type(found) is not dict:
            raise FunctionError("there is no map where another key is to be looked up")
        if key not in found:
            return default
        found = found[key]
    return found


def deep_copy(budget: Budget, value: Any) -> Any:
    """A copy of a value that shares nothing with it.

    {{ $a := dict "b" (dict "c" 1) }}{{ $_ := set (deepCopy $a).b "c" 2 }}{{ $a }} -> map[b:map[c:1]]
    """
    if value is None:
        raise FunctionError("there is nothing to copy")
    return _copied(budget, value, 0)


def _merged_or_empty(budget: Budget, target: _Map, sources: tuple[_Map, ...], *, overwrite: bool) -> Any:
    try:
        return _merged(budget, target, sources, overwrite=overwrite)
    except merging.MergeError:
        return b""


def _merged(budget: Budget, target: _Map, sources: tuple[_Map, ...], *, overwrite: bool) -> dict[bytes, Any]:
    merged: dict[bytes, Any] = {} if target is None else target
    for source in sources:
        if source is not None:
            merging.merge(budget, merged, source, overwrite=overwrite)
    return merged


def _copied(budget: Budget, value: Any, depth: int) -> Any:
    if isinstance(value, Object):
        return value.copied()
    if not isinstance(value, (dict, list)):
        return value
    check_nesting(depth)
    budget.step(len(value))
    budget.hold(len(value))
    if isinstance(value, list):
        return type(value)(_copied(budget, entry, depth + 1) for entry in value)
    copy = type(value)()
    for key, entry in value.items():
        copy[key] = _copied(budget, entry, depth + 1)
    return copy
