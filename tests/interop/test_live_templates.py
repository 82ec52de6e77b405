"""The stored outputs of the corpus are what Go renders today. Collected where Go can be had."""

from __future__ import annotations

import pytest

from tests.interop.templates import ours, record
from tests.interop.templates.cases import GROUPS, Case, load
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


@pytest.mark.parametrize(
    "template",
    [
        "text {\n}" * 50_000,
        "{{ .name }}{{- /* c */ -}} {{ if .name }}x{{ else }}y{{ end }}\n" * 2_000,
        "{{ print" + ' "a" 1' * 10_000 + " }}",
        "{{ `" + "raw \\ }} {{\n" * 20_000 + "` | len }}",
        '{{ "a"' + " | print 1" * 2_000 + " }}",
        "{{ if false }}" + "{{ else if false }}" * 90 + "{{ else }}end" + "{{ end }}",
        "{{ " + "(" * 90 + "1" + ")" * 90 + " }}",
        "{{ range .list }}" * 4 + "{{ $x := . }}{{ $x }}" + "{{ end }}" * 4,
        "".join(f'{{{{ define "t{n}" }}}}{n}{{{{ end }}}}{{{{ template "t{n}" }}}}' for n in range(1_000)),
        "".join(f"{{{{ $v{n} := {n} }}}}{{{{ $v{n // 2} }}}}" for n in range(1_000)),
    ],
    ids=range(10),
)
def test_long_and_deep_templates_render_as_the_original_does(template: str, original: Original) -> None:
    case = Case(template, {"name": "Ann", "list": [[["a"], ["b"]], [["c", "d"]]]})
    theirs, error = original.explain(case)
    assert ours.render(case) == theirs, error
