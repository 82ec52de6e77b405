"""The PushSecret of external-secrets.io/v1alpha1, typed. Knows the spec, pushes nothing.

Every field of the real API is named here; what is not there is refused with its path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

import msgspec

from sealbridge.errors import Invalid, ManifestError
from sealbridge.stores.config import without_nulls
from sealbridge.stores.names import matcher
from sealbridge.sync import generators
from sealbridge.sync.label_selector import LabelSelector
from sealbridge.sync.model import GeneratorRef, StoreKind, TargetTemplate
from sealbridge.sync.reading import converted, with_interval
from sealbridge.sync.rewrite import Regexp, Rewrite, Transform, problem_of
from sealbridge.sync.wire import Model

API_VERSION = "external-secrets.io/v1alpha1"
METADATA_KIND = "PushSecretMetadata"
METADATA_API_VERSION = f"kubernetes.{API_VERSION}"
DEFAULT_INTERVAL = timedelta(hours=1)


class UpdatePolicy(Enum):
    """Whether a remote secret that is there already is replaced."""

    REPLACE = "Replace"
    IF_NOT_EXISTS = "IfNotExists"

    @classmethod
    def _missing_(cls, value: object) -> UpdatePolicy | None:
        return cls.REPLACE if value == "" else None


class PushDeletionPolicy(Enum):
    """Whether remote secrets go when they are no longer listed, or the PushSecret or its source is gone."""

    NONE = "None"
    DELETE = "Delete"

    @classmethod
    def _missing_(cls, value: object) -> PushDeletionPolicy | None:
        return cls.NONE if value == "" else None


class KeyConversion(Enum):
    """How keys of the source are read: as they are, or with `_U0025_` as the character it stands for."""

    NONE = "None"
    REVERSE_UNICODE = "ReverseUnicode"

    @classmethod
    def _missing_(cls, value: object) -> KeyConversion | None:
        return cls.NONE if value == "" else None


class PushStoreRef(Model, frozen=True):
    """One store by its name, or all that have the labels."""

    name: str = ""
    label_selector: LabelSelector | None = None
    kind: StoreKind = StoreKind.SECRET_STORE


class SourceSecret(Model, frozen=True):
    """One Secret by its name, or all that have the labels; always of the PushSecret's own namespace."""

    name: str = ""
    selector: LabelSelector | None = None


class Selector(Model, frozen=True):
    """Where the values come from: Secrets, or a generator."""

    secret: SourceSecret | None = None
    generator_ref: GeneratorRef | None = None


class PushRemoteRef(Model, frozen=True):
    """Where a value goes in a store."""

    remote_key: str
    property: str = ""


class Match(Model, frozen=True):
    """Which key of the source goes where; without a key, the whole source as one JSON object."""

    remote_ref: PushRemoteRef
    secret_key: str = ""


class PushData(Model, frozen=True):
    """One value to push. What metadata holds is the provider's own."""

    match: Match
    metadata: dict[str, Any] | None = None
    conversion_strategy: KeyConversion = KeyConversion.NONE


class KeyMatch(Model, frozen=True):
    """Keys by a regular expression (RE2) that matches anywhere; all of them without one."""

    regexp: str = ""


class KeyRewrite(Model, frozen=True):
    """One change of keys: exactly one of regexp and transform."""

    regexp: Regexp | None = None
    transform: Transform | None = None


class DataTo(Model, frozen=True):
    """Many values to one store: each under its own key, or with remoteKey all as one JSON object."""

    store_ref: PushStoreRef | None = None
    remote_key: str = ""
    match: KeyMatch | None = None
    rewrite: tuple[KeyRewrite, ...] = ()
    metadata: dict[str, Any] | None = None
    conversion_strategy: KeyConversion = KeyConversion.NONE

    @property
    def operations(self) -> tuple[Rewrite, ...]:
        """The rewrites as `sync.rewrite` has them."""
        return tuple(Rewrite(regexp=one.regexp, transform=one.transform) for one in self.rewrite)


