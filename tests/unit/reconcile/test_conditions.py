"""Conditions and what belongs to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sealbridge.reconcile import conditions

THEN = "2026-01-01T00:00:00Z"
NOW = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)


def with_status(*existing: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "status": {"conditions": list(existing)}}


def ready(*, ok: bool, message: str = "m") -> dict[str, Any]:
    return conditions.condition(conditions.READY, ok=ok, reason="R", message=message)


@pytest.mark.parametrize(
    ("ok", "message", "transition"),
    [
        (True, "m", THEN),
        (True, "another", THEN),
        (False, "m", "2026-02-03T04:05:06Z"),
    ],
    ids=["the same", "another message", "another status"],
)
def test_the_transition_time_moves_when_the_status_flips_and_not_before(
    ok: bool, message: str, transition: str
) -> None:
    obj = with_status({**ready(ok=True), "lastTransitionTime": THEN})

    (result,) = conditions.with_conditions(obj, [ready(ok=ok, message=message)], NOW)

    assert result["lastTransitionTime"] == transition
    assert result["message"] == message


def test_a_condition_of_upstream_that_says_the_same_is_left_as_it_is() -> None:
    synced = conditions.condition(conditions.SYNCED, ok=True, reason=conditions.UNSEALED, message="")
    old = {**synced, "lastTransitionTime": THEN, "lastUpdateTime": THEN, "observed": "elsewhere"}

    assert conditions.with_conditions(with_status(old), [synced], NOW) == [old]


def test_a_synced_condition_has_its_update_time_and_others_keep_their_place() -> None:
    foreign = {"type": "Other", "status": "True"}
    synced = conditions.condition(conditions.SYNCED, ok=False, reason="R", message="m")

    first, second = conditions.with_conditions(with_status(foreign), [synced], NOW)

    assert first == foreign
    assert second["lastUpdateTime"] == second["lastTransitionTime"] == "2026-02-03T04:05:06Z"


@pytest.mark.parametrize("status", [None, "text", [], {"conditions": "text"}, {"conditions": ["text", None]}])
def test_a_status_that_somebody_broke_is_an_empty_one(status: Any) -> None:
    obj = {"metadata": {"name": "x"}, "status": status}

    assert conditions.condition_of(obj, conditions.READY) == {}
    assert not conditions.is_true(obj, conditions.READY)
    assert [c["type"] for c in conditions.with_conditions(obj, [ready(ok=True)], NOW)] == ["Ready"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T01:00:00+01:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T00:00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (None, None),
        (17, None),
    ],
)
def test_times_are_read_as_what_they_are_or_not_at_all(text: object, expected: datetime | None) -> None:
    assert conditions.parse_timestamp(text) == expected


def test_every_edit_that_matters_changes_the_synced_version() -> None:
    def version(**metadata: Any) -> str:
        return conditions.synced_version({"metadata": {"generation": 1, **metadata}})

    assert version() == version(labels={}, annotations=None)
    seen = {
        version(),
        version(generation=2),
        version(labels={"a": "b"}),
        version(annotations={"a": "b"}),
        version(labels={"a": "c"}),
    }
    assert len(seen) == 5
    assert version().startswith("1-")


def test_only_fields_that_differ_are_to_be_written() -> None:
    obj = {"metadata": {}, "status": {"a": 1, "b": {"c": 2}}}

    assert conditions.changed_fields(obj, {"a": 1, "b": {"c": 3}, "d": None}) == {"b": {"c": 3}}
