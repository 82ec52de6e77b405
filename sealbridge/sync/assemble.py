"""What the stores gave into items: extract, convert, decode, merge. Pure; asks no store."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sealbridge.errors import SealbridgeError, StoreError, SyncError
from sealbridge.secret import Value
from sealbridge.stores.base import Items, Reference
from sealbridge.sync.convert import convert_keys, valid_keys
from sealbridge.sync.decode import decode
from sealbridge.sync.missing import is_missing
from sealbridge.sync.model import ExternalSecretSpec, NullBytePolicy, RemoteRef, StoreRef
from sealbridge.sync.plan import Entry, entries
from sealbridge.sync.rewrite import rewrite

# What one store answered: reference by reference, or one error when it could not be opened at all.
Answers = Mapping[Reference, Value | StoreError] | SealbridgeError

_LISTED = 10


def assemble(spec: ExternalSecretSpec, results: Mapping[StoreRef, Answers]) -> dict[str, Value]:
    """The items of the target before its template; later entries overwrite earlier ones.

    What is missing in its store is left out where the deletion policy lets it go.
    Raises SyncError that names every entry that failed and why, never a value.
    """
    items: dict[str, Value] = {}
    failures: list[tuple[Entry, SealbridgeError]] = []
    for entry in entries(spec):
        answers = results[entry.store]
        answer = answers if isinstance(answers, SealbridgeError) else answers[entry.reference]
        if answer is not answers and is_missing(spec, answer):
            continue
        if isinstance(answer, SealbridgeError):
            failures.append((entry, answer))
            continue
        try:
            items.update(_items(entry, answer))
        except ValueError as error:
            failures.append((entry, SealbridgeError(str(error))))
    if failures:
        raise _error(failures)
    return items


def _items(entry: Entry, value: Value) -> dict[str, Value]:
    remote = entry.remote
    if entry.secret_key is not None:
        return {entry.secret_key: _decoded(value.reveal(), remote)}
    extracted = _extracted(value)
    # Whoever rewrites keys has them as the store names them; what no Secret takes is an error then.
    renamed = (
        rewrite(entry.rewrite, extracted)
        if entry.rewrite
        else convert_keys(extracted, remote.conversion_strategy)
    )
    items: dict[str, Value] = {}
    for key, data in valid_keys(renamed).items():
        try:
            items[key] = _decoded(data, remote)
        except ValueError as error:
            raise ValueError(f"key {key!r}: {error}") from None
    return items


def _extracted(value: Value) -> dict[str, bytes]:
    """The entries of a JSON object: text as it is, null as nothing, all else as its JSON text."""
    if isinstance(value, Items):
        return {key: item.reveal() for key, item in value.items.items()}
    try:
        fields = msgspec.json.decode(value.reveal(), type=dict[str, msgspec.Raw])
        return {key: _plain(bytes(raw)) for key, raw in fields.items()}
    except msgspec.ValidationError:
        raise ValueError("the value is JSON but not an object, so it has no keys to extract") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ValueError("the value is not a JSON object, so it has no keys to extract") from None
    except RecursionError:
        raise ValueError("the value is JSON that is nested too deeply to extract its keys") from None


def _plain(raw: bytes) -> bytes:
    raw = raw.strip()
    if raw.startswith(b'"'):
        return msgspec.json.decode(raw, type=str).encode("utf-8", "surrogatepass")
    return b"" if raw == b"null" else raw


def _decoded(data: bytes, remote: RemoteRef) -> Value:
    data = decode(data, remote.decoding_strategy)
    if remote.null_byte_policy is NullBytePolicy.FAIL and b"\0" in data:
        raise ValueError("the value has a zero byte, which nullBytePolicy Fail forbids")
    return Value(data)


def _classed(failure: SealbridgeError) -> str:
    """What went wrong, with the class of a store's error for those who look for it by a script."""
    return f"{failure} ({type(failure).__name__})" if isinstance(failure, StoreError) else str(failure)


def _error(failures: list[tuple[Entry, SealbridgeError]]) -> SyncError:
    """All failures in one, entries that failed alike in one breath."""
    groups: dict[str, list[str]] = {}
    for entry, failure in failures:
        groups.setdefault(_classed(failure), []).append(str(entry))
    parts = [f"{', '.join(places)}: {reason}" for reason, places in list(groups.items())[:_LISTED]]
    if len(groups) > _LISTED:
        parts.append(f"and {len(groups) - _LISTED} other failures")
    hints = [failure.hint for _, failure in failures if failure.hint]
    return SyncError(
        "; ".join(parts),
        failures=tuple(failure for _, failure in failures),
        hint=hints[0] if hints else None,
    )
