"""Go's values as Python objects. Knows kinds and type names; not how anything is printed or called.

A template works on Go values, so that `len`, `index`, `typeOf` and `printf` agree with the original:

    string                  bytes (Go strings are bytes, seldom anything but UTF-8)
    bool, int, float64      bool, int, float
    complex128              complex, which only a constant such as 2i gives
    int64, int32, uint8...  Int64, Int32, Uint8... (subclasses of int that remember their width)
    []interface {}          list
    []string, []int, ...    Strings, Ints, Lists (subclasses of list whose elements all have one type)
    map[string]interface {} dict with bytes as keys
    map[string]string, ...  StringMap, StringMaps (subclasses of dict)
    structs and pointers    subclasses of Object
    nil in an interface     None
    no value at all         INVALID, what a missing key gives

A plain `int` is always within 64 bits: `wrap` brings an outcome of arithmetic back, as Go overflows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar

from sealbridge.errors import TemplateError

_I = TypeVar("_I", bound=int)
# Surrogates that stand for no byte (PEP 383).
_HALF: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class FunctionError(Exception):
    """A function failed. Its text says how and never holds a value of the data, nor does the hint."""

    def __init__(self, what: str, *, hint: str | None = None) -> None:
        super().__init__(what)
        self.hint = hint


class Invalid:
    """The type of INVALID."""

    kind: ClassVar[str] = "invalid"
    type_name: ClassVar[str] = "<nil>"
    __slots__ = ()

    def __repr__(self) -> str:
        return "INVALID"


INVALID: Final = Invalid()


class Number(int):
    """An integer of another type than `int`."""

    kind: ClassVar[str]
    type_name: ClassVar[str]
    bits: ClassVar[int] = 64
    signed: ClassVar[bool] = True
    __slots__ = ()


class Int32(Number):
    """int32, which is what a rune is."""

    kind = type_name = "int32"
    bits = 32
    __slots__ = ()


class Int64(Number):
    """int64, what most arithmetic functions give."""

    kind = type_name = "int64"
    __slots__ = ()


class Uint8(Number):
    """uint8: one byte of a string."""

    kind = type_name = "uint8"
    bits = 8
    signed = False
    __slots__ = ()


class Uint32(Number):
    """uint32."""

    kind = type_name = "uint32"
    bits = 32
    signed = False
    __slots__ = ()


class Uint64(Number):
    """uint64."""

    kind = type_name = "uint64"
    signed = False
    __slots__ = ()


def wrap(kind: type[_I], value: int) -> _I:
    """`value` in an integer type, overflowing as Go's arithmetic does."""
    bits, signed = (kind.bits, kind.signed) if issubclass(kind, Number) else (64, True)
    value &= (1 << bits) - 1
    if signed and value >> (bits - 1):
        value -= 1 << bits
    return kind(value)


class Strings(list[Any]):
    """[]string."""

    kind: ClassVar[str] = "slice"
    type_name: ClassVar[str] = "[]string"
    __slots__ = ()


class NilStrings(Strings):
    """A []string that is nil: empty, and `null` in JSON."""

    __slots__ = ()


class NilList(list[Any]):
    """A []interface {} that is nil: empty, and `null` in JSON. `rest` of nothing is one."""

    kind: ClassVar[str] = "slice"
    type_name: ClassVar[str] = "[]interface {}"
    __slots__ = ()


class Ints(list[Any]):
    """[]int."""

    kind: ClassVar[str] = "slice"
    type_name: ClassVar[str] = "[]int"
    __slots__ = ()


class Lists(list[Any]):
    """[][]interface {}."""

    kind: ClassVar[str] = "slice"
    type_name: ClassVar[str] = "[][]interface {}"
    __slots__ = ()


# Lists that are nil to Go: `null` in JSON, and none of them equal to an empty one.
NIL_LISTS: Final = (NilList, NilStrings)


class StringMap(dict[bytes, Any]):
    """map[string]string: a key that is not there gives the empty string to `index`."""

    kind: ClassVar[str] = "map"
    type_name: ClassVar[str] = "map[string]string"
    __slots__ = ()


