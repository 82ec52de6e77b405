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
# In the order in which they are looked for.
METHODS = ("token_secret_ref", "app_role", "kubernetes", "ldap", "user_pass", "jwt", "cert", "iam", "gcp")
# Of Vault alone: OpenBao, against which all others are proven, does not have them.
_REFUSED = frozenset({"iam", "gcp"})


class ClientTLS(Model, frozen=True):
    """Pointers to a client certificate and its key, for servers that ask for one."""

    cert_secret_ref: SecretRef | None = None
    key_secret_ref: SecretRef | None = None


class ServiceAccount(Model, frozen=True):
    """A service account of the cluster that the store stands in; its tokens are made as needed."""

    name: str
    namespace: str = ""
    audiences: tuple[str, ...] = ()


class AppRole(Model, frozen=True):
    """A role's id, given or pointed to, and a pointer to its secret id."""

    secret_ref: SecretRef
    path: str = "approle"
    role_id: str = ""
    role_ref: SecretRef | None = None


class KubernetesAuth(Model, frozen=True):
    """A role, and whose token proves who we are: without a pointer that of our own pod."""

    role: str
    mount_path: str = "kubernetes"
    service_account_ref: ServiceAccount | None = None
    secret_ref: SecretRef | None = None


class PasswordAuth(Model, frozen=True):
    """A user and a pointer to its password."""

    username: str
    secret_ref: SecretRef


class LdapAuth(PasswordAuth, frozen=True):
    """Of a directory."""

    path: str = "ldap"


class UserPass(PasswordAuth, frozen=True):
    """Of the server itself."""

    path: str = "userpass"


class AccountToken(Model, frozen=True):
    """A token of a service account, made for the audiences."""

    service_account_ref: ServiceAccount
    audiences: tuple[str, ...] = ("vault",)
    expiration_seconds: int = 600


class JwtAuth(Model, frozen=True):
    """A role, and where the token comes from: exactly one of the two."""

    path: str = "jwt"
    role: str = ""
    secret_ref: SecretRef | None = None
    kubernetes_service_account_token: AccountToken | None = None


class CertAuth(Model, frozen=True):
    """Pointers to a client certificate and its key, and the role to log in for."""

    client_cert: SecretRef
    secret_ref: SecretRef
    path: str = "cert"
    vault_role: str = ""


class Auth(Model, frozen=True):
    """How to log in: the first that is given counts. The last two are named and refused."""

    namespace: str = ""
    token_secret_ref: SecretRef | None = None
    app_role: AppRole | None = None
    kubernetes: KubernetesAuth | None = None
    ldap: LdapAuth | None = None
    user_pass: UserPass | None = None
    jwt: JwtAuth | None = None
    cert: CertAuth | None = None
    iam: Any = None
    gcp: Any = None


class CheckAndSet(Model, frozen=True):
    """Pushes to version 2 check in any case; `required` refuses version 1, which cannot."""

    required: bool = False


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
    read_your_writes: bool = False
    check_and_set: CheckAndSet = CheckAndSet()

    @property
    def login_namespace(self) -> str:
        """Where to log in, which may be above where the secrets are."""
        return (self.auth.namespace if self.auth is not None else "") or self.namespace


def read(config: Mapping[str, Any]) -> tuple[VaultConfig, str]:
    """The configuration and the name of the auth method, "" for none. Raises Invalid that names the field."""
    model = read_config(config, VaultConfig, WHERE)
    _check_address(model.server)
    if model.auth is None:
        return model, ""
    given = [method for method in METHODS if getattr(model.auth, method) is not None]
    if not given:
        raise Invalid("no auth method is given", where=f"{WHERE}.auth", hint=f"one of {_listed()}")
    method = given[0]
    if method in _REFUSED:
        raise Invalid(
            f"auth method {method} is not supported yet",
            where=f"{WHERE}.auth.{method}",
            hint=f"{_listed()} work today",
        )
    _check_pointers(getattr(model.auth, method), method)
    return model, method


def where(method: str, field: str = "") -> str:
    """The place of an auth method in the spec."""
    return ".".join(filter(None, (WHERE, "auth", _camel(method), _camel(field))))


def _listed() -> str:
    return ", ".join(_camel(method) for method in METHODS if method not in _REFUSED)


def _check_pointers(auth: Any, method: str) -> None:
    if isinstance(auth, SecretRef):
        auth, pointers = None, {"": auth}
    else:
        pointers = {
            name: getattr(auth, name)
            for name in ("role_ref", "secret_ref", "client_cert")
            if getattr(auth, name, None) is not None
        }
    for name, pointer in pointers.items():
        # The token of a service account's Secret has a name of its own.
        if not pointer.key and method != "kubernetes":
            raise Invalid("key is missing", where=where(method, name))
    if isinstance(auth, AppRole) and bool(auth.role_id) == (auth.role_ref is not None):
        raise Invalid("exactly one of roleId and roleRef is needed", where=where(method))
    if isinstance(auth, JwtAuth) and (auth.secret_ref is None) == (
        auth.kubernetes_service_account_token is None
    ):
        what = "exactly one of secretRef and kubernetesServiceAccountToken needed"
        raise Invalid(what, where=where(method))


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
