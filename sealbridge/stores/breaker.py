"""A circuit breaker: whether a store that failed is asked again yet. Reads no clock."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import TypeGuard

from sealbridge.errors import Denied, StoreError, Throttled, Unavailable
from sealbridge.secret import Value


class CircuitBreaker:
    """Opens after `threshold` failed calls in a row, for `pause` seconds, doubled up to `longest_pause`.

    When the pause is over one call is let through; its outcome closes or opens the breaker again. A
    call fails when the store could not be reached or did not accept our credentials; a missing secret
    or a forbidden path is an answer.
    """

    def __init__(self, *, threshold: int, pause: float, longest_pause: float) -> None:
        self._threshold = threshold
        self._first_pause = pause
        self._longest_pause = longest_pause
        self._pause = pause
        self._failures = 0
        self._open_until: float | None = None
        self._throttled_until = 0.0
        self._probing = False
        self._error: StoreError = Unavailable("the store is not available")

    def refusal(self, now: float) -> StoreError | None:
        """Why no call may be made now, or None; None while open makes the caller the probe."""
        if self._throttled_until > now:
            remaining = self._throttled_until - now
            error: StoreError = Throttled("the store asked for fewer requests", retry_after=remaining)
            error.hint = f"the next try is in {remaining:.0f} s"
            return error
        if self._open_until is None:
            return None
        remaining = self._open_until - now
        if remaining <= 0 and not self._probing:
            self._probing = True
            return None
        error = copy.copy(self._error)
        error.retry_after = max(remaining, 0.0)
        when = f"in {error.retry_after:.0f} s" if remaining > 0 else "under way"
        error.hint = f"the store is left alone for a while, the next try is {when}"
        return error

    def record(self, results: Collection[Value | StoreError], now: float) -> None:
        """Learn from the results of one call; none at all is a success without a value."""
        self._probing = False
        waits = [r.retry_after for r in results if isinstance(r, Throttled) and r.retry_after]
        if waits:
            self._throttled_until = now + min(max(waits), self._longest_pause)
        outages = [result for result in results if _is_outage(result)]
        if not outages or len(outages) < len(results):
            self._failures, self._pause, self._open_until = 0, self._first_pause, None
            return
        self._failures += 1
        if self._failures >= self._threshold:
            self._error = outages[-1]
            self._open_until = now + self._pause
            self._pause = min(self._pause * 2, self._longest_pause)

    def abandon(self) -> None:
        """A call ended without an outcome; if it was the probe, the next call is."""
        self._probing = False


def _is_outage(result: Value | StoreError) -> TypeGuard[StoreError]:
    return isinstance(result, Unavailable) or (isinstance(result, Denied) and result.credentials)
