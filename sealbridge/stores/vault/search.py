"""Which secrets there are below a path, and which of them a search means. Knows no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sealbridge.errors import Invalid, NotFound
from sealbridge.secret import Value
from sealbridge.stores.base import Search
from sealbridge.stores.names import matcher
from sealbridge.stores.vault.engine import Engine

_MOST = 10_000  # secrets and folders of one search
_LARGEST = 64 * 1024 * 1024  # bytes of all that is found
_AT_ONCE = 8


async def find(engine: Engine, search: Search) -> Mapping[str, Value]:
    """The secrets that fit name, tags and path, by their names below the mount. Raises StoreError."""
    fits = matcher(search.name)
    if engine.version == "v1" and (search.tags or search.metadata):
        raise Invalid("a KV engine of version 1 has no metadata", hint="find by name and path")
    names = [name for name in await _names(engine, search.path) if fits(name)]
    found: dict[str, Value] = {}
    size = 0
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        values = await asyncio.gather(*(_value(engine, name, search) for name in some))
        for name, value in zip(some, values, strict=True):
            if value is not None:
                found[name] = value
                size += len(value)
        if size > _LARGEST:
            raise Invalid(
                f"what is found is larger than {_LARGEST // (1024 * 1024)} MiB",
                hint="narrow find.name, find.tags or find.path down",
            )
    return found


async def _names(engine: Engine, path: str) -> list[str]:
    """Every secret below a folder; folders of one depth are listed at once."""
    names: list[str] = []
    folders = ["/".join(filter(None, path.split("/")))]
    seen = 1
    while folders:
        listed: list[list[str]] = []
        for start in range(0, len(folders), _AT_ONCE):
            some = folders[start : start + _AT_ONCE]
            listed += await asyncio.gather(*map(engine.entries, some))
        below: list[str] = []
        for folder, entries in zip(folders, listed, strict=True):
            for entry in entries:
                name = f"{folder}/{entry}" if folder else entry
                if name.endswith("/"):
                    below.append(name.removesuffix("/"))
                else:
                    names.append(name)
            seen += len(entries)
        if seen > _MOST:
            raise Invalid(
                f"there are more than {_MOST} secrets to look through", hint="narrow find.path down"
            )
        folders = below
    return sorted(names)


async def _value(engine: Engine, name: str, search: Search) -> Value | None:
    """None where the tags do not fit, and where the secret is gone or deleted."""
    try:
        if search.tags or search.metadata:
            metadata = await engine.metadata(engine.metadata_beside(engine.listed(name)))
            custom = metadata.custom
            if any(custom.get(tag) != wanted for tag, wanted in search.tags):
                return None
            if metadata.deleted:
                return None
            if search.metadata:
                return Value(metadata.text())
        return Value((await engine.read(engine.listed(name))).text())
    except NotFound:
        return None
