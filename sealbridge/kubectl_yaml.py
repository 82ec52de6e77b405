"""YAML as kubectl reads and understands it. Knows values and lines; no file, no kind.

Accepted is what kubectl accepts, minus what is never meant: duplicate keys, keys that are neither text nor
would be the same text (`8080` and `true` would, `yes` and `010` not), tags, anchors that contain themselves
or explode. Plain scalars mean what they mean to
kubectl (YAML 1.1 as Go reads it: `yes` and `y` are booleans, `012` is ten, `12:30` and `2026-01-01`
are strings), and what is written here is quoted so that kubectl reads it back as it was.

Values are built from the parser's events: PyYAML's constructor keeps the last of duplicate keys in
silence, expands anchors without bound and reads scalars in other ways.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

MAX_DEPTH = 100
# How many nodes the aliases and merge keys of one document may add to those that are written out.
MAX_EXPANSION = 100_000

_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_SPECIAL = frozenset(sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")) | frozenset(
    {".nan", ".NaN", ".NAN"}
)
_INTEGER = re.compile(r"([-+]?)(?:0[bB]([01]+)|0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES = (2, 16, 8, 10)
_NUMBER_STARTS = frozenset("+-.0123456789")
_LONGEST_NUMBER = 400
_TAG = "tag:yaml.org,2002:"
_QUOTES = "put quotes around it"


class Parsed(NamedTuple):
    """One document: its value, the line it begins on, and the lines of its mappings by id()."""

    value: Any
    line: int
    lines: Mapping[int, int]


class YamlError(Exception):
    """What is wrong and on which line; `hint` as in SealbridgeError."""

    def __init__(self, what: str, line: int, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.line = line
        self.hint = hint


def documents(data: bytes) -> Iterator[Parsed]:
    """The documents of a stream, one at a time, empty ones (value None) among them.

    Raises YamlError. `data` must be UTF-8.
    """
    parser = yaml.CSafeLoader(data)
    try:
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                yield _Builder(parser).build()
    except yaml.reader.ReaderError as error:
        line = data.count(b"\n", 0, max(error.position, 0)) + 1
        raise YamlError("a character that YAML does not allow", line) from None
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, data) from None
    finally:
        parser.dispose()


def resolve(text: str) -> Any:
    """What a plain scalar means: None, a boolean, a number, or the text itself."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text[0] not in _NUMBER_STARTS:
        return text
    return _number(text)


def dump(value: Mapping[str, Any]) -> str:
    """One document in block style with sorted keys, as kubectl and kubeseal write it."""
    text: str = yaml.dump(value, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, width=_WIDTH)
    return text


def _number(text: str) -> Any:
    if text in _SPECIAL:
        return math.nan if "n" in text.lower()[:2] else float(text.replace(".", ""))
    plain = text.replace("_", "")
    if len(plain) > _LONGEST_NUMBER:
        return text
    if match := _INTEGER.fullmatch(plain):
        sign, *bodies = match.groups()
        number = next(int(body, base) for body, base in zip(bodies, _BASES, strict=True) if body is not None)
        number = -number if sign == "-" else number
        if -(1 << 63) <= number < 1 << 64:
            return number
    if _FLOAT.fullmatch(plain):
        number_ = float(plain)
        return number_ if math.isfinite(number_) else text
    return text


class _Open:
    """A collection that is not complete yet."""

    __slots__ = ("anchor", "items", "key", "line", "merges", "size")

    def __init__(self, items: dict[str, Any] | list[Any], anchor: str | None, line: int) -> None:
        self.items = items
        self.anchor = anchor
        self.line = line
        self.key: str | None = None
        self.merges: list[dict[str, Any]] | None = None
        self.size = 1


class _Merge(str):
    """The key `<<`, which is told from a quoted one by its type."""

    __slots__ = ()


_MERGE = _Merge("<<")


