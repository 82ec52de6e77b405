"""Parts of a manifest into typed models, and what is wrong with them in words. Knows no provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from sealbridge.errors import Invalid

_T = TypeVar("_T")
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `([^`]*)`")


def read_config(config: Mapping[str, Any], type_: type[_T], where: str) -> _T:
    """The model of a provider's configuration. Raises Invalid that names the field."""
    try:
        return msgspec.convert(without_nulls(config), type_)
    except msgspec.ValidationError as error:
        place, what = problem(error, where)
        raise Invalid(what, where=place) from None
    except RecursionError:
        raise Invalid("nested too deeply", where=where) from None


def problem(error: msgspec.ValidationError, where: str) -> tuple[str, str]:
    """The path of the field that msgspec complains of, below `where`, and the complaint."""
    message, _, path = str(error).partition(" - at `$")
    place = where + path.removesuffix("`")
    if unknown := _UNKNOWN_FIELD.fullmatch(message):
        return f"{place}.{unknown[1]}", "there is no such field, or it is not supported yet"
    return place, message[:1].lower() + message[1:]


def without_nulls(value: Any) -> Any:
    """The API server drops a null where a field has another type; a file still has it."""
    if isinstance(value, Mapping):
        return {key: without_nulls(entry) for key, entry in value.items() if entry is not None}
    return [without_nulls(entry) for entry in value] if isinstance(value, list) else value
