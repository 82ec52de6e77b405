"""What a webhook's answer means: a value, or which of the five errors. Knows no connection."""

from __future__ import annotations

from sealbridge.errors import Denied, Invalid, NotFound, StoreError, Throttled, Unavailable
from sealbridge.secret import Value
from sealbridge.stores import documents
from sealbridge.stores.exchange import Answer, retry_after
from sealbridge.stores.webhook import jsonpath


def error(answer: Answer, server: str, key: str) -> StoreError | None:
    """Why there is no value in an answer, or None when it is a good one.

    Nothing of the answer is quoted: whoever wrote the store may not read what the operator can reach.
    """
    status = answer.status
    if 200 <= status < 300:
        return None
    if status == 404:
        return NotFound(f"{server} has no secret {key!r}")
    if status == 401:
        return Denied(f"{server} does not accept the credentials (status 401)", credentials=True)
    if status == 403:
        return Denied(f"{server} forbids it (status 403)")
    if status == 429:
        return Throttled(f"{server} asks for fewer requests", retry_after=retry_after(answer.headers))
    if status >= 500 or status == 408:
        failure = Unavailable(f"{server} failed with status {status}")
        failure.retry_after = retry_after(answer.headers)
        return failure
    return Invalid(f"{server} refuses the request with status {status}")


def value(body: bytes, path: str) -> Value:
    """The whole answer, or what stands at a JSONPath in it. Raises Invalid and NotFound."""
    if not path:
        return Value(body)
    try:
        document = documents.parse(body)
    except ValueError:
        raise Invalid("the answer is not JSON, so result.jsonPath finds nothing in it") from None
    found = jsonpath.parse(path).find(document)
    while isinstance(found, list) and found:
        found = found[0]
    if found is jsonpath.NOTHING or found == []:
        raise NotFound("there is nothing at result.jsonPath in the answer", missing="property")
    if found is None:
        return Value(b"")
    if isinstance(found, str):
        return Value(found.encode("utf-8", "surrogatepass"))
    try:
        return Value(documents.dump(found))
    except (ValueError, RecursionError):
        raise Invalid("what stands at result.jsonPath cannot be written as JSON") from None
