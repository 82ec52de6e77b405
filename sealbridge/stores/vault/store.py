"""The store: references in, values out, over KV 1 and 2. Knows properties, not HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sealbridge.errors import Denied, Invalid, NotFound, StoreError
from sealbridge.secret import Value
from sealbridge.stores.base import Push, Reference, Resolver, Search, Target
from sealbridge.stores.property import UnsupportedPath, exact, lookup
from sealbridge.stores.trust import ClientCertificate, authorities, secret_item
from sealbridge.stores.vault import config as configuration
from sealbridge.stores.vault import pushing
from sealbridge.stores.vault import search as searching
from sealbridge.stores.vault.api import WORKERS, Api, Request
from sealbridge.stores.vault.config import WHERE, VaultConfig
from sealbridge.stores.vault.engine import Engine
from sealbridge.stores.vault.login import FixedLogin, Login, MethodLogin
from sealbridge.stores.vault.methods import login_request
from sealbridge.stores.vault.session import Session


class VaultStore:
    """One server, one identity."""

    def __init__(self, session: Session, config: VaultConfig) -> None:
        self._session = session
        self._config = config
        self._engine = Engine(session, config)

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        """As Store.fetch. Properties of one secret come out of one request."""
        wholes = list(dict.fromkeys(map(_whole, references)))
        answers = dict(zip(wholes, await asyncio.gather(*map(self._read, wholes)), strict=True))
        return {reference: _pick(answers[_whole(reference)], reference) for reference in references}

    async def find(self, search: Search) -> Mapping[str, Value]:
        """By name, tags (custom metadata, version 2 only) and path; deleted secrets count as gone."""
        return await searching.find(self._engine, search)

    async def push(self, push: Push) -> bool:
        """As Store.push. What was not pushed by us or by External Secrets Operator is left alone."""
        return await pushing.push(self._engine, push, must_check=self._config.check_and_set.required)

    async def delete(self, target: Target) -> None:
        """As Store.delete. What was not pushed stays."""
        await pushing.delete(self._engine, target)

    async def exists(self, target: Target) -> bool:
        """As Store.exists."""
        return await pushing.exists(self._engine, target)

    async def check(self) -> None:
        """Log in, and look the token up: the server answers and knows it. Raises StoreError."""
        await self._session.login.token(again=True)
        namespace = self._config.login_namespace
        try:
            await self._session.document(Request(path="auth/token/lookup-self", namespace=namespace))
        except Denied as error:
            if isinstance(self._session.login, MethodLogin) and not error.credentials:
                return  # Its policies do not let it, but logging in has just worked.
            if error.credentials:
                raise
            raise Denied(
                "the token is not accepted, or may not look itself up",
                credentials=True,
                hint="put a valid token into the Secret of auth.tokenSecretRef; its policies must allow"
                " to read auth/token/lookup-self, as the policy default does",
            ) from None

    async def close(self) -> None:
        """Revoke the token if it came of a login, and close the connections."""
        await self._session.close()

    async def _read(self, reference: Reference) -> bytes | StoreError:
        """The whole secret, or its metadata, as JSON text."""
        engine = self._engine
        try:
            if reference.metadata:
                return (await engine.metadata(engine.metadata_of(reference.key))).text()
            return (await engine.read(engine.data(reference.key), version=reference.version)).text()
        except StoreError as error:
            return error


async def open_store(config: Mapping[str, Any], resolver: Resolver) -> VaultStore:
    """Open from `spec.provider.vault`. Contacts no server. Raises Invalid, and what `resolver` raises."""
    model, method = configuration.read(config)
    try:
        from sealbridge.stores.vault.transport import Transport
    except ModuleNotFoundError:
        raise Invalid(
            "the provider vault needs the package hvac, which is not installed",
            hint="pip install 'sealbridge[vault]'",
        ) from None
    fixed = await _fixed_token(model, resolver) if method == "token_secret_ref" else None
    headers = dict(model.headers)
    if model.forward_inconsistent:
        headers["X-Vault-Inconsistent"] = "forward-active-node"
    transport = Transport(
        model.server,
        headers=headers,
        ca=await authorities(model.ca_bundle, model.ca_provider, resolver, WHERE),
        client_certificate=await _client_certificate(model, method, resolver),
        connections=WORKERS,
        read_your_writes=model.read_your_writes,
    )
    api = Api(model.server, transport)
    try:
        login: Login = FixedLogin(fixed)
        if method not in ("", "token_secret_ref"):
            name = configuration.where(method).rpartition(".")[2]
            request = await login_request(model, method, resolver, api)
            login = MethodLogin(api, name, request, namespace=model.login_namespace)
    except BaseException:
        api.close()
        raise
    return VaultStore(Session(api, login), model)


async def _fixed_token(model: VaultConfig, resolver: Resolver) -> Value:
    assert model.auth is not None  # noqa: S101 - config.read has seen to both
    assert model.auth.token_secret_ref is not None  # noqa: S101
    token = (await secret_item(resolver, model.auth.token_secret_ref)).strip()
    if not token or not token.isascii() or not token.decode().isprintable():
        raise Invalid(
            "the token has characters that no token has" if token else "the token is empty",
            where=f"{WHERE}.auth.tokenSecretRef",
        )
    return Value(token)


async def _client_certificate(
    model: VaultConfig, method: str, resolver: Resolver
) -> ClientCertificate | None:
    certificate, key = model.tls.cert_secret_ref, model.tls.key_secret_ref
    if method == "cert" and model.auth is not None and model.auth.cert is not None:
        # The one to log in with: a connection shows one only.
        certificate, key = model.auth.cert.client_cert, model.auth.cert.secret_ref
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise Invalid("certSecretRef and keySecretRef go together", where=f"{WHERE}.tls")
    return ClientCertificate(
        certificate=await secret_item(resolver, certificate), key=await secret_item(resolver, key)
    )


def _whole(reference: Reference) -> Reference:
    return Reference(reference.key, reference.version, metadata=reference.metadata)


def _pick(answer: bytes | StoreError, reference: Reference) -> Value | StoreError:
    """The part of a secret that a reference asks for: a top-level key as it is, else a path."""
    if isinstance(answer, StoreError):
        return answer
    if not reference.property:
        return Value(answer)
    try:
        found = exact(answer, reference.property)
        if found is None:
            found = lookup(answer, reference.property)
    except UnsupportedPath as error:
        return Invalid(f"property {reference.property!r}: {error}")
    if found is None:
        what = f"secret {reference.key!r} has no property {reference.property!r}"
        return NotFound(what, missing="property")
    return Value(found)
