"""The store: Secrets of one namespace in, values out, and back. Knows Secrets and paths, not HTTP."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sealbridge.errors import Denied, Invalid, ManifestError, NotFound, StoreError, Unavailable
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Items, Push, Reference, Resolver, Search, Target
from sealbridge.stores.exchange import Exchange
from sealbridge.stores.kubernetes import config as configuration
from sealbridge.stores.kubernetes import kubeconfig
from sealbridge.stores.kubernetes.api import Api, Changed
from sealbridge.stores.kubernetes.config import WHERE, Auth, KubernetesConfig
from sealbridge.stores.kubernetes.login import AccountLogin, FixedLogin, Login
from sealbridge.stores.kubernetes.pushing import pushed, read_metadata, without
from sealbridge.stores.names import matcher
from sealbridge.stores.property import UnsupportedPath, lookup
from sealbridge.stores.reach import Reach
from sealbridge.stores.trust import ClientCertificate, authorities, secret_item, tls_context

_READS = 8  # at once
_TIMEOUT = 30.0
_PAGE = 50  # Secrets a page of a list: the largest ones take 1.4 MB each
_LARGEST_FIND = 64 * 1024 * 1024
_LARGEST_ANSWER = 80 * 1024 * 1024
_WRITES = 5  # tries while others change the same Secret
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_TAG = re.compile(r"[A-Za-z0-9._/-]{1,316}"), re.compile(r"[A-Za-z0-9._-]{0,63}")
_REVIEWS = "/apis/authorization.k8s.io/v1"


class KubernetesStore:
    """One API server, one namespace, one identity."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._slots = asyncio.Semaphore(_READS)

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        """As Store.fetch. Properties and metadata of one Secret come out of one request."""
        keys = list(dict.fromkeys(reference.key for reference in references))
        secrets = dict(zip(keys, await asyncio.gather(*map(self._read, keys)), strict=True))
        return {reference: _picked(secrets[reference.key], reference) for reference in references}

    async def find(self, search: Search) -> Mapping[str, Value]:
        """By name and labels; Secrets have no paths, so that `path` counts for nothing."""
        fits = matcher(search.name)
        parameters = {"limit": str(_PAGE)}
        if search.tags:
            parameters["labelSelector"] = ",".join(_selected(*tag) for tag in search.tags)
        found: dict[str, Value] = {}
        size, what = 0, f"list the Secrets of namespace {self._namespace}"
        while True:
            page = await self._api.read(self._path(), what, parameters=parameters)
            items = page.get("items")
            for document in items if isinstance(items, list) else []:
                secret = _secret(document)
                if fits(secret.name):
                    value = _metadata(secret) if search.metadata else Items(secret.items)
                    found[secret.name] = value
                    size += len(value)
            if size > _LARGEST_FIND:
                raise Invalid(
                    f"what is found is larger than {_LARGEST_FIND // (1024 * 1024)} MiB",
                    hint="narrow find.name or find.tags down",
                )
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return found
            parameters["continue"] = token

    async def push(self, push: Push) -> bool:
        """As Store.push. An existing Secret keeps its type."""
        metadata = read_metadata(push.metadata)
        namespace = metadata.remote_namespace or self._namespace
        configuration.check_remote_namespace(namespace, "metadata.spec.remoteNamespace")
        name = _checked(push.target.key)
        what = f'write Secret "{name}" in namespace {namespace}'
        for _ in range(_WRITES):
            existing = await self._existing(name, namespace)
            wanted = pushed(push, existing, namespace, metadata)
            if wanted == existing:
                return False
            try:
                await self._put(wanted, existing, name, namespace, what)
            except Changed as error:
                changed = error
                continue
            return True
        raise changed

    async def delete(self, target: Target) -> None:
        """As Store.delete. A Secret that loses its last item goes."""
        name, namespace = _checked(target.key), self._place(target)
        what = f'delete what Secret "{name}" holds in namespace {namespace}'
        for _ in range(_WRITES):
            existing = await self._existing(name, namespace)
            if existing is None or (target.property and target.property not in existing.items):
                return
            rest = without(existing, target)
            try:
                if rest is not None:
                    await self._put(rest, existing, name, namespace, what)
                else:
                    seen = {key: existing.metadata[key] for key in ("uid", "resourceVersion")}
                    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": seen}
                    await self._api.write("DELETE", self._path(name, namespace), body, what)
            except Changed as error:
                changed = error
                continue
            except NotFound:
                return
            return
        raise changed

    async def exists(self, target: Target) -> bool:
        """As Store.exists."""
        existing = await self._existing(_checked(target.key), self._place(target))
        return existing is not None and (not target.property or target.property in existing.items)

    async def check(self) -> None:
        """Ask the server whether we may read Secrets there. Raises StoreError."""
        what = "ask what is allowed"
        namespace = self._namespace
        try:
            rules = await self._review("SelfSubjectRulesReview", {"namespace": namespace}, what)
            if any(_lets_read(rule) for rule in rules.get("resourceRules") or []):
                return
        except (Invalid, Denied) as error:
            if isinstance(error, Denied) and error.credentials:
                raise
            # Some servers answer only the simpler question.
        attributes = {"namespace": namespace, "verb": "get", "resource": "secrets"}
        access = await self._review("SelfSubjectAccessReview", {"resourceAttributes": attributes}, what)
        if access.get("allowed") is not True:
            raise Denied(
                f"may not get Secrets in namespace {namespace}",
                hint="grant it there with a Role and RoleBinding",
            )

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _review(self, kind: str, spec: Mapping[str, Any], what: str) -> Mapping[str, Any]:
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
        answer = await self._api.ask(f"{_REVIEWS}/{kind.lower()}s", body, what)
        status = answer.get("status")
        return status if isinstance(status, dict) else {}

    def _place(self, target: Target) -> str:
        """The namespace that a target means. Raises Invalid."""
        namespace = target.namespace or self._namespace
        configuration.check_remote_namespace(namespace, "metadata.spec.remoteNamespace")
        return namespace

    async def _read(self, key: str) -> Secret | StoreError:
        try:
            name = _checked(key)
            what = f'get Secret "{name}" in namespace {self._namespace}'
            async with self._slots:
                return _secret(await self._api.read(self._path(name), what))
        except StoreError as error:
            return error

    async def _existing(self, name: str, namespace: str) -> Secret | None:
        what = f'get Secret "{name}" in namespace {namespace}'
        try:
            return _secret(await self._api.read(self._path(name, namespace), what))
        except NotFound:
            return None

    async def _put(
        self, wanted: Secret, existing: Secret | None, name: str, namespace: str, what: str
    ) -> None:
        method, path = ("POST", self._path(namespace=namespace))
        if existing is not None:
            method, path = "PUT", self._path(name, namespace)
        try:
            await self._api.write(method, path, wanted.to_manifest(), what)
        except NotFound:
            # Deleted since it was read.
            raise Changed(f"cannot {what}: it was deleted meanwhile") from None

    def _path(self, name: str = "", namespace: str = "") -> str:
        path = f"/api/v1/namespaces/{namespace or self._namespace}/secrets"
        return f"{path}/{name}" if name else path


