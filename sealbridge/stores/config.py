"""Parts of a manifest into typed models, and what is wrong with them in words. Knows no provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import msgspec.inspect

from sealbridge.errors import Invalid

_T = TypeVar("_T")
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `([^`]*)`")


def read_config(config: Mapping[str, Any], type_: type[_T], where: str) -> _T:
    """The model of a provider's configuration. Raises Invalid that names the field."""
    try:
        return msgspec.convert(without_nulls(config), type_)
    except msgspec.ValidationError as error:
        place, what, hint = problem(error, type_, where)
        raise Invalid(what, where=place, hint=hint) from None
    except RecursionError:
        raise Invalid("nested too deeply", where=where) from None


def problem(error: msgspec.ValidationError, type_: type, where: str) -> tuple[str, str, str | None]:
    """What msgspec complains of while it reads `type_`: the path below `where`, the complaint, a hint."""
    message, _, path = str(error).partition(" - at `$")
    place = where + path.removesuffix("`")
    if unknown := _UNKNOWN_FIELD.fullmatch(message):
        return f"{place}.{unknown[1]}", "there is no such field, or it is not supported yet", None
    hint = None
    if message.startswith("Invalid enum value"):
        known = _choices(msgspec.inspect.type_info(type_), path.removesuffix("`").rpartition(".")[2])
        hint = f"it is one of {', '.join(known)}"
    return place, message[:1].lower() + message[1:], hint


def _choices(type_: msgspec.inspect.Type, field: str) -> tuple[str, ...]:
    """What the field of this name may be, wherever it stands below a type."""
    if isinstance(type_, msgspec.inspect.StructType):
        for entry in type_.fields:
            if entry.encode_name == field and (values := _values(entry.type)):
                return values
        inner = [entry.type for entry in type_.fields]
    elif isinstance(type_, msgspec.inspect.UnionType):
        inner = list(type_.types)
    elif isinstance(type_, (msgspec.inspect.VarTupleType, msgspec.inspect.ListType)):
        inner = [type_.item_type]
    else:
        inner = []
    return next((found for entry in inner if (found := _choices(entry, field))), ())


def _values(type_: msgspec.inspect.Type) -> tuple[str, ...]:
    if isinstance(type_, msgspec.inspect.EnumType):
        return tuple(str(member.value) for member in type_.cls)
    return tuple(map(str, type_.values)) if isinstance(type_, msgspec.inspect.LiteralType) else ()


def without_nulls(value: Any) -> Any:
    """The API server drops a null where a field has another type; a file still has it."""
    if isinstance(value, Mapping):
        return {key: without_nulls(entry) for key, entry in value.items() if entry is not None}
    return [without_nulls(entry) for entry in value] if isinstance(value, list) else value
