"""A token bucket: how often a store may be asked. Knows only numbers and the event loop's clock."""

from __future__ import annotations

import asyncio


class TokenBucket:
    """`rate` tokens a second, at most `burst` saved up. Waiters are served in order."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._updated: float | None = None

    async def take(self, amount: float) -> None:
        """Take tokens and wait until they would have been there.

        More than `burst` at once is allowed and waits accordingly, so a large batch is not stuck.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._updated is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
        # The debt is booked before the wait: that is what keeps the order.
        self._tokens -= amount
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / self._rate)
