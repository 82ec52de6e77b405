"""The webhook store against real HTTP servers on loopback, which a test lets it reach."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import trustme

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, Throttled, Unavailable
from sealbridge.secret import Secret, Value
from sealbridge.stores.addresses import AddressGuard
from sealbridge.stores.base import Push, Reference, Search, Store, Target
from sealbridge.stores.reach import LOCAL, Reach
from sealbridge.stores.registry import open_store
from tests.canary import Canary
from tests.servers.odd import Request, odd_server
from tests.servers.resolver import DictResolver

Open = Callable[..., Awaitable[Store]]
APP = Reference("app", version="v1", property="p/q")
LABELS = {"external-secrets.io/type": "webhook"}


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Opens stores that may reach loopback, and closes them afterwards."""
    stores: list[Store] = []

    async def open_(
        url: str,
        known: dict[str, str | bytes] | None = None,
        /,
        *,
        reach: Reach = LOCAL,
        labels: dict[str, str] = LABELS,
        **config: Any,
    ) -> Store:
        pem = config.pop("ca_map", None)
        resolver = DictResolver(known, {"ca/crt": pem} if pem else None, labels=labels, namespace="shop")
        stores.append(await open_store("webhook", {"url": url, **config}, resolver, reach=reach))
        return stores[-1]

    yield open_
    for store in stores:
        await store.close()


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    """Set when the test ends, so that a handler that waits goes."""
    event = threading.Event()
    yield event
    event.set()


async def one(store: Store, reference: Reference = APP) -> Value | StoreError:
    return (await store.fetch([reference]))[reference]


def echo(request: Request) -> None:
    """What came in, as JSON."""
    seen = {
        "method": request.command,
        "path": request.path,
        "headers": {name.lower(): text for name, text in request.headers.items()},
        "body": base64.b64encode(request.content).decode(),
    }
    request.reply(json.dumps(seen).encode())


def says(status: int, body: bytes = b"", **headers: str) -> Callable[[Request], None]:
    return lambda request: request.reply(body, status=status, **headers)


async def echoed(store: Store, reference: Reference = APP) -> dict[str, Any]:
    found = await one(store, reference)
    assert isinstance(found, Value), found
    seen: dict[str, Any] = json.loads(found.reveal())
    return seen


async def test_url_headers_and_body_are_templates(opened: Open, canary: Canary) -> None:
    password = canary("password")
    with odd_server(echo) as server:
        store = await opened(
            server.url + "/v1/{{ .remoteRef.namespace }}/{{ .remoteRef.key }}"
            "?v={{ .remoteRef.version }}&p={{ .remoteRef.property }}\n",
            {"cred/user": "ann", "cred/password": password},
            method="POST",
            headers={
                "Authorization": 'Basic {{ print .auth.user ":" .auth.password | b64enc }}',
                "X-Key": "{{ .remoteRef.key }}",
            },
            body='{"key": {{ .remoteRef.key | toJson }}, "p": "{{ .auth.password }}"}',
            secrets=[{"name": "auth", "secretRef": {"name": "cred"}}],
        )
        seen = await echoed(store, Reference("a/b c&d=é", version="v1", property="p/q"))
    assert (seen["method"], seen["path"]) == ("POST", "/v1/shop/a%2Fb+c%26d%3D%C3%A9?v=v1&p=p%2Fq")
    basic = base64.b64encode(f"ann:{password}".encode()).decode()
    assert seen["headers"]["authorization"] == f"Basic {basic}"
    assert json.loads(base64.b64decode(seen["body"])) == {"key": "a/b c&d=é", "p": password}
    assert "content-type" not in seen["headers"]


async def test_a_result_is_what_stands_at_a_path_that_is_a_template(opened: Open) -> None:
    with odd_server(says(200, b'{"app": {"user": "ann", "id": 12345678901234567890}}')) as server:
        whole = await opened(server.url)
        part = await opened(server.url, result={"jsonPath": "$.{{ .remoteRef.key }}"})
        leaf = await opened(server.url, result={"jsonPath": "$.app.{{ .remoteRef.property }}"})
        assert await one(whole) == Value(b'{"app": {"user": "ann", "id": 12345678901234567890}}')
        assert await one(part) == Value(b'{"id":12345678901234567890,"user":"ann"}')
        ident, other = Reference("app", property="id"), Reference("app", property="zz")
        results = await leaf.fetch([ident, other])
        assert results[ident] == Value(b"12345678901234567890")
        missing = results[other]
        assert isinstance(missing, NotFound)
        assert missing.missing == "property"
        # One URL without a property in it: one request for both.
        assert len(server.requests) == 3


