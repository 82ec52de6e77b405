"""Items into the target Secret, through the template of the spec where it has one. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from sealbridge.errors import ManifestError, TemplateError, TemplateSyntaxError
from sealbridge.secret import Secret, Value
from sealbridge.sync import fingerprints
from sealbridge.sync.decode import decode
from sealbridge.sync.model import (
    CreationPolicy,
    DeletionPolicy,
    ExternalSecret,
    MergePolicy,
    TargetTemplate,
    TemplateAs,
    TemplateRef,
    TemplateTarget,
)
from sealbridge.templates import Template, string_map
from sealbridge.templates.go.floats import format_float
from sealbridge.templates.go.values import FunctionError
from sealbridge.templates.limits import BoundExceeded, Budget

MANAGED_LABEL = "reconcile.external-secrets.io/managed"
CREATED_BY_LABEL = "reconcile.external-secrets.io/created-by"
DATA_HASH_ANNOTATION = "reconcile.external-secrets.io/data-hash"
# Of both kinds of target, so that one watch on metadata finds drift in all of them.
SEALBRIDGE_LABEL = "sealbridge.io/managed"

# What tells Argo CD and kubectl which object they have applied: on the Secret it would make them take it
# for one of theirs, and Argo CD delete it. Our own say how to treat the ExternalSecret.
_NOT_COPIED = frozenset({"app.kubernetes.io/instance", "kubectl.kubernetes.io/last-applied-configuration"})
_NOT_COPIED_PREFIXES = ("argocd.argoproj.io/", "sealbridge.io/")

_WHERE = "spec.target.template"
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


class TemplateSource(NamedTuple):
    """A ConfigMap or Secret, of the ExternalSecret's own namespace."""

    kind: str
    name: str


# What the sources of templates hold, by item. Text that is not UTF-8 has its bytes as surrogates (PEP 383).
TemplateTexts = Mapping[TemplateSource, Mapping[str, str]]


def build_target(
    external_secret: ExternalSecret, items: Mapping[str, Value], sources: TemplateTexts = MappingProxyType({})
) -> Secret:
    """The Secret as it should be. Raises TemplateError or ManifestError that name the field.

    `sources` holds what `template_sources` asks for.

    Without a template, labels and annotations of the ExternalSecret are copied; with one, even an
    empty one, only the template's own are taken. Where the stores have nothing and deletionPolicy Merge
    has the items go, there is nothing to render either.
    """
    target = external_secret.spec.target
    template = target.template
    if not items and target.deletion_policy is DeletionPolicy.MERGE:
        data, labels, annotations = {}, {}, {}
    elif template is None:
        data = dict(items)
        labels, annotations = _copied(external_secret.labels), _copied(external_secret.annotations)
    else:
        data, labels, annotations = _templated(template, items, sources)
    for key in data:
        if not _KEY.fullmatch(key):
            raise ManifestError(
                f"{key!r} cannot be a key of a Secret",
                hint="use conversionStrategy Unicode, or a template that gives it another key",
            )
    finalizers = template.metadata.finalizers if template is not None else ()
    labels[MANAGED_LABEL] = "true"
    labels[SEALBRIDGE_LABEL] = "true"
    labels.pop(CREATED_BY_LABEL, None)
    if target.creation_policy is CreationPolicy.OWNER:
        labels[CREATED_BY_LABEL] = fingerprints.created_by(external_secret.namespace, external_secret.name)
    annotations[DATA_HASH_ANNOTATION] = fingerprints.data_hash(data)
    return Secret(
        name=external_secret.target_name,
        namespace=external_secret.namespace,
        items=data,
        type=template.type if template else "",
        immutable=True if target.immutable else None,
        labels=labels,
        annotations=annotations,
        metadata={"finalizers": list(finalizers)} if finalizers else {},
    )


def _copied(metadata: Mapping[str, str]) -> dict[str, str]:
    """Labels or annotations without those that speak of the ExternalSecret itself."""
    return {
        key: value
        for key, value in metadata.items()
        if key not in _NOT_COPIED and not key.startswith(_NOT_COPIED_PREFIXES)
    }


def template_sources(external_secret: ExternalSecret) -> list[TemplateSource]:
    """The ConfigMaps and Secrets that hold templates, every one once."""
    template = external_secret.spec.target.template
    places = template.template_from if template is not None else ()
    refs = [
        TemplateSource(kind, ref.name)
        for place in places
        for kind, ref in (("ConfigMap", place.config_map), ("Secret", place.secret))
        if ref is not None
    ]
    return list(dict.fromkeys(refs))


