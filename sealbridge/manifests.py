"""Documents in and out: YAML or JSON, many to a file. Knows no kind but List.

Every document carries where it stood, so that every error can say so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, Literal, NamedTuple

from sealbridge import kubectl_yaml
from sealbridge.errors import ManifestError
from sealbridge.kubectl_yaml import MAX_DEPTH, YamlError

MAX_BYTES = 64 * 1024 * 1024

Format = Literal["yaml", "json"]
_BLANKS = " \t\r\n"
_LONGEST_INTEGER = 400
_BOM = b"\xef\xbb\xbf"


class Document(NamedTuple):
    """One object of a file. `number` counts the file's documents from 1, `item` those of a List.

    `list_kind` is what kind of List it is an item of.
    """

    file: str
    number: int
    line: int
    obj: dict[str, Any]
    item: int | None = None
    list_kind: str | None = None

    @property
    def where(self) -> str:
        """For messages: file, document, item of a List, line."""
        item = f", item {self.item}" if self.item is not None else ""
        return f"{self.file}: document {self.number}{item}, line {self.line}"


def read_file(path: str) -> list[Document]:
    """The documents of a file. Raises ManifestError, also for a file that cannot be read."""
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - pathlib takes longer to import than sealing
            return read_stream(stream, file=path)
    except OSError as error:
        raise ManifestError(
            f"cannot read it: {(error.strerror or 'unknown error').lower()}", where=path
        ) from None


def read_stream(stream: IO[bytes], *, file: str) -> list[Document]:
    """The documents of an open stream, which is not read beyond MAX_BYTES."""
    return read_documents(stream.read(MAX_BYTES + 1), file=file)


def read_documents(data: bytes, *, file: str) -> list[Document]:
    """The documents of a text, Lists unpacked and empty documents left out.

    `file` is for messages and, when it ends in .json, rules YAML out. Raises ManifestError.
    """
    if len(data) > MAX_BYTES:
        raise ManifestError(
            f"it is larger than {MAX_BYTES >> 20} MiB", where=file, hint="split it into several files"
        )
    data = data.removeprefix(_BOM)
    _check_encoding(data, file)
    found: list[Document] = []
    for document in _json_or_yaml(data, file):
        found.extend(_unpacked(document))
    return found


def dump_yaml(objects: Iterable[Mapping[str, Any]]) -> str:
    """Block style, sorted keys, every document after a `---`, as kubeseal writes it."""
    return "".join("---\n" + kubectl_yaml.dump(obj) for obj in objects)


def dump_json(objects: Iterable[Mapping[str, Any]]) -> str:
    """Two spaces of indentation, keys in the order given, one document after the other."""
    import json

    return "".join(json.dumps(obj, indent=2, ensure_ascii=False) + "\n" for obj in objects)


def dump(objects: Iterable[Mapping[str, Any]], format_: Format) -> str:
    """Either of the two."""
    return dump_json(objects) if format_ == "json" else dump_yaml(objects)


def _check_encoding(data: bytes, file: str) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        utf_16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        raise ManifestError(
            "it is UTF-16, not UTF-8" if utf_16 else "it is not UTF-8",
            where=f"{file}: line {line}",
            hint="save it as UTF-8; put a binary value under data, in base64",
        ) from None


class _Whole(NamedTuple):
    document: Document
    lines: Mapping[int, int]


def is_json(data: bytes, file: str) -> bool:
    """Whether a text that can be read is JSON to us."""
    if not _may_be_json(data, file):
        return False
    try:
        return bool(list(_from_json(data, file))) or file.endswith(".json")
    except ManifestError:
        return False


def _may_be_json(data: bytes, file: str) -> bool:
    return data.lstrip().startswith((b"{", b"[")) or file.endswith(".json")


def _json_or_yaml(data: bytes, file: str) -> Iterable[_Whole]:
    if not _may_be_json(data, file):
        return _from_yaml(data, file)
    try:
        return list(_from_json(data, file))
    except ManifestError as json_error:
        # A flow mapping of YAML begins with a brace too.
        if file.endswith(".json") or not isinstance(json_error, _NotJsonError):
            raise
        try:
            return list(_from_yaml(data, file))
        except ManifestError:
            if file.endswith((".yaml", ".yml")):
                raise
            raise json_error from None


def _from_yaml(data: bytes, file: str) -> Iterator[_Whole]:
    index = 0
    try:
        for index, parsed in enumerate(kubectl_yaml.documents(data), 1):
            if parsed.value is not None:
                document = Document(
                    file, index, parsed.line, _mapping(parsed.value, file, index, parsed.line)
                )
                yield _Whole(document, parsed.lines)
    except YamlError as error:
        raise ManifestError(
            error.what, where=f"{file}: document {index + 1}, line {error.line}", hint=error.hint
        ) from None


class _NotJsonError(ManifestError):
    """The syntax is not JSON's: it may be YAML."""


