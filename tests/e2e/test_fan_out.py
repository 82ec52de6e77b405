"""ClusterExternalSecrets: one ExternalSecret in many namespaces, whatever becomes of either."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.canary import Canary
from tests.e2e.world import Manifest, World, eventually, external_secret, fake_store
from tests.servers.apiserver import REPOSITORY, ApiError, ApiServer
from tests.servers.operator import Operator

PLURAL = "/apis/external-secrets.io/v1/clusterexternalsecrets"
FORCE_SYNC = "external-secrets.io/force-sync"
MERGE = "application/merge-patch+json"


class Fan:
    """One ClusterExternalSecret, its store and its namespaces."""

    def __init__(self, world: World, value: str) -> None:
        self.world = world
        self.server = world.server
        self.name = f"fan-{secrets.token_hex(4)}"
        self.value = value
        self.places: list[str] = []
        store = fake_store("", self.name, {"a": value})
        store["kind"] = "ClusterSecretStore"
        del store["metadata"]["namespace"]
        world.apply([store])

    def place(self, label: str = "") -> str:
        """A new namespace that this test's selector matches, or with another label."""
        name = f"{self.name}-{len(self.places)}"
        self.server.ensure_namespace(name, {"fan": label or self.name})
        self.places.append(name)
        return name

    def spec(self, **more: Any) -> Manifest:
        wanted = external_secret("", "", store=self.name, password="a")["spec"]
        wanted["secretStoreRef"]["kind"] = "ClusterSecretStore"
        selector = {"matchLabels": {"fan": self.name}}
        return {"externalSecretSpec": wanted, "namespaceSelectors": [selector], **more}

    def apply(self, *, name: str = "", metadata: Manifest | None = None, **more: Any) -> None:
        self.world.apply(
            [
                {
                    "apiVersion": "external-secrets.io/v1",
                    "kind": "ClusterExternalSecret",
                    "metadata": {"name": name or self.name, **(metadata or {})},
                    "spec": self.spec(**more),
                }
            ]
        )

    def patch(self, patch: Manifest) -> None:
        self.server.request("PATCH", f"{PLURAL}/{self.name}", patch, content_type=MERGE)

    def relabel(self, namespace: str, label: str | None) -> None:
        patch = {"metadata": {"labels": {"fan": label}}}
        self.server.request("PATCH", f"/api/v1/namespaces/{namespace}", patch, content_type=MERGE)

    def get(self, name: str = "") -> Manifest:
        found: Manifest = self.server.request("GET", f"{PLURAL}/{name or self.name}")
        return found

    def status(self, name: str = "") -> Manifest:
        return self.get(name).get("status") or {}

    def ready(self, name: str = "") -> Manifest:
        return next((c for c in self.status(name).get("conditions") or [] if c["type"] == "Ready"), {})

    def provisioned(self) -> list[str]:
        found: list[str] = self.status().get("provisionedNamespaces") or []
        return found

    def failed(self) -> dict[str, str]:
        return {one["namespace"]: one["reason"] for one in self.status().get("failedNamespaces") or []}

    def made(self, name: str = "") -> dict[str, Manifest]:
        """The ExternalSecrets of this name by their namespace."""
        path = f"/apis/external-secrets.io/v1/externalsecrets?fieldSelector=metadata.name={name or self.name}"
        items = self.server.request("GET", path)["items"]
        return {one["metadata"]["namespace"]: one for one in items}

    def is_in(self, *namespaces: str, name: str = "") -> None:
        """Wait until the ExternalSecrets are there and nowhere else, and the status says so."""
        wanted = sorted(namespaces)
        eventually(
            lambda: (
                sorted(self.made(name)) == wanted
                and sorted(self.provisioned()) == wanted
                and self.ready().get("status") == "True"
            ),
            what=f"it to be in {len(wanted)} namespaces",
        )

    def has_secret(self, namespace: str, name: str = "") -> None:
        wanted = {"password": self.value.encode()}
        eventually(lambda: self.world.secrets(namespace).get(name or self.name) == wanted, what="the Secret")

    def collect_garbage(self) -> None:
        """What the garbage collector of a real cluster does with what has lost its controller."""
        for namespace in self.places:
            for kind in ("ExternalSecret", "Secret"):
                for one in self.world.all(kind, namespace):
                    for owner in one["metadata"].get("ownerReferences") or ():
                        if owner.get("controller") and not self._is_there(owner, namespace):
                            self.world.delete(kind, namespace, one["metadata"]["name"])

    def _is_there(self, owner: Manifest, namespace: str) -> bool:
        plural = f"{owner['kind'].lower()}s"
        within = f"/namespaces/{namespace}" if owner["kind"] == "ExternalSecret" else ""
        try:
            found = self.server.request(
                "GET", f"/apis/{owner['apiVersion']}{within}/{plural}/{owner['name']}"
            )
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return bool(found["metadata"]["uid"] == owner["uid"])

    def events(self) -> list[tuple[str, str, str]]:
        return [
            (event["type"], event["reason"], event["message"])
            for event in self.world.events("default")
            if event["involvedObject"]["name"] == self.name
        ]

    def clear(self) -> None:
        for path in (PLURAL, "/apis/external-secrets.io/v1/clustersecretstores"):
            self.server.request("DELETE", path)
        for namespace in self.places:
            self.world.clear(namespace)


