"""docs/templates.md lists every function, and what it says a template renders to is so."""

from __future__ import annotations

import re

import pytest

from sealbridge.templates import Template
from sealbridge.templates.functions.table import GROUPS, TABLE
from tests.docs.template_reference import PAGE, Example, examples, references, written
from tests.docs.template_values import template_values


def rendered(example: Example) -> str:
    return Template(example.template).render(template_values())


def test_the_generated_parts_are_current() -> None:
    assert PAGE.read_text() == written(PAGE.read_text()), "make docs"


@pytest.mark.parametrize("group", GROUPS)
def test_every_function_has_a_line_and_an_example_that_calls_it(group: str) -> None:
    for reference in references(group):
        assert reference.line.endswith("."), reference.names
        calls = [example for example in reference.examples if set(reference.names) & words(example.template)]
        assert calls, reference.names


@pytest.mark.parametrize("group", GROUPS)
def test_the_examples_of_functions_render_to_what_they_say(group: str) -> None:
    said = [example for reference in references(group) for example in reference.examples]
    assert [Example(example.template, rendered(example)) for example in said] == said


def test_the_examples_of_the_page_render_to_what_they_say() -> None:
    said = examples(PAGE.read_text())
    assert len(said) > len(TABLE) / 2
    assert [Example(example.template, rendered(example)) for example in said] == said


def test_the_page_names_every_function() -> None:
    page = PAGE.read_text()
    assert [name for name in TABLE if f"`{name}`" not in page and f"`{name} " not in page] == []


def words(template: str) -> set[str]:
    return set(re.findall(r"\w+", template))
