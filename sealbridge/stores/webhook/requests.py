"""Templates of the spec into one HTTP request. Pure; errors hold no rendered text.

In the URL what comes from a remote reference is escaped as a part of a query; nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlsplit

from sealbridge.errors import Invalid, TemplateError
from sealbridge.secret import Value
from sealbridge.stores.base import Reference, Target
from sealbridge.stores.webhook.config import WHERE, WebhookConfig
from sealbridge.templates import Template, string_map

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DOTS = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """Ready to be sent. Its repr shows nothing of what may hold a secret."""

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes | None = field(repr=False)


class Requests:
    """The requests of one store, whose Secrets are known: items by the name that templates use."""

    def __init__(
        self, config: WebhookConfig, secrets: Mapping[str, Mapping[str, Value]], namespace: str
    ) -> None:
        self._config = config
        self._namespace = namespace
        self._secrets = {
            name: string_map({key: value.reveal() for key, value in items.items()})
            for name, items in secrets.items()
        }

    def fetch(self, reference: Reference) -> Request:
        """The request for a value. Raises Invalid."""
        return self._request(self._config.method or "GET", self._names(reference), None)

    def path(self, reference: Reference) -> str:
        """Where in the answer the value stands; empty for all of it. Raises Invalid."""
        return self._rendered(
            self._config.result.json_path, "result.jsonPath", self._names(reference)
        ).strip()

    def push(self, target: Target, item: str, value: Value) -> Request:
        """The request that brings a value; as it is where the spec has no body. Raises Invalid."""
        method = self._config.method if self._config.method in ("PUT", "PATCH") else "POST"
        names = self._target_names(target, item)
        return self._request(method, names, value.reveal(), {target.key: value.reveal()})

    def delete(self, target: Target) -> Request:
        """The request that takes a value away. Raises Invalid."""
        return self._request("DELETE", self._target_names(target, ""), None)

    def _names(self, reference: Reference) -> _Names:
        return {
            "key": reference.key,
            "version": reference.version,
            "property": reference.property,
            "namespace": self._namespace,
        }

    def _target_names(self, target: Target, item: str) -> _Names:
        # The first two are upstream's; with the others one URL does for reading and writing.
        return {
            "remoteKey": target.key,
            "secretKey": item,
            "key": target.key,
            "version": "",
            "property": target.property,
            "namespace": self._namespace,
        }

    def _request(
        self,
        method: str,
        names: _Names,
        usual_body: bytes | None,
        more: Mapping[str, bytes] | None = None,
    ) -> Request:
        config = self._config
        escaped = {name: quote_plus(text, errors="surrogatepass") for name, text in names.items()}
        url = self._rendered(config.url, "url", escaped).strip()
        _check(url)
        headers = tuple(
            (name, _header(self._rendered(source, f"headers.{name}", names, more), name))
            for name, source in config.headers.items()
        )
        body = usual_body
        if config.body and method != "DELETE":
            body = self._rendered(config.body, "body", names, more).encode("utf-8", "surrogateescape")
        return Request(method, url, headers, body)

    def _rendered(
        self, source: str, part: str, names: _Names, more: Mapping[str, bytes] | None = None
    ) -> str:
        if "{{" not in source:
            return source
        remote = string_map({**(more or {}), **names})
        try:
            template = Template(source, name=f"{WHERE}.{part}", missing="error")
            return template.render({"remoteRef": remote, **self._secrets})
        except TemplateError as error:
            raise Invalid(error.what, where=error.where, hint=error.hint) from None


def shown(url: str) -> str:
    """A webhook's server for errors: of the template, and only where that holds no secret."""
    scheme, separator, rest = url.strip().partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    if separator and scheme in ("http", "https") and re.fullmatch(r"[A-Za-z0-9.:\[\]-]{1,300}", host):
        return f"{scheme}://{host}"
    return "the webhook's server"


def _check(url: str) -> None:
    where = f"{WHERE}.url"
    if _CONTROL.search(url):
        raise Invalid("it has control characters", where=where)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Invalid("it does not render to an http or https URL", where=where)
    if _DOTS.search(urlsplit(url).path):
        # A key of dots would lead out of the place that the store is for.
        raise Invalid("its path has a segment '.' or '..'", where=where)


def _header(text: str, name: str) -> str:
    text = text.strip()
    if _CONTROL.search(text):
        raise Invalid("it has line breaks or other control characters", where=f"{WHERE}.headers.{name}")
    return text
