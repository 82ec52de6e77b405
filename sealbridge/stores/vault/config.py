"""`spec.provider.vault`, typed. Knows which of its fields work and resolves none of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from sealbridge.errors import Invalid
from sealbridge.stores.config import read_config
from sealbridge.stores.trust import CAProvider, Model, SecretRef

WHERE = "spec.provider.vault"


class ClientTLS(Model, frozen=True):
    """Pointers to a client certificate and its key, for servers that ask for one."""

    cert_secret_ref: SecretRef | None = None
    key_secret_ref: SecretRef | None = None


class Auth(Model, frozen=True):
    """How to log in. All methods of the real API are named; one of them works today."""

    namespace: str = ""
    token_secret_ref: SecretRef | None = None
    app_role: Any = None
    kubernetes: Any = None
    ldap: Any = None
    jwt: Any = None
    cert: Any = None
    iam: Any = None
    user_pass: Any = None
    gcp: Any = None


class VaultConfig(Model, frozen=True):
    """Where the server is, which engine to read and how to log in."""

    server: str
    auth: Auth | None = None
    path: str = ""
    version: Literal["v1", "v2"] = "v2"
    namespace: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    ca_bundle: str = ""
    ca_provider: CAProvider | None = None
    # Empty in every object that a program in Go has written back.
    tls: ClientTLS = ClientTLS()
    forward_inconsistent: bool = False
    # Both concern writes, and nothing is written here: reads behave the same with and without.
    read_your_writes: bool = False
    check_and_set: Any = None


def read(config: Mapping[str, Any]) -> tuple[VaultConfig, SecretRef]:
    """The configuration and the reference to the token. Raises Invalid that names the field."""
    model = read_config(config, VaultConfig, WHERE)
    _check_address(model.server)
    auth = model.auth or Auth()
    if auth.token_secret_ref is None:
        hint = "tokenSecretRef works today"
        for method in ("app_role", "kubernetes", "ldap", "user_pass", "jwt", "cert", "iam", "gcp"):
            if getattr(auth, method) is not None:
                name = _camel(method)
                raise Invalid(
                    f"auth method {name} is not supported yet", where=f"{WHERE}.auth.{name}", hint=hint
                )
        raise Invalid("no auth method is given", where=f"{WHERE}.auth", hint=hint)
    if not auth.token_secret_ref.key:
        raise Invalid("key is missing", where=f"{WHERE}.auth.tokenSecretRef")
    return model, auth.token_secret_ref


def _check_address(server: str) -> None:
    try:
        url = urlsplit(server)
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable or url.query or url.fragment:
        raise Invalid("not the address of a server", where=f"{WHERE}.server", hint="write https://HOST:PORT")
    if url.username or url.password:
        raise Invalid("an address must not hold credentials", where=f"{WHERE}.server")


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
