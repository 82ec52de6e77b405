"""Stores are shared while they are the same, and closed when nobody uses them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sealbridge.errors import Denied, Invalid, StoreError, Unavailable
from sealbridge.local.directory import DirectoryCluster
from sealbridge.reconcile import credentials
from sealbridge.reconcile.credentials import ClusterResolver
from sealbridge.reconcile.kinds import Object, ObjectKey
from sealbridge.reconcile.store_pool import StorePool, is_referent, provider_of
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Push, Reference, Resolver, Search, SecretKeySelector, Target
from tests.worlds import World, fake_store

A = Reference("a")


class ProbeStore:
    """A store that can be held up in the middle of a call."""

    def __init__(self, value: Value) -> None:
        self.value, self.closed = value, False
        self.go = asyncio.Event()
        self.go.set()
        self.entered = asyncio.Event()

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        self.entered.set()
        await self.go.wait()
        return dict.fromkeys(references, self.value)

    async def check(self) -> None:
        self.entered.set()
        await self.go.wait()

    async def close(self) -> None:
        self.closed = True


class Probes:
    """Opens stores of a provider of the test's own, and keeps them in order."""

    def __init__(self) -> None:
        self.opened: list[ProbeStore] = []
        self.go, self.entered = asyncio.Event(), asyncio.Event()
        self.go.set()

    async def open(self, provider: str, config: Mapping[str, Any], resolver: Resolver) -> ProbeStore:
        self.entered.set()
        await self.go.wait()
        reference = config.get("tokenSecretRef")
        token = Value(b"none")
        if reference is not None:
            token = await resolver.secret_value(
                SecretKeySelector(reference["name"], reference["key"], reference.get("namespace", ""))
            )
        self.opened.append(ProbeStore(token))
        return self.opened[-1]


@pytest.fixture
def probes() -> Probes:
    return Probes()


def store(*, generation: int = 1, kind: str = "SecretStore", **config: Any) -> Object:
    metadata = {"name": "s", "uid": "u", "generation": generation}
    if kind == "SecretStore":
        metadata["namespace"] = "default"
    return {"kind": kind, "metadata": metadata, "spec": {"provider": {"probe": config}}}


def with_token(token: str, namespace: str = "default") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "cred", "namespace": namespace},
        "stringData": {"token": token},
    }


REF = {"name": "cred", "key": "token"}


async def fetched(pool: StorePool, store_object: Object, namespace: str = "default") -> Value | StoreError:
    return (await (await pool.open(store_object, namespace)).fetch([A]))[A]


def pool_of(world: World, probes: Probes, **options: Any) -> tuple[StorePool, DirectoryCluster]:
    cluster = world.cluster()
    return StorePool(cluster, world.clock, opener=probes.open, **options), cluster


async def test_the_same_store_is_opened_once_even_by_many_at_once(world: World, probes: Probes) -> None:
    pool, _ = pool_of(world, probes)

    await asyncio.gather(*(pool.open(store(), "default") for _ in range(10)))

    assert len(probes.opened) == 1
    await pool.close()
    assert probes.opened[0].closed


async def test_a_store_that_was_edited_is_opened_anew_and_the_old_one_closed(
    world: World, probes: Probes
) -> None:
    pool, _ = pool_of(world, probes)
    await pool.open(store(), "default")

    await pool.open(store(generation=2), "default")

    assert [each.closed for each in probes.opened] == [True, False]


async def test_another_credential_opens_it_anew_after_the_time_of_trust(world: World, probes: Probes) -> None:
    world.write("cred.yaml", with_token("one"))
    pool, cluster = pool_of(world, probes, recheck=timedelta(seconds=10))
    assert await fetched(pool, store(tokenSecretRef=REF)) == Value(b"one")
    world.write("cred.yaml", with_token("two"))
    cluster.reload()

    world.clock.advance(9)
    assert await fetched(pool, store(tokenSecretRef=REF)) == Value(b"one")
    world.clock.advance(1)
    assert await fetched(pool, store(tokenSecretRef=REF)) == Value(b"two")
    world.clock.advance(10)
    assert await fetched(pool, store(tokenSecretRef=REF)) == Value(b"two")
    world.write("cred.yaml", with_token("three"))
    cluster.reload()
    world.clock.advance(9)
    assert await fetched(pool, store(tokenSecretRef=REF)) == Value(b"two")
    assert len(probes.opened) == 2
    world.clock.advance(-3600)  # a clock that is set back proves nothing
    assert await fetched(pool, store(tokenSecretRef=REF)) == Value(b"three")


