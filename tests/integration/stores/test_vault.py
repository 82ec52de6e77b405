"""The vault store against a real OpenBao."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import trustme

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.base import Reference, Store
from sealbridge.stores.registry import open_store
from tests.canary import Canary
from tests.servers.openbao import DevOpenBao, OpenBao, RaftOpenBao
from tests.servers.resolver import DictResolver

Open = Callable[..., Awaitable[Store]]
AUTH = {"tokenSecretRef": {"name": "vault-token", "key": "token"}}


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Opens stores on a server and closes them afterwards."""
    stores: list[Store] = []

    async def open_(server: OpenBao, *, token: str | None = None, **config: Any) -> Store:
        resolver = DictResolver({"vault-token/token": f"{token or server.token}\n"})
        if server.ca_file is not None:
            config.setdefault("caBundle", server.ca_file.read_text())
        store = await open_store("vault", {"server": server.url, "auth": AUTH, **config}, resolver)
        stores.append(store)
        return store

    yield open_
    for store in stores:
        await store.close()


@pytest.fixture(scope="module")
def v1(openbao: DevOpenBao) -> Iterator[str]:
    """A KV engine of version 1."""
    path = f"kv1-{secrets.token_hex(4)}"
    openbao.mount_kv(path, version=1)
    yield path
    openbao.client().sys.disable_secrets_engine(path)


@pytest.fixture(scope="module")
def v2(openbao: DevOpenBao) -> Iterator[str]:
    """A KV engine of version 2 whose mount has two segments."""
    path = f"team/kv2-{secrets.token_hex(4)}"
    openbao.mount_kv(path, version=2)
    yield path
    openbao.client().sys.disable_secrets_engine(path)


def put(server: OpenBao, mount: str, key: str, entries: dict[str, Any], *, version: int = 2) -> None:
    kv = server.client().secrets.kv
    (kv.v2 if version == 2 else kv.v1).create_or_update_secret(key, secret=entries, mount_point=mount)


async def one(store: Store, key: str, **options: Any) -> Value | StoreError:
    reference = Reference(key, **options)
    return (await store.fetch([reference]))[reference]


async def text(store: Store, key: str, **options: Any) -> str:
    result = await one(store, key, **options)
    assert isinstance(result, Value), result
    return result.reveal().decode()


@pytest.mark.parametrize("key", ["app/db", "{mount}/app/db", "{mount}/data/app/db", "/app//db/"])
async def test_a_key_is_found_with_and_without_its_mount_on_version_2(
    opened: Open, openbao: DevOpenBao, v2: str, canary: Canary, key: str
) -> None:
    value = canary("vault-key-v2")
    put(openbao, v2, "app/db", {"password": value})
    store = await opened(openbao, path=v2)
    assert await text(store, key.format(mount=v2), property="password") == value


async def test_without_a_path_the_first_segment_of_the_key_is_the_mount(
    opened: Open, openbao: DevOpenBao, canary: Canary
) -> None:
    value, key = canary("vault-no-path"), secrets.token_hex(4)
    put(openbao, "secret", f"{key}/db", {"password": value})
    store = await opened(openbao)
    assert await text(store, f"secret/{key}/db", property="password") == value
    assert await text(store, f"secret/data/{key}/db", property="password") == value


async def test_version_1_is_read_with_and_without_a_path(
    opened: Open, openbao: DevOpenBao, v1: str, canary: Canary
) -> None:
    value = canary("vault-v1")
    put(openbao, v1, "app", {"password": value}, version=1)
    with_path = await opened(openbao, path=v1, version="v1")
    without = await opened(openbao, version="v1")
    assert await text(with_path, "app", property="password") == value
    assert await text(without, f"{v1}/app", property="password") == value


async def test_old_versions_are_read_and_the_newest_is_the_default(
    opened: Open, openbao: DevOpenBao, v2: str
) -> None:
    for number in ("one", "two", "three"):
        put(openbao, v2, "versions", {"k": number})
    store = await opened(openbao, path=v2)
    assert await text(store, "versions", property="k") == "three"
    assert await text(store, "versions", property="k", version="2") == "two"


