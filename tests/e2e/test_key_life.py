"""Sealing keys over time, on a real API server: made, renewed, brought along, relabelled and removed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.secret import Secret
from tests.canary import Canary
from tests.e2e.world import Manifest, World, eventually, sealed_secret
from tests.servers.operator import Operator

OLD = datetime(2020, 1, 1, tzinfo=UTC)

Start = Callable[..., Operator]


@pytest.fixture
def start(world: World, namespace: str, tmp_path: Path) -> Iterator[Start]:
    """Starts operators whose keys are in the namespace of the test."""
    started: list[Operator] = []

    def one(*flags: str, kubeconfig: Path | None = None) -> Operator:
        made = Operator(
            kubeconfig or world.kubeconfig,
            namespace,
            tmp_path,
            "--key-size=2048",
            "--log-level=debug",
            f"--watch-namespaces={namespace}",
            *flags,
        )
        started.append(made)
        made.start()
        return made

    yield one
    for operator in started:
        if operator.is_running:
            assert operator.stop() == 0
    world.clear(namespace)


@pytest.fixture(scope="module")
def old_key() -> SealingKey:
    return SealingKey.generate(at=OLD, bits=2048, valid_days=36500)


def put(world: World, namespace: str, name: str, key: SealingKey, **changes: object) -> None:
    manifest: Manifest = {**key.to_secret(name=name, namespace=namespace).to_manifest(), **changes}
    world.server.request("POST", f"/api/v1/namespaces/{namespace}/secrets", manifest)


def keys(world: World, namespace: str) -> list[Manifest]:
    """The active ones."""
    return [
        secret
        for secret in world.all("Secret", namespace)
        if (secret["metadata"].get("labels") or {}).get(KEY_LABEL) == "active"
    ]


def synced(world: World, namespace: str, name: str) -> str:
    return str(world.condition("SealedSecret", namespace, name, "Synced").get("status", ""))


def test_a_key_is_live_within_a_second_when_it_comes_and_none_when_relabelled_or_removed(
    world: World, start: Start, namespace: str, canary: Canary, old_key: SealingKey
) -> None:
    operator = start()
    own = operator.certificate().fingerprint
    value = canary("late")
    world.apply([sealed_secret(old_key.certificate, namespace, "late", {"a": value})])
    eventually(lambda: synced(world, namespace, "late") == "False", what="the failure")

    put(world, namespace, "brought", old_key)
    eventually(
        lambda: world.secrets(namespace).get("late") == {"a": value.encode()}, what="the Secret", timeout=3
    )
    assert operator.certificate().fingerprint == own
    assert operator.metric("sealbridge_sealing_keys") == 2
    eventually(lambda: synced(world, namespace, "late") == "True", what="the status")

    # In sync stays in sync: without its key nothing is opened and nothing is written.
    before = world.get("Secret", namespace, "late")["metadata"]["resourceVersion"]
    told = world.get("SealedSecret", namespace, "late")["metadata"]["resourceVersion"]
    world.patch("Secret", namespace, "brought", {"metadata": {"labels": {KEY_LABEL: "compromised"}}})
    eventually(lambda: operator.metric("sealbridge_sealing_keys") == 1, what="the key to go", timeout=3)
    world.apply([sealed_secret(old_key.certificate, namespace, "later", {"a": value})])
    eventually(lambda: synced(world, namespace, "later") == "False", what="the other failure")

    world.patch("Secret", namespace, "brought", {"metadata": {"labels": {KEY_LABEL: "active"}}})
    eventually(lambda: synced(world, namespace, "later") == "True", what="the second time", timeout=3)
    world.delete("Secret", namespace, "brought")
    eventually(lambda: operator.metric("sealbridge_sealing_keys") == 1, what="the key to go", timeout=3)
    assert world.get("Secret", namespace, "late")["metadata"]["resourceVersion"] == before
    assert world.get("SealedSecret", namespace, "late")["metadata"]["resourceVersion"] == told


def test_a_key_of_old_versions_without_a_label_is_live_too(
    world: World, start: Start, namespace: str, canary: Canary, old_key: SealingKey
) -> None:
    operator = start("--key-prefix=first-key")
    put(world, namespace, "other", old_key, metadata={"name": "other"})
    put(world, namespace, "first-key", old_key, metadata={"name": "first-key"})
    eventually(lambda: operator.metric("sealbridge_sealing_keys") == 2, what="the key", timeout=3)
    world.delete("Secret", namespace, "first-key")
    eventually(lambda: operator.metric("sealbridge_sealing_keys") == 1, what="no key", timeout=3)
    assert keys(world, namespace)[0]["metadata"]["name"].startswith("first-key")


def test_new_keys_are_made_as_the_flags_say(world: World, start: Start, namespace: str) -> None:
    operator = start(
        "--key-ttl=48h",
        "--my-cn=shop",
        "--key-prefix=our-key-",
        "--privatekey-annotations=backup=yes",
        f"--privatekey-labels=team=a,{KEY_LABEL}=nothing",
    )
    (key,) = keys(world, namespace)
    certificate = operator.certificate()
    assert key["metadata"]["name"].startswith("our-key-")
    assert key["metadata"]["labels"] == {"team": "a", KEY_LABEL: "active"}
    assert key["metadata"]["annotations"] == {"backup": "yes"}
    assert key["type"] == "kubernetes.io/tls"
    assert certificate.not_after - certificate.not_before == timedelta(hours=48)
    assert "CN=shop" in certificate.subject


def test_two_operators_renew_at_the_same_times_and_make_each_key_once(
    world: World, start: Start, namespace: str, canary: Canary
) -> None:
    first = start("--key-renew-period=3s")
    second = start("--key-renew-period=3s")
    early = first.certificate()
    eventually(lambda: len(keys(world, namespace)) >= 4, what="three renewals")
    assert first.certificate().fingerprint != early.fingerprint
    stored = [SealingKey.from_secret(Secret.from_manifest(one)) for one in keys(world, namespace)]
    begun = sorted(key.not_before for key in stored)
    assert all(later - sooner >= timedelta(seconds=3) for sooner, later in pairwise(begun))
    value = canary("sealed with the first key")
    world.apply([sealed_secret(early, namespace, "early", {"a": value})])
    eventually(lambda: world.secrets(namespace).get("early") == {"a": value.encode()}, what="the Secret")
    assert second.metric("sealbridge_sealing_keys") >= 4


def test_sigusr1_makes_a_new_key_that_is_served_at_once_also_when_renewal_is_off(
    world: World, start: Start, namespace: str
) -> None:
    operator = start("--key-renew-period=0")
    for count in (2, 3):
        before = operator.certificate().fingerprint
        operator.process.send(signal.SIGUSR1)
        eventually(
            lambda before=before: operator.certificate().fingerprint != before,
            what="another certificate",
            timeout=10,
        )
        assert len(keys(world, namespace)) == count
    assert operator.metric("sealbridge_sealing_keys") == 3


def test_a_key_from_before_the_cutoff_is_replaced_at_the_start_and_once(
    world: World, start: Start, namespace: str, old_key: SealingKey
) -> None:
    put(world, namespace, "brought", old_key)
    cutoff = "--key-cutoff-time=" + format_datetime(OLD + timedelta(days=1))
    for _ in range(2):
        operator = start("--key-renew-period=0", cutoff)
        assert operator.certificate().fingerprint != old_key.fingerprint
        assert len(keys(world, namespace)) == 2
        operator.stop()


def test_keys_of_ones_own_in_other_shapes_do_and_an_elliptic_one_is_passed_over(
    world: World, start: Start, namespace: str, canary: Canary, old_key: SealingKey
) -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    bare = SealingKey.generate(at=OLD, bits=2048)
    pkcs8 = load_pem_private_key(old_key.private_pem.reveal(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    active = {KEY_LABEL: "active"}
    for name, data in (
        ("elliptic", {"tls.key": elliptic.decode(), "tls.crt": ""}),
        ("pkcs8", {"tls.key": pkcs8.decode(), "tls.crt": old_key.certificate.pem.decode()}),
        ("bare", {"tls.key": bare.private_pem.reveal().decode()}),
    ):
        body = {"metadata": {"name": name, "labels": active}, "type": "Opaque", "stringData": data}
        world.server.request("POST", f"/api/v1/namespaces/{namespace}/secrets", body)

    operator = start("--key-renew-period=0")

    assert operator.certificate().fingerprint == old_key.fingerprint
    values = {"pkcs8-sealed": canary("pkcs8"), "bare-sealed": canary("bare")}
    world.apply(
        sealed_secret(key.certificate, namespace, name, {"a": values[name]})
        for name, key in (("pkcs8-sealed", old_key), ("bare-sealed", bare))
    )
    for name, value in values.items():
        eventually(
            lambda name=name, value=value: world.secrets(namespace).get(name) == {"a": value.encode()},
            what=name,
        )
    complaints = [line for line in operator.lines() if "is left out" in line["msg"]]
    assert [line["msg"].count(f"{namespace}/elliptic") for line in complaints] == [1]


def test_by_creation_the_key_that_was_stored_last_is_current(
    world: World, start: Start, namespace: str, old_key: SealingKey
) -> None:
    flags = ("--key-renew-period=0", "--key-order-priority=SecretCreationTimestamp")
    operator = start(*flags)
    made = operator.certificate().fingerprint
    # Its certificate is years older, and a second later it is there.
    created = datetime.fromisoformat(keys(world, namespace)[0]["metadata"]["creationTimestamp"])
    eventually(lambda: datetime.now(UTC) > created + timedelta(seconds=1), what="the next second")
    put(world, namespace, "brought", old_key)
    eventually(
        lambda: operator.certificate().fingerprint == old_key.fingerprint, what="the other key", timeout=3
    )
    world.delete("Secret", namespace, "brought")
    eventually(lambda: operator.certificate().fingerprint == made, what="the first key", timeout=3)


def test_without_the_right_to_watch_the_keys_are_looked_at_and_that_is_said_once(
    world: World, start: Start, namespace: str, canary: Canary, old_key: SealingKey
) -> None:
    objects = f"{namespace}-objects"
    world.server.ensure_namespace(objects)
    rights = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "sealbridge-operator"}
    rules = [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "create"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    ]
    role = {"metadata": {"name": "keys", "namespace": namespace}, "kind": "Role", "rules": rules}
    token = world.server.token_for(namespace, "limited")
    bindings = [
        {
            "kind": "RoleBinding",
            "metadata": {"name": "limited", "namespace": where},
            "roleRef": reference,
            "subjects": [{"kind": "ServiceAccount", "name": "limited", "namespace": namespace}],
        }
        for where, reference in ((objects, rights), (namespace, {**rights, "kind": "Role", "name": "keys"}))
    ]
    world.apply({"apiVersion": "rbac.authorization.k8s.io/v1", **one} for one in (role, *bindings))
    operator = start(f"--watch-namespaces={objects}", kubeconfig=world.server.kubeconfig_for(token))
    value = canary("polled")
    world.apply([sealed_secret(old_key.certificate, objects, "late", {"a": value})])
    eventually(lambda: synced(world, objects, "late") == "False", what="the failure")
    put(world, namespace, "brought", old_key)
    eventually(lambda: world.secrets(objects).get("late") == {"a": value.encode()}, what="the Secret")
    world.clear(objects)
    told = [line for line in operator.lines() if "keys cannot be watched" in line["msg"]]
    assert len(told) == 1
    assert "get, list and watch" in told[0]["hint"]
