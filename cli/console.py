"""What a person sees: stderr for words, stdout for data. Knows no command.

Colours and the width of tables depend on stderr being a terminal; NO_COLOR turns colours off.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sealbridge.errors import SealbridgeError

if TYPE_CHECKING:
    from datetime import datetime

_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}


def error(problem: SealbridgeError) -> None:
    """The `error:` line of a problem, and its `hint:` line when it has one."""
    first, *more = str(problem).split("\n")
    lines = [f"{paint('error:', 'red')} {clean(first)}", *(f"       {clean(line)}" for line in more)]
    if problem.hint:
        lines.append(f"{paint('hint:', 'yellow')} {clean(problem.hint)}")
    _write("\n".join(lines))


def traceback(failure: BaseException) -> None:
    """With SEALBRIDGE_DEBUG=1: where it happened, in code. No exception's text but our own errors'."""
    if os.environ.get("SEALBRIDGE_DEBUG") != "1":
        return
    from traceback import format_tb

    seen: BaseException | None = failure
    while seen is not None:
        text = f": {seen}" if isinstance(seen, SealbridgeError) else ""
        _write("traceback:\n" + "".join(format_tb(seen.__traceback__)) + f"{type(seen).__name__}{text}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def hint(text: str) -> None:
    """A `hint:` line by itself."""
    _write(f"{paint('hint:', 'yellow')} {clean(text)}")


def warning(text: str) -> None:
    """A `warning:` line: it goes on, and somebody should know."""
    _write(f"{paint('warning:', 'yellow')} {clean(text)}")


def note(text: str) -> None:
    """A line for people: what was done."""
    _write(clean(text))


def data(text: str) -> None:
    """Data to stdout, in UTF-8 whatever the locale says. Raises OSError when nobody takes it."""
    binary(text.encode())


def binary(content: bytes) -> None:
    """Data to stdout, byte by byte. Raises OSError when nobody takes it."""
    if sys.stdout is None:
        raise SealbridgeError("there is no stdout to write to", hint="do not close it, or write to a file")
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns on stderr, as wide as their widest cell; the header in bold on a terminal."""
    cells = [[clean(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for number, row in enumerate(cells):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        _write(paint(line, "bold") if number == 0 else line)


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def day(moment: datetime) -> str:
    """`January 2, 2006`, in any locale."""
    return f"{_MONTHS[moment.month - 1]} {moment.day}, {moment.year}"


def paint(text: str, colour: str) -> str:
    """The text in a colour where colours are wanted."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colourful() else text


def colourful() -> bool:
    """Whether stderr is a terminal that takes colours."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stderr is not None and sys.stderr.isatty()


def on_terminal() -> bool:
    """Whether somebody reads stderr as it comes."""
    return sys.stderr is not None and sys.stderr.isatty()


def clean(text: str) -> str:
    """The text with control characters made visible: what a file holds cannot steer the terminal."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _write(text: str) -> None:
    if sys.stderr is None:
        return
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stderr.flush()
