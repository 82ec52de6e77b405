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
_INTENDED = (
    "OS signals are ignored",
    "Cleanup activity is not executed",
    # Its watch was ended before it had begun.
    "coroutine 'watcher' was never awaited",
)
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
        return json.dumps(self.fields(record), ensure_ascii=False, default=str)

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """What is shown of a record, in order."""
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
        return line


class TextFormatter(JsonFormatter):
    """The same for people: time, level and message, then the fields as `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        line = self.fields(record)
        time, level, logger, message = (line.pop(name) for name in ("time", "level", "logger", "msg"))
        head = f"{time} {level.upper():<7} {logger}: {_plain(message)}"
        return " ".join([head, *(f"{name}={_plain(value, quoted=True)}" for name, value in line.items())])


class _Below(logging.Filter):
    """Passes records below a level."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno < self._level


class _AsIntended(logging.Filter):
    """Without warnings of what we want of kopf: no signals in its thread, and an end without delay."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not any(text in str(record.msg) for text in _INTENDED)


def configure(
    level: str, stream: IO[str] | None = None, *, format_: str = "json", info_to_stdout: bool = False
) -> None:
    """Log to standard error from `level` on, replacing whatever handlers there are.

    `info_to_stdout`: what is below a warning goes to standard output instead."""
    handlers = [logging.StreamHandler(stream or sys.stderr)]
    if info_to_stdout:
        handlers[0].setLevel(logging.WARNING)
        handlers.append(logging.StreamHandler(sys.stdout))
        handlers[1].addFilter(_Below(logging.WARNING))
    for handler in handlers:
        handler.setFormatter(TextFormatter() if format_ == "text" else JsonFormatter())
        handler.addFilter(_AsIntended())
    # What Python itself warns of would be lines of another form.
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(logging.INFO)
    logging.getLogger(OWN).setLevel(level.upper())
    for name, lowest in _PINNED.items():
        logging.getLogger(name).setLevel(lowest)


def _plain(value: object, *, quoted: bool = False) -> str:
    """On one line; `quoted` where a value could be taken for two."""
    if isinstance(value, str) and value.isprintable() and not (quoted and (" " in value or "=" in value)):
        return value
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if quoted or not isinstance(value, str) else text[1:-1]


def _cut(text: str) -> str:
    bracket = _BRACKET.search(text)
    return (text[: bracket.start()] if bracket else text)[:_LONGEST_FOREIGN].strip()


def _places(trace: Any) -> list[str]:
    frames = traceback.extract_tb(trace)[-5:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
