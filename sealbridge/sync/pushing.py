"""A PushSecret and its sources into single pushes for one store. Pure; asks nobody and pushes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import msgspec

from sealbridge.errors import ManifestError, SealbridgeError, TemplateError
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Push, Target
from sealbridge.stores.names import matcher
from sealbridge.sync import template as templates
from sealbridge.sync.model import (
    CreationPolicy,
    ExternalSecret,
    ExternalSecretSpec,
    MergePolicy,
)
from sealbridge.sync.model import Target as SecretTarget
from sealbridge.sync.push_secret import (
    DataTo,
    KeyConversion,
    Match,
    PushData,
    PushRemoteRef,
    PushSecret,
    PushSecretSpec,
    PushStoreRef,
    provider_spec,
)
from sealbridge.sync.rewrite import rewrite
from sealbridge.sync.template import TemplateTexts

_ESCAPED = re.compile("_U([0-9a-fA-F]{4,5})_")
# What is true of a Secret that an ExternalSecret makes or Argo CD has applied, and of no copy of it.
_ARGO_CD = "argocd.argoproj.io/"
_OF_TARGETS = frozenset(
    {
        templates.MANAGED_LABEL,
        templates.CREATED_BY_LABEL,
        templates.DATA_HASH_ANNOTATION,
        templates.SEALBRIDGE_LABEL,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One push. `where` is its field below spec, `data` the same as a status keeps it."""

    where: str
    push: Push
    data: PushData


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An entry that cannot be pushed, and why; never a value. `target` where it is known."""

    where: str
    error: SealbridgeError
    target: Target | None = None


def target_of(data: PushData) -> Target:
    """Where an entry goes."""
    ref = data.match.remote_ref
    namespace = provider_spec(data.metadata).get("remoteNamespace")
    return Target(ref.remote_key, ref.property, namespace if isinstance(namespace, str) else "")


def record_of(data: PushData) -> dict[str, Any]:
    """An entry as a status keeps it."""
    match: dict[str, Any] = {"remoteRef": {"remoteKey": data.match.remote_ref.remote_key}}
    if data.match.remote_ref.property:
        match["remoteRef"]["property"] = data.match.remote_ref.property
    if data.match.secret_key:
        match["secretKey"] = data.match.secret_key
    record: dict[str, Any] = {"match": match, "conversionStrategy": data.conversion_strategy.value}
    if data.metadata is not None:
        record["metadata"] = data.metadata
    return record


def entries(
    spec: PushSecretSpec, sources: Sequence[Secret], chosen: Callable[[PushStoreRef], bool]
) -> tuple[list[Entry], list[Broken]]:
    """What one store gets, and what it cannot get. `chosen` tells whether a reference means that store.

    Entries of `data` go before what dataTo makes of the same keys. Two entries that go to one place are
    both broken.
    """
    made: list[Entry] = []
    broken: list[Broken] = []
    for number, data in enumerate(spec.data):
        _collect(_single(data, f"data[{number}]", sources), made, broken)
    keys = {one.match.secret_key for one in spec.data} - {""}
    places = {target_of(one) for one in spec.data}
    for number, entry in enumerate(spec.data_to):
        if entry.store_ref is not None and chosen(entry.store_ref):
            many = _many(entry, f"dataTo[{number}]", sources, keys)
            _collect((one for one in many if _place(one) not in places), made, broken)
    return _without_doubles(made, broken)


def rendered(wanted: PushSecret, source: Secret, texts: TemplateTexts = MappingProxyType({})) -> Secret:
    """The source with what spec.template makes of it; its own items stay.

    `texts` holds what `template_sources` of `as_external_secret` asks for. Raises TemplateError and
    ManifestError.
    """
    if wanted.spec.template is None:
        return source
    try:
        made = templates.build_target(as_external_secret(wanted), source.items, texts)
    except (TemplateError, ManifestError) as error:
        moved = type(error)(_moved(error.what), hint=error.hint)
        moved.where = _moved(error.where) if error.where else None
        raise moved from None
    return replace(
        source,
        items=made.items,
        type=made.type or source.type,
        labels={**source.labels, **_own(made.labels)},
        annotations={**source.annotations, **_own(made.annotations)},
    )


def bare(source: Secret) -> Secret:
    """The source without what tells whose it is: a store that takes labels along must not take these."""
    return replace(source, labels=_own(source.labels), annotations=_own(source.annotations))


def as_external_secret(wanted: PushSecret) -> ExternalSecret:
    """An ExternalSecret with the template of a PushSecret, for those who know templates of these only."""
    template = wanted.spec.template
    if template is not None:
        template = msgspec.structs.replace(template, merge_policy=MergePolicy.MERGE)
    target = SecretTarget(template=template, creation_policy=CreationPolicy.ORPHAN)
    return ExternalSecret(
        name=wanted.name,
        namespace=wanted.namespace,
        uid=wanted.uid,
        generation=0,
        labels={},
        annotations={},
        spec=ExternalSecretSpec(target=target),
    )


def _moved(text: str) -> str:
    return text.replace("spec.target.template", "spec.template")


def _own(metadata: Mapping[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in metadata.items()
        if key not in _OF_TARGETS and not key.startswith(_ARGO_CD)
    }


def _collect(found: Iterator[Entry | Broken], made: list[Entry], broken: list[Broken]) -> None:
    for one in found:
        if isinstance(one, Entry):
            made.append(one)
        else:
            broken.append(one)


def _single(data: PushData, where: str, sources: Sequence[Secret]) -> Iterator[Entry | Broken]:
    key, target = data.match.secret_key, target_of(data)
    try:
        read = [_converted(source, data.conversion_strategy) for source in sources]
    except ValueError as error:
        yield Broken(where=where, error=ManifestError(str(error)), target=target)
        return
    holders = [source for source in read if not key or key in source.items]
    if len(holders) != 1:
        names = ", ".join(f'"{one.name}"' for one in (holders or read))
        part = f'key "{key}"' if key else "a whole Secret"
        what = (
            f"the Secrets {names} all have {part}, and one can go there"
            if holders
            else f"the Secret {names} has no {part}"
        )
        yield Broken(where=where, error=ManifestError(what), target=target)
        return
    push = Push(target=target, source=holders[0], item=key, metadata=provider_spec(data.metadata))
    yield Entry(where=where, push=push, data=data)


def _many(
    entry: DataTo, where: str, sources: Sequence[Secret], explicit: set[str]
) -> Iterator[Entry | Broken]:
    try:
        items = _keys(entry, sources, explicit)
    except ValueError as error:
        yield Broken(where=where, error=ManifestError(str(error)))
        return
    metadata = provider_spec(entry.metadata)
    if entry.remote_key and items:
        data = _data(entry, "", entry.remote_key)
        values: dict[str, Value] = {key: source.items[name] for key, (source, name) in items.items()}
        bundle = replace(sources[0], items=values)
        push = Push(target=target_of(data), source=bundle, metadata=metadata)
        yield Entry(where=where, push=push, data=data)
        return
    for new, (source, name) in items.items():
        data = _data(entry, name, new)
        push = Push(target=target_of(data), source=source, item=name, metadata=metadata)
        yield Entry(where=f"{where} ({name})", push=push, data=data)


def _keys(entry: DataTo, sources: Sequence[Secret], explicit: set[str]) -> dict[str, tuple[Secret, str]]:
    """Each remote key with the source and the key it comes from. Raises ValueError."""
    fits = matcher(entry.match.regexp if entry.match is not None else "")
    items: dict[str, tuple[Secret, str]] = {}
    for source in (_converted(one, entry.conversion_strategy) for one in sources):
        # The keys go through rewrite as names, with themselves as values.
        keys = {
            key: key.encode("utf-8", "surrogatepass")
            for key in source.items
            if fits(key) and (entry.remote_key or key not in explicit)
        }
        for new, name in rewrite(entry.operations, keys).items():
            if not new:
                raise ValueError(f"rewrite leaves nothing of the key {name.decode()!r}")
            if new in items:
                raise ValueError(f'the Secrets "{items[new][0].name}" and "{source.name}" both have {new!r}')
            items[new] = (source, name.decode("utf-8", "surrogatepass"))
    return items


def _place(one: Entry | Broken) -> Target | None:
    return one.push.target if isinstance(one, Entry) else one.target


def _data(entry: DataTo, key: str, remote_key: str) -> PushData:
    return PushData(
        match=Match(secret_key=key, remote_ref=PushRemoteRef(remote_key=remote_key)),
        metadata=entry.metadata,
        conversion_strategy=entry.conversion_strategy,
    )


def _without_doubles(made: list[Entry], broken: list[Broken]) -> tuple[list[Entry], list[Broken]]:
    places: dict[Target, list[Entry]] = {}
    for entry in made:
        places.setdefault(entry.push.target, []).append(entry)
    doubles = [
        Broken(
            where=", ".join(entry.where for entry in same),
            error=ManifestError(f"they all go to {target}", hint="give each its own remote key"),
            target=target,
        )
        for target, same in places.items()
        if len(same) > 1
    ]
    return [entry for entry in made if len(places[entry.push.target]) == 1], broken + doubles


def _converted(source: Secret, conversion: KeyConversion) -> Secret:
    """The source with its keys as they are meant. Raises ValueError when two become one."""
    if conversion is KeyConversion.NONE:
        return source
    items: dict[str, Value] = {}
    for key, value in source.items.items():
        new = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), key)
        if new in items:
            raise ValueError(f"several keys become {new!r} under conversionStrategy {conversion.value}")
        items[new] = value
    return replace(source, items=items)
