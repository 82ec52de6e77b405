"""Template source into tokens, as Go's text/template cuts it. Knows no meaning of a token."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from sealbridge.errors import TemplateSyntaxError

_SPACE = " \t\r\n"
_TERMINATORS = frozenset(_SPACE + ".,|:)(")
_TOKENS = re.compile(
    r"""(?P<SPACE>[ \t\r\n])
      | (?P<RAW_STRING>`[^`]*`)
      | (?P<STRING>"(?:[^"\\\n]++|\\[^\n])*+")
      | (?P<CHARACTER>'(?:[^'\\\n]++|\\[^\n])*+')
      | (?P<NUMBER>(?=[+\-0-9]|\.[0-9])[+-]?(?:
            0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?
          | 0[oO][0-7_]*(?:\.[0-7_]*)?
          | 0[bB][01_]*(?:\.[01_]*)?
          | [0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?
        )i?)
      | (?P<FIELD>\.\w*)
      | (?P<VARIABLE>\$\w*)
      | (?P<NAME>\w+)
      | (?P<DECLARE>:=)
      | (?P<ASSIGN>=)
      | (?P<PIPE>\|)
      | (?P<OPEN>\()
      | (?P<CLOSE>\))
      | (?P<COMMA>,)""",
    re.VERBOSE,
)
_KEY_HINT = 'a key with other characters than letters, digits and `_` is read with `{{ index . "the-key" }}`'
ENTRY_HINT = "an entry of a list is read with `{{ index .list 0 }}`"
OPERATOR_HINT = "there are functions instead of operators: `eq .a .b`, `and .a .b`, `add .a 1`"
_COMMENT_HINT = "a comment starts right behind the braces: `{{/* ... */}}`"
_HINTS = {"[": ENTRY_HINT, **dict.fromkeys("&!<>+*/%", OPERATOR_HINT)}
_SHOWN = 80
_UNCLOSED = {'"': "a string", "`": "a raw string", "'": "a character"}


class TokenKind(Enum):
    """What a token is. TEXT stands outside of delimiters, all others inside."""

    TEXT = "text"
    BEGIN = "begin"
    END = "end"
    SPACE = "space"
    RAW_STRING = "raw string"
    STRING = "string"
    CHARACTER = "character"
    NUMBER = "number"
    COMPLEX = "complex number"
    FIELD = "field"
    DOT = "dot"
    VARIABLE = "variable"
    NAME = "name"
    KEYWORD = "keyword"
    DECLARE = "declaration"
    ASSIGN = "assignment"
    PIPE = "pipe"
    OPEN = "open parenthesis"
    CLOSE = "close parenthesis"
    COMMA = "comma"
    EOF = "end of the template"


KEYWORDS = frozenset(
    {
        "block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with",
    }
)  # fmt: skip


class Token(NamedTuple):
    """One token, its text as written (text already trimmed) and where it starts."""

    kind: TokenKind
    text: str
    offset: int


class Places:
    """Turns offsets in one source into `name:line:column`, both counted from 1."""

    def __init__(self, name: str, source: str) -> None:
        self._name = name
        self._source = source
        # Made by the first error: nearly no template has one.
        self._starts: list[int] | None = None

    def at(self, offset: int) -> str:
        """The place of one offset."""
        if self._starts is None:
            self._starts = [0, *(match.end() for match in re.finditer("\n", self._source))]
        line = bisect_right(self._starts, offset)
        return f"{self._name}:{line}:{offset - self._starts[line - 1] + 1}"


