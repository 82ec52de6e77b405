"""syncWindows: when time alone may make a refresh due. Reads no clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from sealbridge.sync.cron import Cron, parse_cron
from sealbridge.sync.durations import parse_duration
from sealbridge.sync.wire import Model

# Windows that follow each other without a gap; what goes on for longer has no end worth waiting for.
_MOST = 2000
_TICK = timedelta(seconds=1)


class WindowKind(Enum):
    """Whether refreshes are made within the windows only, or outside of them only."""

    ALLOW = "allow"
    DENY = "deny"


class Window(Model, frozen=True):
    """A window opens when `schedule` (cron, UTC) fires and closes after `duration`."""

    schedule: str
    duration: str

    @property
    def cron(self) -> Cron:
        """When it opens. Raises ValueError."""
        return parse_cron(self.schedule)

    @property
    def length(self) -> timedelta:
        """How long it is open. Raises ValueError."""
        return parse_duration(self.duration)

    def closes(self, at: datetime) -> datetime | None:
        """When the window that is open at `at` closes; None when none is. Both ends belong to it."""
        opened = self.cron.last(at)
        if opened is None or at - opened > self.length:
            return None
        return opened + self.length


class SyncWindows(Model, frozen=True):
    """Windows of one kind; of several any counts."""

    kind: WindowKind
    windows: tuple[Window, ...] = ()

    def problem(self) -> str | None:
        """What is wrong with them, by field, or None."""
        for number, window in enumerate(self.windows):
            try:
                field = "schedule"
                parse_cron(window.schedule)
                field = "duration"
                parse_duration(window.duration)
            except ValueError as error:
                return f"windows[{number}].{field}: {error}"
        return None

    def permits(self, at: datetime) -> bool:
        """Whether a refresh that time makes due may be made at `at`. No window at all permits it."""
        if not self.windows:
            return True
        inside = any(window.closes(at) is not None for window in self.windows)
        return inside is (self.kind is WindowKind.ALLOW)

    def next_permitted(self, at: datetime) -> datetime | None:
        """The first time from `at` on at which it may be made; None for never, as far as can be seen."""
        if self.permits(at):
            return at
        if self.kind is WindowKind.ALLOW:
            opening = [moment for window in self.windows if (moment := window.cron.next(at)) is not None]
            return min(opening, default=None)
        for _ in range(_MOST):
            closing = [moment for window in self.windows if (moment := window.closes(at)) is not None]
            if not closing:
                return at
            at = max(closing) + _TICK
        return None