async def open_store(
    config: Mapping[str, Any], resolver: Resolver, reach: Reach | None = None
) -> KubernetesStore:
    """Open from `spec.provider.kubernetes`. Contacts no server. Raises Invalid, and what `resolver` does."""
    model = configuration.read(config)
    if model.auth_ref is not None:
        where = f"{WHERE}.authRef"
        identity = kubeconfig.parse(await secret_item(resolver, model.auth_ref), where)
        server = configuration.address(identity.server, where)
        ca, certificate = identity.ca, identity.certificate
        header = identity.authorization
        login: Login = FixedLogin(Value(header) if header is not None else None)
    else:
        server = configuration.address(model.server.url, f"{WHERE}.server.url")
        where = f"{WHERE}.server"
        ca = await authorities(model.server.ca_bundle, model.server.ca_provider, resolver, where)
        login, certificate = await _login(model, resolver)
    try:
        from sealbridge.stores.addresses import AddressGuard
    except ModuleNotFoundError:
        raise Invalid(
            "the provider kubernetes needs the package aiohttp, which is not installed",
            hint="pip install 'sealbridge[cluster]'",
        ) from None
    exchange = Exchange(
        server,
        tls=tls_context(ca, certificate),
        timeout=_TIMEOUT,
        largest=_LARGEST_ANSWER,
        guard=AddressGuard(reach or Reach(), server),
    )
    return KubernetesStore(Api(server, exchange, login), model.remote_namespace)


