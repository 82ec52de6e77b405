"""Secret ids that the server has wrapped: good for one reading. Knows what was unwrapped in this process.

A Secret holds one as the server prints it with `-wrap-ttl=... -format=json`. Whoever unwraps a second time
is told that somebody else was quicker, which is how a stolen one is noticed.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

from sealbridge.errors import Denied, Invalid
from sealbridge.secret import Value
from sealbridge.stores import documents
from sealbridge.stores.vault import paths
from sealbridge.stores.vault.answers import content
from sealbridge.stores.vault.api import Api, Request
from sealbridge.stores.vault.config import where

_KEPT = 256
# A store that is opened anew has no second try. By the hash of the wrapping token.
_unwrapped: OrderedDict[bytes, Value] = OrderedDict()


def token_in(secret: Value) -> Value | None:
    """The wrapping token where the item is a wrapped answer; None for a plain secret id."""
    if not secret.reveal().startswith(b"{"):
        return None
    try:
        document: Any = documents.parse(secret.reveal())
        token = document["wrap_info"]["token"]
    except (ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise Invalid(
            "neither a secret id nor a wrapped one",
            where=where("app_role", "secret_ref"),
            hint="what -wrap-ttl=10m -format=json prints is a wrapped one",
        )
    return Value(token.encode())


async def secret_id(token: Value, mount: str, namespace: str, api: Api) -> Value:
    """What the wrapping token stands for, unwrapped at most once. Raises StoreError."""
    mark = hashlib.sha256(token.reveal()).digest()
    if mark in _unwrapped:
        _unwrapped.move_to_end(mark)
        return _unwrapped[mark]
    text = token.reveal().decode()
    lookup = Request(
        path="sys/wrapping/lookup", what="lookup", method="post", namespace=namespace, body={"token": text}
    )
    response = await api.send(lookup, None)
    if response.status in (400, 403, 404):
        raise _spent()
    data = content(response, lookup.path, lookup.what).get("data")
    origin = data.get("creation_path") if isinstance(data, dict) else None
    start, end = f"auth/{paths.mount(mount)}/role/", "/secret-id"
    if not isinstance(origin, str) or not (origin.startswith(start) and origin.endswith(end)):
        raise Denied(
            "the wrapped answer is not a secret id of this AppRole: somebody may have exchanged it",
            credentials=True,
            where=where("app_role", "secret_ref"),
        )
    unwrap = Request(
        path="sys/wrapping/unwrap", what="unwrapping", method="post", namespace=namespace, body={}
    )
    response = await api.send(unwrap, token)
    if response.status in (400, 403, 404):
        raise _spent()
    data = content(response, unwrap.path, unwrap.what).get("data")
    found = data.get("secret_id") if isinstance(data, dict) else None
    if not isinstance(found, str):
        raise Invalid("the wrapped answer holds no secret id", where=where("app_role", "secret_ref"))
    _unwrapped[mark] = Value(found.encode())
    while len(_unwrapped) > _KEPT:
        _unwrapped.popitem(last=False)
    return _unwrapped[mark]


def _spent() -> Denied:
    return Denied(
        "the wrapped secret id was unwrapped already, or has expired",
        credentials=True,
        where=where("app_role", "secret_ref"),
        hint="wrap a new one; if nobody unwrapped this one, somebody has taken it",
    )