@pytest.fixture
def fan(world: World, canary: Canary) -> Iterator[Fan]:
    made = Fan(world, canary("fan out"))
    yield made
    made.clear()


@pytest.fixture
def operator(world: World, fan: Fan) -> Iterator[Operator]:
    made = world.operator()
    made.start()
    yield made
    if made.is_running:
        assert made.stop() == 0


def test_every_namespace_that_is_chosen_gets_it_and_the_secret(fan: Fan, operator: Operator) -> None:
    one, two, named, other = fan.place(), fan.place(), fan.place("other"), fan.place("other")
    metadata = {"labels": {"team": "a"}, "annotations": {"note": "b"}}
    fan.apply(
        namespaces=[named, "not-there"],
        namespaceSelector={"matchExpressions": [{"key": "fan", "operator": "In", "values": [fan.name]}]},
        namespaceSelectors=[{"matchLabels": {"nobody": "has"}}],
        externalSecretMetadata=metadata,
        refreshTime="5m",
    )

    fan.is_in(one, two, named)
    for namespace in (one, two, named):
        fan.has_secret(namespace)
    assert fan.world.secrets(other) == {}
    obj, made = fan.get(), fan.made()[one]
    assert made["spec"] == obj["spec"]["externalSecretSpec"]
    assert (made["metadata"]["labels"], made["metadata"]["annotations"]) == tuple(metadata.values())
    assert made["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ClusterExternalSecret",
            "name": fan.name,
            "uid": obj["metadata"]["uid"],
            "controller": True,
        }
    ]
    assert obj["status"]["externalSecretName"] == fan.name
    assert obj["status"]["provisionedNamespaces"] == sorted([one, two, named])
    assert "failedNamespaces" not in obj["status"]
    assert fan.ready()["reason"] == "Provisioned"
    assert "finalizers" not in obj["metadata"]
    place = fan.server.request("GET", f"/api/v1/namespaces/{one}")
    assert "finalizers" not in place["metadata"]
    eventually(lambda: ("Normal", "Created") in {e[:2] for e in fan.events()}, what="the event")
    shown = fan.server.kubectl("get", "ces", fan.name).split()
    assert shown[:4] == ["NAME", "STORE", "REFRESH", "INTERVAL"]
    assert shown[5:] == [fan.name, fan.name, "5m", "True"]
    assert operator.metric("clusterexternalsecret_status_condition") == 1