async def _login(model: KubernetesConfig, resolver: Resolver) -> tuple[Login, ClientCertificate | None]:
    auth = model.auth or Auth()
    if auth.service_account is not None:
        return AccountLogin(resolver, auth.service_account), None
    if auth.token is not None:
        token = (await secret_item(resolver, auth.token.bearer_token)).strip()
        if not token or not token.isascii() or not token.decode().isprintable():
            raise Invalid(
                "the token has characters that no token has" if token else "the token is empty",
                where=f"{WHERE}.auth.token.bearerToken",
            )
        return FixedLogin(Value(b"Bearer " + token)), None
    assert auth.cert is not None  # noqa: S101 - config.read has seen to it
    assert auth.cert.client_cert is not None  # noqa: S101
    assert auth.cert.client_key is not None  # noqa: S101
    certificate = ClientCertificate(
        certificate=await secret_item(resolver, auth.cert.client_cert),
        key=await secret_item(resolver, auth.cert.client_key),
    )
    return FixedLogin(None), certificate


def _secret(document: Any) -> Secret:
    try:
        return Secret.from_manifest(document)
    except (ManifestError, AttributeError):
        raise Unavailable("the server's answer is not a Secret") from None


def _checked(key: str) -> str:
    if not _NAME.fullmatch(key):
        shown = key if len(key) <= 80 else key[:80] + "..."
        raise Invalid(f"{shown!r} cannot be the name of a Secret")
    return key


def _selected(key: str, value: str) -> str:
    if not _TAG[0].fullmatch(key) or not _TAG[1].fullmatch(value):
        raise Invalid("a tag is not a label that Kubernetes takes", where="find.tags")
    return f"{key}={value}"


def _picked(secret: Secret | StoreError, reference: Reference) -> Value | StoreError:
    if isinstance(secret, StoreError):
        return secret
    if reference.version:
        return Invalid("a Secret has no versions", hint="leave remoteRef.version out")
    if not reference.property:
        return _metadata(secret) if reference.metadata else Items(secret.items)
    part = "metadata" if reference.metadata else "data"
    try:
        found = (_in_metadata if reference.metadata else _in_items)(secret, reference.property)
    except UnsupportedPath as error:
        return Invalid(f"property {reference.property!r}: {error}")
    if found is None:
        what = f"the {part} of Secret {secret.name!r} has no property {reference.property!r}"
        return NotFound(what, missing="property")
    return found


def _in_items(secret: Secret, name: str) -> Value | None:
    """An item of that name; else a path into the item that the first segment names."""
    if name in secret.items:
        return secret.items[name]
    head, _, rest = name.partition(".")
    if not rest or head not in secret.items:
        return None
    found = lookup(secret.items[head].reveal(), rest)
    return None if found is None else Value(found)


def _metadata(secret: Secret) -> Value:
    return _json({"annotations": secret.annotations, "labels": secret.labels})


def _in_metadata(secret: Secret, name: str) -> Value | None:
    """`labels` and `annotations` as JSON, or one of them by its whole name behind a dot."""
    head, dot, rest = name.partition(".")
    parts = {"labels": secret.labels, "annotations": secret.annotations}
    if head not in parts:
        return None
    if not dot:
        return _json(parts[head])
    return Value(parts[head][rest].encode()) if rest in parts[head] else None


def _json(value: Mapping[str, Any]) -> Value:
    return Value(json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode())


def _lets_read(rule: Any) -> bool:
    if not isinstance(rule, dict):
        return False
    groups, resources, verbs = (rule.get(key) or [] for key in ("apiGroups", "resources", "verbs"))
    return (
        bool({"", "*"} & set(groups or [""]))
        and bool({"secrets", "*"} & set(resources))
        and bool({"get", "*"} & set(verbs))
    )
