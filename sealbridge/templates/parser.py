"""Tokens into nodes. Knows the grammar of text/template; evaluates nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sealbridge.errors import TemplateSyntaxError
from sealbridge.templates.calls import Function, closest
from sealbridge.templates.lexer import ENTRY_HINT, OPERATOR_HINT, Places, Token, TokenKind, short, tokens
from sealbridge.templates.literals import character, complex_number, number, text_of
from sealbridge.templates.nodes import (
    Action,
    Body,
    Break,
    Call,
    Chain,
    Command,
    Continue,
    Dot,
    Field,
    If,
    Invoke,
    Literal,
    Nil,
    Node,
    Numeral,
    Operand,
    Pipeline,
    Range,
    Text,
    Variable,
    With,
    is_empty,
)

_KIND = TokenKind
_STRINGS = (_KIND.STRING, _KIND.RAW_STRING)
_NUMBERS = {_KIND.NUMBER: number, _KIND.CHARACTER: character, _KIND.COMPLEX: complex_number}
_CONTROLS: dict[str, type[If | With | Range]] = {"if": If, "with": With, "range": Range}
# Functions that people know from Helm and sprig, and the way to go without.
_INVOKE = 'it is one of Helm\'s: `{{ template "name" . }}` does it, with the definition in the same template'
_ABSENT = "templates cannot look at the environment, the network or a cluster"
_ELSEWHERE = {
    "include": _INVOKE,
    "tpl": "it is one of Helm's: a text is not rendered again here",
    "required": 'it is one of Helm\'s: `{{ if not .key }}{{ fail "key is missing" }}{{ end }}` does it',
    "toToml": "it is one of Helm's: `toJson` and `toYaml` are there",
    "fromToml": "it is one of Helm's: `fromJson` and `fromYaml` are there",
    "mustToYaml": "it is one of Helm's: `toYaml` is there",
    "toYamlPretty": "it is one of Helm's: `toYaml` is there",
    "fromJsonArray": "it is one of Helm's: `fromJson` takes lists, too",
    "fromYamlArray": 'it is one of Helm\'s: `(fromYaml (print "list:\\n" .text)).list` does it',
    "lookup": _ABSENT,
    "env": _ABSENT,
    "expandenv": _ABSENT,
    "getHostByName": _ABSENT,
}
_CONSTANT = (Literal, Numeral, Nil, Dot)


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed source: the body of the template and of every template that it defines."""

    places: Places
    source: str
    name: bytes
    bodies: Mapping[bytes, Body]
    # How many tokens it was made of.
    tokens: int


@dataclass(slots=True)
class _Scope:
    """What belongs to one definition: the variables in sight and the ranges around."""

    variables: list[str]
    ranges: int = 0
    # How many times each of the variables is there, to find one among very many.
    counts: Counter[str] = field(default_factory=lambda: Counter("$"))

    def declare(self, name: str) -> None:
        """Have one more variable in sight."""
        self.variables.append(name)
        self.counts[name] += 1

    def leave(self, known: int) -> None:
        """Forget all but the variables that were known first."""
        self.counts.subtract(self.variables[known:])
        del self.variables[known:]


def parse(
    source: str,
    *,
    name: str,
    delimiters: tuple[str, str],
    functions: Callable[[str], Function | None],
    depth: int,
) -> Tree:
    """The tree of a template. Raises TemplateSyntaxError at `name:line:column`.

    `functions` finds a function by its name; `depth` bounds how deep anything is nested.
    """
    places = Places(name, source)
    try:
        parser = _Parser(source, places, delimiters, functions, depth)
        return parser.tree(name.encode("utf-8", "surrogateescape"))
    except MemoryError:
        raise TemplateSyntaxError("there is not enough memory for the template", where=name) from None


