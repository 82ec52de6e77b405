"""Every way to log in to a real OpenBao, and the life of the tokens that come of it."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import hvac
import pytest
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sealbridge.errors import ClusterError, Denied, Invalid, NotFound, StoreError, Throttled, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.base import Reference, Store
from sealbridge.stores.registry import open_store
from sealbridge.stores.vault import login
from tests.canary import Canary
from tests.servers.apiserver import ApiServer
from tests.servers.odd import Request, odd_server
from tests.servers.openbao import DevOpenBao, OpenBao, RaftOpenBao
from tests.servers.resolver import DictResolver

Open = Callable[..., Awaitable[Store]]
KEY = Reference("app", property="k")


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    stores: list[Store] = []

    async def open_(server: OpenBao, auth: dict[str, Any], resolver: DictResolver, **config: Any) -> Store:
        if server.ca_file is not None:
            config.setdefault("caBundle", server.ca_file.read_text())
        given = {"server": server.url, "path": "secret", "auth": auth, **config}
        stores.append(await open_store("vault", given, resolver))
        return stores[-1]

    yield open_
    for store in stores:
        await store.close()


class Methods:
    """Auth methods of a server under names of the test's own, with a policy that reads `secret/app`."""

    def __init__(self, server: OpenBao) -> None:
        self.server = server
        self.client = server.client()
        self.client.sys.create_or_update_policy("app", 'path "secret/data/app" { capabilities = ["read"] }')
        self.client.secrets.kv.v2.create_or_update_secret("app", secret={"k": "v"}, mount_point="secret")

    def mount(self, kind: str) -> str:
        path = f"{kind}-{secrets.token_hex(4)}"
        self.client.sys.enable_auth_method(kind, path=path)
        return path

    def app_role(self, **options: Any) -> tuple[str, str, str]:
        """Mount, role id and secret id."""
        path = self.mount("approle")
        options = {"token_policies": ["app"], "token_ttl": "1h", **options}
        self.client.write_data(f"auth/{path}/role/r", data=options)
        role = self.client.read(f"auth/{path}/role/r/role-id")["data"]["role_id"]
        secret = self.client.write_data(f"auth/{path}/role/r/secret-id")["data"]["secret_id"]
        return path, role, secret

    def accessors(self) -> set[str]:
        """Of every token that lives."""
        return set(self.client.auth.token.list_accessors()["data"]["keys"])

    def live(self, path: str) -> list[dict[str, Any]]:
        """What is known of the tokens that a method has given out and that still live."""
        found = []
        for accessor in self.accessors():
            try:
                data = self.client.auth.token.lookup_accessor(accessor)["data"]
            except (hvac.exceptions.Forbidden, hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest):
                continue  # gone since the list was made
            if data["path"].startswith(f"auth/{path}/"):
                found.append(data)
        return found

    def revoke(self, path: str) -> None:
        for token in self.live(path):
            self.client.auth.token.revoke_accessor(token["accessor"])


@pytest.fixture
def methods(openbao: DevOpenBao) -> Methods:
    return Methods(openbao)


async def read(store: Store) -> Value | StoreError:
    return (await store.fetch([KEY]))[KEY]


async def refused(store: Store) -> Denied:
    """The error of a store that cannot log in, which reads and checks give alike."""
    found = await read(store)
    assert isinstance(found, Denied), found
    with pytest.raises(Denied) as caught:
        await store.check()
    assert caught.value.credentials
    return caught.value


def app_role(path: str, role: str) -> dict[str, Any]:
    return {"appRole": {"path": path, "roleId": role, "secretRef": {"name": "auth", "key": "secret"}}}


async def test_app_role_logs_in_with_the_role_given_or_pointed_to(
    opened: Open, openbao: DevOpenBao, methods: Methods
) -> None:
    path, role, secret = methods.app_role()
    resolver = DictResolver({"auth/secret": f"{secret}\n", "auth/role": f"{role}\n"})
    store = await opened(openbao, app_role(path, role), resolver)
    await store.check()
    assert await read(store) == Value(b"v")
    pointed = app_role(path, "")
    pointed["appRole"]["roleRef"] = {"name": "auth", "key": "role"}
    assert await read(await opened(openbao, pointed, resolver)) == Value(b"v")