async def test_values_that_are_no_text_come_and_go_to_the_byte(opened: Open, canary: Canary) -> None:
    raw = canary.bytes("raw")
    got: list[bytes] = []

    def keep(request: Request) -> None:
        got.append(request.content)
        request.reply(raw)

    with odd_server(keep) as server:
        store = await opened(server.url)
        assert await one(store) == Value(raw)
        source = Secret(name="source", items={"k": Value(raw)})
        await store.push(Push(target=Target("app"), source=source, item="k"))
        templated = await opened(server.url, body="{{ index .remoteRef .remoteRef.remoteKey }}")
        await templated.push(Push(target=Target("app"), source=source, item="k"))
    assert got == [b"", raw, raw]


@pytest.mark.parametrize(
    ("answer", "error", "what"),
    [
        (says(404), NotFound, "has no secret 'app'"),
        (says(401), Denied, "does not accept the credentials"),
        (says(403), Denied, "forbids it"),
        (says(429), Throttled, "asks for fewer requests"),
        (says(500), Unavailable, "failed with status 500"),
        (says(503), Unavailable, "failed with status 503"),
        (says(408), Unavailable, "failed with status 408"),
        (says(400), Invalid, "refuses the request with status 400"),
        (says(304), Invalid, "nothing has changed, but there was no answer before"),
        (says(302), Invalid, "status 302"),
        (lambda request: request.wfile.write(b"nonsense\r\n\r\n"), Unavailable, "cannot reach"),
        (lambda request: request.connection.close(), Unavailable, "cannot reach"),
        (
            lambda request: request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ncut off"),
            Unavailable,
            "the connection broke",
        ),
    ],
)
async def test_every_answer_is_one_of_the_five_errors(
    opened: Open, answer: Callable[[Request], object], error: type[StoreError], what: str
) -> None:
    def once(request: Request) -> None:
        answer(request)
        request.close_connection = True

    with odd_server(once) as server:
        found = await one(await opened(server.url))
    assert type(found) is error, found
    assert what in str(found)


@pytest.mark.parametrize(("status", "error"), [(429, Throttled), (503, Unavailable)])
async def test_the_pause_that_a_server_asks_for_is_told(
    opened: Open, status: int, error: type[StoreError]
) -> None:
    with odd_server(says(status, Retry_After="7")) as server:
        found = await one(await opened(server.url))
    assert isinstance(found, error)
    assert found.retry_after == 7


async def test_an_answer_without_end_is_cut_off(opened: Open) -> None:
    def endless(request: Request) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(40):
            request.wfile.write(b" " * 1024 * 1024)

    with odd_server(endless) as server:
        found = await one(await opened(server.url))
    assert isinstance(found, Invalid)
    assert "more than 16 MiB" in found.what


@pytest.mark.parametrize("drips", [False, True])
async def test_a_server_that_takes_its_time_is_given_up(
    opened: Open, ended: threading.Event, drips: bool
) -> None:
    def slow(request: Request) -> None:
        if drips:
            request.send_response(200)
            request.end_headers()
        while not ended.wait(0.05):
            request.wfile.write(b"x" if drips else b"")
            request.wfile.flush()

    with odd_server(slow) as server:
        found = await one(await opened(server.url, timeout="300ms"))
        ended.set()
    assert isinstance(found, Unavailable)
    assert "did not answer within 0.3 s" in found.what


async def test_what_has_not_changed_is_not_sent_again(opened: Open) -> None:
    def tagged(request: Request) -> None:
        if request.headers.get("If-None-Match") == '"one"':
            request.reply(b"", status=304)
        else:
            request.reply(b"value of " + request.path.encode(), ETag='"one"')

    with odd_server(tagged) as server:
        store = await opened(server.url + "/{{ .remoteRef.key }}")
        for _ in range(3):
            assert await one(store, Reference("a")) == Value(b"value of /a")
        assert await one(store, Reference("b")) == Value(b"value of /b")
        assert [headers.get("If-None-Match") for _, headers in server.requests] == [
            None,
            '"one"',
            '"one"',
            None,
        ]


