"""Who pushes where, and what was pushed last. Knows no store; lives as long as the process.

A place in a store belongs to one PushSecret: two that push to it would overwrite each other for ever.
Values are kept as digests under a key of this process only.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sealbridge.reconcile.kinds import ObjectKey
from sealbridge.stores.base import Push, Target

Place = tuple[ObjectKey, Target]  # a store and a target in it


@dataclass(slots=True)
class PushClaims:
    """Places and their holders."""

    _holders: dict[Place, ObjectKey] = field(default_factory=dict)
    _pushed: dict[Place, tuple[bytes, datetime]] = field(default_factory=dict)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def holder(self, place: Place) -> ObjectKey | None:
        """Who pushes there."""
        return self._holders.get(place)

    def claim(self, place: Place, holder: ObjectKey) -> bool:
        """Take a place that nobody holds. True when `holder` has it now."""
        return self._holders.setdefault(place, holder) == holder

    def keep_only(self, holder: ObjectKey, places: Iterable[Place]) -> None:
        """`holder` gives up every other place."""
        kept = set(places)
        for place in [one for one, who in self._holders.items() if who == holder and one not in kept]:
            del self._holders[place]
            self._pushed.pop(place, None)

    def remember(self, store: ObjectKey, push: Push, version: str, now: datetime) -> None:
        """This was pushed or found there, for this version of the PushSecret."""
        self._pushed[store, push.target] = (self._digest(push, version), now)

    def forget(self, place: Place) -> None:
        """Nobody knows what is there."""
        self._pushed.pop(place, None)

    def is_there(
        self, store: ObjectKey, push: Push, version: str, now: datetime, *, within: timedelta
    ) -> bool:
        """Whether the same was pushed or found there, for the same version, less than `within` ago."""
        digest, at = self._pushed.get((store, push.target), (b"", now))
        return digest == self._digest(push, version) and timedelta() <= now - at < within

    def _digest(self, push: Push, version: str) -> bytes:
        source = push.source
        digest = hashlib.blake2b(key=self._key)
        about = [source.type, dict(source.labels), dict(source.annotations)]
        frame = [version, push.item, push.metadata, *about]
        digest.update(json.dumps(frame, sort_keys=True, default=str).encode("utf-8", "surrogatepass"))
        for key in sorted(source.items) if not push.item else [push.item]:
            value = source.items[key].reveal()
            digest.update(f"\n{key}\n{len(value)}\n".encode("utf-8", "surrogatepass"))
            digest.update(value)
        return digest.digest()
