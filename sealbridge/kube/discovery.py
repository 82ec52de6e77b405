"""Which version of each kind an API server serves. Knows discovery documents only."""

from __future__ import annotations

from collections.abc import Iterable

from sealbridge.kube.client import Client
from sealbridge.reconcile.kinds import Kind


class Discovery:
    """Asks once for each group and remembers; `forget` asks anew."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._served: dict[str, frozenset[tuple[str, str]]] = {}

    def forget(self) -> None:
        """CRDs may have come or gone."""
        self._served.clear()

    async def version(self, kind: Kind) -> str | None:
        """The version to speak, the kind's most preferred one that is served, or None."""
        if not kind.group:
            return kind.versions[0]
        served = self._served.get(kind.group)
        if served is None or not any((version, kind.plural) in served for version in kind.versions):
            # What is missing is asked for each time: it may have been installed just now.
            served = await self._read(kind.group, kind.versions)
            self._served[kind.group] = self._served.get(kind.group, frozenset()) | served
        return next((version for version in kind.versions if (version, kind.plural) in served), None)

    async def _read(self, group: str, versions: Iterable[str]) -> frozenset[tuple[str, str]]:
        found = set()
        for version in versions:
            document = await self._client.get(f"/apis/{group}/{version}")
            for resource in (document or {}).get("resources") or []:
                found.add((version, resource["name"]))
        return frozenset(found)