async def test_a_deleted_a_destroyed_and_an_unknown_version_are_not_found_and_say_so(
    opened: Open, openbao: DevOpenBao, v2: str
) -> None:
    for number in range(3):
        put(openbao, v2, "gone", {"k": str(number)})
    kv = openbao.client().secrets.kv.v2
    kv.delete_secret_versions("gone", [1], mount_point=v2)
    kv.destroy_secret_versions("gone", [2], mount_point=v2)
    store = await opened(openbao, path=v2)
    for version, expected in (("1", "version 1 of .* is deleted"), ("2", "version 2 of .* is destroyed")):
        found = await one(store, "gone", version=version)
        assert isinstance(found, NotFound)
        assert found.missing == "version"
        with pytest.raises(NotFound, match=expected):
            raise found
    assert isinstance(await one(store, "gone", version="9"), NotFound)


async def test_properties_are_taken_literally_first_and_then_as_a_path(
    opened: Open, openbao: DevOpenBao, v1: str
) -> None:
    # On version 1, as the server itself stores the numbers of version 2 as 64-bit floats.
    entries = {
        "a.b": "literal",
        "a": {"b": "nested", "c": [{"n": 1}, {"n": 12345678901234567890}]},
        "number": 12345678901234567890,
        "whole": 1.0,
        "nothing": None,
        "yes": True,
        "html": "<a&b>",
        "unicode": "Grüße 🔑",
    }
    put(openbao, v1, "properties", entries, version=1)
    store = await opened(openbao, path=v1, version="v1")
    expected = {
        "a.b": "literal",
        "a.c.#.n": "[1,12345678901234567890]",
        "a.c.1.n": "12345678901234567890",
        "number": "12345678901234567890",
        "whole": "1",
        "nothing": "",
        "yes": "true",
        "html": "<a&b>",
        "unicode": "Grüße 🔑",
        "a": '{"b":"nested","c":[{"n":1},{"n":12345678901234567890}]}',
    }
    references = {Reference("properties", property=name): wanted for name, wanted in expected.items()}
    results = await store.fetch(list(references))
    assert {r: v.reveal().decode() if isinstance(v, Value) else v for r, v in results.items()} == references


async def test_the_whole_value_is_sorted_json_with_html_escaped(
    opened: Open, openbao: DevOpenBao, v1: str, v2: str
) -> None:
    entries = {"z": "<&>", "a": {"y": 2, "x": 12345678901234567890}, "m": "ü"}
    put(openbao, v1, "whole", entries, version=1)
    put(openbao, v2, "whole", entries | {"a": {"y": 2, "x": 1}})
    tail = '"m":"ü","z":"\\u003c\\u0026\\u003e"}'
    first, second = await opened(openbao, path=v1, version="v1"), await opened(openbao, path=v2)
    assert await text(first, "whole") == '{"a":{"x":12345678901234567890,"y":2},' + tail
    assert await text(second, "whole") == '{"a":{"x":1,"y":2},' + tail


async def test_one_mebibyte_of_binary_in_base64_comes_through(
    opened: Open, openbao: DevOpenBao, v2: str
) -> None:
    encoded = base64.b64encode(secrets.token_bytes(1024 * 1024)).decode()
    # An entry of raft may not be that large; the in-memory storage takes it.
    put(openbao, v2, "large", {"blob": encoded})
    store = await opened(openbao, path=v2)
    assert await text(store, "large", property="blob") == encoded


