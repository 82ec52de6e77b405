"""Label selectors as kubectl and the API server read them. Knows labels, no object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sealbridge.errors import UsageError

_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NAME, _LONGEST_PREFIX = 63, 253
_WORD = r"[^\s=!<>(),]*"
_SET = re.compile(rf"\s*({_WORD})\s+(in|notin)\s*\(([^()]*)\)\s*")
_EQUAL = re.compile(rf"\s*({_WORD})\s*(==|=|!=|<|>)\s*({_WORD})\s*")
_EXISTS = re.compile(rf"\s*(!?)\s*({_WORD})\s*")
_HINT = "write it like app=shop,tier!=test,zone in (a,b),!legacy"


@dataclass(frozen=True, slots=True)
class _Requirement:
    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "!":
                return value is None
            case "in":
                return value in self.values
            case "notin":
                return value not in self.values
            case _:
                return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        (bound,) = self.values
        if value is None or not re.fullmatch(r"[+-]?\d+", value):
            return False
        return int(value) > int(bound) if self.operator == ">" else int(value) < int(bound)


class Selector:
    """All requirements must hold; an empty selector selects everything."""

    def __init__(self, requirements: tuple[_Requirement, ...], text: str) -> None:
        self._requirements = requirements
        self._text = text

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Read `a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1`. Raises UsageError."""
        found: list[_Requirement] = []
        position = 0
        while position < len(text) and text.strip():
            requirement, position = _next(text, position)
            found.append(requirement)
            if position < len(text):
                if text[position] != "," or not text[position + 1 :].strip():
                    raise _error(text)
                position += 1
        return cls(tuple(found), text.strip())

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected."""
        return all(requirement.matches(labels) for requirement in self._requirements)

    def __str__(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._requirements)


def _next(text: str, position: int) -> tuple[_Requirement, int]:
    if found := _SET.match(text, position):
        key, operator, inner = found.groups()
        values = frozenset(value.strip() for value in inner.split(","))
        return _Requirement(_key(key, text), operator, _values(values, text)), found.end()
    if found := _EQUAL.match(text, position):
        key, operator, value = found.groups()
        if operator in "<>" and not re.fullmatch(r"[+-]?\d+", value):
            raise _error(text)
        word = {"=": "in", "==": "in", "!=": "notin"}.get(operator, operator)
        values = _values(frozenset({value}), text) if word in ("in", "notin") else frozenset({value})
        return _Requirement(_key(key, text), word, values), found.end()
    if found := _EXISTS.match(text, position):
        return _Requirement(_key(found[2], text), found[1] or "exists"), found.end()
    raise _error(text)


def _key(key: str, text: str) -> str:
    prefix, slash, name = key.rpartition("/")
    well = _NAME.fullmatch(name) and len(name) <= _LONGEST_NAME
    if not well or (slash and not (_PREFIX.fullmatch(prefix) and len(prefix) <= _LONGEST_PREFIX)):
        raise _error(text)
    return key


def _values(values: frozenset[str], text: str) -> frozenset[str]:
    if any(value and (len(value) > _LONGEST_NAME or not _NAME.fullmatch(value)) for value in values):
        raise _error(text)
    return values


def _error(text: str) -> UsageError:
    return UsageError(f"{text!r} is not a label selector", hint=_HINT)
