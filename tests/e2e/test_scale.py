"""Many ExternalSecrets in the operator on a real API server: what they cost the store that they share."""

from __future__ import annotations

import threading
from collections import Counter

from tests.canary import Canary
from tests.e2e.world import World, eventually, external_secret
from tests.servers.odd import Request, odd_server

OBJECTS, KEYS = 1000, 100


def test_a_cold_start_asks_for_each_remote_key_once(world: World, namespace: str, canary: Canary) -> None:
    """1,000 ExternalSecrets over 100 keys of an HTTP server that counts."""
    value = canary("shared")
    asked: Counter[str] = Counter()
    lock = threading.Lock()

    def answer(request: Request) -> None:
        with lock:
            asked[request.path] += 1
        request.reply(value.encode())

    with odd_server(answer) as server:
        world.apply(
            [
                {
                    "apiVersion": "external-secrets.io/v1",
                    "kind": "SecretStore",
                    "metadata": {"name": "http", "namespace": namespace},
                    "spec": {"provider": {"webhook": {"url": server.url + "/{{ .remoteRef.key }}"}}},
                },
                *(
                    external_secret(
                        namespace, f"db-{number:04}", store="http", password=f"key-{number % KEYS}"
                    )
                    for number in range(OBJECTS)
                ),
            ]
        )
        operator = world.operator("--store-allowed-networks=127.0.0.0/8")
        operator.start()
        try:
            eventually(lambda: len(world.secrets(namespace)) == OBJECTS, what="the Secrets", timeout=180)
        finally:
            assert operator.stop() == 0
            world.clear(namespace)

    assert set(asked.values()) == {1}
    assert len(asked) == KEYS
