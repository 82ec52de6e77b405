"""What to ask which store for: an ExternalSecret's spec into references. Knows no values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sealbridge.stores.base import Reference
from sealbridge.sync.model import Data, ExternalSecretSpec, MetadataPolicy, RemoteRef, SourceRef, StoreRef
from sealbridge.sync.rewrite import Rewrite


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of dataFrom or data, with where it gets its value. `secret_key` is None in dataFrom."""

    where: str
    store: StoreRef
    reference: Reference
    remote: RemoteRef
    secret_key: str | None
    rewrite: tuple[Rewrite, ...] = ()

    def __str__(self) -> str:
        return f"{self.where} (secretKey {self.secret_key})" if self.secret_key else self.where


def entries(spec: ExternalSecretSpec) -> Iterator[Entry]:
    """All entries in the order in which they are put together: dataFrom, then data."""
    for number, source in enumerate(spec.data_from):
        if source.extract is not None:
            yield _entry(
                spec, f"dataFrom[{number}]", source.extract, source.source_ref, rewrite=source.rewrite
            )
    for number, data in enumerate(spec.data):
        yield _entry(spec, f"data[{number}]", data.remote_ref, data.source_ref, data)


def plan(spec: ExternalSecretSpec) -> dict[StoreRef, tuple[Reference, ...]]:
    """The references that each store is asked for, every one once."""
    stores: dict[StoreRef, dict[Reference, None]] = {}
    for entry in entries(spec):
        stores.setdefault(entry.store, {})[entry.reference] = None
    return {store: tuple(references) for store, references in stores.items()}


def _entry(
    spec: ExternalSecretSpec,
    where: str,
    remote: RemoteRef,
    source: SourceRef | None,
    data: Data | None = None,
    rewrite: tuple[Rewrite, ...] = (),
) -> Entry:
    store = source.store_ref if source is not None and source.store_ref is not None else spec.secret_store_ref
    if store is None:
        raise ValueError(f"{where} names no store; parse() refuses that")
    reference = Reference(
        key=remote.key,
        version=remote.version,
        property=remote.property,
        metadata=remote.metadata_policy is MetadataPolicy.FETCH,
    )
    return Entry(where, store, reference, remote, data.secret_key if data is not None else None, rewrite)
