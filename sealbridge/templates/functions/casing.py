"""Functions that change the case of letters, or tell words apart by it. Knows no locale.

They go over characters; a byte that is part of none becomes U+FFFD in most of them, as in Go. Snake case,
kebab case and camel case are those of huandu/xstrings, special cases and all.
"""

from __future__ import annotations

import re
from typing import Final

from sealbridge.templates.go import runes
from sealbridge.templates.limits import Budget

_SPACES: Final = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WORD_START: Final = re.compile(f"(?<![^{_SPACES}])[^{_SPACES}]")
# After what is no letter, digit or underscore; beyond ASCII after white space only.
_TITLE_START: Final = re.compile(rf"(?<![^\x00-/:-@\[-^`{{-\x7f{_SPACES}]).", re.DOTALL)
_CONNECTORS: Final = re.compile(f"([-_{_SPACES}]+)")


def upper(text: bytes) -> bytes:
    """`text` in upper case.

    {{ upper "hello" }} -> HELLO
    """
    return runes.to_upper(runes.decode(text)).encode()


def lower(text: bytes) -> bytes:
    """`text` in lower case.

    {{ lower "HELLO" }} -> hello
    """
    return runes.to_lower(runes.decode(text)).encode()


def title(text: bytes) -> bytes:
    """`text` with the first letter of every word in title case.

    {{ title "hello world" }} -> Hello World
    """
    return _TITLE_START.sub(lambda match: runes.to_title(match[0]), runes.decode(text)).encode()


def untitle(text: bytes) -> bytes:
    """`text` with the first letter of every word in lower case.

    {{ untitle "Hello World" }} -> hello world
    """
    return _WORD_START.sub(lambda match: runes.to_lower(match[0]), runes.decode(text)).encode()


def swapcase(text: bytes) -> bytes:
    """`text` with upper case for lower case, which is title case at the beginning of words, and the reverse.

    {{ swapcase "This Is A.Test" }} -> tHIS iS a.tEST
    """
    if text.isascii():
        return text.swapcase()
    swapped = []
    after_space = True
    for char in runes.decode(text):
        if runes.is_lower(char):
            swapped.append(runes.to_title(char) if after_space else runes.to_upper(char))
        elif runes.is_upper(char) or runes.is_title(char):
            swapped.append(runes.to_lower(char))
        else:
            swapped.append(char)
        after_space = runes.is_space(char)
    return "".join(swapped).encode()


def camelcase(text: bytes) -> bytes:
    """The words between spaces, hyphens and underscores joined, each with one capital at its beginning.

    {{ camelcase "http_server" }} -> HttpServer
    {{ camelcase "HTTP-server name" }} -> HttpServerName
    """
    string = runes.decode(text)
    # Words and connectors in turn, a word first and last.
    pieces = _CONNECTORS.split(string)
    if not any(pieces[::2]):
        return (string + string[-1:]).encode()
    last = len(pieces) - 1
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            pieces[place] = _capitalised(piece)
        # Of the connectors between two words one goes, of those at the ends none.
        elif (place > 1 or pieces[0]) and (place < last - 1 or pieces[last]):
            pieces[place] = piece[:-1]
    return "".join(pieces).encode()


def snakecase(budget: Budget, text: bytes) -> bytes:
    """The words of `text` in lower case with underscores between them.

    {{ snakecase "FirstName" }} -> first_name
    {{ snakecase "HTTP20xOK" }} -> http_20x_ok
    """
    return _Separated(budget, text, "_").text()


def kebabcase(budget: Budget, text: bytes) -> bytes:
    """The words of `text` in lower case with hyphens between them.

    {{ kebabcase "FirstName" }} -> first-name
    """
    return _Separated(budget, text, "-").text()


def _capitalised(word: str) -> str:
    if not word:
        return word
    end = 1
    if runes.is_upper(word[0]):
        while end < len(word) and runes.is_upper(word[end]):
            end += 1
    return runes.to_upper(word[0]) + runes.to_lower(word[1:end]) + word[end:]


class _Classes(dict[int, str]):
    """For str.translate: what a character is to the words below, one letter each."""

    def __missing__(self, rune: int) -> str:
        return _class(chr(rune))


