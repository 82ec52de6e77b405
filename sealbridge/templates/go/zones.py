"""Time zones by their names in the IANA database. Knows no layout; its data is the tzdata package's.

The data of the machine is never looked at, so that a template renders to the same text everywhere. For
the same reason the local zone is UTC.
"""

from __future__ import annotations

import datetime
import functools
import importlib.resources
import zoneinfo
from typing import Final

from sealbridge.templates.go.civil import UNIX
from sealbridge.templates.go.values import wrap

UTC: Final = (b"UTC", 0)

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_FIRST: Final = int(datetime.datetime(2, 1, 1, tzinfo=datetime.UTC).timestamp())
_LAST: Final = int(datetime.datetime(9998, 1, 1, tzinfo=datetime.UTC).timestamp())
# The calendar, its weekdays and with them the rules of all zones repeat after 400 years.
_CYCLE: Final = 146_097 * 86_400


def offset_at(name: bytes, seconds: int) -> tuple[bytes, int]:
    """Abbreviation and seconds east of UTC in a zone, `seconds` after the beginning of the year 1.

    Anything that is no zone is UTC.
    """
    zone = _zone(name)
    if zone is None:
        return UTC
    unix = wrap(int, seconds - UNIX)
    if unix > _LAST:
        unix = _LAST - _CYCLE + (unix - _LAST) % _CYCLE
    # Python counts years from 1, and no zone has known a change so early.
    local = (_EPOCH + datetime.timedelta(seconds=max(unix, _FIRST))).astimezone(zone)
    offset = local.utcoffset() or datetime.timedelta()
    return (local.tzname() or "").encode(), offset // datetime.timedelta(seconds=1)


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(importlib.resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


@functools.lru_cache(maxsize=64)
def _zone(name: bytes) -> zoneinfo.ZoneInfo | None:
    text = name.decode("utf-8", "replace")
    if text not in _names():
        return None
    with importlib.resources.files("tzdata").joinpath("zoneinfo", *text.split("/")).open("rb") as file:
        return zoneinfo.ZoneInfo.from_file(file, text)
