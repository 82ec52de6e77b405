"""spec.provider.kubernetes, before anything is asked."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.errors import Invalid
from sealbridge.stores.base import Store
from sealbridge.stores.kubernetes.config import address, read
from sealbridge.stores.registry import open_store
from tests.canary import Canary
from tests.servers.resolver import DictResolver

REF = {"name": "s", "key": "k"}
TOKEN = {"token": {"bearerToken": REF}}
ACCOUNT = {"serviceAccount": {"name": "a"}}


async def opened(value: str | bytes = "t", **config: Any) -> Store:
    return await open_store("kubernetes", config, DictResolver({"s/k": value}))


def test_server_and_namespace_have_upstreams_defaults() -> None:
    model = read({"auth": TOKEN})
    assert (model.server.url, model.remote_namespace) == ("kubernetes.default", "default")


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({}, "auth: no way to log in is given"),
        ({"auth": {}}, "auth: no way to log in is given"),
        ({"auth": TOKEN | ACCOUNT}, "auth: exactly one way to log in is needed"),
        ({"auth": TOKEN, "authRef": REF}, "auth and authRef exclude each other"),
        ({"authRef": {"name": "s"}}, "authRef: key is missing"),
        ({"auth": {"token": {"bearerToken": {"name": "s"}}}}, "auth.token.bearerToken: key is missing"),
        ({"auth": {"cert": {"clientCert": REF}}}, "auth.cert: clientCert and clientKey go together"),
        ({"auth": {"serviceAccount": {"name": "a/../b"}}}, "auth.serviceAccount.name is not a name"),
        ({"auth": {"serviceAccount": {"name": ""}}}, "auth.serviceAccount.name is missing"),
        ({"auth": TOKEN, "remoteNamespace": "a/../b"}, "remoteNamespace is not a namespace"),
        ({"auth": TOKEN, "remoteNamespace": ""}, "remoteNamespace"),
        ({"auth": TOKEN, "server": {"url": "https://u:p@host"}}, "must not hold credentials"),
        ({"auth": TOKEN, "server": {"url": "ftp://host"}}, "server.url: not the address of a server"),
        ({"auth": TOKEN, "server": {"url": "https://host?x=1"}}, "server.url: not the address"),
        ({"auth": TOKEN, "server": {"caBundle": "x"}}, "server.caBundle: neither a certificate in PEM"),
        ({"auth": TOKEN, "server": {"caBundle": "-----BEGIN X"}}, "the CA is not a certificate in PEM"),
        ({"auth": TOKEN, "servers": {}}, "servers: there is no such field"),
        ({"auth": TOKEN, "server": {"caProvider": {"type": "File", "name": "x"}}}, "caProvider.type"),
    ],
)
async def test_a_bad_spec_is_refused_by_its_field(config: dict[str, Any], error: str) -> None:
    with pytest.raises(Invalid) as caught:
        await opened(**config)
    assert error in str(caught.value)


@pytest.mark.parametrize("token", [b"", b" \n", b"a\nb", b"\xff", "tök".encode()])
async def test_a_token_that_no_header_takes_is_refused_without_a_word_of_it(token: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        await opened(token, auth=TOKEN)
    assert "bearerToken: the token" in str(caught.value)


async def test_a_client_certificate_that_is_none_is_refused(canary: Canary) -> None:
    value = canary("not a key")
    with pytest.raises(Invalid) as caught:
        await opened(value, auth={"cert": {"clientCert": REF, "clientKey": REF}})
    assert "not PEM, or not a pair" in str(caught.value)
    canary.seen(f"{caught.value!r} {caught.value}", "errors of certificates")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("kubernetes.default", "https://kubernetes.default"),
        ("10.0.0.1:6443", "https://10.0.0.1:6443"),
        ("https://host/clusters/c1/", "https://host/clusters/c1"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("https://[::1]:6443", "https://[::1]:6443"),
    ],
)
def test_an_address_is_https_unless_it_says_otherwise(url: str, base: str) -> None:
    assert address(url, "spec") == base


@pytest.mark.parametrize(
    "url", ["", "https://", "https://host:99999", "https://[", "https://a b", "https://ä"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="not the address"):
        address(url, "spec")
