"""Templates as a caller meets them: what renders, where errors point, and what they never hold.

Whether a template renders as in Go is the business of the corpus in tests/interop/templates.
"""

from __future__ import annotations

import contextlib
import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealbridge.errors import TemplateError, TemplateSyntaxError
from sealbridge.templates import Template, string_map
from tests.canary import Canary

DATA = {"a": "one", "user_name": "bob", "dash-ed": "d", "deep": {"er": {"x": "y"}}, "n": 7, "t": True}


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("", ""),
        ("plain } text {", "plain } text {"),
        ("{{ .a }}", "one"),
        ("{{ .deep.er.x }}", "y"),
        ("{{ .n }} {{ .t }}", "7 true"),
        ('{{ index . "dash-ed" }}', "d"),
        ('{{ index .deep "er" "x" }}', "y"),
        ('{{ index . "none" }}', "<no value>"),
        ('{{ "}}" }}', "}}"),
        ("a {{- .a -}} b", "aoneb"),
        ("{{- /* c */ -}} x", "x"),
        ("{{ .missing }} {{ .missing.deeper }}", "<no value> <no value>"),
        ("{{ if eq .a `one` }}1{{ else if .b }}2{{ else }}3{{ end }}", "1"),
        ("{{ range $i, $x := list 1 2 3 }}{{ if eq $x 3 }}{{ break }}{{ end }}{{ $i }}{{ $x }} {{ end }}",
         "01 12 "),
        ("{{ with .none }}x{{ else with .a }}{{ . }}{{ end }}", "one"),
        ('{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" .a }}{{ block "b" .n }}[{{ . }}]{{ end }}',
         "<one>[7]"),
        ('{{ $x := "a" }}{{ range 2 }}{{ $x = print $x . }}{{ end }}{{ $x }}', "a01"),
        ('{{ .a | upper | printf "%s-%05d" | quote }}', '"ONE-%!d(MISSING)"'),
        ('{{ range "aé" }}{{ . }} {{ end }}', "97 233 "),
        ('{{ len "é" }} {{ index "é" 0 }} {{ slice "héllo" 1 3 }}', "2 195 é"),
    ],
)  # fmt: skip
def test_a_template_renders_as_in_go(source: str, rendered: str) -> None:
    assert Template(source).render(DATA) == rendered


