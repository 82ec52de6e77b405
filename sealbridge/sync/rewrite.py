"""dataFrom[].rewrite: keys renamed and values merged, one operation after the other. Pure; knows no store."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from sealbridge.errors import TemplateError
from sealbridge.sync.wire import Model
from sealbridge.templates import Template, string_map
from sealbridge.templates.functions.json_text import json_float
from sealbridge.templates.go.floats import format_float

# What JSON may nest; Go allows 10,000, of which nobody has a use in a Secret of 1 MiB.
_DEPTH = 100
# Of a key between two operations; what a Secret takes is much shorter.
_LONGEST_KEY = 4096
# Seconds that one ExternalSecret may take; its author may be nobody to trust.
_SECONDS = 20.0
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPES = re.compile('[\0-\x1f"\\\\\u2028\u2029]')
_HTML_ESCAPES = re.compile('[\0-\x1f"\\\\\u2028\u2029<>&]')
_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


class MergeStrategy(Enum):
    """What becomes of the merged objects: their keys take the place of all, or one JSON object is added."""

    EXTRACT = "Extract"
    JSON = "JSON"

    @classmethod
    def _missing_(cls, value: object) -> MergeStrategy | None:
        return cls.EXTRACT if value == "" else None


class ConflictPolicy(Enum):
    """Whether two of the merged objects may have the same key."""

    ERROR = "Error"
    IGNORE = "Ignore"

    @classmethod
    def _missing_(cls, value: object) -> ConflictPolicy | None:
        return cls.ERROR if value == "" else None


class PriorityPolicy(Enum):
    """Whether every key of `priority` must be there."""

    STRICT = "Strict"
    IGNORE_NOT_FOUND = "IgnoreNotFound"

    @classmethod
    def _missing_(cls, value: object) -> PriorityPolicy | None:
        return cls.STRICT if value == "" else None


class Regexp(Model, frozen=True):
    """Every match of `source` (RE2) in a key is replaced by `target`, where $1 and ${name} are groups."""

    source: str
    target: str


class Transform(Model, frozen=True):
    """A Go template whose `.value` is the key, and which makes the new one."""

    template: str


class Merge(Model, frozen=True):
    """The values, all JSON objects, become one: by key in order, those of `priority` last; the last wins."""

    into: str = ""
    priority: tuple[str, ...] = ()
    priority_policy: PriorityPolicy = PriorityPolicy.STRICT
    conflict_policy: ConflictPolicy = ConflictPolicy.ERROR
    strategy: MergeStrategy = MergeStrategy.EXTRACT


class Rewrite(Model, frozen=True):
    """One operation: exactly one of regexp, transform and merge."""

    regexp: Regexp | None = None
    transform: Transform | None = None
    merge: Merge | None = None


def problem_of(operation: Rewrite) -> str | None:
    """What is wrong with an operation whatever it is used on, or None."""
    given = [one for one in (operation.regexp, operation.transform, operation.merge) if one is not None]
    if len(given) != 1:
        return "must have exactly one of regexp, transform and merge"
    if operation.merge is not None and operation.merge.strategy is MergeStrategy.JSON:
        return None if operation.merge.into else "merge with strategy JSON needs `into`"
    try:
        _renaming(operation)
    except ValueError as error:
        return str(error)
    return None


class Time:
    """What all operations of one ExternalSecret together may take."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Raise ValueError when it is over."""
        if time.monotonic() > self._end:
            raise ValueError(f"it takes longer than {self._seconds:g} seconds")


def rewrite(
    operations: Iterable[Rewrite], entries: Mapping[str, bytes], allowed: Time | None = None
) -> dict[str, bytes]:
    """The entries after all operations. Raises ValueError that names operation and key, never a value."""
    allowed = allowed or Time()
    result = dict(entries)
    for number, operation in enumerate(operations):
        try:
            if operation.merge is not None:
                result = _merged(operation.merge, result)
            else:
                result = _renamed(_renaming(operation), result, allowed)
        except ValueError as error:
            raise ValueError(f"rewrite[{number}]: {error}") from None
    return result


def _renaming(operation: Rewrite) -> Callable[[str], str]:
    """What an operation on keys makes of a key. Raises ValueError when it can be used on none."""
    # Most ExternalSecrets rewrite nothing, and need neither RE2 nor templates for it.
    if operation.regexp is not None:
        return _replacer(operation.regexp)
    if operation.transform is not None:
        return _transformer(operation.transform)
    return str


def _replacer(regexp: Regexp) -> Callable[[str], str]:
    from sealbridge.templates.functions.regex import must_regex_replace_all
    from sealbridge.templates.go.patterns import compiled
    from sealbridge.templates.go.values import FunctionError, encoded
    from sealbridge.templates.limits import BoundExceeded, Budget

    source, target = encoded(regexp.source), encoded(regexp.target)
    try:
        compiled(Budget(), source)
    except (FunctionError, BoundExceeded) as error:
        raise ValueError(f"regexp.source: {error}") from None

    def replace(key: str) -> str:
        try:
            replaced = must_regex_replace_all(Budget(), source, encoded(key), target)
        except (FunctionError, BoundExceeded) as error:
            raise ValueError(f"key {key!r}: {error}") from None
        return replaced.decode("utf-8", "surrogateescape")

    return replace


