"""What one rendering may use up, and the account of it. Knows no template."""

from __future__ import annotations

import time
from dataclasses import dataclass


class BoundExceeded(Exception):  # noqa: N818 - it is an event, and TemplateError tells of it
    """A rendering went over a bound; the text names it and how much is allowed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one rendering. A Secret holds 1 MiB at most; every bound leaves room above it."""

    # Characters of a template's source.
    source: int = 1 << 20
    # Bytes of text that a rendering may print.
    output: int = 2 << 20
    # Bytes of one string.
    size: int = 2 << 20
    # Entries of one list or map.
    entries: int = 100_000
    # Bytes of everything made along the way, where an entry counts as 32.
    total: int = 64 << 20
    # Actions, operands and iterations evaluated; of large arguments and results every part of some size.
    steps: int = 1_000_000
    # Templates, blocks and parentheses within each other, in the source and when it runs.
    depth: int = 100
    # Functions that cost what a key or a password hash costs.
    costly: int = 16
    # Bytes of one regular expression.
    pattern: int = 4096
    # Seconds on the wall.
    seconds: float = 10.0


# What an entry of a list or map counts as, in bytes.
_ENTRY = 32
# What is larger, in bytes or entries, takes long enough to make for a look at the clock.
_LONG = 1 << 12
DEFAULT = Limits()


class Budget:
    """The account of one rendering against its limits. Every method raises BoundExceeded."""

    __slots__ = ("_costly", "_deadline", "_output", "_steps", "_total", "limits")

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self._steps = 0
        self._total = 0
        self._output = 0
        self._costly = 0
        self._deadline = time.monotonic() + limits.seconds

    def step(self, count: int = 1) -> None:
        """Account for work; looks at the clock now and then."""
        before = self._steps
        self._steps = steps = before + count
        if steps > self.limits.steps:
            raise BoundExceeded(f"the template takes more than {self.limits.steps} steps")
        if before >> 8 != steps >> 8:
            self.check_time()

    def check_time(self) -> None:
        """Look at the clock."""
        if time.monotonic() > self._deadline:
            raise BoundExceeded(f"the template takes longer than {self.limits.seconds:g} seconds")

    def work(self, steps: int) -> None:
        """Account for what takes many steps at once, and look at the clock: it may take long."""
        self.step(steps)
        self.check_time()

    def grow(self, size: int) -> None:
        """Account for one string of `size` bytes, before it is made where that is possible."""
        if size > self.limits.size:
            raise BoundExceeded(f"a string grows beyond {self.limits.size} bytes")
        self._total += size
        if self._total > self.limits.total:
            raise BoundExceeded(f"all values together grow beyond {self.limits.total} bytes")
        if size > _LONG:
            self.check_time()

    def hold(self, count: int) -> None:
        """Account for one list or map of `count` entries, before it is made where that is possible."""
        self._add_entries(count, count)

    def extend(self, count: int) -> None:
        """Account for one more entry of a list or map that has `count` of them by now."""
        self._add_entries(count, 1)

    def _add_entries(self, count: int, new: int) -> None:
        if count > self.limits.entries:
            raise BoundExceeded(f"a list or map grows beyond {self.limits.entries} entries")
        self._total += new * _ENTRY
        if self._total > self.limits.total:
            raise BoundExceeded(f"all values together grow beyond {self.limits.total} bytes")
        if new > _LONG:
            self.check_time()

    def write(self, size: int) -> None:
        """Account for `size` bytes of output."""
        self._output += size
        if self._output > self.limits.output:
            raise BoundExceeded(f"the output grows beyond {self.limits.output} bytes")

    def spend(self) -> None:
        """Account for one costly function, before it runs."""
        self._costly += 1
        if self._costly > self.limits.costly:
            raise BoundExceeded(f"the template makes more than {self.limits.costly} keys and password hashes")
        self.check_time()

    def check_pattern(self, size: int) -> None:
        """Refuse a regular expression of more bytes than allowed."""
        if size > self.limits.pattern:
            raise BoundExceeded(f"a regular expression is longer than {self.limits.pattern} bytes")
