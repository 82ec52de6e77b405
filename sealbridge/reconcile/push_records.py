"""What a PushSecret's status says of its pushes: which entry is where. Knows no store and no value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sealbridge.reconcile.kinds import Object, ObjectKey
from sealbridge.reconcile.store_access import STORE_KINDS, store_key
from sealbridge.secret import Secret
from sealbridge.stores.base import Target
from sealbridge.sync.push_secret import PushData, read_data
from sealbridge.sync.pushing import record_of, target_of

# By store, by target.
Records = dict[ObjectKey, dict[Target, PushData]]


def read_records(obj: Object) -> Records:
    """The pushes that `status.syncedPushSecrets` names; what cannot be read names none."""
    namespace = obj["metadata"].get("namespace") or ""
    found: Records = {}
    for name, entries in _mapping(_mapping(obj.get("status")).get("syncedPushSecrets")).items():
        kind, _, store = str(name).partition("/")
        if kind not in STORE_KINDS or not store:
            continue
        data = [read_data(entry) for entry in _mapping(entries).values()]
        found[store_key(kind, store, namespace)] = {target_of(one): one for one in data if one is not None}
    return found


def write_records(records: Records) -> dict[str, dict[str, Any]]:
    """The same for a status, in a stable order; stores without an entry are left out."""
    return {
        f"{store.kind}/{store.name}": {
            _name(target): record_of(records[store][target]) for target in sorted(records[store], key=str)
        }
        for store in sorted(records)
        if records[store]
    }


def copy_of(records: Records) -> Records:
    """Another one that may be changed."""
    return {store: dict(entries) for store, entries in records.items()}


def versions_of(sources: Sequence[Secret]) -> list[dict[str, str]]:
    """Which Secrets were read, in which version."""
    return [
        {
            "name": source.name,
            "uid": str(source.metadata.get("uid") or ""),
            "resourceVersion": str(source.metadata.get("resourceVersion") or ""),
        }
        for source in sorted(sources, key=lambda source: source.name)
    ]


def places(records: Records) -> Iterator[tuple[ObjectKey, Target]]:
    """Every store with every target."""
    return ((store, target) for store, entries in records.items() for target in entries)


def _name(target: Target) -> str:
    """As upstream: `remoteKey/property`; before it, a namespace of its own."""
    name = f"{target.key}/{target.property}" if target.property else target.key
    return f"{target.namespace}:{name}" if target.namespace else name


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
