"""The ExternalSecret of external-secrets.io v1 and v1beta1: read from a manifest. Fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from sealbridge.errors import ManifestError
from sealbridge.stores.config import problem, without_nulls
from sealbridge.sync import options
from sealbridge.sync.admission import check, refuse_unsupported
from sealbridge.sync.durations import parse_duration
from sealbridge.sync.options import Options, read_options
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
_T = TypeVar("_T")


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
