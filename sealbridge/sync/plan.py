"""What to ask whom for: an ExternalSecret's spec into questions. Knows no values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sealbridge.stores.base import Reference, Search
from sealbridge.sync.model import (
    ConversionStrategy,
    DecodingStrategy,
    ExternalSecretSpec,
    Find,
    GeneratorRef,
    MetadataPolicy,
    NullBytePolicy,
    RemoteRef,
    SourceRef,
    StoreRef,
)
from sealbridge.sync.rewrite import Rewrite

# What a store can be asked.
Question = Reference | Search


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of dataFrom or data: whom it asks for what, and what becomes of the answer.

    `secret_key` is None in dataFrom; a generator is asked nothing.
    """

    where: str
    source: StoreRef | GeneratorRef
    question: Question | None
    secret_key: str | None = None
    rewrite: tuple[Rewrite, ...] = ()
    conversion: ConversionStrategy = ConversionStrategy.DEFAULT
    decoding: DecodingStrategy = DecodingStrategy.NONE
    null_bytes: NullBytePolicy = NullBytePolicy.IGNORE

    @property
    def name(self) -> str:
        """What annotations call it: its secretKey, or where it stands in dataFrom."""
        return self.secret_key or self.where

    def __str__(self) -> str:
        return f"{self.where} (secretKey {self.secret_key})" if self.secret_key else self.where


def entries(spec: ExternalSecretSpec) -> Iterator[Entry]:
    """All entries in the order in which they are put together: dataFrom, then data."""
    for number, source in enumerate(spec.data_from):
        where = f"dataFrom[{number}]"
        if source.source_ref is not None and source.source_ref.generator_ref is not None:
            yield Entry(where, source.source_ref.generator_ref, None, rewrite=source.rewrite)
            continue
        asked = source.extract or source.find
        if asked is None:
            raise ValueError(f"{where} has no source; parse() refuses that")
        yield _entry(spec, where, asked, source.source_ref, rewrite=source.rewrite)
    for number, data in enumerate(spec.data):
        yield _entry(spec, f"data[{number}]", data.remote_ref, data.source_ref, secret_key=data.secret_key)


def plan(spec: ExternalSecretSpec) -> dict[StoreRef, tuple[Question, ...]]:
    """What each store is asked for, every question once."""
    stores: dict[StoreRef, dict[Question, None]] = {}
    for entry in entries(spec):
        if isinstance(entry.source, StoreRef) and entry.question is not None:
            stores.setdefault(entry.source, {})[entry.question] = None
    return {store: tuple(questions) for store, questions in stores.items()}


def generators(spec: ExternalSecretSpec) -> dict[str, GeneratorRef]:
    """The generators by the entries that ask them; each entry gets values of its own."""
    return {e.where: e.source for e in entries(spec) if isinstance(e.source, GeneratorRef)}


def _entry(
    spec: ExternalSecretSpec,
    where: str,
    asked: RemoteRef | Find,
    source: SourceRef | None,
    *,
    secret_key: str | None = None,
    rewrite: tuple[Rewrite, ...] = (),
) -> Entry:
    store = source.store_ref if source is not None and source.store_ref is not None else spec.secret_store_ref
    if store is None:
        raise ValueError(f"{where} names no store; parse() refuses that")
    return Entry(
        where,
        store,
        _search(asked) if isinstance(asked, Find) else _reference(asked),
        secret_key,
        rewrite,
        asked.conversion_strategy,
        asked.decoding_strategy,
        asked.null_byte_policy,
    )


def _reference(remote: RemoteRef) -> Reference:
    return Reference(
        key=remote.key,
        version=remote.version,
        property=remote.property,
        metadata=remote.metadata_policy is MetadataPolicy.FETCH,
    )


def _search(find: Find) -> Search:
    return Search(
        name=find.name.regexp if find.name is not None else "",
        path=find.path,
        tags=tuple(sorted(find.tags.items())),
    )
