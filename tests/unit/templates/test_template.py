"""Templates: what renders, what is refused, and where the error points."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.errors import TemplateError, TemplateSyntaxError
from sealbridge.templates import Template

DATA = {"a": "one", "user_name": "bob", "dash-ed": "d", "deep": {"er": {"x": "y"}}, "n": 7, "t": True}


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("", ""),
        ("plain } text {", "plain } text {"),
        ("{{ .a }}", "one"),
        ("{{.a}}-{{.user_name}}", "one-bob"),
        ("{{ .deep.er.x }}", "y"),
        ("{{ .n }} {{ .t }}", "7 true"),
        ('{{ index . "dash-ed" }}', "d"),
        ("{{ index . `dash-ed` }}", "d"),
        ('{{ index .deep "er" "x" }}', "y"),
        ('{{ index . "none" }}|', "|"),
        ('{{ index . "none" "deeper" }}|', "|"),
        ('{{ "a \\"literal\\" \\u00e9\\x21\\041\\n" }}', 'a "literal" é!!\n'),
        ('{{ "\\xc3\\xa9" }}', "é"),
        ("{{ `raw \\n` }}", "raw \\n"),
        ('{{ "}}" }}', "}}"),
        ("a {{- .a -}} b", "aoneb"),
        ("a \n\t{{- .a }} b", "aone b"),
        ("a {{ .a -}} \n b {{- .a }}", "a onebone"),
        ("{{- /* c */ -}} x", "x"),
        ("a{{/* {{ .no }} */}}b", "ab"),
        ("a {{- /* c */ -}} b", "ab"),
        ("{{\n.a\n}}", "one"),
        ("{{ .missing }}", "<no value>"),
        ("{{ .missing.deeper }}", "<no value>"),
    ],
)
def test_a_template_renders_as_in_go(source: str, rendered: str) -> None:
    assert Template(source).render(DATA) == rendered


@pytest.mark.parametrize(
    ("source", "where", "construct"),
    [
        ("{{ .a | upper }}", "t:1:7", "a pipeline (`|`)"),
        ("x\ny {{ upper .a }}", "t:2:6", "the function `upper`"),
        ("{{ if .a }}x{{ end }}", "t:1:4", "`if`"),
        ("{{ range .a }}{{ end }}", "t:1:4", "`range`"),
        ("{{ with .a }}{{ end }}", "t:1:4", "`with`"),
        ('{{ define "x" }}{{ end }}', "t:1:4", "`define`"),
        ('{{ template "x" }}', "t:1:4", "`template`"),
        ("{{ true }}", "t:1:4", "`true`"),
        ("{{ $x := .a }}", "t:1:4", "the variable `$x`"),
        ("{{ $.a }}", "t:1:4", "the variable `$`"),
        ("{{ (.a) }}", "t:1:4", "a group in parentheses"),
        ("{{ 3.5 }}", "t:1:4", "a number"),
        ("{{ 'c' }}", "t:1:4", "a character literal"),
        ("{{ . }}", "t:1:4", "printing the dot alone"),
        ("{{ index . .a }}", "t:1:12", "a key of `index` that is not a string literal"),
    ],
)
def test_what_does_not_exist_yet_is_named_with_its_place(source: str, where: str, construct: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        Template(source, name="t")
    assert caught.value.where == where
    assert caught.value.what == f"{construct} is not supported yet"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("source", "where", "what"),
    [
        ("{{ }}", "t:1:1", "an action is empty"),
        ("ab\n {{ .a", "t:2:2", "an action is not closed"),
        ("{{ .a", "t:1:1", "an action is not closed"),
        ('{{ "x }}', "t:1:4", "a string is not closed"),
        ("{{ .a.b-c }}", "t:1:8", "unexpected character `-` in an action"),
        ("{{ .a .b }}", "t:1:7", "an operand takes no arguments"),
        ('{{ "x" .b }}', "t:1:8", "an operand takes no arguments"),
        ("{{/* x }}", "t:1:1", "a comment is not closed"),
        ("{{/* x */ }}", "t:1:8", "a comment must end right before `}}`"),
        ("{{ /* x */}}", "t:1:4", "unexpected character `/` in an action"),
        ("{{ index }}", "t:1:4", "`index` needs a map and a key"),
        ("{{ index . }}", "t:1:4", "`index` needs a key"),
        ('{{ index "a" "b" }}', "t:1:10", 'unexpected `"a"` in an action'),
        ('{{ "\\q" }}', "t:1:4", "unknown escape `\\q` in a string"),
        ('{{ "\\ud800" }}', "t:1:4", "an escape in a string is no Unicode character"),
        ('{{ "\\777" }}', "t:1:4", "an octal escape in a string is above \\377"),
        ("{{-.a}}", "t:1:3", "unexpected character `-` in an action"),
        ("{{ ,}}", "t:1:4", "unexpected `,` in an action"),
    ],
)
def test_wrong_syntax_is_refused_at_its_place(source: str, where: str, what: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        Template(source, name="t")
    assert (caught.value.where, caught.value.what) == (where, what)


def test_a_missing_key_is_an_error_when_asked_for_and_names_the_keys_there_are() -> None:
    with pytest.raises(TemplateError) as caught:
        Template("{{ .a }}\n{{ .b }}", name="config.yaml", missing="error").render({"a": "hush", "c": "hush"})
    assert str(caught.value) == "config.yaml:2:4: there is no key `b`"
    assert caught.value.hint == "there are: a, c"


def test_a_missing_key_of_an_empty_map_says_so() -> None:
    with pytest.raises(TemplateError) as caught:
        Template("{{ .b }}", missing="error").render({})
    assert caught.value.hint == "there is nothing to take it from"


def test_index_of_a_missing_key_is_empty_even_when_missing_keys_are_errors() -> None:
    assert Template('{{ index . "b" }}', missing="error").render({}) == ""


@pytest.mark.parametrize("source", ["{{ .a.b }}", '{{ index .a "b" }}', "{{ .deep }}"])
def test_an_error_while_rendering_never_shows_a_value(source: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(source).render({"a": "canary-value", "deep": {"k": "canary-value"}})
    assert "canary-value" not in f"{caught.value} {caught.value.hint} {caught.value!r}"


def test_other_delimiters_leave_the_usual_ones_alone() -> None:
    assert Template("{{ .a }} [[ .a ]]", delimiters=("[[", "]]")).render(DATA) == "{{ .a }} one"


@given(st.binary())
def test_bytes_that_are_not_text_pass_through_unchanged(value: bytes) -> None:
    rendered = Template("<{{ .v }}>").render({"v": value.decode("utf-8", "surrogateescape")})
    assert rendered.encode("utf-8", "surrogateescape") == b"<" + value + b">"


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_actions_is_its_own_rendering(text: str) -> None:
    assert Template(text).render({}) == text


@given(st.text(alphabet='{}.-ab" \n/*|`\\x()$', max_size=40))
def test_any_source_renders_or_fails_with_an_error_of_ours(source: str) -> None:
    with contextlib.suppress(TemplateError):
        assert isinstance(Template(source).render({"a": "x"}), str)
