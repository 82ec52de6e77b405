"""Go's regular expressions, run by RE2. Knows syntax, matches and templates; not what sprig makes of them.

Both are of one family: leftmost-first, linear time, no backreferences. What RE2 does otherwise is
levelled here: it takes a few patterns that Go refuses, it never matches a byte that is no UTF-8 (to
Go each is a U+FFFD), and it finds an empty match where Go does not.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, TypeAlias

import re2

from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import BoundExceeded, Budget

# What one compiled pattern may take up, its automata included.
_MEMORY = 8 << 20
# RE2 may have to look at every instruction of the program for every byte of text, at 4 ns each.
_WORK_PER_STEP = 2048
_TOO_LARGE = "pattern too large"
# The texts RE2 has for what is wrong; what follows them is a piece of the pattern.
_REASONS: Final = frozenset(
    {
        "invalid escape sequence",
        "invalid character class",
        "invalid character class range",
        "missing ]",
        "missing )",
        "unexpected )",
        "trailing \\",
        "no argument for repetition operator",
        "invalid repetition size",
        "bad repetition operator",
        "invalid perl operator",
        "invalid UTF-8",
        "invalid named capture group",
    }
)

# The parts of a valid pattern: quoted text, an escape, a class with the brackets and escapes in it,
# the start of a group, a repetition whose number RE2 finds too long to be one.
_PARTS = re.compile(
    rb"""
      \\Q.*?(?:\\E|\Z)
    | \\(?P<escape>.)
    | \[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]
    | (?P<group>\((?:\?P?<(?P<name>[^>]*)>|(?!\?)))
    | (?P<huge>\{(?=(?:[0-9]+,)?[1-9][0-9]{9})(?:0|[1-9][0-9]*)(?:,(?:0|[1-9][0-9]*)?)?\})
    """,
    re.VERBOSE | re.DOTALL,
)
# A byte that is no UTF-8, as the surrogateescape handler decodes it.
_STRAY = re.compile("[\udc80-\udcff]")


# Start and end of a match, and of its groups (-1 and -1: not part of the match).
Spans: TypeAlias = tuple[tuple[int, int], ...]


class Subject:
    """A text to search. RE2 sees it with U+FFFD for every stray byte; `cut` gives its own bytes."""

    __slots__ = ("_strays", "_text", "shown")

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._strays: array[int] | None = None
        self.shown = text
        try:
            text.decode()
        except UnicodeDecodeError:
            self._show(text.decode("utf-8", "surrogateescape"))

    def _show(self, decoded: str) -> None:
        # Where each U+FFFD starts, which is two bytes longer than what it stands for.
        self._strays = strays = array("I")
        pieces = _STRAY.split(decoded)
        at = 0
        for piece in pieces[:-1]:
            at += len(piece.encode())
            strays.append(at)
            at += 3
        self.shown = "\ufffd".join(pieces).encode()

    def cut(self, start: int, end: int) -> bytes:
        """The text between two places of what is shown."""
        if self._strays is not None:
            start -= 2 * bisect_left(self._strays, start)
            end -= 2 * bisect_left(self._strays, end)
        return self._text[start:end]

    def rest(self, start: int) -> bytes:
        """The text from a place of what is shown to the end."""
        return self.cut(start, len(self.shown))


class Pattern:
    """A compiled pattern; immutable, and safe to use in several threads."""

    __slots__ = ("_regexp", "_size", "groups", "names")

    def __init__(self, source: bytes) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY
        try:
            self._regexp: Any = re2.compile(source, options)
        except re2.error as error:
            raise _complaint(error) from None
        finally:
            # RE2's binding keeps 128 patterns of any size; `compiled` below keeps fewer.
            re2.purge()
        self._size: int = self._regexp.programsize
        self.groups: int = self._regexp.groups
        self.names = _named_groups(source)

    def matches(self, budget: Budget, subject: Subject, *, groups: bool = False) -> Iterator[Spans]:
        """One match after the other; none that is empty and right behind another one.

        Without `groups` only the spans of the whole matches are given.
        """
        text = subject.shown
        budget.step(1 + len(text) * self._size // _WORK_PER_STEP)
        wanted = range(1 + (self.groups if groups else 0))
        at, behind = 0, -1
        while at <= len(text):
            found = self._regexp.search(text, at)
            if found is None:
                return
            spans = tuple([found.span(group) for group in wanted])
            start, end = spans[0]
            budget.step()
            budget.check_time()
            if start < len(text) and text[start] & 0xC0 == 0x80:
                # To RE2 there is room for an empty match within a character.
                at = start + 1
                continue
            if end > at or start != behind:
                yield spans
            behind = end
            at = end if end > at else at + _width(text, at)


@lru_cache(maxsize=16)
def _compiled(source: bytes) -> Pattern:
    return Pattern(source)


def compiled(budget: Budget, source: bytes) -> Pattern:
    """The pattern of a source. Raises FunctionError when it is wrong, BoundExceeded when too large."""
    budget.check_pattern(len(source))
    # A large one takes a quarter of a second.
    budget.check_time()
    return _compiled(source)


def _named_groups(source: bytes) -> dict[bytes, list[int]]:
    """The numbers of the groups of each name, which RE2 tells for the first of a name only.

    Refuses what RE2 takes and Go does not: the escape for a single byte, names with other letters than
    ASCII's, and repetitions of ten digits, which are a text to RE2.
    """
    names: dict[bytes, list[int]] = {}
    number = 0
    for part in _PARTS.finditer(source):
        if part["escape"] == b"C":
            raise FunctionError("wrong regular expression: invalid escape sequence")
        if part["huge"]:
            raise FunctionError("wrong regular expression: invalid repetition size")
        if part["group"]:
            number += 1
        if (name := part["name"]) is not None:
            if not name.isascii():
                raise FunctionError("wrong regular expression: invalid named capture group")
            names.setdefault(name, []).append(number)
    return names


def _complaint(error: Exception) -> Exception:
    """The reason of a pattern that does not compile, without the piece of it that RE2 quotes."""
    text = error.args[0] if error.args else b""
    reason = (text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).partition(": ")[0]
    if reason.startswith(_TOO_LARGE):
        return BoundExceeded(f"a regular expression needs more than {_MEMORY} bytes of memory")
    detail = f": {reason}" if reason in _REASONS else ""
    return FunctionError(f"wrong regular expression{detail}")


def _width(text: bytes, at: int) -> int:
    """The bytes of the character at a place; one at the end, so that a loop gets past it."""
    if at >= len(text) or text[at] < 0x80:
        return 1
    lead = text[at]
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


_SPECIAL = re.compile(rb"[\\.+*?()|\[\]{}^$]")


def quote(text: bytes) -> bytes:
    """A pattern that matches a text and nothing else."""
    return _SPECIAL.sub(rb"\\\g<0>", text)


class Template:
    """A replacement with `$1`, `${1}`, `$name`, `${name}` and `$$`.

    A name is as long as it can be: `$1x` is the group of the name `1x`. A group that does not exist,
    or is not part of the match, is empty; a dollar sign that starts none of these is itself.
    """

    __slots__ = ("_parts",)

    def __init__(self, budget: Budget, source: bytes, pattern: Pattern) -> None:
        budget.hold(2 * source.count(b"$") + 1)
        # Pieces of text, and the numbers of groups of which the first with a match counts.
        self._parts: list[bytes | list[int]] = []
        text = source.decode("utf-8", "surrogateescape")
        done = 0
        while (dollar := text.find("$", done)) >= 0:
            self._literal(text[done:dollar])
            done = dollar + 1
            if text.startswith("$", done):
                done += 1
            elif (name := _name(text, done)) is not None:
                done += len(name)
                self._group(name.strip("{}").encode(), pattern)
                continue
            self._literal("$")
        self._literal(text[done:])

    def _literal(self, text: str) -> None:
        if text:
            self._parts.append(text.encode("utf-8", "surrogateescape"))

    def _group(self, name: bytes, pattern: Pattern) -> None:
        if _NUMBER.fullmatch(name):
            numbers = [int(name)] if int(name) <= pattern.groups else []
        else:
            numbers = pattern.names.get(name, [])
        self._parts.append(numbers)

    def expand(self, budget: Budget, subject: Subject, spans: Spans) -> bytes:
        """What a match is replaced with."""
        budget.step(len(self._parts))
        expanded = bytearray()
        for part in self._parts:
            if isinstance(part, list):
                part = next((subject.cut(*spans[n]) for n in part if spans[n][0] >= 0), b"")
            budget.grow(len(part))
            expanded += part
        return bytes(expanded)


# No leading zeros, and nine digits at most.
_NUMBER = re.compile(rb"0|[1-9][0-9]{0,8}")


def _name(text: str, at: int) -> str | None:
    """The name behind a dollar sign, with its braces; None when there is none."""
    brace = text.startswith("{", at)
    start = end = at + brace
    while end < len(text) and (text[end] == "_" or text[end].isalpha() or text[end].isdecimal()):
        end += 1
    if end == start or (brace and not text.startswith("}", end)):
        return None
    return text[at : end + brace]
