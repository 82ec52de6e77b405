"""A SealedSecret becomes its Secret. Knows the order of things; opening is `sealing`'s business."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from sealbridge.errors import (
    ClusterError,
    ManifestError,
    SealbridgeError,
    TemplateError,
    UnsealError,
)
from sealbridge.reconcile import conditions, sealed_status
from sealbridge.reconcile.cluster import Action, Applied, Clock, Cluster, Owner, Ownership
from sealbridge.reconcile.kinds import SEALED_SECRET, SECRET, Object, ObjectKey
from sealbridge.reconcile.ownership import RETAINED_ANNOTATION, is_left_to_nobody, not_owned
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.sealing_keys import SEALING_KEYS, KeyringSource
from sealbridge.reconcile.status import (
    StatusMemory,
    StatusWriter,
    being_deleted,
    failed,
    owner_of,
    target_matches,
    try_write_status,
    write_status,
)
from sealbridge.reconcile.target import target_secret
from sealbridge.sealing.keyring import Keyring, Opened
from sealbridge.sealing.keys import KEY_LABEL
from sealbridge.sealing.opening import open_items
from sealbridge.sealing.sealed_secret import SKIP_OWNER_ANNOTATION, SealedSecret
from sealbridge.sealing.whole import FIELD as WHOLE
from sealbridge.sealing.whole import OpenedWhole, open_whole
from sealbridge.secret import Secret

_T = TypeVar("_T")

FIELD_MANAGER = "sealbridge"
MANAGED_LABEL = "sealbridge.io/managed"
ON_DELETE_ANNOTATION = "sealbridge.io/on-delete"
RETAIN, DELETE = "retain", "delete"


def everything(labels: Mapping[str, str]) -> bool:
    """Selects whatever labels an object has."""
    return True


def nothing(secret: Secret) -> bool:
    """Is true of no Secret."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How SealedSecrets are looked after.

    `accept_whole`: the deprecated spec.data opens. `recreate`: a target that was deleted is made again.
    `selects`: tells by the labels of an object whether it is ours to look after. `update_status`: else
    statuses are kept in memory only. `is_sealing_key`: of a target that would be one. Whoever may write
    SealedSecrets could bring in a key of his own with it, which all others would seal for.
    """

    accept_whole: bool = True
    recreate: bool = True
    update_status: bool = True
    selects: Callable[[Mapping[str, str]], bool] = everything
    is_sealing_key: Callable[[Secret], bool] = nothing


_DEFAULTS = Options()


class _Made(NamedTuple):
    """What the target shall be, and the key that opened each item."""

    secret: Secret
    sealed_with: dict[str, str]


class SealedSecretReconciler:
    """Makes the target of one SealedSecret so, and says so in status and events.

    Opening and rendering run on `executor` (the event loop's own when None): RSA takes milliseconds and
    releases the interpreter lock, and a template may compute for seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        keyring: KeyringSource,
        clock: Clock,
        *,
        executor: Executor | None = None,
        options: Options = _DEFAULTS,
    ) -> None:
        self._cluster = cluster
        self._options = options
        self._memory = StatusMemory()
        self._statuses: StatusWriter = cluster if options.update_status else self._memory
        self._keyring = keyring
        self._clock = clock
        self._executor = executor

    async def reconcile(self, key: ObjectKey) -> Result:
        """One pass. Raises nothing that a user can meet: it is in the result."""
        try:
            obj = await self._cluster.get(SEALED_SECRET, key.namespace, key.name)
            if obj is None:
                self._memory.forget(key)
                return Result(key=key, outcome=Outcome.GONE)
            if not self._options.selects(obj["metadata"].get("labels") or {}):
                # Let go: its target stays as it is, and so does its status.
                return Result(key=key, outcome=Outcome.GONE)
            if being_deleted(obj):
                return Result(key=key, outcome=Outcome.SKIPPED, message="it is being deleted")
            obj = self._memory.recall(obj)
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
        return self._stays_deleted(status) if state is None else target_matches(obj, state)

    def _stays_deleted(self, status: Mapping[str, Any]) -> bool:
        """Whether a target that was there and is gone is left so, until the object is edited."""
        target = status.get("target")
        return isinstance(target, dict) and (not self._options.recreate or target.get("patched") is True)

    async def _sync(self, key: ObjectKey, obj: Object) -> Result:
        try:
            sealed = SealedSecret.from_manifest(obj, accept_whole=True)
            owner = _owner(obj, sealed)
            made = await self._make(obj, sealed)
            if self._options.is_sealing_key(made.secret):
                raise ManifestError(
                    "a SealedSecret cannot make a sealing key",
                    hint=f"take the label {KEY_LABEL} out of its template, or give it another name; "
                    "keys of your own are Secrets that are applied as they are",
                )
        except ClusterError as error:
            return failed(key, error, retry=error.retryable)
        except SealbridgeError as error:
            # The object is known; the line of a template in it is not.
            cause = str(error) if isinstance(error, TemplateError) else error.what
            event = f"{conditions.UNSEAL_FAILED_PREFIX}{cause}"
            await self._tell_failure(obj, conditions.UNSEAL_FAILED, error, cause, event=event)
            return failed(
                key, error, retry=False, told=True, message=cause, depends_on=frozenset({SEALING_KEYS})
            )
        target = ObjectKey(SECRET.name, made.secret.namespace, made.secret.name)
        try:
            applied = await self._cluster.apply_secret(made.secret, owner=owner, ownership=Ownership.OWN)
            if applied.action is Action.CREATED and is_left_to_nobody(made.secret, owner):
                # As the controller does: it is there, and cannot be kept up.
                raise not_owned(made.secret.name, owner)
        except SealbridgeError as error:
            await self._tell_failure(obj, conditions.UPDATE_FAILED, error, error.what, event=error.what)
            # Somebody may give way, and nothing need tell us so. What no Secret can hold stays refused.
            retry = not isinstance(error, ClusterError) or error.retryable
            return failed(key, error, retry=retry, told=True, target=target, depends_on=frozenset({target}))
        try:
            await self._tell_success(obj, applied, made.sealed_with)
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

    async def _make(self, obj: Object, sealed: SealedSecret) -> _Made:
        if sealed.whole is not None:
            if not self._options.accept_whole:
                raise ManifestError(
                    "using deprecated 'data' field, use 'encryptedData' or flip the feature flag",
                    hint="start the operator with --accept-deprecated-v1-data, or seal the Secret again",
                )
            whole: OpenedWhole = await self._with_keys(
                _open_whole, sealed, sealed_status.known_keys(obj, (WHOLE,))
            )
            return _Made(_labelled(whole.secret), {WHOLE: whole.key})
        known = sealed_status.known_keys(obj, sealed.encrypted_data.keys())
        items: dict[str, Opened] = await self._with_keys(_open_items, sealed, known)
        values = {item: opened.value for item, opened in items.items()}
        secret = _labelled(await self._in_thread(target_secret, sealed, values))
        return _Made(secret, {item: opened.key for item, opened in items.items()})

    async def _with_keys(
        self,
        open_: Callable[[SealedSecret, Keyring, Mapping[str, str]], _T],
        sealed: SealedSecret,
        known: Mapping[str, str],
    ) -> _T:
        keyring = await self._keyring.keyring()
        try:
            return await self._in_thread(open_, sealed, keyring, known)
        except UnsealError:
            # Perhaps its key has come since the last look.
            fresh = await self._keyring.keyring(fresh=True)
            if set(fresh.fingerprints) == set(keyring.fingerprints):
                raise
            return await self._in_thread(open_, sealed, fresh, known)

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)

    async def _tell_success(self, obj: Object, applied: Applied, sealed_with: Mapping[str, str]) -> None:
        was_true = conditions.is_true(obj, conditions.SYNCED)
        target: dict[str, Any] = {"uid": applied.uid, "resourceVersion": applied.resource_version}
        if not applied.ours:
            target["patched"] = True
        told = sealed_status.success(obj, sealed_with=sealed_with, target=target)
        await write_status(
            self._statuses,
            self._clock,
            SEALED_SECRET,
            obj,
            wanted=told.conditions,
            fields=told.fields,
            without=told.without,
        )
        if applied.action is not Action.UNCHANGED or not was_true:
            await self._cluster.record_event(
                obj,
                type_=conditions.NORMAL,
                reason=conditions.UNSEALED,
                message=conditions.UNSEALED_MESSAGE,
            )

    async def _tell_failure(
        self, obj: Object, reason: str, error: SealbridgeError, cause: str, *, event: str
    ) -> None:
        before = conditions.condition_of(obj, conditions.READY)
        told = sealed_status.failure(obj, error, cause)
        ready = next(one for one in told.conditions if one["type"] == conditions.READY)
        await try_write_status(
            self._statuses,
            self._clock,
            SEALED_SECRET,
            obj,
            wanted=told.conditions,
            fields=told.fields,
            without=told.without,
        )
        if any(before.get(field) != ready[field] for field in ("status", "reason", "message")):
            await self._cluster.record_event(obj, type_=conditions.WARNING, reason=reason, message=event)


