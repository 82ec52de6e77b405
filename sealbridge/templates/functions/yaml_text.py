"""The functions of the group YAML, as External Secrets has them: sigs.k8s.io/yaml. Knows no file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cmp_to_key
from typing import Any, Final

import yaml

from sealbridge.kubectl_yaml import resolve
from sealbridge.templates.functions.json_text import must_to_json
from sealbridge.templates.functions.yaml_reader import UnreadableError, is_time, read
from sealbridge.templates.go.floats import format_float
from sealbridge.templates.go.printing import Text
from sealbridge.templates.go.runes import decode, is_digit, is_letter
from sealbridge.templates.go.values import FunctionError, wrap
from sealbridge.templates.limits import Budget

# Plain text is folded from here on, at its spaces.
_WIDTH: Final = 80
_CONVERTING: Final = "error converting YAML to JSON: "
_DECODING: Final = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
_JSON_KINDS: Final = {str: "string", bool: "bool", int: "number", float: "number", list: "array"}
# Numbers to base 60 as YAML 1.1 has them: none to Go, and yet in quotes for others' sake.
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_ANY: Final = (True, True)


def to_yaml(budget: Budget, value: Any) -> bytes:
    """`value` as YAML without the last end of line; nothing at all for what cannot be YAML.

    {{ dict "b" (list 1 "yes") "a" true | toYaml | replace "\\n" "|" }} -> a: true|b:|- 1|- "yes"
    {{ toYaml 1000000.5 }} -> 1.0000005e+06
    """
    # The way there is Go's own: through JSON, which then is read as YAML.
    try:
        read_back = read(must_to_json(budget, value), budget)
        stream = _Stream(budget)
        yaml.emit(_events(read_back), stream, Dumper=yaml.CSafeDumper, width=_WIDTH, allow_unicode=True)
    except (FunctionError, UnreadableError, yaml.YAMLError):
        return b""
    # libyaml marks the end of the document behind text that ends in empty lines; Go does not.
    text = stream.whole()
    if text.endswith(b"\n...\n"):
        text = text.removesuffix(b"...\n")
    return text.removesuffix(b"\n")


def from_yaml(budget: Budget, text: bytes) -> dict[bytes, Any]:
    """The map that the first YAML document of `text` is, numbers as float64; if it is none, why, as `Error`.

    {{ (fromYaml "port: 5432\\nhosts: [a, b]").hosts }} -> [a b]
    {{ (fromYaml "- a").Error | trunc 24 }} -> error unmarshaling JSON:
    """
    budget.grow(len(text))
    try:
        value = read(text, budget)
        if value is None:
            return {}
        converted = _go(value, budget)
    except UnreadableError as error:
        return {b"Error": f"{_CONVERTING}{error}".encode()}
    if not isinstance(converted, dict):
        kind = _JSON_KINDS[type(value)]
        return {b"Error": f"{_DECODING}{kind} into Go value of type map[string]interface {{}}".encode()}
    return converted


class _Stream:
    """Where libyaml writes to: lists within lists are indented, and take up far more than their entries."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._text = Text(budget.limits.size)

    def write(self, text: str) -> None:
        """As a file does. Raises BoundExceeded."""
        self._budget.check_time()
        self._text.add(text.encode())

    def whole(self) -> bytes:
        """Everything so far."""
        return self._text.whole()


def _go(value: Any, budget: Budget) -> Any:
    """Go's value for what was read, once it went through JSON."""
    if isinstance(value, str):
        text = decode(value.encode(errors="surrogateescape")).encode()
        # Aliases of one text are as many texts.
        budget.grow(len(text))
        return text
    if isinstance(value, list):
        budget.hold(len(value))
        return [_go(entry, budget) for entry in value]
    if isinstance(value, dict):
        budget.hold(len(value))
        return {_go(key, budget): _go(entry, budget) for key, entry in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise UnreadableError(f"json: unsupported value: {format_float(value, 'g', -1)}")
    return float(value) if type(value) is int else value


def _events(value: Any) -> Iterator[yaml.Event]:
    yield yaml.StreamStartEvent()
    yield yaml.DocumentStartEvent(explicit=False)
    yield from _value_events(value)
    yield yaml.DocumentEndEvent(explicit=False)
    yield yaml.StreamEndEvent()


def _value_events(value: Any) -> Iterator[yaml.Event]:
    if isinstance(value, dict):
        yield yaml.MappingStartEvent(None, None, implicit=True, flow_style=False)
        for key in sorted(value, key=_NATURAL):
            yield _text_event(key)
            yield from _value_events(value[key])
        yield yaml.MappingEndEvent()
    elif isinstance(value, list):
        yield yaml.SequenceStartEvent(None, None, implicit=True, flow_style=False)
        for entry in value:
            yield from _value_events(entry)
        yield yaml.SequenceEndEvent()
    elif isinstance(value, str):
        yield _text_event(value)
    else:
        yield yaml.ScalarEvent(None, None, _ANY, _plain(value))


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return format_float(value, "g", -1) if isinstance(value, float) else str(value)


def _text_event(text: str) -> yaml.ScalarEvent:
    style = None
    if "\n" in text:
        style = "|"
    elif resolve(text) is not text or _BASE_60.fullmatch(text) or is_time(text):
        style = '"'
    return yaml.ScalarEvent(None, None, _ANY, text, style=style)


def _compare(left: str, right: str) -> int:
    """The order of keys: letters come last, and numbers within the text go by their value."""
    for at, (mine, other) in enumerate(zip(left, right, strict=False)):
        if mine == other:
            continue
        letters = is_letter(mine), is_letter(other)
        if letters == (True, True):
            return -1 if mine < other else 1
        if any(letters):
            return 1 if letters[0] else -1
        return _compare_numbers(left, right, at)
    return len(left) - len(right)


def _compare_numbers(left: str, right: str, at: int) -> int:
    """What differs at `at` and is no letter: numbers, if digits begin or go on there."""
    # A zero behind other digits is a digit of their number and no leading zero.
    start = 0
    if "0" in (left[at], right[at]):
        before = at - 1
        while before >= 0 and is_digit(left[before]):
            if left[before] != "0":
                start = 1
                break
            before -= 1
    mine, my_end = _digits(left, at, start)
    other, other_end = _digits(right, at, start)
    if mine != other:
        return -1 if mine < other else 1
    if my_end != other_end:
        return my_end - other_end
    return -1 if left[at] < right[at] else 1


def _digits(text: str, at: int, number: int) -> tuple[int, int]:
    while at < len(text) and is_digit(text[at]):
        # Overflows as Go's 64 bits do, and takes digits of any script for what they are numbered.
        number = wrap(int, number * 10 + ord(text[at]) - 0x30)
        at += 1
    return number, at


_NATURAL: Final = cmp_to_key(_compare)
