"""Where the values of a YAML text stand in it. Knows positions; what scalars mean is kubectl_yaml's."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import yaml

_BLOCK_STYLES = frozenset({"|", ">"})


class Node:
    """A scalar, mapping, sequence or alias: text[start:end], in line with `column`.

    The end of a block scalar leaves its last line breaks out, that of a block collection is the end of
    its last value.
    """

    __slots__ = ("anchored", "column", "end", "entries", "flow", "items", "kind", "start", "value")

    def __init__(self, kind: str, start: int, column: int) -> None:
        self.kind = kind  # scalar, mapping, sequence or alias
        self.start = self.end = start
        self.column = column
        self.value = ""
        self.flow = False
        self.anchored = False
        self.entries: list[tuple[Node, Node]] = []
        self.items: list[Node] = []


class Tree:
    """One document: its root, and the part of the text that is its own, from `---` on where it has one."""

    __slots__ = ("end", "explicit", "root", "start")

    def __init__(self, root: Node, start: int, end: int, *, explicit: bool) -> None:
        self.root = root
        self.start = start
        self.end = end
        self.explicit = explicit


def trees(text: str) -> list[Tree]:
    """The documents of a text that kubectl_yaml has read; empty ones among them."""
    parser: Any = yaml.CSafeLoader(text.encode())
    found: list[Tree] = []
    try:
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                explicit = bool(event.explicit)
                start = _index(event.start_mark)
                found.append(Tree(_document(parser, text), start, len(text), explicit=explicit))
    finally:
        parser.dispose()
    for before, after in pairwise(found):
        before.end = after.start
    if found and not found[0].explicit:
        found[0].start = 0  # what comments stand before it are its own
    return found


def _document(parser: Any, text: str) -> Node:
    stack: list[Node] = []
    keys: list[Node | None] = []
    while True:
        event: Any = parser.get_event()
        if isinstance(event, yaml.CollectionStartEvent):
            kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
            node = Node(kind, _index(event.start_mark), _column(event.start_mark))
            node.flow = bool(event.flow_style)
            node.anchored = event.anchor is not None
            stack.append(node)
            keys.append(None)
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            node = stack.pop()
            keys.pop()
            node.end = _index(event.end_mark) if node.flow else _last_end(node)
        elif isinstance(event, yaml.AliasEvent):
            node = Node("alias", _index(event.start_mark), _column(event.start_mark))
            node.end = _index(event.end_mark)
        else:
            node = _scalar(event, text)
        if not stack:
            parser.get_event()  # the end of the document
            return node
        parent = stack[-1]
        if parent.kind == "sequence":
            parent.items.append(node)
        elif (key := keys[-1]) is None:
            keys[-1] = node
        else:
            parent.entries.append((key, node))
            keys[-1] = None


def _scalar(event: Any, text: str) -> Node:
    node = Node("scalar", _index(event.start_mark), _column(event.start_mark))
    node.value = event.value
    node.end = _index(event.end_mark)
    node.anchored = event.anchor is not None
    if event.style in _BLOCK_STYLES:
        node.end = node.start + _length_of_block(text[node.start : node.end])
    return node


def _length_of_block(text: str) -> int:
    """Of a block scalar without what the parser counts to it: line breaks and comments behind its text."""
    header, *lines = text.rstrip().split("\n")
    indents = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
    # With an explicit indentation, the first line does not tell where the text begins.
    if not any(letter.isdigit() for letter in header.partition("#")[0]):
        while lines and (not lines[-1].strip() or _is_comment(lines[-1], indents[0])):
            lines.pop()
    return len("\n".join([header, *lines]).rstrip())


def _is_comment(line: str, indent: int) -> bool:
    return line.lstrip(" ").startswith("#") and len(line) - len(line.lstrip(" ")) < indent


def _index(mark: Any) -> int:
    return int(mark.index)


def _column(mark: Any) -> int:
    return int(mark.column)


def _last_end(node: Node) -> int:
    last = node.entries[-1][1] if node.entries else node.items[-1] if node.items else node
    return max(last.end, node.start)


def child(node: Node, key: str) -> Node | None:
    """The value of a key that stands in a mapping itself."""
    return next((value for name, value in node.entries if name.value == key), None)


def scalars(node: Node) -> list[tuple[int, int]]:
    """Where everything stands that is a value: what lies between is syntax and comments."""
    spans: list[tuple[int, int]] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.kind in ("scalar", "alias"):
            spans.append((one.start, one.end))
        waiting.extend(one.items)
        for key, value in one.entries:
            waiting += (key, value)
    return sorted(spans)


def comments(text: str, tree: Tree, *, first: bool) -> str:
    """The comments of a document, one a line. Syntax between values may be among them.

    What stands before the first document of a text counts as its own.
    """
    kept: list[str] = []
    at = 0 if first else tree.start
    for start, end in [*scalars(tree.root), (tree.end, tree.end)]:
        gap = text[at:start]
        kept += [part for line in gap.splitlines() if (part := line.partition("#")[2])]
        value = text[start:end]
        # The line of a block scalar's indicator can end with one.
        if value[:1] in _BLOCK_STYLES:
            kept.append(value.partition("\n")[0].partition("#")[2])
        at = max(at, end)
    return "\n".join(kept)
