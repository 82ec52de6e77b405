"""Deployments and their like on a Kubernetes API. Knows verbs; decides nothing about what is patched."""

from __future__ import annotations

from collections.abc import Sequence

from sealbridge.errors import ClusterError, Conflict
from sealbridge.kube.client import MERGE_PATCH, METADATA, Client, path_of
from sealbridge.kube.cluster import FIELD_MANAGER, KubernetesCluster
from sealbridge.reconcile.kinds import Kind, Object


class KubernetesWorkloads:
    """Implements `reconcile.restart.Workloads`."""

    def __init__(self, client: Client, cluster: KubernetesCluster) -> None:
        self._client = client
        self._cluster = cluster

    async def list(self, kind: Kind, namespace: str) -> Sequence[Object]:
        """All of a kind in a namespace; none where the API server does not serve the kind."""
        return await self._cluster.list(kind, namespace=namespace)

    async def patch(self, kind: Kind, workload: Object, patch: Object) -> None:
        """Merge it, signed with our own field manager: what others apply stays theirs, and ours ours.

        A patch that names another UID than the object's is a Conflict."""
        metadata = workload["metadata"]
        path = path_of(kind, metadata.get("namespace"), metadata["name"])
        try:
            await self._client.request(
                "PATCH",
                path,
                body=patch,
                content_type=MERGE_PATCH,
                accept=METADATA,
                params={"fieldManager": FIELD_MANAGER},
            )
        except ClusterError as error:
            # How the API server says it of its own kinds.
            if error.status == 422 and "metadata.uid" in error.what:
                raise Conflict("it was made anew meanwhile", where=path) from None
            raise
