"""Values fetched a moment ago. Bounded in time, number and bytes; knows no store."""

from __future__ import annotations

from collections import OrderedDict

from sealbridge.secret import Value
from sealbridge.stores.base import Reference


class ValueCache:
    """Values by reference for `ttl` seconds; the oldest go first when it is full."""

    def __init__(self, *, ttl: float, entries: int, size: int) -> None:
        self._ttl = ttl
        self._entries = entries
        self._capacity = size
        self._size = 0
        # All live equally long, so the order of insertion is that of expiry.
        self._values: OrderedDict[Reference, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, reference: Reference, now: float) -> Value | None:
        """A value that is young enough, or None."""
        self.purge(now)
        found = self._values.get(reference)
        return found[1] if found is not None else None

    def put(self, reference: Reference, value: Value, now: float) -> None:
        """Remember a value, if it fits at all."""
        self.drop(reference)
        if not self._ttl or len(value) > self._capacity:
            return
        self._values[reference] = (now + self._ttl, value)
        self._size += len(value)
        while len(self._values) > self._entries or self._size > self._capacity:
            self.drop(next(iter(self._values)))

    def drop(self, reference: Reference) -> None:
        """Forget one value."""
        found = self._values.pop(reference, None)
        if found is not None:
            self._size -= len(found[1])

    def purge(self, now: float) -> None:
        """Forget what is too old."""
        while self._values:
            reference, (expiry, _) = next(iter(self._values.items()))
            if expiry > now:
                return
            self.drop(reference)
