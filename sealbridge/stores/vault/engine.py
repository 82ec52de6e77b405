"""One KV engine of version 1 or 2: secrets, metadata, lists. Knows its documents, not who is logged in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sealbridge.errors import Invalid, NotFound
from sealbridge.stores import documents
from sealbridge.stores.vault import paths
from sealbridge.stores.vault.api import Request
from sealbridge.stores.vault.config import WHERE, VaultConfig

_STANDARD_METADATA = ("created_time", "current_version", "delete_version_after")


class Caller(Protocol):
    """Sends requests as whoever is logged in."""

    async def document(self, request: Request) -> Mapping[str, Any]:
        """The `data` of the answer. Raises StoreError."""

    async def content(self, request: Request) -> Mapping[str, Any]:
        """All of the answer. Raises StoreError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a secret holds. `version` is 0 where the engine keeps none."""

    path: str
    entries: Mapping[str, Any] = field(repr=False)
    version: int = 0

    def text(self) -> bytes:
        """All entries as JSON. Raises Invalid."""
        return _text(self.entries, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What version 2 knows of a secret besides its value."""

    path: str
    standard: Mapping[str, Any]
    custom: Mapping[str, Any]
    version: int  # the newest one, 0 without any
    deleted: bool  # whether that one is

    def text(self) -> bytes:
        """What metadataPolicy Fetch shows, as JSON. Raises Invalid."""
        return _text({**self.standard, **self.custom}, self.path)


class Engine:
    """The secrets of one mount, or of every mount that keys begin with."""

    def __init__(self, caller: Caller, config: VaultConfig) -> None:
        self._caller = caller
        self._mount = config.path
        self._namespace = config.namespace
        self.version = config.version

    def data(self, key: str) -> str:
        """The API path of the value of a key as manifests write it. Raises Invalid."""
        return paths.data_path(key, mount=self._mount, version=self.version)

    def metadata_of(self, key: str) -> str:
        """The API path of a key's metadata. Raises Invalid."""
        return paths.metadata_path(key, mount=self._mount)

    def metadata_beside(self, path: str) -> str:
        """The API path of the metadata of what `data` has given."""
        return paths.beside(path, mount=self._mount)

    def listed(self, name: str) -> str:
        """The API path of the value of a name that `entries` has given."""
        return paths.exact_path(name, mount=self._mount, version=self.version)

    async def read(self, path: str, *, version: str = "") -> Document:
        """The value at an API path. Raises StoreError."""
        if self.version == "v1":
            if version:
                raise Invalid(
                    "a KV engine of version 1 keeps no versions", hint="leave remoteRef.version out"
                )
            return Document(path=path, entries=await self._document(path))
        if version and not (version.isascii() and version.isdigit()):
            raise Invalid(f"version {version!r} is not a number")
        answer = await self._document(path, parameters={"version": version} if version else None)
        data = answer.get("data")
        if data is None:
            raise NotFound(f"there is no secret at {path}")
        if not isinstance(data, dict):
            raise Invalid(
                f"{path} is not a path of a KV engine of version 2",
                hint=f"set {WHERE}.version to v1 if the engine is of version 1",
            )
        about = answer.get("metadata")
        return Document(
            path=path,
            entries=data,
            version=_number(about.get("version") if isinstance(about, dict) else None),
        )

    async def metadata(self, path: str) -> Metadata:
        """The metadata at an API path. Raises StoreError."""
        if self.version == "v1":
            raise Invalid("a KV engine of version 1 has no metadata", hint="leave metadataPolicy out")
        answer = await self._document(path)
        custom, versions = answer.get("custom_metadata"), answer.get("versions")
        newest = _number(answer.get("current_version"))
        about = versions.get(str(newest)) if isinstance(versions, dict) else None
        about = about if isinstance(about, dict) else {}
        return Metadata(
            path=path,
            standard={name: answer[name] for name in _STANDARD_METADATA if name in answer},
            custom=custom if isinstance(custom, dict) else {},
            version=newest,
            deleted=bool(about.get("deletion_time")) or about.get("destroyed") is True,
        )

    async def entries(self, folder: str) -> list[str]:
        """The names in a folder; those of folders end with a slash. Raises StoreError."""
        path = paths.folder_path(folder, mount=self._mount, version=self.version)
        try:
            answer = await self._document(path, what="list", parameters={"list": "true"})
        except NotFound:
            return []
        keys = answer.get("keys")
        return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []

    async def write(self, path: str, entries: Mapping[str, Any], *, version: int) -> None:
        """Make the secret hold this; on version 2 only while `version` is the newest, 0 for none.

        Raises StoreError, Changed among them."""
        body: Mapping[str, Any] = entries
        if self.version == "v2":
            body = {"data": entries, "options": {"cas": version}}
        await self._write(path, body)

    async def write_custom(self, path: str, custom: Mapping[str, Any]) -> None:
        """Make this all custom metadata of a secret; others stay as they are. Raises StoreError."""
        await self._write(path, {"custom_metadata": custom})

    async def delete(self, path: str) -> None:
        """Delete what is at an API path. Raises StoreError."""
        await self._caller.content(
            Request(method="delete", path=path, what="delete", namespace=self._namespace)
        )

    async def _write(self, path: str, body: Mapping[str, Any]) -> None:
        await self._caller.content(
            Request(method="post", path=path, what="write", namespace=self._namespace, body=body)
        )

    async def _document(
        self, path: str, *, what: str = "read", parameters: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        return await self._caller.document(
            Request(path=path, what=what, namespace=self._namespace, parameters=parameters)
        )


def _number(value: Any) -> int:
    """A number as `documents.parse` keeps it."""
    try:
        return int(documents.dump(value))
    except ValueError:
        return 0


def _text(data: Mapping[str, Any], path: str) -> bytes:
    try:
        return documents.dump(data)
    except ValueError:
        raise Invalid(f"the secret at {path} holds text that is not Unicode") from None
    except RecursionError:
        raise Invalid(f"the secret at {path} is nested too deeply") from None