async def test_a_wrong_secret_id_is_denied_said_once_and_does_not_hammer(
    opened: Open, openbao: DevOpenBao, methods: Methods, canary: Canary
) -> None:
    path, role, _ = methods.app_role()
    wrong = canary("wrong secret id")
    store = await opened(openbao, app_role(path, role), DictResolver({"auth/secret": wrong}))
    error = await refused(store)
    assert error.what == "the login by appRole is refused: invalid role or secret ID"
    assert wrong not in f"{error!r} {error} {error.hint}"
    asked = []

    def answer(request: Request) -> None:
        asked.append(request.path)
        request.reply(b'{"errors":["no"]}', status=400)

    with odd_server(answer) as server:
        config = {"server": server.url, "path": "kv", "auth": app_role(path, role)}
        store = await open_store("vault", config, DictResolver({"auth/secret": wrong}))
        for _ in range(5):
            assert isinstance(await read(store), Denied)
        assert asked == [f"/v1/auth/{path}/login"]
        with pytest.raises(Denied):
            await store.check()  # which is how a correction on the server is noticed
        assert len(asked) == 2
        await store.close()


async def test_an_answer_that_repeats_a_credential_is_not_quoted(canary: Canary) -> None:
    secret = canary("echoed secret id")
    echo = json.dumps({"errors": [f"no such secret id {secret}"]}).encode()
    with odd_server(lambda request: request.reply(echo, status=400)) as server:
        config = {"server": server.url, "path": "kv", "auth": app_role("approle", "r")}
        store = await open_store("vault", config, DictResolver({"auth/secret": secret}))
        found = await read(store)
        await store.close()
    assert isinstance(found, Denied)
    assert found.what == "the login by appRole is refused with status 400"


async def test_a_wrapped_secret_id_is_unwrapped_once_and_known_to_every_opening(
    opened: Open, openbao: DevOpenBao, methods: Methods
) -> None:
    path, role, _ = methods.app_role()
    wrapped = methods.client.write_data(f"auth/{path}/role/r/secret-id", wrap_ttl="5m")
    resolver = DictResolver({"auth/secret": json.dumps(wrapped)})
    for _ in range(2):
        store = await opened(openbao, app_role(path, role), resolver)
        assert await read(store) == Value(b"v")
    methods.revoke(path)
    assert await read(store) == Value(b"v")


async def test_a_wrapped_secret_id_that_somebody_has_read_or_exchanged_is_refused(
    opened: Open, openbao: DevOpenBao, methods: Methods
) -> None:
    path, role, _ = methods.app_role()
    taken = methods.client.write_data(f"auth/{path}/role/r/secret-id", wrap_ttl="5m")
    methods.client.sys.unwrap(taken["wrap_info"]["token"])
    store = await opened(openbao, app_role(path, role), DictResolver({"auth/secret": json.dumps(taken)}))
    assert "was unwrapped already, or has expired" in (await refused(store)).what
    forged = methods.client.write_data("sys/wrapping/wrap", data={"secret_id": "mine"}, wrap_ttl="5m")
    store = await opened(openbao, app_role(path, role), DictResolver({"auth/secret": json.dumps(forged)}))
    assert "is not a secret id of this AppRole" in (await refused(store)).what


@pytest.mark.parametrize("method", ["userPass", "ldap"])
async def test_user_and_password_log_in(
    opened: Open, openbao: DevOpenBao, methods: Methods, method: str
) -> None:
    # OpenBao comes without ldap, whose logins are those of userpass on another mount.
    path, password = methods.mount("userpass"), secrets.token_hex(8)
    methods.client.write_data(f"auth/{path}/users/ann", data={"password": password, "token_policies": "app"})
    auth = {method: {"path": path, "username": "ann", "secretRef": {"name": "auth", "key": "secret"}}}
    store = await opened(openbao, auth, DictResolver({"auth/secret": f"{password}\n"}))
    assert await read(store) == Value(b"v")
    wrong = await opened(openbao, auth, DictResolver({"auth/secret": "wrong"}))
    assert f"the login by {method} is refused" in (await refused(wrong)).what


