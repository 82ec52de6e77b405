"""A file of manifests that is edited: some documents change, everything else stays to the letter.

Knows YAML and JSON, Lists and many documents; no kind but List. After every change the text is read
again and must mean exactly what was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from sealbridge.errors import ManifestError
from sealbridge.manifests import Document, is_json, read_documents
from sealbridge.yaml_editing import NotEditableError, Patch, apply, line_break, line_start, patches, rendered
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

    @cached_property
    def json(self) -> bool:
        """Whether it is JSON."""
        return is_json(self._body, self.file)

    @property
    def _body(self) -> bytes:
        return self._data.removeprefix(self._bom)

    @cached_property
    def _text(self) -> str:
        return self._body.decode()

    @cached_property
    def _trees(self) -> list[Tree]:
        return trees(self._text)

    def comments(self, document: Document) -> str:
        """The comments of the document that `document` is, or is an item of."""
        if self.json:
            return ""
        return comments(self._text, self._trees[document.number - 1], first=document.number == 1)

    def all_comments(self) -> list[str]:
        """Those of every document, also of empty ones."""
        if self.json:
            return []
        return [comments(self._text, tree, first=number == 0) for number, tree in enumerate(self._trees)]

    def edited(self, changes: Mapping[int, Change]) -> Edited:
        """The text with documents changed, by their places in `documents`.

        Raises ManifestError when that cannot be done without harm.
        """
        if not changes:
            return Edited(self._data, ())
        if self.json:
            return Edited(self._bom + _json_edited(self._text, self.documents, changes).encode(), ())
        flat: set[int] = set()
        while True:
            result, bad = self._attempt(changes, flat)
            if not bad:
                flattened = tuple(self.documents[index] for index in sorted(flat))
                return Edited(self._bom + result.encode(), flattened)
            if bad <= flat:
                raise ManifestError(
                    "it cannot be edited in place, its YAML is too unusual",
                    where=self.file,
                    hint="write the result to another file with -w",
                )
            flat |= bad

    def _attempt(self, changes: Mapping[int, Change], flat: set[int]) -> tuple[str, set[int]]:
        """The text with all changes, those of `flat` written anew; or which could not be made."""
        found, bad = _yaml_patches(self._text, self._trees, self.documents, changes, flat)
        if bad:
            return "", bad
        try:
            result = apply(self._text, found)
            now = [document.obj for document in read_documents(result.encode(), file=self.file)]
        except (NotEditableError, ManifestError):
            return "", set(changes)
        wanted = [
            (index, changes[index].obj if index in changes else document.obj)
            for index, document in enumerate(self.documents)
        ]
        left = [(index, obj) for index, obj in wanted if obj is not None]
        if len(now) != len(left):
            return "", set(changes)
        wrong = {index for (index, obj), read in zip(left, now, strict=True) if read != obj}
        # What was not to be changed and did change is the work of something that was.
        return result, wrong if wrong <= changes.keys() else set(changes)


def _yaml_patches(
    text: str, forest: list[Tree], documents: list[Document], changes: Mapping[int, Change], flat: set[int]
) -> tuple[list[Patch], set[int]]:
    """What to replace, and the changes for which nothing can be told."""
    found: list[Patch] = []
    bad: set[int] = set()
    removals: dict[int, list[int]] = {}
    for index, change in changes.items():
        document = documents[index]
        tree = forest[document.number - 1]
        if change.obj is None:
            if document.item is None:
                found.append(Patch(tree.start, tree.end, ""))
            else:
                removals.setdefault(document.number, []).append(index)
            continue
        try:
            found += _changes(text, tree, document, change, flat=index in flat)
        except (NotEditableError, ManifestError):
            bad.add(index)
    for number, indices in removals.items():
        try:
            found += _item_removals(text, forest[number - 1], {(documents[i].item or 1) - 1 for i in indices})
        except NotEditableError:
            bad.update(indices)
    return found, bad


def _changes(text: str, tree: Tree, document: Document, change: Change, *, flat: bool) -> list[Patch]:
    assert change.obj is not None  # noqa: S101 - what is taken out is not changed
    node = _node(tree, document)
    if flat:
        return [Patch(node.start, node.end, _anew(text, tree, document, node, change.obj))]
    if change.reshape is not None:
        return [_reshaped(text, node, tree.end, change.obj, change.reshape)]
    inherited = _inherited(document, node)
    return patches(text, node, _without(document.obj, inherited), _without(change.obj, inherited))


def _anew(text: str, tree: Tree, document: Document, node: Node, obj: dict[str, Any]) -> str:
    """An object as if nothing had stood there: in block style, or in braces where it is within brackets."""
    items = child(tree.root, "items") if document.item is not None else None
    if items is not None and items.flow:
        import json

        return json.dumps(obj, ensure_ascii=False)
    return rendered(obj, node.column, line_break(text)).lstrip(" ")


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
