"""Log lines as JSON with fields that stay. Knows which fields may be shown; shows no other.

What libraries log is cut before the first bracket, since whatever they print of objects and
exceptions follows it; of an exception only its type and place are told.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

OWN = "sealbridge"

# The fields of `extra=` that are printed, in this order, after time, level, logger and msg.
FIELDS = (
    "kind",
    "namespace",
    "name",
    "outcome",
    "target",
    "keys",
    "reason",
    "error",
    "hint",
    "retry_in",
    "seconds",
    "count",
    "address",
    "fingerprint",
    "server",
    "version",
)
_BRACKET = re.compile(r"[\[({]")
_LONGEST_FOREIGN = 300
_INTENDED = ("OS signals are ignored", "Cleanup activity is not executed")
# Chatty at INFO, or at DEBUG with whole bodies: never below these, whatever is asked for.
_PINNED = {
    "kopf": logging.WARNING,
    "aiohttp": logging.WARNING,
    "asyncio": logging.WARNING,
    "urllib3": logging.WARNING,
    "kubernetes": logging.WARNING,
    "hvac": logging.WARNING,
}


class JsonFormatter(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        own = record.name == OWN or record.name.startswith(f"{OWN}.")
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage() if own else _cut(record.getMessage()),
        }
        for field in FIELDS:
            # `name` is the logger's in every record; the object's is passed as `object`.
            value = record.__dict__.get("object" if field == "name" else field)
            if value not in (None, "", (), {}):
                line[field] = value
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            line["at"] = _places(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False, default=str)


class _AsIntended(logging.Filter):
    """Without kopf's warnings of what we want: no signals in its thread, and no cleanup at its end."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not any(text in str(record.msg) for text in _INTENDED)


def configure(level: str, stream: IO[str] | None = None) -> None:
    """Log to standard error from `level` on, replacing whatever handlers there are."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(_AsIntended())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger(OWN).setLevel(level.upper())
    for name, lowest in _PINNED.items():
        logging.getLogger(name).setLevel(lowest)


def _cut(text: str) -> str:
    bracket = _BRACKET.search(text)
    return (text[: bracket.start()] if bracket else text)[:_LONGEST_FOREIGN].strip()


def _places(trace: Any) -> list[str]:
    frames = traceback.extract_tb(trace)[-5:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
