"""The ClusterExternalSecret of external-secrets.io v1 and v1beta1, typed: what, and which namespaces.

Pure: it is given the namespaces. What stands in its externalSecretSpec is read as an ExternalSecret is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from sealbridge.errors import ManifestError
from sealbridge.secret import check_name, check_namespace
from sealbridge.stores.config import problem, without_nulls
from sealbridge.sync import model
from sealbridge.sync.durations import parse_duration
from sealbridge.sync.label_selector import LabelSelector
from sealbridge.sync.wire import Model

# What asks for a sync goes from the ClusterExternalSecret itself to what it makes, and from there with it.
FORCE_SYNC = "external-secrets.io/force-sync"
SYNC = "sealbridge.io/sync"
# Every API server from 1.21 on puts it on a namespace.
_NAME_LABEL = "kubernetes.io/metadata.name"
# In the words of an ExternalSecret: where what stands at the beginning stands here.
_PLACES = (
    (re.compile(r"(?<![\w.'\"-])spec(?=\.| is missing)"), "spec.externalSecretSpec"),
    (re.compile(r"(?<![\w.'\"-])metadata(?=\.)"), "spec.externalSecretMetadata"),
)


class ExternalSecretMetadata(Model, frozen=True):
    """Labels and annotations of the ExternalSecrets."""

    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class ClusterExternalSecretSpec(Model, frozen=True):
    """One ExternalSecret for many namespaces: those that any of the selectors or names chooses."""

    external_secret_spec: dict[str, Any]
    external_secret_name: str = ""
    external_secret_metadata: ExternalSecretMetadata = ExternalSecretMetadata()
    namespace_selector: LabelSelector | None = None
    namespace_selectors: tuple[LabelSelector, ...] = ()
    namespaces: tuple[str, ...] = ()
    refresh_time: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterExternalSecret:
    """A ClusterExternalSecret object: what is made of it, and where."""

    name: str  # of the ExternalSecrets
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    external_secret_spec: Mapping[str, Any]
    selectors: tuple[LabelSelector, ...]
    namespaces: frozenset[str]
    refresh_time: timedelta

    def chooses(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether a namespace with these labels gets the ExternalSecret."""
        if namespace in self.namespaces:
            return True
        all_labels = {**labels, _NAME_LABEL: namespace}
        return any(selector.matches(all_labels) for selector in self.selectors)

    def is_made_so(self, existing: Mapping[str, Any]) -> bool:
        """Whether an ExternalSecret says what is wanted, however it is written.

        API servers write defaults into it, and not the same ones under every CRD."""
        metadata = existing["metadata"]
        if (metadata.get("labels") or {}) != self.labels:
            return False
        if (metadata.get("annotations") or {}) != self.annotations:
            return False
        wanted, there = self.external_secret_spec, existing.get("spec")
        if there == wanted:
            return True
        try:
            return _read(self.name, there, self.annotations) == _read(self.name, wanted, self.annotations)
        except ManifestError:
            return False


def parse(obj: Mapping[str, Any]) -> ClusterExternalSecret:
    """Read a ClusterExternalSecret. Raises ManifestError that names the field."""
    metadata = obj["metadata"]
    name = metadata["name"]
    spec = _convert(obj.get("spec"))
    if spec.external_secret_name:
        check_name(spec.external_secret_name, "spec.externalSecretName")
        name = spec.external_secret_name
    for place, selector in _selectors(spec):
        if reason := selector.problem():
            raise ManifestError(f"spec.{place}.{reason}")
    for number, namespace in enumerate(spec.namespaces):
        check_namespace(namespace, f"spec.namespaces[{number}]")
    own = metadata.get("annotations") or {}
    annotations = {
        key: text for key, text in spec.external_secret_metadata.annotations.items() if key != FORCE_SYNC
    } | {key: own[key] for key in (FORCE_SYNC, SYNC) if key in own}
    try:
        _read(name, spec.external_secret_spec, annotations)
    except ManifestError as error:
        what = error.what
        for pattern, place in _PLACES:
            what = pattern.sub(place, what)
        raise ManifestError(what, hint=error.hint) from None
    return ClusterExternalSecret(
        name=name,
        labels=spec.external_secret_metadata.labels,
        annotations=annotations,
        external_secret_spec=spec.external_secret_spec,
        selectors=tuple(selector for _, selector in _selectors(spec)),
        namespaces=frozenset(spec.namespaces),
        refresh_time=spec.refresh_time,
    )


def _selectors(spec: ClusterExternalSecretSpec) -> list[tuple[str, LabelSelector]]:
    single = [] if spec.namespace_selector is None else [("namespaceSelector", spec.namespace_selector)]
    several = [(f"namespaceSelectors[{n}]", one) for n, one in enumerate(spec.namespace_selectors)]
    return single + several


def _read(name: str, spec: Any, annotations: Mapping[str, str]) -> tuple[object, object]:
    """What an ExternalSecret of this spec asks for, and its options."""
    read = model.parse(
        {
            "apiVersion": model.API_VERSIONS[0],
            "metadata": {"name": name, "annotations": dict(annotations)},
            "spec": spec,
        }
    )
    return read.spec, read.options


def _convert(spec: Any) -> ClusterExternalSecretSpec:
    if spec is None:
        raise ManifestError("spec is missing")
    try:
        read = msgspec.convert(
            {**without_nulls(spec), "refreshTime": _refresh_time(spec)} if isinstance(spec, dict) else spec,
            ClusterExternalSecretSpec,
            builtin_types=(timedelta,),
        )
    except msgspec.ValidationError as error:
        place, what, hint = problem(error, ClusterExternalSecretSpec, "spec")
        raise ManifestError(f"{place}: {what}", hint=hint) from None
    except RecursionError:
        raise ManifestError("spec is nested too deeply") from None
    # As it was written: nulls and all are for the API server that the ExternalSecrets go to.
    return msgspec.structs.replace(read, external_secret_spec=spec["externalSecretSpec"])


def _refresh_time(spec: Mapping[str, Any]) -> timedelta:
    text = spec.get("refreshTime")
    if text is None:
        return timedelta(hours=1)
    if text == 0 and not isinstance(text, bool):
        text = "0"
    reason = "not a duration"
    if isinstance(text, str):
        try:
            length = parse_duration(text.removeprefix("-"))
            # A negative time says what 0 does, as in an ExternalSecret.
            return timedelta() if text.startswith("-") else length
        except ValueError as error:
            reason = str(error)
    raise ManifestError(
        f"spec.refreshTime: {reason}", hint="write it like 1h or 15m; 0 looks again only after a change"
    )
