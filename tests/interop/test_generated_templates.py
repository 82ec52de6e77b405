"""Templates that hypothesis makes up do what they do in Go. Collected where Go can be had."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.interop.templates import generated, ours
from tests.interop.templates.cases import Case
from tests.interop.templates.original import Original

# What we do and this version of Go does not, and what Go does with a map within itself, named by the corpus.
THEIR_DIFFERENCES = ("range can't iterate over", "list should be type of slice or array but string")
OUR_DIFFERENCES = ("nested more than",)


def agree(case: Case, original: Original) -> None:
    theirs, their_error = original.explain(case)
    outcome, our_error = ours.explain(case)
    named = any(text in their_error for text in THEIR_DIFFERENCES) or any(
        text in our_error for text in OUR_DIFFERENCES
    )
    assert named or outcome == theirs, f"{their_error}\n{our_error}"


@settings(max_examples=250)
@given(case=generated.cases())
def test_made_up_templates_render_as_in_go(case: Case, original: Original) -> None:
    agree(case, original)


@pytest.mark.parametrize("group", generated.GROUPS)
@settings(max_examples=50)
@given(data=st.data())
def test_made_up_calls_give_what_they_give_in_go(group: str, data: st.DataObject, original: Original) -> None:
    agree(data.draw(generated.function_cases(group)), original)
