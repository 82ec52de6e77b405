"""The stored outputs of the corpus are what Go renders today. Collected where Go can be had."""

from __future__ import annotations

import pytest

from tests.interop.templates import record
from tests.interop.templates.cases import GROUPS, load
from tests.interop.templates.original import Original


@pytest.mark.parametrize("group", GROUPS)
def test_the_stored_outputs_are_those_of_the_original(group: str, original: Original) -> None:
    corpus = load(group)
    assert corpus.expected_path.read_text() == record.record(corpus, original), "make corpus"


@pytest.mark.parametrize("group", [group for group in GROUPS if load(group).differences])
def test_each_named_difference_is_one(group: str, original: Original) -> None:
    corpus = load(group)
    equal: list[str] = []
    for digest, difference in corpus.differences.items():
        theirs, error = original.explain(corpus.cases[digest])
        # What both refuse is none, unless the original does not even have the function.
        if difference.tells(theirs) and "not defined" not in error:
            equal.append(str(corpus.cases[digest]))
    assert equal == []
