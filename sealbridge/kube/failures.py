"""What an API server's refusal means. Knows the Status object; lets no value through.

An API server explains a refusal with the very field content it refuses, and decoding errors quote
the request. For requests that carry secret values only the fields and the reasons are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sealbridge.errors import ClusterError, Conflict

# Reasons of status causes whose message says nothing but limits and names of fields.
_SAFE_CAUSES = frozenset({"FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany"})
_CAUSES = {
    "FieldValueInvalid": "invalid value",
    "FieldValueNotSupported": "unsupported value",
    "FieldValueForbidden": "forbidden",
    "FieldValueDuplicate": "duplicate value",
    "FieldValueNotFound": "value not found",
    "FieldValueTypeInvalid": "value of a wrong type",
}
# Policies of administrators answer with any code and with a text of their own, which may quote what it
# judges; the API server's own texts speak of names and rights.
_POLICIES = ("admission webhook", "admissionpolicy")
# etcd's limits, which the API server hands on as its own failure although time heals nothing.
_TOO_LARGE = (b"request is too large", b"trying to send message larger than max")
_MOST_CAUSES = 5
_LONGEST_MESSAGE = 1000
_NAMES = {
    400: "the API server cannot read the request",
    401: "the API server does not accept our credentials",
    403: "the API server forbids it",
    404: "there is no such object or resource",
    405: "the API server does not support it",
    409: "the object was changed meanwhile",
    410: "the list has expired",
    413: "the object is too large for the API server",
    415: "the API server does not know this format",
    422: "the API server refuses the object",
    429: "the API server asks for fewer requests",
    500: "the API server failed",
    502: "the way to the API server is broken",
    503: "the API server is not available",
    504: "the API server took too long",
}
_HINTS = {
    401: "check the token or the kubeconfig",
    403: "grant it to the service account, see deploy/kustomize/base",
}


class Unreachable(ClusterError):  # noqa: N818 - as the other errors are named
    """The API server did not answer. Whoever asks again from another process will fare no better."""

    def __init__(self, what: str, *, where: str) -> None:
        super().__init__(what, retryable=True, where=where)


def is_away(error: ClusterError) -> bool:
    """Whether the API server itself is not there or not well."""
    return isinstance(error, Unreachable) or (error.status or 0) >= 500


def is_retryable(status: int) -> bool:
    """Whether time, or an administrator who grants a right, may heal this status."""
    return status in {401, 403, 408, 409, 410, 429} or status >= 500


def meant(status: int, body: bytes) -> int:
    """The status that the server should have answered: 413 for what etcd finds too large."""
    return 413 if status == 500 and any(text in body for text in _TOO_LARGE) else status


def cluster_error(status: int, body: bytes, *, where: str, sensitive: bool = False) -> ClusterError:
    """The error for a refused request. `sensitive`: its body carried secret values."""
    what = _NAMES.get(status, f"the API server answered {status}")
    details = _explain(body, sensitive=sensitive)
    if details:
        what = f"{what}: {details}"
    if status == 409:
        return Conflict(what, where=where)
    return ClusterError(
        what, retryable=is_retryable(status), status=status, where=where, hint=_hint(status, details)
    )


def _hint(status: int, details: str) -> str | None:
    # Also forbidden, and by no missing right.
    if status == 403 and "exceeded quota" in details:
        return "raise the quota of the namespace, or delete what counts in it"
    if status == 403 and "being terminated" in details:
        return "the namespace is being deleted"
    return _HINTS.get(status)


def _status_of(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) and parsed.get("kind") == "Status" else {}


def _explain(body: bytes, *, sensitive: bool) -> str:
    status = _status_of(body)
    if not sensitive:
        message = status.get("message")
        return message[:_LONGEST_MESSAGE] if isinstance(message, str) else ""
    if status.get("code") in {401, 403, 404, 409, 429} or (status.get("code") or 0) >= 500:
        message = status.get("message")
        if isinstance(message, str) and not any(policy in message.lower() for policy in _POLICIES):
            return message[:_LONGEST_MESSAGE]
        return ""
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    if not isinstance(causes, list):
        return ""
    texts = [_cause(cause) for cause in causes[:_MOST_CAUSES] if isinstance(cause, dict)]
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _cause(cause: Mapping[str, Any]) -> str:
    reason, field = str(cause.get("reason", "")), str(cause.get("field", ""))
    text = str(cause.get("message", "")) if reason in _SAFE_CAUSES else _CAUSES.get(reason, "")
    return f"{field}: {text}" if field and text else text
