"""A SealedSecret becomes its Secret. Knows the order of things; opening is `sealing`'s business."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import TypeVar

from sealbridge.errors import ClusterError, Conflict, NotOwned, SealbridgeError, TemplateError, UnsealError
from sealbridge.reconcile import conditions
from sealbridge.reconcile.cluster import Action, Applied, Clock, Cluster, Ownership
from sealbridge.reconcile.kinds import SEALED_SECRET, SECRET, Object, ObjectKey
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.sealing_keys import SEALING_KEYS, KeyringSource
from sealbridge.reconcile.status import (
    being_deleted,
    failed,
    owner_of,
    target_matches,
    try_write_status,
    write_status,
)
from sealbridge.reconcile.target import target_secret
from sealbridge.sealing.opening import unseal_items
from sealbridge.sealing.sealed_secret import SealedSecret
from sealbridge.secret import Secret, Value

_T = TypeVar("_T")

FIELD_MANAGER = "sealbridge"
MANAGED_LABEL = "sealbridge.io/managed"


class SealedSecretReconciler:
    """Makes the target of one SealedSecret so, and says so in status and events.

    Opening and rendering run on `executor` (the event loop's own when None): RSA takes milliseconds and
    releases the interpreter lock, and a template may compute for seconds.
    """

    def __init__(
        self, cluster: Cluster, keyring: KeyringSource, clock: Clock, *, executor: Executor | None = None
    ) -> None:
        self._cluster = cluster
        self._keyring = keyring
        self._clock = clock
        self._executor = executor

    async def reconcile(self, key: ObjectKey) -> Result:
        """One pass. Raises nothing that a user can meet: it is in the result."""
        try:
            obj = await self._cluster.get(SEALED_SECRET, key.namespace, key.name)
            if obj is None:
                return Result(key=key, outcome=Outcome.GONE)
            if being_deleted(obj):
                return Result(key=key, outcome=Outcome.SKIPPED, message="it is being deleted")
            if await self._in_sync(obj):
                return Result(
                    key=key, outcome=Outcome.UNCHANGED, target=ObjectKey(SECRET.name, key.namespace, key.name)
                )
        except ClusterError as error:
            return failed(key, error, retry=error.retryable)
        return await self._sync(key, obj)

    async def _in_sync(self, obj: Object) -> bool:
        status = obj.get("status")
        if not isinstance(status, dict):
            return False
        metadata = obj["metadata"]
        if status.get("syncedResourceVersion") != conditions.synced_version(obj) or not (
            conditions.is_true(obj, conditions.SYNCED)
            and status.get("observedGeneration") == metadata.get("generation")
        ):
            return False
        state = await self._cluster.target_state(metadata.get("namespace") or "", metadata["name"])
        return target_matches(obj, state)

    async def _sync(self, key: ObjectKey, obj: Object) -> Result:
        try:
            sealed = SealedSecret.from_manifest(obj)
            items = await self._open(sealed)
            secret = _labelled(await self._in_thread(target_secret, sealed, items))
        except ClusterError as error:
            return failed(key, error, retry=error.retryable)
        except SealbridgeError as error:
            # The object is known; the line of a template in it is not.
            cause = str(error) if isinstance(error, TemplateError) else error.what
            event = f"{conditions.UNSEAL_FAILED_PREFIX}{cause}"
            await self._tell_failure(obj, conditions.UNSEAL_FAILED, cause, event=event)
            return failed(
                key, error, retry=False, told=True, message=cause, depends_on=frozenset({SEALING_KEYS})
            )
        target = ObjectKey(SECRET.name, secret.namespace, secret.name)
        try:
            applied = await self._cluster.apply_secret(
                secret, owner=owner_of(SEALED_SECRET, obj, FIELD_MANAGER), ownership=Ownership.OWN
            )
        except Conflict as error:
            return failed(key, error, retry=True, target=target)
        except SealbridgeError as error:
            await self._tell_failure(obj, conditions.UPDATE_FAILED, error.what, event=error.what)
            # Somebody may give way: nothing tells us when a Secret that is not ours does.
            retry = isinstance(error, NotOwned) or (isinstance(error, ClusterError) and error.retryable)
            return failed(key, error, retry=retry, told=True, target=target, depends_on=frozenset({target}))
        try:
            await self._tell_success(obj, applied)
        except ClusterError as error:
            if not error.retryable:
                # Where the status has no room, an event is all there is to tell it.
                await self._cluster.record_event(
                    obj,
                    type_=conditions.WARNING,
                    reason=conditions.UPDATE_FAILED,
                    message=f"the status cannot be written: {error.what}",
                )
            return failed(key, error, retry=error.retryable, target=target)
        return Result(
            key=key,
            outcome=Outcome(applied.action.value),
            target=target,
            added=applied.added,
            updated=applied.updated,
            removed=applied.removed,
        )

    async def _open(self, sealed: SealedSecret) -> Mapping[str, Value]:
        keyring = await self._keyring.keyring()
        try:
            return await self._in_thread(unseal_items, sealed, keyring)
        except UnsealError:
            # Perhaps its key has come since the last look.
            fresh = await self._keyring.keyring(fresh=True)
            if set(fresh.fingerprints) == set(keyring.fingerprints):
                raise
            return await self._in_thread(unseal_items, sealed, fresh)

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)

    async def _tell_success(self, obj: Object, applied: Applied) -> None:
        was_true = conditions.is_true(obj, conditions.SYNCED)
        await write_status(
            self._cluster,
            self._clock,
            SEALED_SECRET,
            obj,
            wanted=[
                conditions.condition(conditions.SYNCED, ok=True, reason=conditions.UNSEALED, message=""),
                conditions.condition(
                    conditions.READY, ok=True, reason=conditions.UNSEALED, message=conditions.UNSEALED_MESSAGE
                ),
            ],
            fields={
                "observedGeneration": obj["metadata"].get("generation"),
                "syncedResourceVersion": conditions.synced_version(obj),
                "target": {"uid": applied.uid, "resourceVersion": applied.resource_version},
            },
        )
        if applied.action is not Action.UNCHANGED or not was_true:
            await self._cluster.record_event(
                obj,
                type_=conditions.NORMAL,
                reason=conditions.UNSEALED,
                message=conditions.UNSEALED_MESSAGE,
            )

    async def _tell_failure(self, obj: Object, reason: str, message: str, *, event: str) -> None:
        before = conditions.condition_of(obj, conditions.SYNCED)
        wanted = [
            conditions.condition(conditions.SYNCED, ok=False, reason=reason, message=message),
            conditions.condition(conditions.READY, ok=False, reason=reason, message=message),
        ]
        await try_write_status(
            self._cluster,
            self._clock,
            SEALED_SECRET,
            obj,
            wanted=wanted,
            fields={"observedGeneration": obj["metadata"].get("generation")},
        )
        if before.get("message") != message or before.get("status") != "False":
            await self._cluster.record_event(obj, type_=conditions.WARNING, reason=reason, message=event)


def _labelled(secret: Secret) -> Secret:
    """With the label by which one watch on metadata finds every target."""
    return replace(secret, labels={**secret.labels, MANAGED_LABEL: "true"})
