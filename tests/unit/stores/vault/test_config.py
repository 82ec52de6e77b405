"""What spec.provider.vault may say, and what is said about the rest."""

from __future__ import annotations

import base64
import subprocess
import sys
from typing import Any

import pytest
import trustme

from sealbridge.errors import Invalid
from sealbridge.stores.registry import open_store
from tests.servers.resolver import DictResolver

CA = trustme.CA().cert_pem.bytes().decode()
TOKEN = {"tokenSecretRef": {"name": "t", "key": "k"}}
GOOD: dict[str, Any] = {"server": "https://vault.example.org:8200", "auth": TOKEN}


async def opened(config: dict[str, Any], **secrets: str | bytes) -> None:
    resolver = DictResolver(
        {"t/k": "token", "ns/t/k": "token", "ca/crt": CA, "odd/wrap": "{}", **secrets},
        {"ca/crt": CA, "ns/ca/crt": base64.b64encode(CA.encode()).decode()},
    )
    store = await open_store("vault", config, resolver)
    await store.close()


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"version": "v1", "path": "kv", "namespace": "n", "headers": {"A": "b"}},
        {"readYourWrites": True, "forwardInconsistent": True, "checkAndSet": {"required": True}},
        {"caBundle": CA},
        {"caBundle": base64.b64encode(CA.encode()).decode()},
        {"caProvider": {"type": "Secret", "name": "ca", "key": "crt"}},
        {"caProvider": {"type": "ConfigMap", "name": "ca", "key": "crt"}},
        {"caProvider": {"type": "ConfigMap", "name": "ca", "key": "crt", "namespace": "ns"}},
        {"auth": {"tokenSecretRef": {"name": "t", "key": "k", "namespace": "ns"}, "namespace": "x"}},
        {"auth": {"tokenSecretRef": {"name": "t", "key": "k"}, "kubernetes": {"role": "first match wins"}}},
        {"auth": None},
        {"auth": {"kubernetes": {"role": "r"}}},
        {"auth": {"kubernetes": {"mountPath": "k", "role": "r", "serviceAccountRef": {"name": "sa"}}}},
        {"auth": {"kubernetes": {"role": "r", "secretRef": {"name": "t", "key": "k"}}}},
        {"auth": {"appRole": {"roleId": "r", "secretRef": {"name": "t", "key": "k"}}}},
        {"auth": {"userPass": {"username": "u", "secretRef": {"name": "t", "key": "k"}}}},
        {"auth": {"jwt": {"kubernetesServiceAccountToken": {"serviceAccountRef": {"name": "sa"}}}}},
        {"path": None},
        {"tls": {}},
    ],
)
async def test_a_good_configuration_opens_without_contacting_a_server(config: dict[str, Any]) -> None:
    await opened(GOOD | config)


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"server": None}, "spec.provider.vault: object missing required field `server`"),
        ({"server": "vault:8200"}, "spec.provider.vault.server: not the address of a server"),
        ({"server": "https://vault:99999"}, "spec.provider.vault.server: not the address of a server"),
        ({"server": "https://[vault"}, "spec.provider.vault.server: not the address of a server"),
        ({"server": "https://vault?x=y"}, "spec.provider.vault.server: not the address of a server"),
        ({"server": "ftp://vault"}, "spec.provider.vault.server: not the address of a server"),
        ({"server": "https://u:p@vault"}, "spec.provider.vault.server: an address must not hold credentials"),
        ({"version": "v3"}, "spec.provider.vault.version: invalid enum value 'v3'"),
        ({"pth": "x"}, "spec.provider.vault.pth: there is no such field, or it is not supported yet"),
        ({"auth": {}}, "spec.provider.vault.auth: no auth method is given"),
        (
            {"auth": {"iam": {"role": "r"}}},
            "spec.provider.vault.auth.iam: auth method iam is not supported yet",
        ),
        (
            {"auth": {"gcp": {"role": "r"}}},
            "spec.provider.vault.auth.gcp: auth method gcp is not supported yet",
        ),
        (
            {"auth": {"appRole": {"secretRef": {"name": "t", "key": "k"}}}},
            "spec.provider.vault.auth.appRole: exactly one of roleId and roleRef is needed",
        ),
        (
            {"auth": {"appRole": {"roleId": "r", "secretRef": {"name": "t"}}}},
            "spec.provider.vault.auth.appRole.secretRef: key is missing",
        ),
        (
            {"auth": {"appRole": {"roleId": "r"}}},
            "spec.provider.vault.auth.appRole: object missing required field `secretRef`",
        ),
        (
            {"auth": {"jwt": {"role": "r"}}},
            "spec.provider.vault.auth.jwt: exactly one of secretRef and kubernetesServiceAccountToken needed",
        ),
        (
            {"auth": {"ldap": {"username": "u", "secretRef": {"name": "no", "key": "k"}}}},
            "there is no Secret no/k",
        ),
        (
            {"auth": {"kubernetes": {"role": "r", "rolle": "r"}}},
            "spec.provider.vault.auth.kubernetes.rolle: there is no such field, or it is not supported yet",
        ),
        (
            {"auth": {"appRole": {"roleId": "r", "secretRef": {"name": "odd", "key": "wrap"}}}},
            "spec.provider.vault.auth.appRole.secretRef: neither a secret id nor a wrapped one",
        ),
        (
            {"auth": {"tokenSecretRef": {"name": "t"}}},
            "spec.provider.vault.auth.tokenSecretRef: key is missing",
        ),
        ({"auth": {"tokenSecretRef": {"name": "x", "key": "k"}}}, "there is no Secret x/k"),
        (
            {"caBundle": "nonsense"},
            "spec.provider.vault.caBundle: neither a certificate in PEM nor one in base64",
        ),
        (
            {"caBundle": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
            "the CA is not a certificate in PEM",
        ),
        ({"caProvider": {"type": "ConfigMap", "name": "no", "key": "crt"}}, "there is no ConfigMap no/crt"),
        (
            {"caProvider": {"type": "File", "name": "n"}},
            "spec.provider.vault.caProvider.type: invalid enum value 'File'",
        ),
        (
            {"tls": {"certSecretRef": {"name": "ca", "key": "crt"}}},
            "spec.provider.vault.tls: certSecretRef and keySecretRef go together",
        ),
    ],
)
async def test_a_bad_configuration_is_refused_by_its_field(config: dict[str, Any], error: str) -> None:
    with pytest.raises(Invalid) as caught:
        await opened(GOOD | config)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("token", "what"),
    [
        (b"", "the token is empty"),
        (b" \n", "the token is empty"),
        (b"two\nlines", "the token has characters that no token has"),
        (b"\xff\xfe", "the token has characters that no token has"),
    ],
)
async def test_a_token_that_cannot_be_one_is_refused_and_not_shown(token: bytes, what: str) -> None:
    with pytest.raises(Invalid) as caught:
        await opened(GOOD, **{"t/k": token})
    assert str(caught.value) == f"spec.provider.vault.auth.tokenSecretRef: {what}"