class _Target:
    """Data, labels and annotations as templates fill them, the later ones winning."""

    def __init__(self, template: TargetTemplate, items: Mapping[str, Value]) -> None:
        self._context = string_map({key: value.reveal() for key, value in items.items()})
        self._decoding = template.values_decoding_strategy
        replaces = template.merge_policy is MergePolicy.REPLACE
        # As upstream: any templateFrom counts, even one that makes labels alone.
        templated = template.data or template.template_from
        self.data = {} if replaces and templated else dict(items)
        self.labels: dict[str, str] = {}
        self.annotations: dict[str, str] = {}

    def add(self, target: TemplateTarget, key: str, source: str, field: str) -> None:
        """Render one value."""
        self._put(target, key, self._rendered(source, field), field)

    def add_all(self, target: TemplateTarget, source: str, field: str) -> None:
        """Render a YAML map of keys and values. Its keys may be values in part: no error has them."""
        for key, value in _entries(self._rendered(source, field), field).items():
            if target is TemplateTarget.DATA and not _KEY.fullmatch(key):
                raise TemplateError(
                    "it makes a key that no Secret can have",
                    where=f"{_WHERE}.{field}",
                    hint="keys have at most 253 letters, digits, '-', '_' and '.'; quote values in YAML",
                )
            self._put(target, key, value, field, "the value of a key")

    def _put(self, target: TemplateTarget, key: str, rendered: str, field: str, shown: str = "") -> None:
        if target is TemplateTarget.DATA:
            try:
                self.data[key] = Value(decode(rendered.encode("utf-8", "surrogateescape"), self._decoding))
            except ValueError as error:
                what = str(error).replace("decodingStrategy", "valuesDecodingStrategy")
                raise TemplateError(f"{shown or f'key {key!r}'}: {what}", where=f"{_WHERE}.{field}") from None
            return
        into = self.labels if target is TemplateTarget.LABELS else self.annotations
        into[key] = _text(rendered, field)

    def _rendered(self, source: str, field: str) -> str:
        return Template(source, name=f"{_WHERE}.{field}", missing="error").render(self._context)


def _templated(
    template: TargetTemplate, items: Mapping[str, Value], sources: TemplateTexts
) -> tuple[dict[str, Value], dict[str, str], dict[str, str]]:
    """Items, labels and annotations that the template makes."""
    made = _Target(template, items)
    for number, place in enumerate(template.template_from):
        field = f"templateFrom[{number}]"
        for kind, name, ref in (
            ("ConfigMap", "configMap", place.config_map),
            ("Secret", "secret", place.secret),
        ):
            if ref is not None:
                _add_from(made, place.target, ref, sources[TemplateSource(kind, ref.name)], f"{field}.{name}")
        if place.literal is not None:
            made.add_all(place.target, place.literal, f"{field}.literal")
    for target, name, texts in (
        (TemplateTarget.DATA, "data", template.data),
        (TemplateTarget.LABELS, "metadata.labels", template.metadata.labels),
        (TemplateTarget.ANNOTATIONS, "metadata.annotations", template.metadata.annotations),
    ):
        for key, source in texts.items():
            made.add(target, key, source, f"{name}.{key}")
    return made.data, made.labels, made.annotations


def _add_from(
    made: _Target, target: TemplateTarget, ref: TemplateRef, texts: Mapping[str, str], field: str
) -> None:
    for item in ref.items:
        field_of_item = f"{field}({ref.name}).{item.key}"
        if item.key not in texts:
            what = f"{field.rpartition('.')[2]} {ref.name!r} has no entry {item.key!r}"
            raise TemplateError(what, where=f"{_WHERE}.{field}", hint="add it, or correct the key")
        try:
            if item.template_as is TemplateAs.VALUES:
                made.add(target, item.key, texts[item.key], field_of_item)
            else:
                made.add_all(target, texts[item.key], field_of_item)
        except TemplateSyntaxError as error:
            # No mistake of the ExternalSecret: it goes when the other object is edited.
            raise TemplateError(error.what, where=error.where, hint=error.hint) from None


def _entries(document: str, field: str) -> dict[str, str]:
    """A YAML map of scalars, as Go reads one into map[string]string."""
    from sealbridge.templates.functions.yaml_reader import UnreadableError, read

    where = f"{_WHERE}.{field}"
    try:
        entries = read(document.encode("utf-8", "surrogateescape"), Budget())
    except UnreadableError as error:
        raise TemplateError(f"it makes no YAML: {error}", where=where) from None
    except (FunctionError, BoundExceeded) as error:
        raise TemplateError(str(error), where=where) from None
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        raise TemplateError("it makes YAML that is no map of keys and values", where=where)
    return {str(key): _scalar(value, where) for key, value in entries.items()}


def _scalar(value: object, where: str) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            return format_float(value, "g", -1)
    raise TemplateError("the value of a key is no text but a list or map", where=where)


def _text(rendered: str, field: str) -> str:
    try:
        rendered.encode()
    except UnicodeEncodeError:
        what = "a value that is not UTF-8 cannot stand in metadata"
        raise TemplateError(what, where=f"{_WHERE}.{field}") from None
    return rendered
