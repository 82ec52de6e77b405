"""`sealbridge keys` on a real API server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest

from sealbridge.lifecycle.key_home import Records, State, records_of
from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import seal
from sealbridge.secret import Secret, Value
from tests.canary import Canary
from tests.e2e.world import World, eventually, sealed_secret
from tests.sealing_keys import MADE, sealing_key
from tests.servers.apiserver import ApiServer
from tests.servers.operator import Operator


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

    def secrets(self) -> list[dict[str, Any]]:
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        return list(self.server.request("GET", path)["items"])

    def records(self) -> Records:
        return records_of(Secret.from_manifest(one) for one in self.secrets())

    def seal(self, key: SealingKey, name: str, value: str) -> dict[str, Any]:
        secret = Secret(name=name, namespace=self.namespace, items={"a": Value(value.encode())})
        manifest = seal(secret, key.certificate, Scope.STRICT).to_manifest()
        path = f"/apis/bitnami.com/v1alpha1/namespaces/{self.namespace}/sealedsecrets"
        return dict(self.server.request("POST", path, manifest))


@pytest.fixture
def cluster(apiserver: ApiServer, world: World, namespace: str) -> Iterator[Cluster]:
    yield Cluster(apiserver, namespace)
    # The commands look at all namespaces.
    apiserver.request("DELETE", f"/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets")


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


@pytest.fixture
def identity(tmp_path: Path, canary: Canary) -> tuple[str, str]:
    """The file of an age identity, and its recipient."""
    made = pyrage.x25519.Identity.generate()
    path = canary.output(tmp_path / "id.txt")
    path.write_text(f"{made}\n")
    return str(path), str(made.to_public())


def test_keys_of_a_lost_cluster_come_back_from_a_backup(
    cluster: Cluster, apiserver: ApiServer, identity: tuple[str, str], tmp_path: Path, canary: Canary
) -> None:
    file, recipient = identity
    target = str(tmp_path / "backup.age")
    cluster.put(sealing_key(), "first")
    cluster.put(sealing_key(1), "second", "compromised")
    cluster.run("backup", "--to", target, "--recipient", recipient)
    assert all(row["lastBackup"] for row in cluster.rows().values())
    cluster.seal(sealing_key(), "db", canary("db"))
    drill = json.loads(
        cluster.run("verify-backup", "--from", target, "--identity", file, "-o", "json", code=0).stdout
    )
    assert [one["name"] for one in drill["objects"] if one["namespace"] == cluster.namespace] == ["db"]

    other = Cluster(apiserver, f"{cluster.namespace}-other")
    apiserver.ensure_namespace(other.namespace)
    restore = ("restore", "--from", target, "--identity", file)
    other.run(*restore, "--dry-run")
    other.run("list", code=1)
    other.run(*restore)
    assert {key: row["state"] for key, row in other.rows().items()} == {
        sealing_key().fingerprint: "current",
        sealing_key(1).fingerprint: "compromised",
    }
    versions = [one["metadata"]["resourceVersion"] for one in other.secrets()]
    assert "0 sealing keys restored; 2 there already" in other.run(*restore).stderr
    assert [one["metadata"]["resourceVersion"] for one in other.secrets()] == versions


def test_jobs_that_rotate_at_once_make_one_key_that_is_in_the_backup(
    cluster: Cluster, identity: tuple[str, str], tmp_path: Path
) -> None:
    file, recipient = identity
    cluster.put(sealing_key(), "first")
    backup = ("--backup-to", str(tmp_path / "backup.age"), "--recipient", recipient)
    command = cluster.command("rotate", "--size", "2048", "--if-older-than", "1d", *backup)
    jobs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    told = [job.communicate()[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0, 0], told
    states = {key: row["state"] for key, row in cluster.rows().items()}
    assert sorted(states.values()) == ["active", "current"]
    assert states[sealing_key().fingerprint] == "active"
    cluster.run("verify-backup", "--from", backup[1], "--identity", file)
    cluster.run("retire", sealing_key().fingerprint)
    assert cluster.rows()[sealing_key().fingerprint]["state"] == "retired"


def test_a_rotation_killed_at_any_request_leaves_no_key_current_without_a_copy(
    cluster: Cluster, apiserver: ApiServer, identity: tuple[str, str], tmp_path: Path
) -> None:
    _, recipient = identity
    for step in range(1, 30):
        life = Cluster(apiserver, f"{cluster.namespace}-{step}")
        apiserver.ensure_namespace(life.namespace)
        life.put(sealing_key(), "first")
        target = tmp_path / f"{step}.age"
        arguments = ["rotate", "--size", "2048", "--if-older-than", "1d", "--backup-to", str(target)]
        command = life.command(*arguments, "--recipient", recipient)
        done = subprocess.run(
            [sys.executable, "-m", "tests.killed", str(step), *command[1:]],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=False,
        )
        current = life.records().current
        assert current is not None
        if current.fingerprint != sealing_key().fingerprint:
            assert target.exists()
            assert current.backed_up
        if done.returncode == 0:
            assert step > 6
            return
        assert done.returncode == -9, done.stderr
        again = subprocess.run(command, capture_output=True, check=False)
        assert again.returncode == 0, again.stderr
        states = {record.fingerprint: record.state for record in life.records().keys}
        assert set(states.values()) == {State.ACTIVE, State.CURRENT}
        assert len(states) == 2
        assert states[sealing_key().fingerprint] is State.ACTIVE
    pytest.fail("it never ended")


def test_a_running_operator_takes_up_restored_keys_and_what_waited_for_them(
    world: World, namespace: str, identity: tuple[str, str], tmp_path: Path, canary: Canary
) -> None:
    file, recipient = identity
    folder = canary.output(tmp_path / "keys")
    folder.mkdir()
    manifest = sealing_key(2).to_secret(name="brought", namespace=namespace).to_manifest()
    (folder / "key.yaml").write_text(json.dumps(manifest))
    target = str(tmp_path / "backup.age")
    program = str(Path(sys.executable).with_name("sealbridge"))
    backup = [program, "keys", "backup", "--dir", str(folder), "--to", target, "--recipient", recipient]
    subprocess.run(backup, check=True, capture_output=True)
    operator = Operator(
        world.kubeconfig, namespace, tmp_path, "--key-size=2048", f"--watch-namespaces={namespace}"
    )
    operator.start()
    try:
        value = canary("late")
        world.apply([sealed_secret(sealing_key(2).certificate, namespace, "late", {"a": value})])
        eventually(
            lambda: world.condition("SealedSecret", namespace, "late", "Synced").get("status") == "False",
            what="the failure",
        )
        Cluster(world.server, namespace).run("restore", "--from", target, "--identity", file)
        eventually(lambda: world.secrets(namespace).get("late") == {"a": value.encode()}, what="the Secret")
    finally:
        assert operator.stop() == 0
        world.clear(namespace)
