"""A kubeconfig that somebody put into a Secret: one server and one identity. Reads no file, runs no program.

Whoever writes the Secret is not who runs sealbridge, so that what points to files, programs or elsewhere
is refused by name: it would be those of the operator.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from sealbridge.errors import Invalid
from sealbridge.stores.trust import ClientCertificate

_CLUSTER = frozenset({"server", "certificate-authority-data"})
_USER = frozenset({"token", "client-certificate-data", "client-key-data", "username", "password"})
_LARGEST = 64 * 1024  # bytes
# Without effect on us, whatever they say.
_HARMLESS = frozenset({"extensions", "disable-compression"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubeconfig:
    """What of it counts."""

    server: str
    ca: str | None = None
    authorization: bytes | None = field(default=None, repr=False)  # the header's value
    certificate: ClientCertificate | None = None


def parse(content: bytes, where: str) -> Kubeconfig:
    """The current context. Raises Invalid that holds no word of the content but names of fields."""
    if len(content) > _LARGEST:
        raise Invalid(f"the kubeconfig is larger than {_LARGEST // 1024} KiB", where=where)
    try:
        # Not the loader in C, which deep nesting ends together with the process.
        document = yaml.load(content.decode(), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError):
        raise Invalid("the kubeconfig is not YAML", where=where) from None
    if not isinstance(document, dict):
        raise Invalid("the kubeconfig is not a mapping", where=where)
    current = document.get("current-context")
    context = _named(document, "contexts", "context", current, where)
    cluster = _named(document, "clusters", "cluster", context.get("cluster"), where)
    user = _named(document, "users", "user", context.get("user"), where)
    _refuse_others(cluster, _CLUSTER, "cluster", where)
    _refuse_others(user, _USER, "user", where)
    server = _text(cluster, "server", where)
    if not server:
        raise Invalid("the kubeconfig's cluster has no server", where=where)
    ca = _decoded(cluster, "certificate-authority-data", where)
    return Kubeconfig(
        server=server,
        ca=ca.decode("ascii", "replace") if ca else None,
        authorization=_authorization(user, where),
        certificate=_certificate(user, where),
    )


def _authorization(user: Mapping[str, Any], where: str) -> bytes | None:
    token, name = _text(user, "token", where), _text(user, "username", where)
    if token:
        return b"Bearer " + token.strip().encode()
    if name:
        return b"Basic " + base64.b64encode(f"{name}:{_text(user, 'password', where)}".encode())
    return None


def _certificate(user: Mapping[str, Any], where: str) -> ClientCertificate | None:
    certificate = _decoded(user, "client-certificate-data", where)
    key = _decoded(user, "client-key-data", where)
    if bool(certificate) != bool(key):
        raise Invalid("client-certificate-data and client-key-data go together", where=where)
    return ClientCertificate(certificate=certificate, key=key) if certificate else None


def _named(
    document: Mapping[str, Any], plural: str, singular: str, name: object, where: str
) -> Mapping[str, Any]:
    entries = document.get(plural)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(name, str) and entry.get("name") == name:
            found = entry.get(singular)
            return found if isinstance(found, dict) else {}
    what = "current-context" if singular == "context" else f"{singular} of its context"
    raise Invalid(f"the kubeconfig does not have the {what}", where=where)


def _refuse_others(part: Mapping[Any, Any], known: frozenset[str], name: str, where: str) -> None:
    for key, value in part.items():
        if key not in known | _HARMLESS and value not in (None, "", False, [], {}):
            shown = key if isinstance(key, str) and len(key) <= 60 else "a field"
            raise Invalid(
                f"the kubeconfig's {name} has {shown}, which is not supported in a Secret",
                where=where,
                hint="give the server, certificate-authority-data, and a token or client certificate inline",
            )


def _text(part: Mapping[str, Any], key: str, where: str) -> str:
    value = part.get(key)
    if value is not None and not isinstance(value, str):
        raise Invalid(f"the kubeconfig's {key} is not text", where=where)
    return value or ""


def _decoded(part: Mapping[str, Any], key: str, where: str) -> bytes:
    try:
        return base64.b64decode("".join(_text(part, key, where).split()), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(f"the kubeconfig's {key} is not base64", where=where) from None
