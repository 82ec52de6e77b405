"""kubeseal's sealing modes: whole Secrets, single values (--raw), new items into a file (--merge-into)."""

from __future__ import annotations

from typing import Any

from sealbridge.errors import ManifestError, SealbridgeError
from sealbridge.files import write_atomic
from sealbridge.manifests import Document, read_documents
from sealbridge.sealing import envelope
from sealbridge.sealing.certificate import Certificate
from sealbridge.sealing.scope import SCOPE_ANNOTATIONS, Scope
from sealbridge.sealing.sealed_secret import KIND
from sealbridge.secret import Secret
from sealbridge_cli.kubeseal import clusters, encoding, inputs
from sealbridge_cli.kubeseal.flags import Flags

_NOT_CARRIED = frozenset(
    {
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "ownerReferences",
    }
)
# Copies of the values in plain.
_LAST_APPLIED = frozenset(
    {"kubectl.kubernetes.io/last-applied-configuration", "kubecfg.ksonnet.io/last-applied-configuration"}
)
_EMPTY = (
    "secret.data is empty in input Secret, assuming this is an error and aborting. "
    "To work with empty data, --allow-empty-data can be used"
)


def seal(flags: Flags, certificate: Certificate, format_: str) -> bytes:
    """Every Secret of the input as a SealedSecret, or SealbridgeError for the first that cannot be."""
    sealed = [
        _located(document, _sealed, flags, certificate, flags.text("name"), "", None)
        for document in _secrets(flags)
    ]
    return encoding.encode(sealed, format_).encode()


def merge(flags: Flags, certificate: Certificate, format_: str, path: str) -> bytes:
    """Seal the input's items under the name, namespace and scope of the SealedSecret in `path`, into it.

    Its outer metadata stay. Returns what was written.
    """
    from sealbridge.sealing.merging import hint_after_merge

    found = read_documents(inputs.file(path), file=path)
    if len(found) != 1:
        raise ManifestError(f"one SealedSecret is expected, there are {len(found)}", where=path)
    obj = found[0].obj
    inputs.check_sealed(found[0])
    outer, spec = dict(obj["metadata"]), dict(obj.get("spec") or {})
    scope = Scope.of(outer.get("annotations") or {})
    _check_scope(flags, scope, path)
    template = dict(spec.get("template") or {})
    inner = dict(template.get("metadata") or {})
    items = dict(spec.get("encryptedData") or {})
    for document in _secrets(flags):
        update = _located(
            document, _sealed, flags, certificate, outer["name"], outer.get("namespace") or "", scope
        )
        added = update["spec"]["template"]["metadata"]
        items |= update["spec"]["encryptedData"]
        for field in ("labels", "annotations"):
            if new := {k: v for k, v in added.get(field, {}).items() if k not in SCOPE_ANNOTATIONS}:
                inner[field] = {**(inner.get(field) or {}), **new}
    template["metadata"] = inner
    if outer.get("annotations"):
        hint_after_merge(outer, certificate, whole=False)
    merged = encoding.sealed_secret(outer, {**spec, "template": template, "encryptedData": items})
    content = encoding.encode([merged], format_).encode()
    try:
        write_atomic(path, content)
    except OSError as error:
        raise SealbridgeError(f"open {path}: {(error.strerror or 'unknown error').lower()}") from None
    return content


def raw(flags: Flags, certificate: Certificate) -> bytes:
    """The value of stdin or of the one --from-file, sealed: base64 without an end of line."""
    scope = _scope(flags)
    name, namespace = flags.text("name"), ""
    if scope is not Scope.CLUSTER_WIDE:
        namespace = clusters.namespace(flags).name
        if not namespace:
            raise SealbridgeError(f"must provide the --namespace flag with --raw and --scope {scope.value}")
        if not name and scope is Scope.STRICT:
            raise SealbridgeError(f"must provide the --name flag with --raw and --scope {scope.value}")
    files = flags.list("from-file")
    if len(files) > 1:
        raise SealbridgeError("must provide only one --from-file when encrypting a single item with --raw")
    if files:
        key, equals, path = files[0].partition("=")
        path = path if equals else key
        value = inputs.stdin(flags) if path == "/dev/stdin" else inputs.file(path)
    else:
        value = inputs.stdin(flags)
    return envelope.encode(envelope.seal(value, certificate, scope.label(namespace, name))).encode()


