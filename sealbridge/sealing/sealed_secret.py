"""A SealedSecret (bitnami.com/v1alpha1): read, written, made from a Secret. No I/O; opens nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sealbridge.errors import ManifestError
from sealbridge.sealing import envelope
from sealbridge.sealing.scope import SCOPE_ANNOTATIONS, Scope
from sealbridge.secret import Secret, check_item_key, check_name, check_namespace, kind_of

if TYPE_CHECKING:
    from sealbridge.sealing.certificate import Certificate

API_VERSION = "bitnami.com/v1alpha1"
KIND = "SealedSecret"
SEALED_WITH = "sealbridge.io/sealed-with"
# In the template: the Secret gets no owner.
SKIP_OWNER_ANNOTATION = "sealedsecrets.bitnami.com/skip-set-owner-references"

# What the API server sets, and what holds the values in plain: not carried into the template.
SERVER_SIDE = frozenset(
    {
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "ownerReferences",
        "managedFields",
        "generateName",
    }
)
_LAST_APPLIED = frozenset(
    {"kubectl.kubernetes.io/last-applied-configuration", "kubecfg.ksonnet.io/last-applied-configuration"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretTemplate:
    """What the target gets besides the sealed items.

    `data` maps item keys to template sources; it is written by people and authenticated by nobody.
    `metadata` is what else stands in the template's metadata.
    """

    type: str = ""
    immutable: bool | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """Sealed items with the template of their Secret.

    `encrypted_data` maps item keys to envelopes in base64. The scope comes from the outer
    annotations and never from the template, which anybody may edit. `hint` is the fingerprint of the
    key that sealed it, if it says so. `whole` is the deprecated `spec.data`: a Secret sealed as one.
    """

    name: str
    namespace: str = ""
    encrypted_data: Mapping[str, str] = field(default_factory=dict)
    whole: str | None = None
    template: SecretTemplate = field(default_factory=SecretTemplate)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        """What its values are bound to."""
        return Scope.of(self.annotations)

    @property
    def label(self) -> bytes:
        """The label that its values were sealed with."""
        return self.scope.label(self.namespace, self.name)

    @property
    def hint(self) -> str | None:
        """The fingerprint of the key to try first."""
        return self.annotations.get(SEALED_WITH)

    @classmethod
    def from_manifest(cls, obj: Mapping[str, Any], *, accept_whole: bool = False) -> SealedSecret:
        """Read an object of kind SealedSecret. Fields that are not known are left aside.

        Raises ManifestError that names the field; for the deprecated `spec.data` too, unless accepted.
        """
        if obj.get("kind") != KIND or obj.get("apiVersion") != API_VERSION:
            raise ManifestError(f"this is not a {KIND} of {API_VERSION}")
        metadata = _mapping(obj.get("metadata"), "metadata")
        name = _text(metadata.get("name"), "metadata.name")
        if not name:
            raise ManifestError("metadata.name is missing")
        if obj.get("spec") is None:
            raise ManifestError("spec is missing")
        spec = _mapping(obj["spec"], "spec")
        if spec.get("data") is not None and not accept_whole:
            raise ManifestError(
                "spec.data holds a Secret sealed as a whole, a format of before 2019 that is not opened here",
                hint="take the Secret from the cluster and seal it again",
            )
        if spec.get("data") is not None and spec.get("encryptedData"):
            raise ManifestError(
                "spec.encryptedData and the deprecated spec.data cannot be used at the same time",
                hint="remove spec.data: its items belong into spec.encryptedData",
            )
        template = _mapping(spec.get("template"), "spec.template")
        inner = _mapping(template.get("metadata"), "spec.template.metadata")
        immutable = template.get("immutable")
        if immutable is not None and not isinstance(immutable, bool):
            raise ManifestError(f"spec.template.immutable must be true or false, it is {kind_of(immutable)}")
        return cls(
            name=name,
            namespace=_text(metadata.get("namespace"), "metadata.namespace"),
            labels=_texts(metadata.get("labels"), "metadata.labels"),
            annotations=_texts(metadata.get("annotations"), "metadata.annotations"),
            encrypted_data=_texts(spec.get("encryptedData"), "spec.encryptedData"),
            whole=None if spec.get("data") is None else _text(spec["data"], "spec.data"),
            template=SecretTemplate(
                type=_text(template.get("type"), "spec.template.type"),
                immutable=immutable,
                labels=_texts(inner.get("labels"), "spec.template.metadata.labels"),
                annotations=_texts(inner.get("annotations"), "spec.template.metadata.annotations"),
                data=_texts(template.get("data"), "spec.template.data"),
                metadata={
                    key: value
                    for key, value in inner.items()
                    if key not in SERVER_SIDE and key not in {"name", "namespace", "labels", "annotations"}
                },
            ),
        )

    def to_manifest(self) -> dict[str, Any]:
        """The object in the order of fields that kubeseal writes; no status, no null timestamps."""
        template: dict[str, Any] = {
            "metadata": _metadata(
                self.name,
                self.namespace,
                self.template.labels,
                self.template.annotations,
                self.template.metadata,
            )
        }
        if self.template.type:
            template["type"] = self.template.type
        if self.template.immutable is not None:
            template["immutable"] = self.template.immutable
        if self.template.data:
            template["data"] = dict(sorted(self.template.data.items()))
        spec: dict[str, Any] = {
            "template": template,
            "encryptedData": dict(sorted(self.encrypted_data.items())),
        }
        if self.whole is not None:
            spec["data"] = self.whole
        return {
            "kind": KIND,
            "apiVersion": API_VERSION,
            "metadata": _metadata(self.name, self.namespace, self.labels, self.annotations, {}),
            "spec": spec,
        }


def seal(secret: Secret, certificate: Certificate, scope: Scope) -> SealedSecret:
    """Seal every item of a Secret. Its scope annotations are rewritten to `scope`.

    Raises ManifestError when a name is missing or not one that Kubernetes takes, or nothing is there
    to seal. Whether the certificate has expired is for the caller to judge: this reads no clock.
    """
    check_sealable(secret, scope)
    label = scope.label(secret.namespace, secret.name)
    annotations = carried_annotations(secret.annotations)
    return SealedSecret(
        name=secret.name,
        namespace=secret.namespace,
        annotations=scope.annotations() | {SEALED_WITH: certificate.fingerprint},
        encrypted_data={
            key: envelope.encode(envelope.seal(value.reveal(), certificate, label))
            for key, value in secret.items.items()
        },
        template=SecretTemplate(
            type=secret.type,
            immutable=secret.immutable,
            labels=dict(secret.labels),
            annotations=annotations | scope.annotations(),
            metadata={key: value for key, value in secret.metadata.items() if key not in SERVER_SIDE},
        ),
    )


def check_sealable(secret: Secret, scope: Scope) -> None:
    """Raise ManifestError when a name is missing or not one that Kubernetes takes, or nothing is there."""
    check_name(secret.name, "metadata.name")
    if secret.namespace:
        check_namespace(secret.namespace, "metadata.namespace")
    elif scope is not Scope.CLUSTER_WIDE:
        raise ManifestError(
            f"the Secret has no namespace, and the scope {scope.value} is bound to one",
            hint="give one with -n, or seal with --scope cluster-wide",
        )
    if not secret.items:
        raise ManifestError(
            "the Secret has no items: data and stringData are empty", hint="put the values under stringData"
        )
    for key in secret.items:
        check_item_key(key)


def carried_annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    """Those of a Secret that go into a template: no scope, no hint, no copy of the values."""
    return {
        key: value
        for key, value in annotations.items()
        if key not in _LAST_APPLIED and key not in SCOPE_ANNOTATIONS and key != SEALED_WITH
    }


def _metadata(
    name: str,
    namespace: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(sorted(labels.items()))
    if annotations:
        metadata["annotations"] = dict(sorted(annotations.items()))
    metadata.update(more)
    return metadata


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ManifestError(f"{where} must be a mapping, it is {kind_of(value)}")
    return value


def _text(value: object, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ManifestError(f"{where} must be a string, it is {kind_of(value)}", hint="put quotes around it")
    return value


def _texts(value: object, where: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, text in _mapping(value, where).items():
        if not isinstance(key, str):
            raise ManifestError(f"a key of {where} must be a string, it is {kind_of(key)}")
        if not isinstance(text, str):
            raise ManifestError(
                f"{where}.{key} must be a string, it is {kind_of(text)}", hint="put quotes around it"
            )
        texts[key] = text
    return texts
