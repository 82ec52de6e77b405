"""The vault store against servers that misbehave: each ends in one of the five errors, in bounded time."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, Throttled, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.base import Reference
from sealbridge.stores.registry import open_store
from sealbridge.stores.vault.transport import LARGEST_RESPONSE, Timeouts, Transport
from tests.canary import Canary
from tests.servers.odd import Request, odd_server
from tests.servers.process import free_ports
from tests.servers.resolver import DictResolver

AUTH = {"tokenSecretRef": {"name": "vault-token", "key": "token"}}
FOUND = b'{"data":{"data":{"k":"v"},"metadata":{"version":1}}}'
HURRY = Timeouts(connect=0.5, read=0.3, total=0.6)


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    """Set when the test ends, so that a handler that waits goes."""
    event = threading.Event()
    yield event
    event.set()


async def fetched(url: str, token: str | None = None, **config: Any) -> Value | StoreError:
    resolver = DictResolver({"vault-token/token": token or "t"})
    store = await open_store("vault", {"server": url, "auth": AUTH, "path": "kv", **config}, resolver)
    try:
        reference = Reference("app", property="k")
        return (await store.fetch([reference]))[reference]
    finally:
        await store.close()


def given_up(url: str, timeouts: Timeouts = HURRY) -> Unavailable:
    """The error of a client in a hurry."""
    options: dict[str, Any] = {"headers": {}, "ca": None, "client_certificate": None, "connections": 1}
    with (
        closing(Transport(url, timeouts=timeouts, **options)) as client,
        pytest.raises(Unavailable) as caught,
    ):
        client.request("get", "kv/data/app")
    return caught.value


def replies(body: bytes, *, status: int = 200, **headers: str) -> Callable[[Request], None]:
    return lambda request: request.reply(body, status=status, **headers)


@pytest.mark.parametrize(
    ("body", "status", "headers", "error", "what"),
    [
        (b"<html>hello</html>", 200, {}, Unavailable, "the answer to a read of kv/data/app is not one of"),
        (b'{"data":{"data":', 200, {}, Unavailable, "the answer to a read of kv/data/app is not one of"),
        (b"[" * 200_000, 200, {}, Unavailable, "the answer to a read of kv/data/app is not one of"),
        (b'{"data":[1]}', 200, {}, Unavailable, "the answer to a read of kv/data/app is not one of"),
        (b'{"data":{"data":NaN}}', 200, {}, Unavailable, "the answer to a read of kv/data/app is not one of"),
        (b'{"data":{"k":"v"}}', 200, {}, NotFound, "there is no secret at kv/data/app"),
        (b'{"data":{"data":"text"}}', 200, {}, Invalid, "kv/data/app is not a path of a KV engine"),
        (b'{"data":{"data":{"k":"\\ud800"}}}', 200, {}, Invalid, "the secret at kv/data/app holds text"),
        (b'{"data":{"data":{"k":"\xff"}}}', 200, {}, Unavailable, "the answer to a read of kv/data/app is"),
        (b'{"errors":[]}', 404, {}, NotFound, "there is no secret at kv/data/app"),
        (b"", 404, {}, NotFound, "there is no secret at kv/data/app"),
        (b'{"errors":["permission denied"]}', 403, {}, Denied, "permission denied to read kv/data/app"),
        (b'{"errors":["permission denied, invalid token"]}', 403, {}, Denied, "the token is not"),
        (b"", 401, {}, Denied, "the server does not accept the token"),
        (b"", 405, {}, Invalid, "kv/data/app cannot be read"),
        (b'{"errors":["bad"]}', 400, {}, Invalid, "refused to read kv/data/app with status 400: bad"),
        (b'{"errors":["a\\n b", 3]}', 500, {}, Unavailable, "the server failed with status 500: a b"),
        (b'{"errors":["' + b"x" * 900 + b'"]}', 502, {}, Unavailable, "status 502: " + "x" * 200 + "..."),
        (b'{"errors":["Vault is sealed"]}', 503, {}, Unavailable, "the server is sealed"),
        (b"not json", 503, {}, Unavailable, "the server failed with status 503"),
        (b"", 412, {}, Unavailable, "the server failed with status 412"),
        (b"", 429, {"Retry_After": "7"}, Throttled, "the server asks for fewer requests"),
    ],
)  # fmt: skip
async def test_every_answer_has_its_error(
    body: bytes, status: int, headers: dict[str, str], error: type[StoreError], what: str
) -> None:
    with odd_server(replies(body, status=status, **headers)) as server:
        found = await fetched(server.url)
    assert type(found) is error
    assert what in found.what


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None), ("-3", None), ("", None)],
)
async def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, seconds: float | None) -> None:
    with odd_server(replies(b"", status=429, Retry_After=header)) as server:
        found = await fetched(server.url)
    assert isinstance(found, Throttled)
    assert found.retry_after == seconds


async def test_a_secret_nested_as_deep_as_can_just_be_read_is_an_answer_too() -> None:
    said: list[str] = []
    for depth in range(860, 1000, 10):
        body = b'{"data":{"data":{"k":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}}}"
        with odd_server(replies(body)) as server:
            said.append(str(await fetched(server.url)))

    assert "the secret at kv/data/app is nested too deeply" in said


async def test_an_endless_answer_is_cut_off() -> None:
    def endless(request: Request) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(100 * LARGEST_RESPONSE))
        request.end_headers()
        while True:
            request.wfile.write(b" " * 1_000_000)

    with odd_server(endless) as server:
        found = await fetched(server.url)
    assert isinstance(found, Invalid)
    assert found.what == f"{server.url} answered with more than 16 MiB"


def test_a_server_that_says_nothing_is_given_up(ended: threading.Event) -> None:
    def silent(request: Request) -> None:
        ended.wait(30)

    with odd_server(silent) as server:
        caught = given_up(server.url)
    assert caught.what == f"{server.url} did not answer within 0.3 s"


def test_a_server_that_drips_its_answer_is_given_up(ended: threading.Event) -> None:
    def dripping(request: Request) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "100000")
        request.end_headers()
        while not ended.wait(0.05):
            request.wfile.write(b" ")
            request.wfile.flush()

    with odd_server(dripping) as server:
        # A drop may be late on a busy machine: only the whole answer is.
        caught = given_up(server.url, Timeouts(connect=30, read=30, total=0.6))
    assert caught.what == f"{server.url} did not finish its answer within 0.6 s"


async def test_an_answer_that_breaks_off_is_unavailable() -> None:
    def breaking(request: Request) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(FOUND)
        request.close_connection = True

    with odd_server(breaking) as server:
        found = await fetched(server.url)
    assert isinstance(found, Unavailable)


async def test_something_that_is_no_http_is_unavailable() -> None:
    with odd_server(lambda request: request.wfile.write(b"SSH-2.0-nonsense\r\n\r\n")) as server:
        found = await fetched(server.url)
    assert isinstance(found, Unavailable)


async def test_a_redirect_to_another_host_is_refused_and_the_token_stays_here(canary: Canary) -> None:
    token = canary("redirected token")
    with (
        odd_server(replies(FOUND)) as elsewhere,
        odd_server(lambda r: r.reply(b"", status=307, Location=elsewhere.url + r.path)) as server,
    ):
        found = await fetched(server.url, token)
        assert elsewhere.requests == []
    assert isinstance(found, Unavailable)
    assert "redirects to another host" in found.what
    assert token not in f"{found!r} {found} {found.hint}"


async def test_a_redirect_on_the_same_host_is_followed_but_not_in_a_circle() -> None:
    def tidy(request: Request) -> None:
        if request.path == "/v1/kv/data/app":
            request.reply(b"", status=301, Location="/v1/kv/data/tidied")
        else:
            request.reply(FOUND)

    with odd_server(tidy) as server:
        assert await fetched(server.url) == Value(b"v")
    with odd_server(lambda r: r.reply(b"", status=301, Location=r.path)) as server:
        found = await fetched(server.url)
    assert isinstance(found, Unavailable)
    assert found.what.endswith("redirects in a circle")


async def test_the_request_carries_token_namespace_and_headers_and_a_prefix_is_kept() -> None:
    with odd_server(replies(FOUND)) as server:
        found = await fetched(
            f"{server.url}/behind/a/proxy/",
            "the-token\n",
            namespace="team",
            headers={"X-Own": "yes"},
            forwardInconsistent=True,
            readYourWrites=True,
        )
        ((path, headers),) = server.requests
    assert found == Value(b"v")
    assert path == "/behind/a/proxy/v1/kv/data/app"
    wanted = {
        "X-Vault-Token": "the-token",
        "X-Vault-Namespace": "team",
        "X-Vault-Request": "true",
        "X-Own": "yes",
        "X-Vault-Inconsistent": "forward-active-node",
    }
    assert {name: headers.get(name) for name in wanted} == wanted
    assert "Authorization" not in headers


async def test_properties_of_one_secret_cost_one_request_and_connections_are_kept() -> None:
    with odd_server(replies(FOUND)) as server:
        resolver = DictResolver({"vault-token/token": "t"})
        store = await open_store("vault", {"server": server.url, "auth": AUTH, "path": "kv"}, resolver)
        references = [Reference("app", property=name) for name in ("k", "x", "y")]
        for _ in range(5):
            await store.fetch(references)
        await store.close()
        assert len(server.requests) == 5
        assert server.connections == 1


async def test_nobody_at_the_address_is_unavailable() -> None:
    (port,) = free_ports(1)
    found = await fetched(f"http://127.0.0.1:{port}")
    assert isinstance(found, Unavailable)
    assert found.what == f"cannot reach http://127.0.0.1:{port}: connection refused"


async def test_a_header_that_cannot_be_sent_is_invalid_and_not_shown(canary: Canary) -> None:
    value = canary("header value")
    with odd_server(replies(FOUND)) as server:
        found = await fetched(server.url, headers={"X-Own": f"{value}\r\nX-More: 1"})
    assert isinstance(found, Invalid)
    assert value not in f"{found!r} {found} {found.hint} {found.__cause__!r}"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_a_client_certificate_is_shown_to_a_server_that_asks(
    authority: trustme.CA, tls: ssl.SSLContext
) -> None:
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    client = authority.issue_cert("client.example.org")
    secrets: dict[str, str | bytes] = {
        "vault-token/token": "t",
        "client/tls.crt": client.cert_chain_pems[0].bytes(),
        "client/tls.key": client.private_key_pem.bytes(),
        "client/other.key": trustme.CA().issue_cert("x.example.org").private_key_pem.bytes(),
    }

    async def asked(url: str, key: str | None) -> Value | StoreError:
        certificate = {
            "certSecretRef": {"name": "client", "key": "tls.crt"},
            "keySecretRef": {"name": "client", "key": key},
        }
        config = {
            "server": url,
            "auth": AUTH,
            "path": "kv",
            "caBundle": authority.cert_pem.bytes().decode(),
            "tls": certificate if key else None,
        }
        store = await open_store("vault", config, DictResolver(secrets))
        reference = Reference("app", property="k")
        found = (await store.fetch([reference]))[reference]
        await store.close()
        return found

    with odd_server(replies(FOUND), tls=tls) as server:
        assert await asked(server.url, "tls.key") == Value(b"v")
        assert isinstance(await asked(server.url, None), Unavailable)
        with pytest.raises(Invalid, match="the client certificate and its key"):
            await asked(server.url, "other.key")


async def test_nothing_but_the_given_ca_is_trusted(
    authority: trustme.CA, tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(authority.cert_pem.bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    stranger = trustme.CA().cert_pem.bytes().decode()
    with odd_server(replies(FOUND), tls=tls) as server:
        assert await fetched(server.url, caBundle=bundle.read_text()) == Value(b"v")
        refused = await fetched(server.url, caBundle=stranger)
        assert isinstance(refused, Unavailable)
        assert refused.what.startswith(f"no trusted TLS connection to {server.url}: ")
        wrong_name = await fetched(server.url.replace("127.0.0.1", "localhost"), caBundle=bundle.read_text())
        assert isinstance(wrong_name, Unavailable)
        assert "hostname mismatch" in wrong_name.what.lower()
        assert server.requests == [server.requests[0]]


async def test_plain_http_behind_an_https_address_is_unavailable() -> None:
    with odd_server(replies(FOUND)) as server:
        found = await fetched(server.url.replace("http://", "https://"))
    assert isinstance(found, Unavailable)
    assert found.what.startswith("no trusted TLS connection to https://127.0.0.1:")


async def test_a_name_that_does_not_resolve_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = await fetched("https://vault.example.org:8200")
    assert isinstance(found, Unavailable)
    assert found.what == "cannot reach https://vault.example.org:8200: its name cannot be resolved"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_fails_is_named_as_such(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    found = await fetched(f"{scheme}://vault.example.org")
    assert isinstance(found, Unavailable)
    assert found.what == f"the proxy to {scheme}://vault.example.org fails"
