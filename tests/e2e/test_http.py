"""The operator's endpoints with the clients that people have, and under attack, on a real API server."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from kubesealpy.scopes import SealingScope
from kubesealpy.sealer import Sealer

from sealbridge.manifests import dump_yaml
from tests.canary import Canary
from tests.e2e.world import (
    NAMESPACE,
    Manifest,
    World,
    eventually,
    own_address,
    sealed_secret,
    service,
)
from tests.servers.operator import Operator

NODE = Path(__file__).parents[1] / "interop" / "node"
UNHURRIED = ("--rate-limit=1000", "--rate-limit-burst=1000")
_UNSEALED_WITHIN = 5.0  # seconds under attack; alone it is less than one


@pytest.fixture
def unhurried(world: World, namespace: str) -> Iterator[Operator]:
    """An operator that lets everybody ask as often as they like, where an API server can reach it."""
    made = world.operator(*UNHURRIED, f"--listen-addr={own_address()}:0")
    made.start()
    yield made
    assert made.stop() == 0
    world.clear(namespace)


@pytest.fixture
def proxied(world: World, unhurried: Operator) -> Iterator[str]:
    """The path of the operator's Service in the API server's proxy."""
    with service(world, unhurried, NAMESPACE, f"controller-{secrets.token_hex(4)}") as path:
        yield path


def curl(*arguments: str, stdin: str = "") -> tuple[int, str]:
    """Status and body."""
    done = subprocess.run(
        ["curl", "--silent", "--max-time", "60", "--write-out", "\n%{http_code}", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
    )
    body, _, code = done.stdout.rpartition("\n")
    return int(code), body


def decrypt(envelope: str, key: bytes, label: bytes) -> bytes:
    """The format as it is written down, with none of our code."""
    data = base64.b64decode(envelope)
    end = 2 + int.from_bytes(data[:2])
    private = load_pem_private_key(key, None)
    session = private.decrypt(data[2:end], OAEP(MGF1(SHA256()), SHA256(), label))  # type: ignore[union-attr, call-arg]
    return AESGCM(session).decrypt(bytes(12), data[end:], None)


def private_keys(world: World) -> list[bytes]:
    return [items["tls.key"] for items in world.secrets(NAMESPACE).values() if "tls.key" in items]


def test_kubectl_reaches_the_endpoints_through_the_api_server(
    world: World, unhurried: Operator, proxied: str, namespace: str, canary: Canary, tmp_path: Path
) -> None:
    kubectl = world.server.kubectl
    pem = kubectl("get", "--raw", f"{proxied}/v1/cert.pem")
    assert pem.encode() == unhurried.certificate().pem
    value = canary("through the proxy")
    manifest = sealed_secret(unhurried.certificate(), namespace, "db", {"password": value})
    file = tmp_path / "sealed.yaml"
    file.write_text(dump_yaml([manifest]))
    assert kubectl("create", "--raw", f"{proxied}/v1/verify", "-f", file) == ""
    rotated = kubectl("create", "--raw", f"{proxied}/v1/rotate", "-f", file)
    canary.seen(rotated, "what rotate answers")
    kubectl("apply", "-f", "-", stdin=rotated)
    eventually(
        lambda: world.secrets(namespace) == {"db": {"password": value.encode()}}, what="the rotated Secret"
    )
    keys = json.loads(kubectl("get", "--raw", f"{proxied}/v1/keys"))["keys"]
    assert next(key for key in keys if key["current"])["certificate"] == pem


def test_curl_is_answered_as_by_the_controller(
    operator: Operator, world: World, namespace: str, canary: Canary
) -> None:
    value = canary("curl")
    manifest = sealed_secret(operator.certificate(), namespace, "db", {"password": value})
    moved = {**manifest, "metadata": {**manifest["metadata"], "name": "other"}}
    post = ("--data-binary", "@-")
    assert curl(f"{operator.url}/v1/verify", *post, stdin=dump_yaml([manifest])) == (200, "")
    code, text = curl(f"{operator.url}/v1/verify", *post, stdin=json.dumps(moved))
    assert (code, text) == (409, 'cannot be opened: "password" WrongKey\n')
    # Three at once are let through, and this is at least the fourth within a second.
    codes = [curl(f"{operator.url}/v1/verify", *post, stdin=json.dumps(manifest))[0] for _ in range(20)]
    assert 429 in codes
    code, text = curl(f"{operator.url}/v1/rotate", *post, stdin=json.dumps(manifest))
    rotated = json.loads(text)
    assert (code, rotated["kind"], rotated["apiVersion"]) == (200, "SealedSecret", "bitnami.com/v1alpha1")
    label = f"{namespace}/db".encode()
    found = set()
    for key in private_keys(world):
        try:
            found.add(decrypt(rotated["spec"]["encryptedData"]["password"], key, label))
        except ValueError:
            continue
    assert found == {value.encode()}
    assert (
        'http_requests_total{code="409",method="POST",path="/v1/verify"} 1.0' in operator.fetch("/metrics")[1]
    )


@pytest.mark.parametrize("scope", SealingScope)
def test_what_peers_seal_is_unsealed(
    operator: Operator, world: World, namespace: str, canary: Canary, scope: SealingScope
) -> None:
    pem = operator.certificate().pem
    value = canary(f"peers {scope}")
    theirs = Sealer.from_certificate_pem(pem).seal("python", namespace, {"a": value.encode()}, scope=scope)
    done = subprocess.run(
        ["node", str(NODE / "seal.mjs")],
        input=json.dumps(
            {
                "certificate": pem.decode(),
                "scope": scope.value.removesuffix("-wide"),
                "namespace": namespace,
                "name": "node",
                "value": value,
            }
        ),
        capture_output=True,
        text=True,
        check=True,
    )
    from_python = yaml.safe_load(theirs.to_yaml())
    annotations = from_python["metadata"].get("annotations") or {}
    from_node = {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "node", "namespace": namespace, "annotations": annotations},
        "spec": {"encryptedData": {"a": done.stdout}},
    }
    world.apply([from_python, from_node])
    expected = {name: {"a": value.encode()} for name in ("python", "node")}
    eventually(lambda: world.secrets(namespace) == expected, what="the Secrets of both")


class Attack:
    """Threads that ask and ask; `answers` counts what they were told."""

    def __init__(self, operator: Operator, bodies: list[bytes]) -> None:
        host, _, port = operator.url.removeprefix("http://").rpartition(":")
        self._address = (host, int(port))
        self._bodies = bodies
        self._over = threading.Event()
        self.answers: list[int] = []
        self._threads = [
            *(threading.Thread(target=self._ask, args=(number,)) for number in range(8)),
            threading.Thread(target=self._trickle),
            threading.Thread(target=self._flood),
        ]

    def __enter__(self) -> Attack:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        while not self._over.is_set():
            number += 1
            body = self._bodies[number % len(self._bodies)]
            path = ("/v1/verify", "/v1/rotate")[number % 2]
            try:
                with socket.create_connection(self._address, timeout=30) as client:
                    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
                    client.sendall(head.encode() + body)
                    self.answers.append(int(client.recv(100).split()[1]))
            except (OSError, IndexError):
                continue

    def _trickle(self) -> None:
        """Two thousand connections that never come to the point."""
        held: list[socket.socket] = []
        while not self._over.is_set():
            try:
                client = socket.create_connection(self._address, timeout=5)
                client.sendall(b"POST /v1/verify HTTP/1.1\r\nX: ")
                held.append(client)
            except OSError:
                pass
            if len(held) > 2000:
                held.pop(0).close()
        for client in held:
            client.close()

    def _flood(self) -> None:
        """A hundred megabytes, again and again, with and without a length."""
        piece = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
        while not self._over.is_set():
            for head in (b"Content-Length: 104857600", b"Transfer-Encoding: chunked"):
                try:
                    with socket.create_connection(self._address, timeout=5) as client:
                        client.sendall(b"POST /v1/rotate HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
                        for _ in range(100):
                            client.sendall(piece)
                except OSError:
                    continue


def expensive(manifest: Manifest) -> bytes:
    """Two thousand items that no key opens."""
    text = manifest["spec"]["encryptedData"]["password"]
    moved = {**manifest, "metadata": {**manifest["metadata"], "name": "elsewhere"}}
    return json.dumps(
        {**moved, "spec": {"encryptedData": {f"item-{number}": text for number in range(2000)}}}
    ).encode()


def test_an_attack_on_the_endpoints_holds_up_no_unsealing(
    world: World, unhurried: Operator, namespace: str, canary: Canary
) -> None:
    certificate = unhurried.certificate()
    good = sealed_secret(certificate, namespace, "attacker", {"password": canary("of the attacker")})
    bodies = [
        expensive(good),
        json.dumps(good).encode(),
        b'{"a":' * 400_000,
        b"- " * 500_000,
        dump_yaml([good]).encode() + b"x: [" * 10_000,
        b"\xff" * 1_000_000,
    ]
    waited = []
    with Attack(unhurried, bodies) as attack:
        eventually(lambda: len(attack.answers) > 20, what="the attack to be felt")
        for number in range(10):
            name, value = f"meanwhile-{number}", canary(f"meanwhile {number}")
            began = time.monotonic()
            world.apply([sealed_secret(certificate, namespace, name, {"a": value})])
            eventually(
                lambda name=name, value=value: world.secrets(namespace).get(name) == {"a": value.encode()},
                what=f"{name} in spite of the attack",
            )
            waited.append(time.monotonic() - began)
            assert unhurried.fetch("/healthz") == (200, "ok\n")
    assert max(waited) < _UNSEALED_WITHIN
    assert unhurried.is_running
    assert 200 in attack.answers
    assert all(code < 500 or code in (500, 503) for code in attack.answers)
    assert unhurried.metric("process_resident_memory_bytes") < 600 << 20
    assert not [line for line in unhurried.lines() if line["msg"] == "a defect"]
