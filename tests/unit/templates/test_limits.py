"""The bounds of a rendering: each is named by its error, holds at the limit and fails one above it."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from typing import Any

import pytest

from sealbridge.errors import TemplateError, TemplateSyntaxError
from sealbridge.templates import Template
from sealbridge.templates.go import runes
from sealbridge.templates.go.values import from_python
from sealbridge.templates.limits import DEFAULT, BoundExceeded, Budget, Limits
from sealbridge.templates.template import _Parsed

# A map that holds itself, in `$loop`.
_LOOP = '{{ $loop := dict "a" 1 }}{{ $_ := set $loop "loop" $loop }}'
# Lists that hold another one twice, 30 times over: in full a billion of them.
_DOUBLED = "{{ $twice := list 1 }}{{ range until 30 }}{{ $twice = list $twice $twice }}{{ end }}"
# A list in another, 102 times over.
_DEEP = "{{ $deep := list 1 }}{{ range until 101 }}{{ $deep = list $deep }}{{ end }}"
# Maps of YAML in another, 500 levels of them.
_INDENTED = (
    """{{ $text := "" }}{{ range until 500 }}{{ $text = print $text (repeat . " ") "a:\\n" }}{{ end }}"""
)
# A template that runs within itself as often as it is told.
_RECURSION = '{{ define "s" }}{{ if gt . 1 }}{{ template "s" (sub . 1 | int) }}{{ end }}yes{{ end }}'


def _refusal(source: str, data: dict[str, Any] | None = None, **limits: Any) -> str:
    """What the error says of a template that goes over a bound."""
    with pytest.raises(TemplateError) as caught:
        Template(source, name="t", limits=Limits(**limits)).render(data or {})
    assert "canary" not in f"{caught.value} {caught.value.hint}"
    return caught.value.what


# Tight limits, what just fits them, what does not, and what the error says.
_EDGES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "text": ({"output": 10}, "0123456789", "0123456789a", "the output grows beyond 10 bytes"),
    "text and values": ({"output": 11}, "-{{ .ten }}", "--{{ .ten }}", "the output grows beyond 11 bytes"),
    "text of a loop": (
        {"output": 10},
        "{{ range until 10 }}x{{ end }}",
        "{{ range until 11 }}x{{ end }}",
        "the output grows beyond 10 bytes",
    ),
    "print": (
        {"size": 11},
        '{{ print .ten "a" }}',
        '{{ print .ten "ab" }}',
        "a string grows beyond 11 bytes",
    ),
    "repeat": ({"size": 10}, '{{ repeat 10 "x" }}', '{{ repeat 11 "x" }}', "a string grows beyond 10 bytes"),
    "indent": ({"size": 10}, '{{ indent 9 "a" }}', '{{ indent 10 "a" }}', "a string grows beyond 10 bytes"),
    "replace": (
        {"size": 10},
        '{{ replace "a" "12345" "aa" }}',
        '{{ replace "a" "123456" "aa" }}',
        "a string grows beyond 10 bytes",
    ),
    "random": (
        {"size": 10},
        "{{ randAlphaNum 10 | len }}",
        "{{ randAlphaNum 11 | len }}",
        "a string grows beyond 10 bytes",
    ),
    "all strings": (
        {"total": 20},
        "{{ upper .ten }}{{ lower .ten }}",
        '{{ upper .ten }}{{ lower .ten }}{{ upper "a" }}',
        "all values together grow beyond 20 bytes",
    ),
    "all lists": (
        {"total": 64},
        "{{ list 1 | len }}{{ list 1 | len }}",
        "{{ list 1 | len }}{{ list 1 2 | len }}",
        "all values together grow beyond 64 bytes",
    ),
    "steps": (
        {"steps": 3},
        "a{{/**/}}b{{/**/}}c",
        "a{{/**/}}b{{/**/}}c{{/**/}}d",
        "the template takes more than 3 steps",
    ),
    "nested source": (
        {"depth": 3},
        "{{ if true }}{{ if (true) }}yes{{ end }}{{ end }}",
        "{{ if true }}{{ if ((true)) }}yes{{ end }}{{ end }}",
        "more than 3 blocks and parentheses within each other",
    ),
    "nested templates": (
        {"depth": 4},
        _RECURSION + '{{ template "s" 2 }}',
        _RECURSION + '{{ template "s" 3 }}',
        "more than 4 templates and blocks run within each other",
    ),
    "costly functions": (
        {"costly": 1},
        "{{ range until 1 }}{{ genPrivateKey `ed25519` }}{{ end }}",
        "{{ range until 2 }}{{ genPrivateKey `ed25519` }}{{ end }}",
        "the template makes more than 1 keys and password hashes",
    ),
    "pattern": (
        {"pattern": 4},
        '{{ regexMatch "a{9}" .ten }}',
        '{{ regexMatch "a{10}" .ten }}',
        "a regular expression is longer than 4 bytes",
    ),
}


@pytest.mark.parametrize("edge", _EDGES)
def test_a_template_reaches_a_bound_and_fails_one_above_it(edge: str) -> None:
    limits, within, above, what = _EDGES[edge]
    assert Template(within, limits=Limits(**limits)).render({"ten": "0123456789"})
    assert _refusal(above, {"ten": "0123456789"}, **limits).startswith(what)


# Each makes a list or map of three entries when given 3, and of four when given 4.
_MAKERS = {
    "until": "until .n",
    "until downwards": "until (sub 0 .n | int)",
    "untilStep": "untilStep 0 (mul .n 5 | int) 5",
    "seq": "seq .n",
    "split": 'split "," (trimSuffix "," (repeat .n "a,"))',
    "split into characters": 'split "" (repeat .n "é")',
    "splitList": 'splitList "," (trimSuffix "," (repeat .n "a,"))',
    "splitn": 'splitn "," .n "a,b,c,d,e"',
    "splitn into characters": 'splitn "" .n "abcde"',
    "regexFindAll": 'regexFindAll "a" (repeat .n "a") -1',
    "regexFindAll with a count": 'regexFindAll "a" "aaaaa" .n',
    "regexSplit": 'regexSplit "b" (trimSuffix "b" (repeat .n "ab")) -1',
    "append": "append (until (sub .n 1 | int)) 1",
    "prepend": "prepend (until (sub .n 1 | int)) 1",
    "concat": "concat (until (sub .n 1 | int)) (list 1)",
    "chunk": "chunk 1 (until .n)",
    "keys": 'keys (dict "a" 1 "b" 2) (omit (dict "c" 3 "d" 4) (eq .n 3 | ternary "c" ""))',
    "merge": 'merge (dict "a" 1 "b" 2) (omit (dict "c" 3 "d" 4) (eq .n 3 | ternary "c" ""))',
    "a list of fromJson": 'fromJson (printf "[%s1]" (repeat (sub .n 1 | int) "1,"))',
    "a map of fromJson": "fromJson (eq .n 3 | ternary .three .four)",
    "a list in a list of fromJson": 'fromJson (printf "[[%s1]]" (repeat (sub .n 1 | int) "1,"))',
    "fromProperties": 'fromProperties (eq .n 3 | ternary "a=1\\nb=2\\nc=3" "a=1\\nb=2\\nc=3\\nd=4")',
    "snakecase": 'snakecase (eq .n 3 | ternary "a b" "a b ")',
    "kebabcase": 'kebabcase (eq .n 3 | ternary "a b" "a b ")',
    "a list of fromYaml": 'fromYaml (printf "a: [%s1]" (repeat (sub .n 1 | int) "1,"))',
    "a map of fromYaml": "fromYaml (eq .n 3 | ternary .three .four)",
    "a map that another is merged into": "fromYaml (print `{a: &a {b: 1, c: 2}, d: {<<: *a, ` .pairs `}}`)",
}


@pytest.mark.parametrize("maker", _MAKERS)
def test_a_list_or_map_has_no_more_entries_than_allowed(maker: str) -> None:
    source = f"{{{{ if {_MAKERS[maker]} }}}}made{{{{ end }}}}"
    data = {"three": '{"a": 1, "b": 2, "c": 3}', "four": '{"a": 1, "b": 2, "c": 3, "d": 4}'}
    within, above = {"n": 3, "pairs": "e: 3", **data}, {"n": 4, "pairs": "e: 3, f: 4", **data}
    assert Template(source, limits=Limits(entries=3)).render(within) == "made"
    assert _refusal(source, above, entries=3).startswith("a list or map grows beyond 3 entries, in ")


def test_set_fills_a_map_up_to_the_bound() -> None:
    source = '{{ $map := dict }}{{ range .keys }}{{ $_ := set $map . "" }}{{ end }}{{ len $map }}'
    assert Template(source, limits=Limits(entries=3)).render({"keys": ["a", "b", "c", "a"]}) == "3"
    assert _refusal(source, {"keys": ["a", "b", "c", "d"]}, entries=3).startswith("a list or map grows")


_STRING = "a string grows beyond 2097152 bytes"
_ENTRIES = "a list or map grows beyond 100000 entries"
_STEPS = "the template takes more than 1000000 steps"
_NESTED = "a value is nested more than 100 levels deep"
# What would take more memory than there is, or never end; and what the error says instead.
_BOMBS = {
    "until": ("{{ until 9223372036854775807 }}", _ENTRIES),
    "until downwards": ("{{ until -9223372036854775808 }}", _ENTRIES),
    "untilStep": ("{{ untilStep -9223372036854775808 9223372036854775807 1 }}", _ENTRIES),
    "seq": ("{{ seq 1 1 9223372036854775806 }}", _ENTRIES),
    "repeat": ('{{ repeat 9223372036854775807 "x" }}', _STRING),
    "indent": ('{{ indent 9223372036854775807 "x" }}', _STRING),
    "printf": ('{{ printf "%*d" 1000000 1 | repeat 5 }}', _STRING),
    "randAlpha": ("{{ randAlpha 9223372036854775807 }}", _STRING),
    "randBytes": ("{{ randBytes 9223372036854775807 }}", _STRING),
    "splitList": ('{{ splitList "" (repeat 2097152 "x") | len }}', _ENTRIES),
    "fromJson": ('{{ fromJson (printf "[%s1]" (repeat 1048570 "1,")) | len }}', _STEPS),
    "fromJson of brackets": ('{{ fromJson (repeat 2097152 "[") }}', _STEPS),
    "fromJson of many levels": ('{{ fromJson (print (repeat 500 "[") (repeat 500 "]")) }}', _NESTED),
    "fromJson of more levels": ('{{ fromJson (print (repeat 99999 "[") (repeat 99999 "]")) }}', _NESTED),
    "fromYaml of many levels": ('{{ fromYaml (print "a: " (repeat 500 "[")) }}', _NESTED),
    "fromYaml of indents": (_INDENTED + "{{ fromYaml $text }}", _NESTED),
    "a template in itself": (
        '{{ define "s" }}{{ template "s" }}{{ end }}{{ template "s" }}',
        "more than 100 templates and blocks run within each other",
    ),
    "a map in itself": (_LOOP + "{{ $loop }}", _NESTED),
    "printf of a map in itself": (_LOOP + '{{ printf "%d" $loop }}', _NESTED),
    "toJson of a map in itself": (_LOOP + "{{ toJson $loop }}", _NESTED),
    "toYaml of a map in itself": (_LOOP + "{{ toYaml $loop }}", _NESTED),
    "quote of a map in itself": (_LOOP + "{{ quote $loop }}", _NESTED),
    "a copy of a map in itself": (_LOOP + "{{ deepCopy $loop }}", _NESTED),
    "a deep list": (_DEEP + "{{ $deep }}", _NESTED),
    "toJson of a deep list": (_DEEP + "{{ toJson $deep }}", _NESTED),
}


@pytest.mark.parametrize("bomb", _BOMBS)
def test_nothing_is_made_before_the_bounds_are_looked_at(bomb: str) -> None:
    source, what = _BOMBS[bomb]
    Template(source)
    tracemalloc.start()
    try:
        assert _refusal(source).startswith(what)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "source",
    [
        "{{ range 9223372036854775807 }}{{ end }}",
        _DOUBLED + "{{ toJson $twice }}",
        _DOUBLED + "{{ deepCopy $twice }}",
        _DOUBLED + '{{ printf "%d" $twice }}',
    ],
    ids=["range", "toJson", "deepCopy", "printf"],
)
def test_what_never_ends_runs_out_of_steps(source: str) -> None:
    assert _refusal(source, steps=5000).startswith("the template takes more than 5000 steps, in ")


@pytest.mark.parametrize(
    ("use", "size", "steps"),
    [
        ("contains `x` .big", 1 << 17, 32),
        (".big | sha256sum", 1 << 17, 32),
        ("contains `x` .big", 4095, 0),
        ("has 1 .many", 1 << 13, 8),
        ("len .many", 1023, 0),
        ("randAlpha .size", 100, 100),
        ("shuffle .big", 100, 100),
    ],
)
def test_large_arguments_take_steps_of_their_own(use: str, size: int, steps: int) -> None:
    source = f"{{{{ $_ := {use} }}}}"
    small = {"big": "", "many": [], "size": 0}
    large = {"big": "y" * size, "many": [2.5] * min(size, 1 << 13), "size": size}
    assert _steps_of(source, large) == _steps_of(source, small) + steps


def _steps_of(source: str, data: dict[str, Any]) -> int:
    """The fewest steps that a template gets by with."""
    for steps in range(1, 400):
        with contextlib.suppress(TemplateError):
            Template(source, limits=Limits(steps=steps)).render(data)
            return steps
    raise AssertionError("the template fails, or takes more steps than it may here")


def test_what_holds_the_same_many_times_over_prints_as_more_than_there_is_room_for() -> None:
    assert _refusal(_DOUBLED + "{{ $twice }}").startswith("a value prints as more than 2097152 bytes, in ")


def test_what_holds_the_same_many_times_over_is_compared_once() -> None:
    source = _DOUBLED + _DOUBLED.replace("twice", "other") + "{{ deepEqual $twice $other }}"
    assert Template(source, limits=Limits(steps=5000)).render({}) == "true"


def test_time_is_up_when_it_is_up() -> None:
    source = "{{ range until 1000 }}{{ end }}"
    assert Template(source, limits=Limits(seconds=60)).render({}) == ""
    assert _refusal(source, seconds=0) == "the template takes longer than 0 seconds, in `until 1000`"


def test_an_error_of_a_bound_says_where_and_never_what() -> None:
    with pytest.raises(TemplateError) as caught:
        Template("ok\n{{ repeat 9 .a }}", name="t", limits=Limits(size=10)).render({"a": "canary"})
    assert str(caught.value) == "t:2:4: a string grows beyond 10 bytes, in `repeat 9 .a`"


def test_what_is_nested_too_deep_in_the_source_is_a_syntax_error() -> None:
    source = "{{ %strue%s }}"
    assert Template(source % ("(" * 100, ")" * 100)).render({}) == "true"
    with pytest.raises(TemplateSyntaxError, match="more than 100 blocks and parentheses within each other"):
        Template(source % ("(" * 101, ")" * 101))


def test_every_rendering_has_an_account_of_its_own() -> None:
    template = Template("{{ upper .a }}", limits=Limits(total=10, output=10, steps=4))
    assert [template.render({"a": "0123456789"}) for _ in range(3)] == ["0123456789"] * 3


@pytest.mark.parametrize(
    ("account", "allowed", "what"),
    [
        (lambda budget: budget.step(), 7, "the template takes more than 7 steps"),
        (lambda budget: budget.write(1), 5, "the output grows beyond 5 bytes"),
        (lambda budget: budget.grow(1), 100, "all values together grow beyond 100 bytes"),
        (lambda budget: budget.hold(1), 3, "all values together grow beyond 100 bytes"),
        (lambda budget: budget.spend(), 2, "the template makes more than 2 keys and password hashes"),
    ],
)
def test_an_account_adds_up(account: Any, allowed: int, what: str) -> None:
    budget = Budget(Limits(steps=7, output=5, total=100, costly=2))
    for _ in range(allowed):
        account(budget)
    with pytest.raises(BoundExceeded) as caught:
        account(budget)
    assert str(caught.value) == what


@pytest.mark.parametrize(
    ("account", "size", "what"),
    [
        (lambda budget, size: budget.grow(size), 4, "a string grows beyond 4 bytes"),
        (lambda budget, size: budget.hold(size), 6, "a list or map grows beyond 6 entries"),
        (lambda budget, size: budget.check_pattern(size), 8, "a regular expression is longer than 8 bytes"),
    ],
)
def test_one_thing_has_a_size_of_its_own(account: Any, size: int, what: str) -> None:
    budget = Budget(Limits(size=4, entries=6, pattern=8))
    account(budget, size)
    account(budget, size)
    with pytest.raises(BoundExceeded) as caught:
        account(budget, size + 1)
    assert str(caught.value) == what


def test_an_expired_account_tells_at_the_next_look_at_the_clock() -> None:
    budget = Budget(Limits(seconds=-1))
    for _ in range(255):
        budget.step()
    with pytest.raises(BoundExceeded, match="the template takes longer than -1 seconds"):
        budget.step()
    looks = (
        budget.check_time,
        budget.spend,
        lambda: budget.work(0),
        lambda: budget.grow(5000),
        lambda: budget.hold(5000),
    )
    for look in looks:
        with pytest.raises(BoundExceeded, match="longer"):
            look()


@pytest.mark.parametrize(
    "use",
    [
        'split "," $.big',
        'splitList "," $.big',
        'splitn "," 2 $.big',
        'regexFindAll "[^,]+" $.big -1',
        'regexSplit "," $.big -1',
        "urlParse $.big",
        "fromProperties $.big",
    ],
)
def test_the_texts_in_a_list_or_map_that_a_function_makes_count(use: str) -> None:
    source = f"{{{{ range until 10 }}}}{{{{ $_ := {use} }}}}{{{{ end }}}}"
    data = {"big": "x" * 5000 + "," + "y" * 5000}
    assert Template(source, limits=Limits(total=200_000)).render(data) == ""
    assert _refusal(source, data, total=50_000).startswith("all values together grow beyond 50000 bytes")


def test_aliases_of_one_text_count_as_many() -> None:
    text = "a: &a " + "x" * 1000 + "\nb: [" + "*a, " * 200 + "]"
    source = "{{ (fromYaml .text).b | len }}"
    assert Template(source).render({"text": text}) == "200"
    assert _refusal(source, {"text": text}, total=100_000).startswith("all values together grow beyond")


def test_names_in_a_certificate_count() -> None:
    source = '{{ genSelfSignedCert "me" nil .hosts 1 }}'
    what = _refusal(source, {"hosts": ["x" * 1000] * 100}, total=90_000)
    assert what.startswith("all values together grow beyond 90000 bytes")


# Values that are the same but for their last byte, and many of them.
_ALIKE = {"a": "x" * (1 << 16) + "a", "many": ["x" * (1 << 16) + "b"] * 256}


@pytest.mark.parametrize(
    "use", ["has .a .many", "uniq .many", "without .many .a", "sortAlpha .many", "deepEqual .many .same"]
)
def test_what_compares_long_texts_takes_steps(use: str) -> None:
    source = f"{{{{ $_ := {use} }}}}"
    data = {**_ALIKE, "same": ["x" * (1 << 16) + chr(98) for _ in range(256)]}
    assert Template(source, limits=Limits(steps=50_000)).render(data) == ""
    assert _refusal(source, data, steps=2000).startswith("the template takes more than 2000 steps")


@pytest.mark.parametrize(
    ("use", "data"),
    [
        ('toDate (repeat 20000 "4") .text', {"text": "1" * 20_000}),
        ("fromYaml .text", {"text": "".join(f"%TAG !{n}! x\n" for n in range(5000)) + "---\na: b"}),
        ("range .", {str(key): "" for key in range(20_000)}),
    ],
    ids=["date", "directives of YAML", "range"],
)
def test_what_grows_with_the_square_of_a_text_or_sorts_a_map_takes_steps(
    use: str, data: dict[str, Any]
) -> None:
    source = f"{{{{ {use} }}}}" + ("{{ break }}{{ end }}" if use == "range ." else "")
    assert Template(source).render(data) is not None
    steps = 15 if use == "range ." else 15_000
    assert _refusal(source, data, steps=steps).startswith(f"the template takes more than {steps} steps")


def test_many_characters_are_trimmed_at_once() -> None:
    data = {"cut": "b" * (1 << 20) + "a", "text": "a" * (1 << 20) + "c" + "b" * (1 << 19)}
    started = time.process_time()
    assert Template("{{ trimAll .cut .text }}").render(data) == "c"
    assert time.process_time() - started < 20


def test_many_variables_are_found_at_once() -> None:
    source = "{{$a:=1}}" * 40_000 + "{{$b:=2}}" + "{{if false}}{{$b}}{{end}}" * 20_000 + "{{$b}}"
    started = time.process_time()
    assert Template(source).render({}) == "2"
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("{{ range $ }}" * 20 + "{{ break }}" + "{{ end }}" * 20, {str(key): "" for key in range(20_000)}),
        ("{{ range $.a }}" * 20 + "{{ break }}" + "{{ end }}" * 20, {"a": "a" * 500_000 + "\U0001f600"}),
    ],
    ids=["map", "text"],
)
def test_ranges_within_each_other_hold_little(source: str, data: dict[str, Any]) -> None:
    template = Template(source.replace("{{ break }}", "{{ fail `` }}"))
    ready = from_python(data)
    tracemalloc.start()
    try:
        with pytest.raises(TemplateError):
            template.render(ready)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_case_is_remembered_for_some_characters_only() -> None:
    text = "".join(map(chr, range(0x80, 0xD800)))
    assert Template("{{ upper .a }}{{ lower .a }}{{ title .a }}").render({"a": text})
    assert max(map(len, (runes._UPPER, runes._LOWER, runes._TITLE))) <= 4096


def test_templates_that_are_kept_take_up_little() -> None:
    trees = _Parsed()
    for number in range(40):
        trees.tree(f"{number}" + "{{.}}" * 10_000, "t", ("{{", "}}"), 100)
    # Each takes up nearly 4 MiB.
    assert 1 <= len(trees._trees) <= 8
    for number in range(2000):
        trees.tree(f"{number}", "t", ("{{", "}}"), 100)
    assert len(trees._trees) == 1024


def test_a_secret_fits_within_the_bounds() -> None:
    secret = 1 << 20
    assert min(DEFAULT.output, DEFAULT.size) >= 2 * secret
    assert DEFAULT.total >= 16 * secret
    assert len(Template("{{ .a | b64enc }}").render({"a": "x" * secret})) > secret


def test_a_source_is_bounded() -> None:
    assert Template("x" * 10, limits=Limits(source=10)).render({}) == "x" * 10
    with pytest.raises(TemplateSyntaxError, match="the template is longer than 10 characters"):
        Template("x" * 11, limits=Limits(source=10))