async def test_a_condition_of_the_spec_stands(opened: Open) -> None:
    answers = iter([(200, b"first"), (304, b"")])

    def answer(request: Request) -> None:
        status, body = next(answers)
        request.reply(body, status=status)

    with odd_server(answer) as server:
        store = await opened(server.url, headers={"If-Modified-Since": "Mon, 02 Jan 2006 15:04:05 GMT"})
        assert await one(store) == Value(b"first")
        assert await one(store) == Value(b"first")


# Redirects and addresses


async def test_redirects_on_the_same_server_are_followed(opened: Open) -> None:
    def answer(request: Request) -> None:
        if request.path == "/old":
            request.reply(b"", status=307, Location="/new")
        else:
            echo(request)

    with odd_server(answer) as server:
        store = await opened(server.url + "/old", method="POST", body="x", headers={"X-Token": "t"})
        seen = await echoed(store)
    assert (seen["method"], seen["path"], seen["headers"]["x-token"]) == ("POST", "/new", "t")
    assert base64.b64decode(seen["body"]) == b"x"


async def test_no_header_goes_to_another_server(opened: Open) -> None:
    with odd_server(echo) as other:
        for location in (f"{other.url}/x", other.url.replace("127.0.0.1", "localhost"), "http://[::"):
            with odd_server(says(302, Location=location)) as server:
                found = await one(await opened(server.url, headers={"Authorization": "secret"}))
            assert isinstance(found, Denied)
            assert "redirects to another server" in found.what
        assert other.requests == []


async def test_a_circle_of_redirects_ends(opened: Open) -> None:
    with odd_server(says(302, Location="/again")) as server:
        found = await one(await opened(server.url))
        assert len(server.requests) == 6
    assert isinstance(found, Unavailable)
    assert "in a circle" in found.what


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "0", "[::1]"]
)
async def test_loopback_is_out_of_reach_in_whatever_way_it_is_written(opened: Open, host: str) -> None:
    with odd_server(echo) as server:
        port = server.url.rpartition(":")[2]
        store = await opened(f"http://{host}:{port}/", reach=Reach())
        found = await one(store)
        assert isinstance(found, Denied), found
        assert "may not reach" in found.what
        assert found.hint is not None
        assert "--store-allowed-networks" in found.hint
        with pytest.raises(Denied, match="may not reach"):
            await store.check()
        with pytest.raises(Denied):
            await store.delete(Target("x"))
        assert server.connections == 0


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "0.0.0.0"],  # noqa: S104
)
async def test_metadata_services_are_out_of_reach_even_where_loopback_is_not(opened: Open, host: str) -> None:
    found = await one(await opened(f"http://{host}/latest/meta-data", timeout="2s"))
    assert isinstance(found, Denied)


async def test_a_host_that_a_key_makes_is_looked_at_too(opened: Open) -> None:
    with odd_server(echo) as server:
        port = server.url.rpartition(":")[2]
        store = await opened(f"http://{{{{ .remoteRef.key }}}}:{port}/", reach=Reach())
        assert isinstance(await one(store, Reference("localhost")), Denied)
        await store.check()  # there is no server to look at before there is a key
        assert server.connections == 0


async def test_the_last_word_is_had_by_the_address_that_is_connected_to() -> None:
    guard = AddressGuard(Reach(), "https://h")
    for family, where in ((socket.AF_INET, ("127.0.0.1", 80)), (socket.AF_INET6, ("::1", 80, 0, 0))):
        with pytest.raises(Denied):
            guard.socket((family, socket.SOCK_STREAM, 0, "", where))
    guard.socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 80))).close()


