"""The YAML of a Secret in the shape of a SealedSecret: comments and order stay, values are replaced.

What comes out is near what is wanted; `manifest_text` sees to it that it means just that. No value of
the Secret is in it: only what is sealed is put where values stood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from sealbridge.sealing.sealed_secret import API_VERSION, KIND
from sealbridge.yaml_editing import NotEditableError, Patch, line_break, line_end, line_start, rendered
from sealbridge.yaml_nodes import Node, scalars

_VALUES = ("data", "stringData")
_NAMES = {"apiVersion": API_VERSION, "kind": KIND}
_OUTER = ("name", "namespace")
_TEMPLATE = ("type", "immutable")
_HEADER = re.compile(r"[|>][-+0-9]*([ \t]+#[^\r\n]*)?")


class _Entry(NamedTuple):
    """An entry of a block mapping with the lines that belong to it.

    `lead` are comments and blank lines above it, `start` is where its key's line begins, `end` the end
    of its last line, with comments below that are indented deeper.
    """

    key: Node
    value: Node
    lead: str
    start: int
    end: int


def reshape(
    text: str, node: Node, end: int, *, sealed: Mapping[str, str], name: str, namespace: str
) -> Patch:
    """Replace the mapping `node` of a document that ends at `end`. Raises NotEditableError."""
    newline = line_break(text)
    column = node.column
    pad = " " * column
    lines: list[str] = []
    items: list[str] = []
    inside: list[str] = []
    moved: list[str] = []
    template: list[str] = []
    place = None
    entries = _entries(text, node, end)
    given = {key.value for key, _ in node.entries}
    for entry in entries:
        key = entry.key.value
        if key in _VALUES:
            place = len(lines) if place is None else place
            inside.append(entry.lead)
            inside += _own_comment(text, entry, newline, pad)
            wins = key == "data" and "stringData" in given
            skipped = _keys(node, "stringData") if wins else frozenset()
            items += _items(
                text, entry, {key: sealed[key] for key in sealed if key not in skipped}, column + 4
            )
        elif key in _TEMPLATE:
            template.append(_shifted(entry.lead + _lines(text, entry), 4))
        elif key == "metadata":
            outer, inner = _metadata(text, entry, column)
            lines.append(entry.lead + outer)
            moved += inner
        else:
            lines.append(entry.lead + _renamed(text, entry))
    spec = [
        *inside,
        f"{pad}spec:{newline}{pad}  encryptedData:{newline}",
        *items,
        f"{pad}  template:{newline}{pad}    metadata:{newline}",
        rendered({"name": name} | ({"namespace": namespace} if namespace else {}), column + 6, newline)
        + newline,
        *moved,
        *template,
    ]
    lines.insert(len(lines) if place is None else place, "".join(spec))
    last = entries[-1].end
    composed = "".join(lines).rstrip(" \r\n")
    return Patch(node.start, last, composed.removeprefix(pad) if composed.startswith(pad) else composed)


def _entries(text: str, node: Node, limit: int) -> list[_Entry]:
    if node.kind != "mapping" or node.flow or node.anchored or not node.entries:
        raise NotEditableError
    found: list[_Entry] = []
    at = None
    for index, (key, value) in enumerate(node.entries):
        start = line_start(text, key.start)
        if value.kind == "mapping" and key.value == "<<":
            raise NotEditableError
        following = node.entries[index + 1][0].start if index + 1 < len(node.entries) else limit
        end = _with_tail(text, line_end(text, max(value.end, key.end)), following, node.column)
        lead = text[at:start] if at is not None and start >= at else ""
        # The first entry of an item of a list stands behind its dash.
        found.append(_Entry(key, value, lead, start if at is not None else key.start, end))
        at = end + len(line_break(text)) if end < len(text) else end
    return found


def _with_tail(text: str, end: int, limit: int, column: int) -> int:
    """The end of the last comment below that is indented deeper than `column`."""
    at = end
    while at < limit:
        begin = at + len(line_break(text))
        if begin >= limit:
            break
        stop = line_end(text, begin)
        line = text[begin:stop]
        stripped = line.lstrip(" ")
        if stripped and not (stripped.startswith("#") and len(line) - len(stripped) > column):
            break
        at = stop
        if stripped:
            end = stop
    return end


def _lines(text: str, entry: _Entry) -> str:
    """Its lines, each with a line break; the first one indented, also behind a dash."""
    pad = "" if entry.start < entry.key.start else " " * entry.key.column
    return pad + text[entry.start : entry.end] + line_break(text)


def _renamed(text: str, entry: _Entry) -> str:
    """Its lines, with what a SealedSecret calls itself."""
    lines = _lines(text, entry)
    name = _NAMES.get(entry.key.value)
    if name is None or entry.value.kind != "scalar":
        return lines
    begin = len(lines) - len(line_break(text)) - (entry.end - entry.value.start)
    return lines[:begin] + name + lines[begin + entry.value.end - entry.value.start :]


def _inner(text: str, entry: _Entry) -> list[tuple[_Entry, int]]:
    value = entry.value
    if value.kind == "scalar" and not value.value:
        return []
    if value.kind == "mapping" and not value.entries:
        return []
    if value.start < entry.key.end or "\n" not in text[entry.key.end : value.start]:
        raise NotEditableError
    lead = _first_lead(text, entry)
    found = _entries(text, value, entry.end)
    first = found[0]._replace(start=line_start(text, found[0].key.start), lead=lead)
    return [(one, value.column) for one in (first, *found[1:])]


def _first_lead(text: str, entry: _Entry) -> str:
    """What stands between the line of a key and the first entry of its mapping."""
    begin = line_end(text, entry.key.end) + len(line_break(text))
    return text[begin : line_start(text, entry.value.entries[0][0].start)]


def _own_comment(text: str, entry: _Entry, newline: str, pad: str) -> list[str]:
    """A comment in the line of the key, as a line of its own."""
    line = text[entry.key.end : line_end(text, entry.key.end)]
    before, mark, comment = line.partition("#")
    return [f"{pad}#{comment}{newline}"] if mark and not before.strip(" \t:") else []


def _items(text: str, entry: _Entry, sealed: Mapping[str, str], column: int) -> list[str]:
    if _flow(text, entry.value):
        keys = [key.value for key, _ in entry.value.entries]
        newline = line_break(text)
        return [rendered({key: sealed[key]}, column, newline) + newline for key in keys if key in sealed]
    inner = _inner(text, entry)
    items = [
        _item(text, item, sealed, column - value_column)
        for item, value_column in inner
        if item.key.value in sealed
    ]
    return [*items, *_tail(text, entry, inner, column)]


def _tail(text: str, entry: _Entry, inner: list[tuple[_Entry, int]], column: int) -> list[str]:
    """The comments below the last entry inside."""
    if not inner:
        return []
    last, value_column = inner[-1]
    lines = text[last.end + len(line_break(text)) : entry.end]
    return [_shifted(lines + line_break(text), column - value_column)] if lines.strip() else []


def _flow(text: str, value: Node) -> bool:
    """A mapping in braces without comments: what is in it can be written anew."""
    return value.kind == "mapping" and value.flow and "#" not in _syntax(text, value)


def _syntax(text: str, node: Node) -> str:
    """What stands between the scalars."""
    parts, at = [], node.start
    for start, end in [*scalars(node), (node.end, node.end)]:
        parts.append(text[at:start])
        at = max(at, end)
    return "".join(parts)


def _item(text: str, item: _Entry, sealed: Mapping[str, str], delta: int) -> str:
    value = item.value
    header = _HEADER.match(text, value.start) if text[value.start : value.start + 1] in ("|", ">") else None
    comment = (header[1] or "") if header else ""
    space = "" if value.start > item.key.end + 1 else " "
    line = (
        text[item.start : value.start]
        + space
        + sealed[item.key.value]
        + comment
        + text[value.end : item.end]
        + line_break(text)
    )
    return _shifted(item.lead + line, delta)


def _metadata(text: str, entry: _Entry, column: int) -> tuple[str, list[str]]:
    """The outer metadata, and the entries that go to the template."""
    newline = line_break(text)
    if _flow(text, entry.value):
        names = {key.value: value.value for key, value in entry.value.entries if key.value in _OUTER}
        before = text[entry.key.start : entry.value.start].rstrip()
        lines = f"{' ' * column}{before}{text[entry.value.end : entry.end]}{newline}"
        return lines + (rendered(names, column + 2, newline) + newline if names else ""), []
    inner = _inner(text, entry)
    first = " " * column + text[entry.key.start : line_end(text, entry.key.end)] + newline
    kept, moved = [first], []
    for item, value_column in inner:
        lines = item.lead + _lines(text, item)
        if item.key.value in _OUTER:
            kept.append(lines)
        else:
            moved.append(_shifted(lines, column + 6 - value_column))
    target = moved or kept
    target += _tail(text, entry, inner, column + 6 if moved else column + 2)
    return "".join(kept), moved


def _shifted(lines: str, by: int) -> str:
    if by == 0:
        return lines
    moved = []
    for line in lines.splitlines(keepends=True):
        if not line.strip():
            moved.append(line)
        elif by > 0:
            moved.append(" " * by + line)
        else:
            indent = len(line) - len(line.lstrip(" "))
            moved.append(line[min(-by, indent) :])
    return "".join(moved)


def _keys(node: Node, name: str) -> frozenset[str]:
    value = next(value for key, value in node.entries if key.value == name)
    return frozenset(key.value for key, _ in value.entries)
