"""`sealbridge sync` as a real process, against a real OpenBao."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.lifecycle.key_files import store_key
from sealbridge.manifests import dump_yaml
from sealbridge.reconcile.kinds import Object
from sealbridge.sealing.keys import SealingKey
from tests.canary import Canary
from tests.servers.openbao import DevOpenBao
from tests.servers.process import Process, wait_for
from tests.worlds import START, World, external_secret

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "sealbridge")


@pytest.fixture(scope="module")
def key() -> SealingKey:
    return SealingKey.generate(at=START, bits=2048)


@pytest.fixture
def world(tmp_path: Path, key: SealingKey, canary: Canary) -> Iterator[World]:
    made = World(tmp_path, key)
    store_key(key, tmp_path / "keys", namespace="sealbridge")
    # Everything else that the command leaves, its state above all, is searched for values.
    canary.output(made.output / "default")
    yield made
    made.close()


def command(world: World, *arguments: str) -> list[str]:
    folder = world.source.parent
    return [
        PROGRAM,
        "sync",
        "--source",
        str(world.source),
        "--output",
        str(world.output),
        "--keys",
        str(folder / "keys"),
        *arguments,
    ]


def sync(world: World, canary: Canary, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run it once; the exit code, the report and what people see."""
    done = subprocess.run(
        command(world, "-o", "json", *arguments), capture_output=True, text=True, timeout=120, check=False
    )
    canary.seen(done.stdout, "stdout of sync")
    canary.seen(done.stderr, "stderr of sync")
    return done.returncode, json.loads(done.stdout), done.stderr


def results(report: dict[str, Any]) -> dict[str, str]:
    return {f"{each['kind']} {each['name']}": each["result"] for each in report["objects"]}


def vault_store(server: DevOpenBao, *, mount: str) -> Object:
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {"name": "bao"},
        "spec": {
            "provider": {
                "vault": {
                    "server": server.url,
                    "path": mount,
                    "version": "v2",
                    "auth": {"tokenSecretRef": {"name": "bao-token", "key": "token"}},
                }
            }
        },
    }


def with_property(name: str, key: str, prop: str) -> Object:
    manifest = external_secret(name, {}, store="bao")
    manifest["spec"]["data"] = [{"secretKey": prop, "remoteRef": {"key": key, "property": prop}}]
    return manifest


@pytest.fixture
def mount(openbao: DevOpenBao) -> str:
    name = f"kv-{secrets.token_hex(4)}"
    openbao.mount_kv(name, version=2)
    return name


def put(server: DevOpenBao, mount: str, path: str, **data: str) -> None:
    server.client().secrets.kv.v2.create_or_update_secret(path, secret=data, mount_point=mount)


def test_sealed_credentials_open_the_store_in_the_same_run(
    world: World, openbao: DevOpenBao, mount: str, canary: Canary
) -> None:
    password = canary("password in the store")
    put(openbao, mount, "db", password=password)
    policy = (
        f'path "{mount}/*" {{ capabilities = ["read"] }}\n'
        'path "auth/token/lookup-self" { capabilities = ["read"] }'
    )
    token = canary.register(openbao.token_with(policy), "store token")
    world.write("store.yaml", vault_store(openbao, mount=mount))
    world.write("token.yaml", world.sealed("bao-token", {"token": token}))
    world.write("db.yaml", with_property("db", "db", "password"))

    code, report, err = sync(world, canary)

    assert code == 0, err
    assert results(report) == {
        "SealedSecret bao-token": "created",
        "SecretStore bao": "valid",
        "ExternalSecret db": "created",
    }
    assert world.read("default/db.yaml") == {"password": password}

    changed = canary("changed password")
    put(openbao, mount, "db", password=changed)
    code, report, _ = sync(world, canary)
    assert (code, results(report)["ExternalSecret db"]) == (0, "updated")
    assert world.read("default/db.yaml") == {"password": changed}

    files = world.output_files()
    code, report, _ = sync(world, canary)
    assert set(results(report).values()) == {"unchanged", "valid"}
    assert world.output_files() == files