class PushSecretSpec(Model, frozen=True):
    """What is pushed, from where and to where."""

    secret_store_refs: tuple[PushStoreRef, ...]
    selector: Selector
    refresh_interval: timedelta = DEFAULT_INTERVAL
    update_policy: UpdatePolicy = UpdatePolicy.REPLACE
    deletion_policy: PushDeletionPolicy = PushDeletionPolicy.NONE
    data: tuple[PushData, ...] = ()
    data_to: tuple[DataTo, ...] = ()
    template: TargetTemplate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSecret:
    """A PushSecret object: its spec and who it is."""

    name: str
    namespace: str
    uid: str
    spec: PushSecretSpec


def parse(obj: Mapping[str, Any]) -> PushSecret:
    """Read a PushSecret. Raises ManifestError that names the field."""
    if obj.get("apiVersion") != API_VERSION:
        raise ManifestError(f"apiVersion must be {API_VERSION}", hint=f"write `apiVersion: {API_VERSION}`")
    metadata = obj.get("metadata") or {}
    if not metadata.get("name"):
        raise ManifestError("metadata.name is missing")
    if not isinstance(obj.get("spec"), Mapping):
        raise ManifestError("spec is missing" if obj.get("spec") is None else "spec must be a mapping")
    spec = converted(
        with_interval(obj["spec"], zero="pushes once and again after edits only"), PushSecretSpec, "spec"
    )
    _check(spec)
    return PushSecret(
        name=str(metadata["name"]),
        namespace=str(metadata.get("namespace") or ""),
        uid=str(metadata.get("uid") or ""),
        spec=spec,
    )


def read_data(value: object) -> PushData | None:
    """An entry as a status keeps it, or None when it is none."""
    try:
        return msgspec.convert(without_nulls(value), PushData)
    except (msgspec.ValidationError, RecursionError):
        return None


