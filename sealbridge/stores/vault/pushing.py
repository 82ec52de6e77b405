"""Pushes and deletions in a KV engine. Knows whose a secret is: what others have made is left alone.

The mark is `managed-by: external-secrets`: in the custom metadata on version 2, and on version 1, which has
none, inside the secret. On version 2 every write holds only while nobody else has written meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealbridge.errors import Denied, Invalid, NotFound
from sealbridge.stores import documents
from sealbridge.stores.base import Push, Target
from sealbridge.stores.vault.answers import Changed
from sealbridge.stores.vault.engine import Engine

_MARK = "managed-by"
_MANAGER = "external-secrets"
_INSIDE = "custom_metadata"  # where version 1 has the mark
_TRIES = 5  # while others change the same secret


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """A secret as it is: `entries` is None where there is none, or its newest version is deleted."""

    entries: Mapping[str, Any] | None
    custom: Mapping[str, Any]
    version: int

    @property
    def ours(self) -> bool:
        return self.custom.get(_MARK) == _MANAGER


async def push(engine: Engine, push: Push, *, must_check: bool) -> bool:
    """As Store.push. Raises StoreError: Denied for a secret that is not ours."""
    if push.metadata:
        raise Invalid("the provider vault knows no metadata of a push", where="metadata.spec")
    if must_check and engine.version == "v1":
        raise Invalid(
            "a KV engine of version 1 has no check-and-set", where="spec.provider.vault.checkAndSet"
        )
    wanted = _wanted(push)
    path, metadata_path = _paths(engine, push.target.key)
    for _ in range(_TRIES):
        state = await _state(engine, path, metadata_path)
        if state.entries is not None and not state.ours:
            raise Denied(
                f"the secret at {path} was not made by a push, and is left alone",
                hint=f"to hand it over, set its custom metadata {_MARK} to {_MANAGER}",
            )
        there = _without_mark(engine, state.entries or {})
        entries = {**there, push.target.property: wanted} if push.target.property else wanted
        if state.entries is not None and _same(entries, there):
            return False
        try:
            await _put(engine, path, metadata_path, entries, state)
        except Changed as error:
            changed = error
            continue
        return True
    raise changed


async def delete(engine: Engine, target: Target) -> None:
    """As Store.delete; what is not ours stays, and so does what others have put beside it."""
    path, metadata_path = _paths(engine, target.key)
    for _ in range(_TRIES):
        state = await _state(engine, path, metadata_path)
        if state.entries is None or not state.ours:
            return
        there = _without_mark(engine, state.entries)
        rest = {key: value for key, value in there.items() if key != target.property}
        try:
            if target.property and rest:
                if len(rest) != len(there):
                    await _put(engine, path, metadata_path, rest, state)
                return
            if target.property and not there:
                return
            # On version 2 the metadata take all versions along.
            await engine.delete(metadata_path if engine.version == "v2" else path)
        except Changed as error:
            changed = error
            continue
        except NotFound:
            return
        return
    raise changed


async def exists(engine: Engine, target: Target) -> bool:
    """As Store.exists."""
    try:
        document = await engine.read(engine.data(target.key))
    except NotFound:
        return False
    return not target.property or target.property in _without_mark(engine, document.entries)


def _paths(engine: Engine, key: str) -> tuple[str, str]:
    path = engine.data(key)
    return path, engine.metadata_beside(path) if engine.version == "v2" else path


async def _state(engine: Engine, path: str, metadata_path: str) -> _State:
    if engine.version == "v1":
        try:
            entries = (await engine.read(path)).entries
        except NotFound:
            return _State(entries=None, custom={}, version=0)
        inside = entries.get(_INSIDE)
        return _State(entries=entries, custom=inside if isinstance(inside, dict) else {}, version=0)
    try:
        metadata = await engine.metadata(metadata_path)
    except NotFound:
        return _State(entries=None, custom={}, version=0)
    if metadata.deleted or not metadata.version:
        return _State(entries=None, custom=metadata.custom, version=metadata.version)
    try:
        document = await engine.read(path)
    except NotFound:
        return _State(entries=None, custom=metadata.custom, version=metadata.version)
    # Should somebody write in between, the version no longer fits, and we look again.
    return _State(entries=document.entries, custom=metadata.custom, version=metadata.version)


async def _put(
    engine: Engine, path: str, metadata_path: str, entries: Mapping[str, Any], state: _State
) -> None:
    if engine.version == "v1":
        await engine.write(path, {**entries, _INSIDE: {_MARK: _MANAGER}}, version=0)
        return
    # The mark first: a value without it, after a crash in between, would be a stranger's for ever.
    if not state.ours:
        await engine.write_custom(metadata_path, {**state.custom, _MARK: _MANAGER})
    try:
        await engine.write(path, entries, version=state.version)
    except Changed:
        if not state.ours:
            # Whoever was quicker shall not lose the secret to our mark.
            await engine.write_custom(metadata_path, state.custom)
        raise


def _wanted(push: Push) -> Any:
    """A text for a property, else the entries of the whole secret. Raises Invalid."""
    sent = [push.value()] if push.item else list(push.source.items.values())
    try:
        for value in sent:
            value.reveal().decode()
    except UnicodeDecodeError:
        raise Invalid(
            f'the Secret "{push.source.name}" holds bytes that are not UTF-8, which Vault cannot keep',
            hint="push them in base64, by a template",
        ) from None
    text = push.value().reveal()
    if push.target.property:
        return text.decode()
    try:
        entries = documents.parse(text)
    except ValueError:
        entries = None
    if not isinstance(entries, dict):
        raise Invalid(
            f'the item "{push.item}" of the Secret "{push.source.name}" is no JSON object',
            hint="set match.remoteRef.property to push it as one entry",
        )
    return entries


def _without_mark(engine: Engine, entries: Mapping[str, Any]) -> dict[str, Any]:
    """On version 1 the mark stands among the entries; it is no one's value."""
    if engine.version == "v2" or not _is_mark(entries.get(_INSIDE)):
        return dict(entries)
    return {key: value for key, value in entries.items() if key != _INSIDE}


def _is_mark(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_MARK) == _MANAGER


def _same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    try:
        return documents.dump(first) == documents.dump(second)
    except (ValueError, RecursionError):
        return False