class _Builder:
    """Builds the value of one document."""

    def __init__(self, parser: yaml.CSafeLoader) -> None:
        self._parser: Any = parser  # typeshed knows no event's fields
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._unfinished: set[str] = set()
        self._expansion = 0
        self._lines: dict[int, int] = {}

    def build(self) -> Parsed:
        """Read up to the end of the document."""
        stack: list[_Open] = []
        root: Any = None
        first = None
        while not isinstance(event := self._parser.get_event(), yaml.DocumentEndEvent):
            line = event.start_mark.line + 1
            first = line if first is None else first
            if isinstance(event, yaml.CollectionStartEvent):
                stack.append(self._opened(event, len(stack), line))
                continue
            if isinstance(event, yaml.CollectionEndEvent):
                done = stack.pop()
                value, size = self._closed(done), done.size
                line = done.line
            elif isinstance(event, yaml.AliasEvent):
                value, size = self._alias(str(event.anchor), line)
            else:
                value, size = self._scalar(event, line, bool(stack)), 1
                if event.anchor is not None:
                    self._anchors[event.anchor] = (value, 1)
            if stack:
                self._add(stack[-1], value, size, line, getattr(event, "value", ""))
            else:
                root = value
        return Parsed(root, first or 1, self._lines)

    def _opened(self, event: Any, depth: int, line: int) -> _Open:
        if depth >= MAX_DEPTH:
            raise YamlError(f"the document is nested more than {MAX_DEPTH} levels deep", line)
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _TAG + ("map" if mapping else "seq")):
            raise _refused_tag(line)
        if event.anchor is not None:
            self._unfinished.add(event.anchor)
        items: dict[str, Any] | list[Any] = {} if mapping else []
        return _Open(items, event.anchor, line)

    def _closed(self, done: _Open) -> dict[str, Any] | list[Any]:
        if done.merges and isinstance(done.items, dict):
            # What stands in the mapping wins over what is merged, earlier merges over later ones.
            for merged in done.merges:
                for key, value in merged.items():
                    done.items.setdefault(key, value)
        self._lines[id(done.items)] = done.line
        if done.anchor is not None:
            self._unfinished.discard(done.anchor)
            self._anchors[done.anchor] = (done.items, done.size)
        return done.items

    def _alias(self, anchor: str, line: int) -> tuple[Any, int]:
        if anchor in self._unfinished:
            raise YamlError("an anchor contains itself", line)
        if anchor not in self._anchors:
            raise YamlError("an alias points to an anchor that is not there", line)
        value, size = self._anchors[anchor]
        self._expansion += size
        if self._expansion > MAX_EXPANSION:
            raise YamlError(f"aliases expand to more than {MAX_EXPANSION} values", line)
        return value, size

    def _scalar(self, event: Any, line: int, inside: bool) -> Any:
        text: str = event.value
        tag = event.tag
        if tag is None:
            if not event.implicit[0]:
                return text
            if inside and text == "<<":
                return _MERGE
            return _checked(resolve(text), line)
        if tag in ("!", _TAG + "str"):
            return text
        value = _checked(resolve(text), line)
        wanted = {_TAG + "int": int, _TAG + "bool": bool, _TAG + "null": type(None), _TAG + "float": float}
        if tag not in wanted:
            raise _refused_tag(line)
        if tag == _TAG + "float" and type(value) is int:
            return float(value)
        if type(value) is not wanted[tag]:
            raise YamlError("a value is not what its tag says", line)
        return value

    def _add(self, parent: _Open, value: Any, size: int, line: int, text: str) -> None:
        """`text` is how a scalar is written."""
        parent.size += size
        items = parent.items
        if isinstance(items, list):
            items.append(str(value) if isinstance(value, _Merge) else value)
        elif parent.key is None:
            parent.key = _key(value, line, text)
            if not isinstance(value, _Merge) and parent.key in items:
                raise YamlError(f"the key {_shown(parent.key)} is there twice", line, "keep one of them")
        elif isinstance(parent.key, _Merge):
            self._merge(parent, value, line)
            parent.key = None
        else:
            items[parent.key] = str(value) if isinstance(value, _Merge) else value
            parent.key = None

    def _merge(self, parent: _Open, value: Any, line: int) -> None:
        if parent.merges is not None:
            raise YamlError("the key '<<' is there twice", line, "merge a list of aliases")
        merged = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in merged):
            raise YamlError("the key '<<' takes a mapping or a list of mappings", line)
        parent.merges = merged


def _key(value: Any, line: int, text: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 63 and text == str(value).lower():
        return text
    kinds = {dict: "a mapping", list: "a list", bool: "a boolean", type(None): "null"}
    raise YamlError(f"a key is {kinds.get(type(value), 'a number')}, it must be a string", line, _QUOTES)


def _checked(value: Any, line: int) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise YamlError("infinity and NaN have no place in a manifest", line, _QUOTES)
    return value


def _shown(key: str) -> str:
    return repr(key if len(key) <= 80 else key[:80] + "...")


def _refused_tag(line: int) -> YamlError:
    return YamlError("tags have no place in a manifest", line, "write the value without the tag")


def _syntax(error: yaml.MarkedYAMLError, data: bytes) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line = (mark.line if mark else 0) + 1
    lines = data.split(b"\n", line)
    if len(lines) >= line:
        text = lines[line - 1]
        if b"\t" in text[: len(text) - len(text.lstrip())]:
            return YamlError("a tab is used for indentation", line, "indent with spaces")
    # The parser's words are about syntax alone; its context quotes nothing either.
    return YamlError(f"not valid YAML: {error.problem or 'it cannot be parsed'}", line)


# Nothing is folded: one line of base64 stays one line.
_WIDTH = 2**31 - 1


class _Dumper(yaml.CSafeDumper):
    """Quotes what kubectl would not read back as the string that it is; writes no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text:
        style = "|"
    elif text == "<<" or resolve(text) is not text:
        style = '"'
    return dumper.represent_scalar(_TAG + "str", text, style=style)


_Dumper.add_representer(str, _text)
