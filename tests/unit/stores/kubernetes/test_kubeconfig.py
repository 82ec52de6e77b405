"""Kubeconfigs that tenants write."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from sealbridge.errors import Invalid
from sealbridge.stores.kubernetes.kubeconfig import Kubeconfig, parse
from sealbridge.stores.trust import ClientCertificate
from tests.canary import Canary

CA = base64.b64encode(b"the CA").decode()


def text(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, **more: Any) -> bytes:
    document = {
        "apiVersion": "v1",
        "current-context": "here",
        "contexts": [
            {"name": "other", "context": {}},
            {"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "ignored"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": "https://there", **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
        **more,
    }
    return yaml.safe_dump(document).encode()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (text({"token": "t\n"}), Kubeconfig(server="https://there", authorization=b"Bearer t")),
        (
            text({"username": "ann", "password": "p"}, {"certificate-authority-data": CA}),
            Kubeconfig(server="https://there", ca="the CA", authorization=b"Basic YW5uOnA="),
        ),
        (
            text({"client-certificate-data": CA, "client-key-data": CA}),
            Kubeconfig(
                server="https://there", certificate=ClientCertificate(certificate=b"the CA", key=b"the CA")
            ),
        ),
        (
            text({"exec": None}, {"insecure-skip-tls-verify": False, "extensions": [1]}),
            Kubeconfig(server="https://there"),
        ),
    ],
)
def test_the_current_context_counts(content: bytes, found: Kubeconfig) -> None:
    assert parse(content, "spec") == found


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (text({"exec": {"command": "sh"}}), "user has exec"),
        (text({"auth-provider": {"name": "gcp"}}), "user has auth-provider"),
        (text({"tokenFile": "/var/run/secrets/token"}), "user has tokenFile"),
        (text({"client-certificate": "/a", "client-key": "/b"}), "user has client-certificate"),
        (text({"as": "admin"}), "user has as"),
        (text({}, {"certificate-authority": "/etc/ca"}), "cluster has certificate-authority"),
        (text({}, {"proxy-url": "http://evil"}), "cluster has proxy-url"),
        (text({}, {"insecure-skip-tls-verify": True}), "cluster has insecure-skip-tls-verify"),
        (text({}, {"tls-server-name": "x"}), "cluster has tls-server-name"),
        (text({"client-key-data": CA}), "go together"),
        (text({"token": 5}), "token is not text"),
        (text({"client-key-data": "%%%"}), "client-key-data is not base64"),
        (text({}, {"server": ""}), "no server"),
        (text(contexts=[]), "does not have the current-context"),
        (text(users=None), "does not have the user"),
        (text(clusters="c"), "does not have the cluster"),
        (b"[]", "not a mapping"),
        (b"a: [", "not YAML"),
        (b"\xff", "not YAML"),
        (b"!!python/object/apply:os.system [id]", "not YAML"),
        (b"a: " + b"[" * 60_000, "not YAML"),
        (b"a: " + b"[" * 100_000, "larger than 64 KiB"),
    ],
)
def test_what_is_of_the_operator_or_broken_is_refused(content: bytes, what: str) -> None:
    with pytest.raises(Invalid, match=what):
        parse(content, "spec")


def test_no_error_quotes_what_stands_in_it(canary: Canary) -> None:
    value = canary("kubeconfig")
    for content in (
        f"users: {{{value}".encode(),
        text({"token": value}, current_context=value, users=value),
        text({value * 3: value}),
        text({"client-key-data": f"%{value}"}),
    ):
        with pytest.raises(Invalid) as caught:
            parse(content, "spec")
        canary.seen(f"{caught.value!r} {caught.value} {caught.value.hint}", "errors of kubeconfigs")