@pytest.mark.parametrize(
    ("source", "where", "what"),
    [
        ("{{ }}", "t:1:4", "a command has no value"),
        ("ab\n {{ .a", "t:2:2", "an action is not closed"),
        ("{{ .a", "t:1:1", "an action is not closed"),
        ('{{ "x }}', "t:1:4", "a string is not closed"),
        ("{{ `x }}", "t:1:4", "a raw string is not closed"),
        ("{{ 'x }}", "t:1:4", "a character is not closed"),
        ("{{ .a.b-c }}", "t:1:8", "unexpected character `-` in an action"),
        ("{{ ü€ }}", "t:1:5", "unexpected character `€` in an action"),
        ("{{/* x }}", "t:1:1", "a comment is not closed"),
        ("{{/* x */ }}", "t:1:8", "a comment must end right before `}}`"),
        ("{{ /* x */}}", "t:1:4", "unexpected character `/` in an action"),
        ('{{ "\\q" }}', "t:1:4", '"\\q": a wrong escape or a bare quote within a literal'),
        ("{{ ,}}", "t:1:4", "unexpected `,` in a command"),
        ("{{ (.a }}", "t:1:1", "a parenthesis is not closed"),
        ("{{ .a) }}", "t:1:6", "unexpected `)`"),
        ("{{ 1x }}", "t:1:4", "`1x` is no number"),
        ("{{ $x }}", "t:1:4", "the variable `$x` is not defined"),
        ("{{ nosuch }}", "t:1:4", "there is no function `nosuch`"),
        ("{{ env `HOME` }}", "t:1:4", "there is no function `env`"),
        ("{{ if .a }}", "t:1:4", "`if` is not closed"),
        ("{{ end }}", "t:1:4", "unexpected `end`"),
        ("{{ else }}", "t:1:4", "unexpected `else`"),
        ("{{- if .a }}{{ end }}{{-  else if .b }}", "t:1:27", "unexpected `else`"),
        ("{{ if .a }}{{ else }}{{ else }}{{ end }}", "t:1:4", "a second `else` in `if`"),
        ("{{ break }}", "t:1:4", "`break` outside of `range`"),
        ("{{ if .a }}{{ define `x` }}{{ end }}{{ end }}", "t:1:15", "unexpected `define`"),
        ("{{ template .a }}", "t:1:13", "unexpected `.a` in `template`, which takes a name in quotes"),
        ("{{ .a | 3 }}", "t:1:9", "a constant cannot take what comes through a pipe"),
        ("{{ 3.x }}", "t:1:4", "`3.x` is no number"),
        ("{{ true.x }}", "t:1:4", "a constant has no fields"),
        (
            "{{ define `a` }}1{{ end }}{{ define `a` }}2{{ end }}",
            "t:1:30",
            "the template `a` is defined twice",
        ),
        ("{{ 99999999999999999999 }}", "t:1:4", "99999999999999999999: an integer beyond 64 bits"),
    ],
)
def test_wrong_syntax_is_refused_at_its_place(source: str, where: str, what: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        Template(source, name="t")
    assert (caught.value.where, caught.value.what) == (where, what)


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("{{ .dash-ed }}", 'read with `{{ index . "the-key" }}`'),
        ("{{ password }}", "a key of the data is written `.password`"),
        ("{{ if .a }}x", "end it with `{{ end }}`"),
        ('{{ include "name" . }}', '`{{ template "name" . }}` does it'),
        ('{{ required "is missing" .a }}', "does it"),
        ("{{ getHostByName `a` }}", "templates cannot look at"),
        ("{{/* x }}", "end it with `*/`"),
        ("{{ /* x */ }}", "right behind the braces"),
        ("{{ uper .a }}", "did you mean `upper`?"),
        ("{{ toYAML . }}", "did you mean `toYaml`?"),
        ('{{ if .a == "x" }}{{ end }}', "`eq .a .b`"),
        ("{{ if .a && .b }}{{ end }}", "`and .a .b`"),
        ("{{ if .a || .b }}{{ end }}", "functions instead of operators"),
        ("{{ .n + 1 }}", "`add .a 1`"),
        ("{{ .n / 2 }}", "functions instead of operators"),
        ("{{ .l[0] }}", "`{{ index .list 0 }}`"),
        ("{{ .l.0 }}", "`{{ index .list 0 }}`"),
        ("{{ 'abc' }}", "between double quotes"),
        ("a{{ end }}", "no block is open here"),
    ],
)
def test_common_mistakes_are_told_the_way_out(source: str, hint: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        Template(source)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("source", "where", "what"),
    [
        ("ab\n  {{ upper .n }}", "t:2:6", "an int stands where a string is expected, in `upper .n`"),
        ("{{ .a.x }}", "t:1:4", "a string has no field `x`, in `.a.x`"),
        ("{{ .a 1 }}", "t:1:4", "`a` is no method and takes no arguments, in `.a`"),
        ("{{ index .deep 1 }}", "t:1:4",
         "`index` failed: an int is no key of a map[string]interface {}, in `index .deep 1`"),
        ("{{ index `a` 5 }}", "t:1:4", "`index` failed: an index is out of range, in `index `a` 5`"),
        ("{{ upper }}", "t:1:4", "`upper` takes 1 argument, not 0, in `upper`"),
        ("{{ printf }}", "t:1:4", "`printf` takes at least 1 argument, not 0, in `printf`"),
        ("{{ trunc 3 }}", "t:1:4", "`trunc` takes 2 arguments, not 1, in `trunc 3`"),
        ("{{ template `x` }}", "t:1:4", "there is no template `x`, in `template `x``"),
        ("{{ range .t }}{{ end }}", "t:1:10", "`range` cannot go over a bool, in `.t`"),
        ("{{ nil }}", "t:1:4", "`nil` is an argument and cannot stand alone, in `nil`"),
        ("{{ lt 1 `a` }}", "t:1:4", "`lt` failed: an int cannot be compared with a string, in `lt 1 `a``"),
        ("{{ fail `no luck` }}", "t:1:4", "no luck, in `fail `no luck``"),
        ("{{ " + "print " * 30 + "(1).x }}", "t:1:184",
         "an int has no field `x`, in `(1).x`"),
        ("{{ upper (printf \"" + "x" * 100 + "\" | len) }}", "t:1:4",
         "an int stands where a string is expected, in `upper (printf \"" + "x" * 62 + "...`"),
    ],
)  # fmt: skip
def test_what_fails_while_rendering_is_named_with_its_place(source: str, where: str, what: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(source, name="t").render(DATA)
    assert (caught.value.where, caught.value.what) == (where, what)


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("{{ upper .n }}", "`toString` makes one of it"),
        ("{{ repeat .f `x` }}", "`int` makes one of it"),
        ("{{ eq .f 1 }}", "`int` makes an int of both, `float64` a float64"),
        ("{{ if gt .n 1.5 }}{{ end }}", "`int` makes an int of both, `float64` a float64"),
        ("{{ eq .t `x` }}", None),
        ("{{ upper .l }}", None),
    ],
)
def test_values_of_another_type_are_told_what_converts_them(source: str, hint: str | None) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(source).render({"n": 7, "f": 2.0, "t": True, "l": []})
    assert (caught.value.hint is None) if hint is None else (hint in (caught.value.hint or ""))


