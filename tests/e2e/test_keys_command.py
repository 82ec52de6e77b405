"""`sealbridge keys` on a real API server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import seal
from sealbridge.secret import Secret, Value
from tests.canary import Canary
from tests.sealing_keys import MADE, sealing_key
from tests.servers.apiserver import ApiServer


class Cluster:
    """The command line on one namespace of keys."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.server = server
        self.namespace = namespace

    def command(self, *arguments: str) -> list[str]:
        where = ["--kubeconfig", str(self.server.admin_kubeconfig), "-n", self.namespace]
        return [str(Path(sys.executable).with_name("sealbridge")), "keys", *arguments, *where]

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done

    def rows(self) -> dict[str, dict[str, Any]]:
        listed = json.loads(self.run("list", "-o", "json").stdout)["keys"]
        return {row["fingerprint"]: row for row in listed}

    def put(self, key: SealingKey, name: str, state: str = "active") -> None:
        manifest = key.to_secret(name=name, namespace=self.namespace).to_manifest()
        manifest["metadata"]["labels"] = {KEY_LABEL: state}
        self.server.request("POST", f"/api/v1/namespaces/{self.namespace}/secrets", manifest)

    def seal(self, key: SealingKey, name: str, value: str) -> dict[str, Any]:
        secret = Secret(name=name, namespace=self.namespace, items={"a": Value(value.encode())})
        manifest = seal(secret, key.certificate, Scope.STRICT).to_manifest()
        path = f"/apis/bitnami.com/v1alpha1/namespaces/{self.namespace}/sealedsecrets"
        return dict(self.server.request("POST", path, manifest))


@pytest.fixture
def cluster(apiserver: ApiServer, namespace: str) -> Cluster:
    return Cluster(apiserver, namespace)


def test_keys_of_a_cluster_are_listed_with_what_its_sealed_secrets_need(
    cluster: Cluster, canary: Canary
) -> None:
    newer = SealingKey.generate(at=MADE.replace(month=3), bits=2048)
    cluster.put(sealing_key(), "old")
    cluster.put(newer, "new")
    cluster.put(sealing_key(1), "bad", "compromised")
    cluster.seal(sealing_key(), "one", canary("one"))
    cluster.seal(sealing_key(1), "two", canary("two"))
    rows = cluster.rows()
    assert {key: (row["state"], row["items"]) for key, row in rows.items()} == {
        sealing_key().fingerprint: ("active", 1),
        newer.fingerprint: ("current", 0),
        sealing_key(1).fingerprint: ("compromised", 1),
    }
    assert rows[newer.fingerprint]["created"] > rows[newer.fingerprint]["notBefore"]


def test_a_namespace_without_keys_and_a_refused_account_are_told(cluster: Cluster, tmp_path: Path) -> None:
    assert "there is no sealing key" in cluster.run("list", code=1).stderr
    token = cluster.server.token_for(cluster.namespace, "nobody")
    refused = cluster.server.kubeconfig_for(token)
    done = subprocess.run(
        [*cluster.command("list")[:3], "--kubeconfig", str(refused), "-n", cluster.namespace],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "forbidden" in done.stderr.lower()
