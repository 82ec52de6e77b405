"""Windows in which refreshes are made, or are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from sealbridge.sync.model import ExternalSecretSpec
from sealbridge.sync.schedule import SyncState, due_time, is_due, seconds_until_due
from sealbridge.sync.windows import SyncWindows

NIGHT = {"schedule": "0 22 * * *", "duration": "2h"}
NOON = {"schedule": "0 12 * * *", "duration": "30m"}
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-06-{text}").replace(tzinfo=UTC)


def windows(kind: str, *entries: dict[str, str]) -> SyncWindows:
    return msgspec.convert({"kind": kind, "windows": list(entries)}, SyncWindows)


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("01 22:00:00", True),
        ("01 22:30:00", True),
        ("02 00:00:00", True),
        ("02 00:00:01", False),
        ("01 21:59:59", False),
        ("02 03:00:00", False),
        ("02 22:30:00", True),
    ],
)
def test_a_window_has_both_its_ends(moment: str, inside: bool) -> None:
    assert windows("allow", NIGHT).permits(at(moment)) is inside
    assert windows("deny", NIGHT).permits(at(moment)) is not inside


def test_of_several_windows_any_counts_and_none_at_all_permits() -> None:
    both = windows("allow", NIGHT, NOON)
    assert [both.permits(at(f"01 {hour}")) for hour in ("12:15", "22:15", "15:00")] == [True, True, False]
    assert windows("allow").permits(at("01 00:00"))
    assert windows("deny").permits(at("01 00:00"))


@pytest.mark.parametrize(
    ("kind", "entries", "moment", "following"),
    [
        ("allow", [NIGHT], "01 12:00:00", "01 22:00:00"),
        ("allow", [NIGHT], "01 23:00:00", "01 23:00:00"),
        ("allow", [NIGHT, NOON], "01 11:00:00", "01 12:00:00"),
        ("deny", [NIGHT], "01 12:00:00", "01 12:00:00"),
        ("deny", [NIGHT], "01 23:00:00", "02 00:00:01"),
        # One that ends where the next begins.
        ("deny", [NIGHT, {"schedule": "0 0 * * *", "duration": "8h"}], "01 23:00:00", "02 08:00:01"),
        ("deny", [{"schedule": "* 0-11 * * *", "duration": "1m"}], "01 03:00:00", "01 12:00:01"),
    ],
)
def test_the_next_time_that_is_permitted_is_known(
    kind: str, entries: list[dict[str, str]], moment: str, following: str
) -> None:
    found = windows(kind, *entries)
    assert found.next_permitted(at(moment)) == at(following)
    assert found.permits(at(following))


@pytest.mark.parametrize(
    "never",
    [
        windows("deny", {"schedule": "* * * * *", "duration": "1h"}),
        windows("allow", {"schedule": "0 0 30 2 *", "duration": "1h"}),
    ],
)
def test_windows_may_never_let_a_refresh_through(never: SyncWindows) -> None:
    assert never.next_permitted(at("01 12:00")) is None
    assert not never.permits(at("01 12:00"))


def state(refreshed: datetime) -> dict[str, Any]:
    return {"state": SyncState(refresh_time=refreshed, synced_resource_version="v")}


@pytest.mark.parametrize(
    ("refreshed", "now", "due", "seconds"),
    [
        ("01 10:00", "01 12:00", False, 10 * 3600.0),
        ("01 10:00", "01 22:00", True, 0.0),
        # Its window has gone by without it.
        ("01 10:00", "02 01:00", False, 21 * 3600.0),
        ("01 22:10", "01 22:30", False, 40 * 60.0),
        ("01 23:30", "02 00:30", False, 21.5 * 3600.0),
    ],
)
def test_time_makes_a_refresh_due_in_a_window_only(
    refreshed: str, now: str, due: bool, seconds: float
) -> None:
    spec = ExternalSecretSpec(refresh_interval=HOUR, sync_windows=windows("allow", NIGHT))
    assert is_due(spec, **state(at(refreshed)), resource_version="v", now=at(now)) is due
    assert seconds_until_due(spec, at(refreshed), now=at(now)) == seconds


def test_an_edit_waits_for_no_window() -> None:
    spec = ExternalSecretSpec(refresh_interval=HOUR, sync_windows=windows("allow", NIGHT))
    assert is_due(spec, **state(at("01 10:00")), resource_version="edited", now=at("01 10:01"))
    assert due_time(spec, at("01 10:00")) == at("01 22:00")
