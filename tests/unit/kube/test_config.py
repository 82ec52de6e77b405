"""Where the API server is found, in which order, and what is said when it is not."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import trustme

from sealbridge.errors import ClusterError, UsageError
from sealbridge.kube import config
from sealbridge.kube.config import Connection, KubeconfigToken, connect, from_account, own_namespace


def kubeconfig(path: Path, user: dict[str, object], **cluster: object) -> Path:
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "clusters": [{"name": "k", "cluster": {"server": "https://10.1.2.3:6443", **cluster}}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "team"}}],
            }
        )
    )
    return path


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine that knows no cluster."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "POD_NAMESPACE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(config, "ACCOUNT_DIRECTORY", tmp_path / "account")
    return tmp_path


@pytest.fixture
def account(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pod's service account."""
    folder = nowhere / "account"
    folder.mkdir()
    (folder / "token").write_text("pod-token\n")
    (folder / "namespace").write_text("pods\n")
    (folder / "ca.crt").write_bytes(trustme.CA().cert_pem.bytes())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return folder


async def header(connection: Connection) -> str | None:
    value = await connection.credentials().authorization()
    return None if value is None else value.reveal().decode()


def test_without_any_of_them_it_says_what_to_do(nowhere: Path) -> None:
    with pytest.raises(UsageError) as caught:
        connect()
    assert caught.value.hint is not None
    assert "KUBECONFIG" in caught.value.hint


async def test_a_file_that_is_named_wins(account: Path, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", {"token": "a-token"})

    connection = connect(str(path))

    assert (connection.server, connection.namespace) == ("https://10.1.2.3:6443", "team")
    assert await header(connection) == "Bearer a-token"


def test_the_environment_wins_over_the_account(
    account: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", {})))
    assert connect().server == "https://10.1.2.3:6443"


async def test_the_account_of_the_pod(account: Path) -> None:
    connection = connect()
    assert (connection.server, connection.namespace) == ("https://[fd00::1]:443", "pods")
    assert await header(connection) == "Bearer pod-token"


def test_the_file_in_the_home_folder_comes_last(nowhere: Path) -> None:
    (nowhere / "home" / ".kube").mkdir(parents=True)
    kubeconfig(nowhere / "home" / ".kube" / "config", {})
    assert connect().server == "https://10.1.2.3:6443"


async def test_an_exec_plugin_gives_the_token_and_is_asked_again_when_it_is_refused(
    nowhere: Path, tmp_path: Path
) -> None:
    plugin = tmp_path / "plugin"
    counter = tmp_path / "counter"
    plugin.write_text(
        "#!/bin/sh\n"
        f"echo x >> {counter}\n"
        f"N=$(wc -l < {counter} | tr -d ' ')\n"
        'echo "{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",'
        '\\"status\\":{\\"token\\":\\"token-$N\\"}}"\n'
    )
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "Never",
        }
    }
    credentials = connect(str(kubeconfig(tmp_path / "config", user))).credentials()

    first = await credentials.authorization()
    again = await credentials.authorization()
    fresh = await credentials.authorization(fresh=True)

    assert first is not None
    assert first == again
    assert fresh is not None
    assert first.reveal() == b"Bearer token-1"
    assert fresh.reveal() == b"Bearer token-2"


async def test_a_plugin_that_fails_later_is_a_failure_that_time_may_heal(
    nowhere: Path, tmp_path: Path
) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text(
        "#!/bin/sh\n"
        'echo "{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",'
        '\\"status\\":{\\"token\\":\\"token\\"}}"\n'
    )
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "Never",
        }
    }
    path = kubeconfig(tmp_path / "config", user)
    credentials = connect(str(path)).credentials()
    path.write_text("{")

    with pytest.raises(ClusterError, match="the kubeconfig cannot be used") as caught:
        await credentials.authorization(fresh=True)
    assert caught.value.retryable
    assert caught.value.where == str(path)


async def test_what_the_library_fails_with_is_not_quoted() -> None:
    class Configuration:
        def get_api_key_with_prefix(self, _: str) -> str:
            raise RuntimeError("the plugin printed hunter2-hunter2")

    with pytest.raises(ClusterError, match="cannot be renewed: RuntimeError") as caught:
        await KubeconfigToken("config", Configuration()).authorization()
    assert caught.value.retryable


@pytest.mark.parametrize(
    "text", ["", "not: a kubeconfig", "{", "apiVersion: v1\nkind: Config\ncurrent-context: nothing\n"]
)
def test_a_kubeconfig_that_cannot_be_used_is_named(nowhere: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(UsageError, match="cannot be used") as caught:
        connect(str(path))
    assert caught.value.where == str(path)


def test_a_kubeconfig_that_is_not_there_is_named(nowhere: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        connect(str(tmp_path / "nothing"))
    assert caught.value.where == str(tmp_path / "nothing")


def test_an_account_without_a_certificate_says_so(account: Path) -> None:
    (account / "ca.crt").unlink()
    with pytest.raises(UsageError, match="CA certificate"):
        from_account(account)


def test_a_server_name_of_its_own_is_the_one_that_is_verified(nowhere: Path, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", {}, **{"tls-server-name": "kubernetes.example"})
    assert getattr(connect(str(path)).tls, "server_name", None) == "kubernetes.example"


def test_tokens_are_not_shown(account: Path, tmp_path: Path) -> None:
    connection = connect(str(kubeconfig(tmp_path / "config", {"token": "hunter2-hunter2"})))
    assert "hunter2" not in repr(connection)


@pytest.mark.parametrize(
    ("given", "pod", "in_cluster", "expected"),
    [
        ("flag", "pod", True, "flag"),
        (None, "pod", True, "pod"),
        (None, None, True, "account"),
        (None, None, False, "default"),
    ],
)
def test_the_own_namespace_is_found(
    monkeypatch: pytest.MonkeyPatch, given: str | None, pod: str | None, in_cluster: bool, expected: str
) -> None:
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    if pod:
        monkeypatch.setenv("POD_NAMESPACE", pod)
    connection = Connection(
        server="https://x", token_file=Path("token") if in_cluster else None, namespace="account"
    )
    assert own_namespace(connection, given=given) == expected