def _transformer(transform: Transform) -> Callable[[str], str]:
    try:
        template = Template(transform.template, name="transform.template")
    except TemplateError as error:
        raise ValueError(str(error)) from None

    def render(key: str) -> str:
        try:
            return template.render(string_map({"value": key}))
        except TemplateError as error:
            raise ValueError(f"key {key!r}: {error}") from None

    return render


def _renamed(new_key: Callable[[str], str], entries: Mapping[str, bytes], allowed: Time) -> dict[str, bytes]:
    renamed: dict[str, bytes] = {}
    origins: dict[str, str] = {}
    for key in sorted(entries):
        allowed.check()
        new = new_key(key)
        if len(new) > _LONGEST_KEY:
            raise ValueError(f"the key {key[:40]!r} becomes longer than {_LONGEST_KEY} characters")
        if new in origins:
            raise ValueError(f"the keys {origins[new]!r} and {key!r} both become {new!r}")
        renamed[new], origins[new] = entries[key], key
    return renamed


def _merged(merge: Merge, entries: Mapping[str, bytes]) -> dict[str, bytes]:
    order = [*sorted(entries.keys() - set(merge.priority)), *dict.fromkeys(merge.priority)]
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    conflicts: dict[str, str] = {}
    for key in order:
        if key not in entries:
            if merge.priority_policy is PriorityPolicy.IGNORE_NOT_FOUND:
                continue
            raise ValueError(f"merge: there is no key {key!r}, which priority names")
        for field, value in _object(key, entries[key]).items():
            if field in origins:
                conflicts.setdefault(field, f"{field!r} is in {origins[field]!r} and {key!r}")
            merged[field], origins[field] = value, key
    if conflicts and merge.conflict_policy is ConflictPolicy.ERROR:
        raise ValueError(f"merge: {'; '.join(conflicts[field] for field in sorted(conflicts))}")
    if merge.strategy is MergeStrategy.JSON:
        return {**entries, merge.into: _json(merged, html=False).encode()}
    return {field: _plain(value) for field, value in merged.items()}


class _Number(str):
    """A number as it is written."""

    __slots__ = ()

    def plain(self) -> str:
        """In plain decimal, as Go prints a float64; an integer with all its digits."""
        if re.fullmatch("-?[0-9]+", self):
            return str(self)
        return format_float(float(self), "f", -1)

    def json(self) -> str:
        """As JSON, an integer with all its digits."""
        if re.fullmatch("-?[0-9]+", self):
            return str(self)
        return json_float(float(self))


def _number(text: str) -> _Number:
    if not math.isfinite(float(text)):
        raise ValueError("a number is too large")
    return _Number(text)


def _no_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


_DECODER = json.JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=_no_constant)


def _object(key: str, document: bytes) -> dict[str, Any]:
    """The JSON object that a value is. As in Go, null is an empty one."""
    try:
        value = _DECODER.decode(document.decode("utf-8", "replace"))
    except RecursionError:
        raise ValueError(f"merge: the value of {key!r} is JSON that is nested too deeply") from None
    except ValueError:
        raise ValueError(f"merge: the value of {key!r} is not JSON") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"merge: the value of {key!r} is JSON but not an object")  # noqa: TRY004
    return {_HALF.sub("\ufffd", field): entry for field, entry in value.items()}


def _plain(value: Any) -> bytes:
    """A merged value as an item: text as it is, null as nothing, all else as JSON."""
    if value is None:
        return b""
    if isinstance(value, _Number):
        return value.plain().encode()
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value).encode()
    return _json(value, html=True).encode()


def _json(value: Any, *, html: bool, depth: int = 0) -> str:
    """Compact JSON with sorted keys, as Go writes it."""
    if depth > _DEPTH:
        raise ValueError("merge: a value is nested too deeply")
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, _Number):
        return value.json()
    if isinstance(value, str):
        return _quoted(value, html=html)
    if isinstance(value, list):
        return "[" + ",".join(_json(entry, html=html, depth=depth + 1) for entry in value) + "]"
    fields = (
        f"{_quoted(key, html=html)}:{_json(value[key], html=html, depth=depth + 1)}" for key in sorted(value)
    )
    return "{" + ",".join(fields) + "}"


def _quoted(text: str, *, html: bool) -> str:
    escapes = _HTML_ESCAPES if html else _ESCAPES
    return '"' + escapes.sub(_escape, _HALF.sub("\ufffd", text)) + '"'


def _escape(match: re.Match[str]) -> str:
    return _NAMED.get(match[0]) or f"\\u{ord(match[0]):04x}"