async def test_the_environments_proxy_and_passwords_are_not_used(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with odd_server(echo) as server, odd_server(echo) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        await echoed(await opened(server.url))
        assert proxy.requests == []


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_a_server_is_trusted_by_bundle_or_provider_and_by_nothing_else(
    opened: Open, authority: trustme.CA, tls: ssl.SSLContext
) -> None:
    pem = authority.cert_pem.bytes().decode()
    encoded = base64.b64encode(pem.encode()).decode()
    provider = {"type": "ConfigMap", "name": "ca", "key": "crt"}
    with odd_server(echo, tls=tls) as server:
        for config in ({"caBundle": pem}, {"caBundle": encoded}, {"caProvider": provider, "ca_map": pem}):
            assert (await echoed(await opened(server.url, **config)))["method"] == "GET"
        for config in ({}, {"caBundle": trustme.CA().cert_pem.bytes().decode()}):
            found = await one(await opened(server.url, **config))
            assert isinstance(found, Unavailable)
            assert "no trusted TLS connection" in found.what
        name = server.url.replace("127.0.0.1", "localhost")
        assert isinstance(await one(await opened(name, caBundle=pem)), Unavailable)


# Checking, pushing, what cannot be


async def test_check_connects_and_sends_nothing(opened: Open) -> None:
    with odd_server(echo) as server:
        store = await opened(server.url + "/{{ .remoteRef.key }}")
        await store.check()
        assert server.requests == []
    with pytest.raises(Unavailable, match="cannot reach"):
        await store.check()
    with pytest.raises(Unavailable, match="cannot be resolved"):
        await (await opened("http://nobody.invalid/")).check()


async def test_a_push_posts_and_a_deletion_deletes(opened: Open, canary: Canary) -> None:
    value = canary("pushed")
    got: list[tuple[str, str, bytes]] = []

    def keep(request: Request) -> None:
        got.append((request.command, request.path, request.content))
        request.reply(b"", status=404 if request.command == "DELETE" and "gone" in request.path else 204)

    source = Secret(name="source", items={"k": Value(value.encode()), "l": Value(b"<2>")})
    with odd_server(keep) as server:
        url = server.url + "/{{ .remoteRef.remoteKey }}?p={{ .remoteRef.property }}"
        body = '{"{{ .remoteRef.secretKey }}": "{{ index .remoteRef .remoteRef.remoteKey }}"}'
        plain, templated = await opened(url), await opened(url, body=body, method="PUT")
        assert await plain.push(Push(target=Target("a b", "x"), source=source, item="k")) is True
        assert await plain.push(Push(target=Target("all"), source=source)) is True
        assert await templated.push(Push(target=Target("one"), source=source, item="k")) is True
        for key in ("one", "gone"):
            await templated.delete(Target(key))
    assert got == [
        ("POST", "/a+b?p=x", value.encode()),
        ("POST", "/all?p=", json.dumps({"k": value, "l": "<2>"}, separators=(",", ":")).encode()),
        ("PUT", "/one?p=", f'{{"k": "{value}"}}'.encode()),
        ("DELETE", "/one?p=", b""),
        ("DELETE", "/gone?p=", b""),
    ]


async def test_a_push_or_deletion_that_fails_says_so(opened: Open) -> None:
    source = Secret(name="source", items={"k": Value(b"v")})
    push = Push(target=Target("a"), source=source, item="k")
    for status, error in ((403, Denied), (404, Invalid), (500, Unavailable), (429, Throttled)):
        with odd_server(says(status)) as server:
            store = await opened(server.url)
            with pytest.raises(error):
                await store.push(push)
            if status != 404:
                with pytest.raises(error):
                    await store.delete(Target("a"))


async def test_what_a_webhook_cannot_do_is_said(opened: Open) -> None:
    store = await opened("http://127.0.0.1:1")
    with pytest.raises(Invalid, match="find is not supported"):
        await store.find(Search())
    with pytest.raises(Invalid, match="cannot tell what exists"):
        await store.exists(Target("a"))
    assert isinstance(await one(store, Reference("a", metadata=True)), Invalid)
    push = Push(target=Target("a"), source=Secret(name="s"), metadata={"x": 1})
    with pytest.raises(Invalid, match="takes no metadata"):
        await store.push(push)


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"url": "ftp://host"}, "url: it does not render to an http or https URL"),
        ({"url": "http://"}, "url: it does not render"),
        ({"url": "http://h:99999"}, "url: it does not render"),
        ({"url": "http://h/\x01"}, "url: it has control characters"),
        ({"url": "http://h/v1/{{ .remoteRef.key }}/x", "_key": ".."}, "url: its path has a segment"),
        ({"url": "http://h/v1/%2e%2E/x"}, "url: its path has a segment"),
        ({"url": "http://h/{{ .remoteRef.zz }}"}, "spec.provider.webhook.url"),
        ({"url": "http://h/{{ .nobody.x }}"}, "spec.provider.webhook.url"),
        ({"url": "http://h/{{"}, "spec.provider.webhook.url"),
        ({"url": "http://h", "headers": {"X": "{{ .remoteRef.key }}"}, "_key": "a\nB: c"}, "headers.X"),
        ({"url": "http://h", "body": "{{ fail .remoteRef.key }}"}, "spec.provider.webhook.body"),
    ],
)
async def test_a_request_that_cannot_be_made_is_refused_by_its_field(
    opened: Open, config: dict[str, Any], error: str
) -> None:
    url, key = config.pop("url"), config.pop("_key", "app")
    found = await one(await opened(url, **config), Reference(key))
    assert isinstance(found, Invalid), found
    assert error in str(found)


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"auth": {"ntlm": {"usernameSecret": {}}}}, "auth: auth method ntlm is not supported"),
        ({"method": "get it"}, "method: not a method of HTTP"),
        ({"headers": {"a b": "x"}}, "headers: a name of a header"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "headers.Transfer-Encoding: this header"),
        ({"timeout": "soon"}, "timeout: not a duration"),
        ({"timeout": "0s"}, "timeout: must be more than 0"),
        ({"timeout": "1h"}, "timeout: must be more than 0 and at most 60s"),
        ({"secrets": [{"name": "remoteRef", "secretRef": {"name": "x"}}]}, "secrets: remoteRef is a name"),
        ({"secrets": [{"name": "x"}]}, "secrets[0]: object missing required field"),
        ({"unknown": 1}, "unknown: there is no such field"),
        ({"caBundle": "x"}, "caBundle: neither a certificate"),
    ],
)
async def test_a_bad_spec_is_refused_by_its_field(opened: Open, config: dict[str, Any], error: str) -> None:
    with pytest.raises(Invalid) as caught:
        await opened("http://h", **config)
    assert error in str(caught.value)


