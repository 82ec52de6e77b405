"""Expressions into values: pipelines, operands, fields and calls. Prints nothing.

The rules are those of text/template's exec.go. Wherever the original tells a nil in an interface from no
value at all, None and INVALID do; what comes out of a pipeline is INVALID in both cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sealbridge.errors import SealbridgeError, TemplateError, defect
from sealbridge.templates.calls import Function, fitting, nil, type_of_parameter
from sealbridge.templates.go.values import INVALID, FunctionError, Object, truth, type_name, with_article
from sealbridge.templates.lexer import short
from sealbridge.templates.limits import BoundExceeded, Budget
from sealbridge.templates.nodes import (
    Call,
    Chain,
    Command,
    Dot,
    Field,
    Literal,
    Nil,
    Numeral,
    Operand,
    Pipeline,
    Variable,
)
from sealbridge.templates.parser import Tree

_LISTED = 12
# How much of an argument counts as one step: 4 KiB of a string, 1024 entries of a list or map.
_BYTES_PER_STEP, _ENTRIES_PER_STEP = 12, 10
# What a command gets that is not behind a pipe.
ALONE: Final = object()
# What a function gives that ran out of memory.
_EXHAUSTED: Final = object()


class ExpressionError(Exception):
    """An expression cannot be evaluated: what is wrong with which part of the source."""

    def __init__(self, what: str, node: Any, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.node = node
        self.hint = hint

    def told(self, tree: Tree) -> TemplateError:
        """The error as people see it: `name:line:column`, what is wrong, and with which expression."""
        expression = short(" ".join(tree.source[self.node.start : self.node.end].split()))
        where = tree.places.at(self.node.start)
        return TemplateError(f"{self.what}, in `{expression}`", where=where, hint=self.hint)


class Evaluator:
    """Evaluates expressions over one set of data. Not to be shared between renderings."""

    def __init__(self, data: Any, budget: Budget, *, missing_is_error: bool) -> None:
        self.budget = budget
        self._root = data
        # As they are before a template makes a value a key of the data.
        self._keys = frozenset(data) if missing_is_error and isinstance(data, dict) else frozenset()
        self._missing_is_error = missing_is_error
        # The variables in sight, innermost last: a name and its value.
        self.variables: list[tuple[str, Any]] = [("$", data)]

    def within(self, data: Any) -> Evaluator:
        """The evaluator of a template invoked from here: `$` is its data, and no other variable is seen."""
        inner = Evaluator(data, self.budget, missing_is_error=self._missing_is_error)
        inner._root, inner._keys = self._root, self._keys
        return inner

    def set_variable(self, name: str, value: Any, node: Any) -> None:
        """Assign to a variable declared before."""
        for index in range(len(self.variables) - 1, -1, -1):
            if self.variables[index][0] == name:
                self.variables[index] = (name, value)
                return
        raise ExpressionError(f"the variable `{short(name)}` is not defined", node)

    def pipeline(self, dot: Any, pipeline: Pipeline) -> Any:
        """The value of a pipeline, which goes into its variables, too."""
        value: Any = ALONE
        for command in pipeline.commands:
            value = self._command(dot, command, value)
            if value is None:
                value = INVALID
        for name in pipeline.variables:
            if pipeline.assigns:
                self.set_variable(name, value, pipeline)
            else:
                self.variables.append((name, value))
        return value

    def _command(self, dot: Any, command: Command, final: Any) -> Any:
        operand = command.operand
        kind = operand.__class__
        if kind is Call:
            return self._call(dot, operand.function, command, command.arguments, final)
        if kind is Field:
            return self._fields(dot, dot, operand, command.arguments, final)
        if kind is Variable and operand.names:
            value = self._variable(operand)
            return self._fields(dot, value, operand, command.arguments, final)
        if kind is Chain:
            return self._fields(dot, self._value(dot, operand.operand), operand, command.arguments, final)
        if command.arguments or final is not ALONE:
            raise ExpressionError("only a function or method takes arguments", command)
        if kind is Nil:
            raise ExpressionError("`nil` is an argument and cannot stand alone", command)
        return self._value(dot, operand)

    def _value(self, dot: Any, operand: Operand) -> Any:
        """The value of an operand where any type will do; None for a nil in an interface."""
        self.budget.step()
        kind = operand.__class__
        if kind is Field:
            return self._fields(dot, dot, operand, (), ALONE)
        if kind is Literal:
            return operand.value
        if kind is Dot:
            return dot
        if kind is Variable:
            value = self._variable(operand)
            return self._fields(dot, value, operand, (), ALONE) if operand.names else value
        if kind is Pipeline:
            return self.pipeline(dot, operand)
        if kind is Call:
            return self._call(dot, operand.function, operand, (), ALONE)
        if kind is Chain:
            return self._fields(dot, self._value(dot, operand.operand), operand, (), ALONE)
        if kind is Numeral:
            if operand.number.ideal is None:
                raise ExpressionError("an integer does not fit into 64 bits", operand)
            return operand.number.ideal
        raise ExpressionError("`nil` cannot stand here", operand)

    def _variable(self, variable: Variable) -> Any:
        name = variable.name
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise ExpressionError(f"the variable `{short(name)}` is not defined", variable)

    def _fields(
        self, dot: Any, value: Any, node: Field | Variable | Chain, arguments: Sequence[Operand], final: Any
    ) -> Any:
        """Follow names from a value; the last may be a method and gets the arguments."""
        names = node.names
        for name in names[:-1]:
            value = self._field(dot, value, name, node, (), ALONE)
        return self._field(dot, value, names[-1], node, arguments, final)

    def _field(
        self, dot: Any, value: Any, name: bytes, node: Any, arguments: Sequence[Operand], final: Any
    ) -> Any:
        self.budget.step()
        if isinstance(value, dict):
            if arguments or final is not ALONE:
                raise ExpressionError(f"`{_shown(name)}` is no method and takes no arguments", node)
            if name in value:
                return value[name]
            if self._missing_is_error:
                raise ExpressionError(f"there is no key `{_shown(name)}`", node, self._known_keys(value))
            return INVALID
        if value is INVALID:
            if self._missing_is_error:
                raise ExpressionError(f"there is nothing to take `{_shown(name)}` of", node)
            return INVALID
        if value is None:
            raise ExpressionError(f"there is only null to take `{_shown(name)}` of", node)
        methods: Mapping[str, tuple[str, str]] = getattr(type(value), "methods", {})
        shown = _shown(name)
        if shown in methods:
            attribute, parameters = methods[shown]
            method = Function.of(shown, getattr(value, attribute), parameters)
            return self._call(dot, method, node, arguments, final)
        if isinstance(value, Object) and shown in value.fields:
            if arguments or final is not ALONE:
                raise ExpressionError(f"`{shown}` is no method and takes no arguments", node)
            return getattr(value, value.fields[shown])
        raise ExpressionError(f"{with_article(type_name(value))} has no field `{shown}`", node)

    def _known_keys(self, value: Mapping[bytes, Any]) -> str | None:
        """Keys to choose from: of the data only, since other maps may be made of values."""
        if value is not self._root:
            return None
        known = ", ".join(_shown(key) for key in sorted(self._keys)[:_LISTED])
        if not known:
            return "there are none"
        return f"there are: {known}" + (", ..." if len(self._keys) > _LISTED else "")

    def _call(self, dot: Any, function: Function, node: Any, arguments: Sequence[Operand], final: Any) -> Any:
        self.budget.step()
        try:
            function.check_count(len(arguments) + (final is not ALONE))
            if function.short_circuits:
                return self._short_circuit(dot, function, arguments, final)
            given: list[Any] = [self.budget] if function.takes_budget else []
            for index, argument in enumerate(arguments):
                given.append(self._argument(dot, argument, function.parameter(index)))
            if final is not ALONE:
                given.append(fitting(final, function.parameter(len(arguments))))
        except FunctionError as error:
            raise ExpressionError(str(error), node, error.hint) from None
        self._charge(given)
        try:
            outcome = function.call(*given)
        except FunctionError as error:
            raise self._failed(function, error, node, arguments, final) from None
        except (BoundExceeded, RecursionError):
            raise
        except SealbridgeError as error:
            raise ExpressionError(f"`{function.name}` failed: {error.what}", node, error.hint) from None
        except MemoryError:
            outcome = _EXHAUSTED
        except Exception as error:  # noqa: BLE001 - a template must not end who renders it
            # Its text may hold a value, and so may those of what it was caused by.
            found = defect(error)
            raise ExpressionError(f"`{function.name}` failed: {found.what}", node, found.hint) from None
        if outcome is _EXHAUSTED:
            # Not where it was caught: there all that took up the memory is still held.
            raise ExpressionError(f"`{function.name}` failed: there is not enough memory", node)
        self._account(outcome, given)
        return outcome

    def _short_circuit(self, dot: Any, function: Function, arguments: Sequence[Operand], final: Any) -> Any:
        decisive = function.name == "or"
        value: Any = INVALID
        for argument in arguments:
            value = self._argument(dot, argument, "value")
            if truth(value) is decisive:
                return value
        return value if final is ALONE else final

    def _argument(self, dot: Any, operand: Operand, parameter: str) -> Any:
        """The value of an operand as an argument of a type."""
        kind = operand.__class__
        if kind is Nil:
            return nil(parameter)
        if parameter in ("any", "value"):
            return fitting(self._value(dot, operand), parameter)
        if kind is Literal:
            self.budget.step()
            if parameter != ("bool" if isinstance(operand.value, bool) else "string"):
                raise ExpressionError(f"{type_of_parameter(parameter)} is expected", operand)
            return operand.value
        if kind is Numeral:
            self.budget.step()
            value = operand.number.convert(parameter)
            if value is None:
                raise ExpressionError(f"{type_of_parameter(parameter)} is expected", operand)
            return value
        return fitting(self._value(dot, operand), parameter)

    def _failed(
        self, function: Function, error: FunctionError, node: Any, arguments: Sequence[Operand], final: Any
    ) -> ExpressionError:
        if function.name == "fail":
            # A message that is part of the template may be shown. One made of values may hold a secret.
            if final is ALONE and all(argument.__class__ is Literal for argument in arguments):
                return ExpressionError(str(error), node)
            hint = (
                "only a message that is a plain string in the template is shown: another could hold a value"
            )
            return ExpressionError("the template fails on purpose", node, hint)
        return ExpressionError(f"`{function.name}` failed: {error}", node, error.hint)

    def _charge(self, given: Sequence[Any]) -> None:
        """Account for large arguments, which most functions look at as a whole, and look at the clock."""
        work = 0
        for value in given:
            if value.__class__ is bytes:
                work += len(value) >> _BYTES_PER_STEP
            elif isinstance(value, (list, dict)):
                work += len(value) >> _ENTRIES_PER_STEP
        if work:
            self.budget.work(work)

    def _account(self, outcome: Any, given: Sequence[Any]) -> None:
        """Account for what a function made. What it was given and gives back, as `set` does, is not new."""
        if outcome.__class__ is bytes:
            if not any(outcome is value for value in given):
                self.budget.grow(len(outcome))
        elif isinstance(outcome, (list, dict)):
            if any(outcome is value for value in given):
                self.budget.extend(len(outcome))
            else:
                self.budget.hold(len(outcome))


def _shown(name: bytes) -> str:
    return short(name.decode("utf-8", "replace"))
