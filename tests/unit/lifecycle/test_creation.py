from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from sealbridge.errors import Conflict, KeyFileError
from sealbridge.lifecycle.creation import KEY_LABELS, ensure_sealing_key
from sealbridge.lifecycle.policy import KeyPolicy
from sealbridge.sealing.keys import SealingKey
from sealbridge.secret import Secret, Value
from tests.sealing_keys import MADE, sealing_key

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW


class Shelf:
    """Secrets in memory; every call gives way to whoever else wants to run."""

    def __init__(self, *secrets: Secret) -> None:
        self.secrets = {secret.name: secret for secret in secrets}
        self.created: list[str] = []

    async def list_secrets(self, namespace: str, *, labels: Mapping[str, str]) -> Sequence[Secret]:
        await asyncio.sleep(0)
        return [secret for secret in self.secrets.values() if labels.items() <= secret.labels.items()]

    async def get_secret(self, namespace: str, name: str) -> Secret | None:
        await asyncio.sleep(0)
        return self.secrets.get(name)

    async def create_secret(self, secret: Secret) -> Secret:
        await asyncio.sleep(0)
        if secret.name in self.secrets:
            raise Conflict(f"{secret.name} already exists")
        self.secrets[secret.name] = secret
        self.created.append(secret.name)
        return secret


async def ensure(shelf: Shelf, *, namespace: str = "kube-system", cluster_id: str = "a") -> SealingKey:
    return await ensure_sealing_key(
        shelf, namespace=namespace, cluster_id=cluster_id, clock=Clock(), policy=KeyPolicy(bits=2048)
    )


def stored(key: SealingKey, name: str = "sealed-secrets-keyabcde") -> Secret:
    return key.to_secret(name=name, namespace="kube-system")


async def test_the_first_key_is_made_as_the_controller_makes_it() -> None:
    shelf = Shelf()
    key = await ensure(shelf)
    (name,) = shelf.created
    assert re.fullmatch("sealed-secrets-key[bcdfghjklmnpqrstvwxz2456789]{10}", name)
    secret = shelf.secrets[name]
    assert secret.labels == KEY_LABELS
    assert secret.namespace == "kube-system"
    assert SealingKey.from_secret(secret).certificate == key.certificate
    assert key.not_before == NOW
    assert (key.certificate.not_after - NOW) == timedelta(days=3650)


async def test_a_second_call_makes_nothing_and_finds_the_first_key() -> None:
    shelf = Shelf()
    first = await ensure(shelf)
    assert (await ensure(shelf)).fingerprint == first.fingerprint
    assert len(shelf.created) == 1


@pytest.mark.parametrize("count", [2, 5])
async def test_many_at_once_make_one_key_and_all_get_it(count: int) -> None:
    shelf = Shelf()
    keys = await asyncio.gather(*(ensure(shelf) for _ in range(count)))
    assert len(shelf.created) == 1
    assert len({key.fingerprint for key in keys}) == 1


async def test_no_two_clusters_or_namespaces_give_their_first_key_the_same_name() -> None:
    # Else applying one cluster's key backup to another would overwrite the key there.
    names = set()
    for cluster_id, namespace in [("a", "kube-system"), ("b", "kube-system"), ("a", "sealbridge")]:
        shelf = Shelf()
        await ensure(shelf, namespace=namespace, cluster_id=cluster_id)
        names.update(shelf.created)
    assert len(names) == 3


async def test_a_restored_backup_of_another_cluster_stands_beside_the_own_key() -> None:
    here, there = Shelf(), Shelf()
    own = await ensure(here, cluster_id="a")
    other = await ensure(there, cluster_id="b")
    here.secrets.update(there.secrets)
    assert {SealingKey.from_secret(secret).fingerprint for secret in here.secrets.values()} == {
        own.fingerprint,
        other.fingerprint,
    }


async def test_the_newest_of_the_keys_that_are_there_is_current() -> None:
    newer = SealingKey.generate(at=MADE + timedelta(days=1), bits=2048)
    shelf = Shelf(stored(sealing_key()), stored(newer, "b"), stored(sealing_key(1), "c"))
    assert (await ensure(shelf)).fingerprint == newer.fingerprint
    assert shelf.created == []


async def test_the_unlabelled_key_of_old_versions_counts() -> None:
    old = stored(sealing_key(), "sealed-secrets-key")
    shelf = Shelf(Secret(name=old.name, namespace=old.namespace, items=old.items))
    assert (await ensure(shelf)).fingerprint == sealing_key().fingerprint
    assert shelf.created == []


BROKEN = Secret(name="broken", namespace="kube-system", labels=KEY_LABELS, items={"tls.key": Value(b"x")})


async def test_an_unreadable_key_beside_a_good_one_is_passed_over() -> None:
    shelf = Shelf(BROKEN, stored(sealing_key()))
    assert (await ensure(shelf)).fingerprint == sealing_key().fingerprint


@pytest.mark.parametrize(
    "secret",
    [
        BROKEN,
        Secret(
            name="bare",
            namespace="kube-system",
            labels=KEY_LABELS,
            items={"tls.key": sealing_key().private_pem},
        ),
        Secret(name="empty", namespace="kube-system", labels=KEY_LABELS),
    ],
    ids=lambda secret: secret.name,
)
async def test_no_key_is_made_beside_keys_that_cannot_be_used(secret: Secret) -> None:
    shelf = Shelf(secret)
    with pytest.raises(KeyFileError, match="there are sealing keys and none can be used") as caught:
        await ensure(shelf)
    assert shelf.created == []
    assert caught.value.hint is not None
    assert "restore the key" in caught.value.hint


async def test_a_name_that_belongs_to_a_retired_key_is_left_alone() -> None:
    shelf = Shelf()
    await ensure(shelf)
    (name,) = shelf.created
    retired = shelf.secrets[name]
    shelf.secrets[name] = Secret(name=name, namespace=retired.namespace, items=retired.items)
    fresh = await ensure(shelf)
    assert len(set(shelf.created)) == 2
    assert shelf.secrets[name].items == retired.items
    assert fresh.fingerprint != SealingKey.from_secret(retired).fingerprint


async def test_when_every_name_is_taken_the_error_says_by_what() -> None:
    class Full(Shelf):
        async def create_secret(self, secret: Secret) -> Secret:
            raise Conflict("taken")

    with pytest.raises(KeyFileError, match="no name is left for a sealing key"):
        await ensure(Full())
