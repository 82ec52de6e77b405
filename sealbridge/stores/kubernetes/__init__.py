"""Secrets of a namespace of a Kubernetes cluster, this one or another."""

from sealbridge.stores.kubernetes.store import KubernetesStore, open_store

__all__ = ["KubernetesStore", "open_store"]