async def test_a_cluster_store_logs_in_as_the_namespace_that_uses_it(world: World, probes: Probes) -> None:
    world.write("cred.yaml", with_token("one", "team-a"), with_token("two", "team-b"))
    pool, _ = pool_of(world, probes)
    shared = store(kind="ClusterSecretStore", tokenSecretRef=REF)

    assert await fetched(pool, shared, "team-a") == Value(b"one")
    assert await fetched(pool, shared, "team-b") == Value(b"two")
    assert len(probes.opened) == 2
    assert pool.credentials(shared, "team-a") == {ObjectKey("Secret", "team-a", "cred")}


async def test_a_cluster_store_that_names_the_namespace_is_shared_by_all(
    world: World, probes: Probes
) -> None:
    world.write("cred.yaml", with_token("one", "vault"))
    pool, _ = pool_of(world, probes)
    shared = store(kind="ClusterSecretStore", tokenSecretRef={**REF, "namespace": "vault"})

    assert await fetched(pool, shared, "team-a") == await fetched(pool, shared, "team-b") == Value(b"one")
    assert len(probes.opened) == 1


async def test_a_call_under_way_ends_before_its_store_is_closed(world: World, probes: Probes) -> None:
    pool, _ = pool_of(world, probes)
    handle = await pool.open(store(), "default")
    probes.opened[0].go.clear()
    call = asyncio.create_task(handle.check())
    await probes.opened[0].entered.wait()

    await pool.forget("SecretStore", "default", "s")
    assert not probes.opened[0].closed
    probes.opened[0].go.set()
    await call
    assert probes.opened[0].closed


async def test_a_store_that_was_replaced_gives_errors_that_heal(world: World, probes: Probes) -> None:
    pool, _ = pool_of(world, probes)
    handle = await pool.open(store(), "default")
    await pool.close()

    assert isinstance((await handle.fetch([A]))[A], Unavailable)
    with pytest.raises(Unavailable):
        await handle.check()


async def test_only_so_many_stay_open_and_the_longest_unused_goes_first(world: World, probes: Probes) -> None:
    world.write("cred.yaml", *(with_token("t", f"ns-{n}") for n in range(4)))
    pool, _ = pool_of(world, probes, capacity=2)
    shared = store(kind="ClusterSecretStore", tokenSecretRef=REF)

    for namespace in ("ns-0", "ns-1", "ns-0", "ns-2"):
        await pool.open(shared, namespace)

    assert [each.closed for each in probes.opened] == [False, True, False]


async def test_a_store_that_is_dropped_while_it_opens_is_closed_too(world: World, probes: Probes) -> None:
    probes.go.clear()
    pool, _ = pool_of(world, probes)
    first = asyncio.create_task(pool.open(store(), "default"))
    second = asyncio.create_task(pool.open(store(), "default"))
    await probes.entered.wait()

    closing = asyncio.create_task(pool.forget("SecretStore", "default", "s"))
    await asyncio.sleep(0)
    probes.go.set()
    await asyncio.gather(first, second, closing)
    await pool.close()

    assert all(each.closed for each in probes.opened)


async def test_stores_that_cannot_be_opened_do_not_pile_up(world: World, probes: Probes) -> None:
    pool, _ = pool_of(world, probes, capacity=2)
    shared = store(kind="ClusterSecretStore", tokenSecretRef=REF)

    for number in range(10):
        with pytest.raises(Invalid):
            await pool.open(shared, f"ns-{number}")

    known = [number for number in range(10) if pool.credentials(shared, f"ns-{number}")]
    assert known == [8, 9]


