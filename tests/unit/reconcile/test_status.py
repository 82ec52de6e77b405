"""Whether a target is the very version that a status names."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.reconcile.cluster import TargetState
from sealbridge.reconcile.status import target_matches

STATE = TargetState(uid="u", resource_version="7", labels={}, annotations={}, owner_uid=None, owner=None)


@pytest.mark.parametrize(
    ("target", "state", "expected"),
    [
        ({"uid": "u", "resourceVersion": "7"}, STATE, True),
        ({"uid": "u", "resourceVersion": "8"}, STATE, False),
        ({"uid": "another", "resourceVersion": "7"}, STATE, False),
        ({"uid": "u", "resourceVersion": "7"}, None, False),
        ({"uid": "u"}, STATE, False),
        (None, STATE, False),
        ("text", STATE, False),
    ],
)
def test_uid_and_version_must_both_be_those_of_the_status(
    target: Any, state: TargetState | None, expected: bool
) -> None:
    assert target_matches({"metadata": {}, "status": {"target": target}}, state) is expected


@pytest.mark.parametrize("status", [{}, {"status": None}, {"status": "text"}])
def test_no_status_names_no_version(status: dict[str, Any]) -> None:
    assert not target_matches({"metadata": {}, **status}, STATE)
