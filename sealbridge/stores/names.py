"""Which names a search or a condition means: expressions of RE2 that match anywhere. Knows no store."""

from __future__ import annotations

from collections.abc import Callable

from sealbridge.errors import Invalid

_MEMORY = 1 << 20  # bytes that one pattern may take, compiled


def matcher(expression: str, where: str = "find.name.regexp") -> Callable[[str], bool]:
    """Whether a name fits; an empty expression fits every name. Raises Invalid at `where`."""
    if not expression:
        return lambda name: True
    import re2  # only those who search pay for its import

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        pattern = re2.compile(expression, options)
    except (re2.error, UnicodeEncodeError):
        raise Invalid(f"{expression!r} is no regular expression of RE2", where=where) from None
    finally:
        # RE2's binding would keep 128 patterns of any size.
        re2.purge()
    return lambda name: pattern.search(name) is not None