class _Parser:
    def __init__(
        self,
        source: str,
        places: Places,
        delimiters: tuple[str, str],
        functions: Callable[[str], Function | None],
        depth: int,
    ) -> None:
        self._source = source
        self._places = places
        self._functions = functions
        self._tokens = list(tokens(source, places, delimiters))
        self._position = 0
        self._bodies: dict[bytes, Body] = {}
        self._scope = _Scope(["$"])
        self._depth = 0
        self._limit = depth

    def tree(self, name: bytes) -> Tree:
        body: list[Node] = []
        while self._peek().kind is not _KIND.EOF:
            if self._is_action("define"):
                self._definition()
                continue
            start = self._position
            node = self._node()
            if isinstance(node, str):
                keyword = next(token for token in self._tokens[start:] if token.kind is _KIND.KEYWORD)
                raise self._error(f"unexpected `{node}`", keyword, "no block is open here")
            body.append(node)
        self._define(name, tuple(body), self._peek())
        return Tree(self._places, self._source, name, self._bodies, len(self._tokens))

    # Tokens.

    def _peek(self) -> Token:
        return self._tokens[self._position]

    def _next(self) -> Token:
        token = self._tokens[self._position]
        if token.kind is not _KIND.EOF:
            self._position += 1
        return token

    def _skip_space(self) -> Token:
        while self._peek().kind is _KIND.SPACE:
            self._position += 1
        return self._peek()

    def _next_word(self) -> Token:
        self._skip_space()
        return self._next()

    def _is_action(self, keyword: str) -> bool:
        """Whether the next is an action that starts with a keyword; nothing is consumed."""
        if self._peek().kind is not _KIND.BEGIN:
            return False
        ahead = self._position + 1
        while self._tokens[ahead].kind is _KIND.SPACE:
            ahead += 1
        return self._tokens[ahead].kind is _KIND.KEYWORD and self._tokens[ahead].text == keyword

    def _expect_end(self, context: str) -> None:
        token = self._next_word()
        if token.kind is not _KIND.END:
            raise self._unexpected(token, context)

    def _error(self, what: str, token: Token, hint: str | None = None) -> TemplateSyntaxError:
        return TemplateSyntaxError(what, where=self._places.at(token.offset), hint=hint)

    def _unexpected(self, token: Token, context: str) -> TemplateSyntaxError:
        what = "the end of the template" if token.kind is _KIND.EOF else f"`{short(token.text)}`"
        hint = None
        if token.kind is _KIND.ASSIGN or self._source.startswith("||", token.offset - 1):
            hint = OPERATOR_HINT
        elif token.kind is _KIND.NUMBER and token.text.startswith("."):
            hint = ENTRY_HINT
        return self._error(f"unexpected {what} in {context}", token, hint)

    def _descend(self, token: Token) -> None:
        self._depth += 1
        if self._depth > self._limit:
            raise self._error(f"more than {self._limit} blocks and parentheses within each other", token)

    # Definitions.

    def _define(self, name: bytes, body: Body, token: Token) -> None:
        known = self._bodies.get(name)
        if known is None or is_empty(known):
            self._bodies[name] = body
        elif not is_empty(body):
            shown = short(name.decode(errors="replace"))
            raise self._error(f"the template `{shown}` is defined twice", token)

    def _definition(self) -> None:
        self._next()
        keyword = self._next_word()
        name = self._name(self._next_word(), "define")
        self._expect_end("define")
        self._define(name, self._scoped_body(keyword), keyword)

    def _scoped_body(self, token: Token) -> Body:
        """The body of a definition, which sees no variables from around it."""
        around, self._scope = self._scope, _Scope(["$"])
        self._descend(token)
        body, end = self._body(token)
        if end != "end":
            raise self._error(f"unexpected `{end}` in `{token.text}`", token)
        self._scope = around
        self._depth -= 1
        return body

    def _name(self, token: Token, context: str) -> bytes:
        if token.kind not in _STRINGS:
            raise self._unexpected(token, f"`{context}`, which takes a name in quotes")
        return self._unquoted(token)

    def _unquoted(self, token: Token) -> bytes:
        try:
            return text_of(token.text)
        except ValueError as error:
            raise self._error(f"{short(token.text)}: {error}", token) from None

    # Bodies.

    def _body(self, opening: Token) -> tuple[Body, str]:
        """Nodes up to `else` or `end`, and which of both it was."""
        body: list[Node] = []
        while self._peek().kind is not _KIND.EOF:
            node = self._node()
            if isinstance(node, str):
                return tuple(body), node
            body.append(node)
        raise self._error(f"`{opening.text}` is not closed", opening, "end it with `{{ end }}`")

    def _node(self) -> Node | str:
        """One node, or the keyword `else` or `end`."""
        token = self._next_word()
        if token.kind is _KIND.TEXT:
            return Text(token.text.encode("utf-8", "surrogateescape"))
        if token.kind is not _KIND.BEGIN:
            raise self._unexpected(token, "the template")
        first = self._skip_space()
        if first.kind is not _KIND.KEYWORD or first.text == "nil":
            return Action(self._pipeline("a command", _KIND.END))
        self._next()
        match first.text:
            case "if" | "with" | "range":
                return self._control(first)
            case "end":
                self._expect_end("end")
                return "end"
            case "else":
                following = self._skip_space()
                if not (following.kind is _KIND.KEYWORD and following.text in ("if", "with")):
                    self._expect_end("else")
                return "else"
            case "break" | "continue":
                self._expect_end(first.text)
                if not self._scope.ranges:
                    raise self._error(f"`{first.text}` outside of `range`", first)
                return Break() if first.text == "break" else Continue()
            case "template":
                return self._invocation(first)
            case "block":
                return self._block(first)
            case _:
                hint = "`define` stands at the top level, outside of all blocks"
                raise self._error(f"unexpected `{first.text}`", first, hint)

    def _control(self, keyword: Token) -> Node:
        self._descend(keyword)
        known = len(self._scope.variables)
        pipeline = self._pipeline(f"`{keyword.text}`", _KIND.END)
        ranges = keyword.text == "range"
        self._scope.ranges += ranges
        body, end = self._body(keyword)
        self._scope.ranges -= ranges
        otherwise: Body | None = None
        if end == "else":
            following = self._peek()
            if following.kind is _KIND.KEYWORD and following.text == keyword.text and not ranges:
                # `else if` is an `if` within the `else`, both closed by one `end`.
                self._next()
                otherwise = (self._control(following),)
            else:
                otherwise, end = self._body(keyword)
                if end != "end":
                    raise self._error(f"a second `else` in `{keyword.text}`", keyword)
        self._scope.leave(known)
        self._depth -= 1
        return _CONTROLS[keyword.text](pipeline, body, otherwise)

    def _invocation(self, keyword: Token) -> Node:
        name = self._name(self._next_word(), "template")
        pipeline = None
        if self._skip_space().kind is _KIND.END:
            end = self._next()
        else:
            pipeline = self._pipeline("`template`", _KIND.END)
            end = self._tokens[self._position - 1]
        return Invoke(name, pipeline, keyword.offset, end.offset)

    def _block(self, keyword: Token) -> Node:
        name = self._name(self._next_word(), "block")
        pipeline = self._pipeline("`block`", _KIND.END)
        self._define(name, self._scoped_body(keyword), keyword)
        return Invoke(name, pipeline, keyword.offset, pipeline.end)

    # Expressions.

    def _pipeline(self, context: str, end: TokenKind) -> Pipeline:
        start = self._skip_space()
        variables, assigns = self._declarations(context)
        commands: list[Command] = []
        while True:
            token = self._skip_space()
            if token.kind is end:
                self._next()
                break
            if token.kind in (
                _KIND.END, _KIND.CLOSE, _KIND.PIPE, _KIND.COMMA, _KIND.DECLARE, _KIND.ASSIGN, _KIND.EOF,
            ) or (token.kind is _KIND.KEYWORD and token.text != "nil"):  # fmt: skip
                raise self._unexpected(token, context)
            commands.append(self._command())
        if not commands:
            raise self._error(f"{context} has no value", start)
        for command in commands[1:]:
            if isinstance(command.operand, _CONSTANT):
                what = "a constant cannot take what comes through a pipe"
                raise TemplateSyntaxError(what, where=self._places.at(command.start))
        return Pipeline(tuple(commands), tuple(variables), assigns, start.offset, token.offset)

    def _declarations(self, context: str) -> tuple[list[str], bool]:
        """`$x :=`, `$x =` or, in a range, `$i, $x :=` in front of a pipeline."""
        names: list[str] = []
        while self._skip_space().kind is _KIND.VARIABLE:
            before = self._position
            variable = self._next()
            token = self._skip_space()
            if token.kind in (_KIND.DECLARE, _KIND.ASSIGN):
                self._next()
                names.append(variable.text)
                self._scope.declare(variable.text)
                return names, token.kind is _KIND.ASSIGN
            if token.kind is not _KIND.COMMA:
                self._position = before
                break
            self._next()
            names.append(variable.text)
            self._scope.declare(variable.text)
            if context != "`range`" or len(names) > 1:
                raise self._error(f"too many variables in {context}", token)
            following = self._skip_space()
            if following.kind not in (_KIND.VARIABLE, _KIND.END, _KIND.CLOSE):
                raise self._error("`range` can only set variables", following)
        return names, False

    def _command(self) -> Command:
        start = self._skip_space()
        operands: list[Operand] = []
        while True:
            self._skip_space()
            operand = self._operand()
            if operand is not None:
                operands.append(operand)
            token = self._next()
            if token.kind is _KIND.SPACE:
                continue
            if token.kind in (_KIND.END, _KIND.CLOSE):
                self._position -= 1
            elif token.kind is not _KIND.PIPE:
                raise self._unexpected(token, "an operand")
            break
        if not operands:
            raise self._error("a command is empty", start)
        return Command(operands[0], tuple(operands[1:]), start.offset, token.offset)

    def _operand(self) -> Operand | None:
        """A term and the fields taken of it; None when the next is no operand."""
        first = self._peek()
        term = self._term()
        if term is None or self._peek().kind is not _KIND.FIELD:
            return term
        names: list[bytes] = []
        while self._peek().kind is _KIND.FIELD:
            names.append(self._next().text[1:].encode())
        end = self._peek().offset
        if isinstance(term, Field):
            return Field((*term.names, *names), first.offset, end)
        if isinstance(term, Variable):
            return Variable(term.name, (*term.names, *names), first.offset, end)
        if isinstance(term, _CONSTANT):
            raise self._error("a constant has no fields", first)
        return Chain(term, tuple(names), first.offset, end)

    def _term(self) -> Operand | None:
        token = self._peek()
        start, end = token.offset, token.offset + len(token.text)
        kind, text = token.kind, token.text
        if kind in _STRINGS:
            self._next()
            return Literal(self._unquoted(token), start, end)
        if kind in _NUMBERS:
            self._next()
            try:
                return Numeral(_NUMBERS[kind](text), start, end)
            except ValueError as error:
                raise self._wrong_number(token, error) from None
        if kind is _KIND.OPEN:
            self._next()
            self._descend(token)
            pipeline = self._pipeline("a parenthesis", _KIND.CLOSE)
            self._depth -= 1
            return pipeline
        if kind is _KIND.NAME:
            self._next()
            return self._named(token)
        if kind is _KIND.VARIABLE:
            self._next()
            if not self._scope.counts[text]:
                raise self._error(f"the variable `{short(text)}` is not defined", token)
            return Variable(text, (), start, end)
        if kind is _KIND.FIELD:
            self._next()
            return Field((text[1:].encode(),), start, end)
        if kind is _KIND.DOT:
            self._next()
            return Dot(start, end)
        if kind is _KIND.KEYWORD and text == "nil":
            self._next()
            return Nil(start, end)
        return None

    def _wrong_number(self, token: Token, error: ValueError) -> TemplateSyntaxError:
        hint = None
        if token.text in ("+", "-"):
            hint = OPERATOR_HINT
        elif token.kind is _KIND.CHARACTER:
            hint = "a text stands between double quotes"
        return self._error(f"{short(token.text)}: {error}", token, hint)

    def _named(self, token: Token) -> Operand:
        end = token.offset + len(token.text)
        if token.text in ("true", "false"):
            return Literal(token.text == "true", token.offset, end)
        function = self._functions(token.text)
        if function is None:
            hint = _ELSEWHERE.get(token.text)
            if hint is None:
                name = short(token.text)
                hint = f'a key of the data is written `.{name}`, a text `"{name}"`'
                if close := closest(token.text):
                    hint = f"did you mean `{close}`? {hint}"
            raise self._error(f"there is no function `{short(token.text)}`", token, hint)
        return Call(function, token.offset, end)
