"""Which namespace may use which store."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.errors import Denied, Invalid, SealbridgeError
from sealbridge.reconcile.kinds import ObjectKey
from sealbridge.reconcile.store_access import check_access, is_foreign, store_key
from tests.worlds import World

LABELS = {"team": "a", "tier": "web"}


async def access(
    world: World, conditions: Any, namespace: str = "team-a", kind: str = "ClusterSecretStore"
) -> None:
    world.write(
        "ns.yaml",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a", "labels": LABELS}},
    )
    store = {"kind": kind, "metadata": {"name": "s"}, "spec": {"conditions": conditions}}
    await check_access(world.cluster(), store, namespace)


def selector(**fields: Any) -> list[Any]:
    return [{"namespaceSelector": fields}]


def expression(operator: str, *values: str, key: str = "team") -> list[Any]:
    return selector(matchExpressions=[{"key": key, "operator": operator, "values": list(values)}])


@pytest.mark.parametrize(
    "conditions",
    [
        None,
        [],
        [{"namespaces": ["x", "team-a"]}],
        [{"namespaces": ["x"]}, {"namespaces": ["team-a"]}],
        [{"namespaceRegexes": ["^x$", "eam-"]}],
        [{"namespaceRegexes": [r"^\pL+-[[:alpha:]]\z"]}],
        selector(matchLabels={"team": "a"}),
        selector(matchLabels={"kubernetes.io/metadata.name": "team-a"}),
        selector(),
        expression("In", "a", "b"),
        expression("NotIn", "b"),
        expression("NotIn", "b", key="absent"),
        expression("Exists"),
        expression("DoesNotExist", key="absent"),
        [{"namespaces": ["x"], "namespaceSelector": {"matchLabels": {"team": "a"}}}],
    ],
)
async def test_a_namespace_that_a_condition_names_may(world: World, conditions: Any) -> None:
    await access(world, conditions)


@pytest.mark.parametrize(
    "conditions",
    [
        [{"namespaces": ["team"]}],
        [{"namespaces": []}],
        [{}],
        [{"namespaceRegexes": ["^team$"]}],
        selector(matchLabels={"team": "b"}),
        selector(matchLabels={"team": "a", "tier": "db"}),
        expression("In", "b"),
        expression("In", "b", key="absent"),
        expression("NotIn", "a"),
        expression("Exists", key="absent"),
        expression("DoesNotExist"),
    ],
)
async def test_a_namespace_that_no_condition_names_may_not(world: World, conditions: Any) -> None:
    with pytest.raises(Denied, match=r"denied by spec\.condition"):
        await access(world, conditions)


@pytest.mark.parametrize(
    "conditions",
    [
        "team-a",
        ["team-a"],
        [{"namespaces": "team-a"}],
        [{"namespaceRegexes": ["("]}],
        [{"namespaceRegexes": ["(?=team)"]}],
        [{"namespaceSelector": "team=a"}],
        selector(matchLabels=["team"]),
        selector(matchExpressions=["team"]),
        selector(matchExpressions=[{"operator": "Exists"}]),
        expression("Equals", "a"),
        expression("In"),
        expression("NotIn"),
        expression("Exists", "a"),
        selector(matchLables={"team": "a"}),
        selector(matchLabels={"team": 1}),
        [{"namespaceSelectors": [{}]}],
        [{"namespaceSelector": {}, "more": 1}],
    ],
)
async def test_a_condition_that_cannot_be_read_denies(world: World, conditions: Any) -> None:
    with pytest.raises(Invalid):
        await access(world, conditions)


async def test_an_expression_that_would_take_ages_does_not(world: World) -> None:
    with pytest.raises(Denied):
        await access(world, [{"namespaceRegexes": ["^(a|aa)+$"]}], namespace="a" * 62 + "b")


async def test_a_namespace_that_is_not_there_has_no_labels(world: World) -> None:
    with pytest.raises(Denied):
        await access(world, selector(matchLabels={"team": "a"}), namespace="nowhere")


async def test_conditions_mean_nothing_on_a_store_of_a_namespace(world: World) -> None:
    await access(world, [{"namespaces": []}], kind="SecretStore")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("", ObjectKey("SecretStore", "ns", "s")),
        ("SecretStore", ObjectKey("SecretStore", "ns", "s")),
        ("ClusterSecretStore", ObjectKey("ClusterSecretStore", "", "s")),
    ],
)
def test_a_reference_means_a_store_of_its_own_namespace_or_of_the_cluster(
    kind: str, expected: ObjectKey
) -> None:
    assert store_key(kind, "s", "ns") == expected


def test_there_are_no_other_kinds_of_store() -> None:
    with pytest.raises(SealbridgeError, match="there is no kind of store Vault"):
        store_key("Vault", "s", "ns")


@pytest.mark.parametrize(
    ("controller", "foreign"), [(None, False), ("", False), ("default", False), ("theirs", True)]
)
def test_only_another_class_makes_a_store_foreign(controller: str | None, foreign: bool) -> None:
    assert is_foreign({"spec": {"controller": controller}}, "default") is foreign
    assert is_foreign({"spec": {"controller": controller}}, "theirs") is (controller == "default")
