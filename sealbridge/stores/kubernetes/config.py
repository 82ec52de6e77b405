"""`spec.provider.kubernetes`, typed. Resolves no pointer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sealbridge.errors import Invalid, ManifestError
from sealbridge.secret import check_name, check_namespace
from sealbridge.stores.config import read_config
from sealbridge.stores.trust import CAProvider, Model, SecretRef

WHERE = "spec.provider.kubernetes"


class Server(Model, frozen=True):
    """Where the API server is, and who signs its certificate."""

    url: str = "kubernetes.default"
    ca_bundle: str = ""
    ca_provider: CAProvider | None = None


class CertificateAuth(Model, frozen=True):
    """Pointers to a client certificate and its key."""

    client_cert: SecretRef | None = None
    client_key: SecretRef | None = None


class TokenAuth(Model, frozen=True):
    """A pointer to a bearer token."""

    bearer_token: SecretRef


class ServiceAccount(Model, frozen=True):
    """A service account of the cluster that the store stands in; its tokens are made as needed."""

    name: str
    namespace: str = ""
    audiences: tuple[str, ...] = ()


class Auth(Model, frozen=True):
    """How to log in: exactly one of these."""

    cert: CertificateAuth | None = None
    token: TokenAuth | None = None
    service_account: ServiceAccount | None = None


class KubernetesConfig(Model, frozen=True):
    """An API server, a namespace in it and how to log in."""

    server: Server = Server()
    auth: Auth | None = None
    auth_ref: SecretRef | None = None
    remote_namespace: str = "default"


def read(config: Mapping[str, Any]) -> KubernetesConfig:
    """The configuration. Raises Invalid that names the field."""
    model = read_config(config, KubernetesConfig, WHERE)
    check_remote_namespace(model.remote_namespace, f"{WHERE}.remoteNamespace")
    auth = model.auth or Auth()
    given = [name for name in ("cert", "token", "service_account") if getattr(auth, name) is not None]
    if model.auth_ref is not None:
        if given:
            raise Invalid("auth and authRef exclude each other", where=WHERE)
        _needs_key(model.auth_ref, "authRef")
    elif len(given) != 1:
        raise Invalid(
            "exactly one way to log in is needed" if given else "no way to log in is given",
            where=f"{WHERE}.auth",
            hint="cert, token or serviceAccount; or a kubeconfig in authRef",
        )
    if auth.service_account is not None:
        _check_name(auth.service_account.name, f"{WHERE}.auth.serviceAccount.name")
    if auth.token is not None:
        _needs_key(auth.token.bearer_token, "auth.token.bearerToken")
    if auth.cert is not None:
        if auth.cert.client_cert is None or auth.cert.client_key is None:
            raise Invalid("clientCert and clientKey go together", where=f"{WHERE}.auth.cert")
        _needs_key(auth.cert.client_cert, "auth.cert.clientCert")
        _needs_key(auth.cert.client_key, "auth.cert.clientKey")
    return model


def address(url: str, where: str) -> str:
    """The base address of an API server, https unless it says otherwise. Raises Invalid."""
    text = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise Invalid("not the address of a server", where=where, hint="write https://HOST:PORT") from None
    if parts.username or parts.password:
        raise Invalid("an address must not hold credentials", where=where)
    if not usable or parts.query or parts.fragment or not text.isascii() or " " in text:
        raise Invalid("not the address of a server", where=where, hint="write https://HOST:PORT")
    return text.rstrip("/")


def check_remote_namespace(namespace: str, where: str) -> None:
    """Refuse what is not a namespace: it becomes a part of a path."""
    try:
        check_namespace(namespace, where)
    except ManifestError as error:
        raise Invalid(error.what, hint=error.hint) from None


def _check_name(name: str, where: str) -> None:
    try:
        check_name(name, where)
    except ManifestError as error:
        raise Invalid(error.what, hint=error.hint) from None


def _needs_key(reference: SecretRef, field: str) -> None:
    if not reference.key:
        raise Invalid("key is missing", where=f"{WHERE}.{field}")