class Accounts(DictResolver):
    """Tokens of service accounts, and of the pod that we run in, made by the test."""

    def __init__(self, make: Callable[[str, Sequence[str]], str], **options: Any) -> None:
        super().__init__(**options)
        self.make = make
        self.asked: list[tuple[str, str, tuple[str, ...], int]] = []

    async def service_account_token(
        self, name: str, *, namespace: str = "", audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        self.asked.append((name, namespace, tuple(audiences), expiration_seconds))
        return Value(self.make(name, audiences).encode())

    async def own_token(self) -> Value:
        return Value(self.make("own", ()).encode())


def signed(claims: dict[str, Any], key: rsa.RSAPrivateKey) -> str:
    """A JWT of RS256."""
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    text = ".".join(map(encoded, parts))
    return f"{text}.{encoded(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def signer() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


async def test_a_jwt_logs_in_from_a_secret_and_made_for_a_service_account(
    opened: Open, openbao: DevOpenBao, methods: Methods, signer: rsa.RSAPrivateKey
) -> None:
    path = methods.mount("jwt")
    public = signer.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    methods.client.write_data(
        f"auth/{path}/config", data={"jwt_validation_pubkeys": [public.decode()], "bound_issuer": "us"}
    )
    role = {
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_audiences": ["vault", "other"],
        "token_policies": "app",
    }
    methods.client.write_data(f"auth/{path}/role/r", data=role)

    def made(name: str, audiences: Sequence[str]) -> str:
        now = int(time.time())
        times = {"iat": now, "nbf": now, "exp": now + 600}
        claims = {"iss": "us", "sub": name, "aud": list(audiences), **times}
        return signed(claims, signer)

    resolver = Accounts(
        made, secrets={"auth/jwt": made("x", ["vault"]), "auth/bad": made("x", ["elsewhere"])}
    )

    def auth(**source: Any) -> dict[str, Any]:
        return {"jwt": {"path": path, "role": "r", **source}}

    pointed = auth(secretRef={"name": "auth", "key": "jwt"})
    assert await read(await opened(openbao, pointed, resolver)) == Value(b"v")
    bad = await refused(await opened(openbao, auth(secretRef={"name": "auth", "key": "bad"}), resolver))
    assert "the login by jwt is refused" in bad.what
    account = {"serviceAccountRef": {"name": "sa", "audiences": ["other"]}}
    store = await opened(openbao, auth(kubernetesServiceAccountToken=account), resolver)
    assert await read(store) == Value(b"v")
    assert resolver.asked == [("sa", "", ("other", "vault"), 600)]
    account = {"serviceAccountRef": {"name": "sa"}, "audiences": ["other"], "expirationSeconds": 900}
    store = await opened(openbao, auth(kubernetesServiceAccountToken=account), resolver)
    assert await read(store) == Value(b"v")
    assert resolver.asked[1] == ("sa", "", ("other",), 900)


async def test_kubernetes_logs_in_with_tokens_of_service_accounts(
    opened: Open, openbao: DevOpenBao, methods: Methods, apiserver: ApiServer, namespace: str
) -> None:
    apiserver.ensure_service_account(namespace, "app")
    apiserver.ensure_service_account(namespace, "stranger")
    apiserver.kubectl(
        "create", "clusterrolebinding", f"review-{namespace}", "--clusterrole=system:auth-delegator",
        f"--group=system:serviceaccounts:{namespace}",
    )  # fmt: skip
    path = methods.mount("kubernetes")
    config = {
        "kubernetes_host": apiserver.url,
        "kubernetes_ca_cert": apiserver.ca_file.read_text(),
        "disable_local_ca_jwt": True,
    }
    methods.client.write_data(f"auth/{path}/config", data=config)
    methods.client.write_data(
        f"auth/{path}/role/r",
        data={
            "bound_service_account_names": "app",
            "bound_service_account_namespaces": namespace,
            "token_policies": "app",
        },
    )
    token = apiserver.token_for(namespace, "app")
    resolver = Accounts(
        lambda name, audiences: apiserver.token_for(namespace, "app" if name == "own" else name),
        secrets={"auth/token": token},
    )

    def auth(**source: Any) -> dict[str, Any]:
        return {"kubernetes": {"mountPath": path, "role": "r", **source}}

    account = await opened(openbao, auth(serviceAccountRef={"name": "app"}), resolver)
    assert await read(account) == Value(b"v")
    assert resolver.asked == [("app", "", (), 600)]
    assert await read(await opened(openbao, auth(secretRef={"name": "auth"}), resolver)) == Value(b"v")
    assert await read(await opened(openbao, auth(), resolver)) == Value(b"v")
    stranger = await opened(openbao, auth(serviceAccountRef={"name": "stranger"}), resolver)
    assert "the login by kubernetes is refused" in (await refused(stranger)).what


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ClusterError("forbidden", status=403), Denied),
        (ClusterError("down", retryable=True), Unavailable),
    ],
)
async def test_a_token_that_the_cluster_does_not_give_is_named_with_its_class(
    opened: Open, openbao: DevOpenBao, error: ClusterError, kind: type[StoreError]
) -> None:
    def fail(name: str, audiences: Sequence[str]) -> str:
        raise error

    auth = {"kubernetes": {"role": "r", "serviceAccountRef": {"name": "sa"}}}
    found = await read(await opened(openbao, auth, Accounts(fail)))
    assert type(found) is kind
    assert found.what == f'no token of the service account "sa": {error.what}'


