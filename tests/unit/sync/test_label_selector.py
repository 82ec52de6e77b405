"""Label selectors mean what they mean to an API server."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sealbridge.sync.label_selector import LabelSelector

LABELS = {"team": "a", "tier": "prod"}


def read(selector: dict[str, Any]) -> LabelSelector:
    return msgspec.convert(selector, LabelSelector)


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({}, True),
        ({"matchLabels": {}}, True),
        ({"matchLabels": {"team": "a"}}, True),
        ({"matchLabels": {"team": "a", "tier": "test"}}, False),
        ({"matchLabels": {"zone": ""}}, False),
        (expression("team", "In", "a", "b"), True),
        (expression("team", "In", "b"), False),
        (expression("zone", "In", "b"), False),
        (expression("team", "NotIn", "a"), False),
        (expression("zone", "NotIn", "a"), True),
        (expression("team", "Exists"), True),
        (expression("zone", "Exists"), False),
        (expression("team", "DoesNotExist"), False),
        (expression("zone", "DoesNotExist"), True),
        ({"matchLabels": {"team": "a"}, **expression("tier", "NotIn", "prod")}, False),
    ],
)
def test_all_of_a_selector_must_hold(selector: dict[str, Any], selected: bool) -> None:
    assert read(selector).problem() is None
    assert read(selector).matches(LABELS) is selected


@pytest.mark.parametrize(
    ("selector", "problem"),
    [
        (expression("team", "In"), "matchExpressions[0]: operator In needs values"),
        (expression("team", "NotIn"), "matchExpressions[0]: operator NotIn needs values"),
        (expression("team", "Exists", "a"), "matchExpressions[0]: operator Exists needs no values"),
        (expression("", "Exists"), "matchExpressions[0]: key is missing"),
    ],
)
def test_what_an_api_server_refuses_is_a_problem(selector: dict[str, Any], problem: str) -> None:
    assert read(selector).problem() == problem


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLables": {"team": "a"}},
        {"matchExpressions": [{"key": "team", "operator": "Gt", "values": ["1"]}]},
        {"matchExpressions": [{"key": "team", "operator": "In", "value": "a"}]},
        {"matchLabels": {"team": 1}},
        {"matchLabels": ["team"]},
    ],
)
def test_what_cannot_be_read_selects_nothing(selector: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(selector)
