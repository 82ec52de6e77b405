"""The keyring of a cluster: which Secrets count, how long a list holds, what an unreadable one does."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import pytest

from sealbridge.errors import ClusterError
from sealbridge.local.directory import DirectoryCluster
from sealbridge.reconcile.sealing_keys import ClusterKeyring
from sealbridge.sealing.keys import SealingKey
from sealbridge.secret import Secret
from tests.worlds import World

NAMESPACE = "sealbridge"


class LossyCluster(DirectoryCluster):
    """A real directory that counts the lists of Secrets and can be cut off."""

    lists = 0
    cut_off = False

    async def list_secrets(self, namespace: str, *, labels: Mapping[str, str]) -> Sequence[Secret]:
        self.lists += 1
        if self.cut_off:
            raise ClusterError("cut off", retryable=True)
        return await super().list_secrets(namespace, labels=labels)


def put(world: World, name: str, key: SealingKey, **changes: object) -> None:
    manifest = key.to_secret(name=name, namespace=NAMESPACE).to_manifest()
    world.write(f"{name}.yaml", {**manifest, **changes})


@pytest.fixture
def cluster(world: World, sealing_key: SealingKey) -> LossyCluster:
    put(world, "key-a", sealing_key)
    return LossyCluster(world.source, world.output)


async def fingerprints(ring: ClusterKeyring, *, fresh: bool = False) -> set[str]:
    return set((await ring.keyring(fresh=fresh)).fingerprints)


async def test_labelled_secrets_and_the_legacy_one_are_keys_and_others_are_not(
    world: World, cluster: LossyCluster, sealing_key: SealingKey, other_key: SealingKey
) -> None:
    legacy = other_key.to_secret(name="sealed-secrets-key", namespace=NAMESPACE).to_manifest()
    del legacy["metadata"]["labels"]
    stranger = {**legacy, "metadata": {"name": "tls", "namespace": NAMESPACE}}
    world.write("tls.yaml", stranger)
    cluster.reload()
    assert await fingerprints(ClusterKeyring(cluster, NAMESPACE, world.clock)) == {sealing_key.fingerprint}

    world.write("legacy.yaml", legacy)
    cluster.reload()
    assert await fingerprints(ClusterKeyring(cluster, NAMESPACE, world.clock)) == {
        sealing_key.fingerprint,
        other_key.fingerprint,
    }
    assert await fingerprints(ClusterKeyring(cluster, "elsewhere", world.clock)) == set()


async def test_an_unreadable_key_is_logged_and_left_out(
    world: World, cluster: LossyCluster, sealing_key: SealingKey, caplog: pytest.LogCaptureFixture
) -> None:
    put(world, "broken", sealing_key, data={"tls.key": "bm90IGEga2V5", "tls.crt": ""})
    cluster.reload()

    with caplog.at_level(logging.ERROR):
        found = await fingerprints(ClusterKeyring(cluster, NAMESPACE, world.clock))

    assert found == {sealing_key.fingerprint}
    assert "sealing key sealbridge/broken is left out" in caplog.text


async def test_a_list_holds_for_a_minute_and_a_fresh_look_for_seconds(
    world: World, cluster: LossyCluster, other_key: SealingKey, sealing_key: SealingKey
) -> None:
    ring = ClusterKeyring(cluster, NAMESPACE, world.clock)
    await ring.keyring()
    put(world, "key-b", other_key)
    cluster.reload()
    both = {sealing_key.fingerprint, other_key.fingerprint}

    world.clock.advance(2)
    for _ in range(3):
        assert await fingerprints(ring, fresh=True) == {sealing_key.fingerprint}
    assert cluster.lists == 1
    world.clock.advance(2)
    assert await fingerprints(ring, fresh=True) == both
    assert await fingerprints(ring) == both
    assert cluster.lists == 2
    world.clock.advance(61)
    await ring.keyring()
    assert cluster.lists == 3
    ring.forget()
    await ring.keyring()
    assert cluster.lists == 4


async def test_a_clock_that_is_set_back_does_not_keep_an_old_list(
    world: World, cluster: LossyCluster, other_key: SealingKey, sealing_key: SealingKey
) -> None:
    ring = ClusterKeyring(cluster, NAMESPACE, world.clock)
    await ring.keyring()
    put(world, "key-b", other_key)
    cluster.reload()

    world.clock.advance(-3600)
    assert await fingerprints(ring) == {sealing_key.fingerprint, other_key.fingerprint}
    await ring.keyring()
    assert cluster.lists == 2


async def test_a_key_is_parsed_once(world: World, cluster: LossyCluster) -> None:
    ring = ClusterKeyring(cluster, NAMESPACE, world.clock)
    first = list(await ring.keyring())
    ring.forget()

    assert [id(key) for key in await ring.keyring()] == [id(key) for key in first]


async def test_when_the_list_cannot_be_had_the_last_one_serves_on(
    world: World, cluster: LossyCluster, sealing_key: SealingKey
) -> None:
    ring = ClusterKeyring(cluster, NAMESPACE, world.clock)
    cluster.cut_off = True
    with pytest.raises(ClusterError):
        await ring.keyring()

    cluster.cut_off = False
    await ring.keyring()
    cluster.cut_off = True
    world.clock.advance(61)
    assert await fingerprints(ring) == {sealing_key.fingerprint}


async def test_a_key_that_was_removed_opens_nothing_any_more(
    world: World, cluster: LossyCluster, sealing_key: SealingKey
) -> None:
    ring = ClusterKeyring(cluster, NAMESPACE, world.clock)
    assert await fingerprints(ring) == {sealing_key.fingerprint}
    (world.source / "key-a.yaml").unlink()
    cluster.reload()
    ring.forget()

    assert await fingerprints(ring) == set()
