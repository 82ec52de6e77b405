"""What a template is made of. Knows the shape, not the meaning.

`start` and `end` are the offsets of a node in the source, for errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sealbridge.templates.calls import Function
from sealbridge.templates.literals import Number


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`"""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Nil:
    """`nil`, which is an argument and never a command."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A string or boolean constant."""

    value: bytes | bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number, whose type depends on where it stands."""

    number: Number
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Field:
    """`.a.b`: names to follow from the dot."""

    names: tuple[bytes, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Variable:
    """`$x.a.b`: a variable, and names to follow from it."""

    name: str
    names: tuple[bytes, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chain:
    """`(pipeline).a.b` or `function.a.b`."""

    operand: Pipeline | Call
    names: tuple[bytes, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    """The name of a function; its arguments are those of the command."""

    function: Function
    start: int
    end: int


Operand = Any  # Dot | Nil | Literal | Numeral | Field | Variable | Chain | Call | Pipeline


@dataclass(frozen=True, slots=True)
class Command:
    """One stage of a pipeline: an operand and its arguments."""

    operand: Operand
    arguments: tuple[Operand, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each of which gets the outcome of the one before, and the variables that get the last."""

    commands: tuple[Command, ...]
    variables: tuple[str, ...]
    assigns: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Text:
    """What is printed as it stands."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Action:
    """A pipeline whose value is printed, unless it goes into a variable."""

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class If:
    """`if`"""

    pipeline: Pipeline
    body: Body
    otherwise: Body | None


@dataclass(frozen=True, slots=True)
class With:
    """`with`"""

    pipeline: Pipeline
    body: Body
    otherwise: Body | None


@dataclass(frozen=True, slots=True)
class Range:
    """`range`"""

    pipeline: Pipeline
    body: Body
    otherwise: Body | None


@dataclass(frozen=True, slots=True)
class Invoke:
    """`template "name" pipeline`; a `block` is one, too."""

    name: bytes
    pipeline: Pipeline | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Break:
    """`break`"""


@dataclass(frozen=True, slots=True)
class Continue:
    """`continue`"""


Node = Text | Action | If | With | Range | Invoke | Break | Continue
Body = tuple[Node, ...]


def is_empty(body: Body) -> bool:
    """Whether a body is nothing but white space; such a definition gives way to another."""
    return all(isinstance(node, Text) and not node.text.strip() for node in body)