def short(text: str) -> str:
    """A part of the source as an error shows it: in a status there is room for no more."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def tokens(source: str, places: Places, delimiters: tuple[str, str]) -> Iterator[Token]:
    """Cut a template; the last token is EOF. Raises TemplateSyntaxError for what cannot be a token.

    `{{- ` and ` -}}` take the white space beside them away; the white space inside is required, as
    Go does. A comment must touch both of its delimiters, trim markers aside.
    """
    left, right = delimiters
    position, trim = 0, False
    while position < len(source):
        start = source.find(left, position)
        text = source[position:] if start < 0 else source[position:start]
        if trim:
            stripped = text.lstrip(_SPACE)
            position, text = position + len(text) - len(stripped), stripped
        if start < 0:
            if text:
                yield Token(TokenKind.TEXT, text, position)
            break
        inside = start + len(left)
        if source.startswith("-", inside) and source[inside + 1 : inside + 2] in tuple(_SPACE):
            text, inside = text.rstrip(_SPACE), inside + 2
        if text:
            yield Token(TokenKind.TEXT, text, position)
        if source.startswith("/*", inside):
            position, trim = _comment_end(source, start, inside, right, places)
            continue
        yield Token(TokenKind.BEGIN, left, start)
        position, depth = inside, 0
        while not (end := _action_end(source, position, right)):
            token = _token(source, position, start, right, places)
            depth += (token.kind is TokenKind.OPEN) - (token.kind is TokenKind.CLOSE)
            if depth < 0:
                raise TemplateSyntaxError("unexpected `)`", where=places.at(position))
            position += len(token.text)
            yield token
        if depth:
            raise TemplateSyntaxError("a parenthesis is not closed", where=places.at(start))
        yield Token(TokenKind.END, right, position)
        position, trim = end
    yield Token(TokenKind.EOF, "", len(source))


def _action_end(source: str, position: int, right: str) -> tuple[int, bool] | None:
    """Where the text after an action starts and whether it is trimmed, if the action ends here."""
    if source.startswith("-", position + 1) and source[position] in _SPACE:
        after = position + 2
        if source.startswith(right, after):
            return after + len(right), True
    if source.startswith(right, position):
        return position + len(right), False
    return None


def _comment_end(source: str, start: int, comment: int, right: str, places: Places) -> tuple[int, bool]:
    close = source.find("*/", comment + 2)
    if close < 0:
        raise TemplateSyntaxError("a comment is not closed", where=places.at(start), hint="end it with `*/`")
    end = _action_end(source, close + 2, right) if close + 2 < len(source) else None
    if end is None:
        raise TemplateSyntaxError(
            f"a comment must end right before `{right}`",
            where=places.at(close),
            hint=f"write `*/{right}` or `*/ -{right}`",
        )
    return end


def _token(source: str, position: int, start: int, right: str, places: Places) -> Token:
    if position >= len(source):
        raise TemplateSyntaxError(
            "an action is not closed", where=places.at(start), hint=f"end it with `{right}`"
        )
    match = _TOKENS.match(source, position)
    if match is None or match.lastgroup is None:
        return _other(source, position, places)
    kind, text = TokenKind[match.lastgroup], match.group()
    if kind is TokenKind.NUMBER:
        return _number(source, text, position, places)
    if kind in (TokenKind.FIELD, TokenKind.VARIABLE, TokenKind.NAME):
        # Python's \w has more in it than Go's letters, digits and `_`.
        if not text.isascii():
            text = _go_word(text)
        if not text or not _ends_word(source, position + len(text), right):
            error = _unexpected(source, position + len(text), places)
            if kind is TokenKind.FIELD and error.hint is None:
                error.hint = _KEY_HINT
            raise error
        if text == ".":
            kind = TokenKind.DOT
        elif text in KEYWORDS:
            kind = TokenKind.KEYWORD
    return Token(kind, text, position)


def _number(source: str, text: str, position: int, places: Places) -> Token:
    end, kind = position + len(text), TokenKind.NUMBER
    if source[end : end + 1] in ("+", "-"):
        # A complex constant, 1+2i: no spaces, and the second part must be imaginary.
        second = _TOKENS.match(source, end)
        text += second.group() if second else ""
        end, kind = position + len(text), TokenKind.COMPLEX
        if not text.endswith("i"):
            raise TemplateSyntaxError(f"`{short(text)}` is no number", where=places.at(position))
    if _is_word(source[end : end + 1]):
        raise TemplateSyntaxError(f"`{short(text)}{source[end]}` is no number", where=places.at(position))
    return Token(kind, text, position)


def _other(source: str, position: int, places: Places) -> Token:
    """What no token starts with: an error of its own kind for each."""
    character = source[position]
    if character in _UNCLOSED:
        raise TemplateSyntaxError(f"{_UNCLOSED[character]} is not closed", where=places.at(position))
    if character == ":":
        raise TemplateSyntaxError("`:` must be followed by `=`", where=places.at(position))
    raise _unexpected(source, position, places)


def _unexpected(source: str, position: int, places: Places) -> TemplateSyntaxError:
    character = source[position : position + 1]
    what = f"unexpected character `{character}` in an action" if character else "an action is not closed"
    hint = _COMMENT_HINT if source.startswith("/*", position) else _HINTS.get(character)
    return TemplateSyntaxError(what, where=places.at(position), hint=hint)


def _ends_word(source: str, position: int, right: str) -> bool:
    return position >= len(source) or source[position] in _TERMINATORS or source.startswith(right, position)


def _go_word(text: str) -> str:
    """The leading part of `text` that Go takes for a word; its first character may be `.` or `$`."""
    for index, character in enumerate(text):
        if not (_is_word(character) or (index == 0 and character in ".$")):
            return text[:index]
    return text


def _is_word(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character == "_"
    return unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")
