"""Secret values that must never be seen again: hands them out, and looks for them where they may not be.

Looks for each value as it is and in the encodings that carry values about: base64 at any alignment,
hexadecimal, percent-encoding, JSON and Python escapes. Knows nothing of what is tested.
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
import tempfile
import threading
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Every value handed out begins with it, so that a file without it in any encoding needs no closer look.
_MARK = "c4n4ry"

_Text = str | bytes


@dataclass(frozen=True)
class Leak:
    """A value found where it may not be. Tells its label, never the value."""

    label: str
    where: str

    def __str__(self) -> str:
        return f"{self.label!r} in {self.where}"


@dataclass
class Canary:
    """The values of one test session and the places to search for them."""

    _labels: dict[bytes, str] = field(default_factory=dict, repr=False)
    _texts: list[tuple[str, bytes]] = field(default_factory=list, repr=False)
    _watched: set[Path] = field(default_factory=set)
    _outputs: set[Path] = field(default_factory=set)

    def __call__(self, label: str) -> str:
        """A new secret text under a name for people: 31 letters, digits and dashes."""
        return self.register(f"{_MARK}-{secrets.token_hex(12)}", label)

    def bytes(self, label: str, size: int = 32) -> bytes:
        """A new secret of `size` random bytes behind a mark; it is no UTF-8."""
        value = _MARK.encode() + b"\x00\xff" + secrets.token_bytes(size)
        self._labels[value] = label
        return value

    def register(self, value: str, label: str) -> str:
        """Look for a value made elsewhere, too. It must be long enough not to be met by chance."""
        if len(value) < 8:
            raise ValueError(f"too short to be told from chance: {label}")
        self._labels[value.encode()] = label
        return value

    def watch(self, path: Path) -> None:
        """Search a file or folder at the end that is not below pytest's temporary folder."""
        self._watched.add(path.resolve())

    def seen(self, text: _Text, where: str) -> None:
        """Search a text that is in no file: what a command printed, an event, a metrics page."""
        self._texts.append((where, text.encode() if isinstance(text, str) else text))

    def output(self, path: Path) -> Path:
        """Declare a file or folder whose purpose is to hold values; it is not searched."""
        self._outputs.add(path.resolve())
        return path

    def leaks(self, *roots: Path) -> list[Leak]:
        """What is found below the given folders and in all that was registered, sorted."""
        if not self._labels:
            return []
        search = _Search(self._labels)
        found = {Leak(label, where) for where, text in self._texts for label in search.labels_in(text)}
        for path in self._files({*(root.resolve() for root in roots), *self._watched}):
            found.update(Leak(label, str(path)) for label in search.labels_in(_content(path)))
        return sorted(found, key=str)

    def _files(self, roots: Iterable[Path]) -> Iterator[Path]:
        for root in roots:
            if any(root == output or output in root.parents for output in self._outputs):
                continue
            if root.is_file() and not root.is_symlink():
                yield root
            elif root.is_dir() and not root.is_symlink():
                yield from self._files(root.iterdir())


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        # A server may tidy up while its folder is searched; what is gone leaks nothing.
        return b""


class _Search:
    """All forms of all values, prepared once."""

    def __init__(self, labels: dict[bytes, str]) -> None:
        mark = _MARK.encode()
        self._mark_forms = _forms(mark)
        self._marked = [(_forms(value), label) for value, label in labels.items() if value.startswith(mark)]
        self._others = [
            (_forms(value), label) for value, label in labels.items() if not value.startswith(mark)
        ]

    def labels_in(self, text: bytes) -> set[str]:
        candidates = list(self._others)
        if any(form in text for form in self._mark_forms):
            candidates += self._marked
        return {label for forms, label in candidates if any(form in text for form in forms)}


def _forms(value: bytes) -> frozenset[bytes]:
    percent = urllib.parse.quote(value, safe="")
    forms = {
        value,
        value.hex().encode(),
        value.hex().upper().encode(),
        percent.encode(),
        urllib.parse.quote_plus(value).encode(),
        urllib.parse.quote(value).encode(),
        repr(value)[2:-1].encode(),
        *_base64_forms(value),
    }
    try:
        text = value.decode()
    except UnicodeDecodeError:
        # Bytes taken for Latin-1 or mended to UTF-8 are how they reach a JSON document.
        text = value.decode("latin-1")
        forms.add(json.dumps(value.decode(errors="replace"))[1:-1].encode())
    forms |= {json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()}
    return frozenset(forms)


def _base64_forms(value: bytes) -> Iterator[bytes]:
    for before in range(3):
        # Only the characters that no neighbouring byte has a part in.
        first, end = -(-before * 8 // 6), (before + len(value)) * 8 // 6
        encoded = base64.b64encode(bytes(before) + value)[first:end]
        yield encoded
        yield encoded.translate(bytes.maketrans(b"+/", b"-_"))


class LogRecords(logging.Handler):
    """Keeps the text of every log record of this process in a file of its own, with all that hangs on it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the handler
        self._writing = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(self._writing, "now", False):
            return
        self._writing.now = True
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - a record with wrong arguments still has its attributes
            text = ""
        finally:
            self._writing.now = False
        self._file.write(f"{text} {vars(record)!r}\n".encode(errors="replace"))

    def text(self) -> bytes:
        """Everything kept so far."""
        self.acquire()
        try:
            self._file.seek(0)
            return self._file.read()
        finally:
            self.release()

    def close(self) -> None:
        self._file.close()
        super().close()
