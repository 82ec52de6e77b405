"""Strings into lists or maps of strings and back. Knows what sprig takes for a list of strings."""

from __future__ import annotations

from typing import Any

from sealbridge.templates.go.printing import text_of
from sealbridge.templates.go.values import StringMap, Strings
from sealbridge.templates.limits import Budget

_BYTES_PER_STEP = 12


def split(budget: Budget, separator: bytes, text: bytes) -> StringMap:
    """`text` cut at every separator, in a map with the keys `_0`, `_1`...; without any, its characters.

    {{ (split "$" "foo$bar$baz")._1 }} -> bar
    """
    return _numbered(_parts(budget, separator, text, -1))


def split_list(budget: Budget, separator: bytes, text: bytes) -> Strings:
    """`text` cut at every separator, in a list; without any, its characters.

    {{ splitList "$" "foo$bar$baz" }} -> [foo bar baz]
    """
    return Strings(_parts(budget, separator, text, -1))


def splitn(budget: Budget, separator: bytes, number: int, text: bytes) -> StringMap:
    """As `split`, but at most so many parts, the last of which is the rest; no bound when negative.

    {{ splitn "$" 2 "foo$bar$baz" }} -> map[_0:foo _1:bar$baz]
    """
    return _numbered(_parts(budget, separator, text, number))


def join(budget: Budget, separator: bytes, items: Any) -> bytes:
    """The texts of a list with a separator between them, without those of nil.

    {{ list 1 "two" true | join "_" }} -> 1_two_true
    """
    texts = to_strings(budget, items)
    budget.grow(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def sort_alpha(budget: Budget, items: Any) -> Strings:
    """The texts of a list in the order of their bytes. A list of strings is sorted itself, too.

    {{ list "pear" "apple" "fig" | sortAlpha }} -> [apple fig pear]
    """
    if not isinstance(items, list):
        return Strings([text_of(items)])
    texts = to_strings(budget, items)
    # Texts with a long beginning in common are looked at as a whole whenever two of them are compared.
    budget.work(sum(map(len, texts)) * len(texts).bit_length() >> _BYTES_PER_STEP)
    texts.sort()
    return texts


def to_strings(budget: Budget, items: Any) -> Strings:
    """The texts of a list, without those of nil; of any other value a list of its text alone.

    {{ list 1 "two" true | toStrings }} -> [1 two true]
    """
    if isinstance(items, Strings):
        return items
    if isinstance(items, list):
        return Strings(new_text(budget, item) for item in items if item is not None)
    return Strings() if items is None else Strings([text_of(items)])


def new_text(budget: Budget, value: Any) -> bytes:
    """The text of a value, which is accounted for when it is a new one."""
    text = text_of(value)
    if not isinstance(value, bytes):
        budget.grow(len(text))
    return text


def _numbered(parts: list[bytes]) -> StringMap:
    return StringMap((b"_%d" % number, part) for number, part in enumerate(parts))


def _parts(budget: Budget, separator: bytes, text: bytes, number: int) -> list[bytes]:
    """At most so many parts, all when it is negative."""
    if number == 0:
        return []
    budget.grow(len(text))
    if separator:
        count = text.count(separator) + 1
        budget.hold(count if number < 0 else min(count, number))
        return text.split(separator, max(number, 0) - 1)
    # Bytes that are no UTF-8 come through, each as a character.
    characters = text.decode(errors="surrogateescape")
    count = len(characters) if number < 0 else min(len(characters), number)
    budget.hold(count)
    parts = list(characters[:count])
    if count < len(characters):
        parts[-1] = characters[count - 1 :]
    return [part.encode(errors="surrogateescape") for part in parts]
