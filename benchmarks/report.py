"""Rows of measurements and how they are shown. Knows no benchmark."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple


class Row(NamedTuple):
    """One measured figure. `note` says what it is held against, or how it was taken."""

    name: str
    value: float
    unit: str
    note: str = ""


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table, which reads well on a terminal too."""
    cells = [("what", "value", "unit", "note")]
    cells += [(row.name, _number(row.value), row.unit, row.note) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    lines = [_line(row, widths) for row in cells]
    lines.insert(
        1,
        "|" + "|".join("-" * (width + 1) + (":" if n == 1 else "-") for n, width in enumerate(widths)) + "|",
    )
    return "\n".join(lines)


def machine() -> str:
    """One line on when and where: date, processors, Python, kernel."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors ({platform.machine()}), "
        f"Python {platform.python_version()}, {platform.system()} {platform.release()}"
    )


def median(values: Iterable[float]) -> float:
    """The middle of the values, the lower of two."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    name, value, unit, note = row
    padded = (name.ljust(widths[0]), value.rjust(widths[1]), unit.ljust(widths[2]), note.ljust(widths[3]))
    return "| " + " | ".join(padded) + " |"