async def test_one_missing_secret_hides_no_other(opened: Open, openbao: DevOpenBao, v2: str) -> None:
    put(openbao, v2, "there", {"k": "v"})
    store = await opened(openbao, path=v2)
    there, no_secret = Reference("there", property="k"), Reference("nowhere")
    no_property, odd = Reference("there", property="q"), Reference("there", property="{k}")
    outside, no_version = Reference("../sys/mounts"), Reference("there", version="latest")
    results = await store.fetch([there, no_secret, no_property, odd, outside, no_version, there])
    assert results[there] == Value(b"v")
    missing = results[no_secret]
    assert isinstance(missing, NotFound)
    assert missing.missing == "secret"
    lacking = results[no_property]
    assert isinstance(lacking, NotFound)
    assert (lacking.missing, lacking.what) == ("property", "secret 'there' has no property 'q'")
    for reference in (odd, outside, no_version):
        assert isinstance(results[reference], Invalid)


async def test_keys_with_odd_characters_are_read(opened: Open, openbao: DevOpenBao, v2: str) -> None:
    store = await opened(openbao, path=v2)
    for key in ("with space", "per%cent", "ünïcode", "plus+and&and=", "quote'd"):
        put(openbao, v2, key, {"k": key})
        assert await text(store, key, property="k") == key


async def test_metadata_is_read_instead_of_the_value(opened: Open, openbao: DevOpenBao, v2: str) -> None:
    put(openbao, v2, "tagged", {"k": "v"})
    openbao.client().secrets.kv.v2.update_metadata("tagged", custom_metadata={"owner": "ann"}, mount_point=v2)
    store = await opened(openbao, path=v2)
    assert await text(store, "tagged", property="owner", metadata=True) == "ann"
    whole = json.loads(await text(store, "tagged", metadata=True))
    assert (whole["owner"], whole["current_version"]) == ("ann", 1)
    assert set(whole) == {"owner", "current_version", "created_time", "delete_version_after"}


async def test_version_1_has_neither_versions_nor_metadata(
    opened: Open, openbao: DevOpenBao, v1: str
) -> None:
    put(openbao, v1, "app", {"k": "v"}, version=1)
    store = await opened(openbao, path=v1, version="v1")
    for options in ({"version": "1"}, {"metadata": True}):
        found = await one(store, "app", **options)
        assert isinstance(found, Invalid)
        assert found.hint


async def test_a_wrong_engine_version_is_said_to_be_wrong_and_not_a_missing_secret(
    opened: Open, openbao: DevOpenBao, v1: str, v2: str
) -> None:
    put(openbao, v1, "app", {"k": "v"}, version=1)
    put(openbao, v2, "app", {"k": "v"})
    as_v1 = await one(await opened(openbao, path=v2, version="v1"), "app")
    assert isinstance(as_v1, Invalid)
    assert as_v1.hint == "set spec.provider.vault.version to v2"


async def test_a_mount_that_is_not_there_is_a_wrong_configuration(opened: Open, openbao: DevOpenBao) -> None:
    found = await one(await opened(openbao, path="no-such-mount"), "app")
    assert isinstance(found, Invalid)
    assert found.what == "no secrets engine is mounted where no-such-mount/data/app points"


async def test_a_path_that_the_token_may_not_read_is_denied_by_name(
    opened: Open, openbao: DevOpenBao, v2: str
) -> None:
    put(openbao, v2, "ours/app", {"k": "v"})
    put(openbao, v2, "theirs/app", {"k": "v"})
    token = openbao.token_with(f'path "{v2}/data/ours/*" {{ capabilities = ["read"] }}')
    store = await opened(openbao, path=v2, token=token)
    ours, theirs = Reference("ours/app", property="k"), Reference("theirs/app", property="k")
    results = await store.fetch([ours, theirs])
    assert results[ours] == Value(b"v")
    denied = results[theirs]
    assert isinstance(denied, Denied)
    assert not denied.credentials
    assert denied.what == f"permission denied to read {v2}/data/theirs/app"
    assert denied.hint == (
        f'the token needs a policy with the capability "read" on {v2}/data/theirs/app;'
        " a token that is wrong, expired or revoked is answered alike"
    )


