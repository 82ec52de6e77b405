"""The kubernetes store against a real API server, with the rights of RBAC."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
import trustme
import yaml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, Unavailable
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Items, Push, Reference, Search, Store, Target
from sealbridge.stores.kubernetes import KubernetesStore
from sealbridge.stores.reach import LOCAL
from sealbridge.stores.registry import open_store
from tests.canary import Canary
from tests.servers.apiserver import ApiServer
from tests.servers.resolver import DictResolver

Open = Callable[..., Awaitable[Store]]
TOKEN = {"token": {"bearerToken": {"name": "login", "key": "token"}}}
READER = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
WRITER = {**READER, "verbs": ["get", "list", "create", "update", "delete"]}


class Remote:
    """A namespace with its accounts, as the admin sees it."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.server, self.namespace = server, namespace
        self.path = f"/api/v1/namespaces/{namespace}/secrets"

    def account(self, name: str, *rules: dict[str, Any]) -> str:
        """A token of a service account with these rights in the namespace."""
        server, namespace = self.server, self.namespace
        token = server.token_for(namespace, name)
        api = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        server.request("POST", f"{api}/roles", {"metadata": {"name": name}, "rules": list(rules)})
        self.bind(name, {"kind": "ServiceAccount", "name": name, "namespace": namespace})
        return token

    def bind(self, role: str, subject: dict[str, Any]) -> None:
        api = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace}"
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}
        name = f"{role}-{secrets.token_hex(3)}"
        body = {"metadata": {"name": name}, "roleRef": ref, "subjects": [subject]}
        self.server.request("POST", f"{api}/rolebindings", body)

    def put(self, name: str, items: dict[str, str | bytes], **metadata: Any) -> None:
        data = {
            key: base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
            for key, value in items.items()
        }
        self.server.request("POST", self.path, {"metadata": {"name": name, **metadata}, "data": data})

    def get(self, name: str) -> dict[str, Any]:
        return self.server.request("GET", f"{self.path}/{name}")

    def items(self, name: str) -> dict[str, bytes]:
        return {key: base64.b64decode(text) for key, text in (self.get(name).get("data") or {}).items()}


@pytest.fixture
def remote(apiserver: ApiServer, namespace: str) -> Remote:
    return Remote(apiserver, namespace)


@pytest.fixture
async def opened(remote: Remote) -> AsyncIterator[Open]:
    """Opens stores on the namespace and closes them afterwards."""
    stores: list[Store] = []

    async def open_(token: str = "", *, resolver: DictResolver | None = None, **config: Any) -> Store:
        server = {"url": remote.server.url, "caBundle": remote.server.ca_file.read_text()}
        whole = {"server": server, "remoteNamespace": remote.namespace, "auth": TOKEN, **config}
        resolver = resolver or DictResolver({"login/token": f"{token}\n"})
        whole = {key: value for key, value in whole.items() if value is not None}
        stores.append(await open_store("kubernetes", whole, resolver, reach=LOCAL))
        return stores[-1]

    yield open_
    for store in stores:
        await store.close()


@pytest.fixture
async def reader(remote: Remote, opened: Open) -> Store:
    return await opened(remote.account("reader", READER))


@pytest.fixture
async def writer(remote: Remote, opened: Open) -> Store:
    return await opened(remote.account("writer", WRITER))


async def one(store: Store, reference: Reference) -> Value | StoreError:
    return (await store.fetch([reference]))[reference]


async def test_items_paths_and_whole_secrets_are_read(remote: Remote, reader: Store, canary: Canary) -> None:
    password, raw = canary("password"), canary.bytes("a key")
    document = json.dumps({"db": {"password": password, "port": 12345678901234567890}})
    remote.put("app", {"conf.json": "literal", "conf": document, "raw": raw, "html": "<&>", "empty": ""})
    expected = {
        "conf.json": b"literal",
        "conf.db.password": password.encode(),
        "conf.db.port": b"12345678901234567890",
        "raw": raw,
        "empty": b"",
    }
    references = {Reference("app", property=name): value for name, value in expected.items()}
    results = await reader.fetch([*references, Reference("app")])
    assert {reference: results[reference] for reference in references} == {
        reference: Value(value) for reference, value in references.items()
    }
    whole = results[Reference("app")]
    assert isinstance(whole, Items)
    assert whole.items["raw"] == Value(raw)
    text = json.loads(whole.reveal())
    assert text["conf"] == document
    assert list(text) == sorted(text)
    assert b"<&>" in whole.reveal()