class StringMaps(dict[bytes, Any]):
    """map[string]map[string]string."""

    kind: ClassVar[str] = "map"
    type_name: ClassVar[str] = "map[string]map[string]string"
    __slots__ = ()


class Object:
    """A struct, or a pointer to one. `fields` and `methods` say what a template may reach.

    `fields` maps a Go name to the attribute that holds it. `methods` maps a Go name to the attribute
    and its parameters, written as in the table of functions. A subclass whose Go type has a
    `String() string` method has `string`, which is how it prints.
    """

    kind: ClassVar[str] = "struct"
    type_name: ClassVar[str]
    fields: ClassVar[Mapping[str, str]] = {}
    methods: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def copied(self) -> Object:
        """The copy that `deepCopy` makes; by default the same, as nothing can change it."""
        return self


_BUILTIN = {
    bytes: ("string", "string"),
    int: ("int", "int"),
    bool: ("bool", "bool"),
    float: ("float64", "float64"),
    complex: ("complex128", "complex128"),
    list: ("slice", "[]interface {}"),
    dict: ("map", "map[string]interface {}"),
    type(None): ("interface", "interface {}"),
}


def kind_of(value: Any) -> str:
    """Go's kind of a value: `string`, `int64`, `slice`, `map`, `struct`, `ptr`...

    None is of kind `interface`, INVALID of kind `invalid`.
    """
    builtin = _BUILTIN.get(type(value))
    return builtin[0] if builtin else str(value.kind)


def type_name(value: Any) -> str:
    """Go's name of a value's type, as `%T` prints it (`<nil>` for none at all)."""
    if value is None:
        return "<nil>"
    builtin = _BUILTIN.get(type(value))
    return builtin[1] if builtin else str(value.type_name)


def with_article(name: str) -> str:
    """A type's name in a sentence: `an int`, `a string`."""
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def truth(value: Any) -> bool:
    """Whether `if` takes a value for true: not the zero of its type; structs always are."""
    return bool(value) if not isinstance(value, (Object, Invalid)) else isinstance(value, Object)


def is_integer(value: Any) -> bool:
    """Whether a value is of one of Go's integer types."""
    return isinstance(value, int) and not isinstance(value, bool)


def from_python(value: Any) -> Any:
    """Go's value for a Python one, as a copy: text, bytes, numbers, sequences, mappings.

    Text and keys are encoded with surrogateescape, so binary data that travels as text comes through;
    any other half of a character, which JSON can hold, is a U+FFFD as in Go.
    Raises TemplateError for anything else; its text names the type and never the value.
    """
    kind = type(value)
    if kind is str:
        return encoded(value)
    if value is None or kind in (bool, float, bytes) or isinstance(value, (Number, Object)):
        return value
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise TemplateError("an integer of the data does not fit into 64 bits")
        return int(value)
    if isinstance(value, Mapping):
        to = kind if kind in (StringMap, StringMaps) else dict
        converted: Any = to()
        for key, entry in value.items():
            converted[_key(key)] = from_python(entry)
        return converted
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview)):
        if kind in (Strings, NilStrings, NilList, Ints, Lists):
            return kind(map(from_python, value))
        return [from_python(entry) for entry in value]
    raise TemplateError(f"a template cannot work on a {kind.__name__}")


def encoded(text: str) -> bytes:
    """Text as Go's: UTF-8, but for bytes that are none and travel as surrogates."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return _HALF.sub("\ufffd", text).encode("utf-8", "surrogateescape")


def string_map(entries: Mapping[str, str | bytes]) -> StringMap:
    """map[string]string, which is what the templates of Secrets get."""
    return StringMap({_key(key): from_python(value) for key, value in entries.items()})


def _key(key: Any) -> bytes:
    if isinstance(key, bytes):
        return key
    if isinstance(key, str):
        return encoded(key)
    raise TemplateError(f"a map of the data has a key that is not text but {type(key).__name__}")
