"""A YAML text changed so that it means something else, and nothing else of it changes.

Only the characters of what differs are replaced, so that comments, order, quotes and line ends stay. Not
every change can be made like this; whoever asks reads the result again and compares (`manifest_text`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from sealbridge import kubectl_yaml
from sealbridge.kubectl_yaml import resolve
from sealbridge.yaml_nodes import Node

_INDENT = 2
_SIMPLE = re.compile("[A-Za-z](?:[-A-Za-z0-9+/=._]|:(?=[^ ]))*")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*([ \t]+#[^\r\n]*)?")


class Patch(NamedTuple):
    """text[start:end] becomes `new`."""

    start: int
    end: int
    new: str


class NotEditableError(Exception):
    """The change cannot be made by replacing parts of the text."""


def patches(text: str, node: Node, old: Any, new: Any) -> list[Patch]:
    """What to replace so that `node`, which means `old`, means `new`. Raises NotEditableError."""
    found: list[Patch] = []
    _compare(_Text(text), node, old, new, None, found)
    return found


def apply(text: str, changes: list[Patch]) -> str:
    """The text with all replacements made. They must not overlap."""
    parts: list[str] = []
    at = 0
    for start, end, new in sorted(changes, key=lambda patch: (patch.start, patch.end)):
        if start < at:
            raise NotEditableError
        parts += (text[at:start], new)
        at = end
    return "".join([*parts, text[at:]])


def line_start(text: str, at: int) -> int:
    """Where the line begins that `at` is in."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Where the line ends that `at` is in: at its line break, or at the end of the text."""
    found = text.find("\n", at)
    if found < 0:
        return len(text)
    return found - 1 if found > at and text[found - 1] == "\r" else found


def line_break(text: str) -> str:
    """How lines end here, as the first one shows."""
    at = text.find("\n")
    return "\r\n" if at > 0 and text[at - 1] == "\r" else "\n"


def rendered(value: Mapping[str, Any], column: int, newline: str = "\n") -> str:
    """A mapping in block style, every line indented; no line break at the end."""
    pad = " " * column
    if all(_plain(key) and _plain(text) for key, text in value.items()):
        return newline.join(f"{pad}{key}: {text}" for key, text in value.items())
    lines = kubectl_yaml.dump(value).removesuffix("\n").split("\n")
    return newline.join(pad + line if line else line for line in lines)


class _Text(NamedTuple):
    text: str

    @property
    def newline(self) -> str:
        return line_break(self.text)


def _compare(
    whole: _Text, node: Node, old: Any, new: Any, parent: tuple[Node, Node] | None, found: list[Patch]
) -> None:
    """`parent` is the mapping around `node` and its key there."""
    if type(old) is type(new) and old == new:
        return
    if node.kind == "mapping" and isinstance(new, dict) and isinstance(old, dict):
        own = {key.value: (key, value) for key, value in node.entries}
        if any(key in own for key in new) and not (node.anchored and old != new):
            _compare_mapping(whole, node, own, old, new, found)
            return
    if node.kind == "sequence" and isinstance(old, list) and isinstance(new, list):
        if len(old) == len(new) == len(node.items):
            for one, before, after in zip(node.items, old, new, strict=True):
                _compare(whole, one, before, after, None, found)
            return
        raise NotEditableError
    if parent is None or node.anchored:
        raise NotEditableError
    _replace(whole, node, new, parent, found)


def _compare_mapping(
    whole: _Text,
    node: Node,
    own: dict[str, tuple[Node, Node]],
    old: dict[str, Any],
    new: dict[str, Any],
    found: list[Patch],
) -> None:
    added = {key: value for key, value in new.items() if key not in old}
    for key, before in old.items():
        if key not in own:
            # It comes from a merge key: what is written out wins over that, and nothing takes it away.
            if key not in new:
                raise NotEditableError
            if new[key] != before:
                added[key] = new[key]
        elif key in new:
            _compare(whole, own[key][1], before, new[key], (node, own[key][0]), found)
    removed = [key for key in old if key not in new]
    _remove(whole.text, node, removed, found)
    if added:
        kept = [pair for pair in node.entries if pair[0].value not in removed]
        _add(whole, node, kept, added, found)


def _add(
    whole: _Text, node: Node, kept: list[tuple[Node, Node]], added: dict[str, Any], found: list[Patch]
) -> None:
    text, newline = whole.text, whole.newline
    if node.flow:
        inner = ", ".join(f"{_flow(key)}: {_flow(value)}" for key, value in added.items())
        at = kept[-1][1].end
        found.append(Patch(at, at, ", " + inner))
        return
    at = line_end(text, kept[-1][1].end)
    lines = newline.join(rendered({key: value}, node.column, newline) for key, value in added.items())
    found.append(Patch(at, at, newline + lines))


def _remove(text: str, node: Node, removed: list[str], found: list[Patch]) -> None:
    for index, (key, value) in enumerate(node.entries):
        if key.value not in removed:
            continue
        following = node.entries[index + 1][0] if index + 1 < len(node.entries) else None
        start = line_start(text, key.start)
        if not node.flow and not text[start : key.start].strip():
            end = line_end(text, value.end)
            end += len(line_break(text)) if end < len(text) else 0
            found.append(Patch(start, end, ""))
        elif following is not None:
            found.append(Patch(key.start, following.start, ""))
        elif node.flow and index and node.entries[index - 1][0].value not in removed:
            found.append(Patch(node.entries[index - 1][1].end, value.end, ""))
        else:
            raise NotEditableError


def _replace(whole: _Text, node: Node, new: Any, parent: tuple[Node, Node], found: list[Patch]) -> None:
    text = whole.text
    mapping, key = parent
    if mapping.flow:
        space = " " if node.start == node.end else ""
        found.append(Patch(node.start, node.end, space + _flow(new)))
        return
    value = rendered({key.value: new}, mapping.column, whole.newline)
    name = key.value if _plain(key.value) else kubectl_yaml.dump({key.value: None}).rpartition(":")[0]
    value = value[mapping.column + len(name) + 1 :]
    colon = text.find(":", key.end) + 1
    if not colon or text[key.end : colon - 1].strip():
        raise NotEditableError
    inline = value.removeprefix(" ")
    if node.kind == "scalar" and node.start > colon and "\n" not in value:
        header = _BLOCK_HEADER.match(text, node.start) if text[node.start] in "|>" else None
        comment = (header[1] or "") if header else ""
        found.append(Patch(node.start, node.end, inline + comment))
        return
    if "#" in text[colon : node.start]:
        raise NotEditableError
    found.append(Patch(colon, node.end, value))


def _plain(value: Any) -> bool:
    """Whether a value is text that needs neither quotes nor the help of a YAML library, as most is."""
    return isinstance(value, str) and _SIMPLE.fullmatch(value) is not None and resolve(value) is value


def _flow(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