def _owner(obj: Object, sealed: SealedSecret) -> Owner:
    """The object as the owner of its target. Raises ManifestError."""
    wish = sealed.annotations.get(ON_DELETE_ANNOTATION, DELETE)
    if wish not in (RETAIN, DELETE):
        raise ManifestError(
            f"the annotation {ON_DELETE_ANNOTATION} is neither {RETAIN} nor {DELETE}",
            hint=f"{RETAIN} lets the Secret outlive its SealedSecret; leave the annotation out otherwise",
        )
    status = obj.get("status")
    target = status.get("target") if isinstance(status, dict) else None
    uid = target.get("uid") if isinstance(target, dict) else None
    return replace(
        owner_of(SEALED_SECRET, obj, FIELD_MANAGER),
        unowned=sealed.template.annotations.get(SKIP_OWNER_ANNOTATION) == "true",
        retain=wish == RETAIN,
        target_uid=uid if isinstance(uid, str) else "",
    )


def _open_items(sealed: SealedSecret, keyring: Keyring, known: Mapping[str, str]) -> dict[str, Opened]:
    return open_items(sealed, keyring, known=known)


def _open_whole(sealed: SealedSecret, keyring: Keyring, known: Mapping[str, str]) -> OpenedWhole:
    return open_whole(sealed, keyring, known=known)


def _labelled(secret: Secret) -> Secret:
    """With the label by which one watch on metadata finds every target, and no mark but our own."""
    annotations = {name: text for name, text in secret.annotations.items() if name != RETAINED_ANNOTATION}
    return replace(secret, labels={**secret.labels, MANAGED_LABEL: "true"}, annotations=annotations)
