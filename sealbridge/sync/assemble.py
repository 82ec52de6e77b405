"""What the stores gave into items: extract, convert, decode, merge. Pure; asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from sealbridge.errors import NotFound, SealbridgeError, StoreError, SyncError
from sealbridge.secret import Value
from sealbridge.stores.base import Items, Search
from sealbridge.stores.documents import mended
from sealbridge.sync.convert import convert_keys, valid_keys
from sealbridge.sync.decode import decode
from sealbridge.sync.missing import is_missing
from sealbridge.sync.model import ExternalSecretSpec, NullBytePolicy, StoreRef
from sealbridge.sync.options import NONE, Options
from sealbridge.sync.plan import Entry, Question, entries
from sealbridge.sync.rewrite import Time, rewrite

# What a search found, by name, or what a generator made.
Found = Mapping[str, Value]
# What one store answered: question by question, or one error when it could not be opened at all.
Answers = Mapping[Question, Value | Found | StoreError] | SealbridgeError

_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """`items` of the target before its template. `matches`: how many secrets each search has found.

    `missing`: what optional entries there was nothing for, by their names, and why.
    """

    items: Mapping[str, Value]
    matches: Mapping[str, int]
    missing: Mapping[str, SealbridgeError]


# What an ExternalSecret has before anybody was asked.
NOTHING = Assembled(items={}, matches={}, missing={})


def assemble(
    spec: ExternalSecretSpec,
    results: Mapping[StoreRef, Answers],
    generated: Mapping[str, Found | SealbridgeError] | None = None,
    options: Options = NONE,
) -> Assembled:
    """What stores and generators gave, put together; later entries overwrite earlier ones.

    `generated` is by `Entry.where`. What is missing in its store is left out where the deletion policy lets
    it go. Raises SyncError that names every entry that failed and why, never a
    value.
    """
    items: dict[str, Value] = {}
    matches: dict[str, int] = {}
    missing: dict[str, SealbridgeError] = {}
    failures: list[tuple[Entry, SealbridgeError]] = []
    allowed = Time()
    for entry in entries(spec):
        answer, said = _answer(entry, results, generated or {})
        if said and isinstance(answer, NotFound) and entry.name in options.optional:
            missing[entry.name] = answer
            continue
        if said and is_missing(spec, entry, answer):
            continue
        if isinstance(answer, SealbridgeError):
            failures.append((entry, answer))
            continue
        if isinstance(entry.question, Search):
            matches[entry.where] = len(answer)
            if len(answer) < options.minimum_matches:
                failures.append((entry, _too_few(len(answer), options.minimum_matches)))
                continue
        try:
            items.update(_items(entry, answer, allowed))
        except ValueError as error:
            failures.append((entry, SealbridgeError(str(error))))
    if failures:
        raise _error(failures)
    return Assembled(items=items, matches=matches, missing=missing)


def _answer(
    entry: Entry, results: Mapping[StoreRef, Answers], generated: Mapping[str, Found | SealbridgeError]
) -> tuple[Value | Found | SealbridgeError, bool]:
    """The answer, and whether it speaks of this entry: a store that could not be opened has said nothing."""
    if not isinstance(entry.source, StoreRef) or entry.question is None:
        return generated[entry.where], True
    answers = results[entry.source]
    return (answers, False) if isinstance(answers, SealbridgeError) else (answers[entry.question], True)


def _too_few(count: int, minimum: int) -> SealbridgeError:
    found = "nothing" if not count else f"only {count}"
    return SealbridgeError(f"found {found}, and sealbridge.io/minimum-matches is {minimum}")


def _items(entry: Entry, answer: Value | Found, allowed: Time) -> dict[str, Value]:
    if entry.secret_key is not None and isinstance(answer, Value):
        return {entry.secret_key: _decoded(answer.reveal(), entry)}
    if isinstance(answer, Value):
        found = _extracted(answer)
    else:
        found = {key: value.reveal() for key, value in answer.items()}
    # Whoever rewrites keys has them as the store names them; what no Secret takes is an error then.
    if entry.rewrite:
        found = rewrite(entry.rewrite, found, allowed)
    elif entry.question is not None:
        found = convert_keys(found, entry.conversion)
    items: dict[str, Value] = {}
    for key, data in valid_keys(found).items():
        try:
            items[key] = _decoded(data, entry)
        except ValueError as error:
            raise ValueError(f"key {key!r}: {error}") from None
    return items


def _extracted(value: Value) -> dict[str, bytes]:
    """The entries of a JSON object: text as it is, null as nothing, all else as its JSON text."""
    if isinstance(value, Items):
        return {key: item.reveal() for key, item in value.items.items()}
    try:
        fields = msgspec.json.decode(mended(value.reveal()), type=dict[str, msgspec.Raw])
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


def _decoded(data: bytes, entry: Entry) -> Value:
    data = decode(data, entry.decoding)
    if entry.null_bytes is NullBytePolicy.FAIL and b"\0" in data:
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