async def test_a_client_certificate_logs_in(opened: Open, raft_openbao: RaftOpenBao, tmp_path: Any) -> None:
    raft_openbao.mount_kv("secret", version=2)
    methods = Methods(raft_openbao)
    path, authority = methods.mount("cert"), trustme.CA()
    person = authority.issue_cert("app.example.org", common_name="app.example.org")
    stranger = trustme.CA().issue_cert("app.example.org")
    methods.client.write_data(
        f"auth/{path}/certs/r",
        data={"certificate": authority.cert_pem.bytes().decode(), "token_policies": "app"},
    )
    resolver = DictResolver(
        {
            "good/tls.crt": person.cert_chain_pems[0].bytes(),
            "good/tls.key": person.private_key_pem.bytes(),
            "bad/tls.crt": stranger.cert_chain_pems[0].bytes(),
            "bad/tls.key": stranger.private_key_pem.bytes(),
        }
    )

    def auth(name: str) -> dict[str, Any]:
        pair = {
            "clientCert": {"name": name, "key": "tls.crt"},
            "secretRef": {"name": name, "key": "tls.key"},
        }
        return {"cert": {"path": path, "vaultRole": "r", **pair}}

    assert await read(await opened(raft_openbao, auth("good"), resolver)) == Value(b"v")
    wrong = await opened(raft_openbao, auth("bad"), resolver)
    assert "the login by cert is refused" in (await refused(wrong)).what


async def test_many_reads_share_one_token_and_it_is_revoked_at_the_end(
    opened: Open, openbao: DevOpenBao, methods: Methods
) -> None:
    path, role, secret = methods.app_role()
    store = await opened(openbao, app_role(path, role), DictResolver({"auth/secret": secret}))
    assert set(await asyncio.gather(*(read(store) for _ in range(20)))) == {Value(b"v")}
    assert len(methods.live(path)) == 1
    await store.close()
    assert methods.live(path) == []
    assert isinstance(await read(store), Unavailable)


async def test_a_revoked_token_is_replaced_once_for_all_tasks(
    opened: Open, openbao: DevOpenBao, methods: Methods
) -> None:
    path, role, secret = methods.app_role()
    store = await opened(openbao, app_role(path, role), DictResolver({"auth/secret": secret}))
    for _ in range(3):
        assert set(await asyncio.gather(*(read(store) for _ in range(10)))) == {Value(b"v")}
        assert len(methods.live(path)) == 1
        methods.revoke(path)
    assert await read(store) == Value(b"v")


async def test_a_forbidden_path_costs_no_login(opened: Open, openbao: DevOpenBao, methods: Methods) -> None:
    path, role, secret = methods.app_role()
    store = await opened(openbao, app_role(path, role), DictResolver({"auth/secret": secret}))
    assert await read(store) == Value(b"v")
    (before,) = methods.live(path)
    for _ in range(3):
        found = (await store.fetch([Reference("other")]))[Reference("other")]
        assert isinstance(found, Denied)
        assert not found.credentials
    (after,) = methods.live(path)
    assert after["accessor"] == before["accessor"]


