"""Backups of sealing keys in S3."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pyrage
import pytest
from moto.server import ThreadedMotoServer

from tests.unit.cli.conftest import run
from tests.unit.cli.keys_world import Keys, keys

__all__ = ["keys", "run"]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    # What it holds belongs to the process, not to the server.
    urllib.request.urlopen(urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST"))
    client = boto3.client("s3")
    client.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield client
    client.close()
    server.stop()


def names(s3: Any) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket="backups").get("Contents", ())]


def backup(keys: Keys, to: str, code: int = 0) -> str:
    return keys("backup", "--dir", "keys", "--to", to, "--recipient", keys.recipient, code=code).err


def test_a_backup_is_kept_under_its_key_and_the_one_before_it_stays(keys: Keys, s3: Any) -> None:
    assert "backed up to team/keys.age, and read back" in backup(keys, "s3://backups/team/keys.age")
    first = s3.get_object(Bucket="backups", Key="team/keys.age")["Body"].read()
    assert b"PRIVATE" not in first
    assert len(pyrage.decrypt(first, [keys.identity])) > 1000
    backup(keys, "s3://backups/team/keys.age")
    keys("verify-backup", "--from", "s3://backups/team/keys.age", "--identity", "id.txt", "--dir", "keys")
    keys("restore", "--from", "s3://backups/team/keys.age", "--identity", "id.txt", "--dir", "back")
    keys._canary.output(keys.folder / "back")
    assert keys.states("back") == keys.states()
    missing = keys("verify-backup", "--from", "s3://backups/x", "--identity", "id.txt", "--offline", code=1)
    assert "s3://backups/x: there is no such object" in missing.err
    new, old = names(s3)
    assert (new, old[:14]) == ("team/keys.age", "team/keys.age.")
    assert s3.get_object(Bucket="backups", Key=old)["Body"].read() == first


def test_a_folder_gets_a_new_object_each_time(keys: Keys, s3: Any) -> None:
    for _ in range(2):
        backup(keys, "s3://backups/team/")
    assert len(names(s3)) == 2
    assert all(name.startswith("team/sealing-keys-") for name in names(s3))


def test_a_bucket_that_is_not_there_and_a_server_that_is_away_are_told(
    keys: Keys, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys.contents()
    assert "s3://nowhere/a: there is no such bucket" in backup(keys, "s3://nowhere/a", code=1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert "S3 cannot be asked: EndpointConnectionError" in backup(keys, "s3://backups/a", code=1)
    assert keys.contents() == before
