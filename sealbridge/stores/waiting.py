"""Since when whoever asks has waited for his turn. Knows nobody and no queue."""

from __future__ import annotations

from contextvars import ContextVar

# By the clock of the event loop; None where nobody waits. What was read since then is as good as what one
# would have had at once: so thousands that come together read each thing once, however long it takes until
# the last one is looked at.
waiting_since: ContextVar[float | None] = ContextVar("waiting_since", default=None)
