"""Templates that hypothesis makes up do what they do in Go. Collected where Go can be had."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealbridge.templates.functions.table import TABLE
from tests.interop.templates import generated, ours
from tests.interop.templates.cases import Case
from tests.interop.templates.mutants import mutant
from tests.interop.templates.original import Original

# What the corpus names, as it shows in errors: what we do and this version of Go and sprig does not,
THEIRS = re.compile(
    r"range can't iterate over|list should be type of slice or array but string|unexpected <with> in else"
    r'|function "(?P<function>\w+)" not defined'
)
# and what our bounds refuse.
OURS = re.compile(r"nested more than|within each other")
# Where something lies in Go's memory says nothing.
ADDRESS = re.compile(rb"0xc0[0-9a-f]{8}")


def is_named(their_error: str, our_error: str) -> bool:
    """Whether two outcomes may differ."""
    theirs = THEIRS.search(their_error)
    if theirs and theirs["function"]:
        return theirs["function"] in TABLE
    return theirs is not None or OURS.search(our_error) is not None


def agree(case: Case, original: Original) -> None:
    theirs, their_error = original.explain(case)
    outcome, our_error = ours.explain(case)
    if not is_named(their_error, our_error) and not ADDRESS.search(theirs.output):
        assert outcome == theirs, f"{their_error}\n{our_error}"


@settings(max_examples=250)
@given(case=generated.cases())
def test_made_up_templates_render_as_in_go(case: Case, original: Original) -> None:
    agree(case, original)


@pytest.mark.parametrize("group", generated.GROUPS)
@settings(max_examples=50)
@given(data=st.data())
def test_made_up_calls_give_what_they_give_in_go(group: str, data: st.DataObject, original: Original) -> None:
    agree(data.draw(generated.function_cases(group)), original)


def test_the_same_mutants_are_templates_as_in_go(original: Original) -> None:
    chance = random.Random(0)
    for _ in range(4_000):
        case = Case(mutant(chance))
        theirs, their_error = original.parses(case)
        parsed, our_error = ours.parses(case)
        if not is_named(their_error, our_error):
            assert parsed == theirs, f"{case.template!r}\n{their_error}\n{our_error}"
