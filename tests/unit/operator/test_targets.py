"""Whose Secret it is, and whether somebody else has changed it."""

from __future__ import annotations

import pytest

from sealbridge.operator.targets import Targets
from sealbridge.reconcile.kinds import ObjectKey

OWNER = ObjectKey("SealedSecret", "a", "x")
OTHER = ObjectKey("ExternalSecret", "a", "x")
SECRET = ObjectKey("Secret", "a", "x")


@pytest.mark.parametrize(
    ("left", "seen", "news"),
    [
        (None, "5", True),
        ("5", "5", False),
        ("5", "6", True),
        ("5", "4", False),
        ("9", "10", True),
        ("abc", "abd", True),
        ("abc", "abc", False),
    ],
)
def test_only_a_later_version_is_news(left: str | None, seen: str, news: bool) -> None:
    targets = Targets()
    targets.witness("a", "x", left)
    assert targets.is_news("a", "x", seen) is news


def test_what_is_gone_has_no_version() -> None:
    targets = Targets()
    targets.witness("a", "x", "5")
    targets.witness("a", "x", None)
    assert targets.version("a", "x") is None


def test_an_owner_that_makes_another_target_leaves_the_former() -> None:
    targets = Targets()
    targets.assign(SECRET, OWNER)
    targets.witness("a", "x", "5")
    targets.assign(ObjectKey("Secret", "a", "y"), OWNER)
    assert targets.owners("a", "x") == ()
    assert targets.owners("a", "y") == (OWNER,)
    assert targets.version("a", "x") is None


def test_several_may_merge_into_one_target_and_the_last_of_them_turns_the_light_off() -> None:
    targets = Targets()
    targets.assign(SECRET, OWNER)
    targets.assign(SECRET, OTHER)
    targets.assign(SECRET, OTHER)
    targets.witness("a", "x", "5")
    assert targets.owners("a", "x") == (OWNER, OTHER)
    targets.release(OWNER)
    assert (targets.owners("a", "x"), targets.version("a", "x")) == ((OTHER,), "5")
    targets.release(OTHER)
    assert (targets.owners("a", "x"), targets.version("a", "x")) == ((), None)


def test_an_owner_that_is_gone_is_forgotten() -> None:
    targets = Targets()
    targets.assign(SECRET, OWNER)
    targets.witness("a", "x", "5")
    targets.release(OWNER)
    targets.release(OWNER)
    assert dict(targets) == {}
    assert targets.version("a", "x") is None
