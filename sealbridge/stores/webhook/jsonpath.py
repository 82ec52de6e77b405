"""JSONPath over parsed JSON: names, indexes, slices, wildcards, descent, filters. Knows no request.

As the library of External Secrets Operator has it: a path that can have one result only gives that, any
other a list. Numbers are text (see `documents`), so that none loses a digit. Bounded in steps.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from sealbridge.errors import Invalid
from sealbridge.stores.names import matcher

NOTHING: Any = object()

_LONGEST_PATH = 4096
_DEEPEST = 32
_STEPS = 200_000
_NAME = re.compile(r"[^\s.\[\]()'\"@,:?*=<>!&|~]+")
_INTEGER = re.compile(r"-?[0-9]{1,9}")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_COMPARISON = re.compile(r"==|!=|<=|>=|=~|<|>")
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class _Work:
    """Counts nodes that were looked at."""

    def __init__(self) -> None:
        self.left = _STEPS

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Invalid("result.jsonPath looks at too much of the answer")


# What one part of a path makes of a node.
_Selector = Callable[[Any, Any, _Work], Iterator[Any]]
# What a filter or operand makes of the current node and the whole document.
_Expression = Callable[[Any, Any, _Work], Any]


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path. `single`: it can have one result only."""

    selectors: tuple[_Selector, ...]
    single: bool

    def find(self, document: Any) -> Any:
        """The result, or NOTHING; a list of results where there may be several. Raises Invalid."""
        return self.within(document, document, _Work())

    def within(self, node: Any, root: Any, work: _Work) -> Any:
        """As `find`, beginning at a node."""
        results = [node]
        for selector in self.selectors:
            results = [found for result in results for found in selector(result, root, work)]
        if self.single:
            return results[0] if results else NOTHING
        return results


