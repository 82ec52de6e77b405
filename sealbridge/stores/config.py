"""A provider's part of a store's spec into a typed model. Knows no provider."""

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
        return msgspec.convert(_without_nulls(config), type_)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        place = where + path.removesuffix("`")
        if unknown := _UNKNOWN_FIELD.fullmatch(message):
            what = f"{unknown[1]} is not a field here, or not one that is supported yet"
            raise Invalid(what, where=place) from None
        raise Invalid(f"{message[:1].lower()}{message[1:]}", where=place) from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(entry) for key, entry in value.items() if entry is not None}
    return [_without_nulls(entry) for entry in value] if isinstance(value, list) else value
