"""Templates of the corpus with something done to them: cut, mixed, nested, garbled. Renders nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache

from sealbridge.templates.functions.table import TABLE
from tests.interop.templates import cases

TOKENS = [
    *("{{", "}}", "{{-", "-}}", "{{/*", "*/}}", "(", ")", "|", ",", ".", "$", ":=", "=", '"', "`", "'"),
    *("if", "else", "else if", "end", "range", "with", "define", "template", "block", "break", "continue"),
    *("nil", "true", "false", "$x", "$x, $y", ".name", ".list", ".map.b", ".none", "$.text", '"T"', "`raw`"),
    *("0", "-1", "1.5", "1e309", "0x1p-2", "1_0", "3i", "'a'", "9223372036854775807", "18446744073709551616"),
    *("and", "or", "not", "eq", "lt", "len", "index", "print", "printf", "html", "js", "urlquery", "call"),
    *('"%v"', '"%999999999d"', '"%[9]*.*f"', '"%q%x%U%T"', '"\\xff"', '"(a*)*$"', '"2006-01-02"', '"1.2.3"'),
    *sorted(TABLE),
]  # fmt: skip
OPERANDS = TOKENS[TOKENS.index("nil") :]

HUGE = ("999999999", "-999999999", "9223372036854775807", "1e308", "0xffffffffffff", "65536", "-1", "0")


@cache
def corpus() -> Sequence[str]:
    """All templates that somebody has thought of, but for the long ones."""
    sources = [case.template for group in cases.GROUPS for case in cases.load(group).cases.values()]
    return [source for source in sources if len(source) < 2_000]


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
    """A template of the corpus after some accidents, or one made up of tokens."""
    source = chance.choice(corpus())
    for _ in range(chance.choice((1, 1, 2, 4))):
        source = chance.choice(MUTATIONS)(chance, source)
    return nested(chance, source) if chance.random() < 0.01 else source
