"""Hypothesis strategies of templates: type-correct ones, and some that are slightly wrong. Renders nothing.

What comes out must be the same each time, and must not be a difference that the corpus names. So what is
random, costly or looks at the clock is left out, and numbers that make something grow are small.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from hypothesis import strategies as st

from sealbridge.templates.functions.table import TABLE
from tests.interop.templates.cases import Case

# The groups whose functions render the same each time and exist in sprig.
GROUPS: Final = (
    "text", "splitting", "regex", "lists", "dicts", "numbers", "dates", "defaults", "encoding", "json_text",
    "reflection", "paths", "urls", "versions", "digests",
)  # fmt: skip

_LEFT_OUT: Final = frozenset(
    {
        # The clock, or the order in which Go happens to walk a map.
        "now", "ago", "date_modify", "dateModify", "must_date_modify", "mustDateModify", "keys", "values",
        # Newer versions of what sprig calls give something else.
        "mergeOverwrite", "mustMergeOverwrite", "camelcase",
        # Not in this version of sprig.
        "sha512sum", "hexdec",
    }
)  # fmt: skip

# What functions give, for those that do not give what their group's do.
_GIVES: Final[Mapping[str, str]] = {
    "text": "string", "splitting": "list", "regex": "string", "lists": "list", "dicts": "dict",
    "numbers": "number", "dates": "string", "defaults": "any", "encoding": "string", "json_text": "string",
    "reflection": "string", "paths": "string", "urls": "string", "versions": "bool", "digests": "string",
}  # fmt: skip
_GIVES_OTHERWISE: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "contains", "hasPrefix", "hasSuffix", "regexMatch", "mustRegexMatch", "has", "mustHas", "hasKey",
            "empty", "all", "any", "typeIs", "typeIsLike", "kindIs", "deepEqual", "isAbs", "osIsAbs",
        ),
        "bool",
    ),
    **dict.fromkeys(
        (
            "first", "mustFirst", "last", "mustLast", "get", "dig", "fromJson", "mustFromJson", "semver",
            "deepCopy", "mustDeepCopy",
        ),
        "any",
    ),
    **dict.fromkeys(("split", "splitn", "urlParse"), "dict"),
    **dict.fromkeys(
        ("regexFindAll", "mustRegexFindAll", "regexSplit", "mustRegexSplit", "pluck"),
        "list",
    ),
    **dict.fromkeys(("toDate", "mustToDate"), "time"),
    "join": "string",
    "seq": "string",
}  # fmt: skip

# Where a group's functions take a text that has to be of some form.
_FORMS: Final[Mapping[str, Sequence[str]]] = {
    "regex": (
        "", "a", "[a-z]+", "(a)(b)?", "^", "$", r"\d+", r"(?P<x>\w)(\W)", "(?i)A", ".", "(?s).*", "x*", "(",
        "[",
        r"\pL+", "a|b", "$1", "${x}", "$x$0", "[[:alpha:]]{2,}?", r"\b",
    ),
    "dates": (
        "2006-01-02", "15:04:05", "Jan _2 06", "2006-01-02T15:04:05Z07:00", "Monday, MST", "", "2024-02-29",
        "2023-12-31", "1999-1-1", "UTC", "Europe/Berlin", "Nowhere", "1h30m", "95", "-7s",
    ),
    "json_text": (
        "{}", "[]", "null", "1", '"a"', '{"a": [1, 2.5, "x", null, true], "b": {}}', "[1, ", "{a: 1}", "1e3",
        ' {"b": 1, "a": 2} ', "nul", "[[[]]]", '"\\u00e9\\ud83d\\ude00"', "12345678901234567890",
    ),
    "urls": (
        "http://user:pass@host:8080/path?q=1#frag", "/path", "host", "mailto:a@b", "", "http://[::1]/",
        "//h/p", "http://h/%zz", "a b", "http://h/a%20b?x=é",
    ),
    "versions": (
        "1.2.3", "v1.2", "1", "1.2.3-rc.1", "1.2.3+b", "^1.2", "~1.2.3", ">=1, <2 || 3.x", "*", "x", "",
        "1.2 - 1.4", "!=1.2.3", ">1.2.3-0", "1.02.3",
    ),
    "encoding": ("YQ==", "YWI", "ME======", "MFRA====", "!", "a", "é"),
    # Newer versions of Go leave invalid UTF-8 as it is when they cut at an empty separator.
    "splitting": (",", " ", "a", "b,", "é"),
    "paths": ("/a/b.c", "a/../b", "", ".", "/", "a//b/", "../x", ".hidden", "a.b.c", "/a/./b/.."),
    "reflection": ("string", "int", "float64", "map", "slice", "[]interface {}", "bool", "*string"),
}  # fmt: skip

_VERBS: Final = st.one_of(
    st.from_regex(r"%[-+# 0]{0,2}[0-9]{0,2}(\.[0-9]?)?[vTtbcdoOqxXUeEfFgGs]", fullmatch=True),
    st.sampled_from(("%%", "%[2]v", "%[1]*d", "%*d", "%.*f", "%z", "%", "%!", "%-", "%[3]s", "%[x]d", "%é")),
)

_NUMBERS: Final = (
    "1.5", "-0.25", "1e3", "0x1F", "'a'", '"12"', "2.0", "1_0", "9223372036854775807", "1e18", "0.1", "1e-5",
    "-9223372036854775808", '"0x1F"', '"007"', '"1e3"', '"-5"', '" 1"', '""', "true", "nil", "(int64 7)",
)  # fmt: skip

_letters = st.sampled_from("abcxyzABC019 \t\n-_./,:;'\"\\<>&%$#{}éß世ǆİ😀")
_texts = st.text(_letters, max_size=8)
_small = st.integers(-2, 9)
_numbers = st.one_of(
    st.integers(-10, 100),
    st.sampled_from((0.5, -1.5, 2.0, 1e21, 1e-7, 3.999, 123456789.0, 2**53, -(2**31))),
)

# What each rendering works on: kinds by key.
_ROOT: Final = {
    "text": "string", "other": "string", "empty": "string", "number": "number", "flag": "bool",
    "list": "list", "words": "list", "map": "dict", "deep": "dict", "null": "any", "none": "any",
}  # fmt: skip


@st.composite
def data(draw: st.DrawFn) -> dict[str, Any]:
    """Data of the keys that the templates ask for. `none` stays away."""
    leaves = st.one_of(_texts, _numbers, st.booleans(), st.none())
    return {
        "text": draw(_texts),
        "other": draw(_texts),
        "empty": "",
        "number": draw(_numbers),
        "flag": draw(st.booleans()),
        "list": draw(st.lists(st.one_of(leaves, st.lists(leaves, max_size=2)), max_size=4)),
        "words": draw(st.lists(_texts, max_size=4)),
        "map": draw(st.dictionaries(st.sampled_from("abc"), leaves, max_size=3)),
        "deep": {"map": {"a": draw(leaves)}, "list": draw(st.lists(_numbers, max_size=3))},
        "null": None,
    }


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: variables that exist, whether a loop is around, or anything at all."""

    variables: tuple[str, ...] = ()
    in_loop: bool = False
    at_top: bool = False
    depth: int = 3

    def deeper(self, **changes: Any) -> Scope:
        return replace(self, depth=self.depth - 1, at_top=False, **changes)


