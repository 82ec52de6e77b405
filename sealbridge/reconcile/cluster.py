"""The port: what a reconciler may ask of a cluster. Knows neither HTTP nor files.

Two adapters implement it and pass one test-suite: `kube.KubernetesCluster` and
`local.DirectoryCluster`. Every method may raise ClusterError; `retryable` tells whether to come back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from sealbridge.reconcile.kinds import Kind, Object
from sealbridge.secret import Secret, Value


class Clock(Protocol):
    """Where time comes from, so that tests own it."""

    def now(self) -> datetime:
        """The current time, aware and in UTC."""


class Ownership(Enum):
    """Who may write a target that exists, and what becomes of what it holds."""

    # As the Sealed Secrets controller does: refuse a Secret that this owner does not control, unless
    # it carries the `managed` or `patch` annotation. Data, labels and annotations are replaced.
    OWN = "own"
    # The creationPolicies of External Secrets. Labels and annotations of others stay under all of them.
    #
    # Owner: a controlled target whose data is replaced. One that somebody else has made is taken over
    # only when it is handed over, and never from another controller.
    ADOPT = "adopt"
    # Orphan: the same without an owner reference.
    ORPHAN = "orphan"
    # Merge: add to a Secret that is there, and take back what was added; never make one.
    MERGE = "merge"
    # CreateOrMerge: the same, and make one, without an owner reference, where there is none.
    CREATE_OR_MERGE = "create-or-merge"


class Action(Enum):
    """What happened to a target."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    ABSENT = "absent"  # there is none to merge into


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The object that a target belongs to. `field_manager` signs the writes.

    `adopts`: it may take over a target that somebody else has made.

    The last three are a SealedSecret's. `unowned`: the target gets no owner reference. `retain`: none
    either, and a mark instead, so that it outlives its owner and is known again; `target_uid` is the
    Secret that this owner knows to be its own, marked or not.
    """

    api_version: str
    kind: str
    name: str
    uid: str
    field_manager: str
    adopts: bool = False
    unowned: bool = False
    retain: bool = False
    target_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetState:
    """What can be told of a Secret without reading a value."""

    uid: str
    resource_version: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owner_uid: str | None  # of the controlling owner reference
    owner: str | None  # the same as text, 'Kind name', for messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The outcome of a write: what happened, which item keys changed, and the state after it.

    `ours` is false of a Secret that others made and that we only add to. Where the action is ABSENT, uid
    and version are empty.
    """

    action: Action
    uid: str
    resource_version: str
    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    ours: bool = True


class Cluster(Protocol):
    """Kubernetes or a directory."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object with its apiVersion and kind, or None. Not for Secrets."""

    async def list(
        self, kind: Kind, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Object]:
        """All objects of a kind, in a namespace or everywhere; `labels` must match exactly."""

    async def get_secret(self, namespace: str, name: str) -> Secret | None:
        """One Secret with its values, or None."""

    async def list_secrets(self, namespace: str, *, labels: Mapping[str, str]) -> Sequence[Secret]:
        """The Secrets of one namespace that carry `labels`, oldest first. For sealing keys."""

    async def target_state(self, namespace: str, name: str) -> TargetState | None:
        """A Secret's metadata, or None; costs no read of its values."""

    async def create_secret(self, secret: Secret) -> Secret:
        """Store a Secret that must not exist yet; a name that ends in '-*' has the star replaced by
        random characters. Returns it as stored. Raises Conflict when it exists."""

    async def apply_secret(self, secret: Secret, *, owner: Owner, ownership: Ownership) -> Applied:
        """Make the target so, in as few writes as needed: none when it is so already.

        Raises NotOwned when `ownership` forbids it, Conflict when others keep changing it.
        """

    async def delete_secret(self, namespace: str, name: str, *, uid: str) -> bool:
        """Delete a Secret if it still has this uid. True when it was there."""

    async def patch_status(self, kind: Kind, obj: Object, status: Object) -> None:
        """Replace the top-level fields of an object's status that `status` names; null removes one.

        Raises Conflict when the object was deleted and made anew meanwhile; an object that is gone
        is no error."""

    async def set_finalizer(self, kind: Kind, obj: Object, finalizer: str, *, present: bool) -> Object:
        """Put a finalizer on an object or take it off; returns the object as it is then.

        A cluster that keeps no objects of its own has no use for finalizers, and returns `obj`. Raises
        Conflict when the object was edited or made anew meanwhile; one that is gone is no error."""

    async def record_event(self, about: Object, *, type_: str, reason: str, message: str) -> None:
        """Tell people. `type_` is Normal or Warning. Never fails: an event lost is logged."""

    async def namespace_labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels of a namespace, or None when there is none."""

    async def service_account_token(
        self, namespace: str, name: str, *, audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        """A token of a service account, by TokenRequest."""


class ObjectCluster(Cluster, Protocol):
    """A cluster that keeps objects of its own, so that a reconciler may make some: Kubernetes."""

    async def list_named(self, kind: Kind, name: str) -> Sequence[Object]:
        """The objects of this name in all namespaces."""

    async def create_object(self, kind: Kind, obj: Object) -> Object:
        """Store an object that must not exist yet. Raises Conflict when it does."""

    async def replace_object(self, kind: Kind, obj: Object) -> Object:
        """Store an object in place of the very version that it was read in. Raises Conflict for another."""

    async def delete_object(self, kind: Kind, obj: Object) -> bool:
        """Delete an object if it still has this uid. True when it was there."""
