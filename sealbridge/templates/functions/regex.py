"""The functions with regular expressions. Know what sprig calls and returns; `patterns` knows the language.

Every function has a twin whose name starts with `must`. Both fail on a wrong pattern, but for
`regexMatch`, which then says false.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from sealbridge.templates.go.patterns import Pattern, Spans, Subject, Template, compiled, quote
from sealbridge.templates.go.values import FunctionError, NilStrings, Strings
from sealbridge.templates.limits import Budget


def regex_match(budget: Budget, pattern: bytes, text: bytes) -> bool:
    """Whether `pattern` matches anywhere in `text`; false for a wrong pattern.

    {{ regexMatch "^[a-z]+$" "hello" }} -> true
    {{ regexMatch "(" "hello" }} -> false
    """
    try:
        return must_regex_match(budget, pattern, text)
    except FunctionError:
        return False


def must_regex_match(budget: Budget, pattern: bytes, text: bytes) -> bool:
    """Whether `pattern` matches anywhere in `text`.

    {{ mustRegexMatch "^[a-z]+$" "Hello" }} -> false
    """
    return any(True for _ in compiled(budget, pattern).matches(budget, Subject(text)))


def must_regex_find(budget: Budget, pattern: bytes, text: bytes) -> bytes:
    """The first match of `pattern` in `text`, empty for none.

    {{ mustRegexFind "[0-9]+" "port 8080 of 9090" }} -> 8080
    """
    subject = Subject(text)
    for spans in compiled(budget, pattern).matches(budget, subject):
        return subject.cut(*spans[0])
    return b""


def regex_find(budget: Budget, pattern: bytes, text: bytes) -> bytes:
    """The first match of `pattern` in `text`, empty for none.

    {{ regexFind "[a-zA-Z][1-9]" "abcd1234" }} -> d1
    """
    return must_regex_find(budget, pattern, text)


def must_regex_find_all(budget: Budget, pattern: bytes, text: bytes, count: int) -> Strings:
    """The first `count` matches of `pattern` in `text`, all with a negative count.

    {{ mustRegexFindAll "[2468]" "123456789" 2 }} -> [2 4]
    """
    subject = Subject(text)
    spans = _first(compiled(budget, pattern), budget, subject, count)
    budget.grow(sum(span[0][1] - span[0][0] for span in spans))
    found = Strings(subject.cut(*span[0]) for span in spans)
    return found or NilStrings()


def regex_find_all(budget: Budget, pattern: bytes, text: bytes, count: int) -> Strings:
    """The first `count` matches of `pattern` in `text`, all with a negative count.

    {{ regexFindAll "[2,4,6,8]" "123456789" -1 }} -> [2 4 6 8]
    {{ regexFindAll "a+" "baac" 1 | join "," }} -> aa
    """
    return must_regex_find_all(budget, pattern, text, count)


def must_regex_replace_all(budget: Budget, pattern: bytes, text: bytes, replacement: bytes) -> bytes:
    """`text` with every match of `pattern` replaced; `$1` and `${name}` stand for groups, `$$` for a dollar.

    {{ mustRegexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }} -> -W-xxW-
    """
    found = compiled(budget, pattern)
    subject = Subject(text)
    template = Template(budget, replacement, found)
    return _replaced(found, budget, subject, lambda spans: template.expand(budget, subject, spans))


def regex_replace_all(budget: Budget, pattern: bytes, text: bytes, replacement: bytes) -> bytes:
    """`text` with every match of `pattern` replaced; `$1` and `${name}` stand for groups, `$$` for a dollar.

    {{ regexReplaceAll "(?P<key>[a-z]+)=([a-z]+)" "user=anna" "${2} is ${key}" }} -> anna is user
    {{ regexReplaceAll "a(x*)b" "-ab-axxb-" "$1W" }} -> ---
    """
    return must_regex_replace_all(budget, pattern, text, replacement)


def must_regex_replace_all_literal(budget: Budget, pattern: bytes, text: bytes, replacement: bytes) -> bytes:
    """`text` with every match of `pattern` replaced by `replacement` as it is.

    {{ mustRegexReplaceAllLiteral "a(x*)b" "-ab-axxb-" "${1}" }} -> -${1}-${1}-
    """

    def same(_: Spans) -> bytes:
        budget.grow(len(replacement))
        return replacement

    return _replaced(compiled(budget, pattern), budget, Subject(text), same)


def regex_replace_all_literal(budget: Budget, pattern: bytes, text: bytes, replacement: bytes) -> bytes:
    """`text` with every match of `pattern` replaced by `replacement` as it is.

    {{ regexReplaceAllLiteral "[0-9]" "a1b2" "$0" }} -> a$0b$0
    """
    return must_regex_replace_all_literal(budget, pattern, text, replacement)


def must_regex_split(budget: Budget, pattern: bytes, text: bytes, count: int) -> Strings:
    """The pieces of `text` between the matches of `pattern`: `count` at most, all with a negative count.

    {{ mustRegexSplit "z+" "pizza" 2 }} -> [pi a]
    """
    found = compiled(budget, pattern)
    if count == 0:
        return NilStrings()
    if pattern and not text:
        return Strings([b""])
    budget.grow(len(text))
    subject = Subject(text)
    pieces = Strings()
    done = last = 0
    for spans in _first(found, budget, subject, count):
        if len(pieces) == count - 1:
            break
        last, end = spans[0]
        # An empty match at the very start splits nothing off.
        if end:
            pieces.append(subject.cut(done, last))
        done = end
    if last != len(subject.shown):
        pieces.append(subject.rest(done))
    return pieces


def regex_split(budget: Budget, pattern: bytes, text: bytes, count: int) -> Strings:
    """The pieces of `text` between the matches of `pattern`: `count` at most, all with a negative count.

    {{ regexSplit "z+" "pizza" -1 }} -> [pi a]
    {{ regexSplit ", *" "a,b,  c" -1 | join ";" }} -> a;b;c
    """
    return must_regex_split(budget, pattern, text, count)


def regex_quote_meta(text: bytes) -> bytes:
    """`text` with a backslash before everything that means something in a pattern.

    {{ regexQuoteMeta "1.2.3" }} -> 1\\.2\\.3
    """
    return quote(text)


def _first(pattern: Pattern, budget: Budget, subject: Subject, count: int) -> list[Spans]:
    """The first `count` matches, all with a negative count, if a list can hold them (BoundExceeded)."""
    most = budget.limits.entries + 1
    found = list(islice(pattern.matches(budget, subject), most if count < 0 else min(count, most)))
    budget.hold(len(found))
    return found


def _replaced(pattern: Pattern, budget: Budget, subject: Subject, made: Callable[[Spans], bytes]) -> bytes:
    replaced = bytearray()
    done = 0
    for spans in pattern.matches(budget, subject, groups=True):
        start, end = spans[0]
        replaced += subject.cut(done, start)
        replaced += made(spans)
        done = end
    replaced += subject.rest(done)
    return bytes(replaced)
