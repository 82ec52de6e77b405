"""`spec.provider.webhook`, typed. Renders no template and resolves no pointer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from sealbridge.errors import Invalid
from sealbridge.stores.config import read_config
from sealbridge.stores.trust import CAProvider, Model
from sealbridge.templates.go.durations import parse_duration
from sealbridge.templates.go.values import FunctionError

WHERE = "spec.provider.webhook"
LONGEST_TIMEOUT = 60.0  # seconds
_DEFAULT_TIMEOUT = 30.0
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_METHOD = re.compile(r"[A-Z]{1,20}")
# They frame the request, which is not a template's business.
_FRAMING = frozenset(
    {"content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
)


class WebhookSecretRef(Model, frozen=True):
    """A pointer to a Secret; all its items are there for templates."""

    name: str
    key: str = ""
    namespace: str = ""


class WebhookSecret(Model, frozen=True):
    """A Secret labelled external-secrets.io/type=webhook, and the name that templates know it by."""

    name: str
    secret_ref: WebhookSecretRef


class WebhookResult(Model, frozen=True):
    """What of the answer is the value; all of it without a path."""

    json_path: str = ""


class WebhookConfig(Model, frozen=True):
    """A request in templates, and what becomes of its answer."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: str = ""
    timeout: str = ""
    result: WebhookResult = WebhookResult()
    secrets: tuple[WebhookSecret, ...] = ()
    ca_bundle: str = ""
    ca_provider: CAProvider | None = None
    auth: Any = None


def read(config: Mapping[str, Any]) -> WebhookConfig:
    """The configuration. Raises Invalid that names the field."""
    model = read_config(config, WebhookConfig, WHERE)
    if model.auth is not None:
        name = next(iter(model.auth), "") if isinstance(model.auth, dict) else ""
        what = "auth method ntlm is not supported" if name == "ntlm" else "auth is not supported"
        raise Invalid(what, where=f"{WHERE}.auth", hint="put credentials into headers, from secrets")
    if model.method and not _METHOD.fullmatch(model.method):
        raise Invalid("not a method of HTTP", where=f"{WHERE}.method", hint="write it like GET")
    for name in model.headers:
        if not _TOKEN.fullmatch(name):
            raise Invalid("a name of a header has characters that none has", where=f"{WHERE}.headers")
        if name.lower() in _FRAMING:
            raise Invalid("this header is set by itself", where=f"{WHERE}.headers.{name}")
    names = [secret.name for secret in model.secrets]
    if "remoteRef" in names:
        raise Invalid("remoteRef is a name of its own in templates", where=f"{WHERE}.secrets")
    timeout(model)
    return model


def timeout(model: WebhookConfig) -> float:
    """Seconds for one request and its answer. Raises Invalid."""
    if not model.timeout:
        return _DEFAULT_TIMEOUT
    try:
        seconds = int(parse_duration(model.timeout.encode())) / 1e9
    except (FunctionError, ValueError):
        raise Invalid("not a duration", where=f"{WHERE}.timeout", hint="write it like 10s") from None
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise Invalid(f"must be more than 0 and at most {LONGEST_TIMEOUT:.0f}s", where=f"{WHERE}.timeout")
    return seconds