def _class(char: str) -> str:
    if char == runes.REPLACEMENT or "\udc80" <= char <= "\udcff":
        return "x"
    if char in "-_":
        return "d"
    if runes.is_space(char):
        return "s"
    if runes.is_punctuation(char):
        return "p"
    if runes.is_upper(char):
        return "u"
    if runes.is_letter(char) and not _IDEOGRAPHS.match(char):
        return "a"
    return "n" if runes.is_number(char) else "o"


# The ranges of xstrings: these letters have no case and do not make words with others.
_IDEOGRAPHS: Final = re.compile("[\u3400-\u4d85\u4e00-\u9fcc\U00020000-\U0002b81d]")
_CLASSES: Final = _Classes({rune: _class(chr(rune)) for rune in range(128)})
# The words of a string of classes. Bytes that are no UTF-8 (x) belong to the character after them, or at
# the end to the word before them. Of several capitals before a small letter the last begins a new word.
# Nothing is given back (`*+`): that would take up hundreds of bytes a character.
_WORDS: Final = re.compile(
    """
      (?P<number>    x*n (?:x*n)*+        (?:x*\\Z)? )
    | (?P<alphabet>  x*a (?:x*a)*+        (?:x*\\Z)? )
    | (?P<connector> x*[ds] (?:x*[ds])*+  (?:x*\\Z)? )
    | (?P<punct>     x*p (?:x*[dp])*+     (?:x*\\Z)? )
    | (?P<upper>     x*u (?: (?:x*a)++ | (?:x*u(?!x*a))*+ ) (?:x*\\Z)? )
    | (?P<other>     x*o (?:x*o)*+        (?:x*\\Z)? )
    | (?P<invalid>   x+ )
    """,
    re.VERBOSE,
)


class _Separated:
    """A text as its words with a separator, in the making."""

    def __init__(self, budget: Budget, text: bytes, separator: str) -> None:
        self._separator = separator
        string = text.decode(errors="surrogateescape")
        # The kind of every word and its text.
        self._words: list[tuple[str, str]] = []
        for match in _WORDS.finditer(string.translate(_CLASSES)):
            budget.step()
            self._words.append((match.lastgroup or "", string[match.start() : match.end()]))
            if len(self._words) > budget.limits.entries:
                break
        budget.hold(len(self._words))
        self._at = 0
        self._pieces: list[str] = []

    def text(self) -> bytes:
        """All of it."""
        while self._at + 1 < len(self._words):
            self._word()
        self._take()
        return "".join(self._pieces).encode(errors="surrogateescape")

    @property
    def _kind(self) -> str:
        """Of the word that is next; behind the last, one that is not valid."""
        return self._words[self._at][0] if self._at < len(self._words) else "invalid"

    def _word(self) -> None:
        """One word, those that stick to it, and the separator behind it. There is more than one left."""
        kind = self._kind
        self._take()
        if kind == "number":
            self._take_rest_of_number()
        elif kind in ("connector", "punct"):
            return
        elif self._kind != "number":
            self._separate("connector", "punct")
        elif self._at + 1 < len(self._words):
            self._number_after_word()

    def _number_after_word(self) -> None:
        # A number belongs to the word before it (bld4_floor), unless small letters follow (http_20x).
        if self._words[self._at + 1][0] == "alphabet":
            self._pieces.append(self._separator)
            self._take()
            self._take_rest_of_number()
        else:
            self._take()
            self._separate("connector", "punct")

    def _take_rest_of_number(self) -> None:
        while self._kind in ("alphabet", "number"):
            self._take()
        self._separate("connector", "punct", "invalid")

    def _separate(self, *but_before: str) -> None:
        if self._kind not in but_before:
            self._pieces.append(self._separator)

    def _take(self) -> None:
        if self._at < len(self._words):
            kind, word = self._words[self._at]
            self._pieces.append("".join(map(self._lowered, word)) if kind in ("upper", "connector") else word)
            self._at += 1

    def _lowered(self, char: str) -> str:
        kind = _CLASSES[ord(char)]
        if kind == "x":
            return runes.REPLACEMENT
        if kind in "ds":
            return self._separator
        return runes.to_lower(char) if kind == "u" else char