def test_credentials_come_from_a_folder_and_an_outage_keeps_the_secret(
    world: World, own_openbao: DevOpenBao, canary: Canary, tmp_path: Path
) -> None:
    password = canary("kept through an outage")
    put(own_openbao, "secret", "db", password=password)
    credentials = canary.output(tmp_path / "credentials")
    credentials.mkdir()
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "bao-token"},
        "stringData": {"token": own_openbao.token},
    }
    (credentials / "token.yaml").write_text(dump_yaml([manifest]))
    world.write("store.yaml", vault_store(own_openbao, mount="secret"))
    world.write("db.yaml", with_property("db", "db", "password"))
    world.write("sealed.yaml", world.sealed("other", {"a": "1"}))
    options = ("--secrets", str(credentials))
    assert sync(world, canary, *options)[0] == 0
    files = world.output_files()
    own_openbao.kill()

    code, report, err = sync(world, canary, *options)

    assert code == 1
    assert results(report) == {
        "SealedSecret other": "unchanged",
        "SecretStore bao": "failed",
        "ExternalSecret db": "failed",
    }
    assert f"cannot reach {own_openbao.url}" in err
    assert "the Secret keeps its last values, those of 20" in err
    assert world.output_files() == files

    own_openbao.start()
    put(own_openbao, "secret", "db", password=password)
    code, report, _ = sync(world, canary, *options)
    assert (code, results(report)["ExternalSecret db"]) == (0, "unchanged")


def test_watching_follows_the_store_and_the_source_until_it_is_told_to_stop(
    world: World, openbao: DevOpenBao, mount: str, canary: Canary, tmp_path: Path
) -> None:
    put(openbao, mount, "db", password="one")
    world.write("store.yaml", vault_store(openbao, mount=mount))
    world.write("token.yaml", world.sealed("bao-token", {"token": openbao.token}))
    db = with_property("db", "db", "password")
    db["spec"]["refreshInterval"] = "1s"
    world.write("db.yaml", db)
    process = Process(command(world, "--watch", "--format", "env"), tmp_path / "watch.log")
    process.start()
    path = world.output / "default" / "db.env"

    def shows(text: str) -> Any:
        return lambda: path.exists() and path.read_text() == text

    try:
        wait_for(shows('password="one"\n'), timeout=60, what="the first value")
        put(openbao, mount, "db", password="two")
        wait_for(shows('password="two"\n'), timeout=60, what="the changed value")
        world.write("more.yaml", world.sealed("more", {"A": "1"}))
        wait_for((world.output / "default" / "more.env").exists, timeout=60, what="a new object")
        (world.source / "broken.yaml").write_text("kind: Secret\na: [")
        wait_for(lambda: "broken.yaml" in process.log.read_text(), timeout=60, what="the complaint")
        assert process.is_running
        process.send(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
    assert process.log.read_text().endswith("stopped\n")
    assert not (world.output / ".sealbridge" / "journal").exists()


def test_a_run_that_is_killed_in_the_middle_loses_nothing(
    world: World, canary: Canary, tmp_path: Path
) -> None:
    for number in range(40):
        world.write(f"{number}.yaml", world.sealed(f"s{number}", {"a": str(number)}))
    process = Process(command(world), tmp_path / "killed.log")
    process.start()
    wait_for(lambda: (world.output / "default").exists(), timeout=60, what="the first Secret")
    process.kill()

    code, report, _ = sync(world, canary)

    assert code == 0
    assert set(results(report).values()) <= {"created", "unchanged"}
    assert [world.read(f"default/s{n}.yaml") for n in range(40)] == [{"a": str(n)} for n in range(40)]
    leftovers = [path.name for path in (world.output / "default").iterdir() if path.name.startswith(".")]
    assert leftovers == []


def test_the_output_is_what_kubectl_would_take(world: World, canary: Canary) -> None:
    world.write("db.yaml", world.sealed("db", {"a": "1"}, labels={"x": "y"}))
    sync(world, canary)

    document = yaml.safe_load((world.output / "default" / "db.yaml").read_text())

    assert document["metadata"] == {
        "name": "db",
        "namespace": "default",
        "labels": {"x": "y", "sealbridge.io/managed": "true"},
    } | (
        {"annotations": document["metadata"]["annotations"]} if "annotations" in document["metadata"] else {}
    )
    assert (world.output / "default" / "db.yaml").stat().st_mode & 0o777 == 0o600
