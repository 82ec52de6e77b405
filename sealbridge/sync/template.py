"""Items into the target Secret, through the template of the spec where it has one. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sealbridge.errors import ManifestError, TemplateError
from sealbridge.secret import Secret, Value
from sealbridge.sync import fingerprints
from sealbridge.sync.model import CreationPolicy, DeletionPolicy, ExternalSecret, MergePolicy, TargetTemplate
from sealbridge.templates import Template, string_map
from sealbridge.templates.go.values import StringMap

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


def build_target(external_secret: ExternalSecret, items: Mapping[str, Value]) -> Secret:
    """The Secret as it should be. Raises TemplateError or ManifestError that name the field.

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
        data, labels, annotations = _templated(template, items)
    for key in data:
        if not _KEY.fullmatch(key):
            raise ManifestError(
                f"{key!r} cannot be a key of a Secret",
                hint="use conversionStrategy Unicode, or a template that gives it another key",
            )
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
    )


def _copied(metadata: Mapping[str, str]) -> dict[str, str]:
    """Labels or annotations without those that speak of the ExternalSecret itself."""
    return {
        key: value
        for key, value in metadata.items()
        if key not in _NOT_COPIED and not key.startswith(_NOT_COPIED_PREFIXES)
    }


def _templated(
    template: TargetTemplate, items: Mapping[str, Value]
) -> tuple[dict[str, Value], dict[str, str], dict[str, str]]:
    """Items, labels and annotations that the template makes."""
    context = string_map({key: value.reveal() for key, value in items.items()})
    keeps_items = not template.data or template.merge_policy is MergePolicy.MERGE
    data = dict(items) if keeps_items else {}
    for key, source in template.data.items():
        data[key] = Value(_rendered(source, f"data.{key}", context).encode("utf-8", "surrogateescape"))
    labels, annotations = (
        {
            key: _text(_rendered(source, f"{field}.{key}", context), f"{field}.{key}")
            for key, source in sources.items()
        }
        for field, sources in (
            ("metadata.labels", template.metadata.labels),
            ("metadata.annotations", template.metadata.annotations),
        )
    )
    return data, labels, annotations


def _rendered(source: str, field: str, context: StringMap) -> str:
    return Template(source, name=f"{_WHERE}.{field}", missing="error").render(context)


def _text(rendered: str, field: str) -> str:
    try:
        rendered.encode()
    except UnicodeEncodeError:
        what = "a value that is not UTF-8 cannot stand in metadata"
        raise TemplateError(what, where=f"{_WHERE}.{field}") from None
    return rendered
