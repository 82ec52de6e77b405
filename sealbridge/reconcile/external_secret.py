"""An ExternalSecret becomes its Secret. Knows when to ask and what to tell; `desired` knows what is wanted.

A failure never touches the target and never advances refreshTime.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sealbridge.errors import (
    ClusterError,
    Conflict,
    ManifestError,
    NotOwned,
    SealbridgeError,
    SyncError,
    TemplateSyntaxError,
)
from sealbridge.reconcile import conditions, entry_report, finalizer
from sealbridge.reconcile.asking import Foreign, Unchecked, names_foreign_store
from sealbridge.reconcile.backoff import backoff
from sealbridge.reconcile.cluster import Action, Applied, Clock, Cluster, Owner, TargetState
from sealbridge.reconcile.desired import (
    Desired,
    Step,
    check_deletion,
    needs_of,
    next_step,
    owner_for,
    ownership_of,
)
from sealbridge.reconcile.kinds import EXTERNAL_SECRET, SECRET, Object, ObjectKey
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.status import (
    being_deleted,
    failed,
    target_matches,
    try_write_status,
    write_status,
)
from sealbridge.reconcile.store_pool import StorePool
from sealbridge.sealing.keys import KEY_LABEL
from sealbridge.secret import Secret
from sealbridge.sync.assemble import NOTHING
from sealbridge.sync.fingerprints import data_hash
from sealbridge.sync.missing import missing_text
from sealbridge.sync.model import CreationPolicy, ExternalSecret, parse
from sealbridge.sync.plan import Entry, generators
from sealbridge.sync.schedule import (
    SyncState,
    due_time,
    is_due,
    is_permitted,
    jitter,
    seconds_until_due,
    sync_request,
)
from sealbridge.sync.template import (
    DATA_HASH_ANNOTATION,
    MANAGED_LABEL,
    SEALBRIDGE_LABEL,
)

# A store that was never looked at is about to be; coming back by ourselves is only the safety net.
_UNCHECKED_STORE_DELAY = 10.0
# A Secret to merge into is not watched before it is ours: so often is looked for one that was not there.
_MISSING_DELAY = 60.0
_KEYS_NAMED = 10


class ExternalSecretReconciler:
    """Makes the target of one ExternalSecret so, when it is due or the target is not what it was.

    `refresh_always`: a run that comes once. What time makes due is due now, and no next pass is spoken of;
    policies that time has no part in hold as ever. `is_sealing_key`: of a target that would be one.
    """

    def __init__(
        self,
        cluster: Cluster,
        stores: StorePool,
        clock: Clock,
        *,
        refresh_always: bool = False,
        is_sealing_key: Callable[[Secret], bool] = lambda secret: False,
    ) -> None:
        self._cluster = cluster
        self._stores = stores
        self._clock = clock
        self._refresh_always = refresh_always
        self._is_sealing_key = is_sealing_key

    async def reconcile(self, key: ObjectKey) -> Result:
        """One pass. Raises nothing that a user can meet: it is in the result."""
        try:
            obj = await self._cluster.get(EXTERNAL_SECRET, key.namespace, key.name)
            if obj is None:
                return Result(key=key, outcome=Outcome.GONE)
            current = _Pass(
                self._cluster,
                self._stores,
                self._clock,
                key,
                obj,
                self._refresh_always,
                self._is_sealing_key,
            )
            return await (current.end() if being_deleted(obj) else current.run())
        except ClusterError as error:
            return failed(key, error, retry=error.retryable)


class _Pass:
    """One look at one object."""

    def __init__(
        self,
        cluster: Cluster,
        stores: StorePool,
        clock: Clock,
        key: ObjectKey,
        obj: Object,
        refresh_always: bool,
        is_sealing_key: Callable[[Secret], bool],
    ) -> None:
        self._cluster = cluster
        self._stores = stores
        self._clock = clock
        self._key = key
        self._obj = obj
        self._refresh_always = refresh_always
        self._is_sealing_key = is_sealing_key
        status = obj.get("status")
        self._status: Mapping[str, object] = status if isinstance(status, dict) else {}
        self._refreshed = conditions.parse_timestamp(self._status.get("refreshTime"))
        self._depends_on: frozenset[ObjectKey] = frozenset()
        self._assembled = NOTHING
        self._target: ObjectKey | None = None
        self._is_gone = False  # the target

    async def run(self) -> Result:
        try:
            wanted = parse(self._obj)
        except ManifestError as error:
            return await self._fail(error.what, error, retry=False)
        target = wanted.spec.target
        state: TargetState | None = None
        if target.creation_policy is not CreationPolicy.NONE:
            self._target = ObjectKey(SECRET.name, self._key.namespace, wanted.target_name)
            # What was never synced is due in any case, and mostly has no target: the write finds out.
            if self._status.get("syncedResourceVersion"):
                state = await self._cluster.target_state(self._key.namespace, wanted.target_name)
        self._is_gone = state is None
        if not self._is_due(wanted) and await self._is_valid(wanted, state):
            return await self._rest(wanted, state)
        desired = Desired(self._cluster, self._stores, wanted, fresh=self._was_asked_for())
        try:
            missing = await self._ask(desired)
        except Foreign:
            return self._result(Outcome.SKIPPED, message="another controller takes care of its store")
        except Unchecked:
            return self._result(
                Outcome.SKIPPED, message="its store was not checked yet", requeue_after=_UNCHECKED_STORE_DELAY
            )
        except SyncError as error:
            return await self._fail(_told(conditions.GET_FAILED_MESSAGE, error), error, retry=True)
        if missing:
            # What its stores have no more, where the deletion policy lets it go.
            await self._tell(
                conditions.NORMAL, conditions.MISSING_PROVIDER_SECRET_EVENT, missing_text(missing)
            )
        failure = conditions.UPDATE_FAILED_MESSAGE
        try:
            self._obj = await finalizer.settle(self._cluster, self._obj)
            match next_step(wanted, self._assembled.items):
                case Step.KEEP:
                    return await self._finish(wanted, conditions.SECRET_SYNCED, conditions.RETAINED_MESSAGE)
                case Step.DELETE:
                    failure = conditions.DELETE_FAILED_MESSAGE
                    return await self._delete(wanted)
                case Step.NOTHING:
                    return await self._finish(
                        wanted, conditions.SECRET_SYNCED, conditions.SECRET_SYNCED_MESSAGE
                    )
            secret = await self._secret(desired)
            if self._is_sealing_key(secret):
                raise ManifestError(
                    "an ExternalSecret cannot make a sealing key",
                    hint=f"take the label {KEY_LABEL} out, or give the target another name; "
                    "keys are brought in as Secrets",
                )
            applied = await self._apply(wanted, secret)
            failure = conditions.DELETE_ORPHANED_FAILED_MESSAGE
            await self._delete_former(wanted)
        except Conflict as error:
            return failed(self._key, error, retry=True, target=self._target)
        except SealbridgeError as error:
            retry = not isinstance(error, ManifestError | TemplateSyntaxError)
            return await self._fail(_told(failure, error), error, retry=retry)
        if applied.action is Action.ABSENT:
            return await self._finish(wanted, conditions.SECRET_MISSING, conditions.MISSING_MESSAGE)
        await self._succeed(wanted, applied, conditions.SECRET_SYNCED, conditions.SECRET_SYNCED_MESSAGE)
        return self._result(
            Outcome(applied.action.value),
            added=applied.added,
            updated=applied.updated,
            removed=applied.removed,
            requeue_after=self._next(wanted),
        )

    async def end(self) -> Result:
        """It is being deleted: what is to go with it goes, and then what holds it back."""
        if not finalizer.carries(self._obj):
            return self._result(Outcome.SKIPPED, message="it is being deleted")
        if await self._is_foreign():
            return self._result(Outcome.SKIPPED, message="another controller takes care of its store")
        deleted = False
        try:
            for name in finalizer.targets_of(self._obj) if finalizer.is_needed(self._obj) else ():
                with contextlib.suppress(NotOwned):
                    deleted |= await self._delete_target(name, conditions.DELETED_MESSAGE)
            await self._cluster.set_finalizer(EXTERNAL_SECRET, self._obj, finalizer.FINALIZER, present=False)
        except Conflict as error:
            return failed(self._key, error, retry=True)
        except ClusterError as error:
            return await self._fail(_told(conditions.DELETE_FAILED_MESSAGE, error), error, retry=True)
        outcome = Outcome.DELETED if deleted else Outcome.SKIPPED
        return self._result(outcome, message="it is being deleted")

    async def _is_foreign(self) -> bool:
        """Whether a store that is there says that another controller takes care of it."""
        named = finalizer.stores_of(self._obj)
        return await names_foreign_store(
            self._cluster, named, self._key.namespace, self._stores.controller_class
        )

    def _is_due(self, wanted: ExternalSecret) -> bool:
        now = self._clock.now()
        synced = str(self._status.get("syncedResourceVersion") or "")
        if not conditions.is_true(self._obj, conditions.READY):
            # A refresh that has failed is tried again only where it was to be made, in a window.
            waits = self._refreshed is not None and synced == conditions.synced_version(self._obj)
            return not waits or is_permitted(wanted.spec, now)
        # What a generator has made is to stay for as long as it was told to.
        always = self._refresh_always and not generators(wanted.spec) and is_permitted(wanted.spec, now)
        if always and due_time(wanted.spec, now) is not None:
            return True
        return is_due(
            wanted.spec,
            SyncState(
                refresh_time=self._refreshed,
                synced_resource_version=synced,
                answered=str(self._status.get("syncRequest") or ""),
            ),
            resource_version=conditions.synced_version(self._obj),
            now=now,
            u=jitter(wanted.uid, self._refreshed),
            request=sync_request(wanted.annotations),
        )

    async def _is_valid(self, wanted: ExternalSecret, state: TargetState | None) -> bool:
        """Whether the target still is what was written last, going by its data when it was touched."""
        policy = wanted.spec.target.creation_policy
        if policy in (CreationPolicy.NONE, CreationPolicy.ORPHAN):
            return True
        if state is None:
            return self._says(conditions.SECRET_DELETED, conditions.SECRET_MISSING)
        if target_matches(self._obj, state):
            return True
        if policy is CreationPolicy.OWNER and state.owner_uid != wanted.uid:
            return False
        if any(state.labels.get(label) != "true" for label in (MANAGED_LABEL, SEALBRIDGE_LABEL)):
            return False
        secret = await self._cluster.get_secret(self._key.namespace, wanted.target_name)
        return secret is not None and (
            secret.annotations.get(DATA_HASH_ANNOTATION) == data_hash(secret.items)
        )

    async def _rest(self, wanted: ExternalSecret, state: TargetState | None) -> Result:
        # A status without a target is another operator's: it is left as it is until there is more to say.
        if state is not None and "target" in self._status and not target_matches(self._obj, state):
            target = {"uid": state.uid, "resourceVersion": state.resource_version}
            await self._cluster.patch_status(EXTERNAL_SECRET, self._obj, {"target": target})
        if not finalizer.is_settled(self._obj) and not await self._is_foreign():
            await finalizer.settle(self._cluster, self._obj)
        self._depends_on = needs_of(wanted)
        is_missing = state is None and self._says(conditions.SECRET_MISSING)
        return self._result(
            Outcome.UNCHANGED, requeue_after=self._next(wanted, most=_MISSING_DELAY if is_missing else None)
        )

    def _was_asked_for(self) -> bool:
        """Whether somebody edited what was in sync before: they want the value of this moment."""
        synced = self._status.get("syncedResourceVersion")
        return bool(synced) and synced != conditions.synced_version(self._obj)

    async def _ask(self, desired: Desired) -> tuple[Entry, ...]:
        """Take what stores and generators give; returns the entries that are left out."""
        try:
            self._assembled, missing = await desired.ask()
        finally:
            self._depends_on = desired.needs
        return missing

    async def _secret(self, desired: Desired) -> Secret:
        try:
            return await desired.secret(self._assembled.items)
        finally:
            self._depends_on = desired.needs

    async def _apply(self, wanted: ExternalSecret, secret: Secret) -> Applied:
        return await self._cluster.apply_secret(secret, owner=self._owner(), ownership=ownership_of(wanted))

    def _owner(self) -> Owner:
        return owner_for(self._obj)

    async def _delete(self, wanted: ExternalSecret) -> Result:
        """The stores have nothing any more, and deletionPolicy Delete has the Secret go."""
        check_deletion(wanted)
        deleted = await self._delete_target(wanted.target_name, conditions.DELETED_MESSAGE)
        await self._delete_former(wanted)
        outcome = Outcome.DELETED if deleted else Outcome.UNCHANGED
        return await self._finish(
            wanted, conditions.SECRET_DELETED, conditions.DELETED_MESSAGE, outcome=outcome
        )

    async def _delete_former(self, wanted: ExternalSecret) -> None:
        """The target was renamed: the Secret of the former name goes, if it is ours."""
        binding = self._status.get("binding")
        former = binding.get("name") if isinstance(binding, dict) else None
        if isinstance(former, str) and former not in ("", wanted.target_name):
            with contextlib.suppress(NotOwned):
                await self._delete_target(former, "secret deleted because it was orphaned")

    async def _delete_target(self, name: str, message: str) -> bool:
        deleted = await finalizer.delete_target(self._cluster, self._owner(), self._key.namespace, name)
        if deleted:
            await self._tell(conditions.NORMAL, conditions.DELETED_EVENT, f'{message}: Secret "{name}"')
        return deleted

    async def _tell(self, type_: str, reason: str, message: str) -> None:
        await self._cluster.record_event(self._obj, type_=type_, reason=reason, message=message)

    async def _finish(
        self, wanted: ExternalSecret, reason: str, message: str, *, outcome: Outcome = Outcome.UNCHANGED
    ) -> Result:
        """All is well, and no Secret was written."""
        await self._succeed(wanted, None, reason, message)
        most = _MISSING_DELAY if reason == conditions.SECRET_MISSING else None
        return self._result(outcome, message=message, requeue_after=self._next(wanted, most=most))

    def _says(self, *reasons: str) -> bool:
        """Whether the last pass ended with one of these reasons."""
        return conditions.condition_of(self._obj, conditions.READY).get("reason") in reasons

    async def _succeed(
        self, wanted: ExternalSecret, applied: Applied | None, reason: str, message: str
    ) -> None:
        now = self._clock.now()
        fields: dict[str, object] = {
            "refreshTime": conditions.timestamp(now),
            "syncedResourceVersion": conditions.synced_version(self._obj),
            "syncRequest": sync_request(wanted.annotations) or None,
        }
        if applied is not None:
            fields["binding"] = {"name": wanted.target_name}
            fields["target"] = {"uid": applied.uid, "resourceVersion": applied.resource_version}
        elif reason in (conditions.SECRET_DELETED, conditions.SECRET_MISSING):
            fields["target"] = None
        reason, message = entry_report.outcome(self._assembled, reason, message)
        fields |= entry_report.status_fields(self._assembled)
        ready = conditions.condition(conditions.READY, ok=True, reason=reason, message=message)
        await write_status(
            self._cluster, self._clock, EXTERNAL_SECRET, self._obj, wanted=[ready], fields=fields
        )
        self._refreshed = conditions.parse_timestamp(fields["refreshTime"])
        if applied is not None and applied.action is not Action.UNCHANGED:
            created = applied.action is Action.CREATED
            await self._tell(
                conditions.NORMAL,
                conditions.CREATED_EVENT if created else conditions.UPDATED_EVENT,
                f'{"created" if created else "updated"} Secret "{wanted.target_name}": '
                + changes_text(applied),
            )
        await entry_report.tell(self._cluster, self._obj, self._assembled, ready)

    async def _fail(self, cause: str, error: SealbridgeError, *, retry: bool) -> Result:
        delay = backoff(self._obj, error, self._clock.now()) if retry and not self._refresh_always else None
        message = cause
        stale_since: datetime | None = None
        if self._refreshed is not None and self._status.get("binding") and not self._is_gone:
            stale_since = self._refreshed
            since = conditions.timestamp(self._refreshed)
            message += f"; the Secret keeps its last values, those of {since}"
        if delay is not None:
            message += f"; next try at {conditions.timestamp(self._clock.now() + delay)}"
        before = conditions.condition_of(self._obj, conditions.READY)
        known = str(before.get("message") or "")
        ready = conditions.condition(
            conditions.READY, ok=False, reason=conditions.SECRET_SYNCED_ERROR, message=message
        )
        await try_write_status(
            self._cluster, self._clock, EXTERNAL_SECRET, self._obj, wanted=[ready], fields={}
        )
        if before.get("status") != "False" or not (known == cause or known.startswith(f"{cause}; ")):
            await self._tell(conditions.WARNING, conditions.UPDATE_FAILED_EVENT, cause)
        return Result(
            key=self._key,
            outcome=Outcome.FAILED,
            message=message,
            target=self._target,
            error=error,
            retry=retry,
            requeue_after=None if delay is None else delay.total_seconds(),
            depends_on=self._depends_on,
            stale_since=stale_since,
        )

    def _next(self, wanted: ExternalSecret, *, most: float | None = None) -> float | None:
        if self._refreshed is None:
            return None
        due = seconds_until_due(
            wanted.spec, self._refreshed, now=self._clock.now(), u=jitter(wanted.uid, self._refreshed)
        )
        return min((delay for delay in (due, most) if delay is not None), default=None)

    def _result(
        self,
        outcome: Outcome,
        *,
        message: str = "",
        added: tuple[str, ...] = (),
        updated: tuple[str, ...] = (),
        removed: tuple[str, ...] = (),
        requeue_after: float | None = None,
    ) -> Result:
        return Result(
            key=self._key,
            outcome=outcome,
            message=message,
            target=self._target,
            added=added,
            updated=updated,
            removed=removed,
            requeue_after=requeue_after,
            depends_on=self._depends_on,
        )


def changes_text(applied: Applied) -> str:
    """Which item keys were added, updated and removed, in words and without a value."""
    changes = (("added", applied.added), ("updated", applied.updated), ("removed", applied.removed))
    parts = [f"{word} {_named(keys)}" for word, keys in changes if keys]
    return "; ".join(parts) or "metadata only"


def _named(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _KEYS_NAMED} more" if len(keys) > _KEYS_NAMED else ""
    return ", ".join(keys[:_KEYS_NAMED]) + more


def _told(head: str, error: SealbridgeError) -> str:
    """Upstream's message with the cause behind it, which says nothing of a value."""
    cause = str(error)
    return cause if cause.startswith(head) else f"{head}: {cause}"
