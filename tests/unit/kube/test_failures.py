"""What an API server's refusal becomes, and what of it is not shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sealbridge.errors import ClusterError, Conflict
from sealbridge.kube.failures import cluster_error, meant


def status(code: int, message: str = "", **more: Any) -> bytes:
    return json.dumps(
        {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message, **more}
    ).encode()


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        (400, False),
        (401, True),
        (403, True),
        (404, False),
        (409, True),
        (413, False),
        (422, False),
        (429, True),
        (500, True),
        (503, True),
        (504, True),
        (418, False),
    ],
)
def test_a_status_says_whether_time_may_heal_it(code: int, retryable: bool) -> None:
    error = cluster_error(code, status(code, "because"), where="GET /x")

    assert error.retryable is retryable
    assert error.status == code
    assert error.where == "GET /x"
    assert "because" in error.what


def test_409_is_a_conflict() -> None:
    assert isinstance(cluster_error(409, b"", where="PUT /x"), Conflict)


def test_403_says_where_rights_are_granted() -> None:
    hint = cluster_error(403, status(403, "no"), where="GET /x").hint
    assert hint is not None
    assert "deploy/kustomize/base" in hint


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ('secrets "db" is forbidden: exceeded quota: q, used: count/secrets=2', "quota"),
        (
            'secrets "db" is forbidden: no new content in namespace a because it is being terminated',
            "deleted",
        ),
    ],
)
def test_what_is_forbidden_for_another_reason_than_rights_has_another_hint(message: str, word: str) -> None:
    hint = cluster_error(403, status(403, message), where="POST /x", sensitive=True).hint
    assert hint is not None
    assert word in hint
    assert "deploy" not in hint


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"text"', b'{"kind":"Pod","message":"m"}', b"\xff"])
def test_what_is_no_status_is_not_quoted(body: bytes) -> None:
    assert cluster_error(502, body, where="GET /x").what == "the way to the API server is broken"


@pytest.mark.parametrize(
    "body",
    [
        status(400, 'Secret in version "v1" cannot be handled: error found in ...|hunter2-hunter2|...'),
        status(
            422,
            'metadata.labels: Invalid value: "hunter2-hunter2"',
            details={
                "causes": [
                    {
                        "reason": "FieldValueInvalid",
                        "field": "metadata.labels",
                        "message": 'Invalid value: "hunter2-hunter2": must be short',
                    },
                    {
                        "reason": "FieldValueNotSupported",
                        "field": "type",
                        "message": 'Unsupported value: "hunter2-hunter2"',
                    },
                    {"reason": "NoSuchReason", "field": "x", "message": "hunter2-hunter2"},
                ]
            },
        ),
        status(403, 'admission webhook "w" denied the request: hunter2-hunter2'),
        status(500, 'failed calling admission webhook "w": hunter2-hunter2'),
        status(403, "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: hunter2-hunter2"),
    ],
)
def test_the_refusal_of_a_secret_quotes_nothing_of_it(body: bytes) -> None:
    code = json.loads(body)["code"]
    error = cluster_error(code, body, where="POST /secrets", sensitive=True)

    assert "hunter2" not in f"{error} {error.hint} {error!r}"


def test_the_refusal_of_a_secret_names_fields_and_limits() -> None:
    body = status(
        422,
        "Secret is invalid",
        details={
            "causes": [
                {
                    "reason": "FieldValueTooLong",
                    "field": "data",
                    "message": "Too long: must have at most 1048576 characters",
                },
                {"reason": "FieldValueInvalid", "field": "metadata.name", "message": "Invalid value"},
            ]
        },
    )
    error = cluster_error(422, body, where="POST /secrets", sensitive=True)

    assert error.what == (
        "the API server refuses the object: data: Too long: must have at most 1048576 characters;"
        " metadata.name: invalid value"
    )


def test_a_refused_right_is_explained_for_secrets_too() -> None:
    message = 'secrets is forbidden: User "u" cannot create resource "secrets"'
    error = cluster_error(403, status(403, message), where="POST /secrets", sensitive=True)
    assert message in error.what


@pytest.mark.parametrize(
    "text",
    ["etcdserver: request is too large", "rpc error: trying to send message larger than max (3 vs. 2)"],
)
def test_what_etcd_finds_too_large_is_not_healed_by_time(text: str) -> None:
    code = meant(500, status(500, text))
    error = cluster_error(code, status(500, text), where="PUT /x")
    assert code == 413
    assert error.what.startswith("the object is too large")
    assert not error.retryable


def test_other_failures_are_what_they_say() -> None:
    assert meant(500, status(500, "etcdserver: request timed out")) == 500
    assert meant(403, status(403, "exceeded quota: request is too large")) == 403


def test_a_long_message_is_cut() -> None:
    error: ClusterError = cluster_error(500, status(500, "x" * 5000), where="GET /x")
    assert len(error.what) < 1100
