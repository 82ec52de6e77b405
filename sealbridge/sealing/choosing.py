"""What of a manifest is sealed: as which Secret, and in which scope. Seals nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sealbridge.errors import ManifestError
from sealbridge.sealing.scope import SCOPE_ANNOTATIONS, Scope
from sealbridge.sealing.sealed_secret import KIND
from sealbridge.secret import Secret

_LONGEST_KIND = 100  # letters


class Wishes(NamedTuple):
    """What the user asks for, besides what a manifest says; None and empty is as the manifest says."""

    scope: Scope | None = None
    name: str = ""
    namespace: str = ""


class Chosen(NamedTuple):
    """The Secret to seal and its scope; `declared` when somebody has said which scope it is."""

    secret: Secret
    scope: Scope
    declared: bool


def choose(obj: Mapping[str, Any], wishes: Wishes) -> Chosen:
    """The Secret of a manifest. Raises ManifestError for any other kind, and for what contradicts."""
    kind, api_version = obj.get("kind"), obj.get("apiVersion")
    if kind == KIND:
        raise ManifestError(
            "this is a SealedSecret already", hint="seal the Secret that it was made from, or leave it out"
        )
    if kind != "Secret" or api_version != "v1":
        raise ManifestError(
            f"only a Secret of v1 can be sealed, this is {_described(kind, api_version)}", hint="leave it out"
        )
    return as_wished(Secret.from_manifest(obj), wishes)


def as_wished(secret: Secret, wishes: Wishes) -> Chosen:
    """The Secret under the name and namespace asked for. Raises ManifestError when they contradict."""
    scope = wishes.scope or Scope.of(secret.annotations)
    namespace = wishes.namespace
    if namespace and secret.namespace and namespace != secret.namespace and scope is not Scope.CLUSTER_WIDE:
        raise ManifestError(
            f"the Secret is for the namespace {secret.namespace}, and -n says {namespace}",
            hint="leave -n out, or correct one of them",
        )
    renamed = secret.renamed(wishes.name or secret.name, secret.namespace or namespace)
    declared = wishes.scope is not None or bool(SCOPE_ANNOTATIONS & secret.annotations.keys())
    return Chosen(renamed, scope, declared)


def _described(kind: object, api_version: object) -> str:
    """What an object says that it is. Where that is anything but short text, it may be a value."""
    if not kind:
        return "an object without a kind"
    for text in (kind, api_version or ""):
        if not isinstance(text, str) or len(text) > _LONGEST_KIND:
            return "something else"
    return f"{kind} of {api_version}" if api_version else f"{kind} without an apiVersion"