async def test_a_whole_fetch_is_one_request_a_secret(remote: Remote, reader: Store) -> None:
    remote.put("app", {"a": "1", "b": "2"})
    position = remote.server.audit_position()
    await reader.fetch([Reference("app", property="a"), Reference("app", property="b"), Reference("app")])
    user = f"system:serviceaccount:{remote.namespace}:reader"
    events = remote.server.audit_events(user=user, since=position)
    assert [(event.request.verb, event.name) for event in events] == [("get", "app")]


@pytest.mark.parametrize(
    ("reference", "error", "what"),
    [
        (Reference("gone"), NotFound, "there is no such Secret"),
        (Reference("app", property="zz"), NotFound, "the data of Secret 'app' has no property 'zz'"),
        (Reference("app", property="a.x"), NotFound, "has no property 'a.x'"),
        (Reference("app", property=".a"), NotFound, "has no property '.a'"),
        (Reference("app", property="a.[x]"), Invalid, "a multipath in a property is not supported"),
        (Reference("app", version="2"), Invalid, "a Secret has no versions"),
        (Reference("app", metadata=True, property="labels.zz"), NotFound, "the metadata of Secret 'app'"),
        (Reference("app", metadata=True, property="zz"), NotFound, "has no property 'zz'"),
        (Reference("../../../pods"), Invalid, "cannot be the name of a Secret"),
        (Reference("app?x=1"), Invalid, "cannot be the name of a Secret"),
        (Reference(""), Invalid, "cannot be the name of a Secret"),
        (Reference("App"), Invalid, "cannot be the name of a Secret"),
    ],
)
async def test_what_is_not_there_is_an_error_of_its_own(
    remote: Remote, reader: Store, reference: Reference, error: type[StoreError], what: str
) -> None:
    remote.put("app", {"a": "1"})
    results = await reader.fetch([reference, Reference("app", property="a")])
    found = results[reference]
    assert type(found) is error
    if isinstance(found, NotFound):
        assert found.missing == ("property" if reference.property else "collection")
    assert what in str(found)
    assert isinstance(found, NotFound) is isinstance(error("x"), NotFound)
    assert results[Reference("app", property="a")] == Value(b"1")


async def test_labels_and_annotations_are_read_as_metadata(remote: Remote, reader: Store) -> None:
    labels = {"app.kubernetes.io/name": "shop", "tier": "db"}
    remote.put("app", {"a": "1"}, labels=labels, annotations={"note": "<ä>"})
    expected = {
        "": '{"annotations":{"note":"<ä>"},"labels":{"app.kubernetes.io/name":"shop","tier":"db"}}',
        "labels": '{"app.kubernetes.io/name":"shop","tier":"db"}',
        "labels.app.kubernetes.io/name": "shop",
        "annotations.note": "<ä>",
    }
    for name, value in expected.items():
        assert await one(reader, Reference("app", property=name, metadata=True)) == Value(value.encode())


async def test_find_takes_names_and_labels_together(remote: Remote, reader: Store) -> None:
    remote.put("db-one", {"a": b"\xff"}, labels={"env": "prod"})
    remote.put("db-two", {"a": "2"}, labels={"env": "test"})
    remote.put("web", {"a": "3"}, labels={"env": "prod"})
    tags = (("env", "prod"),)
    for search, names in (
        (Search(), {"db-one", "db-two", "web"}),
        (Search(name="^db", path="counts/for/nothing"), {"db-one", "db-two"}),
        (Search(tags=tags), {"db-one", "web"}),
        (Search(name="^db", tags=tags), {"db-one"}),
        (Search(tags=(("env", "prod"), ("other", "x"))), set()),
    ):
        assert set(await reader.find(search)) == names
    found = (await reader.find(Search(name="db-one")))["db-one"]
    assert isinstance(found, Items)
    assert found.items == {"a": Value(b"\xff")}
    metadata = await reader.find(Search(name="web", metadata=True))
    assert json.loads(metadata["web"].reveal()) == {"annotations": {}, "labels": {"env": "prod"}}


@pytest.mark.parametrize("tag", [("env", "a,b=c"), ("env!=x,y", ""), ("", "x"), ("a b", "c")])
async def test_a_tag_cannot_become_another_selector(reader: Store, tag: tuple[str, str]) -> None:
    with pytest.raises(Invalid, match="is not a label"):
        await reader.find(Search(tags=(tag,)))


