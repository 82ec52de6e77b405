"""YAML as sigs.k8s.io/yaml reads it, leniently. Knows documents; not what a template makes of them.

This is not `kubectl_yaml`, which refuses what nobody means in a manifest: a template gets what Go gives
it. Of keys that are there twice the last counts, keys may be numbers and booleans, tags are known, `<<`
replaces what stands before it, and what follows the first document is not looked at.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from typing import Any, Final

import yaml

from sealbridge.kubectl_yaml import resolve
from sealbridge.templates.go.floats import format_float
from sealbridge.templates.go.layout_reader import parse_time
from sealbridge.templates.go.printing import check_nesting
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import Budget

_TAG: Final = "tag:yaml.org,2002:"
_KINDS: Final = {bool: "bool", int: "int", float: "float", str: "str", type(None): "null"}
_RESOLVED: Final = frozenset(_TAG + name for name in ("bool", "int", "float", "null", "timestamp"))
_YEAR = re.compile(r"[0-9]{4}-")
_TIMES: Final = (
    b"2006-1-2T15:4:5.999999999Z07:00",
    b"2006-1-2t15:4:5.999999999Z07:00",
    b"2006-1-2 15:4:5.999999999",
    b"2006-1-2",
)
_COMPARISONS_PER_STEP: Final = 10
# Up to so many nodes nearly all may come from aliases, from the second number on a tenth.
_FEW, _MANY = 400_000, 4_000_000


class UnreadableError(Exception):
    """Why a document cannot be read, in the words of Go's yaml but without any value."""


class _Node:
    """A scalar, a list or a map, or an alias of one, as it is written."""

    __slots__ = ("children", "kind", "plain", "tag", "value")

    def __init__(self, kind: str, tag: str | None = None, value: str = "", *, plain: bool = False) -> None:
        self.kind = kind
        self.tag = tag
        self.value = value
        self.plain = plain
        self.children: list[_Node] = []


def read(text: bytes, budget: Budget) -> Any:
    """The first document: None, booleans, numbers, text, lists, and maps with text for keys.

    Raises UnreadableError and BoundExceeded.
    """
    # libyaml compares every directive with all before it.
    budget.work(text.count(b"%TAG") ** 2 >> _COMPARISONS_PER_STEP)
    parser: Any = yaml.CSafeLoader(text)
    try:
        root = _parse(parser, budget)
    except yaml.reader.ReaderError as error:
        raise UnreadableError(f"yaml: {error.reason}") from None
    except yaml.MarkedYAMLError as error:
        raise UnreadableError(_syntax(error)) from None
    finally:
        parser.dispose()
    return _named(_Builder(budget).build(root, 0)) if root else None


def is_time(text: str) -> bool:
    """Whether plain text is a time to Go's yaml, which then leaves it the text that it is."""
    if not _YEAR.match(text):
        return False
    for layout in _TIMES:
        try:
            parse_time(layout, text.encode())
        except FunctionError:
            continue
        return True
    return False


def _syntax(error: yaml.MarkedYAMLError) -> str:
    line = 0
    if error.problem_mark and error.problem_mark.line:
        # Go's scanner counts lines from one, its parser from zero.
        line = error.problem_mark.line + isinstance(error, yaml.scanner.ScannerError)
    elif error.context_mark:
        line = error.context_mark.line
    where = f"line {line}: " if line else ""
    return f"yaml: {where}{error.problem or 'unknown problem parsing YAML content'}"


def _parse(parser: Any, budget: Budget) -> _Node | None:
    """The first document as it is written, None if there is none. What follows its end is not read."""
    anchors: dict[str, _Node] = {}
    stack: list[_Node] = []
    root = None
    while not isinstance(event := parser.get_event(), (yaml.DocumentEndEvent, yaml.StreamEndEvent)):
        if isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            continue
        budget.step()
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
            continue
        node = _node(event, anchors)
        if stack:
            stack[-1].children.append(node)
        else:
            root = node
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append(node)
            check_nesting(len(stack))
    return root


def _node(event: Any, anchors: dict[str, _Node]) -> _Node:
    if isinstance(event, yaml.AliasEvent):
        if event.anchor not in anchors:
            raise UnreadableError("yaml: unknown anchor referenced")
        node = _Node("alias")
        node.children.append(anchors[event.anchor])
        return node
    if isinstance(event, yaml.ScalarEvent):
        node = _Node("scalar", event.tag, event.value, plain=event.implicit[0])
    else:
        node = _Node("map" if isinstance(event, yaml.MappingStartEvent) else "list", event.tag)
    if event.anchor is not None:
        anchors[event.anchor] = node
    return node