async def test_a_store_that_cannot_be_opened_says_what_it_lacks_and_is_tried_again(
    world: World, probes: Probes
) -> None:
    pool, cluster = pool_of(world, probes)
    wanted = store(tokenSecretRef=REF)

    with pytest.raises(Invalid, match='there is no Secret "cred" in namespace "default"'):
        await pool.open(wanted, "default")
    assert pool.credentials(wanted, "default") == {ObjectKey("Secret", "default", "cred")}

    world.write("cred.yaml", with_token("one"))
    cluster.reload()
    assert await fetched(pool, wanted) == Value(b"one")


@pytest.mark.parametrize(
    ("selector", "error", "message"),
    [
        (SecretKeySelector("cred", "other"), Invalid, 'has no key "other"'),
        (SecretKeySelector("cred", "token", "elsewhere"), Denied, "may not use Secret"),
        (SecretKeySelector("absent", "token", "default"), Invalid, 'there is no Secret "absent"'),
    ],
)
async def test_a_secret_store_reaches_into_its_own_namespace_only(
    world: World, selector: SecretKeySelector, error: type[StoreError], message: str
) -> None:
    world.write("cred.yaml", with_token("one"), with_token("two", "elsewhere"))
    resolver = ClusterResolver(world.cluster(), store(), "default")

    with pytest.raises(error, match=message):
        await resolver.secret_value(selector)


async def test_the_operators_own_token_is_for_cluster_stores_alone(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    monkeypatch.setattr(credentials, "_OWN_TOKEN", token)
    ours = ClusterResolver(world.cluster(), {**store(), "kind": "ClusterSecretStore"}, "default")
    with pytest.raises(Invalid, match="no token of a pod"):
        await ours.own_token()
    token.write_text("first\n")
    assert await ours.own_token() == Value(b"first")
    token.write_text("second")
    assert await ours.own_token() == Value(b"second")
    with pytest.raises(Denied, match="may not log in with the operator's own token"):
        await ClusterResolver(world.cluster(), store(), "default").own_token()


async def test_a_ca_bundle_comes_from_a_config_map(world: World) -> None:
    world.write(
        "ca.yaml",
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "ca", "namespace": "default"},
            "data": {"ca.crt": "PEM"},
        },
    )
    resolver = ClusterResolver(world.cluster(), store(), "default")

    assert await resolver.config_map_value("ca", "ca.crt") == "PEM"
    for name, key in (("ca", "other"), ("absent", "ca.crt")):
        with pytest.raises(Invalid, match="ConfigMap"):
            await resolver.config_map_value(name, key)
    with pytest.raises(Denied):
        await resolver.config_map_value("ca", "ca.crt", "elsewhere")


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {},
        {"provider": None},
        {"provider": {}},
        {"provider": {"a": {}, "b": {}}},
        {"provider": {"a": 1}},
    ],
)
def test_a_store_has_exactly_one_provider(spec: Any) -> None:
    with pytest.raises(Invalid):
        provider_of({"kind": "SecretStore", "metadata": {"name": "s"}, "spec": spec})


@pytest.mark.parametrize(
    ("config", "kind", "expected"),
    [
        ({"auth": {"tokenSecretRef": REF}}, "ClusterSecretStore", True),
        ({"auth": {"tokenSecretRef": {**REF, "namespace": "x"}}}, "ClusterSecretStore", False),
        ({"auth": [{"deep": {"ref": REF}}]}, "ClusterSecretStore", True),
        ({"server": "https://x"}, "ClusterSecretStore", False),
        ({"auth": {"tokenSecretRef": REF}}, "SecretStore", False),
    ],
)
def test_a_name_without_a_namespace_makes_a_cluster_store_depend_on_its_user(
    config: dict[str, Any], kind: str, expected: bool
) -> None:
    assert is_referent(store(kind=kind, **config)) is expected


async def test_the_fake_provider_is_opened_by_the_real_registry(world: World) -> None:
    pool = StorePool(world.cluster(), world.clock)
    manifest = fake_store("s", {"a": "1"})
    manifest["metadata"] |= {"namespace": "default", "uid": "u", "generation": 1}

    assert await fetched(pool, manifest) == Value(b"1")
    await pool.close()


