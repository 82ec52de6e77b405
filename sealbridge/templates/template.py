"""A parsed template that renders over a map. Knows no Secret; its errors never hold a value."""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Literal

from sealbridge.errors import TemplateError, TemplateSyntaxError
from sealbridge.templates.calls import finder
from sealbridge.templates.execution import Rendering
from sealbridge.templates.go.values import StringMap, from_python
from sealbridge.templates.limits import DEFAULT, Budget, Limits
from sealbridge.templates.parser import Tree, parse

# Surrogates that stand for no byte (PEP 383).
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class Template:
    """A template in the language of Go's text/template, with the functions of `functions.table`.

    `missing` is what `.key` gives for a key that is not there: "zero" goes on without a value, which prints
    as `<no value>` (Go's default), "error" raises (Go's missingkey=error). `functions` adds functions of the
    caller's, which take and give Go values (see `values`) and win over those of the same name.

    Raises TemplateSyntaxError. A template may be rendered by several threads at once.
    """

    def __init__(
        self,
        source: str,
        *,
        name: str = "template",
        missing: Literal["zero", "error"] = "zero",
        delimiters: tuple[str, str] = ("{{", "}}"),
        functions: Mapping[str, Callable[..., Any]] | None = None,
        limits: Limits = DEFAULT,
    ) -> None:
        if len(source) > limits.source:
            raise TemplateSyntaxError(f"the template is longer than {limits.source} characters", where=name)
        if not source.isascii() and _HALF.search(source):
            raise TemplateSyntaxError("the template holds half of a character (a surrogate)", where=name)
        self.name = name
        self._missing = missing
        self._limits = limits
        delimiters = (delimiters[0] or "{{", delimiters[1] or "}}")
        if functions:
            self._tree = parse(
                source, name=name, delimiters=delimiters, functions=finder(functions), depth=limits.depth
            )
        else:
            self._tree = _PARSED.tree(source, name, delimiters, limits.depth)

    def render(self, data: Mapping[str, Any] | StringMap) -> str:
        """The text with the values of `data` in it; raises TemplateError.

        Data are text, bytes, numbers, booleans, None, lists and maps of them; a map is
        map[string]interface {} to Go, unless it is a StringMap (see `string_map`). They are never
        changed. Bytes that are not UTF-8 travel as surrogates (PEP 383): decode values and encode the
        outcome with `surrogateescape`.
        """
        try:
            return self._rendered(data)
        except MemoryError:
            pass
        # Not where it was caught: there all that took up the memory is still held.
        raise TemplateError("there is not enough memory", where=self.name)

    def _rendered(self, data: Mapping[str, Any] | StringMap) -> str:
        try:
            dot = from_python(data)
        except TemplateError as error:
            raise error.at(self.name) from None
        except RecursionError:
            raise TemplateError("the data are nested too deeply", where=self.name) from None
        rendering = Rendering(
            self._tree, dot, Budget(self._limits), missing_is_error=self._missing == "error"
        )
        return rendering.text().decode("utf-8", "surrogateescape")


# Source, name, delimiters and depth.
_Key = tuple[str, str, tuple[str, str], int]


class _Parsed:
    """Trees by what they were parsed from; the ones used last are kept."""

    _COUNT = 1024
    # Bytes: of the source and its texts, and of what is made of a token at most.
    _SIZE = 32 << 20
    _TOKEN = 128

    def __init__(self) -> None:
        self._trees: OrderedDict[_Key, Tree] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def tree(self, source: str, name: str, delimiters: tuple[str, str], depth: int) -> Tree:
        """The tree of a source, parsed only if it is not known. Raises TemplateSyntaxError."""
        key = (source, name, delimiters, depth)
        with self._lock:
            tree = self._trees.get(key)
            if tree is not None:
                self._trees.move_to_end(key)
                return tree
        tree = parse(source, name=name, delimiters=delimiters, functions=finder(None), depth=depth)
        with self._lock:
            if key not in self._trees:
                self._trees[key] = tree
                self._size += self._size_of(key, tree)
            while self._trees and (len(self._trees) > self._COUNT or self._size > self._SIZE):
                self._size -= self._size_of(*self._trees.popitem(last=False))
        return tree

    def _size_of(self, key: _Key, tree: Tree) -> int:
        return 2 * sys.getsizeof(key[0]) + self._TOKEN * tree.tokens


_PARSED = _Parsed()