def parse(text: str) -> Path:
    """A path that begins with `$`. Raises Invalid."""
    if len(text) > _LONGEST_PATH:
        raise Invalid("result.jsonPath is too long")
    parser = _Parser(text)
    path = parser.path("$")
    parser.end()
    return path


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def path(self, start: str) -> Path:
        self._expect(start)
        selectors: list[_Selector] = []
        single = True
        while True:
            if self._take(".."):
                selectors.append(_descend)
                single = False
                if self._peek("["):
                    continue
                selectors.append(_every if self._take("*") else _named(self._name()))
            elif self._take("."):
                if self._take("*"):
                    single = False
                    selectors.append(_every)
                else:
                    selectors.append(_named(self._name()))
            elif self._take("["):
                selector, one = self._bracket()
                single = single and one
                selectors.append(selector)
            else:
                return Path(tuple(selectors), single)

    def end(self) -> None:
        self._space()
        if self._at < len(self._text):
            raise self._error()

    def _bracket(self) -> tuple[_Selector, bool]:
        selectors: list[_Selector] = []
        single = True
        while True:
            self._space()
            selector, one = self._selector()
            selectors.append(selector)
            single = single and one
            self._space()
            if self._take("]"):
                return (selectors[0], single) if len(selectors) == 1 else (_union(selectors), False)
            self._expect(",")

    def _selector(self) -> tuple[_Selector, bool]:
        if self._take("*"):
            return _every, False
        if self._take("?"):
            return _filter(self._any()), False
        if self._peek("'") or self._peek('"'):
            return _named(self._quoted()), True
        first = self._integer()
        if not self._take(":"):
            if first is None:
                raise self._error()
            return _indexed(first), True
        second = self._integer()
        third = self._integer() if self._take(":") else None
        if third == 0:
            raise self._error()
        return _sliced(slice(first, second, third)), False

    def _any(self) -> _Expression:
        """Alternatives, and with more strength conjunctions."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error()
        parts = [self._all()]
        while self._skip("||"):
            parts.append(self._all())
        self._depth -= 1
        if len(parts) == 1:
            return parts[0]
        return lambda node, root, work: any(_is_true(part(node, root, work)) for part in parts)

    def _all(self) -> _Expression:
        parts = [self._comparison()]
        while self._skip("&&"):
            parts.append(self._comparison())
        if len(parts) == 1:
            return parts[0]
        return lambda node, root, work: all(_is_true(part(node, root, work)) for part in parts)

    def _comparison(self) -> _Expression:
        left = self._operand()
        self._space()
        found = _COMPARISON.match(self._text, self._at)
        if found is None:
            return left
        self._at = found.end()
        right = self._operand()
        sign = found[0]
        return lambda node, root, work: _compare(sign, left(node, root, work), right(node, root, work))

    def _operand(self) -> _Expression:
        self._space()
        if self._take("("):
            inner = self._any()
            self._space()
            self._expect(")")
            return inner
        if self._peek("!") and not self._peek("!="):
            self._expect("!")
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self._error()
            negated = self._operand()
            self._depth -= 1
            return lambda node, root, work: not _is_true(negated(node, root, work))
        if self._peek("@"):
            path = self.path("@")
            return lambda node, root, work: path.within(node, root, work)
        if self._peek("$"):
            absolute = self.path("$")
            return lambda node, root, work: absolute.within(root, root, work)
        literal = self._literal()
        return lambda node, root, work: literal

    def _literal(self) -> Any:
        if self._peek("'") or self._peek('"'):
            return self._quoted()
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self._take(word):
                return value
        found = _NUMBER.match(self._text, self._at)
        if found is None:
            raise self._error()
        self._at = found.end()
        return msgspec.Raw(found[0].encode())

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        if found is None:
            raise self._error()
        self._at = found.end()
        return found[0]

    def _integer(self) -> int | None:
        self._space()
        found = _INTEGER.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        self._space()
        return int(found[0])

    def _quoted(self) -> str:
        quote = self._text[self._at]
        end = self._at + 1
        while end < len(self._text) and self._text[end] != quote:
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text):
            raise self._error()
        text = self._text[self._at + 1 : end]
        self._at = end + 1
        return _ESCAPE.sub(r"\1", text)

    def _space(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _peek(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _take(self, text: str) -> bool:
        taken = self._peek(text)
        self._at += len(text) if taken else 0
        return taken

    def _skip(self, text: str) -> bool:
        self._space()
        return self._take(text)

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._error()

    def _error(self) -> Invalid:
        return Invalid(f"result.jsonPath is not a JSONPath: it goes wrong at character {self._at + 1}")


def _named(name: str) -> _Selector:
    def select(node: Any, root: Any, work: _Work) -> Iterator[Any]:
        work.step()
        if isinstance(node, dict) and name in node:
            yield node[name]
        elif isinstance(node, list) and _INTEGER.fullmatch(name):
            yield from _indexed(int(name))(node, root, work)

    return select


def _indexed(index: int) -> _Selector:
    def select(node: Any, root: Any, work: _Work) -> Iterator[Any]:
        work.step()
        if isinstance(node, list) and -len(node) <= index < len(node):
            yield node[index]
        elif isinstance(node, dict) and str(index) in node:
            yield node[str(index)]

    return select


def _sliced(part: slice) -> _Selector:
    def select(node: Any, root: Any, work: _Work) -> Iterator[Any]:
        work.step()
        for child in node[part] if isinstance(node, list) else ():
            work.step()
            yield child

    return select


def _every(node: Any, root: Any, work: _Work) -> Iterator[Any]:
    for child in _children(node):
        work.step()
        yield child


def _descend(node: Any, root: Any, work: _Work) -> Iterator[Any]:
    """The node and all below it, each before its children."""
    waiting = [node]
    while waiting:
        work.step()
        current = waiting.pop()
        yield current
        waiting.extend(reversed(_children(current)))


def _union(selectors: list[_Selector]) -> _Selector:
    def select(node: Any, root: Any, work: _Work) -> Iterator[Any]:
        for selector in selectors:
            yield from selector(node, root, work)

    return select


def _filter(expression: _Expression) -> _Selector:
    def select(node: Any, root: Any, work: _Work) -> Iterator[Any]:
        for child in _children(node):
            work.step()
            if _is_true(expression(child, root, work)):
                yield child

    return select


def _children(node: Any) -> list[Any]:
    if isinstance(node, list):
        return node
    # In a set order, which JSON's objects do not have.
    return [node[key] for key in sorted(node)] if isinstance(node, dict) else []


def _is_true(result: Any) -> bool:
    """Whether something is there and does not say no."""
    return result is not NOTHING and result is not False and result is not None and result != []


def _compare(sign: str, left: Any, right: Any) -> bool:
    if left is NOTHING or right is NOTHING:
        return sign == "!=" and left is not right
    if sign == "=~":
        return isinstance(left, str) and isinstance(right, str) and matcher(right)(left)
    if isinstance(left, msgspec.Raw) and isinstance(right, msgspec.Raw):
        left, right = float(bytes(left)), float(bytes(right))
    elif type(left) is not type(right):
        return sign == "!="
    if sign in ("==", "!="):
        return bool((left == right) is (sign == "=="))
    return isinstance(left, (str, float)) and _ORDER[sign](left, right)
