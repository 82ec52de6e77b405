"""Our templates, on the cases that the original gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealbridge.errors import TemplateError, TemplateSyntaxError
from sealbridge.templates import Template
from sealbridge.templates.go.values import StringMap
from tests.interop.templates.cases import Case, Outcome


def render(case: Case) -> Outcome:
    """What comes of a case."""
    return explain(case)[0]


def explain(case: Case) -> tuple[Outcome, str]:
    """What comes of a case, and the error when it fails."""
    try:
        template = Template(case.template, missing=case.missing, delimiters=case.delimiters)
    except TemplateSyntaxError as error:
        return Outcome(fails="parse"), str(error)
    try:
        data: Mapping[Any, Any] = StringMap(case.values) if case.strings else as_json(case.values)
        rendered = template.render(data)
    except TemplateError as error:
        if "internal error" in str(error):
            raise RuntimeError(f"a defect: {case.template}") from error
        return Outcome(fails="execute"), str(error)
    return Outcome(rendered.encode("utf-8", "surrogateescape")), ""


def parses(case: Case) -> tuple[bool, str]:
    """Whether the template of a case is one, and the error when it is none."""
    try:
        Template(case.template, missing=case.missing, delimiters=case.delimiters)
    except TemplateSyntaxError as error:
        return False, str(error)
    return True, ""


def as_json(value: Any) -> Any:
    """Data as Go reads them from JSON, where each number is a float64."""
    if isinstance(value, dict):
        return {key: as_json(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [as_json(entry) for entry in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