def provider_spec(metadata: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The spec within a PushSecretMetadata; empty without one."""
    spec = (metadata or {}).get("spec")
    return spec if isinstance(spec, Mapping) else {}


def _check(spec: PushSecretSpec) -> None:
    _check_selector(spec.selector)
    if not spec.secret_store_refs:
        raise ManifestError("spec.secretStoreRefs names no store", hint="give at least one")
    for number, ref in enumerate(spec.secret_store_refs):
        _check_store(ref, f"spec.secretStoreRefs[{number}]")
    if not spec.data and not spec.data_to:
        raise ManifestError("either spec.data or spec.dataTo must be given")
    for number, data in enumerate(spec.data):
        where = f"spec.data[{number}]"
        if not data.match.remote_ref.remote_key:
            raise ManifestError(f"{where}.match.remoteRef.remoteKey is missing")
        _check_metadata(data.metadata, where)
    for where, reason in _twice(spec):
        raise ManifestError(f"{where} {reason}", hint="give each its own remote key or property")
    for number, entry in enumerate(spec.data_to):
        _check_data_to(spec, entry, f"spec.dataTo[{number}]")
    _check_template(spec.template)


def _check_selector(selector: Selector) -> None:
    secret, generator = selector.secret, selector.generator_ref
    if (secret is None) == (generator is None):
        raise ManifestError("spec.selector must have exactly one of secret and generatorRef")
    if secret is not None:
        if bool(secret.name) == (secret.selector is not None):
            raise ManifestError("spec.selector.secret must have exactly one of name and selector")
        _check_labels(secret.selector, "spec.selector.secret.selector")
    if generator is not None:
        where = "spec.selector.generatorRef"
        if not generator.name:
            raise ManifestError(f"{where}.name is missing")
        if generator.api_version != generators.API_VERSION:
            raise ManifestError(f"{where}.apiVersion must be {generators.API_VERSION}")
        if generator.kind not in generators.KINDS:
            raise ManifestError(
                f"{where}.kind {generator.kind} is not supported yet",
                hint=f"supported today: {', '.join(generators.KINDS)}",
            )


def _check_store(ref: PushStoreRef, where: str) -> None:
    if bool(ref.name) == (ref.label_selector is not None):
        raise ManifestError(f"{where} must have exactly one of name and labelSelector")
    _check_labels(ref.label_selector, f"{where}.labelSelector")


def _check_labels(selector: LabelSelector | None, where: str) -> None:
    if selector is not None and (reason := selector.problem()):
        raise ManifestError(f"{where}.{reason}")


def _check_metadata(metadata: Mapping[str, Any] | None, where: str) -> None:
    if metadata is None:
        return
    place = f"{where}.metadata"
    for field in metadata:
        if field not in ("apiVersion", "kind", "spec"):
            raise ManifestError(
                f"{place}.{field}: there is no such field",
                hint=f"what is the provider's own stands in {place}.spec of a {METADATA_KIND}",
            )
    if metadata.get("apiVersion") != METADATA_API_VERSION:
        raise ManifestError(
            f"{place}.apiVersion must be {METADATA_API_VERSION}", hint="it is the same for every provider"
        )
    if metadata.get("kind") != METADATA_KIND:
        raise ManifestError(f"{place}.kind must be {METADATA_KIND}")
    if not isinstance(metadata.get("spec", {}), Mapping):
        raise ManifestError(f"{place}.spec must be a mapping")


def _twice(spec: PushSecretSpec) -> Iterator[tuple[str, str]]:
    seen: dict[tuple[PushRemoteRef, str], int] = {}
    for number, data in enumerate(spec.data):
        # In a namespace of its own, the same remote key is another secret.
        place = str(provider_spec(data.metadata).get("remoteNamespace") or "")
        first = seen.setdefault((data.match.remote_ref, place), number)
        if first != number:
            yield f"spec.data[{number}].match.remoteRef", f"is that of spec.data[{first}] too"


def _check_data_to(spec: PushSecretSpec, entry: DataTo, where: str) -> None:
    if entry.store_ref is None:
        raise ManifestError(f"{where}.storeRef is missing")
    _check_store(entry.store_ref, f"{where}.storeRef")
    named = {(ref.kind, ref.name) for ref in spec.secret_store_refs if ref.name}
    selects = any(
        ref.label_selector is not None and ref.kind is entry.store_ref.kind for ref in spec.secret_store_refs
    )
    if entry.store_ref.name and (entry.store_ref.kind, entry.store_ref.name) not in named and not selects:
        raise ManifestError(
            f"{where}.storeRef: {entry.store_ref.kind.value} {entry.store_ref.name} is not among"
            " spec.secretStoreRefs",
            hint="name it there as well",
        )
    if entry.match is not None:
        try:
            matcher(entry.match.regexp)
        except Invalid as error:
            raise ManifestError(f"{where}.match.regexp: {error.what}") from None
    if entry.remote_key and entry.rewrite:
        raise ManifestError(
            f"{where} has both remoteKey and rewrite", hint="with remoteKey, keys stay as they are"
        )
    for place, operation in enumerate(entry.operations):
        if reason := problem_of(operation):
            what = reason.replace("regexp, transform and merge", "regexp and transform")
            raise ManifestError(f"{where}.rewrite[{place}]: {what}")
    _check_metadata(entry.metadata, where)


def _check_template(template: TargetTemplate | None) -> None:
    if template is None:
        return
    if template.engine_version != "v2":
        raise ManifestError("spec.template.engineVersion must be v2, the only one there is")
    for number, source in enumerate(template.template_from):
        for field, ref in (("configMap", source.config_map), ("secret", source.secret)):
            if ref is not None and not ref.name:
                raise ManifestError(f"spec.template.templateFrom[{number}].{field}.name is missing")
