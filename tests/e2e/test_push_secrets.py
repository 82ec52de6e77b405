"""PushSecrets on a real API server, with stores of the providers kubernetes, webhook and fake."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.canary import Canary
from tests.e2e.test_stores import here, secret, store
from tests.e2e.world import LOOPBACK, Manifest, World, eventually, external_secret, fake_store, push_secret
from tests.servers.apiserver import ApiServer
from tests.servers.odd import OddServer, Request, odd_server
from tests.servers.operator import Operator

COUNT = 150  # more than are pushed while a test looks on
ITEM = {"remoteKey": "db", "property": "password"}


@pytest.fixture
def operator(loopback_operator: Operator) -> Operator:
    return loopback_operator


@pytest.fixture
def other(apiserver: ApiServer, world: World, namespace: str) -> str:
    """The remote namespace, where the store's service account may write Secrets."""
    name = f"remote-{secrets.token_hex(4)}"
    apiserver.ensure_namespace(name)
    apiserver.ensure_service_account(namespace, "reader")
    allow(world, namespace, name, ["get", "list", "create", "update", "delete"])
    return name


def allow(world: World, namespace: str, where: str, verbs: list[str]) -> None:
    api = "rbac.authorization.k8s.io"
    root = f"/apis/{api}/v1/namespaces/{where}"
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": verbs}]
    world.server.request("POST", f"{root}/roles", {"metadata": {"name": "writer"}, "rules": rules})
    binding = {
        "metadata": {"name": "writer"},
        "roleRef": {"apiGroup": api, "kind": "Role", "name": "writer"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
    }
    world.server.request("POST", f"{root}/rolebindings", binding)


def remote_store(world: World, namespace: str, other: str, **more: Any) -> Manifest:
    return store(namespace, "remote", "kubernetes", here(world, remoteNamespace=other)) | more


def reason(world: World, namespace: str, name: str = "ps") -> str:
    return str(world.condition("PushSecret", namespace, name).get("reason"))


def message(world: World, namespace: str, name: str = "ps") -> str:
    return str(world.condition("PushSecret", namespace, name).get("message"))


def remote_of(world: World, other: str) -> dict[str, bytes] | None:
    return world.secrets(other).get("db")


def test_a_secret_is_pushed_follows_its_source_and_goes_with_the_push_secret(
    world: World, operator: Operator, namespace: str, other: str, canary: Canary
) -> None:
    first, second = canary("pushed first"), canary("pushed second")
    pushed = push_secret(namespace, "ps", password=ITEM)
    pushed["spec"]["deletionPolicy"] = "Delete"
    source = secret(namespace, "source", {"password": first})
    world.apply([source, remote_store(world, namespace, other), pushed])
    eventually(lambda: remote_of(world, other) == {"password": first.encode()}, what="the first value")
    eventually(lambda: reason(world, namespace) == "Synced", what="Synced")
    obj = world.get("PushSecret", namespace, "ps")
    assert obj["metadata"]["finalizers"] == ["pushsecret.externalsecrets.io/finalizer"]
    assert set(obj["status"]["syncedPushSecrets"]["SecretStore/remote"]) == {"db/password"}

    world.apply([secret(namespace, "source", {"password": second})])
    eventually(
        lambda: remote_of(world, other) == {"password": second.encode()}, what="the second value", timeout=5
    )

    moved = push_secret(namespace, "ps", password={**ITEM, "property": "moved"})
    moved["spec"]["deletionPolicy"] = "Delete"
    world.apply([moved])
    eventually(lambda: remote_of(world, other) == {"moved": second.encode()}, what="another property")

    world.delete("PushSecret", namespace, "ps")
    eventually(lambda: remote_of(world, other) is None, what="the end of the remote Secret")
    eventually(lambda: not world.all("PushSecret", namespace), what="the end of the PushSecret")
    events = [event for event in world.events(namespace) if event["involvedObject"]["kind"] == "PushSecret"]
    assert any("pushed db property password to SecretStore remote" in event["message"] for event in events)


def test_a_store_that_is_deleted_first_waits_for_what_was_pushed_to_it(
    world: World, operator: Operator, namespace: str, other: str
) -> None:
    pushed = push_secret(namespace, "ps", password=ITEM)
    pushed["spec"]["deletionPolicy"] = "Delete"
    world.apply(
        [secret(namespace, "source", {"password": "x"}), remote_store(world, namespace, other), pushed]
    )
    eventually(lambda: reason(world, namespace) == "Synced", what="the push")
    world.delete("SecretStore", namespace, "remote")
    world.delete("PushSecret", namespace, "ps")
    eventually(lambda: not world.all("PushSecret", namespace), what="the end of the PushSecret")
    eventually(lambda: not world.all("SecretStore", namespace), what="the end of the store", timeout=15)
    assert remote_of(world, other) is None


def test_what_others_change_remotely_is_put_right_and_nothing_is_written_while_nothing_changes(
    world: World, operator: Operator, apiserver: ApiServer, namespace: str, other: str, canary: Canary
) -> None:
    value = canary("drift").encode()
    pushed = push_secret(namespace, "ps", password=ITEM)
    pushed["spec"]["refreshInterval"] = "2s"
    world.apply(
        [
            secret(namespace, "source", {"password": value}),
            remote_store(world, namespace, other),
            pushed,
        ]
    )
    eventually(lambda: remote_of(world, other) == {"password": value}, what="the push")
    eventually(lambda: reason(world, namespace) == "Synced", what="the condition")
    version = world.get("Secret", other, "db")["metadata"]["resourceVersion"]
    refreshed = world.get("PushSecret", namespace, "ps")["status"].get("refreshTime")
    eventually(
        lambda: world.get("PushSecret", namespace, "ps")["status"].get("refreshTime") != refreshed,
        what="another refresh",
    )
    assert world.get("Secret", other, "db")["metadata"]["resourceVersion"] == version
    world.apply([secret(other, "db", {"password": "changed", "theirs": "x"})])
    eventually(
        lambda: remote_of(world, other) == {"password": value, "theirs": b"x"}, what="the drift put right"
    )


@pytest.mark.parametrize("policy", ["Delete", "None"])
def test_a_source_that_goes_takes_along_what_came_from_it_with_delete_only(
    world: World, operator: Operator, namespace: str, other: str, policy: str, canary: Canary
) -> None:
    value = canary("source gone").encode()
    pushed = push_secret(namespace, "ps", password=ITEM)
    pushed["spec"]["deletionPolicy"] = policy
    source = secret(namespace, "source", {"password": value})
    world.apply([source, remote_store(world, namespace, other), pushed])
    eventually(lambda: reason(world, namespace) == "Synced", what="the push")
    world.delete("Secret", namespace, "source")
    expected = "SourceDeleted" if policy == "Delete" else "Errored"
    eventually(lambda: reason(world, namespace) == expected, what="the condition", timeout=10)
    assert remote_of(world, other) == (None if policy == "Delete" else {"password": value})
    world.apply([source])
    eventually(lambda: reason(world, namespace) == "Synced", what="the source back", timeout=10)
    assert remote_of(world, other) == {"password": value}


def test_what_is_denied_is_told_by_entry_and_store_and_stops_no_other(
    world: World, operator: Operator, namespace: str, other: str, canary: Canary
) -> None:
    value = canary("denied")
    closed = f"closed-{secrets.token_hex(4)}"
    world.server.ensure_namespace(closed)
    allow(world, namespace, closed, ["get", "list"])
    cluster = store("", f"css-{namespace}", "fake", {"data": []}, cluster=True)
    cluster["spec"]["conditions"] = [{"namespaces": ["another"]}]
    denied = store(namespace, "closed", "kubernetes", here(world, remoteNamespace=closed))
    pushed = push_secret(namespace, "ps", password=ITEM)
    pushed["spec"]["secretStoreRefs"] += [
        {"name": "closed"},
        {"name": cluster["metadata"]["name"], "kind": "ClusterSecretStore"},
    ]
    world.apply(
        [
            secret(namespace, "source", {"password": value}),
            secret(other, "source", {"password": "not this one"}),
            remote_store(world, namespace, other),
            denied,
            cluster,
            pushed,
        ]
    )
    eventually(lambda: remote_of(world, other) == {"password": value.encode()}, what="what is allowed")
    eventually(lambda: reason(world, namespace) == "Errored", what="the condition")
    told = message(world, namespace)
    assert "data[0] to SecretStore closed: " in told
    assert "(Denied)" in told
    assert "denied by spec.condition" in told
    assert "next try at " in told
    assert value not in str(world.get("PushSecret", namespace, "ps"))
    assert "db" not in world.secrets(closed)


def test_a_namespace_reaches_its_own_secrets_only(
    world: World, operator: Operator, namespace: str, other: str, canary: Canary
) -> None:
    value = canary("of another namespace")
    pushed = push_secret(namespace, "ps", source="theirs", password=ITEM)
    labelled = push_secret(namespace, "by-labels", password={**ITEM, "property": "stolen"})
    labelled["spec"]["selector"] = {"secret": {"selector": {}}}
    template = push_secret(namespace, "by-template", password={**ITEM, "property": "stolen2"})
    source = {"name": "theirs", "items": [{"key": "password", "templateAs": "KeysAndValues"}]}
    template["spec"]["template"] = {"templateFrom": [{"secret": source}]}
    climbing = push_secret(namespace, "climbing", source=f"../../{other}/secrets/theirs", password=ITEM)
    with pytest.raises(RuntimeError, match=r"spec\.selector\.secret\.name"):
        world.apply([climbing])
    world.apply(
        [
            secret(other, "theirs", {"password": value}),
            secret(namespace, "source", {"password": "mine"}),
            remote_store(world, namespace, other),
            pushed,
            labelled,
            template,
        ]
    )
    for name in ("ps", "by-template"):
        eventually(lambda name=name: reason(world, namespace, name) == "Errored", what=name)
    eventually(lambda: reason(world, namespace, "by-labels") != "None", what="by labels")
    eventually(lambda: operator.is_running, what="the operator")
    assert value.encode() not in (remote_of(world, other) or {}).values()


def test_of_two_for_one_remote_key_the_first_has_it_until_it_goes(
    world: World, operator: Operator, namespace: str, other: str
) -> None:
    world.apply(
        [
            secret(namespace, "source", {"password": "first"}),
            secret(namespace, "second", {"password": "second"}),
            remote_store(world, namespace, other),
            push_secret(namespace, "ps", password=ITEM),
        ]
    )
    eventually(lambda: reason(world, namespace) == "Synced", what="the first")
    late = push_secret(namespace, "late", source="second", password=ITEM)
    late["spec"]["deletionPolicy"] = "Delete"
    world.apply([late])
    eventually(
        lambda: f"belongs to PushSecret {namespace}/ps" in message(world, namespace, "late"), what="a refusal"
    )
    assert remote_of(world, other) == {"password": b"first"}
    world.delete("PushSecret", namespace, "ps")
    eventually(lambda: remote_of(world, other) == {"password": b"second"}, what="the second")


def test_an_operator_that_is_killed_half_way_goes_on_where_it_was(
    world: World, namespace: str, other: str, canary: Canary
) -> None:
    value = canary("killed").encode()
    operator = world.operator(LOOPBACK)
    operator.start()
    pushed = push_secret(namespace, "ps")
    pushed["spec"]["deletionPolicy"] = "Delete"
    pushed["spec"]["data"] = [
        {"match": {"secretKey": "password", "remoteRef": {"remoteKey": f"k{n}", "property": "p"}}}
        for n in range(COUNT)
    ]
    world.apply(
        [secret(namespace, "source", {"password": value}), remote_store(world, namespace, other), pushed]
    )
    eventually(lambda: "k3" in world.secrets(other), what="the first of them")
    operator.kill()
    assert f"k{COUNT - 1}" not in world.secrets(other)
    # While nobody is there, it is deleted: what had arrived is known all the same.
    world.delete("PushSecret", namespace, "ps")
    operator = world.operator(LOOPBACK)
    operator.start()
    try:
        eventually(lambda: not world.all("PushSecret", namespace), what="the end of the PushSecret")
        assert not [name for name in world.secrets(other) if name.startswith("k")]
        world.apply([pushed])
        eventually(lambda: reason(world, namespace) == "Synced", what="all of it")
        assert {f"k{n}" for n in range(COUNT)} <= set(world.secrets(other))
    finally:
        assert operator.stop() == 0
        world.clear(namespace)


def test_a_restart_writes_and_asks_nothing(
    world: World, apiserver: ApiServer, namespace: str, other: str
) -> None:
    operator = world.operator(LOOPBACK)
    operator.start()
    world.apply(
        [
            secret(namespace, "source", {"password": "x"}),
            remote_store(world, namespace, other),
            push_secret(namespace, "ps", password=ITEM),
        ]
    )
    eventually(lambda: reason(world, namespace) == "Synced", what="the push")
    assert operator.stop() == 0
    before = world.get("PushSecret", namespace, "ps")
    since = apiserver.audit_position()
    operator = world.operator(LOOPBACK)
    operator.start()
    try:
        world.apply([push_secret(namespace, "second", password={**ITEM, "property": "second"})])
        eventually(lambda: reason(world, namespace, "second") == "Synced", what="a sign of life")
        eventually(
            lambda: any(
                event.namespace == namespace and event.name == "source" and event.request.verb == "get"
                for event in apiserver.audit_events(user=world.user, since=since)
            ),
            what="a look at the source",
        )
        assert world.get("PushSecret", namespace, "ps") == before
        world.apply([secret(namespace, "source", {"password": "y"})])
        eventually(lambda: (remote_of(world, other) or {}).get("password") == b"y", what="a change")
    finally:
        assert operator.stop() == 0
        world.clear(namespace)
    account = f"system:serviceaccount:{namespace}:reader"
    writes = [
        event
        for event in apiserver.audit_events(user=account, since=since)
        if event.request.verb == "update" and event.name == "db"
    ]
    # One for the second PushSecret, and one each for the change, which both of them push.
    assert len(writes) == 3


@pytest.fixture
def hook() -> Iterator[tuple[OddServer, dict[str, Any]]]:
    """A server that takes what is pushed, or is out of order."""
    state: dict[str, Any] = {"status": 200, "taken": []}

    def answer(request: Request) -> None:
        if state["status"] == 200:
            state["taken"].append((request.command, request.path, request.content))
        request.reply(b"{}", status=state["status"])

    with odd_server(answer) as server:
        yield server, state


def test_a_webhook_that_was_down_gets_what_it_missed(
    world: World, namespace: str, hook: tuple[OddServer, dict[str, Any]], canary: Canary
) -> None:
    server, state = hook
    value = canary("to the webhook")
    state["status"] = 503
    operator = world.operator(LOOPBACK)
    operator.start()
    config = {"url": server.url + "/{{ .remoteRef.remoteKey }}", "body": "{{ .remoteRef.remoteKey }}"}
    pushed = push_secret(namespace, "ps", password="some")
    pushed["spec"]["deletionPolicy"] = "Delete"
    world.apply(
        [
            secret(namespace, "source", {"password": value}),
            store(namespace, "remote", "webhook", config),
            pushed,
        ]
    )
    try:
        eventually(lambda: "(Unavailable)" in message(world, namespace), what="the outage told")
        state["status"] = 200
        eventually(lambda: reason(world, namespace) == "Synced", what="the push")
        assert {method for method, _, _ in state["taken"]} == {"POST"}
        count = len(state["taken"])
        world.delete("PushSecret", namespace, "ps")
        eventually(lambda: not world.all("PushSecret", namespace), what="the end")
        assert [method for method, _, _ in state["taken"][count:]] == ["DELETE"]
    finally:
        assert operator.stop() == 0
        world.clear(namespace)


def test_what_is_pushed_comes_back_through_an_external_secret(
    world: World, operator: Operator, namespace: str, canary: Canary
) -> None:
    value = canary("there and back")
    remote = fake_store(namespace, "remote", {"own": "x"})
    remote["metadata"]["labels"] = {"push": "here"}
    pushed = push_secret(namespace, "ps", password="round")
    pushed["spec"]["secretStoreRefs"] = [{"labelSelector": {"matchLabels": {"push": "here"}}}]
    pushed["spec"]["selector"] = {"secret": {"selector": {"matchLabels": {"app": "shop"}}}}
    world.apply([pushed])
    eventually(lambda: reason(world, namespace) == "Errored", what="no source yet")
    world.apply([secret(namespace, "any", {"password": value}, labels={"app": "shop"})])
    eventually(lambda: "no store that may be used here" in message(world, namespace), what="no store yet")
    world.apply([remote])
    eventually(lambda: reason(world, namespace) == "Synced", what="the push")
    world.apply([external_secret(namespace, "back", store="remote", password="round")])
    eventually(
        lambda: world.secrets(namespace).get("back") == {"password": value.encode()}, what="the way back"
    )


def test_an_operator_of_one_namespace_pushes_its_secrets_and_follows_them(
    world: World, namespace: str, other: str
) -> None:
    operator = world.operator(LOOPBACK, "--watch-namespaces", namespace)
    operator.start()
    world.apply(
        [
            secret(namespace, "source", {"password": "1"}),
            remote_store(world, namespace, other),
            push_secret(namespace, "ps", password=ITEM),
        ]
    )
    try:
        eventually(lambda: remote_of(world, other) == {"password": b"1"}, what="the push")
        eventually(lambda: reason(world, namespace) == "Synced", what="Synced")
        world.apply([secret(namespace, "source", {"password": "2"})])
        eventually(lambda: remote_of(world, other) == {"password": b"2"}, what="the change", timeout=5)
        listed = world.server.kubectl("get", "ps", "-n", namespace)
        assert listed.split()[:5] == ["NAME", "AGE", "STATUS", "LAST", "SYNC"]
        assert "Synced" in listed
    finally:
        assert operator.stop() == 0
        world.clear(namespace)
