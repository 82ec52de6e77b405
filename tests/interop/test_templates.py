"""Our templates render the corpus as Go's text/template with sprig does, and fail where it fails."""

from __future__ import annotations

import pytest

from tests.interop.templates import ours
from tests.interop.templates.cases import EXPECTED, GROUPS, load


@pytest.mark.parametrize("group", GROUPS)
def test_every_case_renders_as_the_original_does(group: str) -> None:
    corpus = load(group)
    expected = corpus.expected()
    different = [
        f"{case}\n  Go:   {expected[digest]}\n  ours: {outcome}"
        for digest, case in corpus.compared().items()
        if (outcome := ours.render(case)) != expected[digest]
    ]
    assert not different, f"{len(different)} of {group} differ:\n" + "\n".join(different)


@pytest.mark.parametrize("group", [group for group in GROUPS if load(group).differences])
def test_every_named_difference_is_what_the_corpus_says(group: str) -> None:
    corpus = load(group)
    different = [
        f"{corpus.cases[digest]}\n  said: {difference.ours}\n  ours: {outcome}"
        for digest, difference in corpus.differences.items()
        if not difference.tells(outcome := ours.render(corpus.cases[digest]))
    ]
    assert not different, f"{len(different)} of {group} differ:\n" + "\n".join(different)


def test_each_case_has_a_stored_output_and_no_output_lacks_a_case() -> None:
    assert {path.stem for path in EXPECTED.glob("*.json")} == set(GROUPS)
    stale = {group for group in GROUPS if load(group).expected().keys() != load(group).compared().keys()}
    assert stale == set(), "make corpus"


def test_the_corpus_is_large() -> None:
    assert sum(len(load(group).cases) for group in GROUPS) >= 600