async def test_a_token_that_may_not_look_itself_up_works_and_costs_few_logins(
    opened: Open, openbao: DevOpenBao, methods: Methods
) -> None:
    path, role, secret = methods.app_role(token_no_default_policy=True)
    store = await opened(openbao, app_role(path, role), DictResolver({"auth/secret": secret}))
    await store.check()
    assert await read(store) == Value(b"v")
    for _ in range(5):
        assert isinstance((await store.fetch([Reference("other")]))[Reference("other")], Denied)
    assert len(methods.live(path)) <= 2
    assert await read(store) == Value(b"v")


async def test_a_short_token_is_renewed_and_replaced_before_its_end(
    opened: Open, openbao: DevOpenBao, methods: Methods, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, role, secret = methods.app_role(token_ttl="1h", token_max_ttl="2h")
    now, start = [0.0], asyncio.get_running_loop().time()
    monkeypatch.setattr(login, "_now", lambda: start + now[0])
    store = await opened(openbao, app_role(path, role), DictResolver({"auth/secret": secret}))
    assert await read(store) == Value(b"v")
    (first,) = methods.live(path)
    assert "last_renewal" not in first
    now[0] = 2401.0  # two thirds of an hour
    assert await read(store) == Value(b"v")
    (second,) = methods.live(path)
    assert second["accessor"] == first["accessor"]
    assert second["last_renewal"]
    now[0] = 20_000.0  # long past its end, whatever the server says
    assert await read(store) == Value(b"v")
    assert len(methods.live(path)) == 2
    assert len({token["accessor"] for token in methods.live(path)} - {first["accessor"]}) == 1


async def test_batch_tokens_and_the_namespace_of_a_login_are_honoured(
    opened: Open, openbao: DevOpenBao, methods: Methods
) -> None:
    path, role, secret = methods.app_role(token_type="batch")
    store = await opened(openbao, app_role(path, role), DictResolver({"auth/secret": secret}))
    assert await read(store) == Value(b"v")
    await store.close()
    name = f"ns-{secrets.token_hex(4)}"
    openbao.client().sys.create_namespace(name)
    inside = openbao.client(namespace=name)
    inside.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
    inner = Methods.__new__(Methods)
    inner.server, inner.client = openbao, inside
    inside.sys.create_or_update_policy("app", 'path "secret/data/app" { capabilities = ["read"] }')
    inside.secrets.kv.v2.create_or_update_secret("app", secret={"k": "inner"}, mount_point="secret")
    path, role, secret = inner.app_role()
    auth = app_role(path, role) | {"namespace": name}
    store = await opened(openbao, auth, DictResolver({"auth/secret": secret}), namespace=name)
    await store.check()
    assert await read(store) == Value(b"inner")
    assert isinstance(
        await read(await opened(openbao, app_role(path, role), DictResolver({"auth/secret": secret}))), Denied
    )


async def test_an_outage_at_login_is_unavailable_and_heals(opened: Open, raft_openbao: RaftOpenBao) -> None:
    raft_openbao.mount_kv("secret", version=2)
    methods = Methods(raft_openbao)
    path, role, secret = methods.app_role()
    store = await opened(raft_openbao, app_role(path, role), DictResolver({"auth/secret": secret}))
    raft_openbao.seal()
    sealed = await read(store)
    assert isinstance(sealed, Unavailable)
    assert sealed.what == "the server is sealed"
    raft_openbao.unseal()
    assert await read(store) == Value(b"v")
    raft_openbao.kill()
    assert isinstance(await read(store), Unavailable)
    raft_openbao.start()
    assert isinstance(await read(store), Unavailable)
    raft_openbao.unseal()
    assert await read(store) == Value(b"v")
    assert isinstance((await store.fetch([Reference("none")]))[Reference("none")], (Denied, NotFound))


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind"),
    [
        (429, b"", {"Retry_After": "7"}, Throttled),
        (500, b'{"errors":["internal"]}', {}, Unavailable),
        (503, b'{"errors":["Vault is sealed"]}', {}, Unavailable),
        (200, b"<html>", {}, Unavailable),
        (200, b'{"auth":{}}', {}, Unavailable),
        (200, b'{"auth":{"client_token":"a\\nb"}}', {}, Unavailable),
        (405, b"", {}, Invalid),
        (403, b"", {}, Denied),
    ],
)
async def test_every_answer_to_a_login_has_its_error(
    status: int, body: bytes, headers: dict[str, str], kind: type[StoreError]
) -> None:
    with odd_server(lambda request: request.reply(body, status=status, **headers)) as server:
        config = {"server": server.url, "path": "kv", "auth": app_role("approle", "r")}
        store = await open_store("vault", config, DictResolver({"auth/secret": "x"}))
        found = await read(store)
        await store.close()
        assert [path for path, _ in server.requests] == ["/v1/auth/approle/login"]
    assert type(found) is kind
    assert not isinstance(found, Throttled) or found.retry_after == 7.0


