"""The store: references in, values out, over KV 1 and 2. Knows paths and documents, not HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, Unavailable
from sealbridge.secret import Value
from sealbridge.stores import documents
from sealbridge.stores.base import Push, Reference, Resolver, Search, Target
from sealbridge.stores.property import UnsupportedPath, exact, lookup
from sealbridge.stores.trust import ClientCertificate, authorities, secret_item
from sealbridge.stores.vault import config as configuration
from sealbridge.stores.vault import paths
from sealbridge.stores.vault.answers import document
from sealbridge.stores.vault.config import WHERE, VaultConfig

if TYPE_CHECKING:
    from sealbridge.stores.vault.transport import Transport

_WORKERS = 8
# Above what the transport itself takes, for a server that keeps dripping headers.
_CALL_TIMEOUT = 60.0
_STANDARD_METADATA = ("created_time", "current_version", "delete_version_after")


class VaultStore:
    """One server, one token. Requests run on a few threads of its own."""

    def __init__(self, transport: Transport, config: VaultConfig) -> None:
        self._transport = transport
        self._config = config
        self._executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix="vault")
        # In front of the threads, so that the time in their queue does not count against an answer.
        self._slots = asyncio.Semaphore(_WORKERS)

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        """As Store.fetch. Properties of one secret come out of one request."""
        wholes = list(dict.fromkeys(map(_whole, references)))
        answers = dict(zip(wholes, await asyncio.gather(*map(self._read, wholes)), strict=True))
        return {reference: _pick(answers[_whole(reference)], reference) for reference in references}

    async def find(self, search: Search) -> Mapping[str, Value]:
        raise _not_yet("find")

    async def push(self, push: Push) -> bool:
        raise _not_yet("a push")

    async def delete(self, target: Target) -> None:
        raise _not_yet("a deletion")

    async def exists(self, target: Target) -> bool:
        raise _not_yet("a push")

    async def check(self) -> None:
        """Look the token up: the server answers and knows it. Raises StoreError."""
        config = self._config
        namespace = (config.auth.namespace if config.auth else "") or config.namespace
        try:
            await self._document("auth/token/lookup-self", namespace=namespace)
        except Denied as error:
            if error.credentials:
                raise
            raise Denied(
                "the token is not accepted, or may not look itself up",
                credentials=True,
                hint="put a valid token into the Secret of auth.tokenSecretRef; its policies must allow"
                " to read auth/token/lookup-self, as the policy default does",
            ) from None

    async def close(self) -> None:
        """Close the connections. The token is not ours to revoke."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    async def _read(self, reference: Reference) -> bytes | StoreError:
        """The whole secret, or its metadata, as JSON text."""
        try:
            if reference.metadata:
                return await self._read_metadata(reference)
            return await self._read_value(reference)
        except StoreError as error:
            return error

    async def _read_value(self, reference: Reference) -> bytes:
        config = self._config
        path = paths.data_path(reference.key, mount=config.path, version=config.version)
        if config.version == "v1":
            if reference.version:
                raise Invalid(
                    "a KV engine of version 1 keeps no versions", hint="leave remoteRef.version out"
                )
            return _text(await self._document(path), path)
        if reference.version and not (reference.version.isascii() and reference.version.isdigit()):
            raise Invalid(f"version {reference.version!r} is not a number")
        parameters = {"version": reference.version} if reference.version else None
        answer = await self._document(path, parameters=parameters)
        data = answer.get("data")
        if data is None:
            raise NotFound(f"there is no secret at {path}")
        if not isinstance(data, dict):
            raise Invalid(
                f"{path} is not a path of a KV engine of version 2",
                hint=f"set {WHERE}.version to v1 if the engine is of version 1",
            )
        return _text(data, path)

    async def _read_metadata(self, reference: Reference) -> bytes:
        if self._config.version == "v1":
            raise Invalid("a KV engine of version 1 has no metadata", hint="leave metadataPolicy out")
        path = paths.metadata_path(reference.key, mount=self._config.path)
        answer = await self._document(path)
        found = {name: answer[name] for name in _STANDARD_METADATA if name in answer}
        custom = answer.get("custom_metadata")
        return _text(found | custom if isinstance(custom, dict) else found, path)

    async def _document(
        self, path: str, *, namespace: str | None = None, parameters: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        namespace = self._config.namespace if namespace is None else namespace

        def call() -> Mapping[str, Any]:
            return document(self._transport.get(path, namespace=namespace, parameters=parameters), path)

        try:
            async with self._slots, asyncio.timeout(_CALL_TIMEOUT):
                return await asyncio.get_running_loop().run_in_executor(self._executor, call)
        except TimeoutError:
            raise Unavailable(f"{self._config.server} did not answer within {_CALL_TIMEOUT:.0f} s") from None


async def open_store(config: Mapping[str, Any], resolver: Resolver) -> VaultStore:
    """Open from `spec.provider.vault`. Contacts no server. Raises Invalid, and what `resolver` raises."""
    model, token_ref = configuration.read(config)
    try:
        from sealbridge.stores.vault.transport import Transport
    except ModuleNotFoundError:
        raise Invalid(
            "the provider vault needs the package hvac, which is not installed",
            hint="pip install 'sealbridge[vault]'",
        ) from None
    token = (await secret_item(resolver, token_ref)).strip()
    if not token or not token.isascii() or not token.decode().isprintable():
        raise Invalid(
            "the token has characters that no token has" if token else "the token is empty",
            where=f"{WHERE}.auth.tokenSecretRef",
        )
    headers = dict(model.headers)
    if model.forward_inconsistent:
        headers["X-Vault-Inconsistent"] = "forward-active-node"
    transport = Transport(
        model.server,
        token=token.decode(),
        headers=headers,
        ca=await authorities(model.ca_bundle, model.ca_provider, resolver, WHERE),
        client_certificate=await _client_certificate(model, resolver),
        connections=_WORKERS,
    )
    return VaultStore(transport, model)


def _not_yet(what: str) -> Invalid:
    return Invalid(f"{what} is not supported yet by the provider vault")


async def _client_certificate(model: VaultConfig, resolver: Resolver) -> ClientCertificate | None:
    certificate, key = model.tls.cert_secret_ref, model.tls.key_secret_ref
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise Invalid("certSecretRef and keySecretRef go together", where=f"{WHERE}.tls")
    return ClientCertificate(
        certificate=await secret_item(resolver, certificate), key=await secret_item(resolver, key)
    )


def _text(data: Mapping[str, Any], path: str) -> bytes:
    try:
        return documents.dump(data)
    except ValueError:
        raise Invalid(f"the secret at {path} holds text that is not Unicode") from None
    except RecursionError:
        raise Invalid(f"the secret at {path} is nested too deeply") from None


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
