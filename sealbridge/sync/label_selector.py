"""The label selector of Kubernetes' API, as specs hold it. Knows labels, no object.

Read strictly: in a selector every field narrows, so that one whose name is mistyped would widen it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from sealbridge.sync.wire import Model


class Operator(Enum):
    """How a label is compared."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Requirement(Model, frozen=True):
    """What one label must be."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels fulfils it."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels

    def problem(self) -> str | None:
        """What is wrong with it."""
        if not self.key:
            return "key is missing"
        if (self.operator in (Operator.IN, Operator.NOT_IN)) is not bool(self.values):
            return f"operator {self.operator.value} needs {'no ' if self.values else ''}values"
        return None


class LabelSelector(Model, frozen=True):
    """All of it must hold; an empty one selects everything."""

    match_labels: dict[str, str] = msgspec.field(default_factory=dict)
    match_expressions: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )

    def problem(self) -> str | None:
        """The first thing that is wrong with it, with its place."""
        for number, requirement in enumerate(self.match_expressions):
            if reason := requirement.problem():
                return f"matchExpressions[{number}]: {reason}"
        return None
