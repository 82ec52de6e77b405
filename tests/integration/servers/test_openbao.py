"""The OpenBao servers that the other tests stand on: in memory, and on disk behind a seal and TLS."""

from __future__ import annotations

import hvac.exceptions
import pytest
import requests

from tests.servers.openbao import DevOpenBao, RaftOpenBao


def test_both_versions_of_the_kv_engine_are_served(openbao: DevOpenBao) -> None:
    client = openbao.client()
    openbao.mount_kv("servers-one", version=1)
    client.secrets.kv.v1.create_or_update_secret("app", {"user": "ann"}, mount_point="servers-one")
    client.secrets.kv.v2.create_or_update_secret("servers/app", {"user": "bob"}, mount_point="secret")
    assert client.secrets.kv.v1.read_secret("app", mount_point="servers-one")["data"] == {"user": "ann"}
    read = client.secrets.kv.v2.read_secret_version(
        "servers/app", mount_point="secret", raise_on_deleted_version=True
    )
    assert read["data"]["data"] == {"user": "bob"}


def test_a_token_may_do_what_its_policy_says(openbao: DevOpenBao) -> None:
    openbao.mount_kv("servers-limited", version=1)
    limited = openbao.client(openbao.token_with('path "servers-limited/mine" { capabilities = ["create"] }'))
    limited.secrets.kv.v1.create_or_update_secret(
        "mine", {"key": "value"}, method="POST", mount_point="servers-limited"
    )
    with pytest.raises(hvac.exceptions.Forbidden):
        limited.secrets.kv.v1.read_secret("mine", mount_point="servers-limited")


def test_the_server_in_memory_comes_back_empty_on_the_same_port(own_openbao: DevOpenBao) -> None:
    url, client = own_openbao.url, own_openbao.client()
    client.secrets.kv.v2.create_or_update_secret("app", {"key": "value"}, mount_point="secret")
    own_openbao.kill()
    with pytest.raises(requests.ConnectionError):
        client.sys.is_sealed()
    own_openbao.start()
    assert own_openbao.url == url
    with pytest.raises(hvac.exceptions.InvalidPath):
        client.secrets.kv.v2.read_secret_version("app", mount_point="secret", raise_on_deleted_version=True)


def test_the_server_on_disk_keeps_its_data_and_comes_back_sealed(raft_openbao: RaftOpenBao) -> None:
    client = raft_openbao.client()
    raft_openbao.mount_kv("kv", version=1)
    client.secrets.kv.v1.create_or_update_secret("app", {"key": "value"}, mount_point="kv")
    raft_openbao.restart()
    assert client.sys.is_sealed()
    with pytest.raises(hvac.exceptions.VaultDown):
        client.secrets.kv.v1.read_secret("app", mount_point="kv")
    raft_openbao.unseal()
    assert client.secrets.kv.v1.read_secret("app", mount_point="kv")["data"] == {"key": "value"}


def test_the_server_on_disk_is_reached_by_those_who_trust_its_certificate(raft_openbao: RaftOpenBao) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{raft_openbao.url}/v1/sys/health", timeout=5)
    assert raft_openbao.client().sys.is_initialized()
