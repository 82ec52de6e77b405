"""Who waits for whom: an object is looked at again when what it depends on changes."""

from __future__ import annotations

from sealbridge.reconcile.kinds import ObjectKey


class Dependants:
    """A reverse index of what results name in `depends_on`."""

    def __init__(self) -> None:
        self._needs: dict[ObjectKey, frozenset[ObjectKey]] = {}
        self._needed_by: dict[ObjectKey, set[ObjectKey]] = {}

    def set(self, key: ObjectKey, needs: frozenset[ObjectKey]) -> None:
        """`key` depends on `needs`, and on nothing else any more."""
        before = self._needs.get(key, frozenset())
        for gone in before - needs:
            self._needed_by[gone].discard(key)
            if not self._needed_by[gone]:
                del self._needed_by[gone]
        for new in needs - before:
            self._needed_by.setdefault(new, set()).add(key)
        if needs:
            self._needs[key] = needs
        else:
            self._needs.pop(key, None)

    def needs(self, key: ObjectKey) -> frozenset[ObjectKey]:
        """What `key` depends on."""
        return self._needs.get(key, frozenset())

    def of(self, needed: ObjectKey) -> list[ObjectKey]:
        """Who depends on `needed`, in a stable order."""
        return sorted(self._needed_by.get(needed, ()))
