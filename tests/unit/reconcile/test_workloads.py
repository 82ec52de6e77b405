"""Which pods use a Secret, in every way that a pod can."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from sealbridge.reconcile.workloads import (
    checksum_annotation,
    checksum_of,
    is_left_alone,
    restart_patch,
    restarted_at,
    uses,
)

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
ENV = {"env": [{"name": "A", "value": "x"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "db"}}}]}
ENV_FROM = {"envFrom": [{"configMapRef": {"name": "other"}}, {"secretRef": {"name": "db"}}]}

USING: dict[str, dict[str, Any]] = {
    "env": {"containers": [{}, ENV]},
    "envFrom": {"containers": [ENV_FROM]},
    "init container": {"initContainers": [ENV]},
    "ephemeral container": {"ephemeralContainers": [ENV_FROM]},
    "volume": {"volumes": [{"name": "v", "secret": {"secretName": "db"}}]},
    "optional volume": {"volumes": [{"name": "v", "secret": {"secretName": "db", "optional": True}}]},
    "projected": {
        "volumes": [{"projected": {"sources": [{"serviceAccountToken": {}}, {"secret": {"name": "db"}}]}}]
    },
    "imagePullSecrets": {"imagePullSecrets": [{"name": "registry"}, {"name": "db"}]},
    "CSI": {"volumes": [{"csi": {"driver": "d", "nodePublishSecretRef": {"name": "db"}}}]},
    "azureFile": {"volumes": [{"azureFile": {"secretName": "db", "shareName": "s"}}]},
    "cephfs": {"volumes": [{"cephfs": {"monitors": [], "secretRef": {"name": "db"}}}]},
}
NOT_USING: dict[str, Any] = {
    "nothing": {},
    "null": None,
    "a ConfigMap of the name": {
        "containers": [
            {
                "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "db"}}}],
                "envFrom": [{"configMapRef": {"name": "db"}}],
            }
        ],
        "volumes": [
            {"name": "db", "configMap": {"name": "db"}},
            {"persistentVolumeClaim": {"claimName": "db"}},
        ],
    },
    "another Secret": {"volumes": [{"secret": {"secretName": "db2"}}]},
    "names alone": {"serviceAccountName": "db", "containers": [{"name": "db", "image": "db"}]},
    "odd shapes": {"containers": "db", "volumes": {"secret": "db"}, "imagePullSecrets": ["db", None, 1]},
}


def workload(pod: Any, **metadata: Any) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "uid": "u1", **metadata},
        "spec": {"template": {"metadata": {}, "spec": pod}},
    }


@pytest.mark.parametrize("pod", USING.values(), ids=USING)
def test_a_pod_uses_what_it_names_in_any_way(pod: dict[str, Any]) -> None:
    assert uses(workload(pod), "db")
    assert not uses(workload(pod), "other")


@pytest.mark.parametrize("pod", NOT_USING.values(), ids=NOT_USING)
def test_what_only_looks_like_it_is_no_use(pod: Any) -> None:
    assert not uses(workload(pod), "db")


@pytest.mark.parametrize(
    "name", ["db", "a" * 54, "a" * 55, "x." * 120 + "y", "a" * 29 + "." + "b" * 200, "a" * 253]
)
def test_every_name_of_a_secret_makes_an_annotation_that_kubernetes_takes(name: str) -> None:
    prefix, _, rest = checksum_annotation(name).partition("/")
    assert prefix == "sealbridge.io"
    assert len(rest) <= 63
    assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", rest)


def test_long_names_that_begin_alike_have_annotations_of_their_own() -> None:
    assert checksum_annotation("a" * 100 + "x") != checksum_annotation("a" * 100 + "y")


def test_a_patch_carries_the_checksum_and_the_time_and_meant_is_this_very_object() -> None:
    patch = restart_patch(workload({}), "db", "c1", AT)

    assert patch == {
        "metadata": {"uid": "u1", "annotations": {"sealbridge.io/restarted-at": "2026-05-01T12:00:00Z"}},
        "spec": {"template": {"metadata": {"annotations": {"sealbridge.io/checksum-db": "c1"}}}},
    }
    patched = workload({}) | patch
    assert (checksum_of(patched, "db"), checksum_of(patched, "other")) == ("c1", "")
    assert restarted_at(patched) == AT


@pytest.mark.parametrize("text", ["", "yesterday", "2026-99-99T00:00:00Z"])
def test_a_time_that_is_none_does_not_count(text: str) -> None:
    assert restarted_at(workload({}, annotations={"sealbridge.io/restarted-at": text})) is None


@pytest.mark.parametrize(
    ("obj", "why"),
    [
        (workload({}), None),
        (workload({}, deletionTimestamp="2026-05-01T12:00:00Z"), "it is being deleted"),
        ({"metadata": {"name": "web"}, "spec": {"paused": True}}, "it is paused"),
        (workload({}, annotations={"sealbridge.io/restart": "false"}), "annotation sealbridge.io/restart is"),
        (workload({}, annotations={"sealbridge.io/restart": "true"}), None),
    ],
)
def test_what_is_paused_going_or_opted_out_is_left_alone(obj: dict[str, Any], why: str | None) -> None:
    reason = is_left_alone(obj)
    assert (reason is None) if why is None else (reason is not None and why in reason)
