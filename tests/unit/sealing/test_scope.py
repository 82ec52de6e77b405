from __future__ import annotations

import pytest

from sealbridge.sealing.scope import CLUSTER_WIDE_ANNOTATION, NAMESPACE_WIDE_ANNOTATION, Scope


@pytest.mark.parametrize(
    ("scope", "label"),
    [
        (Scope.STRICT, b"shop/db"),
        (Scope.NAMESPACE_WIDE, b"shop"),
        (Scope.CLUSTER_WIDE, b""),
    ],
)
def test_a_label_holds_what_the_scope_binds_to(scope: Scope, label: bytes) -> None:
    assert scope.label("shop", "db") == label


@pytest.mark.parametrize(
    ("annotations", "scope"),
    [
        ({}, Scope.STRICT),
        ({NAMESPACE_WIDE_ANNOTATION: "true"}, Scope.NAMESPACE_WIDE),
        ({CLUSTER_WIDE_ANNOTATION: "true"}, Scope.CLUSTER_WIDE),
        ({CLUSTER_WIDE_ANNOTATION: "true", NAMESPACE_WIDE_ANNOTATION: "true"}, Scope.CLUSTER_WIDE),
        ({CLUSTER_WIDE_ANNOTATION: "false", NAMESPACE_WIDE_ANNOTATION: "true"}, Scope.NAMESPACE_WIDE),
        ({CLUSTER_WIDE_ANNOTATION: "True"}, Scope.STRICT),
        ({CLUSTER_WIDE_ANNOTATION: "1"}, Scope.STRICT),
        ({NAMESPACE_WIDE_ANNOTATION: " true"}, Scope.STRICT),
    ],
)
def test_only_exactly_true_counts_and_the_wider_scope_wins(annotations: dict[str, str], scope: Scope) -> None:
    assert Scope.of(annotations) is scope


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_is_read_back_from_its_own_annotations(scope: Scope) -> None:
    assert Scope.of(scope.annotations()) is scope
