"""The store: references into requests, answers into values. Knows neither templates nor sockets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sealbridge.errors import Denied, Invalid, StoreError, Unavailable
from sealbridge.secret import Value
from sealbridge.stores.base import Push, Reference, Resolver, Search, Target
from sealbridge.stores.cache import AnswerCache
from sealbridge.stores.exchange import Answer, Exchange, Guard
from sealbridge.stores.reach import Reach
from sealbridge.stores.trust import authorities, tls_context
from sealbridge.stores.webhook import answers
from sealbridge.stores.webhook import config as configuration
from sealbridge.stores.webhook.config import WHERE, WebhookConfig
from sealbridge.stores.webhook.requests import Request, Requests, shown

if TYPE_CHECKING:
    from types import ModuleType

LABEL = "external-secrets.io/type"
_REQUESTS = 8  # at once
_REDIRECTS = 5
_QUICK = 256 * 1024  # bytes that are parsed in no time
_CONDITIONS = frozenset({"if-none-match", "if-modified-since"})
_FOREVER = float("inf")


class WebhookStore:
    """One server, as its templates say."""

    def __init__(
        self, config: WebhookConfig, requests: Requests, exchange: Exchange, guard: Guard, dialing: ModuleType
    ) -> None:
        self._config = config
        self._requests = requests
        self._exchange = exchange
        self._guard = guard
        self._dialing = dialing
        self._server = shown(config.url)
        self._slots = asyncio.Semaphore(_REQUESTS)
        # What an answer of "not modified" refers to.
        self._last: AnswerCache[Request, Answer] = AnswerCache(
            ttl=_FOREVER, entries=256, size=8 * 1024 * 1024
        )

    async def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Value | StoreError]:
        """As Store.fetch. References that make the same request share its answer."""
        results: dict[Reference, Value | StoreError] = {}
        wanted: dict[Reference, Request] = {}
        for reference in references:
            try:
                wanted[reference] = self._request(reference)
            except StoreError as error:
                results[reference] = error
        requests = {request: reference.key for reference, request in wanted.items()}
        found = await asyncio.gather(*(self._answer(request, key) for request, key in requests.items()))
        answered = dict(zip(requests, found, strict=True))
        for reference, request in wanted.items():
            answer = answered[request]
            results[reference] = (
                answer if isinstance(answer, StoreError) else await self._value(answer, reference)
            )
        return results

    async def find(self, search: Search) -> Mapping[str, Value]:
        """Always Invalid: a webhook cannot list."""
        raise Invalid(
            "find is not supported by the provider webhook", hint="name each key in data or extract"
        )

    async def push(self, push: Push) -> bool:
        """As Store.push; what was there before is not known, so that it is always true."""
        if push.metadata:
            raise Invalid("the provider webhook takes no metadata", where="metadata")
        request = self._requests.push(push.target, push.item, push.value())
        answer = await self._send(request)
        if answer.status == 404:
            # Not a secret that is missing: the place for it is.
            raise Invalid(f"{self._server} has no place for {push.target.key!r} (status 404)")
        self._raise_for(answer, push.target.key)
        return True

    async def delete(self, target: Target) -> None:
        """As Store.delete."""
        answer = await self._send(self._requests.delete(target))
        if answer.status != 404:
            self._raise_for(answer, target.key)

    async def exists(self, target: Target) -> bool:
        """Always Invalid: what a webhook answers to a key says nothing of a target."""
        raise Invalid(
            "the provider webhook cannot tell what exists", hint="leave updatePolicy IfNotExists out"
        )

    async def check(self) -> None:
        """Connect to the server, where its name is no template. Raises Denied and Unavailable."""
        url = self._config.url.strip()
        authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
        if "{{" in url.partition("://")[0] + authority:
            return
        scheme = url.partition("://")[0]
        timeout = configuration.timeout(self._config)
        await self._dialing.dial(f"{scheme}://{authority}", self._guard, self._server, timeout)

    async def close(self) -> None:
        """Close the connections."""
        await self._exchange.close()

    def _request(self, reference: Reference) -> Request:
        if reference.metadata:
            raise Invalid("a webhook has no metadata to fetch", hint="leave metadataPolicy out")
        return self._requests.fetch(reference)

    async def _value(self, answer: Answer, reference: Reference) -> Value | StoreError:
        try:
            path = self._requests.path(reference)
            if len(answer.body) <= _QUICK:
                return answers.value(answer.body, path)
            # Others do not wait while much is parsed.
            return await asyncio.to_thread(answers.value, answer.body, path)
        except StoreError as error:
            return error

    async def _answer(self, request: Request, key: str) -> Answer | StoreError:
        """A good answer to a request for a value, or the error that it met."""
        own = {name.lower() for name, _ in request.headers} & _CONDITIONS
        last = self._last.get(request, 0.0)
        etag = last.headers.get("ETag") if last is not None and not own else None
        try:
            async with self._slots:
                answer = await self._send(request, {"If-None-Match": etag} if etag else {})
        except StoreError as error:
            return error
        if answer.status == 304:
            if last is not None:
                return last
            return Invalid(
                f"{self._server} says that nothing has changed, but there was no answer before",
                hint="leave conditional headers out: they are added where the server gives an ETag",
            )
        failure = answers.error(answer, self._server, key)
        if failure is not None:
            return failure
        if request.method == "GET" and (own or "ETag" in answer.headers):
            self._last.put(request, answer, len(answer.body), 0.0)
        return answer

    async def _send(self, request: Request, more: Mapping[str, str] | None = None) -> Answer:
        """The answer after redirects, which are followed on the same server only."""
        method, url, body = request.method, request.url, request.body
        headers = {**dict(request.headers), **(more or {})}
        for _ in range(_REDIRECTS + 1):
            answer = await self._exchange.send(method, url, headers=headers, body=body)
            location = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            url = self._redirected(url, location)
            if answer.status in (301, 302, 303) and method != "GET":
                method, body = "GET", None
        raise Unavailable(f"{self._server} redirects in a circle")

    def _redirected(self, url: str, location: str) -> str:
        target: str | None = self._dialing.redirected(url, location)
        if target is None:
            raise Denied(
                f"{self._server} redirects to another server, which is not followed",
                hint=f"write that server's address into {WHERE}.url if it is the right one",
            )
        return target

    def _raise_for(self, answer: Answer, key: str) -> None:
        failure = answers.error(answer, self._server, key)
        if failure is not None:
            raise failure


async def open_store(
    config: Mapping[str, Any], resolver: Resolver, reach: Reach | None = None
) -> WebhookStore:
    """Open from `spec.provider.webhook`. Contacts no server. Raises Invalid, and what `resolver` raises."""
    model = configuration.read(config)
    try:
        from sealbridge.stores.addresses import AddressGuard
        from sealbridge.stores.webhook import dialing
    except ModuleNotFoundError:
        raise Invalid(
            "the provider webhook needs the package aiohttp, which is not installed",
            hint="pip install 'sealbridge[cluster]'",
        ) from None
    secrets: dict[str, dict[str, Value]] = {}
    for wanted in model.secrets:
        secret = await resolver.secret(wanted.secret_ref.name, wanted.secret_ref.namespace)
        if secret.labels.get(LABEL) != "webhook":
            raise Denied(
                f'the Secret "{wanted.secret_ref.name}" may not be used by webhooks',
                where=f"{WHERE}.secrets",
                hint=f"label it {LABEL}=webhook if that is wanted",
            )
        secrets.setdefault(wanted.name, {}).update(secret.items)
    ca = await authorities(model.ca_bundle, model.ca_provider, resolver, WHERE)
    server = shown(model.url)
    guard = AddressGuard(reach or Reach(), server)
    exchange = Exchange(
        server,
        tls=tls_context(ca),
        timeout=configuration.timeout(model),
        guard=guard,
    )
    return WebhookStore(model, Requests(model, secrets, resolver.namespace), exchange, guard, dialing)