def test_a_missing_key_is_an_error_when_asked_for_and_names_the_keys_there_are() -> None:
    with pytest.raises(TemplateError) as caught:
        Template("{{ .a }}\n{{ .b }}", name="config.yaml", missing="error").render({"a": "hush", "c": "hush"})
    assert str(caught.value) == "config.yaml:2:4: there is no key `b`, in `.b`"
    assert caught.value.hint == "there are: a, c"


def test_a_missing_key_of_an_empty_map_says_so() -> None:
    with pytest.raises(TemplateError) as caught:
        Template("{{ .b }}", missing="error").render({})
    assert caught.value.hint == "there are none"


def test_keys_that_come_out_of_a_value_are_not_told() -> None:
    with pytest.raises(TemplateError) as caught:
        Template("{{ (.json | fromJson).b }}", missing="error").render({"json": '{"hush": 1}'})
    assert "hush" not in f"{caught.value} {caught.value.hint}"


def test_index_of_a_missing_key_is_empty_in_a_map_of_strings_even_when_missing_keys_are_errors() -> None:
    assert Template('{{ index . "b" }}', missing="error").render(string_map({"a": "x"})) == ""


@pytest.mark.parametrize(
    "source",
    [
        "{{ .a.b }}", '{{ index .a "b" }}', "{{ slice .a 999 }}", "{{ fail .a }}", "{{ .a | fail }}",
        '{{ fail (printf "it is %s" .a) }}', "{{ index .deep .a .a }}", "{{ mustFromJson .a }}",
        "{{ .l | join }}", "{{ mustToDate .a .a }}", "{{ mustRegexMatch .bad .a }}", "{{ semver .a }}",
        "{{ decryptAES .a .a }}", "{{ list .a | first | call }}", "{{ template .a }}",
        "{{ range .deep.k }}{{ . }}{{ fail . }}{{ end }}",
        "{{ urlParse .bad }}", "{{ pkcs12key .a }}", "{{ jwkPublicKeyPem .a }}", "{{ filterPEM .a .a }}",
        "{{ rsaDecrypt .a .a .a .a }}", "{{ buildCustomCert .a .a }}", "{{ dig .a .a }}",
        "{{ eq .a .deep }}", "{{ len 3 }}{{ .a }}", "{{ genCAWithKey .a 1 .a }}",
    ],
)  # fmt: skip
def test_an_error_while_rendering_never_shows_a_value(source: str, canary: Canary) -> None:
    value = canary("template value")
    data = {
        "a": value,
        "deep": {"k": value},
        "l": [value],
        "bad": f"(%zz{value}",
    }
    with pytest.raises(TemplateError) as caught:
        Template(source).render(data)
    assert value not in f"{caught.value} {caught.value.hint} {caught.value!r}"


def test_other_delimiters_leave_the_usual_ones_alone() -> None:
    assert Template("{{ .a }} [[ .a ]]", delimiters=("[[", "]]")).render(DATA) == "{{ .a }} one"


def test_functions_of_a_caller_win_and_work_on_values_of_go() -> None:
    functions = {"upper": lambda text: text[::-1], "twice": lambda *values: [*values, *values]}
    template = Template("{{ upper .a }} {{ twice 1 `x` }}", functions=functions)
    assert template.render(DATA) == "eno [1 x 1 x]"
    assert Template("{{ upper .a }}").render(DATA) == "ONE"


def test_the_data_are_never_changed() -> None:
    data = {"m": {"a": "x"}, "l": ["x"]}
    before = copy.deepcopy(data)
    assert (
        Template('{{ $_ := set .m "b" "y" }}{{ $_ := set . "c" "z" }}{{ .m }}{{ .c }}').render(data)
        == "map[a:x b:y]z"
    )
    assert data == before


def test_a_map_may_be_set_many_times_over() -> None:
    source = (
        "{{ $m := dict }}{{ range $i := until 5000 }}{{ $_ := set $m (toString $i) $i }}{{ end }}{{ len $m }}"
    )
    assert Template(source).render({}) == "5000"


def test_a_source_is_parsed_once() -> None:
    first, second = Template("{{ .a }} cached", name="n"), Template("{{ .a }} cached", name="n")
    assert first._tree is second._tree
    assert Template("{{ .a }} cached", name="other")._tree is not first._tree


def test_one_template_renders_in_many_threads_at_once() -> None:
    template = Template("{{ range $i := until 50 }}{{ $x := print $i $.v }}{{ $x }},{{ end }}")

    def render(number: int) -> bool:
        expected = "".join(f"{i}v{number}," for i in range(50))
        return template.render({"v": f"v{number}"}) == expected

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(render, range(200)))


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


@pytest.mark.parametrize("data", [{"x": object()}, {"x": 1 << 70}, {1: "x"}])
def test_data_that_no_template_can_work_on_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(TemplateError):
        Template("").render(data)