class _Builder:
    """Makes values of nodes; every alias becomes a copy."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._expanding: set[int] = set()
        self._built = 0
        self._copied = 0

    def build(self, node: _Node, depth: int) -> Any:
        """The value of a node."""
        self._count()
        if node.kind == "scalar":
            return _scalar(node)
        check_nesting(depth)
        if node.kind == "alias":
            target = self._enter(node)
            value = self.build(target, depth + 1)
            self._expanding.remove(id(target))
            return value
        if node.kind == "list":
            self._budget.hold(len(node.children))
            return [self.build(child, depth + 1) for child in node.children]
        into: dict[Any, Any] = {}
        self._fill(into, node, depth)
        # With those of other maps that were merged into it.
        self._budget.hold(len(into))
        return into

    def _count(self) -> None:
        self._budget.step()
        self._built += 1
        self._copied += bool(self._expanding)
        if self._copied > 100 and self._built > 1000:
            share = min(max((self._built - _FEW) / (_MANY - _FEW), 0.0), 1.0)
            if self._copied / self._built > 0.99 - 0.89 * share:
                raise UnreadableError("yaml: document contains excessive aliasing")

    def _enter(self, alias: _Node) -> _Node:
        target = alias.children[0]
        if id(target) in self._expanding:
            raise UnreadableError("yaml: anchor value contains itself")
        self._expanding.add(id(target))
        return target

    def _fill(self, into: dict[Any, Any], node: _Node, depth: int) -> None:
        self._budget.hold(len(node.children) // 2)
        children = iter(node.children)
        for key, value in zip(children, children, strict=True):
            if key.kind == "scalar" and key.value == "<<" and (key.plain or key.tag == _TAG + "merge"):
                self._merge(into, value, depth)
            else:
                into[_distinct(self.build(key, depth + 1))] = self.build(value, depth + 1)

    def _merge(self, into: dict[Any, Any], node: _Node, depth: int) -> None:
        check_nesting(depth)
        # Of a list the first counts most.
        for merged in reversed(node.children) if node.kind == "list" else (node,):
            self._count()
            if merged.kind == "map":
                self._fill(into, merged, depth + 1)
            elif merged.kind == "alias" and merged.children[0].kind == "map":
                target = self._enter(merged)
                self._fill(into, target, depth + 1)
                self._expanding.remove(id(target))
            else:
                raise UnreadableError("yaml: map merge requires map or sequence of maps as the value")


def _scalar(node: _Node) -> Any:
    tag, text = node.tag, node.value
    if tag == _TAG + "binary":
        return _binary(text)
    if tag is None:
        return resolve(text) if node.plain else text
    if tag not in _RESOLVED:
        return text
    value = resolve(text)
    found, wanted = _KINDS[type(value)], tag.removeprefix(_TAG)
    if wanted == "float" and found == "int":
        return float(value)
    if wanted == "timestamp" and is_time(text):
        return text
    if found != wanted:
        raise UnreadableError(f"yaml: cannot decode !!{found} as a !!{wanted}")
    return value


def _binary(text: str) -> str:
    try:
        data = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableError("yaml: !!binary value contains invalid base64 data") from None
    return data.decode(errors="surrogateescape")


def _distinct(key: Any) -> Any:
    """A key that is another for another type, as 1 and true are not to Python."""
    if isinstance(key, (dict, list)):
        raise UnreadableError("yaml: invalid map key")
    return key if isinstance(key, str) else (type(key), key)


def _named(value: Any) -> Any:
    """The same with text for all keys. Of keys that become the same text the last counts."""
    if isinstance(value, list):
        return [_named(entry) for entry in value]
    if isinstance(value, dict):
        return {key if isinstance(key, str) else _name(key[1]): _named(entry) for key, entry in value.items()}
    return value


def _name(key: Any) -> str:
    """A key as sigs.k8s.io/yaml makes text of it."""
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int) and -(1 << 63) <= key < 1 << 63:
        return str(key)
    if not isinstance(key, float):
        raise UnreadableError("unsupported map key")
    if math.isfinite(key):
        return format_float(_short(key), "g", -1)
    return ".nan" if key != key else ".inf" if key > 0 else "-.inf"


def _short(value: float) -> float:
    """The shortest decimal number that is the same one in 32 bits."""
    try:
        single = struct.pack("f", value)
    except OverflowError:
        return value
    for digits in range(9):
        short = float(f"{struct.unpack('f', single)[0]:.{digits}e}")
        if struct.pack("f", short) == single:
            return short
    return value
