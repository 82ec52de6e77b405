"""A ClusterExternalSecret is fanned out over a cluster that refuses, changes and ends half-way."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest

from sealbridge.errors import ClusterError, Conflict
from sealbridge.reconcile.cluster import ObjectCluster
from sealbridge.reconcile.cluster_external_secret import ClusterExternalSecretReconciler
from sealbridge.reconcile.kinds import (
    CLUSTER_EXTERNAL_SECRET,
    EXTERNAL_SECRET,
    NAMESPACE,
    Kind,
    Object,
    ObjectKey,
)
from sealbridge.reconcile.result import Outcome, Result
from tests.worlds import ManualClock, condition

KEY = ObjectKey("ClusterExternalSecret", "", "fan")
WANTED = {
    "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
    "data": [{"secretKey": "a", "remoteRef": {"key": "a"}}],
}


class Killed(BaseException):
    """The process ends."""


class Objects:
    """Objects in memory with uids and versions, as an API server keeps them; calls may be made to fail."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str, str], Object] = {}
        self.numbers = itertools.count(1)
        self.writes: list[tuple[str, str, str]] = []  # verb, kind, namespace
        self.events: list[tuple[str, str, str]] = []
        self.before: Callable[[str, str, str], None] = lambda verb, kind, namespace: None

    def put(self, kind: Kind, name: str, namespace: str = "", **parts: Any) -> Object:
        metadata = {"name": name, "uid": f"uid-{next(self.numbers)}", **parts.pop("metadata", {})}
        if namespace:
            metadata["namespace"] = namespace
        obj = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **parts}
        self._keep(obj)
        return obj

    def _keep(self, obj: Object) -> None:
        metadata = obj["metadata"]
        metadata["resourceVersion"] = str(next(self.numbers))
        self.there[obj["kind"], metadata.get("namespace") or "", metadata["name"]] = obj

    def _call(self, verb: str, kind: Kind, namespace: str) -> None:
        self.before(verb, kind.name, namespace)
        self.writes.append((verb, kind.name, namespace))

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        return copy.deepcopy(self.there.get((kind.name, namespace, name)))

    async def list(
        self, kind: Kind, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Object]:
        self.before("list", kind.name, "")
        return [copy.deepcopy(obj) for (of, _, _), obj in sorted(self.there.items()) if of == kind.name]

    async def list_named(self, kind: Kind, name: str) -> Sequence[Object]:
        self.before("list", kind.name, "")
        return [one for one in await self.list(kind) if one["metadata"]["name"] == name]

    async def create_object(self, kind: Kind, obj: Object) -> Object:
        metadata = obj["metadata"]
        self._call("create", kind, metadata["namespace"])
        if (kind.name, metadata["namespace"], metadata["name"]) in self.there:
            raise Conflict("already exists")
        if ("Namespace", "", metadata["namespace"]) not in self.there:
            raise ClusterError("there is no such namespace", status=404)
        return self.put(
            kind,
            metadata["name"],
            metadata["namespace"],
            metadata={k: v for k, v in metadata.items() if k != "namespace"},
            spec=obj["spec"],
        )

    async def replace_object(self, kind: Kind, obj: Object) -> Object:
        metadata = obj["metadata"]
        self._call("update", kind, metadata["namespace"])
        there = self.there.get((kind.name, metadata["namespace"], metadata["name"]))
        if there is None:
            raise ClusterError("not found", status=404)
        if there["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
            raise Conflict("changed meanwhile")
        self._keep(copy.deepcopy(obj))
        return obj

    async def delete_object(self, kind: Kind, obj: Object) -> bool:
        metadata = obj["metadata"]
        self._call("delete", kind, metadata["namespace"])
        return self.there.pop((kind.name, metadata["namespace"], metadata["name"]), None) is not None

    async def patch_status(self, kind: Kind, obj: Object, status: Object) -> None:
        self._call("status", kind, "")
        there = self.there[kind.name, "", obj["metadata"]["name"]]
        merged = {**(there.get("status") or {}), **status}
        there["status"] = {name: value for name, value in merged.items() if value is not None}

    async def set_finalizer(self, kind: Kind, obj: Object, finalizer: str, *, present: bool) -> Object:
        raise AssertionError("none is to be set")

    async def namespace_labels(self, namespace: str) -> Mapping[str, str] | None:
        found = self.there.get(("Namespace", "", namespace))
        return None if found is None else found["metadata"].get("labels") or {}

    async def record_event(self, about: Object, *, type_: str, reason: str, message: str) -> None:
        self.events.append((type_, reason, message))


class House:
    def __init__(self) -> None:
        self.objects = Objects()
        self.clock = ManualClock()
        self.reconciler = ClusterExternalSecretReconciler(cast(ObjectCluster, self.objects), self.clock)

    def namespaces(self, *names: str, **metadata: Any) -> None:
        for name in names:
            self.objects.put(NAMESPACE, name, metadata={"labels": {"team": "x"}, **metadata})

    def fan(self, **spec: Any) -> Object:
        selector = {"matchLabels": {"team": "x"}}
        wanted = {"externalSecretSpec": WANTED, "namespaceSelectors": [selector], **spec}
        there = self.objects.there.get(("ClusterExternalSecret", "", "fan"))
        if there is not None:
            there["spec"] = wanted
            return there
        return self.objects.put(CLUSTER_EXTERNAL_SECRET, "fan", spec=wanted)

    async def look(self) -> Result:
        self.objects.writes.clear()
        return await self.reconciler.reconcile(KEY)

    @property
    def status(self) -> Object:
        found: Object = self.objects.there["ClusterExternalSecret", "", "fan"].get("status") or {}
        return found

    def made(self, name: str = "fan") -> list[str]:
        return sorted(ns for kind, ns, of in self.objects.there if kind == "ExternalSecret" and of == name)

    def refuse(self, error: BaseException, *calls: tuple[str, str, str]) -> None:
        def before(*call: str) -> None:
            if call in calls:
                raise error

        self.objects.before = before


@pytest.fixture
def house() -> House:
    return House()


def es(verb: str, namespace: str) -> tuple[str, str, str]:
    return verb, "ExternalSecret", namespace


async def test_a_second_look_writes_nothing(house: House) -> None:
    house.namespaces("a", "b")
    house.fan(refreshTime="5m")

    first = await house.look()
    assert (first.outcome, first.requeue_after, house.made()) == (Outcome.CREATED, 300, ["a", "b"])
    events = list(house.objects.events)
    assert events == [("Normal", "Created", 'created ExternalSecret "fan" in a, b')]

    second = await house.look()
    assert (second.outcome, house.objects.writes) == (Outcome.UNCHANGED, [])
    assert house.objects.events == events


async def test_what_the_api_server_has_added_is_no_change(house: House) -> None:
    house.namespaces("a")
    house.fan()
    await house.look()
    made = house.objects.there["ExternalSecret", "a", "fan"]
    made["spec"] = {**WANTED, "refreshInterval": "1h0m0s", "target": {"deletionPolicy": "Retain"}}

    assert (await house.look()).outcome is Outcome.UNCHANGED
    assert house.objects.writes == []


@pytest.mark.parametrize(
    ("error", "retry"),
    [
        (ClusterError("the API server forbids it", status=403, retryable=True), True),
        (ClusterError("the API server failed", status=500, retryable=True), True),
        (ClusterError("the API server refuses the object", status=422), False),
    ],
)
async def test_a_namespace_that_fails_stops_no_other(house: House, error: ClusterError, retry: bool) -> None:
    house.namespaces("a", "b", "c")
    house.fan()
    house.refuse(error, es("create", "b"))

    result = await house.look()

    assert (result.outcome, result.retry, house.made()) == (Outcome.FAILED, retry, ["a", "c"])
    assert result.requeue_after == (None if retry else 3600)
    assert house.status["failedNamespaces"] == [{"namespace": "b", "reason": error.what}]
    assert house.status["provisionedNamespaces"] == ["a", "c"]
    ready = condition({"status": house.status}, "Ready")
    assert (ready["status"], ready["message"]) == ("False", "one or more namespaces failed")
    told = list(house.objects.events)
    await house.look()
    assert house.objects.writes == [], "the same failure is not written again"
    assert house.objects.events == told
    house.refuse(error)
    assert (await house.look()).outcome is Outcome.CREATED
    assert "failedNamespaces" not in house.status
    assert condition({"status": house.status}, "Ready")["status"] == "True"


@pytest.mark.parametrize(
    "owner",
    [
        [],
        [{"kind": "ClusterExternalSecret", "name": "fan", "uid": "another", "controller": True}],
        [{"kind": "Application", "name": "x", "uid": "y", "controller": True}],
    ],
    ids=["nobody's", "a namesake's", "a controller's"],
)
async def test_what_somebody_else_has_made_is_neither_changed_nor_deleted(
    house: House, owner: list[Object]
) -> None:
    house.namespaces("a", "b")
    house.objects.put(EXTERNAL_SECRET, "fan", "a", metadata={"ownerReferences": owner}, spec={"theirs": 1})
    house.fan()
    before = copy.deepcopy(house.objects.there["ExternalSecret", "a", "fan"])

    result = await house.look()
    assert house.status["failedNamespaces"] == [
        {"namespace": "a", "reason": "external secret already exists in namespace"}
    ]
    assert (result.retry, result.requeue_after) == (False, 3600)
    assert result.depends_on == {ObjectKey("ExternalSecret", "a", "fan")}
    for spec in ({"namespaceSelectors": []}, {"externalSecretName": "other", "namespaceSelectors": []}):
        house.fan(**spec)
        await house.look()
    assert house.objects.there["ExternalSecret", "a", "fan"] == before


async def test_one_that_somebody_makes_at_the_same_time_is_theirs(house: House) -> None:
    house.namespaces("a")
    house.fan()

    def before(verb: str, kind: str, namespace: str) -> None:
        if verb == "create":
            house.objects.put(EXTERNAL_SECRET, "fan", "a", spec={"theirs": 1})

    house.objects.before = before
    await house.look()

    assert house.status["failedNamespaces"][0]["reason"] == "external secret already exists in namespace"
    assert house.objects.there["ExternalSecret", "a", "fan"]["spec"] == {"theirs": 1}


async def test_an_edit_of_somebody_in_between_is_replaced(house: House) -> None:
    house.namespaces("a")
    house.fan()
    await house.look()
    house.fan(externalSecretSpec={**WANTED, "refreshInterval": "5m"})
    edits = iter([1])

    def before(verb: str, kind: str, namespace: str) -> None:
        if verb == "update" and next(edits, None):
            house.objects._keep(house.objects.there["ExternalSecret", "a", "fan"])

    house.objects.before = before
    assert (await house.look()).outcome is Outcome.UPDATED
    assert house.objects.there["ExternalSecret", "a", "fan"]["spec"]["refreshInterval"] == "5m"


async def test_a_namespace_that_goes_meanwhile_is_no_failure(house: House) -> None:
    house.namespaces("a", "b", "c")
    house.fan()

    def before(verb: str, kind: str, namespace: str) -> None:
        if (verb, namespace) == ("create", "a"):
            house.objects.there.pop(("Namespace", "", "a"))
        if (verb, namespace) == ("create", "b"):
            raise ClusterError("forbidden: the namespace b is being terminated", status=403, retryable=True)

    house.objects.before = before
    assert (await house.look()).outcome is Outcome.CREATED
    assert house.status["provisionedNamespaces"] == ["c"]
    assert "failedNamespaces" not in house.status


async def test_a_kind_that_is_not_served_is_a_failure_and_no_namespace_that_has_gone(house: House) -> None:
    house.namespaces("a")
    house.fan()
    house.refuse(ClusterError("there is no such object or resource", status=404), es("create", "a"))

    result = await house.look()
    assert (result.outcome, result.retry) == (Outcome.FAILED, True)
    assert house.status["failedNamespaces"][0]["namespace"] == "a"


async def test_a_namespace_on_its_way_out_is_left_alone(house: House) -> None:
    house.namespaces("a", "b")
    house.fan()
    await house.look()
    for name in ("a", "b"):
        house.objects.there["Namespace", "", name]["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"
    house.objects.there["Namespace", "", "b"]["metadata"]["labels"] = {}

    await house.look()

    assert [write for write in house.objects.writes if write[1] == "ExternalSecret"] == []
    assert "provisionedNamespaces" not in house.status
    assert condition({"status": house.status}, "Ready")["reason"] == "NoNamespaceMatches"


async def test_a_list_that_fails_deletes_nothing(house: House) -> None:
    house.namespaces("a")
    house.fan()
    await house.look()
    for kind in ("Namespace", "ExternalSecret"):
        house.refuse(ClusterError("no", status=500, retryable=True), ("list", kind, ""))
        result = await house.look()
        assert (result.outcome, result.retry, house.objects.writes) == (Outcome.FAILED, True, [])


@pytest.mark.parametrize("verb", ["create", "delete", "status"])
@pytest.mark.parametrize("number", range(1, 5))
async def test_a_process_that_ends_anywhere_in_a_rename_loses_sight_of_nothing(
    house: House, verb: str, number: int
) -> None:
    house.namespaces("a", "b", "c")
    house.fan()
    await house.look()
    house.fan(externalSecretName="second")
    count = itertools.count(1)

    def before(called: str, kind: str, namespace: str) -> None:
        if called == verb and next(count) == number:
            raise Killed

    house.objects.before = before
    ended = False
    try:
        await house.look()
    except Killed:
        ended = True
    assert ended or number > 2
    house.refuse(Killed())
    house.fan(externalSecretName="third")

    await house.look()

    assert [house.made(name) for name in ("fan", "second", "third")] == [[], [], ["a", "b", "c"]]
    await house.look()
    assert house.objects.writes == []
    assert house.status["externalSecretName"] == "third"
    assert "formerNames" not in house.status


async def test_an_old_one_that_cannot_be_deleted_is_tried_again(house: House) -> None:
    house.namespaces("a", "b")
    house.fan()
    await house.look()
    house.fan(externalSecretName="second")
    house.refuse(ClusterError("no", status=500, retryable=True), es("delete", "a"))

    result = await house.look()
    assert (result.outcome, result.retry) == (Outcome.FAILED, True)
    assert house.status["failedNamespaces"] == [{"namespace": "a", "reason": "no"}]
    assert (house.status["formerNames"], house.made()) == (["fan"], ["a"])
    house.refuse(Killed())
    assert (await house.look()).outcome is Outcome.DELETED
    assert (house.made(), "formerNames" in house.status) == ([], False)


async def test_the_old_one_goes_on_where_the_new_one_cannot_be_made(house: House) -> None:
    house.namespaces("a", "b")
    house.fan()
    await house.look()
    house.objects.put(EXTERNAL_SECRET, "second", "a", spec={})
    house.fan(externalSecretName="second")

    await house.look()

    assert (house.made(), house.made("second")) == (["a"], ["a", "b"])
    assert house.status["formerNames"] == ["fan"]
    house.objects.there.pop(("ExternalSecret", "a", "second"))
    await house.look()
    assert (house.made(), house.made("second")) == ([], ["a", "b"])


async def test_a_bad_spec_is_told_once_and_changes_nothing(house: House) -> None:
    house.namespaces("a")
    house.fan()
    await house.look()
    house.fan(externalSecretSpec={"data": []}, namespaceSelectors=[])

    result = await house.look()
    assert (result.outcome, result.retry, result.requeue_after) == (Outcome.FAILED, False, None)
    ready = condition({"status": house.status}, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "InvalidSpec")
    assert "spec.externalSecretSpec.data" in ready["message"]
    assert house.status["provisionedNamespaces"] == house.made() == ["a"]
    told = len(house.objects.events)
    await house.look()
    assert (house.objects.writes, len(house.objects.events)) == ([], told)


async def test_finalizers_and_owners_of_others_stay(house: House) -> None:
    house.namespaces("a")
    house.fan()
    await house.look()
    made = house.objects.there["ExternalSecret", "a", "fan"]["metadata"]
    made["finalizers"] = ["theirs"]
    made["ownerReferences"].append({"kind": "Other", "name": "o", "uid": "o"})
    house.fan(externalSecretMetadata={"labels": {"a": "b"}})

    assert (await house.look()).outcome is Outcome.UPDATED

    changed = house.objects.there["ExternalSecret", "a", "fan"]["metadata"]
    assert changed["finalizers"] == ["theirs"]
    assert changed["ownerReferences"] == made["ownerReferences"]
    assert changed["labels"] == {"a": "b"}


async def test_one_on_its_way_out_is_waited_for(house: House) -> None:
    house.namespaces("a")
    house.fan()
    await house.look()
    made = house.objects.there["ExternalSecret", "a", "fan"]["metadata"]
    made["deletionTimestamp"] = "2026-05-01T12:00:00Z"

    result = await house.look()
    assert (result.outcome, result.retry) == (Outcome.FAILED, True)
    assert "being deleted" in house.status["failedNamespaces"][0]["reason"]
    house.fan(namespaceSelectors=[])
    assert (await house.look()).outcome is Outcome.UNCHANGED
    assert house.made() == ["a"]


async def test_what_is_being_deleted_makes_nothing_more(house: House) -> None:
    house.namespaces("a")
    house.fan()["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"
    assert (await house.look()).outcome is Outcome.SKIPPED
    assert house.made() == []
    del house.objects.there["ClusterExternalSecret", "", "fan"]
    assert (await house.look()).outcome is Outcome.GONE


async def test_a_time_of_zero_looks_again_after_changes_only(house: House) -> None:
    house.namespaces("a")
    house.fan(refreshTime="0")
    assert (await house.look()).requeue_after is None


async def test_a_definition_that_knows_less_of_the_status_costs_no_writes(house: House) -> None:
    """External Secrets Operator's own CRD drops reasons, times and former names."""
    house.namespaces("a")
    house.fan()

    def prune() -> None:
        house.status.pop("formerNames", None)
        for one in house.status["conditions"]:
            for field in ("reason", "lastTransitionTime"):
                one.pop(field, None)

    await house.look()
    prune()
    await house.look()
    assert house.objects.writes == []
    house.refuse(ClusterError("no", status=403, retryable=True), es("update", "a"))
    house.fan(externalSecretSpec={**WANTED, "refreshInterval": "5m"})
    await house.look()
    assert house.objects.writes == [("status", "ClusterExternalSecret", "")]
    prune()
    await house.look()
    assert house.objects.writes == []


async def test_thousands_of_failures_fit_into_a_status(house: House) -> None:
    house.namespaces(*(f"n{number}" for number in range(3000)))
    house.fan()

    def before(verb: str, kind: str, namespace: str) -> None:
        if verb == "create":
            raise ClusterError("x" * 1000, status=403, retryable=True)

    house.objects.before = before
    await house.look()
    failed = house.status["failedNamespaces"]
    assert len(failed) == 3000
    assert sum(len(one["reason"]) for one in failed) < 400_000
