"""The ExternalSecret of external-secrets.io v1 and v1beta1: read from a manifest. Fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sealbridge.errors import ManifestError
from sealbridge.sync import options
from sealbridge.sync.admission import check, refuse_unsupported
from sealbridge.sync.options import Options, read_options
from sealbridge.sync.reading import converted, with_interval
from sealbridge.sync.spec import (
    ConversionStrategy,
    CreationPolicy,
    Data,
    DataFrom,
    DecodingStrategy,
    DeletionPolicy,
    ExternalSecretSpec,
    Find,
    FindName,
    GeneratorRef,
    MergePolicy,
    MetadataPolicy,
    NullBytePolicy,
    RefreshPolicy,
    RemoteRef,
    SourceRef,
    StoreKind,
    StoreRef,
    Target,
    TargetTemplate,
    TemplateAs,
    TemplateFrom,
    TemplateItem,
    TemplateMetadata,
    TemplateRef,
    TemplateTarget,
)

__all__ = [
    "API_VERSIONS",
    "ConversionStrategy",
    "CreationPolicy",
    "Data",
    "DataFrom",
    "DecodingStrategy",
    "DeletionPolicy",
    "ExternalSecret",
    "ExternalSecretSpec",
    "Find",
    "FindName",
    "GeneratorRef",
    "MergePolicy",
    "MetadataPolicy",
    "NullBytePolicy",
    "RefreshPolicy",
    "RemoteRef",
    "SourceRef",
    "StoreKind",
    "StoreRef",
    "Target",
    "TargetTemplate",
    "TemplateAs",
    "TemplateFrom",
    "TemplateItem",
    "TemplateMetadata",
    "TemplateRef",
    "TemplateTarget",
    "parse",
]

API_VERSIONS = ("external-secrets.io/v1", "external-secrets.io/v1beta1")


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
    metadata = converted(obj.get("metadata") or {}, _Metadata, "metadata")
    if not metadata.name:
        raise ManifestError("metadata.name is missing")
    if "spec" not in obj or obj["spec"] is None:
        raise ManifestError("spec is missing")
    spec = converted(with_interval(obj["spec"], zero="asks once and never again"), ExternalSecretSpec, "spec")
    refuse_unsupported(spec)
    check(spec)
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