async def test_a_secret_without_the_label_is_not_given_to_templates(opened: Open) -> None:
    secrets = [{"name": "auth", "secretRef": {"name": "cred"}}]
    for labels in ({}, {"external-secrets.io/type": "other"}):
        with pytest.raises(Denied, match='the Secret "cred" may not be used by webhooks') as caught:
            await opened("http://h", {"cred/k": "v"}, labels=labels, secrets=secrets)
        assert caught.value.hint is not None
        assert "external-secrets.io/type=webhook" in caught.value.hint


async def test_no_value_and_no_url_is_in_an_error_whatever_happens(opened: Open, canary: Canary) -> None:
    token = canary("token")
    secrets = [{"name": "auth", "secretRef": {"name": "cred"}}]
    texts = []

    def spill(request: Request) -> None:
        request.reply(request.path.encode(), status=500, Location=f"http://other/{token}")

    with odd_server(spill) as server, odd_server(says(302, Location=f"http://{token}/")) as elsewhere:
        port = server.url.rpartition(":")[2]
        for url in (
            server.url + "/{{ .auth.token }}",
            f"http://ann:{{{{ .auth.token }}}}@127.0.0.1:{port}/",
            "http://{{ .auth.token }}.invalid/",
            "{{ .auth.token }}",
            "http://h:{{ .auth.token }}/",
            "http://127.0.0.1:1/{{ .auth.token }}",
            elsewhere.url,
            server.url + "/{{ .auth.token }}/../x",
            server.url + "/{{ fail .auth.token }}",
            server.url + "/{{ .auth.token | toDate }}",
        ):
            store = await opened(
                url, {"cred/token": token}, secrets=secrets, headers={"X": "{{ .auth.token }}"}
            )
            found = await one(store)
            assert isinstance(found, StoreError)
            texts.append(f"{found!r} {found} {found.hint} {store!r}")
            try:
                await store.check()
            except StoreError as error:
                texts.append(f"{error!r} {error} {error.hint}")
    canary.seen("\n".join(texts), "errors of webhooks")
    assert "/../" not in "".join(texts)
