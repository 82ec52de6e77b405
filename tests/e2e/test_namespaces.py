"""The operator and the demo on a part of a cluster, the rest of which is none of their business."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

from tests.canary import Canary
from tests.e2e.world import World, eventually, external_secret, fake_store
from tests.servers.apiserver import ApiServer


def test_an_operator_of_one_namespace_leaves_the_others_alone(
    world: World, apiserver: ApiServer, namespace: str, canary: Canary
) -> None:
    other = f"other-{secrets.token_hex(4)}"
    apiserver.ensure_namespace(other)
    value = canary("served namespace")
    for place in (namespace, other):
        world.apply([fake_store(place, "fake", {"a": value}), external_secret(place, "one", password="a")])
    operator = world.operator("--watch-namespaces", namespace)
    since = apiserver.audit_position()
    operator.start()
    try:
        eventually(
            lambda: world.secrets(namespace).get("one") == {"password": value.encode()}, what="the Secret"
        )
        world.delete("Secret", namespace, "one")
        eventually(
            lambda: world.secrets(namespace).get("one") == {"password": value.encode()},
            what="the Secret again",
        )
        assert world.secrets(other) == {}
        assert "status" not in world.get("ExternalSecret", other, "one")
        assert {event.namespace for event in world.writes(since=since)} <= {namespace, "sealbridge"}
    finally:
        assert operator.stop() == 0
        world.clear(namespace)
        world.clear(other)


def test_the_demo_plays_on_a_cluster_and_leaves_nothing_running(
    world: World, apiserver: ApiServer, tmp_path: Path
) -> None:
    folder = tmp_path / "play"
    played = subprocess.run(
        [Path(sys.executable).with_name("sealbridge"), "demo", "--kube", "--folder", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "KUBECONFIG": str(apiserver.admin_kubeconfig)},
        timeout=240,
        check=False,
    )
    assert played.returncode == 0, played.stdout
    for shown in (
        "the cluster has the CRDs already; they stay as they are",
        "✓ the Secret has the password",
        "✓ the Secret has the new key",
        "no key could decrypt secret",
        "✓ the others are as they were",
    ):
        assert shown in played.stdout
    assert (folder / "openbao.token").read_text() not in played.stdout
