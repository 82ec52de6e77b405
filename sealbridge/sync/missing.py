"""What a store no longer has, and whether its ExternalSecret lets it go. Pure; knows answers, no values."""

from __future__ import annotations

from collections.abc import Mapping

from sealbridge.errors import NotFound
from sealbridge.stores.base import Reference
from sealbridge.sync.model import DeletionPolicy, ExternalSecretSpec, StoreRef
from sealbridge.sync.plan import Entry, entries

_LISTED = 10


def is_missing(spec: ExternalSecretSpec, entry: Entry, answer: object) -> bool:
    """Whether this answer leaves its entry out instead of failing.

    Only the whole secret may be missing. One that is there without the property that is asked for is a
    mistake in the manifest or in the store under every policy.
    """
    if spec.target.deletion_policy is DeletionPolicy.RETAIN or not isinstance(answer, NotFound):
        return False
    return answer.missing != "property" and not (answer.missing == "collection" and entry.secret_key)


def missing_entries(spec: ExternalSecretSpec, results: Mapping[StoreRef, object]) -> tuple[Entry, ...]:
    """The entries that are left out; `results` is what `assemble` is given."""
    found = []
    for entry in entries(spec):
        answers = results.get(entry.source) if isinstance(entry.source, StoreRef) else None
        answer = answers.get(entry.question) if isinstance(answers, Mapping) else None
        if is_missing(spec, entry, answer):
            found.append(entry)
    return tuple(found)


def missing_text(missing: tuple[Entry, ...]) -> str:
    """Which entries have nothing in their store, in words."""
    named = [f"{entry}{_asked(entry)}" for entry in missing[:_LISTED]]
    more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
    return f"secret does not exist at provider using {', '.join(named)}{more}"


def _asked(entry: Entry) -> str:
    return f" (key {entry.question.key})" if isinstance(entry.question, Reference) else ""
