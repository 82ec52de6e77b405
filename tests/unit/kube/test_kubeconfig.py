"""Flags override a kubeconfig as kubectl's do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sealbridge.errors import UsageError
from sealbridge.kube import config
from sealbridge.kube.config import connect_person
from sealbridge.kube.kubeconfig import Overrides, effective, impersonation, namespace, places
from sealbridge.secret import Value


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two clusters, users and contexts; nothing else tells of a cluster."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    made = tmp_path / "config"
    made.write_text(
        json.dumps(
            {
                "current-context": "one",
                "contexts": [
                    {"name": "one", "context": {"cluster": "a", "user": "exec", "namespace": "team"}},
                    {"name": "two", "context": {"cluster": "b", "user": "cert"}},
                ],
                "clusters": [
                    {"name": "a", "cluster": {"server": "https://a", "certificate-authority": "ca.pem"}},
                    {"name": "b", "cluster": {"server": "https://b", "certificate-authority-data": "eA=="}},
                ],
                "users": [
                    {"name": "exec", "user": {"exec": {"command": "bin/plugin"}, "as": "kay"}},
                    {
                        "name": "cert",
                        "user": {
                            "client-certificate": "/c.pem",
                            "client-key-data": "eA==",
                            "password": "p",
                            "username": "u",
                        },
                    },
                ],
            }
        )
    )
    return str(made)


def parts(path: str, **overrides: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    made = effective(path, Overrides(**overrides))
    return made["contexts"][0]["context"], made["clusters"][0]["cluster"], made["users"][0]["user"]


def test_paths_are_those_beside_the_file(path: str, tmp_path: Path) -> None:
    context, cluster, user = parts(path)
    assert context["namespace"] == "team"
    assert cluster == {"server": "https://a", "certificate-authority": str(tmp_path / "ca.pem")}
    assert user["exec"]["command"] == str(tmp_path / "bin" / "plugin")


def test_context_cluster_and_user_are_chosen(path: str) -> None:
    assert parts(path, context="two")[1]["server"] == "https://b"
    assert parts(path, cluster="b")[1]["server"] == "https://b"
    assert "client-certificate" in parts(path, user="cert")[2]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"context": "x"}, 'context "x" does not exist'),
        ({"cluster": "x"}, 'cluster "x" does not exist'),
        ({"user": "x"}, 'user "x" does not exist'),
    ],
)
def test_what_is_not_there_is_named(path: str, overrides: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        effective(path, Overrides(**overrides))


def test_a_server_alone_is_a_cluster(path: str) -> None:
    assert parts("", server="10.0.0.1:80", token=Value(b"t"))[1:] == (
        {"server": "http://10.0.0.1:80"},
        {"token": "t"},
    )
    with pytest.raises(UsageError, match="no Kubernetes API server"):
        effective("", Overrides(token=Value(b"t")))
    with pytest.raises(UsageError, match="no Kubernetes API server"):
        connect_person()


def test_trust_is_replaced_as_a_whole(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cluster = parts(path, context="two", certificate_authority="own.pem", tls_server_name="n", proxy_url="p")[
        1
    ]
    assert cluster == {
        "server": "https://b",
        "certificate-authority": str(tmp_path / "own.pem"),
        "tls-server-name": "n",
        "proxy-url": "p",
    }
    assert parts(path, insecure_skip_tls_verify=True)[1] == {
        "server": "https://a",
        "insecure-skip-tls-verify": True,
    }


@pytest.mark.parametrize(
    ("context", "overrides", "expected"),
    [
        ("one", {"token": Value(b"t")}, {"token": "t", "as": "kay"}),
        ("one", {"username": "u", "password": Value(b"p")}, {"username": "u", "password": "p", "as": "kay"}),
        (
            "two",
            {"password": Value(b"new")},
            {
                "client-certificate": "/c.pem",
                "client-key-data": "eA==",
                "username": "u",
                "password": "new",
            },
        ),
        (
            "two",
            {"client_key": "/k.pem"},
            {"client-certificate": "/c.pem", "client-key": "/k.pem", "username": "u", "password": "p"},
        ),
    ],
)
def test_who_we_are_is_replaced(
    path: str, context: str, overrides: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert parts(path, context=context, **overrides)[2] == expected


def test_impersonation_is_that_of_the_flags_else_of_the_file(path: str) -> None:
    made = effective(path, Overrides())
    assert impersonation(made, Overrides()) == (("Impersonate-User", "kay"),)
    flags = Overrides(as_user="jo", as_uid="7", as_groups=("a", "b"))
    assert impersonation(made, flags) == (
        ("Impersonate-User", "jo"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
    )
    with pytest.raises(UsageError, match="a user is needed"):
        impersonation(effective(path, Overrides(context="two")), Overrides(as_groups=("a",)))


def test_the_namespace_needs_no_cluster(path: str) -> None:
    assert namespace(path, Overrides()) == "team"
    assert namespace(path, Overrides(context="two")) == "default"
    assert namespace(path, Overrides(namespace="mine")) == "mine"
    assert namespace("", Overrides()) is None


def test_several_files_are_joined_and_the_first_wins(path: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(
        json.dumps(
            {
                "current-context": "two",
                "clusters": [{"name": "a", "cluster": {"server": "https://no"}}],
                "contexts": [{"name": "three", "context": {"cluster": "a", "namespace": "third"}}],
            }
        )
    )
    joined = f"{path}:{tmp_path / 'nothing'}:{other}"
    assert parts(joined)[1]["server"] == "https://a"
    assert namespace(joined, Overrides(context="three")) == "third"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a list", "not a mapping"),
        ("{", "not valid YAML"),
        ("clusters: [{cluster: {}}]", "has no name"),
        ("users: [{name: u, user: text}]", "is not a mapping"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(path: str, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        effective(str(tmp_path / "bad"), Overrides())
    assert caught.value.where == str(tmp_path / "bad")


@pytest.mark.parametrize(
    ("script", "hint"),
    [
        ("echo 'log in first' >&2; exit 3", "exec: process returned 3. log in first"),
        ("echo nonsense", "exec: failed to decode process output"),
        (None, "No such file"),
    ],
)
def test_a_plugin_that_gives_no_credentials_is_an_error(
    path: str, tmp_path: Path, script: str | None, hint: str
) -> None:
    plugin = tmp_path / "plugin"
    if script is not None:
        plugin.write_text(f"#!/bin/sh\n{script}\n")
        plugin.chmod(0o755)
    made = tmp_path / "with-plugin"
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin"}}
    made.write_text(
        json.dumps(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                "clusters": [{"name": "k", "cluster": {"server": "http://127.0.0.1:1"}}],
                "users": [{"name": "u", "user": user}],
            }
        )
    )
    with pytest.raises(UsageError, match="getting credentials: ") as caught:
        connect_person(str(made))
    assert caught.value.hint is not None
    assert hint in caught.value.hint


def test_the_place_is_the_flag_the_variable_or_the_home_folder(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert places(None) == ""
    home = tmp_path / "home" / ".kube"
    home.mkdir(parents=True)
    (home / "config").write_text("{}")
    assert places(None) == str(home / "config")
    monkeypatch.setenv("KUBECONFIG", "/x")
    assert (places(None), places("/y")) == ("/x", "/y")


def test_a_persons_file_at_home_wins_over_the_account_of_the_pod(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text("t")
    monkeypatch.setattr(config, "ACCOUNT_DIRECTORY", account)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    home = tmp_path / "home" / ".kube"
    home.mkdir(parents=True)
    (home / "config").write_text(
        json.dumps(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "k"}}],
                "clusters": [{"name": "k", "cluster": {"server": "http://10.9.9.9"}}],
            }
        )
    )
    assert connect_person().server == "http://10.9.9.9"
