"""Whatever a template is, it ends: in text or in a TemplateError, and within its bounds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.errors import TemplateError
from sealbridge.templates import Template
from sealbridge.templates.functions.table import TABLE
from sealbridge.templates.limits import Limits
from sealbridge.templates.values import from_python

CORPUS = Path(__file__).parents[2] / "interop" / "templates" / "corpus"

INPUTS = 100_000
# So that the workers share the work.
SHARES = 20

# Far below the defaults, so that the bounds are what many inputs meet, and soon. No keys, no password hashes.
LIMITS = Limits(output=20_000, size=20_000, total=200_000, steps=2_000, depth=40, costly=0, seconds=2)
# A machine may be busy, and a bound on time is looked at now and then only.
PATIENCE = 20

DATA: dict[str, Any] = {
    "name": "Ann",
    "text": "héllo\udcff wörld",
    "empty": "",
    "null": None,
    "yes": True,
    "one": 1.0,
    "number": 7,
    "huge": 1e300,
    "list": ["a", "b", 3.5, None, ["x"]],
    "map": {"a": 1.0, "b": {"c": "d"}},
    "crt": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
}

TOKENS = [
    *("{{", "}}", "{{-", "-}}", "{{/*", "*/}}", "(", ")", "|", ",", ".", "$", ":=", "=", "\"", "`", "'", "\\"),
    *("if", "else", "else if", "end", "range", "with", "define", "template", "block", "break", "continue"),
    *("nil", "true", "false", "$x", "$x, $y", ".name", ".list", ".map.b", ".none", "$.text", '"T"', "`raw`"),
    *("0", "-1", "1.5", "1e309", "0x1p-2", "1_0", "3i", "'a'", "9223372036854775807", "18446744073709551616"),
    *("and", "or", "not", "eq", "lt", "len", "index", "print", "printf", "html", "js", "urlquery", "call"),
    *('"%v"', '"%999999999d"', '"%[9]*.*f"', '"%q%x%U%T"', '"\\xff"', '"(a*)*$"', '"2006-01-02"', '"1.2.3"'),
    *sorted(TABLE),
]  # fmt: skip
OPERANDS = TOKENS[29:]

HUGE = ("999999999", "-999999999", "9223372036854775807", "1e308", "0xffffffffffff", "65536", "-1", "0")


@cache
def corpus() -> Sequence[str]:
    """All templates that others have thought of."""
    cases = [yaml.load(path.read_text(), Loader=yaml.CSafeLoader) for path in sorted(CORPUS.glob("*.yaml"))]
    return [case["template"] for group in cases for case in group if len(case["template"]) < 2_000]


def spliced(chance: random.Random, source: str) -> str:
    other = chance.choice(corpus())
    return source[: chance.randrange(len(source) + 1)] + other[chance.randrange(len(other) + 1) :]


def cut(chance: random.Random, source: str) -> str:
    start = chance.randrange(len(source) + 1)
    return source[:start] + source[start + chance.randrange(1, 8) :]


def doubled(chance: random.Random, source: str) -> str:
    start = chance.randrange(len(source) + 1)
    piece = source[start : start + chance.randrange(1, 12)]
    return source[:start] + piece * chance.randrange(2, 5) + source[start:]


def inserted(chance: random.Random, source: str) -> str:
    place = chance.randrange(len(source) + 1)
    return f"{source[:place]} {chance.choice(TOKENS)} {source[place:]}"


def swapped(chance: random.Random, source: str) -> str:
    words = source.split(" ")
    words[chance.randrange(len(words))] = chance.choice(TOKENS)
    return " ".join(words)


def enlarged(chance: random.Random, source: str) -> str:
    return "".join(
        chance.choice(HUGE) if char.isdigit() and chance.random() < 0.5 else char for char in source
    )


def garbled(chance: random.Random, source: str) -> str:
    characters = list(source)
    for _ in range(chance.randrange(1, 5)):
        characters.insert(chance.randrange(len(characters) + 1), chr(chance.choice((256, 0x3000, 0x10FFFF))))
        characters[chance.randrange(len(characters))] = chr(chance.randrange(1, 0x3000))
    # Half of a surrogate pair stands for a byte that is not UTF-8.
    return "".join(characters) + chance.choice(("", "\udcff", "\ufeff", "\x00"))


def nested(chance: random.Random, source: str) -> str:
    depth = chance.choice((10, 100, 1_000))
    before, after = chance.choice(
        (
            ("{{ " + "(" * depth, ")" * depth + " }}"),
            ("{{ if true }}" * depth, "{{ end }}" * depth),
            ("{{ range .list }}" * depth, "{{ end }}" * depth),
            ("{{ print " + "(list " * depth, ")" * depth + " }}"),
            ("{{ if false }}" + "{{ else if true }}" * depth, "{{ end }}"),
            ('{{ define "T" }}{{ template "T" . }}', '{{ end }}{{ template "T" . }}'),
            ("{{ $x := list }}{{ range until 12 }}{{ $x = list $x $x }}{{ end }}{{ $x }}", ""),
            ('{{ $x := "ab" }}{{ range until 50 }}{{ $x = print $x $x }}{{ end }}', "{{ $x }}"),
            ('{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ $d | toJson }}', "{{ merge $d $d }}"),
        )
    )
    return before + source + after


def made_up(chance: random.Random, _: str) -> str:
    words = [chance.choice(TOKENS) for _ in range(chance.randrange(1, 25))]
    return "{{ " * chance.randrange(2) + chance.choice((" ", "")).join(words) + " }}" * chance.randrange(2)


def a_call(chance: random.Random, _: str) -> str:
    arguments = (chance.choice(OPERANDS) for _ in range(chance.randrange(4)))
    return "{{ " + " ".join((chance.choice(sorted(TABLE)), *arguments)) + " }}"


MUTATIONS: Sequence[Callable[[random.Random, str], str]] = (
    spliced, spliced, cut, doubled, inserted, swapped, swapped, enlarged, garbled, made_up, a_call, a_call,
)  # fmt: skip


def mutant(chance: random.Random) -> str:
    source = chance.choice(corpus())
    for _ in range(chance.choice((1, 1, 2, 4))):
        source = chance.choice(MUTATIONS)(chance, source)
    return nested(chance, source) if chance.random() < 0.01 else source


@pytest.mark.parametrize("share", range(SHARES))
def test_every_input_ends_in_text_or_an_error_within_its_bounds(share: int) -> None:
    chance = random.Random(share)
    data = from_python(DATA)
    internal: list[str] = []
    for _ in range(INPUTS // SHARES):
        source = mutant(chance)
        started = time.monotonic()
        try:
            missing = chance.choice(("zero", "error"))
            rendered = Template(source, missing=missing, limits=LIMITS).render(data)
        except TemplateError as error:
            # An internal error is one that nobody has thought of.
            if "internal error" in str(error):
                internal.append(f"{source!r}: {error.__cause__!r}")
        except Exception as error:
            error.add_note(f"of {source!r}")
            raise
        else:
            assert len(rendered.encode("utf-8", "surrogateescape")) <= LIMITS.output, source
        assert time.monotonic() - started < PATIENCE, source
    assert internal == []
