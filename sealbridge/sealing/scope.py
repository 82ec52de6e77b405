"""Where a sealed value may be unsealed: the three scopes, their labels and annotations."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

CLUSTER_WIDE_ANNOTATION = "sealedsecrets.bitnami.com/cluster-wide"
NAMESPACE_WIDE_ANNOTATION = "sealedsecrets.bitnami.com/namespace-wide"
SCOPE_ANNOTATIONS = frozenset({CLUSTER_WIDE_ANNOTATION, NAMESPACE_WIDE_ANNOTATION})


class Scope(Enum):
    """What a value is bound to: name and namespace, the namespace, or nothing."""

    STRICT = "strict"
    NAMESPACE_WIDE = "namespace-wide"
    CLUSTER_WIDE = "cluster-wide"

    @classmethod
    def of(cls, annotations: Mapping[str, str]) -> Scope:
        """The scope that annotations ask for: only exactly "true" counts, the wider one wins."""
        if annotations.get(CLUSTER_WIDE_ANNOTATION) == "true":
            return cls.CLUSTER_WIDE
        if annotations.get(NAMESPACE_WIDE_ANNOTATION) == "true":
            return cls.NAMESPACE_WIDE
        return cls.STRICT

    def label(self, namespace: str, name: str) -> bytes:
        """The bytes that an envelope is bound to (the OAEP label of the Sealed Secrets suite)."""
        if self is Scope.CLUSTER_WIDE:
            return b""
        if self is Scope.NAMESPACE_WIDE:
            return namespace.encode()
        return f"{namespace}/{name}".encode()

    def annotations(self) -> dict[str, str]:
        """The annotations that declare this scope; none for strict."""
        if self is Scope.CLUSTER_WIDE:
            return {CLUSTER_WIDE_ANNOTATION: "true"}
        if self is Scope.NAMESPACE_WIDE:
            return {NAMESPACE_WIDE_ANNOTATION: "true"}
        return {}
