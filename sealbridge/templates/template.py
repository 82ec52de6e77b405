"""A parsed template that renders over a map. Knows no Secret; its errors never hold a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sealbridge.errors import TemplateError
from sealbridge.templates.parser import Field, Node, Text, parse

_NO_VALUE = "<no value>"
_LISTED = 12
_ABSENT = object()


class Template:
    """A part of Go's text/template: text, comments, trim markers, fields, `index`, string literals.

    `missing` is Go's missingkey option for `.key`: "zero" prints `<no value>`, "error" raises.
    `index` gives the empty text for a key that is not there, under either, as Go does.
    """

    def __init__(
        self,
        source: str,
        *,
        name: str = "template",
        missing: Literal["zero", "error"] = "zero",
        delimiters: tuple[str, str] = ("{{", "}}"),
    ) -> None:
        self.name = name
        self._missing = missing
        self._nodes = parse(source, name=name, delimiters=delimiters)

    def render(self, data: Mapping[str, Any]) -> str:
        """The text with the values of `data` in it; raises TemplateError.

        Bytes that are not UTF-8 travel as surrogates (PEP 383): decode values and encode the outcome
        with `surrogateescape`.
        """
        return "".join(self._print(node, data) for node in self._nodes)

    def _print(self, node: Node, data: Mapping[str, Any]) -> str:
        if isinstance(node, Text):
            return node.text
        if isinstance(node, Field):
            value = self._follow(data, node.names, node.where)
            return _NO_VALUE if value is _ABSENT else _text(value, node.where)
        value = self._follow(data, node.operand.names, node.operand.where)
        for key in node.keys:
            if value is _ABSENT:
                break
            value = _step(value, key, node.where).get(key, _ABSENT)
        return "" if value is _ABSENT else _text(value, node.where)

    def _follow(self, value: Any, names: Sequence[str], where: str) -> Any:
        for name in names:
            entries = _step(value, name, where)
            value = entries.get(name, _ABSENT)
            if value is not _ABSENT:
                continue
            if self._missing == "error":
                known = ", ".join(sorted(map(str, entries))[:_LISTED])
                more = ", ..." if len(entries) > _LISTED else ""
                hint = f"there are: {known}{more}" if known else "there is nothing to take it from"
                raise TemplateError(f"there is no key `{name}`", where=where, hint=hint)
            return value
        return value


def _step(value: Any, name: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TemplateError(f"cannot take `{name}` of something that is not a map", where=where)
    return value


def _text(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    raise TemplateError(f"printing a {type(value).__name__} is not supported yet", where=where)
