"""Tokens into nodes. Knows which part of Go's text/template exists here and says so of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sealbridge.errors import TemplateSyntaxError
from sealbridge.templates.lexer import Places, Token, TokenKind, tokens, unquote

_KEYWORDS = frozenset(
    {
        "if", "else", "end", "range", "with", "define", "template", "block", "break", "continue",
        "nil", "true", "false",
    }
)  # fmt: skip
_SUPPORTED = 'text, comments, `{{ .key }}`, `{{ index . "key" }}` and string literals work today'
_NAMES = {
    TokenKind.PIPE: "a pipeline (`|`)",
    TokenKind.OPEN: "a group in parentheses",
    TokenKind.NUMBER: "a number",
    TokenKind.CHARACTER: "a character literal",
    TokenKind.DECLARE: "a declaration",
}


@dataclass(frozen=True, slots=True)
class Text:
    """What is printed as it stands: text, or a string literal."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """`.a.b`: names to follow from the dot; no names is the dot itself."""

    names: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Index:
    """`index OPERAND "key"...`: keys to follow from an operand."""

    operand: Field
    keys: tuple[str, ...]
    where: str


Node = Text | Field | Index


def parse(source: str, *, name: str, delimiters: tuple[str, str]) -> tuple[Node, ...]:
    """The nodes of a template in order. Raises TemplateSyntaxError at `name:line:column`."""
    places = Places(name, source)
    nodes: list[Node] = []
    action: list[Token] | None = None
    for token in tokens(source, places, delimiters):
        if token.kind is TokenKind.TEXT:
            nodes.append(Text(token.text))
        elif token.kind is TokenKind.BEGIN:
            action, begin = [], token
        elif token.kind is TokenKind.END:
            nodes.append(_action(action or [], places.at(begin.offset), places))
        elif action is not None:
            action.append(token)
    return tuple(nodes)


def _action(action: Sequence[Token], where: str, places: Places) -> Node:
    if not action:
        raise TemplateSyntaxError("an action is empty", where=where)
    first = action[0]
    # The keyword is the reader's first hint; a pipe further on would only be a detail of it.
    if first.kind is TokenKind.NAME and first.text != "index":
        what = f"`{first.text}`" if first.text in _KEYWORDS else f"the function `{first.text}`"
        raise _unsupported(what, places.at(first.offset))
    for token in action:
        if token.kind in _NAMES:
            raise _unsupported(_NAMES[token.kind], places.at(token.offset))
        if token.kind is TokenKind.VARIABLE:
            raise _unsupported(f"the variable `{token.text}`", places.at(token.offset))
    if first.kind is TokenKind.NAME:
        return _index(action, places)
    if first.kind in (TokenKind.STRING, TokenKind.RAW_STRING):
        _nothing_after(action[1:], places)
        return Text(unquote(first, places))
    field, rest = _field(action, places)
    _nothing_after(rest, places)
    if not field.names:
        raise _unsupported("printing the dot alone", places.at(first.offset))
    return field


def _index(action: Sequence[Token], places: Places) -> Index:
    where = places.at(action[0].offset)
    if len(action) < 2:
        raise TemplateSyntaxError("`index` needs a map and a key", where=where, hint='`{{ index . "key" }}`')
    operand, rest = _field(action[1:], places)
    if not rest:
        raise TemplateSyntaxError("`index` needs a key", where=where, hint='`{{ index . "key" }}`')
    keys: list[str] = []
    for token in rest:
        if token.kind not in (TokenKind.STRING, TokenKind.RAW_STRING):
            raise _unsupported("a key of `index` that is not a string literal", places.at(token.offset))
        keys.append(unquote(token, places))
    return Index(operand, tuple(keys), where)


def _field(action: Sequence[Token], places: Places) -> tuple[Field, Sequence[Token]]:
    first = action[0]
    where = places.at(first.offset)
    if first.kind is TokenKind.DOT:
        return Field((), where), action[1:]
    if first.kind is not TokenKind.FIELD:
        raise TemplateSyntaxError(f"unexpected `{first.text}` in an action", where=where)
    names, end = [], first.offset
    for token in action:
        # `.a .b` with a space are two operands, `.a.b` is one.
        if token.kind is not TokenKind.FIELD or token.offset != end:
            break
        names.append(token.text[1:])
        end += len(token.text)
    return Field(tuple(names), where), action[len(names) :]


def _nothing_after(rest: Sequence[Token], places: Places) -> None:
    if rest:
        hint = (
            'a key with other characters than letters, digits and `_` is read with `{{ index . "the-key" }}`'
        )
        raise TemplateSyntaxError("an operand takes no arguments", where=places.at(rest[0].offset), hint=hint)


def _unsupported(what: str, where: str) -> TemplateSyntaxError:
    return TemplateSyntaxError(f"{what} is not supported yet", where=where, hint=_SUPPORTED)