def test_namespaces_come_are_relabelled_and_go(fan: Fan, operator: Operator) -> None:
    fan.apply()
    eventually(lambda: fan.ready().get("reason") == "NoNamespaceMatches", what="a first look")
    assert fan.ready()["status"] == "True"

    new, old = fan.place(), fan.place("other")
    fan.is_in(new)
    fan.relabel(old, fan.name)
    fan.is_in(new, old)
    fan.has_secret(old)
    fan.relabel(new, None)
    fan.is_in(old)
    # Kept by no controller, as none runs here: a namespace that is deleted stays on its way out.
    fan.server.request("DELETE", f"/api/v1/namespaces/{old}")
    eventually(lambda: fan.provisioned() == [] and fan.ready()["status"] == "True", what="it to be left out")
    assert list(fan.made()) == [old], "a namespace on its way out is nobody's business"


def test_what_somebody_changes_or_deletes_is_put_right(fan: Fan, operator: Operator) -> None:
    place = fan.place()
    fan.apply(externalSecretMetadata={"labels": {"team": "a"}})
    fan.is_in(place)
    fan.has_secret(place)

    fan.world.patch("ExternalSecret", place, fan.name, {"spec": {"refreshInterval": "2h"}})
    eventually(lambda: fan.made()[place]["spec"]["refreshInterval"] == "1h", what="the spec again")
    fan.world.patch(
        "ExternalSecret",
        place,
        fan.name,
        {"metadata": {"labels": {"team": "b", "more": "c"}, "annotations": {"d": "e"}}},
    )
    eventually(
        lambda: (
            fan.made()[place]["metadata"].get("labels") == {"team": "a"}
            and "annotations" not in fan.made()[place]["metadata"]
        ),
        what="the metadata again",
    )
    before = fan.made()[place]["metadata"]["uid"]
    fan.world.delete("ExternalSecret", place, fan.name)
    eventually(
        lambda: fan.made().get(place, {}).get("metadata", {}).get("uid") not in (None, before), what="it anew"
    )


def test_an_edit_reaches_all_and_an_annotation_asks_all_to_sync(fan: Fan, operator: Operator) -> None:
    places = [fan.place() for _ in range(3)]
    fan.apply()
    fan.is_in(*places)

    fan.patch({"spec": {"externalSecretSpec": {"refreshInterval": "30m"}}})
    eventually(
        lambda: {one["spec"]["refreshInterval"] for one in fan.made().values()} == {"30m"}, what="the edit"
    )
    fan.patch({"metadata": {"annotations": {FORCE_SYNC: "now"}}})
    eventually(
        lambda: all(one["metadata"].get("annotations") == {FORCE_SYNC: "now"} for one in fan.made().values()),
        what="the annotation",
    )
    fan.patch({"metadata": {"annotations": {FORCE_SYNC: None}}})
    eventually(
        lambda: not any(one["metadata"].get("annotations") for one in fan.made().values()), what="it gone"
    )


def test_after_a_rename_the_old_ones_go(fan: Fan, operator: Operator) -> None:
    places = [fan.place() for _ in range(3)]
    fan.apply()
    fan.is_in(*places)

    fan.patch({"spec": {"externalSecretName": "renamed"}})

    fan.is_in(*places, name="renamed")
    eventually(lambda: fan.made() == {}, what="the old ones to go")
    eventually(lambda: "formerNames" not in fan.status(), what="the end of it")
    assert fan.status()["externalSecretName"] == "renamed"
    fan.has_secret(places[0], "renamed")


def test_after_a_rename_the_new_one_takes_over_a_target_of_the_same_name(
    fan: Fan, operator: Operator
) -> None:
    place = fan.place()
    wanted = {**fan.spec()["externalSecretSpec"], "target": {"name": "login"}}
    fan.apply(externalSecretSpec=wanted)
    fan.is_in(place)
    fan.has_secret(place, "login")
    before = fan.world.get("Secret", place, "login")["metadata"]["uid"]

    fan.patch({"spec": {"externalSecretName": "renamed"}})

    fan.is_in(place, name="renamed")
    eventually(lambda: fan.made() == {}, what="the old one to go")
    fan.collect_garbage()

    def is_anew() -> bool:
        made = {one["metadata"]["name"]: one["metadata"]["uid"] for one in fan.world.all("Secret", place)}
        return made.get("login") not in (None, before)

    eventually(is_anew, what="the Secret of the new one", timeout=15)


