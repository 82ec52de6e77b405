"""What each auth method sends to log in. Knows their requests, not the life of the token that comes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sealbridge.errors import ClusterError, Denied, Invalid, SealbridgeError, StoreError, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.base import Resolver
from sealbridge.stores.trust import SecretRef, secret_item
from sealbridge.stores.vault import paths, wrapping
from sealbridge.stores.vault.api import Api, Request
from sealbridge.stores.vault.config import (
    AppRole,
    Auth,
    CertAuth,
    JwtAuth,
    KubernetesAuth,
    LdapAuth,
    ServiceAccount,
    UserPass,
    VaultConfig,
    where,
)

_LIFETIME = 600  # seconds that the token of a service account has to live until it is used

LoginRequest = Callable[[], Awaitable[Request]]


async def login_request(config: VaultConfig, method: str, resolver: Resolver, api: Api) -> LoginRequest:
    """How to make the request that logs in. Contacts no server. Raises Invalid, and what `resolver` does."""
    auth = config.auth or Auth()
    namespace = config.login_namespace
    given = getattr(auth, method)
    if isinstance(given, AppRole):
        return await _app_role(given, namespace, resolver, api)
    if isinstance(given, KubernetesAuth):
        return await _kubernetes(given, namespace, resolver)
    if isinstance(given, (LdapAuth, UserPass)):
        return await _password(given, method, namespace, resolver)
    if isinstance(given, JwtAuth):
        return await _jwt(given, namespace, resolver)
    assert isinstance(given, CertAuth)  # noqa: S101 - config.read lets no other through
    body = {"name": given.vault_role} if given.vault_role else {}
    return _always(_request(given.path, "login", body, namespace))


async def _app_role(auth: AppRole, namespace: str, resolver: Resolver, api: Api) -> LoginRequest:
    role = auth.role_id
    if auth.role_ref is not None:
        role = await _text(resolver, auth.role_ref, where("app_role", "role_ref"))
    secret = Value((await secret_item(resolver, auth.secret_ref)).strip())
    wrapped = wrapping.token_in(secret)

    async def request() -> Request:
        known = secret
        if wrapped is not None:
            known = await wrapping.secret_id(wrapped, auth.path, namespace, api)
        body = {"role_id": role, "secret_id": _decoded(known, where("app_role", "secret_ref"))}
        return _request(auth.path, "login", body, namespace)

    return request


async def _kubernetes(auth: KubernetesAuth, namespace: str, resolver: Resolver) -> LoginRequest:
    if auth.service_account_ref is not None:
        account = auth.service_account_ref

        async def token() -> str:
            place = where("kubernetes", "service_account_ref")
            return await _account_token(resolver, account, account.audiences, _LIFETIME, place)

    elif auth.secret_ref is not None:
        pointer = SecretRef(
            name=auth.secret_ref.name,
            key=auth.secret_ref.key or "token",
            namespace=auth.secret_ref.namespace,
        )
        known = await _text(resolver, pointer, where("kubernetes", "secret_ref"))

        async def token() -> str:
            return known

    else:

        async def token() -> str:
            try:
                return _decoded(await resolver.own_token(), where("kubernetes"))
            except SealbridgeError as error:
                raise _as_store_error(error, error.what, where("kubernetes")) from None

    async def request() -> Request:
        return _request(auth.mount_path, "login", {"role": auth.role, "jwt": await token()}, namespace)

    return request


async def _password(
    auth: LdapAuth | UserPass, method: str, namespace: str, resolver: Resolver
) -> LoginRequest:
    password = (await secret_item(resolver, auth.secret_ref)).removesuffix(b"\n")
    body = {"password": _decoded(Value(password), where(method, "secret_ref"))}
    return _always(_request(auth.path, f"login/{paths.segment(auth.username)}", body, namespace))


async def _jwt(auth: JwtAuth, namespace: str, resolver: Resolver) -> LoginRequest:
    role = {"role": auth.role} if auth.role else {}
    if auth.secret_ref is not None:
        token = await _text(resolver, auth.secret_ref, where("jwt", "secret_ref"))
        return _always(_request(auth.path, "login", {**role, "jwt": token}, namespace))
    wanted = auth.kubernetes_service_account_token
    assert wanted is not None  # noqa: S101 - config.read has seen to it
    audiences = dict.fromkeys((*wanted.service_account_ref.audiences, *wanted.audiences))
    place = where("jwt", "kubernetes_service_account_token")

    async def request() -> Request:
        jwt = await _account_token(
            resolver, wanted.service_account_ref, tuple(audiences), wanted.expiration_seconds, place
        )
        return _request(auth.path, "login", {**role, "jwt": jwt}, namespace)

    return request


def _request(mount: str, rest: str, body: dict[str, Any], namespace: str) -> Request:
    path = f"auth/{paths.mount(mount)}/{rest}"
    return Request(path=path, what="login", method="post", namespace=namespace, body=body)


def _always(request: Request) -> LoginRequest:
    async def same() -> Request:
        return request

    return same


async def _text(resolver: Resolver, pointer: SecretRef, place: str) -> str:
    return _decoded(Value((await secret_item(resolver, pointer)).strip()), place)


def _decoded(value: Value, place: str) -> str:
    try:
        text = value.reveal().decode()
    except UnicodeDecodeError:
        raise Invalid("the credential is not text", where=place) from None
    if not text:
        raise Invalid("the credential is empty", where=place)
    return text


async def _account_token(
    resolver: Resolver, account: ServiceAccount, audiences: Sequence[str], seconds: int, place: str
) -> str:
    try:
        token = await resolver.service_account_token(
            account.name, namespace=account.namespace, audiences=audiences, expiration_seconds=seconds
        )
    except SealbridgeError as error:
        what = f'no token of the service account "{account.name}": {error.what}'
        raise _as_store_error(error, what, place) from None
    return _decoded(token, place)


def _as_store_error(error: SealbridgeError, what: str, place: str) -> StoreError:
    if isinstance(error, StoreError):
        return error
    status = error.status if isinstance(error, ClusterError) else None
    if status in (401, 403):
        return Denied(what, where=place, hint="let the operator create serviceaccounts/token there")
    if isinstance(error, ClusterError) and error.retryable:
        return Unavailable(what, where=place, hint=error.hint)
    return Invalid(what, where=place, hint=error.hint)
