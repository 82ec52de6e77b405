"""The operator's HTTP servers on loopback."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from sealbridge.errors import ClusterError, SealbridgeError, UsageError
from sealbridge.manifests import dump_yaml
from sealbridge.operator.endpoints import BODIES_OF_A_CLIENT, MAX_BODY, Limits, main_app, metrics_app
from sealbridge.operator.http import Server
from sealbridge.operator.metrics import Metrics
from sealbridge.operator.requests import KeyRequests
from sealbridge.operator.tls import ServerTls
from sealbridge.sealing import envelope
from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.keys import SealingKey
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import SEALED_WITH, SealedSecret, seal
from sealbridge.secret import Secret, Value
from tests.canary import Canary
from tests.sealing_keys import sealing_key

GENEROUS = Limits(rate=1_000_000, burst=1_000_000)
Manifest = dict[str, Any]


class State:
    """Is what it is told to be."""

    def __init__(self, alive: str | None = None, ready: str | None = None) -> None:
        self._alive, self._ready = alive, ready

    def alive(self) -> str | None:
        return self._alive

    def ready(self) -> str | None:
        return self._ready


class Keys:
    """A source of keyrings; the second one is what a fresh look finds."""

    def __init__(self, *keys: SealingKey, fresh: SealingKey | None = None, problem: str = "") -> None:
        self._now, self._fresh = Keyring(keys), Keyring([*keys, fresh] if fresh else keys)
        self._problem = problem

    async def keyring(self, *, fresh: bool = False) -> Keyring:
        if self._problem:
            raise ClusterError(self._problem)
        return self._fresh if fresh else self._now


class Service:
    """A client at the running server."""

    def __init__(self, address: str, session: aiohttp.ClientSession, metrics: Metrics) -> None:
        self.address, self.metrics = address, metrics
        self._session = session

    async def ask(
        self, path: str, body: Any = None, *, method: str = "", headers: dict[str, str] | None = None
    ) -> tuple[int, str, aiohttp.ClientResponse]:
        data = json.dumps(body) if isinstance(body, dict) else body
        method = method or ("GET" if body is None else "POST")
        async with self._session.request(
            method, f"http://{self.address}{path}", data=data, headers=headers
        ) as answer:
            return answer.status, await answer.text(), answer

    async def post(self, path: str, body: Any, **more: Any) -> tuple[int, str]:
        return (await self.ask(path, body, **more))[:2]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, _, port = self.address.rpartition(":")
        return await asyncio.open_connection(host, int(port))


@asynccontextmanager
async def serving(
    keys: Keys | None = None,
    *,
    state: State | None = None,
    limits: Limits = GENEROUS,
    seconds: float = 30.0,
    accept_whole: bool = True,
    **server: Any,
) -> AsyncIterator[Service]:
    metrics = Metrics()
    with ThreadPoolExecutor(1) as executor:
        requests = KeyRequests(
            keys or Keys(sealing_key()),
            executor,
            seconds=seconds,
            tried=metrics.decrypted,
            accept_whole=accept_whole,
        )
        app = main_app(state or State(), requests, metrics, limits)
        running = Server(app, "127.0.0.1:0", "certificate and health", **server)
        address = await running.start()
        try:
            async with aiohttp.ClientSession() as session:
                yield Service(address, session, metrics)
        finally:
            await running.stop()


def sealed(items: dict[str, str], *, key: SealingKey | None = None, scope: Scope = Scope.STRICT) -> Manifest:
    plain = Secret(
        name="db",
        namespace="shop",
        items={name: Value(text.encode()) for name, text in items.items()},
        labels={"team": "a"},
        annotations={"note": "b"},
    )
    return seal(plain, (key or sealing_key()).certificate, scope).to_manifest()


def opened(manifest: Manifest, *keys: SealingKey) -> dict[str, str]:
    found = unseal_items(SealedSecret.from_manifest(manifest), Keyring(keys))
    return {name: value.reveal().decode() for name, value in found.items()}


# Probes and certificates


@pytest.mark.parametrize(
    ("state", "path", "status", "text"),
    [
        (State(), "/healthz", 200, "ok\n"),
        (State(alive="the watch is dead"), "/healthz", 503, "the watch is dead\n"),
        (State(ready="not yet"), "/healthz", 200, "ok\n"),
        (State(), "/readyz", 200, "ok\n"),
        (State(ready="not yet"), "/readyz", 503, "not yet\n"),
    ],
)
async def test_probes_say_what_is_wrong(state: State, path: str, status: int, text: str) -> None:
    async with serving(state=state) as service:
        code, body, answer = await service.ask(path)
        assert (code, answer.content_type, body) == (status, "text/plain", text)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_the_certificate_is_served_as_upstream_serves_it(method: str) -> None:
    newer = SealingKey.generate(at=sealing_key().not_before.replace(year=2027), bits=2048)
    async with serving(Keys(sealing_key(), newer)) as service:
        code, body, answer = await service.ask("/v1/cert.pem", method=method)
        assert (code, answer.content_type) == (200, "application/x-pem-file")
        assert body.encode() == newer.certificate.pem


@pytest.mark.parametrize("path", ["/v1/cert.pem", "/v1/keys", "/v1/verify", "/healthz", "/nowhere"])
async def test_a_head_request_has_no_body(path: str) -> None:
    async with serving() as service:
        code, _, _ = await service.ask(path)
        assert (await service.ask(path, method="HEAD"))[:2] == (code, "")


async def test_without_a_key_there_is_no_certificate() -> None:
    async with serving(Keys()) as service:
        assert (await service.ask("/v1/cert.pem"))[:2] == (
            500,
            "there is no sealing key with a certificate\n",
        )


async def test_keys_are_listed_without_their_private_half(canary: Canary) -> None:
    newer = SealingKey.generate(at=sealing_key().not_before.replace(year=2027), bits=2048)
    bare = SealingKey.from_pem(sealing_key(3).private_pem.reveal(), None)
    async with serving(Keys(sealing_key(), newer, bare)) as service:
        code, body, answer = await service.ask("/v1/keys")
    assert (code, answer.content_type) == (200, "application/json")
    keys = json.loads(body)["keys"]
    assert [key["fingerprint"] for key in keys] == [
        newer.fingerprint,
        sealing_key().fingerprint,
        bare.fingerprint,
    ]
    assert [key["current"] for key in keys] == [True, False, False]
    assert keys[1] == {
        "fingerprint": sealing_key().fingerprint,
        "current": False,
        "bits": 2048,
        "notBefore": "2026-01-01T00:00:00Z",
        "notAfter": f"{sealing_key().certificate.not_after:%Y-%m-%dT%H:%M:%SZ}",
        "certificate": sealing_key().certificate.pem.decode(),
    }
    assert keys[2]["certificate"] is None
    assert "PRIVATE" not in body


async def test_metrics_are_served() -> None:
    server = Server(metrics_app(Metrics()), "127.0.0.1:0", "metrics")
    address = await server.start()
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://{address}/metrics") as answer:
            assert (answer.status, answer.content_type) == (200, "text/plain")
            assert "sealbridge_decryptions_total 0.0" in await answer.text()
    finally:
        await server.stop()


async def test_an_address_that_is_taken_is_an_error_that_says_so() -> None:
    first = Server(metrics_app(Metrics()), "127.0.0.1:0", "metrics")
    address = await first.start()
    second = Server(metrics_app(Metrics()), address, "metrics")
    try:
        with pytest.raises(SealbridgeError, match="cannot listen") as caught:
            await second.start()
        assert caught.value.hint is not None
    finally:
        await second.stop()
        await first.stop()


# Verify


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("form", ["json", "yaml"])
async def test_what_opens_is_verified(scope: Scope, form: str, canary: Canary) -> None:
    manifest = sealed({"password": canary("verified")}, scope=scope)
    body = json.dumps(manifest) if form == "json" else dump_yaml([manifest])
    async with serving(Keys(sealing_key(1), sealing_key())) as service:
        assert await service.post("/v1/verify", body) == (200, "")


@pytest.mark.parametrize("accept", [True, False])
async def test_the_deprecated_data_is_verified_where_it_is_accepted_and_never_rotated(
    canary: Canary, *, accept: bool
) -> None:
    plain = json.dumps({"kind": "Secret", "data": {}, "stringData": {"a": canary("whole")}}).encode()
    manifest = sealed({"a": "1"})
    manifest["spec"] = {"data": envelope.encode(envelope.seal(plain, sealing_key().certificate, b"shop/db"))}
    async with serving(accept_whole=accept) as service:
        code, _ = await service.post("/v1/verify", manifest)
        assert code == (200 if accept else 500)
        manifest["metadata"]["name"] = "other"
        code, _ = await service.post("/v1/verify", manifest)
        assert code == (409 if accept else 500)
        code, _ = await service.post("/v1/rotate", manifest)
        assert code == 400


def moved(manifest: Manifest) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "name": "other"}}


def wider_in_template(manifest: Manifest) -> Manifest:
    """Claims in the template, which nobody authenticates, what the outer metadata does not say."""
    template = {
        "metadata": {"annotations": Scope.CLUSTER_WIDE.annotations(), "name": "db", "namespace": "shop"}
    }
    return {**moved(manifest), "spec": {**manifest["spec"], "template": template}}


def damaged(manifest: Manifest) -> Manifest:
    text = manifest["spec"]["encryptedData"]["password"]
    broken = text[:-8] + ("A" if text[-8] != "A" else "B") + text[-7:]
    return {**manifest, "spec": {**manifest["spec"], "encryptedData": {"password": broken}}}


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/rotate"])
@pytest.mark.parametrize(
    ("change", "word"),
    [(moved, "WrongKey"), (wider_in_template, "WrongKey"), (damaged, "Corrupt")],
)
async def test_what_does_not_open_is_a_conflict_that_names_the_item(
    path: str, change: Callable[[Manifest], Manifest], word: str, canary: Canary
) -> None:
    body = change(sealed({"password": canary("closed")}))
    async with serving() as service:
        status, text = await service.post(path, body)
    canary.seen(text, "the answer")
    assert (status, text) == (409, f'cannot be opened: "password" {word}\n')


async def test_a_wrong_scope_is_told_like_a_wrong_key(canary: Canary) -> None:
    body = sealed({"password": canary("scope")}, scope=Scope.NAMESPACE_WIDE)
    body["metadata"].pop("annotations")
    async with serving() as service:
        assert await service.post("/v1/verify", body) == (409, 'cannot be opened: "password" WrongKey\n')


async def test_a_key_that_has_just_come_is_found() -> None:
    body = sealed({"a": "1"}, key=sealing_key(2))
    async with serving(Keys(sealing_key(), fresh=sealing_key(2))) as service:
        assert await service.post("/v1/verify", body) == (200, "")


async def test_a_template_is_never_rendered(canary: Canary) -> None:
    body = sealed({"password": canary("templated")})
    body["spec"]["template"]["data"] = {"out": "{{ .password }}", "stop": "{{ fail .password }}"}
    async with serving() as service:
        assert await service.post("/v1/verify", body) == (200, "")
        status, text = await service.post("/v1/rotate", body)
    canary.seen(text, "the answer")
    assert status == 200
    rotated = json.loads(text)
    assert rotated["spec"]["template"] == body["spec"]["template"]
    assert rotated["spec"]["encryptedData"].keys() == {"password"}


MALFORMED = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"\xff\xfe", id="not UTF-8"),
    pytest.param(b"{", id="cut off"),
    pytest.param(b"[]", id="a list"),
    pytest.param(b"{}", id="empty"),
    pytest.param(b'{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"}}', id="a Secret"),
    pytest.param(b'{"a":' * 50_000, id="deep, cut off"),
    pytest.param(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, id="deep"),
    pytest.param(b"[" * 1_000_000, id="a million brackets"),
    pytest.param(b"- " * 500_000, id="deep YAML"),
    pytest.param(b'{"kind":"SealedSecret","kind":"SealedSecret"}', id="a key twice"),
    pytest.param(b"1" * 1_000_000, id="a long number"),
    pytest.param(
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 110)),
        id="a bomb of anchors",
    ),
    pytest.param(b"a: [" + b"a," * 1_500_000 + b"]", id="a million commas"),
    pytest.param(b"---\na: 1\n" * 300_000, id="a hundred thousand documents"),
    pytest.param("- a\u2028".encode() * 500_000, id="line breaks of Unicode"),
    pytest.param(
        b'{"kind":"SealedSecret","apiVersion":"bitnami.com/v1alpha1","metadata":{"name":"a"},'
        b'"spec":{"encryptedData":{"a":1}}}',
        id="a number for an item",
    ),
]


@pytest.mark.parametrize("body", MALFORMED)
async def test_what_is_no_sealed_secret_is_refused(body: bytes) -> None:
    async with serving() as service:
        began = time.process_time()
        status, text = await service.post("/v1/verify", body)
        assert (status, text.count("\n")) == (500, 1)
        assert time.process_time() - began < 3
        assert (await service.post("/v1/rotate", body))[0] == 400
        assert await service.post("/v1/verify", sealed({"a": "1"})) == (200, "")


async def test_the_largest_sealed_secrets_are_taken() -> None:
    for items in ({"a": "x" * 2_200_000}, {str(number): "y" * 200 for number in range(500)}):
        body = sealed(items)
        async with serving() as service:
            for text in (json.dumps(body), json.dumps(body, indent=4), dump_yaml([body])):
                assert await service.post("/v1/verify", text) == (200, "")


async def test_only_one_object_is_taken() -> None:
    two = dump_yaml([sealed({"a": "1"}), sealed({"b": "2"})])
    as_list = {"kind": "List", "apiVersion": "v1", "items": [sealed({"a": "1"})]}
    async with serving() as service:
        for body in (two, json.dumps(as_list)):
            assert (await service.post("/v1/verify", body))[0] == 500
            assert (await service.post("/v1/rotate", body))[0] == 400


async def test_an_answer_is_one_line_however_the_items_are_called() -> None:
    body = sealed({"a": "1"})
    value = body["spec"]["encryptedData"]["a"][:-4] + "AAA="
    names = ["x\r\nX-Evil: 1", "y" * 1000, *map(str, range(100))]
    body["spec"]["encryptedData"] = dict.fromkeys(names, value)
    async with serving() as service:
        status, text, answer = await service.ask("/v1/verify", body)
    assert (status, text.count("\n")) == (409, 1)
    assert "X-Evil" not in answer.headers
    assert text.endswith("92 more\n")
    assert len(text) < 1000


async def test_keys_that_cannot_be_read_are_a_failure_for_now() -> None:
    async with serving(Keys(problem="forbidden")) as service:
        for path in ("/v1/verify", "/v1/rotate", "/v1/keys"):
            status, _, answer = await service.ask(path, sealed({"a": "1"}))
            assert (status, answer.headers["Retry-After"]) == (503, "5")


# Rotate


@pytest.mark.parametrize("scope", Scope)
async def test_rotating_changes_the_ciphertext_and_nothing_else(scope: Scope, canary: Canary) -> None:
    newer = SealingKey.generate(at=sealing_key().not_before.replace(year=2027), bits=2048)
    items = {"password": canary("rotated"), "user": canary("rotated, too")}
    body = sealed(items, scope=scope)
    body["metadata"]["labels"] = {"outer": "1"}
    body["spec"]["template"]["data"] = {"url": "{{ .user }}"}
    body["spec"]["unknown"] = {"kept": True}
    async with serving(Keys(sealing_key(), newer)) as service:
        status, text, answer = await service.ask("/v1/rotate", body)
    assert (status, answer.content_type) == (200, "application/json")
    canary.seen(text, "the answer")
    rotated = json.loads(text)
    assert opened(rotated, newer) == items
    for name in items:
        assert rotated["spec"]["encryptedData"][name] != body["spec"]["encryptedData"][name]
    rotated["spec"]["encryptedData"] = body["spec"]["encryptedData"]
    assert rotated["metadata"]["annotations"].pop(SEALED_WITH) == newer.fingerprint
    body["metadata"]["annotations"].pop(SEALED_WITH)
    assert rotated == body


async def test_rotating_with_the_same_key_seals_every_item_anew() -> None:
    body = sealed({"a": "1"})
    async with serving() as service:
        _, text = await service.post("/v1/rotate", body)
    assert json.loads(text)["spec"]["encryptedData"]["a"] != body["spec"]["encryptedData"]["a"]


# Bounds


async def test_the_fourth_request_at_once_is_refused_and_told_when_to_come_back() -> None:
    body = sealed({"a": "1"})
    async with serving(limits=Limits()) as service:
        for path in ("/v1/verify", "/v1/keys"):
            answers = [await service.ask(path, body) for _ in range(5)]
            codes = [code for code, _, _ in answers]
            assert codes[:3] == [200, 200, 200]
            assert 429 in codes
            _, text, refused = answers[codes.index(429)]
            assert text == "limit exceeded\n"
            assert refused.headers["Retry-After"] == "1"
            assert refused.headers["X-RateLimit-Limit"] == "3"
            assert refused.headers["X-RateLimit-Remaining"] == "0"
            assert int(refused.headers["X-RateLimit-Reset"]) in (1, 2)
            assert answers[0][2].headers["X-RateLimit-Remaining"] == "2"
        assert (await service.ask("/v1/cert.pem"))[0] == 200


async def test_a_whole_repository_can_be_rotated_an_object_a_request() -> None:
    body = sealed({"a": "1"})
    async with serving(limits=Limits()) as service:
        answers = [await service.ask("/v1/rotate", body) for _ in range(100)]
        codes = [code for code, _, _ in answers]
        assert codes[:61] == [200] * 61
        assert answers[0][2].headers["X-RateLimit-Limit"] == "61"
        assert set(codes) <= {200, 429}


async def test_a_forged_header_does_not_get_around_the_limit() -> None:
    async with serving(limits=Limits(rate=1)) as service:
        codes = [
            (await service.ask("/v1/keys", headers={"X-Forwarded-For": f"10.0.0.{number}"}))[0]
            for number in range(6)
        ]
        assert 429 in codes
    async with serving(limits=Limits(rate=1, trusted_proxies=("127.0.0.1",))) as service:
        codes = [
            (await service.ask("/v1/keys", headers={"X-Forwarded-For": f"10.0.0.{number}"}))[0]
            for number in range(6)
        ]
        assert codes == [200] * 6


async def chunks(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(size)


async def test_what_is_larger_than_any_object_is_refused_before_it_is_read() -> None:
    async with serving() as service:
        status, text = await service.post("/v1/verify", bytes(MAX_BODY + 1))
        assert (status, text) == (413, "the request is larger than 3 MiB\n")
        status, _ = await service.post("/v1/verify", bytes(MAX_BODY))
        assert status == 500
        reader, writer = await service.connect()
        writer.write(b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        writer.close()


async def test_nobody_is_told_to_go_on_with_what_is_too_large() -> None:
    async with serving() as service:
        reader, writer = await service.connect()
        head = "POST /v1/verify HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n"
        writer.write(head.format(100 << 20).encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        writer.close()
        reader, writer = await service.connect()
        writer.write(head.format(2).encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 100 ")
        writer.write(b"{}")
        assert await reader.readline() == b"\r\n"
        assert (await reader.readline()).startswith(b"HTTP/1.1 500 ")
        writer.close()


async def test_a_hundred_megabytes_in_pieces_are_not_kept() -> None:
    async with serving() as service:
        try:
            status, _ = await service.post("/v1/verify", chunks(1 << 20, 100))
            assert status == 413
        except aiohttp.ClientError:
            pass  # hung up on while it was sending
        assert await service.post("/v1/verify", sealed({"a": "1"})) == (200, "")


async def test_a_compressed_body_is_not_unpacked() -> None:
    body = gzip.compress(bytes(1 << 28))
    async with serving() as service:
        status, _ = await service.post("/v1/verify", body, headers={"Content-Encoding": "gzip"})
        assert status == 500


async def test_headers_that_trickle_in_are_cut_off() -> None:
    async with serving(idle=0.5) as service:
        reader, writer = await service.connect()
        writer.write(b"POST /v1/verify HTTP/1.1\r\n")
        loop = asyncio.get_running_loop()
        began = loop.time()
        end = asyncio.ensure_future(reader.read())
        while not end.done():
            writer.write(b"X: y\r\n")
            await asyncio.wait([end], timeout=0.05)
        assert loop.time() - began < 5
        writer.close()


async def test_a_body_that_trickles_in_is_cut_off() -> None:
    async with serving(limits=Limits(read_timeout=0.3)) as service:
        reader, writer = await service.connect()
        writer.write(b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_long_and_many_headers_are_refused() -> None:
    async with serving() as service:
        for headers in ({"X": "y" * 10_000}, {f"X-{number}": "y" for number in range(1000)}):
            assert (await service.ask("/v1/keys", headers=headers))[0] == 400


async def test_bodies_that_never_end_leave_room_for_the_certificate_and_health() -> None:
    async with serving() as service:
        lingering = [await service.connect() for _ in range(BODIES_OF_A_CLIENT)]
        for _, writer in lingering:
            writer.write(b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        status = 0
        while status != 503:
            status, _ = await service.post("/v1/verify", sealed({"a": "1"}))
        assert (await service.ask("/healthz"))[0] == 200
        assert (await service.ask("/v1/cert.pem"))[0] == 200
        for _, writer in lingering:
            writer.close()
        while status != 200:
            status, _ = await service.post("/v1/verify", sealed({"a": "1"}))


async def test_who_hoards_connections_loses_his_oldest() -> None:
    async with serving(most=20) as service:
        hoard = [await service.connect() for _ in range(40)]
        assert (await service.ask("/healthz"))[0] == 200
        for reader, _ in hoard[:20]:
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
        for _, writer in hoard:
            writer.close()


async def test_work_with_private_keys_ends_when_its_time_is_up() -> None:
    # They all open: what no key opens is given up early, which may be sooner than the time is up.
    body = sealed({"a": "1"})
    body["spec"]["encryptedData"] = dict.fromkeys(map(str, range(3000)), body["spec"]["encryptedData"]["a"])
    async with serving(seconds=0.3) as service:
        status, _ = await service.post("/v1/verify", body)
        assert status == 503
        assert await service.post("/v1/verify", sealed({"a": "1"})) == (200, "")


# Metrics


async def test_requests_are_counted_under_few_names() -> None:
    async with serving() as service:
        await service.ask("/v1/cert.pem")
        await service.post("/v1/verify", sealed({"a": "1"}))
        await service.post("/v1/verify", b"{}")
        await service.ask("/healthz")
        for number in range(20):
            await service.ask(f"/nowhere/{number}", method="MKCOL" if number % 2 else "LOCK")
        page = service.metrics.page().decode()
    prefix = "sealed_secrets_controller_http_request"
    told = {line for line in page.splitlines() if line.startswith(f"{prefix}s_total")}
    assert told == {
        f'{prefix}s_total{{code="200",method="GET",path="/v1/cert.pem"}} 1.0',
        f'{prefix}s_total{{code="200",method="POST",path="/v1/verify"}} 1.0',
        f'{prefix}s_total{{code="500",method="POST",path="/v1/verify"}} 1.0',
        f'{prefix}s_total{{code="404",method="other",path="other"}} 20.0',
    }
    assert f'{prefix}_duration_seconds_count{{method="POST",path="/v1/verify"}} 2.0' in page


# TLS


def write_pair(folder: Path, authority: trustme.CA, name: str) -> None:
    issued = authority.issue_cert("127.0.0.1", common_name=name)
    issued.private_key_pem.write_to_path(folder / "tls.key")
    (folder / "tls.crt").write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))


async def served_name(address: str, trust: ssl.SSLContext) -> str:
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port), ssl=trust)
    subject = dict(pair[0] for pair in writer.get_extra_info("peercert")["subject"])
    writer.close()
    return str(subject["commonName"])


async def test_tls_serves_the_files_of_the_moment(tmp_path: Path) -> None:
    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    write_pair(tmp_path, authority, "first")
    tls = ServerTls(str(tmp_path / "tls.crt"), str(tmp_path / "tls.key"))
    async with serving(tls=tls.context) as service:
        assert await served_name(service.address, trust) == "first"
        (tmp_path / "tls.crt").write_text("half-writ")
        assert await served_name(service.address, trust) == "first"
        write_pair(tmp_path, authority, "second")
        assert await served_name(service.address, trust) == "second"
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"https://{service.address}/healthz", ssl=trust) as answer,
        ):
            assert await answer.text() == "ok\n"


@pytest.mark.parametrize("content", [None, "", "nonsense"])
def test_tls_files_that_cannot_be_used_are_refused_at_the_start(tmp_path: Path, content: str | None) -> None:
    for name in ("tls.crt", "tls.key"):
        if content is not None:
            (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match="TLS cannot be served"):
        ServerTls(str(tmp_path / "tls.crt"), str(tmp_path / "tls.key"))
