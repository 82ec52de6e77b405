"""Runes as Go sees them: decoding, classes, case. Knows single characters; not what is made of them.

Classes come from Python's Unicode tables (14.0 in 3.11, 15.0 in 3.12), as Go's come from those of its
version; only characters assigned lately can be told apart in between. Every predicate takes one
character and answers as its namesake of Go's package unicode.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from unicodedata import category

# What one byte becomes that is part of no character.
REPLACEMENT = "\ufffd"

_ESCAPED = re.compile("[\udc80-\udcff]")
_LATIN_SPACES = frozenset("\t\n\v\f\r \x85\xa0")


def decode(text: bytes) -> str:
    """The runes of a Go string: each byte that is part of none is a U+FFFD of its own."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return _ESCAPED.sub(REPLACEMENT, text.decode(errors="surrogateescape"))


def encode(rune: int) -> bytes:
    """One rune as UTF-8, that of U+FFFD when the number is none."""
    if 0 <= rune < 0xD800 or 0xE000 <= rune < 0x110000:
        return chr(rune).encode()
    return b"\xef\xbf\xbd"


def count(text: bytes) -> int:
    """How many runes `decode` gives."""
    return len(text) if text.isascii() else len(decode(text))


def is_space(char: str) -> bool:
    """White space, the no-break space and all spaces and separators of Unicode among it."""
    return char in _LATIN_SPACES if char <= "\xff" else category(char)[0] == "Z"


def is_letter(char: str) -> bool:
    """Any letter (category L)."""
    return category(char)[0] == "L"


def is_digit(char: str) -> bool:
    """A decimal digit of any script (Nd)."""
    return category(char) == "Nd"


def is_number(char: str) -> bool:
    """Any number, fractions and Roman numerals among it (N)."""
    return category(char)[0] == "N"


def is_upper(char: str) -> bool:
    """An upper case letter (Lu)."""
    return category(char) == "Lu"


def is_lower(char: str) -> bool:
    """A lower case letter (Ll)."""
    return category(char) == "Ll"


def is_title(char: str) -> bool:
    """A title case letter (Lt)."""
    return category(char) == "Lt"


def is_punctuation(char: str) -> bool:
    """Punctuation (P), to which `$` and `+` do not belong."""
    return category(char)[0] == "P"


def is_symbol(char: str) -> bool:
    """A symbol (S)."""
    return category(char)[0] == "S"


def is_control(char: str) -> bool:
    """A control character (Cc)."""
    return category(char) == "Cc"


def is_print(char: str) -> bool:
    """Letters, marks, numbers, punctuation, symbols and the one space of ASCII."""
    return char == " " or category(char)[0] in "LMNPS"


def is_graphic(char: str) -> bool:
    """What `is_print` takes, and every space (Zs)."""
    kind = category(char)
    return kind[0] in "LMNPS" or kind == "Zs"


def to_upper(text: str) -> str:
    """Every rune in upper case; one stays one, so `ß` stays itself."""
    return text.upper() if text.isascii() else text.translate(_UPPER)


def to_lower(text: str) -> str:
    """Every rune in lower case, wherever it stands: a final sigma is as any."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def to_title(text: str) -> str:
    """Every rune in title case, which is upper case but for a few digraphs."""
    return text.upper() if text.isascii() else text.translate(_TITLE)


class _Mapping(dict[int, str]):
    """For str.translate: Unicode's simple case mapping of what was asked for first.

    It lives as long as the process, so that it holds no more than texts of real life need.
    """

    _MOST = 4096

    def __init__(self, simple: Callable[[str], str]) -> None:
        super().__init__()
        self._simple = simple

    def __missing__(self, rune: int) -> str:
        mapped = self._simple(chr(rune))
        if len(self) < self._MOST:
            self[rune] = mapped
        return mapped


def _upper(char: str) -> str:
    # Python knows full mappings only. Where one is longer than a character, the simple mapping is that
    # to title case (Greek letters with iota subscript) or none at all (ligatures, the sharp s).
    full = char.upper()
    return full if len(full) == 1 else _title(char)


def _title(char: str) -> str:
    full = char.title()
    return full if len(full) == 1 else char


def _lower(char: str) -> str:
    # The dotted capital I alone has a longer one: an i and the dot.
    return char.lower()[0]


_UPPER = _Mapping(_upper)
_LOWER = _Mapping(_lower)
_TITLE = _Mapping(_title)
