"""How fast one key may come again: so many times at once, then one a second. Knows loop time, no cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

AT_ONCE = 10
INTERVAL = 1.0  # seconds


class Pace(Generic[K]):
    """For two who write the same object against each other: neither is to keep a cluster busy with it.

    Bounded by the number of keys: what goes is forgotten."""

    def __init__(self, *, at_once: int = AT_ONCE, interval: float = INTERVAL) -> None:
        self._ahead = at_once * interval
        self._interval = interval
        # When as many as have come would have come one an interval.
        self._even: dict[K, float] = {}

    def delay(self, key: K) -> float:
        """Seconds to wait with `key`, which comes now; never more than the interval."""
        now = asyncio.get_running_loop().time()
        even = self._even.get(key, now)
        self._even[key] = min(max(now, even) + self._interval, now + self._ahead)
        return max(0.0, even - now - self._ahead + self._interval)

    def forget(self, key: K) -> None:
        """It is gone."""
        self._even.pop(key, None)
