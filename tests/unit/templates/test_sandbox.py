"""What a hostile template cannot do: have a value shown by an error, or meet a mistake of ours."""

from __future__ import annotations

import base64
import copy
import io
import itertools
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from sealbridge.errors import TemplateError, TemplateSyntaxError
from sealbridge.templates import Template, parser, string_map
from sealbridge.templates.calls import find
from sealbridge.templates.functions.table import GROUPS, TABLE
from sealbridge.templates.go.values import Object
from tests.canary import Canary

NUMBER = 8675309
BUILTINS = (
    "and", "or", "not", "len", "index", "call", "eq", "ne", "lt", "le", "gt", "ge", "print", "println",
    "printf", "html", "js", "urlquery",
)  # fmt: skip
# Expressions that are values or made of them, by the type of a parameter.
ANY = (".text", "(atoi .number)", "(sub 0 (atoi .number) | int)", "(float64 .number)", "(list .text)",
       "(dict .text .text)", ".broken", ".json", "nil")  # fmt: skip
EXPRESSIONS = {
    "string": (".text", ".broken", ".json", ".yaml", ".pem", '"x"', "(atoi .number)"),
    "int": ("(atoi .number)", "(sub 0 (atoi .number) | int)", "3", ".text"),
    "int64": ("(int64 .number)", ".text"),
    "uint32": ("3", "(atoi .number)"),
    "float64": ("(float64 .number)", ".text"),
    "dict": ("(dict .text .text)", ".text", "nil"),
    "list": ("(list .text)", ".text", "nil"),
    "bool": (".text", "(atoi .number)"),
    "time": ("(toDate `2006` `2020`)", ".text"),
}
# Enough to meet every way in which a function fails; costly ones fail in few.
CALLS, COSTLY_CALLS = 80, 8
COSTLY = ("bcrypt", "htpasswd", "derivePassword", "gen")


def calls(name: str) -> list[str]:
    """Calls of a function with values in every position, and with too few and too many arguments."""
    function = find(name)
    assert function is not None
    types = [*function.parameters, *([function.variadic] * 2 if function.variadic else [])]
    combinations = list(itertools.product(*(EXPRESSIONS.get(type_, ANY) for type_ in types)))
    random.Random(name).shuffle(combinations)
    del combinations[COSTLY_CALLS if name.startswith(COSTLY) else CALLS :]
    return [" ".join((name, *arguments)) for arguments in [*combinations, (), (".text",) * 6]]


@pytest.mark.parametrize("group", [*GROUPS, "built in"])
def test_no_error_of_a_function_holds_a_value(group: str, canary: Canary) -> None:
    text = canary(f"argument of {group}")
    data = {
        "text": text,
        "number": str(NUMBER),
        "broken": f"(%zz{text}[",
        "json": f'{{"a": {text}',
        "yaml": f"a: [{text}\n b: *{text}",
        "pem": f"-----BEGIN {text}-----\nAAAA\n-----END {text}-----\n",
    }
    forms = {text, text.upper(), text[::-1], str(NUMBER), "8.675309", f"{NUMBER:x}"}
    forms.add(base64.b64encode(text.encode()).decode()[:14])
    names = BUILTINS if group == "built in" else [name for name, row in TABLE.items() if row.group == group]
    shown, failures = [], 0
    for call in itertools.chain.from_iterable(map(calls, names)):
        for root in (data, string_map(data)):
            try:
                Template(f"{{{{ {call} }}}}", missing="error").render(root)
            except TemplateError as error:
                failures += 1
                told = f"{error} {error.hint} {error!r} {error.__cause__!r}"
                if "internal error" in told or any(form in told for form in forms):
                    shown.append(call)
    assert shown == []
    assert failures >= len(names)


def test_a_value_that_becomes_a_key_of_the_data_is_in_no_hint(canary: Canary) -> None:
    value = canary("made a key")
    source = '{{ define "x" }}{{ .none }}{{ end }}{{ $_ := set $ .a 1 }}{{ template "x" . }}'
    with pytest.raises(TemplateError) as caught:
        Template(source, missing="error").render({"a": value, "b": ""})
    assert caught.value.hint == "there are: a, b"


