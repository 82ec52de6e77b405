"""The plain Secret. Knows its items and metadata; its repr, logs and pickles never show a value."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from sealbridge.errors import ManifestError

_MAX_LABEL, _MAX_SUBDOMAIN, _SHOWN_LENGTH = 63, 253, 80
_LABEL = re.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(rf"{_LABEL.pattern}(\.{_LABEL.pattern})*")
_ITEM_KEY = re.compile("[-._a-zA-Z0-9]+")


class Value:
    """Secret bytes. `reveal()` is the only way to them; comparing takes constant time."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = bytes(data)

    def reveal(self) -> bytes:
        """The bytes themselves. Call it where they are used, not where they are passed on."""
        return self._data

    def __repr__(self) -> str:
        return "<redacted>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format("<redacted>", spec)

    def __len__(self) -> int:
        return len(self._data)

    def __bool__(self) -> bool:
        return bool(self._data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and hmac.compare_digest(self._data, other._data)

    def __hash__(self) -> int:
        return hash(self._data)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret value is not pickled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A Kubernetes Secret, or what is about to become one.

    `items` maps item keys to values (data and stringData in one; stringData wins, as the API
    server does). `metadata` holds what else stood in metadata and is carried along.
    """

    name: str
    namespace: str = ""
    items: Mapping[str, Value] = field(default_factory=dict)
    type: str = ""
    immutable: bool | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    # Not shown either: kubectl keeps a copy of the values in its last-applied annotation.
    annotations: Mapping[str, str] = field(default_factory=dict, repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_manifest(cls, document: Mapping[str, Any]) -> Secret:
        """Read a Secret object. Raises ManifestError that names the field, never a value."""
        metadata = _mapping(document.get("metadata"), "metadata")
        items: dict[str, Value] = {}
        for key, encoded in _mapping(document.get("data"), "data").items():
            name = _key(key, "data")
            items[name] = Value(_decoded(encoded, f"data.{name}"))
        for key, text in _mapping(document.get("stringData"), "stringData").items():
            name = _key(key, "stringData")
            if not isinstance(text, str):
                raise ManifestError(
                    f"stringData.{name} must be a string, it is {kind_of(text)}",
                    hint="put quotes around it",
                )
            items[name] = Value(text.encode("utf-8", "surrogatepass"))
        immutable = document.get("immutable")
        if immutable is not None and not isinstance(immutable, bool):
            raise ManifestError(f"immutable must be true or false, it is {kind_of(immutable)}")
        type_ = document.get("type")
        if type_ is not None and not isinstance(type_, str):
            raise ManifestError(f"type must be a string, it is {kind_of(type_)}")
        for field_ in ("name", "namespace"):
            if metadata.get(field_) is not None and not isinstance(metadata[field_], str):
                raise ManifestError(f"metadata.{field_} must be a string, it is {kind_of(metadata[field_])}")
        return cls(
            name=metadata.get("name") or "",
            namespace=metadata.get("namespace") or "",
            items=items,
            type=type_ or "",
            immutable=immutable,
            labels=_strings(metadata.get("labels"), "metadata.labels"),
            annotations=_strings(metadata.get("annotations"), "metadata.annotations"),
            metadata={
                k: v for k, v in metadata.items() if k not in {"name", "namespace", "labels", "annotations"}
            },
        )

    def renamed(self, name: str, namespace: str) -> Secret:
        """The same Secret under another name and namespace."""
        return replace(self, name=name, namespace=namespace)

    def to_manifest(self) -> dict[str, Any]:
        """The v1 Secret object, values in base64 under `data`, keys in a stable order."""
        metadata: dict[str, Any] = dict(self.metadata)
        if self.name:
            metadata["name"] = self.name
        if self.namespace:
            metadata["namespace"] = self.namespace
        if self.labels:
            metadata["labels"] = dict(sorted(self.labels.items()))
        if self.annotations:
            metadata["annotations"] = dict(sorted(self.annotations.items()))
        document: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "data": {k: base64.b64encode(v.reveal()).decode() for k, v in sorted(self.items.items())},
        }
        if self.type:
            document["type"] = self.type
        if self.immutable is not None:
            document["immutable"] = self.immutable
        return document


def check_name(name: str, where: str) -> None:
    """Refuse what is not an RFC 1123 subdomain, as names of objects are."""
    if not name:
        raise ManifestError(f"{where} is missing", hint="a Secret needs a name")
    if len(name) > _MAX_SUBDOMAIN or not _SUBDOMAIN.fullmatch(name):
        raise ManifestError(
            f"{where} is not a name that Kubernetes takes: {_shown(name)}",
            hint=f"at most {_MAX_SUBDOMAIN} lower-case letters, digits, '-' and '.', "
            "a letter or digit at both ends of every part",
        )


def check_namespace(namespace: str, where: str) -> None:
    """Refuse what is not an RFC 1123 label, as namespaces are."""
    if len(namespace) > _MAX_LABEL or not _LABEL.fullmatch(namespace):
        raise ManifestError(
            f"{where} is not a namespace that Kubernetes takes: {_shown(namespace)}",
            hint=f"at most {_MAX_LABEL} lower-case letters, digits and '-', a letter or digit at both ends",
        )


def check_item_key(key: str) -> None:
    """Refuse an item key that no Secret may have."""
    if len(key) > _MAX_SUBDOMAIN or not _ITEM_KEY.fullmatch(key) or key in {".", ".."}:
        raise ManifestError(
            f"{_shown(key)} is not an item key that Kubernetes takes",
            hint=f"at most {_MAX_SUBDOMAIN} letters, digits, '-', '_' and '.'",
        )


def decode_base64(text: str) -> bytes:
    """Standard base64 with its padding, line breaks anywhere, as Go decodes it. Raises ValueError."""
    plain = text.replace("\r", "").replace("\n", "")
    # Python's own strict mode takes more padding than there is room for.
    if len(plain) % 4 or plain.endswith("==="):
        raise ValueError("wrong padding")
    return binascii.a2b_base64(plain, strict_mode=True)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "...")


def kind_of(value: object) -> str:
    """What a person calls the type of a value from a manifest."""
    if value is None:
        return "null"
    names = {dict: "a mapping", list: "a list", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "a string")


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ManifestError(f"{where} must be a mapping, it is {kind_of(value)}")
    return value


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise ManifestError(f"a key of {where} must be a string, it is {kind_of(key)}")
    return key


def _strings(value: object, where: str) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    for key, text in _mapping(value, where).items():
        name = _key(key, where)
        if not isinstance(text, str):
            raise ManifestError(
                f"{where}.{name} must be a string, it is {kind_of(text)}", hint="put quotes around it"
            )
        texts[name] = text
    return texts


def _decoded(encoded: object, where: str) -> bytes:
    if encoded is None:
        return b""
    if isinstance(encoded, bytes):
        return encoded
    if not isinstance(encoded, str):
        raise ManifestError(f"{where} must be base64 text, it is {kind_of(encoded)}")
    try:
        return decode_base64(encoded)
    except ValueError:
        raise ManifestError(
            f"{where} is not base64", hint="encode the value with base64, or put it under stringData"
        ) from None
