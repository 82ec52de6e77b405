"""A file of manifests that is edited: some documents change, everything else stays to the letter.

Knows YAML and JSON, Lists and many documents; no kind but List. After every change the text is read
again and must mean exactly what was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sealbridge.errors import ManifestError
from sealbridge.manifests import Document, is_json, read_documents
from sealbridge.yaml_editing import NotEditableError, Patch, apply, line_start, patches, rendered
from sealbridge.yaml_nodes import Node, Tree, child, comments, trees

# Gives a mapping of the text another shape, before it is made to mean what is wanted.
Reshape = Callable[[str, Node, int], Patch]


class Change(NamedTuple):
    """What a document becomes; `obj` None takes it out."""

    obj: dict[str, Any] | None
    reshape: Reshape | None = None


class Edited(NamedTuple):
    """The new text, and the documents whose comments could not be kept."""

    data: bytes
    flattened: tuple[Document, ...]


class ManifestText:
    """The documents of a text, and the text itself."""

    def __init__(self, data: bytes, *, file: str) -> None:
        """Raises ManifestError when it cannot be read."""
        self.file = file
        self.documents = read_documents(data, file=file)
        self._bom = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
        self._data = data

    @property
    def json(self) -> bool:
        """Whether it is JSON."""
        return is_json(self._body, self.file)

    @property
    def _body(self) -> bytes:
        return self._data.removeprefix(self._bom)

    def comments(self, document: Document) -> str:
        """The comments of the document that `document` is, or is an item of."""
        if self.json:
            return ""
        text = self._body.decode()
        return comments(text, trees(text)[document.number - 1], first=document.number == 1)

    def edited(self, changes: Mapping[int, Change]) -> Edited:
        """The text with documents changed, by their places in `documents`.

        Raises ManifestError when that cannot be done without harm.
        """
        if not changes:
            return Edited(self._data, ())
        text = self._body.decode()
        if self.json:
            return Edited(self._bom + _json_edited(text, self.documents, changes).encode(), ())
        flat: set[int] = set()
        found = self._attempt(text, changes, flat)
        if found is None:
            # Something of it is beyond this: which of them, shows when each is tried alone.
            for index, change in changes.items():
                if change.obj is not None and self._attempt(text, {index: change}, set()) is None:
                    flat.add(index)
            found = self._attempt(text, changes, flat)
        if found is None:
            raise ManifestError(
                "it cannot be edited in place, its YAML is too unusual",
                where=self.file,
                hint="write the result to another file with -w",
            )
        return Edited(self._bom + found.encode(), tuple(self.documents[index] for index in sorted(flat)))

    def _attempt(self, text: str, changes: Mapping[int, Change], flat: set[int]) -> str | None:
        try:
            result = _yaml_edited(text, self.documents, changes, flat)
        except NotEditableError:
            return None
        wanted = [
            changes[index].obj if index in changes else document.obj
            for index, document in enumerate(self.documents)
        ]
        try:
            now = [document.obj for document in read_documents(result.encode(), file=self.file)]
        except ManifestError:
            return None
        return result if now == [obj for obj in wanted if obj is not None] else None


def _yaml_edited(text: str, documents: list[Document], changes: Mapping[int, Change], flat: set[int]) -> str:
    forest = trees(text)
    found: list[Patch] = []
    removals: dict[int, list[int]] = {}
    for index, change in changes.items():
        document = documents[index]
        tree = forest[document.number - 1]
        node = _node(tree, document)
        if change.obj is None:
            if document.item is None:
                found.append(_removal(text, tree))
            else:
                removals.setdefault(document.number, []).append(document.item - 1)
        elif index in flat:
            block = rendered(change.obj, node.column).lstrip(" ")
            found.append(Patch(node.start, node.end, block))
        elif change.reshape is not None:
            found.append(_reshaped(text, node, tree.end, change.obj, change.reshape))
        else:
            inherited = _inherited(document, node)
            found += patches(text, node, _without(document.obj, inherited), _without(change.obj, inherited))
    for number, items in removals.items():
        found += _item_removals(text, forest[number - 1], set(items))
    return apply(text, found)


def _inherited(document: Document, node: Node) -> dict[str, Any]:
    """What an item of a List has from the List."""
    if document.item is None:
        return {}
    names = (name for name in ("apiVersion", "kind") if name in document.obj)
    return {name: document.obj[name] for name in names if child(node, name) is None}


def _without(obj: dict[str, Any], inherited: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in obj.items() if key not in inherited or inherited[key] != value}


def _node(tree: Tree, document: Document) -> Node:
    if document.item is None:
        return tree.root
    items = child(tree.root, "items")
    if items is None or items.kind != "sequence" or len(items.items) < document.item:
        raise NotEditableError
    node = items.items[document.item - 1]
    if node.kind != "mapping":
        raise NotEditableError
    return node


def _reshaped(text: str, node: Node, end: int, obj: dict[str, Any], reshape: Reshape) -> Patch:
    start, stop, new = reshape(text, node, end)
    # Read by itself, at the column where it stands, so that positions in lines are the same.
    alone = " " * node.column + new
    (document,) = read_documents(alone.encode(), file="text")
    changed = apply(alone, patches(alone, trees(alone)[0].root, document.obj, obj))
    return Patch(start, stop, changed[node.column :])


def _removal(text: str, tree: Tree) -> Patch:
    return Patch(tree.start, tree.end, "")


def _item_removals(text: str, tree: Tree, gone: set[int]) -> list[Patch]:
    items = child(tree.root, "items")
    if items is None or items.flow or len(gone) == len(items.items):
        raise NotEditableError
    found = []
    for index in gone:
        start = line_start(text, items.items[index].start)
        last = index + 1 == len(items.items)
        end = tree.end if last else line_start(text, items.items[index + 1].start)
        if last and text[items.items[index].end : tree.end].strip():
            raise NotEditableError
        found.append(Patch(start, end, ""))
    return found


def _json_edited(text: str, documents: list[Document], changes: Mapping[int, Change]) -> str:
    import json

    whole = _json_values(text)
    by_number: dict[int, list[int]] = {}
    for index in changes:
        by_number.setdefault(documents[index].number, []).append(index)
    for number, indices in by_number.items():
        start, end, value = whole[number - 1]
        for index in sorted(indices, reverse=True):
            document, obj = documents[index], changes[index].obj
            if document.item is None:
                value = obj if obj is None else in_order_of(value, obj)
            elif obj is None:
                del value["items"][document.item - 1]
            else:
                items = value["items"]
                items[document.item - 1] = in_order_of(items[document.item - 1], obj)
        new = "" if value is None else _json_like(text[start:end], value, json.dumps)
        whole[number - 1] = (start, end, new)
    parts: list[str] = []
    at = 0
    for number, (start, end, value) in enumerate(whole, 1):
        parts += (text[at:start], value if number in by_number else text[start:end])
        at = end
    return "".join([*parts, text[at:]])


def _json_values(text: str) -> list[tuple[int, int, Any]]:
    import json

    decoder, at = json.JSONDecoder(), 0
    found = []
    while (begin := at + len(text[at:]) - len(text[at:].lstrip(" \t\r\n"))) < len(text):
        value, at = decoder.raw_decode(text, begin)
        found.append((begin, at, value))
    return found


def _json_like(old: str, value: Any, dumps: Callable[..., str]) -> str:
    """JSON in the layout of the old text: its indentation, or one line."""
    if "\n" not in old.strip():
        return dumps(value, ensure_ascii=False, separators=None if ": " in old else (",", ":"))
    indent = re.search(r"\n([ \t]+)\S", old)
    return dumps(value, ensure_ascii=False, indent=indent[1] if indent else 2)


def in_order_of(old: Any, new: Any) -> Any:
    """The new value, its keys in the order of the old one where it has them; others follow."""
    if not isinstance(new, dict) or not isinstance(old, dict):
        return new
    keys = [key for key in old if key in new] + [key for key in new if key not in old]
    return {key: in_order_of(old.get(key), new[key]) for key in keys}