async def test_a_list_of_more_than_a_page_is_read_to_its_end(
    remote: Remote, reader: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sealbridge.stores.kubernetes.store._PAGE", 3)
    names = {f"s{number}" for number in range(10)}
    for name in names:
        remote.put(name, {})
    assert set(await reader.find(Search())) == names


async def test_what_is_found_is_bounded(
    remote: Remote, reader: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sealbridge.stores.kubernetes.store._LARGEST_FIND", 1000)
    remote.put("big", {"a": "x" * 1000})
    with pytest.raises(Invalid, match="larger than"):
        await reader.find(Search())


async def test_the_largest_secret_goes_through(remote: Remote, writer: Store) -> None:
    value = secrets.token_bytes(700 * 1024)
    assert await writer.push(push("big", {"a": value}, item="a", name="p")) is True
    assert await one(writer, Reference("big", property="p")) == Value(value)
    with pytest.raises(Invalid) as caught:
        await writer.push(push("big", {"a": value + value}, item="a", name="p"))
    assert "too large" in str(caught.value) or "refuses it" in str(caught.value)


# Logging in


async def test_who_may_not_read_is_told_so_and_so_is_the_check(remote: Remote, opened: Open) -> None:
    store = await opened(remote.account("nobody", {**READER, "resources": ["configmaps"]}))
    remote.put("app", {"a": "1"})
    error = await one(store, Reference("app"))
    assert isinstance(error, Denied)
    assert not error.credentials
    assert 'forbids to get Secret "app"' in error.what
    with pytest.raises(Denied, match=f"may not get Secrets in namespace {remote.namespace}"):
        await store.check()
    with pytest.raises(Denied, match="forbids to list the Secrets"):
        await store.find(Search())


@pytest.mark.parametrize("kind", ["wrong", "expired"])
async def test_a_token_that_is_wrong_or_expired_is_not_accepted(
    remote: Remote, opened: Open, canary: Canary, kind: str
) -> None:
    token = canary("a wrong token") if kind == "wrong" else expired(remote, "reader")
    store = await opened(canary.register(token, "token"))
    error = await one(store, Reference("app"))
    assert isinstance(error, Denied)
    assert error.credentials
    assert "wrong, expired or revoked" in error.what
    with pytest.raises(Denied) as caught:
        await store.check()
    assert caught.value.credentials
    canary.seen(f"{error!r} {error} {error.hint} {caught.value}", "errors")


def expired(remote: Remote, account: str) -> str:
    """A token that the server itself might have signed an hour ago."""
    header, payload, _ = remote.server.token_for(remote.namespace, account).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    now = int(time.time())
    claims |= {"iat": now - 7200, "nbf": now - 7200, "exp": now - 3600}
    claims.get("kubernetes.io", {}).pop("warnafter", None)
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    pem = (remote.server.folder / "pki" / "accounts.key").read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = key.sign(f"{header}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{header}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def test_check_is_content_with_the_right_to_get_secrets(remote: Remote, reader: Store) -> None:
    await reader.check()


async def test_a_check_needs_no_more_than_access_reviews(
    remote: Remote, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await opened(remote.account("reader", READER))
    assert isinstance(store, KubernetesStore)
    review = store._review

    async def only_access(kind: str, spec: Any, what: str) -> Any:
        if kind == "SelfSubjectRulesReview":
            raise Invalid("no such resource")
        return await review(kind, spec, what)

    monkeypatch.setattr(store, "_review", only_access)
    await store.check()


async def test_a_client_certificate_logs_in(remote: Remote, opened: Open, canary: Canary) -> None:
    certificate, key = remote.server.certificate_for("ann")
    canary.register(key.decode(), "client key")
    remote.account("reader", READER)
    remote.bind("reader", {"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"})
    remote.put("app", {"a": "1"})
    resolver = DictResolver({"tls/crt": certificate, "tls/key": key})
    auth = {"cert": {"clientCert": ref("tls", "crt"), "clientKey": ref("tls", "key")}}
    store = await opened(resolver=resolver, auth=auth)
    assert await one(store, Reference("app", property="a")) == Value(b"1")
    await store.check()


def ref(name: str, key: str) -> dict[str, str]:
    return {"name": name, "key": key}


class Accounts(DictResolver):
    """Tokens of service accounts as TokenRequest gives them."""

    def __init__(self, remote: Remote) -> None:
        super().__init__()
        self.remote = remote
        self.asked: list[tuple[str, str, Sequence[str], int]] = []
        self.spoilt: list[str] = []

    async def service_account_token(
        self, name: str, *, namespace: str = "", audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        self.asked.append((name, namespace, tuple(audiences), expiration_seconds))
        token = (
            self.spoilt.pop() if self.spoilt else self.remote.server.token_for(self.remote.namespace, name)
        )
        return Value(token.encode())


async def test_a_service_account_logs_in_with_tokens_of_an_hour(remote: Remote, opened: Open) -> None:
    remote.account("reader", READER)
    remote.put("app", {"a": "1"})
    resolver = Accounts(remote)
    store = await opened(resolver=resolver, auth={"serviceAccount": {"name": "reader", "audiences": ["x"]}})
    for _ in range(2):
        assert await one(store, Reference("app", property="a")) == Value(b"1")
    assert resolver.asked == [("reader", "", ("x",), 3600)]


async def test_a_token_that_is_refused_is_replaced_once(remote: Remote, opened: Open) -> None:
    remote.account("reader", READER)
    remote.put("app", {"a": "1"})
    resolver = Accounts(remote)
    resolver.spoilt = [expired(remote, "reader")]
    store = await opened(resolver=resolver, auth={"serviceAccount": {"name": "reader"}})
    assert await one(store, Reference("app", property="a")) == Value(b"1")
    assert len(resolver.asked) == 2
    resolver.spoilt = [expired(remote, "reader")] * 5
    store = await opened(resolver=resolver, auth={"serviceAccount": {"name": "reader"}})
    error = await one(store, Reference("app"))
    assert isinstance(error, Denied)
    assert error.credentials


async def test_a_kubeconfig_in_a_secret_logs_in(remote: Remote, opened: Open) -> None:
    remote.put("app", {"a": "1"})
    cluster = {
        "server": remote.server.url,
        "certificate-authority-data": base64.b64encode(remote.server.ca_file.read_bytes()).decode(),
    }
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": remote.account("reader", READER)}}],
    }
    resolver = DictResolver({"kube/config": yaml.safe_dump(config)})
    store = await opened(resolver=resolver, server=None, auth=None, authRef=ref("kube", "config"))
    assert await one(store, Reference("app", property="a")) == Value(b"1")


async def test_a_server_with_another_certificate_is_not_talked_to(remote: Remote, opened: Open) -> None:
    other = trustme.CA().cert_pem.bytes().decode()
    store = await opened("token", server={"url": remote.server.url, "caBundle": other})
    error = await one(store, Reference("app"))
    assert isinstance(error, Unavailable)
    assert "no trusted TLS connection" in error.what
    assert error.hint is not None
    assert "caBundle" in error.hint


async def test_the_ca_may_stand_in_a_config_map_or_secret(remote: Remote, opened: Open) -> None:
    token, pem = remote.account("reader", READER), remote.server.ca_file.read_text()
    for kind in ("ConfigMap", "Secret"):
        resolver = DictResolver({"login/token": token, "ca/crt": pem}, {"ca/crt": pem})
        server = {"url": remote.server.url, "caProvider": {"type": kind, **ref("ca", "crt")}}
        await (await opened(resolver=resolver, server=server)).check()


# Pushing


def push(key: str, items: dict[str, str | bytes], *, item: str = "", name: str = "", **more: Any) -> Push:
    values = {k: Value(v.encode() if isinstance(v, str) else v) for k, v in items.items()}
    labels, annotations = more.pop("labels", {}), more.pop("annotations", {})
    type_ = more.pop("type", "")
    source = Secret(name="source", items=values, labels=labels, annotations=annotations, type=type_)
    return Push(target=Target(key, name), source=source, item=item, metadata=more)


async def test_an_item_is_pushed_into_a_property_and_the_others_stay(
    remote: Remote, writer: Store, canary: Canary
) -> None:
    value = canary("pushed")
    remote.put("app", {"old": "1"}, labels={"mine": "yes"})
    assert await writer.push(push("app", {"k": value}, item="k", name="new")) is True
    assert remote.items("app") == {"old": b"1", "new": value.encode()}
    assert remote.get("app")["metadata"]["labels"] == {"mine": "yes"}
    before = remote.get("app")["metadata"]["resourceVersion"]
    assert await writer.push(push("app", {"k": value}, item="k", name="new")) is False
    assert remote.get("app")["metadata"]["resourceVersion"] == before


async def test_a_whole_push_creates_and_then_replaces_all_items(remote: Remote, writer: Store) -> None:
    raw = b"\xff\x00"
    source = {"labels": {"from": "source"}, "annotations": {"note": "x"}, "type": "example.com/kind"}
    assert await writer.push(push("new", {"a": raw, "b": "2"}, **source)) is True
    made = remote.get("new")
    assert remote.items("new") == {"a": raw, "b": b"2"}
    assert (made["type"], made["metadata"]["labels"]) == ("example.com/kind", {"from": "source"})
    assert await writer.push(push("new", {"c": "3"})) is True
    assert remote.items("new") == {"c": b"3"}
    assert remote.get("new")["type"] == "example.com/kind"


async def test_all_items_become_one_property_as_json(remote: Remote, writer: Store) -> None:
    await writer.push(push("new", {"b": "<2>", "a": "1"}, name="all"))
    assert remote.items("new") == {"all": b'{"a":"1","b":"<2>"}'}


async def test_many_pushes_at_once_into_one_secret_lose_nothing(remote: Remote, writer: Store) -> None:
    await asyncio.gather(
        *(writer.push(push("app", {"k": str(number)}, item="k", name=f"p{number}")) for number in range(4))
    )
    assert remote.items("app") == {f"p{number}": str(number).encode() for number in range(4)}


async def test_what_is_pushed_exists_until_it_is_deleted(remote: Remote, writer: Store) -> None:
    both, one_, whole = Target("app", "b"), Target("app", "a"), Target("app")
    assert [await writer.exists(t) for t in (both, one_, whole)] == [False, False, False]
    await writer.push(push("app", {"a": "1", "b": "2"}))
    assert [await writer.exists(t) for t in (both, one_, whole)] == [True, True, True]
    await writer.delete(both)
    assert remote.items("app") == {"a": b"1"}
    await writer.delete(both)
    await writer.delete(one_)
    assert await writer.exists(whole) is False
    await writer.delete(one_)
    await writer.push(push("app", {"a": "1", "b": "2"}))
    await writer.delete(whole)
    assert await writer.exists(whole) is False


async def test_a_target_in_a_namespace_of_its_own_is_looked_for_and_deleted_there(
    remote: Remote, opened: Open
) -> None:
    store = await opened(remote.server.admin_token)
    other = f"{remote.namespace}-too"
    remote.server.ensure_namespace(other)
    there = Target("app", namespace=other)
    await store.push(push("app", {"a": "1"}))
    await store.push(push("app", {"a": "2"}, remoteNamespace=other))
    assert await store.exists(there) is True
    await store.delete(there)
    assert (await store.exists(there), await store.exists(Target("app"))) == (False, True)
    with pytest.raises(Invalid):
        await store.delete(Target("app", namespace="../kube-system"))


async def test_a_push_that_is_not_allowed_or_refused_names_no_value(
    remote: Remote, opened: Open, writer: Store, canary: Canary
) -> None:
    value = canary("refused")
    reader = await opened(remote.account("reader", READER))
    errors = []
    for store, what, error in (
        (reader, push("app", {"k": value}, item="k", name="p"), Denied),
        (writer, push("app", {"k": value}, item="k", name="p", labels={value: "a/b/c"}), Invalid),
        (writer, push("app", {"k": value}, item="k"), Invalid),
        (writer, push("app", {"k": value}, item="k", name="no key"), Invalid),
        (writer, push("app", {"k": value}, item="k", name="p", remoteNamespace="a/b"), Invalid),
        (writer, push("app", {"k": value}, item="k", name="p", remoteNamespace="elsewhere"), Denied),
        (writer, push("app", {"k": value}, item="k", name="p", unknown=value), Invalid),
    ):
        with pytest.raises(error) as caught:
            await store.push(what)
        errors.append(f"{caught.value!r} {caught.value} {caught.value.hint}")
    canary.seen("\n".join(errors), "errors of pushes")


async def test_an_immutable_secret_is_not_pushed_into(remote: Remote, writer: Store) -> None:
    body = {"metadata": {"name": "fixed"}, "immutable": True}
    remote.server.request("POST", remote.path, body)
    with pytest.raises(Invalid, match="status 422"):
        await writer.push(push("fixed", {"k": "v"}, item="k", name="p"))


async def test_a_namespace_that_is_gone_is_said(remote: Remote, opened: Open) -> None:
    store = await opened(remote.server.admin_token, remoteNamespace="not-there")
    assert isinstance(await one(store, Reference("app")), NotFound)
    with pytest.raises(Invalid, match="there is no such namespace"):
        await store.push(push("app", {"k": "v"}, item="k", name="p"))
