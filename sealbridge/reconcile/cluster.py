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
    # As External Secrets' creationPolicy Owner does: take over a Secret that nobody controls, refuse
    # one that another controls. Data is replaced; labels and annotations of others stay.
    ADOPT = "adopt"


class Action(Enum):
    """What happened to a target."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The object that a target belongs to. `field_manager` signs the writes.

    The last three are a SealedSecret's. `unowned`: the target gets no owner reference. `retain`: none
    either, and a mark instead, so that it outlives its owner and is known again; `target_uid` is the
    Secret that this owner knows to be its own, marked or not.
    """

    api_version: str
    kind: str
    name: str
    uid: str
    field_manager: str
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

    `ours` is false of a Secret that others made and that we only add to.
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

    async def record_event(self, about: Object, *, type_: str, reason: str, message: str) -> None:
        """Tell people. `type_` is Normal or Warning. Never fails: an event lost is logged."""

    async def namespace_labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels of a namespace, or None when there is none."""

    async def service_account_token(
        self, namespace: str, name: str, *, audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        """A token of a service account, by TokenRequest."""
