"""Manifests as people have them, on a real API server: taken whole, by either way of kubectl."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.servers.apiserver import REPOSITORY, ApiError, ApiServer
from tests.violations import ALLOWED, VIOLATIONS, Violation
from tests.violations import manifest as external_secret

SEALED = {
    "apiVersion": "bitnami.com/v1alpha1",
    "kind": "SealedSecret",
    "metadata": {"name": "whole"},
    "spec": {
        "encryptedData": {"password": "AgB"},
        "template": {
            "type": "kubernetes.io/dockerconfigjson",
            "immutable": True,
            "metadata": {
                "labels": {"jenkins.io/credentials-type": "usernamePassword"},
                "finalizers": ["a/b"],
            },
            "data": {"config.yml": 'password: {{ index . "password" }}\n', "empty": ""},
        },
    },
}
EXTERNAL = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "ExternalSecret",
    "metadata": {"name": "whole"},
    "spec": {
        "refreshPolicy": "Periodic",
        "refreshInterval": "1h0m0s",
        "secretStoreRef": {"kind": "SecretStore", "name": "vault"},
        "target": {
            "name": "made",
            "creationPolicy": "Owner",
            "deletionPolicy": "Retain",
            "template": {
                "engineVersion": "v2",
                "mergePolicy": "Replace",
                "metadata": {"labels": {}},
                "data": {"config.yml": "user: {{ .user }}\n", "empty": ""},
                "templateFrom": [
                    {"configMap": {"name": "t", "items": [{"key": "k", "templateAs": "Values"}]}}
                ],
            },
        },
        "data": [
            {"secretKey": "user", "remoteRef": {"key": "db", "version": "v1", "property": ""}},
            {
                "secretKey": "password",
                "remoteRef": {"key": "db", "property": "password", "metadataPolicy": "None"},
                "sourceRef": {"storeRef": {"name": "aws", "kind": "ClusterSecretStore"}},
            },
        ],
        "dataFrom": [
            {
                "extract": {"key": "db", "decodingStrategy": "Auto"},
                "rewrite": [{"regexp": {"source": "exp-(.*?)-ression", "target": ""}}],
            },
            {"find": {"path": "a", "name": {"regexp": ".*"}, "tags": {"a": "b"}}},
            {"sourceRef": {"generatorRef": {"kind": "ECRAuthorizationToken", "name": "ecr"}}},
        ],
    },
}
VAULT = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "SecretStore",
    "metadata": {"name": "whole"},
    "spec": {
        "controller": "",
        "refreshInterval": 0,
        "retrySettings": {"maxRetries": 5, "retryInterval": "10s"},
        "conditions": [
            {"namespaceSelector": {"matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}]}},
            {"namespaceRegexes": ["ns-.*"]},
        ],
        "provider": {
            "vault": {
                "server": "https://vault.example.org",
                "path": "secret",
                "version": "v2",
                "caBundle": "",
                "auth": {
                    "kubernetes": {"mountPath": "kubernetes", "role": "demo", "secretRef": {"name": "s"}}
                },
            }
        },
    },
}


@pytest.mark.parametrize("way", [(), ("--server-side",)], ids=["client-side", "server-side"])
@pytest.mark.parametrize("manifest", [SEALED, EXTERNAL, VAULT], ids=lambda manifest: manifest["kind"])
def test_nothing_of_a_spec_is_refused_pruned_or_added(
    apiserver: ApiServer, namespace: str, manifest: dict[str, Any], way: tuple[str, ...]
) -> None:
    apiserver.kubectl("apply", *way, "-n", namespace, "-f", "-", stdin=json.dumps(manifest))
    kind, group = f"{manifest['kind'].lower()}s", manifest["apiVersion"].partition("/")[0]
    stored = json.loads(apiserver.kubectl("get", f"{kind}.{group}", "whole", "-n", namespace, "-o", "json"))
    assert stored["spec"] == manifest["spec"]


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: violation.name)
def test_a_violation_is_refused_where_a_schema_can_tell(
    apiserver: ApiServer, namespace: str, violation: Violation, version: str
) -> None:
    document = external_secret(violation.spec, version=version)
    document["metadata"]["namespace"] = namespace
    path = f"/apis/external-secrets.io/{version}/namespaces/{namespace}/externalsecrets"
    if not violation.field:
        apiserver.request("POST", path, document)
        return
    with pytest.raises(ApiError) as caught:
        apiserver.request("POST", path, document)
    assert caught.value.status == 422
    told = re.sub(r"\[\d+\]", "", str(caught.value))
    assert re.search(rf'{re.escape(violation.field)}"?(:| in body| must)', told), told


@pytest.mark.parametrize("spec", ALLOWED)
def test_a_near_miss_is_taken(apiserver: ApiServer, namespace: str, spec: dict[str, Any]) -> None:
    document = external_secret(spec)
    document["metadata"]["namespace"] = namespace
    apiserver.request(
        "POST", f"/apis/external-secrets.io/v1/namespaces/{namespace}/externalsecrets", document
    )


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("externalsecret.spec.target.creationPolicy", "Owner makes the Secret"),
        ("es.spec.data.remoteRef.property", "One field of a value that is JSON"),
        ("es.spec.dataFrom.rewrite.merge.strategy", "become one more item"),
        ("es.spec.target.template.templateFrom.configMap.items.templateAs", "a YAML map"),
        ("es.status.conditions.reason", "in one word"),
        ("ss.spec.provider.kubernetes.auth.serviceAccount.name", "name of the service account"),
        ("css.spec.conditions.namespaceSelector", "Namespaces by their labels"),
        ("css.spec.provider.aws", "Not supported yet"),
        ("passwords.spec.symbols", "a quarter without it"),
        ("sealedsecret.status.failedItems", "WrongKey"),
    ],
)
def test_kubectl_explains_every_field(apiserver: ApiServer, field: str, told: str) -> None:
    assert told in " ".join(apiserver.kubectl("explain", field).split())


def test_a_misspelt_field_is_refused_by_kubectl_by_its_name(apiserver: ApiServer, namespace: str) -> None:
    document = external_secret({"refreshIntervall": "1h"})
    document["metadata"]["namespace"] = namespace
    with pytest.raises(RuntimeError, match='unknown field "refreshIntervall"'):
        apiserver.kubectl("apply", "-f", "-", stdin=json.dumps(document))


def test_the_files_are_taken_by_servers_that_do_not_know_cel_and_told_apart(apiserver: ApiServer) -> None:
    """kubectl checks what it applies with what the server knows, so that nothing is lost in silence."""
    folder = REPOSITORY / "crds"
    apiserver.kubectl("apply", "--dry-run=server", "-f", folder)
    with pytest.raises(RuntimeError, match='unknown field "x-kubernetes-validations"'):
        apiserver.kubectl("apply", "--dry-run=server", "-f", folder / "cel")
    # What the server prunes of it is the rules alone.
    apiserver.kubectl("apply", "--dry-run=server", "--validate=false", "-f", folder / "cel")
