"""Events: few, counted and bounded, and never a reason to fail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from sealbridge.errors import ClusterError
from sealbridge.kube import events
from sealbridge.kube.events import BackgroundRecorder, EventRecorder


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 1, 12, 30, tzinfo=UTC)


class Wire:
    """Takes requests as the client does; `fail` is raised instead of an answer."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.fail: ClusterError | None = None

    async def request(self, verb: str, path: str, *, body: dict[str, Any], **_: Any) -> None:
        if self.fail is not None:
            raise self.fail
        self.sent.append((verb, path, body))


class Now:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def about(name: str = "app", kind: str = "SealedSecret", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "team",
            "uid": f"uid-{name}",
            "resourceVersion": "7",
            **metadata,
        },
        "spec": {"encryptedData": {"a": "b"}},
    }


def recorder(wire: Wire, now: Now) -> EventRecorder:
    return EventRecorder(wire, Clock(), monotonic=now)  # type: ignore[arg-type]


WORDS: Mapping[str, str] = {"type_": "Warning", "reason": "ErrUnsealFailed", "message": "no key"}


async def test_an_event_says_what_kubectl_describe_shows() -> None:
    wire = Wire()
    await recorder(wire, Now()).record(about(), **WORDS)

    ((verb, path, event),) = wire.sent
    assert (verb, path) == ("POST", "/api/v1/namespaces/team/events")
    assert event["involvedObject"] == {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "namespace": "team",
        "name": "app",
        "uid": "uid-app",
        "resourceVersion": "7",
    }
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "ErrUnsealFailed", "no key")
    assert (event["count"], event["firstTimestamp"]) == (1, "2026-11-01T12:30:00Z")


@pytest.mark.parametrize(
    ("kind", "component"),
    [
        ("SealedSecret", "sealed-secrets"),
        ("ExternalSecret", "external-secrets"),
        ("ClusterSecretStore", "external-secrets"),
    ],
)
async def test_it_is_signed_as_upstream_signs_it(kind: str, component: str) -> None:
    wire = Wire()
    await recorder(wire, Now()).record(about(kind=kind), **WORDS)
    assert wire.sent[0][2]["source"] == {"component": component}


async def test_the_event_of_a_cluster_object_is_in_the_default_namespace() -> None:
    wire = Wire()
    await recorder(wire, Now()).record(about(namespace=""), **WORDS)
    assert wire.sent[0][1] == "/api/v1/namespaces/default/events"


async def test_a_repetition_is_counted_and_told_after_the_quiet_time() -> None:
    wire, now = Wire(), Now()
    made = recorder(wire, now)
    for _ in range(3):
        await made.record(about(), **WORDS)
    assert len(wire.sent) == 1

    now.seconds += events.QUIET
    await made.record(about(), **WORDS)

    name = wire.sent[0][2]["metadata"]["name"]
    assert wire.sent[1][:2] == ("PATCH", f"/api/v1/namespaces/team/events/{name}")
    assert wire.sent[1][2]["count"] == 4


async def test_another_message_or_object_is_another_event() -> None:
    wire = Wire()
    made = recorder(wire, Now())
    await made.record(about(), **WORDS)
    await made.record(about(), **{**WORDS, "message": "other"})
    await made.record(about("other"), **WORDS)
    assert [verb for verb, _, _ in wire.sent] == ["POST"] * 3
    assert len({body["metadata"]["name"] for _, _, body in wire.sent}) == 3


async def test_an_event_that_has_expired_starts_anew() -> None:
    wire, now = Wire(), Now()
    made = recorder(wire, now)
    await made.record(about(), **WORDS)
    now.seconds += events.QUIET
    wire.fail = ClusterError("gone", status=404)
    await made.record(about(), **WORDS)
    wire.fail = None
    await made.record(about(), **WORDS)
    assert [verb for verb, _, _ in wire.sent] == ["POST", "POST"]


async def test_one_object_cannot_flood() -> None:
    wire, now = Wire(), Now()
    made = recorder(wire, now)
    for number in range(100):
        await made.record(about(), **{**WORDS, "message": str(number)})
    assert len(wire.sent) == events.BURST_OF_OBJECT
    now.seconds += events.REFILL_OF_OBJECT
    await made.record(about(), **{**WORDS, "message": "later"})
    assert len(wire.sent) == events.BURST_OF_OBJECT + 1


async def test_all_objects_together_cannot_flood_and_memory_is_bounded() -> None:
    wire = Wire()
    made = recorder(wire, Now())
    for number in range(events.REMEMBERED + 10):
        await made.record(about(str(number)), **WORDS)
    assert len(wire.sent) == events.BURST_OF_ALL
    assert len(made._objects) == events.REMEMBERED


@pytest.mark.parametrize("status", [403, 409, 500])
async def test_an_event_that_cannot_be_posted_is_logged_and_no_failure(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    wire = Wire()
    wire.fail = ClusterError("no", status=status)
    await recorder(wire, Now()).record(about(), **WORDS)
    assert [record.message for record in caplog.records if record.name == events.log.name] == [
        "an event was lost"
    ]


@pytest.mark.parametrize(("length", "character"), [(5000, "x"), (1025, "é")])
async def test_a_long_message_is_cut_to_what_the_server_takes(length: int, character: str) -> None:
    wire = Wire()
    await recorder(wire, Now()).record(about("n" * 253), **{**WORDS, "message": character * length})
    event = wire.sent[0][2]
    assert len(event["message"].encode()) <= events.LONGEST_MESSAGE
    assert event["message"].endswith("...")
    assert len(event["metadata"]["name"]) <= 253


@pytest.mark.parametrize("name", ["n" * 199 + ".tail", "n" * 198 + "-.tail", "n" * 253])
async def test_a_name_that_is_cut_makes_a_name(name: str) -> None:
    wire = Wire()
    await recorder(wire, Now()).record(about(name), **WORDS)
    made = wire.sent[0][2]["metadata"]["name"]
    assert re.fullmatch(r"n{198,200}\.[0-9a-f]{16}", made)


async def test_in_the_background_events_are_posted_before_the_end() -> None:
    wire = Wire()
    background = BackgroundRecorder(recorder(wire, Now()))
    for number in range(20):
        await background.record(about(str(number)), **WORDS)
    assert wire.sent == []
    await background.close()
    assert len(wire.sent) == 20


async def test_too_many_waiting_events_are_lost_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    background = BackgroundRecorder(recorder(Wire(), Now()), waiting=2)
    for number in range(3):
        await background.record(about(str(number)), **WORDS)
    assert "an event was lost" in caplog.text
    await background.close()
