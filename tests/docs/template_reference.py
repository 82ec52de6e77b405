"""The generated parts of docs/templates.md: `make docs` writes them. Knows no prose but its tables'."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

from sealbridge.templates.functions.table import GROUPS, TABLE, Row
from sealbridge.templates.limits import DEFAULT, Limits
from tests.interop.templates import cases

PAGE: Final = Path(__file__).parents[2] / "docs" / "templates.md"

_EXAMPLE: Final = re.compile(r"(\{\{.*) ->(?: (.*))?")
# Examples in the page, as `code` writes them.
_CODE: Final = r"(?:``+ ({0}.*?) ``+|`({0}[^`]*)`)"
_WRITTEN: Final = re.compile(_CODE.format(r"\{\{") + " → (?:" + _CODE.format("") + "|nothing)")

_BOUNDS: Final = {
    "source": "characters of a template",
    "output": "bytes printed",
    "size": "bytes of one text",
    "entries": "entries of one list or map",
    "total": "bytes of all that is made along the way, 32 for an entry",
    "steps": "steps: actions, operands, rounds of a `range`",
    "depth": "templates, blocks, parentheses and values within each other",
    "costly": "keys, certificates and password hashes made",
    "pattern": "bytes of one regular expression",
    "seconds": "seconds",
}


class Example(NamedTuple):
    """A template and what it renders to."""

    template: str
    output: str


class Reference(NamedTuple):
    """What the page says of one function, under all its names."""

    names: tuple[str, ...]
    parameters: tuple[str, ...]
    line: str
    examples: tuple[Example, ...]


def references(group: str) -> Iterator[Reference]:
    """The functions of a group in the order of the table."""
    names: dict[Callable[..., Any], list[str]] = {}
    rows: dict[Callable[..., Any], Row] = {}
    for name, row in TABLE.items():
        if row.group == group:
            function = getattr(import_module(f"sealbridge.templates.functions.{group}"), row.attribute)
            names.setdefault(function, []).append(name)
            rows[function] = row
    for function, row in rows.items():
        line, *others = (inspect.getdoc(function) or "").splitlines()
        written = (_EXAMPLE.fullmatch(other) for other in others)
        examples = tuple(Example(found[1], found[2] or "") for found in written if found)
        yield Reference(tuple(names[function]), _parameters(function, row), line, examples)


def examples(page: str) -> list[Example]:
    """Every example that a page shows."""
    return [
        Example(*(text.replace(r"\|", "|") for text in (found[1] or found[2], found[3] or found[4] or "")))
        for found in _WRITTEN.finditer(page)
    ]


def written(page: str) -> str:
    """The page with its generated parts as they have to be."""
    for name, content in {"bounds": _bounds, "differences": _differences, "functions": _functions}.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n{content()}\n{end}{after}"
    return page


def code(text: str) -> str:
    """Text as code in a table of Markdown."""
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{ticks}{space}{text}{space}{ticks}".replace("|", r"\|")


def _parameters(function: Callable[..., Any], row: Row) -> tuple[str, ...]:
    parameters = list(inspect.signature(function).parameters.values())
    if row.parameters.startswith("budget"):
        del parameters[0]
    return tuple(
        f"{name}..." if parameter.kind is inspect.Parameter.VAR_POSITIONAL else name
        for parameter in parameters
        for name in [parameter.name.strip("_")]
    )


def _functions() -> str:
    parts: list[str] = []
    for group, title in GROUPS.items():
        parts.append(f"### {title}\n\n| function | what it gives | example |\n|---|---|---|\n")
        for reference in references(group):
            first, *others = reference.names
            names = ", ".join([code(" ".join((first, *reference.parameters))), *map(code, others)])
            parts.append(f"| {names} | {reference.line} | {_shown(reference.examples[0])} |\n")
        parts.append("\n")
    return "".join(parts).rstrip("\n")


def _shown(example: Example) -> str:
    return f"{code(example.template)} → {code(example.output) if example.output else 'nothing'}"


def _bounds() -> str:
    bounds = [f"| {_BOUNDS[field.name]} | {_amount(field.name)} |" for field in fields(Limits)]
    return "\n".join(("| bound | at most |", "|---|---|", *bounds))


def _amount(bound: str) -> str:
    amount = getattr(DEFAULT, bound)
    return (
        f"{amount >> 20} MiB" if bound in ("output", "size", "total") else f"{amount:,.0f}".replace(",", " ")
    )


def _differences() -> str:
    """Every reason for which the corpus differs, with the shortest template that shows it."""
    shortest: dict[str, str] = {}
    for group in cases.GROUPS:
        corpus = cases.load(group)
        for digest, difference in corpus.differences.items():
            template = corpus.cases[digest].template
            reason = difference.reason
            if reason not in shortest or len(template) < len(shortest[reason]):
                shortest[reason] = template
    return "\n".join(
        ["| what | for example |", "|---|---|"]
        + [f"| {reason} | {code(shortest[reason])} |" for reason in sorted(shortest, key=str.casefold)]
    )


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
