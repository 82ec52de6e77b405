"""conversionStrategy and the rules for keys: remote names become keys of a Secret. Knows no values."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TypeVar

from sealbridge.sync.model import ConversionStrategy

_LONGEST_KEY = 253
_T = TypeVar("_T")


def convert_keys(entries: Mapping[str, _T], strategy: ConversionStrategy) -> dict[str, _T]:
    """The entries under converted keys. Raises ValueError when two keys become one."""
    converted: dict[str, _T] = {}
    origins: dict[str, str] = {}
    for key, entry in entries.items():
        new = "".join(_converted(character, strategy) for character in key)
        if new in origins:
            raise ValueError(
                f"the keys {origins[new]!r} and {key!r} both become {new!r}"
                f" under conversionStrategy {strategy.value}"
            )
        converted[new], origins[new] = entry, key
    return converted


def valid_keys(entries: Mapping[str, _T]) -> dict[str, _T]:
    """The entries without the empty key. Raises ValueError for a key that no Secret takes."""
    for key in entries:
        if len(key) > _LONGEST_KEY:
            raise ValueError(f"the key {key[:40]!r}... has more than {_LONGEST_KEY} characters")
        if not all(map(_is_plain, key)):
            raise ValueError(f"the key {key!r} has characters other than letters, digits, '-', '_' and '.'")
    return {key: entry for key, entry in entries.items() if key}


def _converted(character: str, strategy: ConversionStrategy) -> str:
    if _is_plain(character):
        return character
    return f"_U{ord(character):04x}_" if strategy is ConversionStrategy.UNICODE else "_"


def _is_plain(character: str) -> bool:
    # As Go's unicode.IsLetter and IsNumber: categories L and N. str.isalnum differs for some.
    return character in "-._" or unicodedata.category(character)[0] in "LN"