def functions(*groups: str) -> list[str]:
    """The names of the functions that may be called."""
    return sorted(name for name, row in TABLE.items() if row.group in groups and name not in _LEFT_OUT)


def gives(name: str) -> str:
    """The kind of what a function gives."""
    return _GIVES_OTHERWISE.get(name, _GIVES[TABLE[name].group])


_BY_KIND: Final = {
    kind: [name for name in functions(*GROUPS) if gives(name) == kind]
    for kind in ("string", "number", "bool", "list", "dict", "time", "any")
}
_ALL: Final = functions(*GROUPS)


def literal(text: str) -> str:
    """A string literal of Go."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


@st.composite
def literals(draw: st.DrawFn, kind: str) -> str:
    if kind == "string":
        return draw(st.one_of(_texts.map(literal), st.sampled_from(('"\\xff"', "`raw`", '"a\\xc3b"'))))
    if kind in ("int", "int64"):
        return str(draw(_small))
    if kind == "number":
        return draw(st.one_of(_small.map(str), st.sampled_from(_NUMBERS)))
    if kind == "float64":
        return draw(st.sampled_from(("0.5", "1", "0.25")))
    if kind == "bool":
        return draw(st.sampled_from(("true", "false")))
    if kind == "list":
        return draw(
            st.sampled_from(('(list 1 "a" nil)', "(list)", "(until 3)", '(splitList "," "b,a,b")', "$.words"))
        )
    if kind == "dict":
        return draw(st.sampled_from(('(dict "a" 1 "b" "x")', "(dict)", '(dict "a" (dict "b" 2))', "$.map")))
    if kind == "time":
        return draw(st.sampled_from(('(toDate "2006-01-02" "2024-02-29")', '(toDate "15:04" "23:59")')))
    return draw(literals(draw(st.sampled_from(("string", "number", "bool", "list", "dict")))))


@st.composite
def operands(draw: st.DrawFn, kind: str, scope: Scope) -> str:
    """One argument of a kind: a literal, a field, a variable, or a call in parentheses."""
    # Now and then of another kind; never where a number makes something grow.
    if kind not in ("int", "time") and draw(st.integers(0, 19)) == 0:
        kind = draw(st.sampled_from(("string", "number", "bool", "list", "dict", "any")))
    choices = [literals(kind)]
    fields = [f"$.{key}" for key, of in _ROOT.items() if of == kind or kind == "any"]
    if kind == "string":
        fields += ["$.words | first" if scope.depth < 0 else '(index $.map "a")']
    if kind in ("any", "number"):
        fields += ["$.deep.map.a", "."]
        fields += scope.variables
    if fields:
        choices.append(st.sampled_from(fields))
    if kind == "int":
        choices.append(st.sampled_from(("(len $.list)", "(len $.text)", "nil", '"1"', "1.5", "1.0")))
    if scope.depth > 0:
        if kind == "any":
            choices.append(calls(st.sampled_from(_ALL), scope.deeper()).map("({})".format))
        elif _BY_KIND.get(kind):
            choices.append(calls(st.sampled_from(_BY_KIND[kind]), scope.deeper()).map("({})".format))
        if kind == "bool":
            choices.append(conditions(scope.deeper()).map("({})".format))
    return draw(st.one_of(choices))


def _kind(name: str, parameter: str, place: int, last: bool) -> str:
    """The kind of an argument, closer than its Go type where the function expects more."""
    group = TABLE[name].group
    if parameter != "any":
        return parameter
    if group == "numbers":
        return "number"
    if group == "dates":
        return "number" if name.startswith("duration") else "time"
    if (group == "lists" and (place == 0 or last) and name not in ("list", "tuple")) or name in (
        "sortAlpha",
        "join",
    ):
        return "list"
    if name == "dig":
        return "dict" if last else "string"
    return "any"


@st.composite
def calls(draw: st.DrawFn, names: st.SearchStrategy[str], scope: Scope) -> str:
    """A call of a function, as an expression without parentheses; its last argument may come by a pipe."""
    name = draw(names)
    row = TABLE[name]
    parameters = [word for word in row.parameters.split() if word != "budget"]
    if parameters and parameters[-1].startswith("..."):
        parameters = parameters[:-1] + [parameters[-1][3:]] * draw(
            st.integers(0, 1 if name in ("slice", "mustSlice") else 3)
        )
    arguments: list[str] = []
    for place, parameter in enumerate(parameters):
        kind = _kind(name, parameter, place, place == len(parameters) - 1)
        if name in ("slice", "mustSlice") and place > 0:
            kind = "int"
        if name in ("has", "mustHas"):
            kind = ("any", "list")[place]
        forms = _FORMS.get(row.group)
        separates = row.group == "splitting" and place == 0
        if kind == "string" and forms and (separates or draw(st.integers(0, 3)) > 0):
            arguments.append(draw(st.sampled_from(forms).map(literal)))
        else:
            arguments.append(draw(operands(kind, scope)))
    wrong = draw(st.integers(0, 39))
    if wrong == 0:
        arguments = arguments[:-1]
    elif wrong == 1:
        arguments.append(draw(literals("any")))
    if arguments and draw(st.integers(0, 4)) == 0:
        *others, piped = arguments
        return " | ".join((piped, " ".join((name, *others))))
    return " ".join((name, *arguments))


@st.composite
def conditions(draw: st.DrawFn, scope: Scope) -> str:
    """A comparison, `and`, `or`, `not`."""
    name = draw(st.sampled_from(("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not")))
    if name == "not":
        return f"not {draw(operands('any', scope))}"
    kind = (
        draw(st.sampled_from(("string", "number", "number", "any"))) if name not in ("and", "or") else "any"
    )
    count = draw(st.integers(2, 3)) if name in ("eq", "and", "or") else 2
    return " ".join((name, *(draw(operands(kind, scope)) for _ in range(count))))


@st.composite
def builtins(draw: st.DrawFn, scope: Scope) -> str:
    """A call of what the language itself brings."""
    name = draw(st.sampled_from(("print", "println", "printf", "len", "index", "html", "js", "urlquery")))
    if name == "printf":
        count = draw(st.integers(1, 3))
        form = literal(" ".join(draw(st.lists(_VERBS, min_size=count, max_size=count))))
        return " ".join((name, form, *(draw(operands("any", scope)) for _ in range(count))))
    if name == "len":
        return f"len {draw(operands(draw(st.sampled_from(('string', 'list', 'dict', 'any'))), scope))}"
    if name == "index":
        kind, key = draw(st.sampled_from((("list", "int"), ("dict", "string"), ("string", "int"))))
        return f"index {draw(operands(kind, scope))} {draw(operands(key, scope))}"
    return " ".join((name, *(draw(operands("any", scope)) for _ in range(draw(st.integers(0, 3))))))


def expressions(scope: Scope) -> st.SearchStrategy[str]:
    """Anything that an action may hold."""
    return st.one_of(
        calls(st.sampled_from(_ALL), scope),
        operands("any", scope),
        conditions(scope),
        builtins(scope),
    )


_TRIMS: Final = (("{{ ", " }}"), ("{{- ", " }}"), ("{{ ", " -}}"), ("{{", "}}"))


@st.composite
def statements(draw: st.DrawFn, scope: Scope) -> str:
    """Text and actions, one after the other; declares variables for those that follow."""
    parts: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        part, scope = draw(_statement(scope))
        parts.append(part)
    return "".join(parts)


@st.composite
def _statement(draw: st.DrawFn, scope: Scope) -> tuple[str, Scope]:
    left, right = draw(st.sampled_from(_TRIMS))

    def action(text: str) -> str:
        return f"{left}{text}{right}"

    end, otherwise = action("end"), action("else")
    kinds = ["text", "print", "print", "print", "declare"]
    kinds += ["assign"] if scope.variables else []
    kinds += ["if", "range", "with", "comment"] if scope.depth > 0 else []
    kinds += ["define"] if scope.at_top else []
    kinds += ["leave"] if scope.in_loop else []
    kind = draw(st.sampled_from(kinds))
    inner = scope.deeper()
    if kind == "text":
        return draw(st.text(st.sampled_from("ab \n\t}{é"), max_size=5)).replace("{{", "{"), scope
    if kind == "print":
        return action(draw(expressions(inner))), scope
    if kind == "declare":
        name = draw(st.sampled_from(("$x", "$y", "$été")))
        declared = action(f"{name} := {draw(expressions(inner))}")
        return declared, replace(scope, variables=(*scope.variables, name))
    if kind == "assign":
        return action(f"{draw(st.sampled_from(scope.variables))} = {draw(expressions(inner))}"), scope
    if kind == "comment":
        return draw(st.sampled_from(("{{/* c */}}", "{{- /* c */ -}}", "{{/* {{ }} */}}"))), scope
    if kind == "leave":
        word = action(draw(st.sampled_from(("break", "continue"))))
        return f"{action('if ' + draw(conditions(inner)))}{word}{end}", scope
    if kind == "if":
        text = action(f"if {draw(expressions(inner))}") + draw(statements(inner))
        if draw(st.booleans()):
            text += action(f"else if {draw(expressions(inner))}") + draw(statements(inner))
        if draw(st.booleans()):
            text += otherwise + draw(statements(inner))
        return text + end, scope
    if kind == "with":
        text = action(f"with {draw(expressions(inner))}") + draw(statements(inner.deeper()))
        return text + (otherwise + draw(statements(inner)) if draw(st.booleans()) else "") + end, scope
    if kind == "range":
        over = draw(operands(draw(st.sampled_from(("list", "dict"))), inner))
        names = draw(st.sampled_from(((), ("$v",), ("$k", "$v"))))
        declared = f"{', '.join(names)} := {over}" if names else over
        body = inner.deeper(in_loop=True, variables=(*scope.variables, *names))
        text = action(f"range {declared}") + draw(statements(body))
        return text + (otherwise + draw(statements(inner)) if draw(st.booleans()) else "") + end, scope
    name = literal(draw(st.sampled_from(("one", "two"))))
    # In a definition neither variables nor loops of the outside exist; its `$` is what it is given.
    defined = draw(statements(Scope(depth=scope.depth - 2)))
    given = draw(st.sampled_from(("$", ".", "")))
    return f"{action(f'define {name}')}{defined}{end}{action(f'template {name} {given}')}", scope


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A whole template with data; now and then with a map of strings, as Sealed Secrets has it."""
    template = draw(statements(Scope(at_top=True)))
    missing: Literal["zero", "error"] = "zero" if draw(st.integers(0, 2)) else "error"
    values = draw(data())
    if draw(st.integers(0, 5)) > 0:
        return Case(template, values, missing=missing)
    return Case(template, {key: str(value) for key, value in values.items()}, strings=True, missing=missing)


@st.composite
def function_cases(draw: st.DrawFn, group: str) -> Case:
    """One call of a function of a group, with its outcome's type."""
    call = draw(calls(st.sampled_from(functions(group)), Scope(depth=1)))
    form = draw(st.sampled_from(("{{ CALL }}", '{{ printf "%T %v" (CALL) "" }}', "{{ (CALL) | toJson }}")))
    return Case(form.replace("CALL", call), draw(data()))
