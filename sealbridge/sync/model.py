"""The ExternalSecret of external-secrets.io v1 and v1beta1, typed. Knows the spec, fetches nothing.

Every field of the real API is named here. One that changes the outcome and does not exist here yet
is refused with its path; nothing is ignored in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, TypeVar

import msgspec

from sealbridge.errors import Invalid, ManifestError
from sealbridge.secret import check_name
from sealbridge.stores.config import problem, without_nulls
from sealbridge.stores.names import matcher
from sealbridge.sync import generators, options
from sealbridge.sync.durations import parse_duration
from sealbridge.sync.options import Options, read_options
from sealbridge.sync.rewrite import Rewrite, problem_of
from sealbridge.sync.windows import SyncWindows
from sealbridge.sync.wire import Model

API_VERSIONS = ("external-secrets.io/v1", "external-secrets.io/v1beta1")
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_DEFAULT_INTERVAL = timedelta(hours=1)
_SUPPORTED = (
    "supported today: data[] and dataFrom[] of stores and generators, every creationPolicy and"
    " deletionPolicy, template type, metadata and data"
)
_T = TypeVar("_T")


class StoreKind(Enum):
    """The two kinds of store."""

    SECRET_STORE = "SecretStore"  # noqa: S105 - a kind, no credential
    CLUSTER_SECRET_STORE = "ClusterSecretStore"  # noqa: S105


class RefreshPolicy(Enum):
    """When the stores are asked again."""

    PERIODIC = "Periodic"
    CREATED_ONCE = "CreatedOnce"
    ON_CHANGE = "OnChange"


class CreationPolicy(Enum):
    """What the target is to the ExternalSecret."""

    OWNER = "Owner"
    ORPHAN = "Orphan"
    MERGE = "Merge"
    CREATE_OR_MERGE = "CreateOrMerge"
    NONE = "None"


class DeletionPolicy(Enum):
    """What becomes of the target when the store has nothing any more."""

    RETAIN = "Retain"
    DELETE = "Delete"
    MERGE = "Merge"


class DecodingStrategy(Enum):
    """How a value is decoded."""

    NONE = "None"
    BASE64 = "Base64"
    BASE64_URL = "Base64URL"
    AUTO = "Auto"

    @classmethod
    def _missing_(cls, value: object) -> DecodingStrategy | None:
        return cls.NONE if value == "" else None


class ConversionStrategy(Enum):
    """How a key becomes one that a Secret can hold."""

    DEFAULT = "Default"
    UNICODE = "Unicode"

    @classmethod
    def _missing_(cls, value: object) -> ConversionStrategy | None:
        return cls.DEFAULT if value == "" else None


class MetadataPolicy(Enum):
    """Whether the value or the metadata of a remote secret is read."""

    NONE = "None"
    FETCH = "Fetch"


class NullBytePolicy(Enum):
    """Whether a value may hold a zero byte."""

    IGNORE = "Ignore"
    FAIL = "Fail"


class MergePolicy(Enum):
    """Whether template.data replaces what the stores gave or adds to it."""

    REPLACE = "Replace"
    MERGE = "Merge"


class StoreRef(Model, frozen=True):
    """Which store."""

    name: str = ""
    kind: StoreKind = StoreKind.SECRET_STORE

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}"


class RemoteRef(Model, frozen=True):
    """Where a value stands in a store and how it is decoded."""

    key: str
    version: str = ""
    property: str = ""
    metadata_policy: MetadataPolicy = MetadataPolicy.NONE
    conversion_strategy: ConversionStrategy = ConversionStrategy.DEFAULT
    decoding_strategy: DecodingStrategy = DecodingStrategy.NONE
    null_byte_policy: NullBytePolicy = NullBytePolicy.IGNORE


class GeneratorRef(Model, frozen=True):
    """Which generator: one of this namespace, or a ClusterGenerator."""

    kind: str
    name: str
    api_version: str = generators.API_VERSION

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class FindName(Model, frozen=True):
    """Names by a regular expression (RE2) that matches anywhere."""

    regexp: str = ""


class Find(Model, frozen=True):
    """Many secrets of a store, by name, path and tags."""

    name: FindName | None = None
    path: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    conversion_strategy: ConversionStrategy = ConversionStrategy.DEFAULT
    decoding_strategy: DecodingStrategy = DecodingStrategy.NONE
    null_byte_policy: NullBytePolicy = NullBytePolicy.IGNORE


class SourceRef(Model, frozen=True):
    """Another source for one entry than spec.secretStoreRef."""

    store_ref: StoreRef | None = None
    generator_ref: GeneratorRef | None = None


class Data(Model, frozen=True):
    """One item of the target."""

    secret_key: str
    remote_ref: RemoteRef
    source_ref: SourceRef | None = None


class DataFrom(Model, frozen=True):
    """Many items: of one remote secret, of all that are found, or of a generator."""

    extract: RemoteRef | None = None
    find: Find | None = None
    rewrite: tuple[Rewrite, ...] = ()
    source_ref: SourceRef | None = None


class TemplateMetadata(Model, frozen=True):
    """Metadata of the target; the values of labels and annotations are templates."""

    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    finalizers: tuple[str, ...] = ()


class TemplateAs(Enum):
    """Whether an item is the template of one value, or of a YAML map of keys and values."""

    VALUES = "Values"
    KEYS_AND_VALUES = "KeysAndValues"


class TemplateTarget(Enum):
    """What of the target templates make."""

    DATA = "Data"
    ANNOTATIONS = "Annotations"
    LABELS = "Labels"


class TemplateItem(Model, frozen=True):
    """One entry of a ConfigMap or Secret that is a template."""

    key: str
    template_as: TemplateAs = TemplateAs.VALUES


class TemplateRef(Model, frozen=True):
    """A ConfigMap or Secret of the same namespace with templates in it."""

    name: str
    items: tuple[TemplateItem, ...]


class TemplateFrom(Model, frozen=True):
    """More templates: of a ConfigMap, of a Secret, or a literal one of a YAML map of keys and values."""

    config_map: TemplateRef | None = None
    secret: TemplateRef | None = None
    literal: str | None = None
    target: TemplateTarget = TemplateTarget.DATA


class TargetTemplate(Model, frozen=True):
    """How the target is made from what the stores gave."""

    type: str = ""
    engine_version: str = "v2"
    merge_policy: MergePolicy = MergePolicy.REPLACE
    metadata: TemplateMetadata = TemplateMetadata()
    data: dict[str, str] = msgspec.field(default_factory=dict)
    template_from: tuple[TemplateFrom, ...] = ()
    values_decoding_strategy: DecodingStrategy = DecodingStrategy.NONE


class Target(Model, frozen=True):
    """The Secret that is made."""

    name: str = ""
    creation_policy: CreationPolicy = CreationPolicy.OWNER
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    immutable: bool = False
    template: TargetTemplate | None = None
    manifest: Any = None


class ExternalSecretSpec(Model, frozen=True):
    """What is asked for."""

    secret_store_ref: StoreRef | None = None
    refresh_interval: timedelta = _DEFAULT_INTERVAL
    refresh_policy: RefreshPolicy = RefreshPolicy.PERIODIC
    target: Target = Target()
    data: tuple[Data, ...] = ()
    data_from: tuple[DataFrom, ...] = ()
    sync_windows: SyncWindows | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalSecret:
    """An ExternalSecret object: its spec and the metadata that its target depends on."""

    name: str
    namespace: str
    uid: str
    generation: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: ExternalSecretSpec
    options: Options = options.NONE

    @property
    def target_name(self) -> str:
        """The name of the Secret that it makes."""
        return self.spec.target.name or self.name


def parse(obj: Mapping[str, Any]) -> ExternalSecret:
    """Read an ExternalSecret. Raises ManifestError that names the field."""
    if obj.get("apiVersion") not in API_VERSIONS:
        raise ManifestError(
            f"apiVersion must be one of {', '.join(API_VERSIONS)}",
            hint=f"write `apiVersion: {API_VERSIONS[0]}`",
        )
    metadata = _convert(obj.get("metadata") or {}, _Metadata, "metadata")
    if not metadata.name:
        raise ManifestError("metadata.name is missing")
    if "spec" not in obj or obj["spec"] is None:
        raise ManifestError("spec is missing")
    spec = _convert(_with_interval(obj["spec"]), ExternalSecretSpec, "spec")
    _refuse_unsupported(spec)
    _check(spec)
    named = [data.secret_key for data in spec.data]
    named += [f"dataFrom[{number}]" for number in range(len(spec.data_from))]
    return ExternalSecret(
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        generation=metadata.generation,
        labels=metadata.labels,
        annotations=metadata.annotations,
        spec=spec,
        options=read_options(metadata.annotations, frozenset(named)),
    )


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


def _convert(value: Any, type_: type[_T], where: str) -> _T:
    try:
        return msgspec.convert(without_nulls(value), type_, builtin_types=(timedelta,))
    except msgspec.ValidationError as error:
        place, what, hint = problem(error, type_, where)
        raise ManifestError(f"{place}: {what}", hint=hint) from None
    except RecursionError:
        raise ManifestError(f"{where} is nested too deeply") from None


def _with_interval(spec: Any) -> Any:
    """The spec with refreshInterval as a duration, as msgspec knows only those of ISO 8601."""
    if not isinstance(spec, Mapping) or spec.get("refreshInterval") is None:
        return spec
    text = spec["refreshInterval"]
    reason = "not a duration"
    if text == 0 and not isinstance(text, bool):
        text = "0"
    if isinstance(text, str):
        try:
            # As upstream does: a negative interval says what 0 does.
            length = -parse_duration(text[1:]) if text.startswith("-") else parse_duration(text)
            return {**spec, "refreshInterval": length}
        except ValueError as error:
            reason = str(error)
    raise ManifestError(
        f"spec.refreshInterval: {reason}",
        hint="write it like 1h, 15m or 1h30m0s; 0 asks once and never again",
    )


def _refuse_unsupported(spec: ExternalSecretSpec) -> None:
    """Raise for what upstream does and this version does not; each would change the outcome."""
    target = spec.target
    found: list[tuple[bool, str]] = [
        (bool(target.manifest), "spec.target.manifest"),
    ]
    for number, entry in enumerate(spec.data_from):
        generator = entry.source_ref.generator_ref if entry.source_ref is not None else None
        if generator is not None and generator.kind not in generators.KINDS:
            found.append((True, f"spec.dataFrom[{number}].sourceRef.generatorRef.kind {generator.kind}"))
    if fields := [field for is_there, field in found if is_there]:
        raise ManifestError(
            f"{', '.join(fields)} {'is' if len(fields) == 1 else 'are'} not supported yet", hint=_SUPPORTED
        )


def _check(spec: ExternalSecretSpec) -> None:
    """What the admission webhook of upstream denies, and what its schema does."""
    if not spec.data and not spec.data_from:
        raise ManifestError("either spec.data or spec.dataFrom must be given")
    _check_policies(spec.target)
    if spec.sync_windows is not None and (reason := spec.sync_windows.problem()):
        raise ManifestError(
            f"spec.syncWindows.{reason}", hint='write it like schedule: "0 22 * * 1-5" and duration: 2h'
        )
    seen: dict[str, int] = {}
    for number, data in enumerate(spec.data):
        where = f"spec.data[{number}]"
        if not _SECRET_KEY.fullmatch(data.secret_key):
            raise ManifestError(
                f"{where}.secretKey {data.secret_key!r} cannot be a key of a Secret",
                hint="use at most 253 letters, digits, '-', '_' and '.'",
            )
        if data.secret_key in seen and spec.target.deletion_policy is DeletionPolicy.RETAIN:
            raise ManifestError(
                f"{where}.secretKey {data.secret_key!r} is that of spec.data[{seen[data.secret_key]}] too",
                hint="give each item its own secretKey",
            )
        seen[data.secret_key] = number
        if data.source_ref is not None and data.source_ref.generator_ref is not None:
            raise ManifestError(
                f"{where}.sourceRef.generatorRef: a generator is a source of dataFrom only",
                hint="move it there, and name the key with rewrite",
            )
        _check_source(spec, data.source_ref, where)
    for number, entry in enumerate(spec.data_from):
        where = f"spec.dataFrom[{number}]"
        _check_sources(entry, where)
        for place, operation in enumerate(entry.rewrite):
            if reason := problem_of(operation):
                raise ManifestError(f"{where}.rewrite[{place}]: {reason}")
        if entry.source_ref is None or entry.source_ref.generator_ref is None:
            _check_source(spec, entry.source_ref, where)
    _check_template(spec.target.template)
    for field, name in _names(spec):
        check_name(name, field)


def _names(spec: ExternalSecretSpec) -> Iterator[tuple[str, str]]:
    """Every object that is named, with its field: none may lead to another namespace by a path."""
    if spec.target.name:
        yield "spec.target.name", spec.target.name
    if spec.secret_store_ref is not None and spec.secret_store_ref.name:
        yield "spec.secretStoreRef.name", spec.secret_store_ref.name
    sources = [(f"spec.data[{n}]", data.source_ref) for n, data in enumerate(spec.data)]
    sources += [(f"spec.dataFrom[{n}]", entry.source_ref) for n, entry in enumerate(spec.data_from)]
    for where, source in sources:
        if source is not None and source.store_ref is not None:
            yield f"{where}.sourceRef.storeRef.name", source.store_ref.name
        if source is not None and source.generator_ref is not None:
            yield f"{where}.sourceRef.generatorRef.name", source.generator_ref.name
    template = spec.target.template
    for number, place in enumerate(template.template_from if template is not None else ()):
        for field, ref in (("configMap", place.config_map), ("secret", place.secret)):
            if ref is not None:
                yield f"spec.target.template.templateFrom[{number}].{field}.name", ref.name


def _check_policies(target: Target) -> None:
    creation, deletion = target.creation_policy, target.deletion_policy
    shared = (CreationPolicy.MERGE, CreationPolicy.CREATE_OR_MERGE, CreationPolicy.NONE)
    if deletion is DeletionPolicy.DELETE and creation in shared:
        raise ManifestError(
            f"spec.target.deletionPolicy Delete must not be used with creationPolicy {creation.value}:"
            " the Secret is not the ExternalSecret's own to delete",
            hint="use creationPolicy Owner, or another deletionPolicy",
        )
    if deletion is DeletionPolicy.MERGE and creation is CreationPolicy.NONE:
        raise ManifestError(
            "spec.target.deletionPolicy Merge must not be used with creationPolicy None:"
            " there is no Secret to merge with",
            hint="leave deletionPolicy out",
        )


def _check_sources(entry: DataFrom, where: str) -> None:
    """Exactly one source: extract, find, or a generator."""
    generator = entry.source_ref.generator_ref if entry.source_ref is not None else None
    sources = {"extract": entry.extract, "find": entry.find, "sourceRef.generatorRef": generator}
    given = [name for name, source in sources.items() if source is not None]
    if not given:
        raise ManifestError(f"{where} has no source", hint=f"give it one of {', '.join(sources)}")
    if len(given) > 1:
        raise ManifestError(f"{where} has several sources: {', '.join(given)}", hint="make entries of them")
    if generator is not None:
        if entry.source_ref is not None and entry.source_ref.store_ref is not None:
            raise ManifestError(f"{where}.sourceRef has both storeRef and generatorRef")
        if not generator.name:
            raise ManifestError(f"{where}.sourceRef.generatorRef.name is missing")
        if generator.api_version != generators.API_VERSION:
            raise ManifestError(f"{where}.sourceRef.generatorRef.apiVersion must be {generators.API_VERSION}")
    if entry.find is not None and entry.find.name is not None:
        try:
            matcher(entry.find.name.regexp)
        except Invalid as error:
            raise ManifestError(f"{where}.{error}") from None


def _check_source(spec: ExternalSecretSpec, source: SourceRef | None, where: str) -> None:
    if source is not None and source.store_ref is None:
        raise ManifestError(f"{where}.sourceRef has neither storeRef nor generatorRef")
    if source is not None and source.store_ref is not None:
        if not source.store_ref.name:
            raise ManifestError(f"{where}.sourceRef.storeRef.name is missing")
    elif spec.secret_store_ref is not None and not spec.secret_store_ref.name:
        # No error where every entry names its own: programs in Go write an empty one back.
        raise ManifestError("spec.secretStoreRef.name is missing")
    elif spec.secret_store_ref is None:
        raise ManifestError(
            f"{where} names no store", hint="give spec.secretStoreRef, or sourceRef.storeRef to this entry"
        )


def _check_template(template: TargetTemplate | None) -> None:
    if template is None:
        return
    if template.engine_version != "v2":
        raise ManifestError("spec.target.template.engineVersion must be v2, the only one there is")
    # A Secret of these types is a credential of the cluster itself, not something to be synced.
    if template.type == "bootstrap.kubernetes.io/token":
        raise ManifestError(f"spec.target.template.type {template.type} is not allowed")
    if template.type == "kubernetes.io/service-account-token":
        name = "kubernetes.io/service-account.name"
        annotations = template.metadata.annotations
        others = any(place.target is TemplateTarget.ANNOTATIONS for place in template.template_from)
        if others or name in annotations or any("{{" in value for value in annotations.values()):
            raise ManifestError(
                f"spec.target.template.type {template.type} is not allowed with the annotation {name}"
                " or with annotations that are templates"
            )
    for number, source in enumerate(template.template_from):
        for field, ref in (("configMap", source.config_map), ("secret", source.secret)):
            if ref is not None and not ref.name:
                raise ManifestError(f"spec.target.template.templateFrom[{number}].{field}.name is missing")
    for key in template.data:
        if not _SECRET_KEY.fullmatch(key):
            raise ManifestError(f"spec.target.template.data: {key!r} cannot be a key of a Secret")