def _secrets(flags: Flags) -> list[Document]:
    documents = inputs.documents(flags)
    if not documents:
        raise SealbridgeError("no secrets found")
    return documents


def _located(document: Document, function: Any, *arguments: Any) -> dict[str, Any]:
    try:
        made: dict[str, Any] = function(document, *arguments)
    except SealbridgeError as error:
        raise error.at(document.where) from None
    return made


def _sealed(
    document: Document,
    flags: Flags,
    certificate: Certificate,
    name: str,
    namespace: str,
    fixed: Scope | None,
) -> dict[str, Any]:
    """One Secret sealed. `name` and `namespace` override its own; `fixed` is the scope whatever it says."""
    obj = document.obj
    _check_kind(document, flags)
    secret = Secret.from_manifest(obj)
    if not secret.items and not flags.on("allow-empty-data"):
        raise ManifestError(_EMPTY)
    name = name or secret.name
    if not name:
        raise ManifestError("missing metadata.name in input Secret")
    annotations = dict(secret.annotations)
    given = _scope(flags)
    if fixed is not None or given is not Scope.STRICT:
        annotations = {k: v for k, v in annotations.items() if k not in SCOPE_ANNOTATIONS}
        annotations |= (fixed or given).annotations()
    scope = Scope.of(annotations)
    namespace = namespace or secret.namespace
    if scope is not Scope.CLUSTER_WIDE:
        namespace = _namespace(flags, namespace)
    label = scope.label(namespace, name)
    metadata = {**(obj.get("metadata") or {}), "name": name, "namespace": namespace}
    metadata["annotations"] = {k: v for k, v in annotations.items() if k not in _LAST_APPLIED}
    return encoding.sealed_secret(
        {"name": name, "namespace": namespace, "annotations": scope.annotations()},
        {
            "template": {
                "metadata": encoding.metadata(metadata, leave_out=_NOT_CARRIED),
                "type": secret.type,
                "immutable": secret.immutable,
            },
            "encryptedData": {
                key: envelope.encode(envelope.seal(value.reveal(), certificate, label))
                for key, value in secret.items.items()
            },
        },
    )


def _check_kind(document: Document, flags: Flags) -> None:
    """What kubeseal takes for a Secret without data is told so; it is never sealed as an empty one."""
    kind = document.obj.get("kind")
    if document.item is not None:
        raise ManifestError(_EMPTY, hint="this is a List: give its Secrets as documents of their own")
    if kind == KIND:
        if flags.on("allow-empty-data"):
            raise ManifestError(
                "this is a SealedSecret already", hint="seal the Secret that it was made from"
            )
        raise ManifestError(_EMPTY, hint="this is a SealedSecret already")


def _namespace(flags: Flags, own: str) -> str:
    """The namespace to seal for: the Secret's own, which a flag must not contradict, else the flags'."""
    if own and not flags.text("namespace"):
        return own
    found = clusters.namespace(flags)
    if own and found.explicit and found.name != own:
        raise ManifestError(
            f"namespace mismatch: input secret is in namespace {own}, and --namespace says {found.name}",
            hint="leave --namespace out, or correct one of them",
        )
    if not own and not found.name:
        raise ManifestError(
            "secret must declare a namespace: input secret has no namespace and cannot infer the namespace "
            "automatically when no kube config is available",
            hint="give one with -n",
        )
    return own or found.name


def _scope(flags: Flags) -> Scope:
    return Scope(flags.text("scope") or Scope.STRICT.value)


def _check_scope(flags: Flags, scope: Scope, path: str) -> None:
    """--scope cannot change what is sealed already, and items of two scopes do not open together."""
    given = _scope(flags)
    if given not in (Scope.STRICT, scope):
        raise ManifestError(
            f"it is sealed {scope.value}, and --scope says {given.value}",
            where=path,
            hint="leave --scope out: new items get the scope of the file",
        )
