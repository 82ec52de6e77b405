"""Who is looked at again when something changes."""

from __future__ import annotations

from sealbridge.operator.dependants import Dependants
from sealbridge.reconcile.kinds import ObjectKey

A, B = ObjectKey("ExternalSecret", "n", "a"), ObjectKey("ExternalSecret", "n", "b")
STORE, OTHER = ObjectKey("SecretStore", "n", "s"), ObjectKey("SecretStore", "n", "t")


def test_all_who_need_it_are_named_in_order() -> None:
    dependants = Dependants()
    dependants.set(B, frozenset({STORE}))
    dependants.set(A, frozenset({STORE, OTHER}))
    assert dependants.of(STORE) == [A, B]
    assert dependants.of(OTHER) == [A]


def test_a_need_that_is_no_more_is_forgotten() -> None:
    dependants = Dependants()
    dependants.set(A, frozenset({STORE}))
    dependants.set(A, frozenset({OTHER}))
    assert dependants.of(STORE) == []
    dependants.set(A, frozenset())
    assert dependants.of(OTHER) == []
    assert (dependants._needs, dependants._needed_by) == ({}, {})
