"""How far a long run is: one line on a terminal that is written over, and nothing anywhere else."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

_EVERY = 0.1  # seconds
_WORTH_IT = 50  # things to do


class Progress:
    """`with Progress("sealing", 5000) as progress: progress.step()`."""

    def __init__(self, doing: str, total: int) -> None:
        self._doing = doing
        self._total = total
        self._done = 0
        self._shown_at = 0.0
        self._shown = False
        self._wanted = total >= _WORTH_IT and sys.stderr is not None and sys.stderr.isatty()

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        if self._wanted and (now := time.monotonic()) - self._shown_at > _EVERY:
            self._shown_at = now
            self._shown = True
            percent = self._done * 100 // self._total
            sys.stderr.write(f"\r\x1b[K{self._doing}: {self._done} of {self._total} ({percent} %)")
            sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