def _from_json(data: bytes, file: str) -> Iterator[_Whole]:
    from json import JSONDecodeError, JSONDecoder

    text = data.decode()
    decoder = JSONDecoder(
        object_pairs_hook=_object, parse_constant=_float, parse_int=_integer, parse_float=_float
    )
    at = index = 0
    line = 1
    while True:
        begin = at
        while begin < len(text) and text[begin] in _BLANKS:
            begin += 1
        line += text.count("\n", at, begin)
        if begin == len(text):
            return
        index += 1
        where = f"{file}: document {index}, line {line}"
        try:
            value, at = decoder.raw_decode(text, begin)
        except JSONDecodeError as error:
            raise _NotJsonError(
                f"not valid JSON: {error.msg.lower()}", where=f"{file}: document {index}, line {error.lineno}"
            ) from None
        except RecursionError:
            raise ManifestError(
                f"the document is nested more than {MAX_DEPTH} levels deep", where=where
            ) from None
        except _RefusedError as error:
            raise ManifestError(error.what, where=where, hint=error.hint) from None
        _check_depth(value, where)
        yield _Whole(Document(file, index, line, _mapping(value, file, index, line)), {})
        line += text.count("\n", begin, at)


class _RefusedError(ValueError):
    def __init__(self, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RefusedError(f"the key {key[:80]!r} is there twice", "keep one of them")
            seen.add(key)
    return found


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _RefusedError("infinity and NaN have no place in a manifest")
    return number


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        raise _RefusedError("a number has too many digits")
    return int(digits)


def _check_depth(value: Any, where: str) -> None:
    """Walks without recursion; refuses text that no UTF-8 can hold on the way."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH + 1:
            raise ManifestError(f"the document is nested more than {MAX_DEPTH} levels deep", where=where)
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below.extend(one)
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
            elif isinstance(one, str) and not one.isascii():
                try:
                    one.encode()
                except UnicodeEncodeError:
                    raise ManifestError(
                        "a string holds half of a surrogate pair",
                        where=where,
                        hint="put a binary value under data, in base64",
                    ) from None
        level = below


def _mapping(value: Any, file: str, index: int, line: int) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    what = "a list" if isinstance(value, list) else "a plain value"
    raise ManifestError(
        f"a manifest is a mapping, this document is {what}", where=f"{file}: document {index}, line {line}"
    )


def _unpacked(whole: _Whole) -> Iterator[Document]:
    """The document itself, or the items of a List (`List` of v1, or `SecretList` and its like)."""
    document, lines = whole
    kind, items = document.obj.get("kind"), document.obj.get("items")
    if (
        not isinstance(kind, str)
        or not kind.endswith("List")
        or not (isinstance(items, list) or kind == "List")
    ):
        yield document
        return
    inherited = {} if kind == "List" else {"apiVersion": document.obj.get("apiVersion"), "kind": kind[:-4]}
    if items is not None and not isinstance(items, list):
        raise ManifestError("items of a List must be a list", where=document.where)
    for number, item in enumerate(items or [], 1):
        line = lines.get(id(item), document.line)
        place = Document(document.file, document.number, line, {}, number, kind)
        if not isinstance(item, dict):
            raise ManifestError("an item of a List must be a mapping", where=place.where)
        inner = place._replace(obj={**inherited, **item})
        if inner.obj.get("kind") == "List":
            raise ManifestError("a List inside a List", where=place.where, hint="unpack it")
        yield inner