async def test_a_token_outlives_an_outage_in_which_it_cannot_be_renewed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, start, down = [0.0], asyncio.get_running_loop().time(), [False]
    monkeypatch.setattr(login, "_now", lambda: start + now[0])

    def answer(request: Request) -> None:
        if request.path.endswith("/login"):
            auth = {"client_token": "t", "lease_duration": 3600, "renewable": True}
            request.reply(json.dumps({"auth": auth}).encode(), status=503 if down[0] else 200)
        elif "/auth/token/" in request.path:
            request.reply(b"", status=503)
        else:
            request.reply(b'{"data":{"data":{"k":"v"},"metadata":{"version":1}}}')

    with odd_server(answer) as server:
        config = {"server": server.url, "path": "kv", "auth": app_role("approle", "r")}
        store = await open_store("vault", config, DictResolver({"auth/secret": "x"}))
        assert await read(store) == Value(b"v")
        down[0], now[0] = True, 3000.0
        assert await read(store) == Value(b"v")
        now[0] = 3601.0
        assert isinstance(await read(store), Unavailable)
        down[0] = False
        assert await read(store) == Value(b"v")
        await store.close()


async def test_a_token_whose_reader_gave_up_during_the_login_is_revoked_all_the_same() -> None:
    came, go = threading.Event(), threading.Event()

    def answer(request: Request) -> None:
        if request.path.endswith("/login"):
            came.set()
            go.wait(30)
            auth = {"client_token": "late", "lease_duration": 3600, "renewable": True}
            request.reply(json.dumps({"auth": auth}).encode())
        else:
            request.reply(b"", status=204)

    with odd_server(answer) as server:
        config = {"server": server.url, "path": "kv", "auth": app_role("approle", "r")}
        store = await open_store("vault", config, DictResolver({"auth/secret": "x"}))
        reading = asyncio.create_task(read(store))
        await asyncio.to_thread(came.wait, 30)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        go.set()
        await store.close()
        path, headers = server.requests[-1]
    assert path == "/v1/auth/token/revoke-self"
    assert headers["X-Vault-Token"] == "late"


async def test_without_auth_requests_go_as_they_are_to_an_agent_that_logs_in() -> None:
    body = b'{"data":{"data":{"k":"v"},"metadata":{"version":1}}}'
    with odd_server(lambda request: request.reply(body)) as server:
        store = await open_store("vault", {"server": server.url, "path": "kv"}, DictResolver())
        assert await read(store) == Value(b"v")
        ((_, headers),) = server.requests
        await store.close()
    assert "X-Vault-Token" not in headers


async def test_with_read_your_writes_the_state_of_a_cluster_is_sent_back() -> None:
    body = b'{"data":{"data":{"k":"v"},"metadata":{"version":1}}}'
    states = [base64.b64encode(f"v1:one:{n}:{n}:mac".encode()).decode() for n in (2, 9, 3)]
    given = iter([*states, "nonsense", "bm9uc2Vuc2U="])
    with odd_server(lambda request: request.reply(body, X_Vault_Index=next(given))) as server:
        config = {"server": server.url, "path": "kv", "readYourWrites": True}
        store = await open_store("vault", config, DictResolver())
        for _ in range(5):
            assert await read(store) == Value(b"v")
        sent = [headers.get("X-Vault-Index") for _, headers in server.requests]
        await store.close()
    assert sent == [None, states[0], states[1], states[1], states[1]]