@pytest.mark.parametrize("failure", [ValueError, MemoryError])
def test_what_nobody_has_thought_of_is_told_without_its_text(
    failure: type[Exception], canary: Canary
) -> None:
    def fails(value: bytes) -> bytes:
        raise failure(value.decode())

    value = canary("text of an exception")
    with pytest.raises(TemplateError) as caught:
        Template("{{ broken .a }}", functions={"broken": fails}).render({"a": value})
    assert value not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"
    assert caught.value.__suppress_context__
    expected = "there is not enough memory" if failure is MemoryError else "internal error: ValueError in "
    assert expected in caught.value.what


def test_what_took_up_the_memory_is_let_go_before_anybody_is_told() -> None:
    def fails() -> bytes:
        raise MemoryError

    with pytest.raises(TemplateError) as caught:
        Template("{{ full }}", functions={"full": fails}).render({})
    seen: list[BaseException] = [caught.value]
    while before := seen[-1].__context__:
        seen.append(before)
    assert not any(isinstance(error, MemoryError) for error in seen)


class _Odd(Object):
    """A value that cannot be printed."""

    type_name = "odd"

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def string(self) -> bytes:
        raise self._failure


@pytest.mark.parametrize("source", ["a{{ .odd }}", "{{ if 1 }}{{ range .list }}{{ . }}{{ end }}{{ end }}"])
@pytest.mark.parametrize("failure", [ValueError, MemoryError])
def test_what_fails_outside_of_functions_is_an_error_of_the_template(
    source: str, failure: type[Exception], canary: Canary
) -> None:
    value = canary("text of another exception")
    odd = _Odd(failure(value))
    with pytest.raises(TemplateError) as caught:
        Template(source, name="t").render({"odd": odd, "list": [odd]})
    assert str(caught.value).startswith("t:1:")
    assert value not in _told(caught.value)
    expected = "there is not enough memory" if failure is MemoryError else "internal error: ValueError in "
    assert caught.value.what.startswith(expected)


def _told(error: BaseException) -> str:
    """All that a log has of an error, and what the error itself holds."""
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    logger = logging.Logger("of its own")
    logger.addHandler(handler)
    logger.error("failed", exc_info=error)
    parts = [logged.getvalue(), repr(error), repr(error.args), repr(getattr(error, "__notes__", ""))]
    if isinstance(error, TemplateError):
        parts += [error.what, str(error.where), str(error.hint)]
    return "\n".join(parts)


def test_half_a_character_is_replaced_as_in_go(canary: Canary) -> None:
    value = canary("before half a character")
    data = {"a": value + "\ud800", "\udfff": ["\udc80\udc7f"]}
    for root in (data, string_map({"a": value + "\ud800"})):
        assert Template("{{ .a }}").render(root) == value + "\ufffd"
    assert (
        Template("{{ range . }}{{ if kindIs `slice` . }}{{ . }}{{ end }}{{ end }}").render(data)
        == "[\udc80\ufffd]"
    )
    with pytest.raises(TemplateSyntaxError, match="t: the template holds half of a character"):
        Template("a\ud800{{ .a }}", name="t")


def test_data_that_cannot_be_used_are_an_error_of_the_template(canary: Canary) -> None:
    value = canary("in data that cannot be used")
    for data in (
        {"a": {value}},
        {"a": 1 << 80, "b": value},
        {"a": {1: value}},
        {"a": bytearray(value.encode())},
    ):
        with pytest.raises(TemplateError) as caught:
            Template("x", name="t").render(data)
        assert str(caught.value).startswith("t: ")
        assert value not in _told(caught.value)


class _Tempting:
    """What a template would like to get hold of."""

    methods: ClassVar[dict[str, tuple[str, str]]] = {"Steal": ("steal", "")}
    fields: ClassVar[dict[str, str]] = {"Secret": "secret"}
    secret = b"stolen"

    def steal(self) -> bytes:
        return b"stolen"


