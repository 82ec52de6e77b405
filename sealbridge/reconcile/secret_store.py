"""A SecretStore or ClusterSecretStore is opened and checked. Knows neither providers nor their SDKs."""

from __future__ import annotations

from datetime import timedelta

from sealbridge.errors import ClusterError, Conflict, Invalid, SealbridgeError
from sealbridge.reconcile import conditions, store_finalizer
from sealbridge.reconcile.cluster import Clock, Cluster
from sealbridge.reconcile.kinds import Object, ObjectKey
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.status import being_deleted, failed, try_write_status, write_status
from sealbridge.reconcile.store_access import STORE_KINDS, check_conditions, is_foreign
from sealbridge.reconcile.store_pool import StorePool, is_referent, provider_of
from sealbridge.stores.config import read_config
from sealbridge.sync.durations import parse_duration
from sealbridge.sync.wire import Model

DEFAULT_REFRESH_INTERVAL = timedelta(minutes=5)
CAPABILITIES = "ReadWrite"
# A store that its PushSecrets hold is looked at when one of them goes; this is the safety net.
_WAITING_DELAY = 60.0
_NAMED = 5


class RetrySettings(Model, frozen=True):
    """How often a call to the provider is tried again, and after how long."""

    max_retries: int | None = None
    retry_interval: str | None = None


class SecretStoreReconciler:
    """Says in a store's status whether it can be used."""

    def __init__(self, cluster: Cluster, stores: StorePool, clock: Clock) -> None:
        self._cluster = cluster
        self._stores = stores
        self._clock = clock

    async def reconcile(self, key: ObjectKey) -> Result:
        """One pass over a store of either kind."""
        try:
            obj = await self._cluster.get(STORE_KINDS[key.kind], key.namespace, key.name)
            if obj is None:
                await self._stores.forget(key.kind, key.namespace, key.name)
                return Result(key=key, outcome=Outcome.GONE)
            if is_foreign(obj, self._stores.controller_class):
                return Result(key=key, outcome=Outcome.SKIPPED, message="another controller takes care of it")
            users = await store_finalizer.release(self._cluster, obj)
            if being_deleted(obj):
                if not users:
                    return Result(key=key, outcome=Outcome.SKIPPED, message="it is being deleted")
                named = ", ".join(users[:_NAMED]) + (", ..." if len(users) > _NAMED else "")
                message = (
                    f"it waits to be deleted until PushSecret {named} is, whose deletionPolicy is Delete"
                )
                await self._cluster.record_event(
                    obj, type_=conditions.WARNING, reason=conditions.STORE_IN_USE, message=message
                )
                return Result(key=key, outcome=Outcome.SKIPPED, message=message, requeue_after=_WAITING_DELAY)
            return await self._check(key, obj)
        except ClusterError as error:
            return failed(key, error, retry=error.retryable)

    async def _check(self, key: ObjectKey, obj: Object) -> Result:
        try:
            interval = refresh_interval(obj)
            provider_of(obj)
            check_conditions(obj)
            check_retries(obj)
        except Invalid as error:
            message = f"{conditions.STORE_CREATE_FAILED_MESSAGE}: {error}"
            await self._tell(obj, message)
            return failed(key, error, retry=False, told=True, message=message)
        # A store that logs in as whoever uses it has nobody to log in as here: using it tells.
        if not is_referent(obj):
            unable = conditions.STORE_CREATE_FAILED_MESSAGE
            try:
                store = await self._stores.open(obj, key.namespace)
                unable = conditions.STORE_CHECK_FAILED_MESSAGE
                await store.check()
            except Conflict as error:
                return failed(key, error, retry=True)
            except SealbridgeError as error:
                message = f"{unable}: {error}"
                await self._tell(obj, message)
                needs = self._stores.credentials(obj, key.namespace)
                return failed(key, error, retry=True, told=True, message=message, depends_on=needs)
        await self._tell(obj, None)
        return Result(
            key=key,
            outcome=Outcome.VALID,
            message=conditions.STORE_VALID_MESSAGE,
            requeue_after=interval.total_seconds(),
            depends_on=self._stores.credentials(obj, key.namespace),
        )

    async def _tell(self, obj: Object, problem: str | None) -> None:
        reason = conditions.STORE_VALID if problem is None else conditions.STORE_INVALID
        message = problem or conditions.STORE_VALID_MESSAGE
        ready = conditions.condition(conditions.READY, ok=problem is None, reason=reason, message=message)
        before = conditions.condition_of(obj, conditions.READY)
        write = write_status if problem is None else try_write_status
        await write(
            self._cluster,
            self._clock,
            STORE_KINDS[obj["kind"]],
            obj,
            wanted=[ready],
            fields={"capabilities": CAPABILITIES},
        )
        if (before.get("reason"), before.get("message")) != (reason, message):
            type_ = conditions.NORMAL if problem is None else conditions.WARNING
            await self._cluster.record_event(obj, type_=type_, reason=reason, message=message)


def refresh_interval(obj: Object) -> timedelta:
    """How often the store is checked: whole seconds or a Go duration. Raises Invalid."""
    spec = obj.get("spec")
    value = spec.get("refreshInterval") if isinstance(spec, dict) else None
    try:
        match value:
            case None | 0 | "" | "0":
                return DEFAULT_REFRESH_INTERVAL
            case int() if not isinstance(value, bool) and value > 0:
                return timedelta(seconds=value)
            case str():
                return (
                    timedelta(seconds=int(value)) if value.isdecimal() else parse_duration(value)
                ) or DEFAULT_REFRESH_INTERVAL
    except (ValueError, OverflowError):
        pass
    raise Invalid("spec.refreshInterval must be seconds or a duration like 5m, not negative")


def check_retries(obj: Object) -> None:
    """What retrySettings say must be readable, whether the provider heeds it or not. Raises Invalid."""
    spec = obj.get("spec")
    settings = spec.get("retrySettings") if isinstance(spec, dict) else None
    if settings is None:
        return
    read = read_config(settings, RetrySettings, "spec.retrySettings")
    if read.max_retries is not None and not 0 <= read.max_retries < 1 << 31:
        raise Invalid("must be a number from 0 on", where="spec.retrySettings.maxRetries")
    try:
        parse_duration(read.retry_interval or "0")
    except ValueError as error:
        raise Invalid(str(error), where="spec.retrySettings.retryInterval") from None
