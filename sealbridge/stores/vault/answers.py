"""What the server's answers mean: a document, or which of the five errors. Knows no connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, Throttled, Unavailable
from sealbridge.stores import documents
from sealbridge.stores.exchange import retry_after

_LONGEST_MESSAGE = 200
# What a policy calls it, where that is another word.
_CAPABILITIES = {"write": 'create" and "update'}
_CREDENTIALS = ("secret_id", "password", "jwt")  # of the bodies of logins
_DONE = {"list": "listed", "login": "logged in to", "write": "written", "delete": "deleted"}


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and the whole body; its repr shows no body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    parsed: Any = field(default=None, repr=False)  # the body, None where it is no JSON


def parsed(response: Response) -> Response:
    """With the body parsed, which takes a while for a large one."""
    try:
        return replace(response, parsed=documents.parse(response.body))
    except ValueError:
        return response


class Changed(StoreError):  # noqa: N818 - as the other errors are named
    """Somebody wrote the secret meanwhile: a check-and-set has failed."""

    retryable = True


def document(response: Response, path: str, what: str = "read") -> Mapping[str, Any]:
    """The `data` of an answer; `what` was done to `path`, for errors. Raises StoreError."""
    data = content(response, path, what).get("data")
    if not isinstance(data, dict):
        raise _foreign(path, what)
    return data


def content(response: Response, path: str, what: str = "read") -> Mapping[str, Any]:
    """The whole of an answer, which is empty after some writes. Raises StoreError."""
    if response.status == 204:
        return {}
    body = response.parsed
    if response.status != 200:
        raise _error(response, body if isinstance(body, dict) else {}, path, what)
    if not isinstance(body, dict):
        raise _foreign(path, what)
    return body


def login_content(response: Response, method: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer to a login; of what was `sent` nothing comes back in errors. Raises StoreError."""
    if response.status in (400, 401, 403, 404):
        body = response.parsed
        said = _texts(body.get("errors")) if isinstance(body, dict) else ""
        if any(str(sent[name]) in said for name in _CREDENTIALS if sent.get(name)):
            said = ""
        raise Denied(
            f"the login by {method} is refused"
            + (f": {said}" if said else f" with status {response.status}"),
            credentials=True,
            hint=f"check the credentials, the role and the path of auth.{method}",
        )
    return content(response, f"auth.{method}", "login")


def _foreign(path: str, what: str) -> StoreError:
    return Unavailable(
        f"the answer to a {what} of {path} is not one of a Vault server",
        hint="look whether something else answers at spec.provider.vault.server",
    )


def _error(response: Response, body: Mapping[str, Any], path: str, what: str) -> StoreError:
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
            f'the token needs a policy with the capability "{_CAPABILITIES.get(what, what)}" on {path};'
            " a token that is wrong, expired or revoked is answered alike"
        )
        return Denied(f"permission denied to {what} {path}", hint=hint)
    if status == 401:
        return Denied("the server does not accept the token", credentials=True)
    if status == 429:
        return Throttled("the server asks for fewer requests", retry_after=retry_after(response.headers))
    if status == 503 and "sealed" in messages:
        return Unavailable("the server is sealed", hint="unseal it")
    if status >= 500 or status in (408, 412, 472, 473):
        return Unavailable(f"the server failed with status {status}{said}")
    if status == 405 or "unsupported operation" in messages:
        return Invalid(
            f"{path} cannot be {_DONE.get(what, what)}",
            hint="check spec.provider.vault.path and version (v1 or v2)",
        )
    if status == 400 and "check-and-set parameter did not match" in messages:
        return Changed(f"cannot {what} {path}: others keep changing it")
    return Invalid(f"the server refused to {what} {path} with status {status}{said}")


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
