"""Which ExternalSecrets are refused, and why. Knows no cluster: the CRD's schema and rules say the same.

What stands here is what upstream's admission webhook and schema deny, and what this version cannot do yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sealbridge.errors import Invalid, ManifestError
from sealbridge.secret import check_name
from sealbridge.stores.names import matcher
from sealbridge.sync import generators
from sealbridge.sync.rewrite import problem_of
from sealbridge.sync.spec import (
    CreationPolicy,
    DataFrom,
    DeletionPolicy,
    ExternalSecretSpec,
    SourceRef,
    Target,
    TargetTemplate,
    TemplateTarget,
)

_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_SUPPORTED = (
    "supported today: data[] and dataFrom[] of stores and generators, every creationPolicy and"
    " deletionPolicy, template type, metadata and data"
)


def refuse_unsupported(spec: ExternalSecretSpec) -> None:
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


def check(spec: ExternalSecretSpec) -> None:
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
