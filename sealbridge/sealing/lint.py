"""What is wrong with a SealedSecret, as far as it shows without opening it. No I/O, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sealbridge.errors import EnvelopeError, ManifestError, UnsealError
from sealbridge.sealing import envelope
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import Reason, open_items
from sealbridge.sealing.scope import (
    CLUSTER_WIDE_ANNOTATION,
    NAMESPACE_WIDE_ANNOTATION,
    SCOPE_ANNOTATIONS,
    Scope,
)
from sealbridge.sealing.sealed_secret import SEALED_WITH, SealedSecret
from sealbridge.secret import check_item_key, check_name, check_namespace

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_ITEMS = "spec.encryptedData"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the rule it breaks, the field, and words for people."""

    rule: str
    field: str
    what: str
    hint: str | None = None


def findings(obj: Mapping[str, Any], certificates: Sequence[Certificate] = ()) -> list[Finding]:
    """Everything that shows. With certificates, items have to fit one of them."""
    found = [
        Finding("plain-values", field, "values stand here in plain", "seal --in-place seals them")
        for field in ("data", "stringData")
        if obj.get(field)
    ]
    try:
        sealed = SealedSecret.from_manifest(obj)
    except ManifestError as error:
        return [*found, Finding("structure", "", error.what, error.hint)]
    return [
        *found,
        *_names(sealed),
        *_scopes(sealed),
        *_template(obj, sealed),
        *_hint(sealed, certificates),
        *_items(sealed, certificates),
    ]


def opening(obj: Mapping[str, Any], keyring: Keyring) -> list[Finding]:
    """The items that do not open with the keys at hand, and why. Broken objects have no finding here."""
    try:
        sealed = SealedSecret.from_manifest(obj)
    except ManifestError:
        return []
    try:
        open_items(sealed, keyring)
    except UnsealError as error:
        words = {
            Reason.WRONG_KEY.value: "no key opens it",
            Reason.WRONG_SCOPE.value: "it was sealed in another scope",
            Reason.CORRUPT.value: "it is damaged",
        }
        return [
            Finding("opens", f"{_ITEMS}.{item}", words.get(reason, reason), error.hint)
            for item, reason in error.items.items()
        ]
    return []


def _names(sealed: SealedSecret) -> Iterator[Finding]:
    try:
        check_name(sealed.name, "metadata.name")
    except ManifestError as error:
        yield Finding("name", "metadata.name", error.what, error.hint)
    if not sealed.namespace:
        if sealed.scope is not Scope.CLUSTER_WIDE:
            yield Finding(
                "namespace",
                "metadata.namespace",
                f"it is missing, and {sealed.scope.value} values open in one namespace only",
                "put it into the file, or say with -n where the file is applied",
            )
        return
    try:
        check_namespace(sealed.namespace, "metadata.namespace")
    except ManifestError as error:
        yield Finding("namespace", "metadata.namespace", error.what, error.hint)


def _scopes(sealed: SealedSecret) -> Iterator[Finding]:
    outer = {key: text for key, text in sealed.annotations.items() if key in SCOPE_ANNOTATIONS}
    for key, text in outer.items():
        if text not in ("true", "false"):
            yield Finding(
                "scope", f"metadata.annotations.{key}", f"{text!r} does nothing", 'only "true" sets a scope'
            )
    if outer.get(CLUSTER_WIDE_ANNOTATION) == outer.get(NAMESPACE_WIDE_ANNOTATION) == "true":
        yield Finding(
            "scope", "metadata.annotations", "both scopes are asked for, and cluster-wide wins", "keep one"
        )
    inner = sealed.template.annotations
    if SCOPE_ANNOTATIONS & inner.keys() and Scope.of(inner) is not sealed.scope:
        yield Finding(
            "scope",
            "spec.template.metadata.annotations",
            f"the template says {Scope.of(inner).value}, the SealedSecret {sealed.scope.value}",
            "the SealedSecret's own annotations count: make the template say the same",
        )


def _template(obj: Mapping[str, Any], sealed: SealedSecret) -> Iterator[Finding]:
    template = obj["spec"].get("template")
    metadata = (template.get("metadata") if isinstance(template, Mapping) else None) or {}
    for field, outer in (("name", sealed.name), ("namespace", sealed.namespace)):
        inner = metadata.get(field)
        if inner and outer and inner != outer:
            yield Finding(
                "template-name",
                f"spec.template.metadata.{field}",
                f"it is {inner!r} here and {outer!r} outside",
                f"the {field} of the SealedSecret counts, which values are bound to",
            )


def _hint(sealed: SealedSecret, certificates: Sequence[Certificate]) -> Iterator[Finding]:
    hint = sealed.hint
    if hint is None:
        return
    field = f"metadata.annotations.{SEALED_WITH}"
    if not _FINGERPRINT.fullmatch(hint):
        yield Finding("sealed-with", field, "it is not the fingerprint of a key", "take the annotation off")
    elif certificates and hint not in {certificate.fingerprint for certificate in certificates}:
        yield Finding(
            "sealed-with",
            field,
            "it was sealed for another certificate",
            "seal it again, or name every certificate of the cluster",
        )


def _items(sealed: SealedSecret, certificates: Sequence[Certificate]) -> Iterator[Finding]:
    if not sealed.encrypted_data and not sealed.template.data:
        yield Finding("empty", _ITEMS, "there are no items")
    sizes = {(certificate.key_size + 7) // 8: certificate.key_size for certificate in certificates}
    for item, text in sealed.encrypted_data.items():
        field = f"{_ITEMS}.{item}"
        try:
            check_item_key(item)
        except ManifestError as error:
            yield Finding("item-key", field, error.what, error.hint)
        try:
            content = envelope.decode(text)
            length = envelope.wrapped_length(content)
        except EnvelopeError as error:
            yield Finding("envelope", field, error.what, error.hint)
            continue
        if sizes and length not in sizes:
            known = ", ".join(f"{bits}" for bits in sorted(sizes.values()))
            yield Finding(
                "key-size",
                field,
                f"it was sealed for a key of {length * 8} bits, the certificate's has {known}",
                "it belongs to another certificate: seal it again",
            )