def test_what_somebody_else_has_made_stays_and_the_others_are_made(fan: Fan, operator: Operator) -> None:
    mine, theirs = fan.place(), fan.place()
    foreign = external_secret(theirs, fan.name, password="b")
    fan.world.apply([foreign])
    fan.apply()

    eventually(lambda: fan.failed() != {}, what="the failure")
    assert fan.failed() == {theirs: "external secret already exists in namespace"}
    eventually(lambda: fan.provisioned() == [mine], what="the other")
    fan.has_secret(mine)
    ready = fan.ready()
    assert (ready["status"], ready["message"]) == ("False", "one or more namespaces failed")
    assert fan.made()[theirs]["spec"]["data"] == foreign["spec"]["data"]
    assert "ownerReferences" not in fan.made()[theirs]["metadata"]
    eventually(lambda: ("Warning", "NamespacesFailed") in {e[:2] for e in fan.events()}, what="the event")

    fan.relabel(theirs, None)
    eventually(lambda: fan.ready()["status"] == "True", what="it to be left out")
    assert theirs in fan.made(), "nor is it deleted"
    fan.relabel(theirs, fan.name)
    eventually(lambda: theirs in fan.failed(), what="the failure again")
    fan.world.delete("ExternalSecret", theirs, fan.name)
    fan.is_in(mine, theirs)


def test_a_bad_spec_is_told_and_touches_nothing(fan: Fan, operator: Operator) -> None:
    place = fan.place()
    fan.apply()
    fan.is_in(place)
    before = fan.made()[place]

    twice = {"secretKey": "a", "remoteRef": {"key": "a"}}
    fan.patch({"spec": {"externalSecretSpec": {"data": [twice, twice]}}})

    eventually(lambda: fan.ready().get("reason") == "InvalidSpec", what="the condition")
    assert fan.ready()["status"] == "False"
    assert "spec.externalSecretSpec.data[1]" in fan.ready()["message"]
    assert fan.made()[place]["spec"] == before["spec"]
    assert fan.provisioned() == [place]


def test_a_selector_with_a_mistyped_field_selects_nothing(fan: Fan, operator: Operator) -> None:
    fan.place()
    fan.apply(namespaceSelectors=[{"matchLables": {"fan": fan.name}}])

    eventually(lambda: fan.ready().get("reason") == "InvalidSpec", what="the condition")
    assert "spec.namespaceSelectors[0].matchLables" in fan.ready()["message"]
    assert fan.made() == {}


def test_with_it_go_the_external_secrets_and_their_secrets(fan: Fan, operator: Operator) -> None:
    places = [fan.place(), fan.place()]
    fan.apply()
    fan.is_in(*places)
    for place in places:
        fan.has_secret(place)

    fan.server.request("DELETE", f"{PLURAL}/{fan.name}")
    fan.collect_garbage()
    fan.collect_garbage()

    eventually(lambda: fan.made() == {} and not any(map(fan.world.secrets, places)), what="all to go")


def test_the_finalizer_of_external_secrets_operator_holds_nothing_up(fan: Fan, operator: Operator) -> None:
    finalizer = "externalsecrets.external-secrets.io/clusterexternalsecret-cleanup"
    operator.stop()
    fan.apply(metadata={"finalizers": [finalizer]})
    fan.server.request("DELETE", f"{PLURAL}/{fan.name}")
    assert fan.get()["metadata"]["deletionTimestamp"]

    operator.start()

    def is_gone() -> bool:
        return fan.name not in {one["metadata"]["name"] for one in fan.server.request("GET", PLURAL)["items"]}

    eventually(is_gone, what="the end")


def test_it_is_read_in_the_older_version(fan: Fan, operator: Operator) -> None:
    place = fan.place()
    older = {
        "apiVersion": "external-secrets.io/v1beta1",
        "kind": "ClusterExternalSecret",
        "metadata": {"name": fan.name},
        "spec": fan.spec(),
    }
    fan.world.apply([older])
    fan.is_in(place)
    fan.has_secret(place)


