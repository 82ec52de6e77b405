"""Workloads that use a Secret, and how one is restarted. Pure: neither reads nor writes any."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sealbridge.reconcile import conditions
from sealbridge.reconcile.kinds import Kind, Object

DEPLOYMENT = Kind("Deployment", "apps", ("v1",), "deployments")
STATEFUL_SET = Kind("StatefulSet", "apps", ("v1",), "statefulsets")
DAEMON_SET = Kind("DaemonSet", "apps", ("v1",), "daemonsets")
WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)

# "true" on an ExternalSecret or a SealedSecret: restart who uses its Secret. "false" on a workload: not this.
RESTART_ANNOTATION = "sealbridge.io/restart"
# On a workload: when that was last done. Not on its pods, so that pods differ by the Secret's data alone.
RESTARTED_AT_ANNOTATION = "sealbridge.io/restarted-at"
# On its pods, with the name of the Secret behind it.
CHECKSUM_PREFIX = "sealbridge.io/checksum-"

_LONGEST_NAME = 63  # of what follows the prefix of an annotation
_KEPT = 30

_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
# Fields of a volume that name a Secret; the other kinds of volumes have it in secretRef.
_NAMED = (("secret", "secretName"), ("azureFile", "secretName"))


def checksum_annotation(secret: str) -> str:
    """The annotation of pods that tells with which data of this Secret they were started."""
    known = CHECKSUM_PREFIX + secret
    if len(known.partition("/")[2]) <= _LONGEST_NAME:
        return known
    return (
        f"{CHECKSUM_PREFIX}{secret[:_KEPT].rstrip('.-')}-{hashlib.sha256(secret.encode()).hexdigest()[:16]}"
    )


def uses(workload: Object, secret: str) -> bool:
    """Whether the workload's pods take anything from this Secret of their namespace."""
    return secret in _secrets_of(_mapping(_mapping(_template(workload)).get("spec")))


def checksum_of(workload: Object, secret: str) -> str:
    """The checksum that its pods carry, '' when it was never restarted for this Secret."""
    metadata = _mapping(_template(workload).get("metadata"))
    return str(_mapping(metadata.get("annotations")).get(checksum_annotation(secret)) or "")


def is_left_alone(workload: Object) -> str | None:
    """Why a workload is not to be restarted, None when it may be."""
    metadata = workload["metadata"]
    if metadata.get("deletionTimestamp"):
        return "it is being deleted"
    if _mapping(workload.get("spec")).get("paused") is True:
        return "it is paused"
    if _mapping(metadata.get("annotations")).get(RESTART_ANNOTATION) == "false":
        return f'its annotation {RESTART_ANNOTATION} is "false"'
    return None


def restarted_at(workload: Object) -> datetime | None:
    """When it was last restarted for a Secret."""
    annotations = _mapping(workload["metadata"].get("annotations"))
    return conditions.parse_timestamp(annotations.get(RESTARTED_AT_ANNOTATION))


def restart_patch(workload: Object, secret: str, checksum: str, at: datetime) -> Object:
    """The merge patch that restarts it, for this very object and no other of its name.

    Only these two annotations are written, so the patch takes no field from whoever applies the workload.
    """
    return {
        "metadata": {
            "uid": workload["metadata"].get("uid"),
            "annotations": {RESTARTED_AT_ANNOTATION: conditions.timestamp(at)},
        },
        "spec": {"template": {"metadata": {"annotations": {checksum_annotation(secret): checksum}}}},
    }


def _template(workload: Object) -> Mapping[str, Any]:
    return _mapping(_mapping(workload.get("spec")).get("template"))


def _secrets_of(pod: Mapping[str, Any]) -> set[str]:
    found = {_mapping(one).get("name") for one in _list(pod.get("imagePullSecrets"))}
    for field in _CONTAINERS:
        for container in _list(pod.get(field)):
            found.update(_of_container(_mapping(container)))
    for volume in _list(pod.get("volumes")):
        found.update(_of_volume(_mapping(volume)))
    return {name for name in found if isinstance(name, str) and name}


def _of_container(container: Mapping[str, Any]) -> Iterator[object]:
    for variable in _list(container.get("env")):
        source = _mapping(_mapping(variable).get("valueFrom"))
        yield _mapping(source.get("secretKeyRef")).get("name")
    for whole in _list(container.get("envFrom")):
        yield _mapping(_mapping(whole).get("secretRef")).get("name")


def _of_volume(volume: Mapping[str, Any]) -> Iterator[object]:
    for kind, field in _NAMED:
        yield _mapping(volume.get(kind)).get(field)
    for source in _list(_mapping(volume.get("projected")).get("sources")):
        yield _mapping(_mapping(source).get("secret")).get("name")
    yield _mapping(_mapping(volume.get("csi")).get("nodePublishSecretRef")).get("name")
    for kind in volume.values():
        yield _mapping(_mapping(kind).get("secretRef")).get("name")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()
