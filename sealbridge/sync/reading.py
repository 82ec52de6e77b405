"""Specs read into their models: Go's durations, and errors that name the field. Knows no kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from sealbridge.errors import ManifestError
from sealbridge.stores.config import problem, without_nulls
from sealbridge.sync.durations import parse_duration

_T = TypeVar("_T")


def converted(value: Any, type_: type[_T], where: str) -> _T:
    """A part of a manifest as its model. Raises ManifestError that names the field below `where`."""
    try:
        return msgspec.convert(without_nulls(value), type_, builtin_types=(timedelta,))
    except msgspec.ValidationError as error:
        place, what, hint = problem(error, type_, where)
        raise ManifestError(f"{place}: {what}", hint=hint) from None
    except RecursionError:
        raise ManifestError(f"{where} is nested too deeply") from None


def with_interval(spec: Any, *, zero: str) -> Any:
    """The spec with refreshInterval as a duration, as msgspec knows only those of ISO 8601.

    `zero`: what an interval of 0 does, for the hint. Raises ManifestError.
    """
    if not isinstance(spec, Mapping) or spec.get("refreshInterval") is None:
        return spec
    text = spec["refreshInterval"]
    reason = "not a duration"
    if text == 0 and not isinstance(text, bool):
        text = "0"
    if isinstance(text, str):
        try:
            # As upstream does: a negative interval says what 0 does.
            length = -parse_duration(text[1:]) if text.startswith("-") else parse_duration(text)
            return {**spec, "refreshInterval": length}
        except ValueError as error:
            reason = str(error)
    raise ManifestError(f"spec.refreshInterval: {reason}", hint=f"write it like 1h, 15m or 1h30m0s; 0 {zero}")
