from __future__ import annotations

from pathlib import Path

import pytest

from sealbridge.errors import ClusterError
from sealbridge.operator.process import namespace_uid
from sealbridge.reconcile.kinds import NAMESPACE
from tests.sealing_keys import sealing_key
from tests.worlds import World


async def test_the_uid_of_the_namespace_tells_a_cluster_from_the_others(tmp_path: Path) -> None:
    world = World(tmp_path, sealing_key())
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "sealbridge"}}
    world.write("namespace.yaml", manifest)
    cluster = world.cluster()
    found = await cluster.get(NAMESPACE, "", "sealbridge")
    assert found is not None
    assert await namespace_uid(cluster, "sealbridge") == found["metadata"]["uid"]
    world.close()


async def test_a_namespace_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    world = World(tmp_path, sealing_key())
    with pytest.raises(ClusterError, match="own namespace sealbridge does not exist") as caught:
        await namespace_uid(world.cluster(), "sealbridge")
    world.close()
    assert "--namespace" in (caught.value.hint or "")
