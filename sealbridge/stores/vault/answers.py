"""What the server's answers mean: a document, or which of the five errors. Knows no connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, Throttled, Unavailable
from sealbridge.stores import documents
from sealbridge.stores.exchange import retry_after

_LONGEST_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and the whole body; its repr shows no body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def document(response: Response, path: str) -> Mapping[str, Any]:
    """The `data` of an answer to a read of `path`. Raises StoreError."""
    try:
        body = documents.parse(response.body)
    except ValueError:
        body = None
    if response.status != 200:
        raise _error(response, body if isinstance(body, dict) else {}, path)
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        raise Unavailable(
            f"the answer to a read of {path} is not one of a Vault server",
            hint="look whether something else answers at spec.provider.vault.server",
        )
    return data


def _error(response: Response, body: Mapping[str, Any], path: str) -> StoreError:
    status = response.status
    messages = _texts(body.get("errors"))
    said = f": {messages}" if messages else ""
    if status == 404:
        return _not_found(body, path, messages)
    if status == 403:
        if "invalid token" in messages or "bad token" in messages:
            return Denied(
                "the token is not accepted: it is wrong, expired or revoked",
                credentials=True,
                hint="put a valid token into the Secret of auth.tokenSecretRef",
            )
        # OpenBao and older Vaults do not tell a bad token from a forbidden path.
        hint = (
            f'the token needs a policy with the capability "read" on {path};'
            " a token that is wrong, expired or revoked is answered alike"
        )
        return Denied(f"permission denied to read {path}", hint=hint)
    if status == 401:
        return Denied("the server does not accept the token", credentials=True)
    if status == 429:
        return Throttled("the server asks for fewer requests", retry_after=retry_after(response.headers))
    if status == 503 and "sealed" in messages:
        return Unavailable("the server is sealed", hint="unseal it")
    if status >= 500 or status in (408, 412, 472, 473):
        return Unavailable(f"the server failed with status {status}{said}")
    if status == 405 or "unsupported operation" in messages:
        return Invalid(f"{path} cannot be read", hint="check spec.provider.vault.path and version (v1 or v2)")
    return Invalid(f"the server refused to read {path} with status {status}{said}")


def _not_found(body: Mapping[str, Any], path: str, messages: str) -> StoreError:
    # A mount that is not there is a wrong configuration: taken for a secret that is gone, it would
    # count as a reason to delete.
    if "no handler for route" in messages or "route entry not found" in messages:
        return Invalid(
            f"no secrets engine is mounted where {path} points",
            hint="check spec.provider.vault.path, or the key's first segment where there is no path",
        )
    if "versioned K/V" in _texts(body.get("warnings")):
        return Invalid(
            f"{path} is not a path of a KV engine of version 2", hint="set spec.provider.vault.version to v2"
        )
    data = body.get("data")
    metadata = data.get("metadata") if isinstance(data, dict) else None
    if isinstance(metadata, dict):
        state = "destroyed" if metadata.get("destroyed") is True else "deleted"
        number = documents.dump(metadata.get("version")).decode()
        return NotFound(f"version {number} of {path} is {state}", missing="version")
    return NotFound(
        f"there is no secret at {path}", hint="check remoteRef.key and version, and spec.provider.vault.path"
    )


def _texts(errors: Any) -> str:
    """The server's words, in one line and not too many."""
    if not isinstance(errors, list):
        return ""
    text = "; ".join(" ".join(error.split()) for error in errors if isinstance(error, str))
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "..."
