"""What an ExternalSecret's spec may say, typed. Knows every field of the real API, checks none.

Every field is named here, so that one that does not exist yet is refused with its path; nothing is
ignored in silence.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Any

import msgspec

from sealbridge.sync import generators
from sealbridge.sync.rewrite import Rewrite
from sealbridge.sync.windows import SyncWindows
from sealbridge.sync.wire import Model

_DEFAULT_INTERVAL = timedelta(hours=1)


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
