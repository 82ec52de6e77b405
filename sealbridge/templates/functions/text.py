"""Text functions of sprig but those of case. Knows strings of bytes; nothing of lists.

A string is bytes, as in Go, and whatever counts, counts bytes: a cut may leave half a character. Some of
sprig's functions take every byte for a character of Latin-1, and what they give differs from what they
were given as soon as they change anything; existing manifests hold what came of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from sealbridge.templates.go import values
from sealbridge.templates.go.printing import text_of
from sealbridge.templates.go.quoting import quote as quoted
from sealbridge.templates.go.runes import REPLACEMENT, count
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import Budget

# White space as Go's unicode.IsSpace has it, all of it and that of Latin-1.
_SPACES: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_LATIN_SPACES: Final = b"\t\n\v\f\r \x85\xa0"
_LATIN_INITIAL: Final = re.compile(rb"(?<![^\t-\r \x85\xa0])[^\t-\r \x85\xa0]")
_BLANKS: Final = re.compile(rb" *")
# What bytes that are no UTF-8 become on the way through a str.
_ESCAPES: Final = "".join(map(chr, range(0xDC80, 0xDD00)))
# Of more characters to cut off, str.strip would look through all for every character of a text.
_FEW: Final = 256


def trim(text: bytes) -> bytes:
    """`text` without white space at both ends.

    {{ trim "  hello " }} -> hello
    """
    return _bytes(_str(text).strip(_SPACES))


def trim_all(characters: bytes, text: bytes) -> bytes:
    """`text` without any of the `characters` at both ends.

    {{ trimAll "$" "$5.00$" }} -> 5.00
    """
    cutset = _str(characters)
    # To Go every byte that is no UTF-8 is the same character.
    if REPLACEMENT in cutset or any(char in _ESCAPES for char in cutset):
        cutset += REPLACEMENT + _ESCAPES
    if len(cutset) > _FEW:
        return _stripped(_str(text), frozenset(cutset))
    return _bytes(_str(text).strip(cutset)) if cutset else text


def trim_suffix(suffix: bytes, text: bytes) -> bytes:
    """`text` without `suffix` at its end.

    {{ trimSuffix "-" "hello-" }} -> hello
    """
    return text.removesuffix(suffix)


def trim_prefix(prefix: bytes, text: bytes) -> bytes:
    """`text` without `prefix` at its beginning.

    {{ trimPrefix "-" "-hello" }} -> hello
    """
    return text.removeprefix(prefix)


def substr(start: int, end: int, text: bytes) -> bytes:
    """The bytes of `text` from `start` up to `end`; when negative, from its beginning or up to its end.

    {{ substr 0 5 "hello world" }} -> hello
    {{ substr 6 -1 "hello world" }} -> world
    """
    if start < 0:
        start = 0
    elif end < 0 or end > len(text):
        end = len(text)
    if not start <= end <= len(text):
        raise FunctionError("the text is shorter than the part asked for")
    return text[start:end]


def trunc(length: int, text: bytes) -> bytes:
    """The first `length` bytes of `text`, or the last with a negative `length`.

    {{ trunc 3 "hello" }} -> hel
    {{ trunc -3 "hello" }} -> llo
    """
    if length >= 0:
        return text[:length]
    return text[length:] if len(text) + length > 0 else text


def abbrev(width: int, text: bytes) -> bytes:
    """`text` cut to `width` bytes, three dots at the end among them.

    {{ abbrev 5 "hello world" }} -> he...
    """
    return text if width < 4 else _abbreviated(text, 0, width)


def abbrevboth(left: int, width: int, text: bytes) -> bytes:
    """`width` bytes of `text` from `left` on, with three dots where something is cut away.

    {{ abbrevboth 5 10 "1234 5678 9123" }} -> ...5678...
    """
    if width < 4 or (left > 0 and width < 7):
        return text
    return _abbreviated(text, left, width)


def repeat(budget: Budget, times: int, text: bytes) -> bytes:
    """`text`, `times` times over.

    {{ repeat 3 "hello" }} -> hellohellohello
    """
    if times < 0:
        raise FunctionError("nothing repeats a negative number of times")
    budget.grow(len(text) * times)
    return text * times


def nospace(text: bytes) -> bytes:
    """`text` without white space. Where there is some, bytes beyond ASCII are taken for Latin-1.

    {{ nospace "h e l l o" }} -> hello
    """
    kept = text.translate(None, _LATIN_SPACES)
    return text if len(kept) == len(text) else kept.decode("latin-1").encode()


def initials(text: bytes) -> bytes:
    """The first byte of every word, taken for Latin-1.

    {{ initials "First Try" }} -> FT
    """
    return b"".join(_LATIN_INITIAL.findall(text)).decode("latin-1").encode()


def contains(part: bytes, text: bytes) -> bool:
    """Whether `part` is somewhere in `text`.

    {{ contains "cat" "catch" }} -> true
    """
    return part in text


def has_prefix(prefix: bytes, text: bytes) -> bool:
    """Whether `text` begins with `prefix`.

    {{ hasPrefix "cat" "catch" }} -> true
    """
    return text.startswith(prefix)


def has_suffix(suffix: bytes, text: bytes) -> bool:
    """Whether `text` ends with `suffix`.

    {{ hasSuffix "ch" "catch" }} -> true
    """
    return text.endswith(suffix)


def quote(budget: Budget, *items: Any) -> bytes:
    """Every value in double quotes, with Go's escapes; nothing for nil.

    {{ quote "hello" 5 }} -> "hello" "5"
    """
    return _spaced(budget, (quoted(text_of(item)) for item in items if item is not None))


def squote(budget: Budget, *items: Any) -> bytes:
    """Every value in single quotes, without any escapes; nothing for nil.

    {{ squote "hello" 5 }} -> 'hello' '5'
    """
    return _spaced(budget, (b"'%b'" % text_of(item) for item in items if item is not None))


def cat(budget: Budget, *items: Any) -> bytes:
    """The values with a space between them; nothing for nil.

    {{ cat "hello" "beautiful" "world" }} -> hello beautiful world
    """
    return _spaced(budget, (text_of(item) for item in items if item is not None))


def indent(budget: Budget, spaces: int, text: bytes) -> bytes:
    """`text` with so many spaces before every line.

    {{ indent 4 "a: 1" | quote }} -> "    a: 1"
    """
    if spaces < 0:
        raise FunctionError("nothing is indented by a negative number of spaces")
    budget.grow(len(text) + spaces * (text.count(b"\n") + 1))
    padding = b" " * spaces
    return padding + text.replace(b"\n", b"\n" + padding)


def nindent(budget: Budget, spaces: int, text: bytes) -> bytes:
    """The same after an end of line.

    {{ nindent 2 "a" | quote }} -> "\\n  a"
    """
    return b"\n" + indent(budget, spaces, text)


def replace(budget: Budget, old: bytes, new: bytes, text: bytes) -> bytes:
    """`text` with `new` wherever it has `old`; an empty `old` is between all characters.

    {{ "I Am Henry" | replace " " "-" }} -> I-Am-Henry
    """
    if old:
        budget.grow(len(text) + text.count(old) * (len(new) - len(old)))
        return text.replace(old, new)
    budget.grow(len(text) + (count(text) + 1) * len(new))
    return _bytes(_str(text).replace("", _str(new)))


def plural(one: bytes, many: bytes, number: int) -> bytes:
    """`one` when the number is 1, `many` otherwise.

    {{ list "a" "b" | len | plural "one anchovy" "many anchovies" }} -> many anchovies
    """
    return one if number == 1 else many


def to_string(value: Any) -> bytes:
    """The text of a value, as it would print.

    {{ toString 1.5 | typeOf }} -> string
    """
    return text_of(value)


def hello() -> bytes:
    """A greeting.

    {{ hello }} -> Hello!
    """
    return b"Hello!"


def wrap(budget: Budget, width: int, text: bytes) -> bytes:
    """`text` in lines of `width` bytes, broken at spaces; longer words stay whole.

    {{ wrap 5 "a bc def" | quote }} -> "a bc\\ndef"
    """
    return _wrapped(budget, text, width, b"\n", breaks_words=False)


def wrap_with(budget: Budget, width: int, newline: bytes, text: bytes) -> bytes:
    """`text` in lines of `width` bytes with `newline` in between; longer words are broken.

    {{ wrapWith 5 "/" "a bcdefghi" }} -> a/bcdef/ghi
    """
    return _wrapped(budget, text, width, newline or b"\n", breaks_words=True)


def _str(text: bytes) -> str:
    """Character by character, for what gives parts of a text back: `_bytes` restores every byte."""
    return text.decode(errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _stripped(text: str, cutset: frozenset[str]) -> bytes:
    start, end = 0, len(text)
    while start < end and text[start] in cutset:
        start += 1
    while start < end and text[end - 1] in cutset:
        end -= 1
    return _bytes(text[start:end])


def _spaced(budget: Budget, pieces: Iterable[bytes]) -> bytes:
    kept = []
    for piece in pieces:
        budget.grow(len(piece))
        kept.append(piece)
    return b" ".join(kept)


def _abbreviated(text: bytes, left: int, width: int) -> bytes:
    if len(text) <= width:
        return text
    room = width - 3
    left = min(left, len(text))
    # With the lowest integers the difference overflows in Go, and they come out as a place at the end.
    if values.wrap(int, len(text) - left) < room:
        left = len(text) - room
    if left <= 4:
        return text[:room] + b"..."
    if width < 7:
        return b""
    if left + room < len(text):
        return b"..." + _abbreviated(text[left:], 0, room)
    return b"..." + text[-room:]


def _wrapped(budget: Budget, text: bytes, width: int, newline: bytes, *, breaks_words: bool) -> bytes:
    width = max(width, 1)
    lines = []
    start = 0
    while len(text) - start > width:
        budget.step()
        if text[start] == ord(" "):
            # Only as long as there is more than a line left.
            match = _BLANKS.match(text, start, len(text) - width)
            start = match.end() if match else start
            continue
        space = text.rfind(b" ", start, start + width + 1)
        if space < 0 and breaks_words:
            lines.append(text[start : start + width])
            start += width
            continue
        if space < 0:
            space = text.find(b" ", start + width)
        if space < 0:
            break
        lines.append(text[start:space])
        start = space + 1
    budget.grow(len(text) + len(lines) * len(newline))
    return newline.join([*lines, text[start:]])
