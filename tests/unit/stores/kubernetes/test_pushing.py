"""What a Secret becomes by a push."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Push, Target
from sealbridge.stores.kubernetes.pushing import pushed, read_metadata, without

SOURCE = Secret(name="source", items={"k": Value(b"v")}, labels={"a": "source", "b": "source"})
THERE = Secret(name="t", namespace="ns", items={"x": Value(b"1")}, labels={"a": "there", "c": "there"})


@pytest.mark.parametrize(
    ("metadata", "labels"),
    [
        ({}, {"a": "source", "b": "source", "c": "there"}),
        ({"labels": {"a": "given"}}, {"a": "given", "b": "source", "c": "there"}),
        ({"sourceMergePolicy": "Replace", "labels": {"d": "given"}}, {**THERE.labels, "d": "given"}),
        ({"targetMergePolicy": "Replace"}, {"a": "source", "b": "source"}),
        ({"targetMergePolicy": "Replace", "sourceMergePolicy": "Replace"}, {}),
        ({"targetMergePolicy": "Ignore", "labels": {"d": "given"}}, dict(THERE.labels)),
    ],
)
def test_labels_are_merged_as_the_policies_say(metadata: dict[str, Any], labels: dict[str, str]) -> None:
    push = Push(target=Target("t", "p"), source=SOURCE, item="k", metadata=metadata)
    made = pushed(push, THERE, "ns", read_metadata(metadata))
    assert made.labels == labels
    assert made.items == {"x": Value(b"1"), "p": Value(b"v")}


def test_what_kubectl_remembers_of_the_source_is_not_copied() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "values", "note": "x"}
    source = Secret(name="source", items={"k": Value(b"v")}, annotations=annotations)
    made = pushed(Push(target=Target("t"), source=source), None, "ns", read_metadata({}))
    assert made == Secret(
        name="t", namespace="ns", items=source.items, type="Opaque", annotations={"note": "x"}
    )


def test_taking_the_last_item_out_leaves_nothing() -> None:
    assert without(THERE, Target("t", "x")) is None
    assert without(THERE, Target("t")) is None
    assert without(THERE, Target("t", "other")) == THERE
