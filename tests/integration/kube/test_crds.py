"""Manifests as people have them, on a real API server: taken whole, by either way of kubectl."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.servers.apiserver import ApiServer

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