async def test_an_unknown_provider_is_refused_with_those_that_work() -> None:
    with pytest.raises(Invalid) as caught:
        await open_store("bitwarden", {}, DictResolver())
    assert str(caught.value) == "spec.provider.bitwarden: the provider bitwarden is not supported yet"
    assert caught.value.hint == "supported today: fake, kubernetes, vault, webhook"


def test_without_its_package_the_provider_says_what_to_install() -> None:
    program = """
import asyncio, sys
sys.modules["hvac"] = None
from sealbridge.errors import Invalid
from sealbridge.stores.registry import open_store
try:
    auth = {"tokenSecretRef": {"name": "t", "key": "k"}}
    asyncio.run(open_store("vault", {"server": "https://vault", "auth": auth}, None))
except Invalid as error:
    print(error.what, "|", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "the provider vault needs the package hvac, which is not installed | pip install 'sealbridge[vault]'"
    )


def test_no_sdk_is_imported_before_a_store_is_opened() -> None:
    program = (
        "import sys; import sealbridge.stores.registry, sealbridge.stores.guard, sealbridge.sync.assemble;"
        "print([m for m in ('hvac', 'requests', 'gjson', 'aiolimiter') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_wrong_choice_is_answered_with_the_right_ones() -> None:
    with pytest.raises(Invalid) as caught:
        await opened(GOOD | {"version": "v3"})
    assert caught.value.hint == "it is one of v1, v2"
