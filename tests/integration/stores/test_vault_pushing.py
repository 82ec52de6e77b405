"""Pushes of the vault store into a real OpenBao."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from sealbridge.errors import Denied, Invalid, Unavailable
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Push, Store, Target
from sealbridge.stores.registry import open_store
from sealbridge.stores.vault.engine import Engine
from tests.canary import Canary
from tests.servers.openbao import DevOpenBao, OpenBao, RaftOpenBao
from tests.servers.resolver import DictResolver

Open = Callable[..., Awaitable[Store]]
AUTH = {"tokenSecretRef": {"name": "vault-token", "key": "token"}}
OURS = {"managed-by": "external-secrets"}


@pytest.fixture
async def opened(openbao: DevOpenBao) -> AsyncIterator[Open]:
    stores: list[Store] = []

    async def open_(server: OpenBao = openbao, *, token: str = "", **config: Any) -> Store:
        resolver = DictResolver({"vault-token/token": token or server.token})
        stores.append(await open_store("vault", {"server": server.url, "auth": AUTH, **config}, resolver))
        return stores[-1]

    yield open_
    for store in stores:
        await store.close()


@pytest.fixture(scope="module")
def v1(openbao: DevOpenBao) -> Iterator[str]:
    mount = f"push1-{secrets.token_hex(4)}"
    openbao.mount_kv(mount, version=1)
    yield mount
    openbao.client().sys.disable_secrets_engine(mount)


@pytest.fixture(scope="module")
def v2(openbao: DevOpenBao) -> Iterator[str]:
    mount = f"team/push2-{secrets.token_hex(4)}"
    openbao.mount_kv(mount, version=2)
    yield mount
    openbao.client().sys.disable_secrets_engine(mount)


def push(key: str, property_: str = "", item: str = "", **items: str | bytes) -> Push:
    values = {k: Value(v if isinstance(v, bytes) else v.encode()) for k, v in items.items()}
    source = Secret(name="source", namespace="default", items=values)
    return Push(target=Target(key, property_), source=source, item=item)


def held(server: OpenBao, mount: str, key: str) -> dict[str, Any]:
    answer = server.client().secrets.kv.v2.read_secret_version(
        key, mount_point=mount, raise_on_deleted_version=True
    )
    data: dict[str, Any] = answer["data"]["data"]
    return data


def custom(server: OpenBao, mount: str, key: str) -> dict[str, Any]:
    found = server.client().secrets.kv.v2.read_secret_metadata(key, mount_point=mount)
    return found["data"]["custom_metadata"] or {}


async def test_a_whole_secret_is_pushed_marked_and_written_only_when_it_changes(
    opened: Open, openbao: DevOpenBao, v2: str, canary: Canary
) -> None:
    store, value = await opened(path=v2), canary("vault-push")
    assert not await store.exists(Target("whole"))
    assert await store.push(push("whole", a=value, b="<&>"))
    assert held(openbao, v2, "whole") == {"a": value, "b": "<&>"}
    assert custom(openbao, v2, "whole") == OURS
    assert not await store.push(push("whole", a=value, b="<&>"))
    assert await store.push(push("whole", a=value))
    assert held(openbao, v2, "whole") == {"a": value}
    metadata = openbao.client().secrets.kv.v2.read_secret_metadata("whole", mount_point=v2)
    assert metadata["data"]["current_version"] == 2
    assert await store.exists(Target("whole"))
    assert await store.exists(Target("whole", "a"))
    assert not await store.exists(Target("whole", "b"))


async def test_a_property_is_pushed_beside_the_others(opened: Open, openbao: DevOpenBao, v2: str) -> None:
    store = await opened(path=v2)
    assert await store.push(push("props", "one", "k", k="1"))
    assert await store.push(push("props", "two.dots", "k", k="2"))
    assert not await store.push(push("props", "one", "k", k="1"))
    assert held(openbao, v2, "props") == {"one": "1", "two.dots": "2"}
    await store.delete(Target("props", "one"))
    assert held(openbao, v2, "props") == {"two.dots": "2"}
    await store.delete(Target("props", "no-such"))
    assert held(openbao, v2, "props") == {"two.dots": "2"}
    await store.delete(Target("props", "two.dots"))
    assert not await store.exists(Target("props"))
    assert "props" not in openbao.client().secrets.kv.v2.list_secrets("", mount_point=v2)["data"]["keys"]


async def test_a_json_item_becomes_the_whole_secret_and_anything_else_is_refused(
    opened: Open, openbao: DevOpenBao, v2: str
) -> None:
    store = await opened(path=v2)
    assert await store.push(push("json", "", "doc", doc='{"a": {"b": [1, null]}}'))
    assert held(openbao, v2, "json") == {"a": {"b": [1, None]}}
    for text in ("text", "[1]", "", "{"):
        with pytest.raises(Invalid, match="is no JSON object"):
            await store.push(push("json", "", "doc", doc=text))
    for sent in (push("json", x=b"\xff"), push("json", "p", "x", x=b"\xff")):
        with pytest.raises(Invalid, match="bytes that are not UTF-8"):
            await store.push(sent)
    with pytest.raises(Invalid, match='has no key "y"'):
        await store.push(push("json", "p", "y", x="1"))
    assert held(openbao, v2, "json") == {"a": {"b": [1, None]}}


@pytest.mark.parametrize("key", ["foreign", "{mount}/foreign", "{mount}/data/foreign"])
async def test_what_others_have_made_is_neither_overwritten_nor_deleted(
    opened: Open, openbao: DevOpenBao, v2: str, key: str
) -> None:
    kv, key = openbao.client().secrets.kv.v2, key.format(mount=v2)
    kv.create_or_update_secret("foreign", secret={"k": "theirs"}, mount_point=v2)
    kv.update_metadata("foreign", custom_metadata={"managed-by": "terraform"}, mount_point=v2)
    store = await opened(path=v2)
    for sent in (push(key, k="ours"), push(key, "new", "k", k="ours"), push(key, k="theirs")):
        with pytest.raises(Denied, match="was not made by a push"):
            await store.push(sent)
    await store.delete(Target(key))
    await store.delete(Target(key, "k"))
    assert held(openbao, v2, "foreign") == {"k": "theirs"}
    assert custom(openbao, v2, "foreign") == {"managed-by": "terraform"}


async def test_custom_metadata_of_others_stay_and_a_deleted_secret_gets_a_new_version(
    opened: Open, openbao: DevOpenBao, v2: str
) -> None:
    kv = openbao.client().secrets.kv.v2
    kv.create_or_update_secret("kept", secret={"k": "old"}, mount_point=v2)
    kv.update_metadata("kept", custom_metadata={"owner": "ann"}, mount_point=v2)
    kv.delete_latest_version_of_secret("kept", mount_point=v2)
    store = await opened(path=v2)
    assert await store.push(push("kept", k="new"))
    assert held(openbao, v2, "kept") == {"k": "new"}
    assert custom(openbao, v2, "kept") == OURS | {"owner": "ann"}


async def test_version_1_keeps_the_mark_inside(opened: Open, openbao: DevOpenBao, v1: str) -> None:
    store, kv = await opened(path=v1, version="v1"), openbao.client().secrets.kv.v1

    def inside(key: str) -> dict[str, Any]:
        found: dict[str, Any] = kv.read_secret(key, mount_point=v1)["data"]
        return found

    assert await store.push(push("app", a="1"))
    assert inside("app") == {"a": "1", "custom_metadata": OURS}
    assert not await store.push(push("app", a="1"))
    assert await store.push(push("app", "b", "k", k="2"))
    assert inside("app") == {"a": "1", "b": "2", "custom_metadata": OURS}
    assert not await store.exists(Target("app", "custom_metadata"))
    await store.delete(Target("app", "a"))
    await store.delete(Target("app", "b"))
    assert not await store.exists(Target("app"))
    kv.create_or_update_secret("foreign", secret={"k": "theirs"}, mount_point=v1)
    with pytest.raises(Denied, match="was not made by a push"):
        await store.push(push("foreign", k="ours"))
    await store.delete(Target("foreign"))
    assert inside("foreign") == {"k": "theirs"}


async def test_required_check_and_set_is_refused_on_version_1_and_works_on_version_2(
    opened: Open, openbao: DevOpenBao, v1: str, v2: str
) -> None:
    required = {"required": True}
    with pytest.raises(Invalid, match="no check-and-set"):
        await (await opened(path=v1, version="v1", checkAndSet=required)).push(push("cas", a="1"))
    openbao.client().write(f"{v2}/config", cas_required=True)
    try:
        for value in ("1", "2"):
            assert await (await opened(path=v2, checkAndSet=required)).push(push("cas", a=value))
    finally:
        openbao.client().write(f"{v2}/config", cas_required=False)


async def test_pushes_of_many_at_once_into_one_secret_lose_none(
    opened: Open, openbao: DevOpenBao, v2: str
) -> None:
    stores = [await opened(path=v2) for _ in range(3)]
    await stores[0].push(push("many", "start", "k", k="0"))
    await asyncio.gather(*(s.push(push("many", f"p{n}", "k", k=str(n))) for n, s in enumerate(stores)))
    assert held(openbao, v2, "many") == {"start": "0", "p0": "0", "p1": "1", "p2": "2"}


async def test_a_secret_that_somebody_makes_in_the_same_moment_is_not_taken_over(
    openbao: DevOpenBao, opened: Open, v2: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kv, before = openbao.client().secrets.kv.v2, Engine.write

    async def slow(self: Engine, path: str, entries: Any, *, version: int) -> None:
        if version == 0:
            kv.create_or_update_secret("race", secret={"k": "theirs"}, mount_point=v2)
        await before(self, path, entries, version=version)

    monkeypatch.setattr(Engine, "write", slow)
    with pytest.raises(Denied, match="was not made by a push"):
        await (await opened(path=v2)).push(push("race", k="ours"))
    assert held(openbao, v2, "race") == {"k": "theirs"}
    assert custom(openbao, v2, "race") == {}


async def test_a_push_that_is_forbidden_or_meets_an_outage_says_so(
    opened: Open, openbao: DevOpenBao, own_openbao: DevOpenBao, v2: str
) -> None:
    token = openbao.token_with(f'path "{v2}/*" {{ capabilities = ["read"] }}')
    with pytest.raises(Denied, match="permission denied to write") as caught:
        await (await opened(path=v2, token=token)).push(push("denied", k="1"))
    assert '"create" and "update"' in (caught.value.hint or "")
    store = await opened(own_openbao, path="secret")
    own_openbao.kill()
    for call in (store.push(push("x", k="1")), store.delete(Target("x")), store.exists(Target("x"))):
        with pytest.raises(Unavailable, match="connection refused"):
            await call


async def test_a_push_that_was_cut_off_after_its_mark_is_finished_by_the_next(
    opened: Open, raft_openbao: RaftOpenBao, monkeypatch: pytest.MonkeyPatch
) -> None:
    raft_openbao.mount_kv("kv", version=2)
    before = Engine.write

    async def killed(self: Engine, path: str, entries: Any, *, version: int) -> None:
        raft_openbao.kill()
        await before(self, path, entries, version=version)

    assert raft_openbao.ca_file is not None
    store = await opened(raft_openbao, path="kv", caBundle=raft_openbao.ca_file.read_text())
    with monkeypatch.context() as patched:
        patched.setattr(Engine, "write", killed)
        with pytest.raises(Unavailable):
            await store.push(push("cut", k="1"))
    raft_openbao.start()
    with pytest.raises(Unavailable, match="sealed"):
        await store.push(push("cut", k="1"))
    raft_openbao.unseal()
    assert not await store.exists(Target("cut"))
    assert await store.push(push("cut", k="1"))
    assert custom(raft_openbao, "kv", "cut") == OURS
    await store.delete(Target("cut"))
    assert not await store.exists(Target("cut"))
