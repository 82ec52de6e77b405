"""What is told of a PushSecret: which entries failed, why, and when the next try is. Never a value."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sealbridge.errors import SealbridgeError, StoreError
from sealbridge.reconcile.kinds import ObjectKey
from sealbridge.stores.base import Target

_NAMED = 10


class Failure(NamedTuple):
    """An entry that did not arrive, or with an empty `where` a store that got nothing at all."""

    where: str
    store: ObjectKey
    error: SealbridgeError


def causes(failures: Sequence[Failure]) -> str:
    """All failures in one text; those that failed alike in one breath, with the class of a store's error."""
    groups: dict[str, list[str]] = {}
    for failure in failures:
        error = failure.error
        reason = f"{error} ({_class(error)})" if isinstance(error, StoreError) else str(error)
        store = f"{failure.store.kind} {failure.store.name}"
        place = f"{failure.where} to {store}" if failure.where else store
        groups.setdefault(reason, []).append(place)
    parts = [f"{_listed(places)}: {reason}" for reason, places in list(groups.items())[:_NAMED]]
    if len(groups) > _NAMED:
        parts.append(f"and {len(groups) - _NAMED} other failures")
    return "; ".join(parts)


def changes(pushed: Mapping[ObjectKey, Sequence[Target]], gone: Mapping[ObjectKey, Sequence[Target]]) -> str:
    """What was written and removed, as the end of a sentence; empty when nothing was."""
    parts = [
        f"{word} {_listed([str(target) for target in there])} {way} {store.kind} {store.name}"
        for word, way, all_ in (("pushed", "to", pushed), ("removed", "from", gone))
        for store, there in all_.items()
    ]
    return f": {'; '.join(parts)}" if parts else ""


def targets(all_: Mapping[ObjectKey, Sequence[Target]]) -> tuple[str, ...]:
    """The names of all targets, once each."""
    return tuple(dict.fromkeys(str(target) for there in all_.values() for target in there))


def renamed(error: SealbridgeError, what: str) -> SealbridgeError:
    """The same error with another text."""
    other = copy.copy(error)
    other.what, other.args = what, (what,)
    return other


def _class(error: StoreError) -> str:
    return next(
        one.__name__.lstrip("_") for one in type(error).__mro__ if one.__module__ == StoreError.__module__
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