@pytest.mark.parametrize(
    "use", ["own", "own.Steal", "own.Secret", "(own).__class__", "call own", "list own", "own | len"]
)
def test_no_object_of_python_gets_into_a_template(use: str) -> None:
    with pytest.raises(TemplateError, match=r"t:1:.*`own` failed: a template cannot work on a _T"):
        Template(f"{{{{ {use} }}}}", name="t", functions={"own": lambda: _Tempting()}).render({})
    with pytest.raises(TemplateError, match="a template cannot work on a _Tempting"):
        Template(f"{{{{ {use.replace('own', '.own')} }}}}").render({"own": _Tempting()})


def test_functions_of_a_caller_may_give_values_of_python() -> None:
    given = {"text": "a\udcff", "number": 7, "list": ("a", 1.5), "none": None, "map": {b"a": b"b"}}
    for name, shown in (("text", "a\udcff"), ("number", "7"), ("list", "[a 1.5]"), ("map", "map[a:b]")):
        template = Template(f"{{{{ own `{name}` }}}}", functions={"own": lambda key: given[key.decode()]})
        assert template.render({}) == shown


@pytest.mark.parametrize(
    "attempt",
    [
        ".a.__class__", ".a.decode", ".map.keys.x", ".map.items.x", ".list.append", ".list.__len__",
        ".a.Seconds",
        "(semver `1.2.3`).version", "(semver `1.2.3`).written", "(toDate `2006` `2020`).seconds",
        "(toDate `2006` `2020`)._civil", "(toDate `2006` `2020`).zone", "(int64 1).numerator", "call .a",
        "call (semver `1.2.3`)", "(duration `1`).real", "(now.Sub now).string", "now.Month.string",
    ],
)  # fmt: skip
def test_no_attribute_of_python_is_reached(attempt: str) -> None:
    with pytest.raises(TemplateError):
        Template(f"{{{{ {attempt} }}}}", missing="error").render({"a": "x", "map": {}, "list": ["x"]})


@pytest.mark.parametrize(
    "source",
    [
        "{{ %s }}", "{{ .%s }}", "{{ $%s }}", '{{ "\\q%s" }}', "{{ 1%s }}", "{{ template `%s` }}",
        "{{ .a.%s }}",
        "{{ define `%s` }}a{{ end }}{{ define `%s` }}b{{ end }}", "{{ .a `%s` }}",
    ],
)  # fmt: skip
def test_no_error_is_longer_than_a_status_may_be(source: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(source.replace("%s", "x" * 100_000), missing="error").render({"a": "b"})
    assert len(f"{caught.value} {caught.value.hint}") < 400


def test_nothing_that_a_template_does_changes_the_data_of_the_caller() -> None:
    data = {"m": {"x": {"y": [3, 1]}, "z": ["b", "a"]}, "l": [{"k": 1}], "s": string_map({"a": "b"})}
    before = copy.deepcopy(data)
    source = (
        "{{ $_ := set . `m2` 1 }}{{ $_ = unset .m `z` }}{{ $_ = set .m.x `y` 2 }}"
        "{{ $_ = set (first .l) `k` 2 }}"
        "{{ $_ = mergeOverwrite . (dict `m` (dict `x` (dict `y` 5))) }}{{ $_ = merge .m (dict `n` 1) }}"
        "{{ $_ = unset $ `l` }}{{ . | len }}"
    )
    assert Template(source).render(data) == "3"
    assert data == before


def test_threads_that_render_one_template_do_not_meet() -> None:
    template = Template(
        "{{ range $i, $_ := until 200 }}{{ $_ := set $ (print `k` $i) (upper (print $.me `é`)) }}{{ end }}"
        "{{ len . }} {{ regexReplaceAll `[0-9]+` .me `#` }} {{ .k7 }} {{ lower .k9 | title }}"
    )
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: template.render({"me": f"x{number}"}), range(64)))
    assert found == [f"201 x# X{number}É X{number}é" for number in range(64)]


def test_a_template_that_there_is_no_memory_for_is_a_syntax_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def tokens(*_: object) -> list[object]:
        raise MemoryError

    monkeypatch.setattr(parser, "tokens", tokens)
    with pytest.raises(TemplateSyntaxError, match="t: there is not enough memory for the template"):
        Template("a template of which there is no other", name="t")
