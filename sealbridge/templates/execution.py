"""Nodes into text: control flow over evaluated expressions. Knows no function and no type by name."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

from sealbridge.errors import SealbridgeError, TemplateError, defect
from sealbridge.templates.evaluation import Evaluator, ExpressionError
from sealbridge.templates.go.printing import text_of
from sealbridge.templates.go.runes import REPLACEMENT
from sealbridge.templates.go.values import INVALID, Int32, is_integer, truth, type_name, with_article
from sealbridge.templates.lexer import short
from sealbridge.templates.limits import BoundExceeded, Budget
from sealbridge.templates.nodes import Action, Body, Break, If, Invoke, Pipeline, Range, Text, With
from sealbridge.templates.parser import Tree

_NO_VALUE = b"<no value>"
# How many entries of a map are put in order in one step.
_ENTRIES_PER_STEP = 10
# How many bytes of a text a range goes over before it looks at others.
_PIECE = 4096


class _Flow(Enum):
    """How a body ended, where it did not simply end."""

    BREAK = "break"
    CONTINUE = "continue"


class Rendering:
    """One rendering of a tree over data."""

    def __init__(self, tree: Tree, data: Any, budget: Budget, *, missing_is_error: bool) -> None:
        self._tree = tree
        self._data = data
        self._budget = budget
        self._missing_is_error = missing_is_error
        self._evaluator = Evaluator(data, budget, missing_is_error=missing_is_error)
        self._output: list[bytes] = []
        self._depth = 0
        # The innermost expression being worked on, for the error of a bound.
        self._at: Pipeline | Invoke | None = None

    def text(self) -> bytes:
        """The output. Raises TemplateError, with the place and expression it failed at."""
        try:
            self._body(self._data, self._tree.bodies[self._tree.name])
            return b"".join(self._output)
        except ExpressionError as error:
            raise error.told(self._tree) from None
        except BoundExceeded as error:
            raise self._told(str(error)) from None
        except RecursionError:
            raise self._told("values are nested too deeply") from None
        except MemoryError:
            raise self._told("there is not enough memory") from None
        except SealbridgeError:
            raise
        except Exception as error:  # noqa: BLE001 - a template must not end who renders it
            # Its text may hold a value, and so may those of what it was caused by.
            found = defect(error)
            raise self._told(found.what, found.hint) from None

    def _told(self, what: str, hint: str | None = None) -> TemplateError:
        return ExpressionError(what, self._at or _Start, hint).told(self._tree)

    def _body(self, dot: Any, body: Body) -> _Flow | None:
        for node in body:
            if isinstance(node, Text):
                self._write(node.text)
            elif isinstance(node, Action):
                self._action(dot, node.pipeline)
            elif isinstance(node, (If, With)):
                flow = self._branch(dot, node)
                if flow:
                    return flow
            elif isinstance(node, Range):
                flow = self._range(dot, node)
                if flow:
                    return flow
            elif isinstance(node, Invoke):
                self._invoke(dot, node)
            else:
                self._budget.step()
                return _Flow.BREAK if isinstance(node, Break) else _Flow.CONTINUE
        return None

    def _write(self, text: bytes) -> None:
        self._budget.step()
        self._budget.write(len(text))
        self._output.append(text)

    def _pipeline(self, dot: Any, pipeline: Pipeline) -> Any:
        self._at = pipeline
        return self._evaluator.pipeline(dot, pipeline)

    def _action(self, dot: Any, pipeline: Pipeline) -> None:
        value = self._pipeline(dot, pipeline)
        if pipeline.variables:
            return
        if value.__class__ is bytes:
            self._write(value)
        elif value is INVALID:
            self._write(_NO_VALUE)
        else:
            self._write(text_of(value))

    def _nest(self, node: Pipeline | Invoke) -> None:
        self._depth += 1
        if self._depth > self._budget.limits.depth:
            self._at = node
            raise BoundExceeded(
                f"more than {self._budget.limits.depth} templates and blocks run within each other"
            )

    def _branch(self, dot: Any, node: If | With) -> _Flow | None:
        variables = self._evaluator.variables
        known = len(variables)
        value = self._pipeline(dot, node.pipeline)
        self._nest(node.pipeline)
        flow = None
        if truth(value):
            flow = self._body(value if isinstance(node, With) else dot, node.body)
        elif node.otherwise is not None:
            flow = self._body(dot, node.otherwise)
        self._depth -= 1
        del variables[known:]
        return flow

    def _range(self, dot: Any, node: Range) -> _Flow | None:
        variables = self._evaluator.variables
        known = len(variables)
        value = self._pipeline(dot, node.pipeline)
        self._nest(node.pipeline)
        inside = len(variables)
        flow, ran = None, False
        for key, element in self._elements(value, node.pipeline):
            ran = True
            self._budget.step()
            self._set_loop(node.pipeline, key, element)
            ended = self._body(element, node.body)
            del variables[inside:]
            if ended is _Flow.BREAK:
                break
        if not ran and node.otherwise is not None:
            flow = self._body(dot, node.otherwise)
            # As Go has it: there, too, a break ends this range and not the one around it.
            flow = None if flow is _Flow.BREAK else flow
        self._depth -= 1
        del variables[known:]
        return flow

    def _set_loop(self, pipeline: Pipeline, key: Any, element: Any) -> None:
        """Give the variables of a range their values: the element, or the index and the element."""
        names = pipeline.variables
        if not names:
            return
        given = (element,) if len(names) == 1 else (key, element)
        variables = self._evaluator.variables
        for place, (name, value) in enumerate(zip(names, given, strict=True)):
            if pipeline.assigns:
                self._evaluator.set_variable(name, value, pipeline)
            else:
                variables[len(variables) - len(names) + place] = (name, value)

    def _elements(self, value: Any, pipeline: Pipeline) -> Iterable[tuple[Any, Any]]:
        if isinstance(value, list):
            return enumerate(value)
        if isinstance(value, dict):
            # As it is now: what happens to the map within the range does not count. Two lists, as a
            # list of pairs would take up ten times as much, and ranges may stand within each other.
            self._budget.work(len(value) >> _ENTRIES_PER_STEP)
            keys = sorted(value)
            return zip(keys, [value[key] for key in keys], strict=True)
        if value is INVALID:
            return ()
        if is_integer(value):
            if len(pipeline.variables) > 1:
                raise ExpressionError("a range over a number has one variable only", pipeline)
            return ((None, type(value)(number)) for number in range(value))
        if isinstance(value, bytes):
            return _runes(value)
        raise ExpressionError(f"`range` cannot go over {with_article(type_name(value))}", pipeline)

    def _invoke(self, dot: Any, node: Invoke) -> None:
        self._at = node
        body = self._tree.bodies.get(node.name)
        if body is None:
            name = short(node.name.decode("utf-8", "replace"))
            raise ExpressionError(f"there is no template `{name}`", node)
        value = INVALID if node.pipeline is None else self._pipeline(dot, node.pipeline)
        self._nest(node)
        around = self._evaluator
        self._evaluator = around.within(value)
        self._body(value, body)
        self._evaluator = around
        self._depth -= 1


def _runes(text: bytes) -> Iterator[tuple[int, Int32]]:
    """The characters of a string as numbers, each with the offset of its first byte."""
    # Piece by piece: decoded as a whole a text takes up four times as much, in every range around.
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    offset = 0
    for start in range(0, len(text), _PIECE):
        for character in decoder.decode(text[start : start + _PIECE], start + _PIECE >= len(text)):
            if character < "\x80":
                yield offset, Int32(ord(character))
                offset += 1
            elif "\udc80" <= character <= "\udcff":
                # A byte that is no UTF-8.
                yield offset, Int32(ord(REPLACEMENT))
                offset += 1
            else:
                yield offset, Int32(ord(character))
                offset += len(character.encode())


class _Start:
    """The start of a template, for an error that happens before anything is evaluated."""

    start = 0
    end = 0
