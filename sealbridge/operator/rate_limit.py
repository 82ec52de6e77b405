"""How often a client may ask: the generic cell rate algorithm, and a bounded table of clients. Knows no HTTP.

Time is a whole number of nanoseconds on a clock that never goes back, given with every question: sums of
floats would let a client through once too often or too seldom.
"""

from __future__ import annotations

from typing import NamedTuple

SECOND = 1_000_000_000


class Decision(NamedTuple):
    """What a client is told. Times are in nanoseconds; `retry_after` is 0 when it is let through."""

    allowed: bool
    limit: int
    remaining: int
    retry_after: int
    reset_after: int


class Rate:
    """So many requests a second in the long run, and `burst` more than one at once."""

    def __init__(self, per_second: int, burst: int) -> None:
        self._interval = max(1, SECOND // per_second)
        self._burst = burst

    def ask(self, due: int, now: int) -> tuple[Decision, int]:
        """Judge one request. `due` is when the client's requests so far are paid off (0: it has made none).

        Returns the decision and the next `due`.
        """
        start = max(due, now)
        owed = start - now
        ahead = self._burst * self._interval - owed
        if ahead < 0:
            return Decision(False, self._burst + 1, 0, -ahead, owed), due
        decision = Decision(True, self._burst + 1, ahead // self._interval, 0, owed + self._interval)
        return decision, start + self._interval


class RateLimit:
    """Each client has `per_second` with `burst`, all of them together `together` times that.

    At most `clients` are remembered. One who owes nothing is forgotten first: that changes no decision.
    Who comes while the table is full of others shares one entry with everybody else who does.
    """

    def __init__(self, per_second: int, burst: int, *, together: int = 10, clients: int = 4096) -> None:
        self._each = Rate(per_second, burst)
        self._all = Rate(per_second * together, (burst + 1) * together - 1)
        self._clients = clients
        self._due: dict[str, int] = {}
        self._others_due = 0
        self._all_due = 0

    def ask(self, client: str, now: int) -> Decision:
        """Judge one request of a client. One that is refused costs nobody anything."""
        known = client in self._due or self._has_room(now)
        due = self._due.get(client, 0) if known else self._others_due
        decision, due = self._each.ask(due, now)
        if not decision.allowed:
            return decision
        shared, all_due = self._all.ask(self._all_due, now)
        if not shared.allowed:
            return shared._replace(limit=decision.limit)
        self._all_due = all_due
        if known:
            self._due[client] = due
        else:
            self._others_due = due
        return decision

    def __len__(self) -> int:
        return len(self._due)

    def _has_room(self, now: int) -> bool:
        if len(self._due) >= self._clients:
            self._due = {client: due for client, due in self._due.items() if due > now}
        return len(self._due) < self._clients
