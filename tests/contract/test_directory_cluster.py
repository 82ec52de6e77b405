"""DirectoryCluster keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sealbridge.local.directory import DirectoryCluster
from sealbridge.local.formats import Format
from sealbridge.manifests import dump_json
from sealbridge.reconcile.kinds import KINDS, Kind, Object
from tests.contract.cluster_contract import ClusterContract


class DirectoryHarness:
    """Plays a user with an editor."""

    namespace = "team-a"

    def __init__(self, folder: Path) -> None:
        self.source, self.output = folder / "source", folder / "output"
        self.source.mkdir()
        self.cluster = DirectoryCluster(
            self.source, self.output, namespace=self.namespace, format_=Format.YAML
        )

    async def put(self, manifest: Object) -> Object:
        name = manifest["metadata"]["name"]
        (self.source / f"{manifest['kind']}-{name}.json").write_text(dump_json([manifest]))
        self.cluster.reload()
        found = await self.cluster.get(KINDS[manifest["kind"]], self.namespace, name)
        assert found is not None
        return found

    async def put_secret(self, manifest: Object) -> None:
        folder = self.output / self.namespace
        folder.mkdir(exist_ok=True)
        (folder / f"{manifest['metadata']['name']}.yaml").write_text(dump_json([manifest]))

    async def remove(self, kind: Kind, name: str) -> None:
        (self.source / f"{kind.name}-{name}.json").unlink()
        self.cluster.reload()

    async def events(self) -> list[tuple[str, str, str, str]]:
        return [(e.about.name, e.type_, e.reason, e.message) for e in self.cluster.events]

    async def writes(self) -> int:
        # A file that is replaced is another inode; nothing here frees one that could be taken again.
        return sum(path.stat().st_mtime_ns + path.stat().st_ino for path in self.output.rglob("*.yaml"))


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[DirectoryHarness]:
    made = DirectoryHarness(tmp_path)
    yield made
    made.cluster.close()


class TestDirectoryCluster(ClusterContract):
    """All of it."""