@pytest.mark.parametrize(
    ("kind", "ca", "refused"),
    [
        ("ClusterSecretStore", {"type": "ConfigMap", "name": "ca", "key": "k"}, True),
        ("ClusterSecretStore", {"type": "ConfigMap", "name": "ca", "key": "k", "namespace": "n"}, False),
        ("SecretStore", {"type": "ConfigMap", "name": "ca", "key": "k"}, False),
    ],
)
def test_users_of_a_cluster_store_do_not_say_whom_it_trusts(
    kind: str, ca: dict[str, str], refused: bool
) -> None:
    wanted = store(kind=kind, server={"caProvider": ca})
    if not refused:
        provider_of(wanted)
        return
    with pytest.raises(Invalid, match="caProvider of a ClusterSecretStore needs a namespace"):
        provider_of(wanted)


def webhook(url: str, **config: Any) -> Object:
    manifest = store(kind="ClusterSecretStore")
    manifest["spec"]["provider"] = {"webhook": {"url": url, **config}}
    return manifest


async def test_a_cluster_webhook_is_opened_for_each_namespace_as_it_tells_which_it_is(world: World) -> None:
    pool = StorePool(world.cluster(), world.clock)
    shared = webhook("http://127.0.0.1:1/{{ .remoteRef.namespace }}")
    # It points to nothing of its user's, so that it is validated once for all.
    assert not is_referent(shared)
    one, two = await pool.open(shared, "one"), await pool.open(shared, "two")
    assert one is not two
    assert await pool.open(shared, "one") is one
    assert ClusterResolver(world.cluster(), shared, "two").namespace == "two"
    await pool.close()


@pytest.mark.parametrize(
    ("namespace", "kind", "error", "message"),
    [
        ("default", "SecretStore", None, ""),
        ("elsewhere", "SecretStore", Denied, "may not use Secret"),
        ("elsewhere", "ClusterSecretStore", Denied, 'the Secret "cred" may not be used by webhooks'),
        ("nowhere", "ClusterSecretStore", Invalid, 'there is no Secret "cred" in namespace "nowhere"'),
    ],
)
async def test_webhooks_read_labelled_secrets_by_the_rules_between_namespaces(
    world: World, namespace: str, kind: str, error: type[StoreError] | None, message: str
) -> None:
    labelled = with_token("one")
    labelled["metadata"]["labels"] = {"external-secrets.io/type": "webhook"}
    world.write("cred.yaml", labelled, with_token("two", "elsewhere"))
    reference = {"name": "auth", "secretRef": {"name": "cred", "namespace": namespace}}
    manifest = webhook("http://127.0.0.1:1/{{ .auth.token }}", secrets=[reference])
    manifest["kind"] = kind
    if kind == "SecretStore":
        manifest["metadata"]["namespace"] = "default"
    pool = StorePool(world.cluster(), world.clock)
    if error is None:
        await pool.open(manifest, "default")
        assert pool.credentials(manifest, "default") == {ObjectKey("Secret", "default", "cred")}
    else:
        with pytest.raises(error, match=message):
            await pool.open(manifest, "default")
    await pool.close()


async def test_a_shared_store_finds_and_takes_pushes_until_it_is_retired(world: World) -> None:
    pool = StorePool(world.cluster(), world.clock)
    manifest = fake_store("s", {"a": "1"})
    manifest["metadata"] |= {"namespace": "default", "uid": "u", "generation": 1}
    opened = await pool.open(manifest, "default")
    push = Push(target=Target("b"), source=Secret(name="x", items={"k": Value(b"2")}), item="k")

    assert await opened.push(push) is True
    assert await opened.find(Search()) == {"a": Value(b"1"), "b": Value(b"2")}
    assert await opened.exists(Target("b")) is True
    await opened.delete(Target("b"))
    assert await opened.find(Search()) == {"a": Value(b"1")}

    await pool.close()
    for call in (
        lambda: opened.find(Search()),
        lambda: opened.push(push),
        lambda: opened.delete(Target("b")),
        lambda: opened.exists(Target("b")),
    ):
        with pytest.raises(Unavailable, match="the store has changed meanwhile"):
            await call()
