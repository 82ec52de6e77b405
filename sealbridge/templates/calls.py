"""Functions as templates call them: what they take and how they are found. Evaluates no argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from sealbridge.templates import builtins, escapes
from sealbridge.templates.functions.table import TABLE
from sealbridge.templates.go.values import (
    INVALID,
    FunctionError,
    Int64,
    NilList,
    Uint32,
    from_python,
    type_name,
    with_article,
)

# The Python type and the Go name of a parameter's type; `any` and `value` take everything.
_TYPES: Final[dict[str, tuple[type | None, str]]] = {
    "string": (bytes, "string"),
    "int": (int, "int"),
    "int64": (Int64, "int64"),
    "uint32": (Uint32, "uint32"),
    "float64": (float, "float64"),
    "bool": (bool, "bool"),
    "dict": (dict, "map[string]interface {}"),
    "list": (list, "[]interface {}"),
    "time": (None, "time.Time"),
    "duration": (None, "time.Duration"),
    "version": (None, "*semver.Version"),
    "certificate": (None, "sprig.certificate"),
}
# The functions that make a value of a type out of a number or a text.
_CONVERSIONS: Final = {"string": "toString", "int": "int", "int64": "int64", "float64": "float64"}
# What accepts the literal nil.
_NILLABLE: Final = frozenset({"any", "value", "dict", "list"})
_LONGEST_NAME: Final = 40  # of a function that may be meant: telling how alike two names are takes time


@dataclass(frozen=True, slots=True)
class Function:
    """A function and its parameters, as the table of functions writes them.

    `value` as a parameter is any value, and INVALID where there is none; only built-ins take it.
    """

    name: str
    call: Callable[..., Any]
    parameters: tuple[str, ...]
    variadic: str | None
    takes_budget: bool
    # `and` and `or`, which evaluate no more arguments than they need.
    short_circuits: bool = False

    @classmethod
    def of(
        cls, name: str, call: Callable[..., Any], parameters: str, *, short_circuits: bool = False
    ) -> Function:
        """A function from the parameters as written in a row of the table."""
        words = parameters.split()
        takes_budget = bool(words) and words[0] == "budget"
        words = words[takes_budget:]
        variadic = words.pop()[3:] if words and words[-1].startswith("...") else None
        return cls(name, call, tuple(words), variadic, takes_budget, short_circuits)

    def parameter(self, index: int) -> str:
        """The type of an argument by its place."""
        if index < len(self.parameters):
            return self.parameters[index]
        return self.variadic or "any"

    def check_count(self, count: int) -> None:
        """Raise FunctionError unless the function takes so many arguments."""
        needed = len(self.parameters)
        if self.variadic is None and count != needed:
            raise FunctionError(f"`{self.name}` takes {_arguments(needed)}, not {count}")
        if count < needed:
            raise FunctionError(f"`{self.name}` takes at least {_arguments(needed)}, not {count}")


def fitting(value: Any, parameter: str) -> Any:
    """A value as an argument of a type. Raises FunctionError where Go would not assign it."""
    if parameter == "any":
        return None if value is INVALID else value
    if parameter == "value":
        return INVALID if value is None else value
    expected, name = _TYPES[parameter]
    if value.__class__ is expected or (expected is None and _name_of(value) == name):
        return value
    if value.__class__ is NilList and parameter == "list":
        return value
    if value is INVALID:
        if parameter in _NILLABLE:
            return None
        raise FunctionError(f"there is no value, where {with_article(name)} is expected")
    # A number out of YAML or JSON, mostly.
    hint = f"`{_CONVERSIONS[parameter]}` makes one of it" if _converts(value, parameter) else None
    raise FunctionError(
        f"{with_article(_name_of(value))} stands where {with_article(name)} is expected", hint=hint
    )


def nil(parameter: str) -> Any:
    """The literal `nil` as an argument. Raises FunctionError where it cannot be one."""
    if parameter not in _NILLABLE:
        raise FunctionError(f"`nil` stands where {with_article(_TYPES[parameter][1])} is expected")
    return INVALID if parameter == "value" else None


def type_of_parameter(parameter: str) -> str:
    """Go's name of a parameter's type, with its article."""
    return with_article(_TYPES[parameter][1] if parameter in _TYPES else "interface {}")


def _name_of(value: Any) -> str:
    return "nil" if value is None else type_name(value)


def _converts(value: Any, parameter: str) -> bool:
    return parameter in _CONVERSIONS and isinstance(value, (bytes, int, float))


def _arguments(count: int) -> str:
    return "1 argument" if count == 1 else f"{count} arguments"


_BUILTIN: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "and": (builtins.and_, "value ...value"),
    "or": (builtins.or_, "value ...value"),
    "not": (builtins.not_, "value"),
    "len": (builtins.length, "value"),
    "index": (builtins.index, "value ...value"),
    "call": (builtins.call, "value ...value"),
    "eq": (builtins.eq, "value ...value"),
    "ne": (builtins.ne, "value value"),
    "lt": (builtins.lt, "value value"),
    "le": (builtins.le, "value value"),
    "gt": (builtins.gt, "value value"),
    "ge": (builtins.ge, "value value"),
    "print": (builtins.print_, "...any"),
    "println": (builtins.println, "...any"),
    "printf": (builtins.printf, "budget string ...any"),
    "html": (escapes.html, "...any"),
    "js": (escapes.js, "...any"),
    "urlquery": (escapes.urlquery, "...any"),
}
_found: dict[str, Function] = {}


def find(name: str) -> Function | None:
    """The function of a name, of the table or built in; loads its module at the first use."""
    function = _found.get(name)
    if function is None:
        if name in TABLE:
            row = TABLE[name]
            module = import_module(f"sealbridge.templates.functions.{row.group}")
            function = Function.of(name, getattr(module, row.attribute), row.parameters)
        elif name in _BUILTIN:
            call, parameters = _BUILTIN[name]
            function = Function.of(name, call, parameters, short_circuits=name in ("and", "or"))
        else:
            return None
        _found[name] = function
    return function


def _going(call: Callable[..., Any]) -> Callable[..., Any]:
    """A caller's function that gives Go's values even if it does not: no object of Python's gets through."""

    def going(*arguments: Any) -> Any:
        outcome = call(*arguments)
        return outcome if outcome is INVALID or isinstance(outcome, (list, dict)) else from_python(outcome)

    return going


def closest(name: str) -> str | None:
    """The function whose name is most like one that nobody knows; None when all are far from it."""
    from difflib import get_close_matches

    if len(name) > _LONGEST_NAME:
        return None
    by_letters = {known.lower(): known for known in (*TABLE, *_BUILTIN)}
    close = get_close_matches(name.lower(), by_letters, n=1, cutoff=0.8)
    return by_letters[close[0]] if close else None


def finder(extra: Mapping[str, Callable[..., Any]] | None) -> Callable[[str], Function | None]:
    """`find` with functions of a caller's own, which take and give Go values of any type."""
    if not extra:
        return find
    own = {name: Function.of(name, _going(call), "...any") for name, call in extra.items()}

    def find_with_own(name: str) -> Function | None:
        return own.get(name) or find(name)

    return find_with_own
