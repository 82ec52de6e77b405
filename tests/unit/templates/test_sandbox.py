"""What a hostile template cannot do: have a value shown by an error, or meet a mistake of ours."""

from __future__ import annotations

import base64
import itertools
import random

import pytest

from sealbridge.errors import TemplateError
from sealbridge.templates import Template, string_map
from sealbridge.templates.calls import find
from sealbridge.templates.functions.table import GROUPS, TABLE
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