async def test_a_wrong_token_is_denied_and_never_shown(
    opened: Open, openbao: DevOpenBao, v2: str, canary: Canary
) -> None:
    token = canary("vault-bad-token")
    store = await opened(openbao, path=v2, token=token)
    found = await one(store, "app")
    assert isinstance(found, Denied)
    with pytest.raises(Denied) as caught:
        await store.check()
    assert caught.value.credentials
    assert token not in f"{caught.value!r} {caught.value} {caught.value.hint} {found} {found.hint}"


async def test_check_accepts_a_good_token_and_names_what_a_bare_one_lacks(
    opened: Open, openbao: DevOpenBao
) -> None:
    await (await opened(openbao)).check()
    bare = await opened(openbao, token=openbao.token_with('path "secret/*" { capabilities = ["read"] }'))
    with pytest.raises(Denied) as caught:
        await bare.check()
    assert "may not look itself up" in caught.value.what


async def test_a_namespace_is_honoured(opened: Open, openbao: DevOpenBao, canary: Canary) -> None:
    name, value = f"ns-{secrets.token_hex(4)}", canary("vault-namespace")
    openbao.client().sys.create_namespace(name)
    inside = openbao.client(namespace=name)
    inside.sys.enable_secrets_engine("kv", path="kv", options={"version": "2"})
    inside.secrets.kv.v2.create_or_update_secret("app", secret={"k": value}, mount_point="kv")
    assert await text(await opened(openbao, path="kv", namespace=name), "app", property="k") == value
    assert isinstance(await one(await opened(openbao, path="kv"), "app"), Invalid)


async def test_a_killed_server_is_unavailable_and_works_when_it_is_back(
    opened: Open, own_openbao: DevOpenBao
) -> None:
    put(own_openbao, "secret", "app", {"k": "before"})
    store = await opened(own_openbao, path="secret")
    assert await text(store, "app", property="k") == "before"
    own_openbao.kill()
    down = await one(store, "app", property="k")
    assert isinstance(down, Unavailable)
    assert down.what == f"cannot reach {own_openbao.url}: connection refused"
    with pytest.raises(Unavailable):
        await store.check()
    own_openbao.start()
    put(own_openbao, "secret", "app", {"k": "after"})
    assert await text(store, "app", property="k") == "after"


async def test_tls_is_trusted_by_bundle_and_provider_and_a_sealed_server_is_unavailable(
    opened: Open, raft_openbao: RaftOpenBao, canary: Canary
) -> None:
    value = canary("vault-tls")
    raft_openbao.mount_kv("kv", version=2)
    put(raft_openbao, "kv", "app", {"k": value})
    store = await opened(raft_openbao, path="kv")
    assert await text(store, "app", property="k") == value
    assert raft_openbao.ca_file is not None
    packed = base64.b64encode(raft_openbao.ca_file.read_bytes()).decode()
    assert await text(await opened(raft_openbao, path="kv", caBundle=packed), "app", property="k") == value

    strangers = trustme.CA().cert_pem.bytes().decode()
    wrong = await one(await opened(raft_openbao, path="kv", caBundle=strangers), "app")
    assert isinstance(wrong, Unavailable)
    assert wrong.what.startswith(f"no trusted TLS connection to {raft_openbao.url}: ")
    assert wrong.hint == "give the CA that signed it in caBundle or caProvider"
    nobody = await one(await opened(raft_openbao, path="kv", caBundle=None), "app")
    assert isinstance(nobody, Unavailable)

    raft_openbao.seal()
    sealed = await one(store, "app", property="k")
    assert isinstance(sealed, Unavailable)
    assert (sealed.what, sealed.hint) == ("the server is sealed", "unseal it")
    raft_openbao.unseal()
    assert await text(store, "app", property="k") == value


async def test_many_references_are_read_at_once(opened: Open, openbao: DevOpenBao, v2: str) -> None:
    for number in range(40):
        put(openbao, v2, f"many/{number}", {"k": str(number)})
    store = await opened(openbao, path=v2)
    references = [Reference(f"many/{number}", property="k") for number in range(40)]
    first, second = await asyncio.gather(store.fetch(references), store.fetch(references))
    assert first == second == {r: Value(str(n).encode()) for n, r in enumerate(references)}
