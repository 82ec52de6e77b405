"""The API server that the other tests stand on judges by RBAC, remembers, and tells what it was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.apiserver import ApiError, ApiServer, AuditEvent, Request


def secret(name: str) -> dict[str, object]:
    return {"metadata": {"name": name}, "stringData": {"key": "value"}}


def allow(apiserver: ApiServer, namespace: str, account: str) -> None:
    group = "/apis/rbac.authorization.k8s.io/v1"
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
    apiserver.request(
        "POST", f"{group}/namespaces/{namespace}/roles", {"metadata": {"name": "reader"}, "rules": [rule]}
    )
    apiserver.request(
        "POST",
        f"{group}/namespaces/{namespace}/rolebindings",
        {
            "metadata": {"name": "reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        },
    )


def test_a_service_account_may_do_what_its_role_says_and_nothing_else(
    apiserver: ApiServer, namespace: str
) -> None:
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    apiserver.request("POST", secrets, secret("mine"))
    token = apiserver.token_for(namespace, "bot")
    with pytest.raises(ApiError) as refusal:
        apiserver.request("GET", secrets, token=token)
    assert refusal.value.status == 403

    allow(apiserver, namespace, "bot")
    kubeconfig = apiserver.kubeconfig_for(token, namespace=namespace)
    assert apiserver.kubectl("get", "secrets", "-o", "name", kubeconfig=kubeconfig) == "secret/mine\n"
    with pytest.raises(RuntimeError, match="forbidden"):
        apiserver.kubectl("delete", "secret", "mine", kubeconfig=kubeconfig)


def test_metrics_and_audit_log_tell_what_was_asked_by_whom(apiserver: ApiServer, namespace: str) -> None:
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    token = apiserver.token_for(namespace, "bot")
    allow(apiserver, namespace, "bot")
    counts, position = apiserver.request_counts(), apiserver.audit_position()

    apiserver.request("POST", secrets, secret("one"))
    apiserver.request("POST", secrets, secret("two"))
    apiserver.request("GET", f"{secrets}/one", token=token)

    asked = apiserver.request_counts() - counts
    assert asked[Request("create", "secrets")] == 2
    assert asked[Request("get", "secrets")] == 1
    (event,) = apiserver.audit_events(user=f"system:serviceaccount:{namespace}:bot", since=position)
    assert event == AuditEvent(
        user=f"system:serviceaccount:{namespace}:bot",
        request=Request("get", "secrets"),
        namespace=namespace,
        name="one",
        status=200,
        agent=event.agent,
    )


def test_objects_survive_a_restart_and_a_power_cut_on_the_same_address(
    apiserver: ApiServer, namespace: str
) -> None:
    url, secrets = apiserver.url, f"/api/v1/namespaces/{namespace}/secrets"
    apiserver.request("POST", secrets, secret("kept"))
    apiserver.restart()
    assert apiserver.request("GET", f"{secrets}/kept")["metadata"]["name"] == "kept"
    apiserver.kill()
    with pytest.raises(OSError, match="refused"):
        apiserver.request("GET", secrets)
    apiserver.start()
    assert apiserver.request("GET", f"{secrets}/kept")["metadata"]["name"] == "kept"
    assert apiserver.url == url


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = ApiServer(tmp_path)
    (tmp_path / "etcd").write_text("a file where a folder has to be")
    with pytest.raises(RuntimeError, match=r"(?s)etcd ended with code 1:.*etcdmain"):
        broken.start()
    broken.kill()