def test_hundreds_of_namespaces_survive_an_end_half_way_and_cost_nothing_afterwards(
    fan: Fan, operator: Operator
) -> None:
    places = [fan.place() for _ in range(300)]
    fan.apply()
    eventually(lambda: len(fan.made()) > 20, what="the first of them")
    operator.kill()
    done = len(fan.made())
    assert done < len(places), "it was done before it was killed"
    # Nothing is lost sight of, whatever is wanted now.
    fan.patch({"spec": {"externalSecretName": "renamed"}})

    operator.start()

    fan.is_in(*places, name="renamed")
    eventually(lambda: fan.made() == {}, what="the old ones to go")
    eventually(
        lambda: all(
            any(c["status"] == "True" for c in (one.get("status") or {}).get("conditions") or [])
            for one in fan.made("renamed").values()
        ),
        what="all of them to be synced",
        timeout=120,
    )
    operator.stop()
    since = fan.server.audit_position()
    operator.start()
    operator.stop()
    assert [event for event in fan.world.writes(since=since) if event.request.resource != "events"] == []


def test_a_right_that_lacks_in_one_namespace_stops_no_other(
    world: World, apiserver: ApiServer, fan: Fan
) -> None:
    allowed, denied = fan.place(), fan.place()
    account = f"narrow-{secrets.token_hex(4)}"
    token = apiserver.token_for("sealbridge", account)
    _grant(world, account, allowed)
    operator = world.operator(kubeconfig=apiserver.kubeconfig_for(token))
    operator.start()
    try:
        fan.apply()
        eventually(lambda: fan.provisioned() == [allowed] and set(fan.failed()) == {denied}, what="a failure")
        assert "forbid" in fan.failed()[denied]
        fan.has_secret(allowed)
        _grant(world, account, denied)
        fan.patch({"metadata": {"annotations": {"look": "again"}}})
        fan.is_in(allowed, denied)
    finally:
        assert operator.stop() == 0


def _grant(world: World, account: str, namespace: str) -> None:
    """The rights of deploy/ but for making ExternalSecrets, which is granted in one namespace."""
    role = yaml.safe_load((REPOSITORY / "deploy" / "kustomize" / "base" / "clusterrole.yaml").read_text())
    making = {"create", "update", "delete"}
    rules = [
        rule
        for rule in role["rules"]
        if not (set(rule["verbs"]) == making and rule["resources"] == ["externalsecrets"])
    ]
    assert len(rules) < len(role["rules"])
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": "sealbridge"}]
    api = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    group = "rbac.authorization.k8s.io"
    narrow = [
        {
            "apiGroups": ["external-secrets.io"],
            "resources": ["externalsecrets"],
            "verbs": sorted(making),
        }
    ]
    world.apply(
        [
            {**api, "kind": "ClusterRole", "metadata": {"name": account}, "rules": rules},
            {
                **api,
                "kind": "ClusterRoleBinding",
                "metadata": {"name": account},
                "subjects": subjects,
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": account},
            },
            {
                **api,
                "kind": "RoleBinding",
                "metadata": {"name": f"{account}-keys", "namespace": "sealbridge"},
                "subjects": subjects,
                "roleRef": {"apiGroup": group, "kind": "Role", "name": "sealbridge-keys"},
            },
            {**api, "kind": "Role", "metadata": {"name": account, "namespace": namespace}, "rules": narrow},
            {
                **api,
                "kind": "RoleBinding",
                "metadata": {"name": account, "namespace": namespace},
                "subjects": subjects,
                "roleRef": {"apiGroup": group, "kind": "Role", "name": account},
            },
        ]
    )


def test_an_operator_of_some_namespaces_leaves_them_alone(world: World, fan: Fan) -> None:
    place = fan.place()
    fan.apply()
    operator = world.operator("--watch-namespaces", place)
    operator.start()
    try:
        world.apply(
            [fake_store(place, "fake", {"a": fan.value}), external_secret(place, "one", password="a")]
        )
        fan.has_secret(place, "one")
        assert fan.made() == {}
        assert "status" not in fan.get()
    finally:
        assert operator.stop() == 0
