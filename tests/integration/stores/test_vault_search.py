"""Searches of the vault store in a real OpenBao."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from sealbridge.errors import Denied, Invalid
from sealbridge.stores.base import Search, Store
from sealbridge.stores.registry import open_store
from tests.servers.openbao import DevOpenBao
from tests.servers.resolver import DictResolver

Open = Callable[..., Awaitable[Store]]
AUTH = {"tokenSecretRef": {"name": "vault-token", "key": "token"}}


@pytest.fixture
async def opened(openbao: DevOpenBao) -> AsyncIterator[Open]:
    stores: list[Store] = []

    async def open_(*, token: str = "", **config: Any) -> Store:
        resolver = DictResolver({"vault-token/token": token or openbao.token})
        stores.append(await open_store("vault", {"server": openbao.url, "auth": AUTH, **config}, resolver))
        return stores[-1]

    yield open_
    for store in stores:
        await store.close()


@pytest.fixture(scope="module", params=["v1", "v2"])
def engine(request: pytest.FixtureRequest, openbao: DevOpenBao) -> Iterator[tuple[str, str]]:
    """A mount of each version with secrets in folders, and its version."""
    mount = f"team/find-{secrets.token_hex(4)}"
    openbao.mount_kv(mount, version=int(request.param[1]))
    for name in ("top", "app/db", "app/cache", "app/deep/er/key", "other/db", f"{mount}/db"):
        put(openbao, mount, request.param, name, {"name": name})
    yield mount, request.param
    openbao.client().sys.disable_secrets_engine(mount)


def put(server: DevOpenBao, mount: str, version: str, key: str, entries: dict[str, Any]) -> None:
    kv = server.client().secrets.kv
    (kv.v2 if version == "v2" else kv.v1).create_or_update_secret(key, secret=entries, mount_point=mount)


async def names(store: Store, search: Search) -> set[str]:
    """What was found; the value of each must be that of its name."""
    found = await store.find(search)
    for name, value in found.items():
        assert name.endswith(json.loads(value.reveal())["name"])
    return set(found)


async def test_every_folder_is_searched_and_names_are_those_below_the_mount(
    opened: Open, engine: tuple[str, str]
) -> None:
    mount, version = engine
    store = await opened(path=mount, version=version)
    everything = {"top", "app/db", "app/cache", "app/deep/er/key", "other/db", f"{mount}/db"}
    assert await names(store, Search()) == everything
    assert await names(store, Search(name="db$")) == {"app/db", "other/db", f"{mount}/db"}
    assert await names(store, Search(name="^app/[cd]")) == {"app/db", "app/cache", "app/deep/er/key"}
    assert await names(store, Search(path="app")) == {"app/db", "app/cache", "app/deep/er/key"}
    assert await names(store, Search(path="/app/deep//", name="key")) == {"app/deep/er/key"}
    assert await names(store, Search(path="nowhere")) == set()
    assert await names(store, Search(name="nothing")) == set()


async def test_without_a_mount_in_the_store_the_path_begins_with_it(
    opened: Open, openbao: DevOpenBao
) -> None:
    folder = secrets.token_hex(4)
    put(openbao, "secret", "v2", f"{folder}/a", {"name": f"{folder}/a"})
    store = await opened()
    assert await names(store, Search(path=f"secret/{folder}")) == {f"secret/{folder}/a"}
    with pytest.raises(Invalid, match="whose first segment is the mount"):
        await store.find(Search(name="a"))


async def test_a_mount_that_is_not_there_is_no_empty_find(opened: Open) -> None:
    store = await opened(path="no-such-mount")
    with pytest.raises(Invalid, match="no secrets engine is mounted"):
        await store.find(Search(name="a"))


async def test_tags_are_custom_metadata_and_all_of_them_have_to_fit(
    opened: Open, openbao: DevOpenBao
) -> None:
    folder, kv = f"tags-{secrets.token_hex(4)}", openbao.client().secrets.kv.v2
    for name, custom in (("a", {"env": "prod", "team": "x"}), ("b", {"env": "prod"}), ("c", {})):
        put(openbao, "secret", "v2", f"{folder}/{name}", {"name": name})
        kv.update_metadata(f"{folder}/{name}", custom_metadata=custom, mount_point="secret")
    store = await opened(path="secret")
    search = Search(path=folder, tags=(("env", "prod"),))
    assert await names(store, search) == {f"{folder}/a", f"{folder}/b"}
    both = Search(path=folder, tags=(("env", "prod"), ("team", "x")))
    assert await names(store, both) == {f"{folder}/a"}
    assert await names(store, Search(path=folder, tags=(("env", "pro"),))) == set()
    assert await names(store, Search(path=folder, name="b$", tags=(("env", "prod"),))) == {f"{folder}/b"}
    fetched = await store.find(Search(path=folder, name="a$", metadata=True))
    assert json.loads(fetched[f"{folder}/a"].reveal())["team"] == "x"


async def test_version_1_has_no_tags(opened: Open, openbao: DevOpenBao) -> None:
    store = await opened(path="secret", version="v1")
    for search in (Search(tags=(("a", "b"),)), Search(metadata=True)):
        with pytest.raises(Invalid, match="version 1 has no metadata"):
            await store.find(search)


async def test_deleted_and_destroyed_secrets_are_left_out(opened: Open, openbao: DevOpenBao) -> None:
    folder, kv = f"gone-{secrets.token_hex(4)}", openbao.client().secrets.kv.v2
    for name in ("deleted", "destroyed", "there"):
        put(openbao, "secret", "v2", f"{folder}/{name}", {"name": name})
    kv.delete_latest_version_of_secret(f"{folder}/deleted", mount_point="secret")
    kv.destroy_secret_versions(f"{folder}/destroyed", [1], mount_point="secret")
    store = await opened(path="secret")
    assert await names(store, Search(path=folder)) == {f"{folder}/there"}
    assert set(await store.find(Search(path=folder, metadata=True))) == {f"{folder}/there"}


async def test_what_may_not_be_listed_or_read_is_denied_and_not_left_out(
    opened: Open, openbao: DevOpenBao
) -> None:
    folder = f"denied-{secrets.token_hex(4)}"
    put(openbao, "secret", "v2", f"{folder}/a", {"name": "a"})
    put(openbao, "secret", "v2", f"{folder}/below/b", {"name": "b"})
    listing = f'path "secret/metadata/{folder}" {{ capabilities = ["list"] }}\n'
    everywhere = listing + f'path "secret/metadata/{folder}/*" {{ capabilities = ["list"] }}\n'
    reading = f'path "secret/data/{folder}/*" {{ capabilities = ["read"] }}\n'
    for policy, what in (
        (reading, f"permission denied to list secret/metadata/{folder}"),
        (listing + reading, f"permission denied to list secret/metadata/{folder}/below"),
        (everywhere, f"permission denied to read secret/data/{folder}/a"),
    ):
        store = await opened(path="secret", token=openbao.token_with(policy))
        with pytest.raises(Denied) as caught:
            await store.find(Search(path=folder))
        # Secrets are read side by side: any of them may be the first that is told.
        assert caught.value.what.removesuffix("below/b").removesuffix("a") == what.removesuffix("a")
    store = await opened(path="secret", token=openbao.token_with(everywhere + reading))
    assert await names(store, Search(path=folder)) == {f"{folder}/a", f"{folder}/below/b"}


async def test_odd_names_are_found_and_read(opened: Open, openbao: DevOpenBao) -> None:
    folder = f"odd-{secrets.token_hex(4)}"
    odd = {f"{folder}/{name}" for name in ("with space", "per%cent", "ünï", "a+b&c=", "data/x", "metadata/y")}
    for name in odd:
        put(openbao, "secret", "v2", name, {"name": name})
    assert await names(await opened(path="secret"), Search(path=folder)) == odd
