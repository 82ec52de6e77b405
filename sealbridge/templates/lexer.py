"""Template source into tokens, as Go's text/template cuts it. Knows no meaning of a token."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from sealbridge.errors import TemplateSyntaxError

_SPACE = " \t\r\n"
_TOKENS = re.compile(
    r"""(?P<SPACE>[ \t\r\n]+)
      | (?P<RAW_STRING>`[^`]*`)
      | (?P<STRING>"(?:[^"\\\n]|\\.)*")
      | (?P<CHARACTER>'(?:[^'\\\n]|\\.)*')
      | (?P<FIELD>\.[^\W\d]\w*)
      | (?P<VARIABLE>\$\w*)
      | (?P<NUMBER>[+-]?\.?\d[\w.]*)
      | (?P<DOT>\.)
      | (?P<NAME>[^\W\d]\w*)
      | (?P<DECLARE>:=|=)
      | (?P<PIPE>\|)
      | (?P<OPEN>\()
      | (?P<CLOSE>\))
      | (?P<COMMA>,)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))")
_SIMPLE_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"',
}  # fmt: skip


class TokenKind(Enum):
    """What a token is. TEXT stands outside of delimiters, all others inside."""

    TEXT = "text"
    BEGIN = "begin"
    END = "end"
    SPACE = "space"
    RAW_STRING = "raw string"
    STRING = "string"
    CHARACTER = "character"
    FIELD = "field"
    VARIABLE = "variable"
    NUMBER = "number"
    DOT = "dot"
    NAME = "name"
    DECLARE = "declaration"
    PIPE = "pipe"
    OPEN = "open"
    CLOSE = "close"
    COMMA = "comma"


@dataclass(frozen=True, slots=True)
class Token:
    """One token, its text as written (text already trimmed) and where it starts."""

    kind: TokenKind
    text: str
    offset: int


class Places:
    """Turns offsets in one source into `name:line:column`, both counted from 1."""

    def __init__(self, name: str, source: str) -> None:
        self._name = name
        self._starts = [0, *(match.end() for match in re.finditer("\n", source))]

    def at(self, offset: int) -> str:
        """The place of one offset."""
        line = bisect_right(self._starts, offset)
        return f"{self._name}:{line}:{offset - self._starts[line - 1] + 1}"


def tokens(source: str, places: Places, delimiters: tuple[str, str]) -> Iterator[Token]:
    """Cut a template. Raises TemplateSyntaxError for what cannot be a token.

    `{{- ` and ` -}}` take the white space beside them away; the white space inside is required, as
    Go does. A comment must touch both of its delimiters.
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
            return
        inside = start + len(left)
        if source.startswith("-", inside) and source[inside + 1 : inside + 2] in tuple(_SPACE):
            text, inside = text.rstrip(_SPACE), inside + 2
        if text:
            yield Token(TokenKind.TEXT, text, position)
        after_spaces = inside + len(source[inside:]) - len(source[inside:].lstrip(_SPACE))
        trimmed = inside > start + len(left)
        comment = after_spaces if trimmed else inside
        if source.startswith("/*", comment):
            position, trim = _comment_end(source, start, comment, right, places)
            continue
        yield Token(TokenKind.BEGIN, left, start)
        position = inside
        while not (end := _action_end(source, position, right)):
            token = _token(source, position, start, places)
            position += len(token.text)
            if token.kind is not TokenKind.SPACE:
                yield token
        yield Token(TokenKind.END, right, position)
        position, trim = end


def _action_end(source: str, position: int, right: str) -> tuple[int, bool] | None:
    """Where the text after an action starts and whether it is trimmed, if the action ends here."""
    if source.startswith(right, position):
        return position + len(right), False
    marker = re.compile(r"[ \t\r\n]+-" + re.escape(right)).match(source, position)
    return (marker.end(), True) if marker else None


def _comment_end(source: str, start: int, comment: int, right: str, places: Places) -> tuple[int, bool]:
    close = source.find("*/", comment + 2)
    if close < 0:
        raise TemplateSyntaxError("a comment is not closed", where=places.at(start), hint="end it with `*/`")
    end = _action_end(source, close + 2, right)
    if end is None:
        raise TemplateSyntaxError(
            f"a comment must end right before `{right}`",
            where=places.at(close),
            hint=f"write `*/{right}` or `*/ -{right}`",
        )
    return end


def _token(source: str, position: int, start: int, places: Places) -> Token:
    if position >= len(source):
        raise TemplateSyntaxError("an action is not closed", where=places.at(start), hint="end it with `}}`")
    match = _TOKENS.match(source, position)
    if match is None or match.lastgroup is None:
        if source[position] in "\"`'":
            raise TemplateSyntaxError("a string is not closed", where=places.at(position))
        raise TemplateSyntaxError(
            f"unexpected character `{source[position]}` in an action", where=places.at(position)
        )
    return Token(TokenKind[match.lastgroup], match.group(), position)


def unquote(token: Token, places: Places) -> str:
    """The text of a string token, escapes as in Go."""
    if token.kind is TokenKind.RAW_STRING:
        return token.text[1:-1].replace("\r", "")

    def one(match: re.Match[str]) -> str:
        hexadecimal, short, long, octal, simple = match.groups()
        if simple is not None:
            if simple not in _SIMPLE_ESCAPES:
                raise TemplateSyntaxError(f"unknown escape `\\{simple}` in a string", where=where)
            return _SIMPLE_ESCAPES[simple]
        if short or long:
            number = int(short or long, 16)
            if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
                raise TemplateSyntaxError("an escape in a string is no Unicode character", where=where)
            return chr(number)
        number = int(hexadecimal, 16) if hexadecimal else int(octal, 8)
        if number > 0xFF:
            raise TemplateSyntaxError("an octal escape in a string is above \\377", where=where)
        # A byte, not a character; surrogateescape carries it to whoever encodes the output.
        return bytes([number]).decode("utf-8", "surrogateescape")

    where = places.at(token.offset)
    text = _ESCAPE.sub(one, token.text[1:-1])
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
