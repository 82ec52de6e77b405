"""Answers fetched a moment ago. Bounded in time, number and bytes; knows no store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class AnswerCache(Generic[_K, _V]):
    """Answers by question for `ttl` seconds; the oldest go first when it is full.

    They are kept for another `keep` seconds, for those whose question is that much older already."""

    def __init__(self, *, ttl: float, entries: int, size: int, keep: float = 0.0) -> None:
        self._ttl = ttl
        self._keep = keep
        self._entries = entries
        self._capacity = size
        self._size = 0
        # All live equally long, so the order of insertion is that of expiry.
        self._answers: OrderedDict[_K, tuple[float, _V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, question: _K, now: float, *, since: float | None = None) -> _V | None:
        """An answer that is young enough, or was when somebody began to wait for it (`since`), or None."""
        self.purge(now)
        found = self._answers.get(question)
        return found[1] if found is not None and found[0] > (now if since is None else since) else None

    def put(self, question: _K, answer: _V, size: int, now: float) -> None:
        """Remember an answer of so many bytes, if it fits at all."""
        self.drop(question)
        if not self._ttl or size > self._capacity:
            return
        self._answers[question] = (now + self._ttl, answer, size)
        self._size += size
        while len(self._answers) > self._entries or self._size > self._capacity:
            self.drop(next(iter(self._answers)))

    def drop(self, question: _K) -> None:
        """Forget one answer."""
        found = self._answers.pop(question, None)
        if found is not None:
            self._size -= found[2]

    def clear(self) -> None:
        """Forget everything."""
        self._answers.clear()
        self._size = 0

    def purge(self, now: float) -> None:
        """Forget what is too old."""
        while self._answers:
            question, (expiry, _, _) = next(iter(self._answers.items()))
            if expiry + self._keep > now:
                return
            self.drop(question)
