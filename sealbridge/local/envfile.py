"""The env format: one `KEY="value"` an item, as a POSIX shell reads it. Knows no files.

Newlines stand as they are inside the quotes. Compose, systemd and the dotenv libraries read the same as
long as no dollar and no backquote has to be escaped: not all of them know that escape. So a value with
one of these is put in single quotes, unless it has a single quote or a backslash as well. What no
quotes help against: python-dotenv expands `${NAME}` in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sealbridge.errors import ManifestError
from sealbridge.secret import Value

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SPECIAL = re.compile(r'[\\"$`]')
_LITERAL = re.compile(r"[^'\\]*[$`][^'\\]*")
_LINE = re.compile(r"""([A-Za-z_][A-Za-z0-9_]*)=(?:"((?:[^\\"$`]|\\[\\"$`])*)"|'([^'\\]*)')\n""", re.ASCII)


def dump(items: Mapping[str, Value]) -> bytes:
    """The file for these items. Raises ManifestError that names an item that cannot stand in it."""
    lines: list[str] = []
    for key in sorted(items):
        if not _NAME.fullmatch(key):
            raise ManifestError(
                f'item "{key}" cannot be the name of an environment variable',
                hint="rename it to letters, digits and _, or write yaml or json",
            )
        try:
            text = items[key].reveal().decode()
        except UnicodeDecodeError:
            raise ManifestError(
                f'the value of item "{key}" is not UTF-8, which an env file cannot hold',
                hint="write yaml or json",
            ) from None
        if "\0" in text:
            raise ManifestError(
                f'the value of item "{key}" has a zero byte, which an env file cannot hold',
                hint="write yaml or json",
            )
        if _LITERAL.fullmatch(text):
            lines.append(f"{key}='{text}'\n")
        else:
            escaped = _SPECIAL.sub(r"\\\g<0>", text)
            lines.append(f'{key}="{escaped}"\n')
    return "".join(lines).encode()


def load(data: bytes) -> dict[str, Value]:
    """What `dump` made. Raises ManifestError for anything else."""
    items: dict[str, Value] = {}
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ManifestError("not an env file that sealbridge wrote") from None
    position = 0
    while position < len(text):
        line = _LINE.match(text, position)
        if line is None:
            raise ManifestError("not an env file that sealbridge wrote")
        value = line[3] if line[2] is None else re.sub(r"\\(.)", r"\1", line[2])
        items[line[1]] = Value(value.encode())
        position = line.end()
    return items
