"""A ClusterExternalSecret becomes an ExternalSecret in every namespace it chooses. Knows no store.

What it makes carries its controlling owner reference: nothing else is ever changed or deleted. Where it
is gone, Kubernetes' garbage collector takes that along, so it needs no finalizer, nor does any namespace.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sealbridge.errors import ClusterError, Conflict, ManifestError, NotOwned, SealbridgeError
from sealbridge.reconcile import conditions
from sealbridge.reconcile.cluster import Action, Clock, ObjectCluster
from sealbridge.reconcile.kinds import CLUSTER_EXTERNAL_SECRET, EXTERNAL_SECRET, NAMESPACE, Object, ObjectKey
from sealbridge.reconcile.ownership import controller_of, owner_reference
from sealbridge.reconcile.result import Outcome, Result
from sealbridge.reconcile.status import being_deleted, failed, owner_of, try_write_status, write_status
from sealbridge.sync.cluster_external_secret import ClusterExternalSecret, parse

# What External Secrets Operator leaves on each; it would hold the object for ever.
FINALIZER = "externalsecrets.external-secrets.io/clusterexternalsecret-cleanup"

_AT_ONCE = 8  # namespaces
_TRIES = 4  # for an ExternalSecret that others change meanwhile
_LONGEST_REASON, _SHORTEST_REASON = 300, 60
_LONGEST_REASONS = 300_000  # all of them: the object has to fit into the API server
_NAMED = 10  # namespaces, in an event or a message

_log = logging.getLogger(__name__)


class ClusterExternalSecretReconciler:
    """Keeps the ExternalSecrets of one ClusterExternalSecret so."""

    def __init__(self, cluster: ObjectCluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock

    async def reconcile(self, key: ObjectKey) -> Result:
        """One pass. Raises nothing that a user can meet: it is in the result."""
        try:
            obj = await self._cluster.get(CLUSTER_EXTERNAL_SECRET, "", key.name)
            if obj is None:
                return Result(key=key, outcome=Outcome.GONE)
            obj = await self._without_finalizer(obj)
            if being_deleted(obj):
                return Result(key=key, outcome=Outcome.SKIPPED, message="it is being deleted")
            return await _Pass(self._cluster, self._clock, key, obj).run()
        except ClusterError as error:
            return failed(key, error, retry=error.retryable)

    async def _without_finalizer(self, obj: Object) -> Object:
        if FINALIZER not in (obj["metadata"].get("finalizers") or ()):
            return obj
        try:
            return await self._cluster.set_finalizer(CLUSTER_EXTERNAL_SECRET, obj, FINALIZER, present=False)
        except Conflict:
            raise
        except ClusterError as error:
            if being_deleted(obj):
                raise
            _log.warning("cannot take the finalizer off %s: %s", obj["metadata"]["name"], error)
            return obj


@dataclass(frozen=True, slots=True)
class _Done:
    """What happened in one namespace; neither an action nor an error where it has gone meanwhile."""

    namespace: str
    action: Action | None = None
    error: SealbridgeError | None = None


class _Pass:
    """One look at one object."""

    def __init__(self, cluster: ObjectCluster, clock: Clock, key: ObjectKey, obj: Object) -> None:
        self._cluster = cluster
        self._clock = clock
        self._key = key
        self._obj = obj
        self._uid = str(obj["metadata"].get("uid") or "")
        status = obj.get("status")
        self._status: Mapping[str, Any] = status if isinstance(status, dict) else {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> Result:
        try:
            wanted = parse(self._obj)
        except ManifestError as error:
            return await self._refuse(error)
        live = {
            one["metadata"]["name"]: one["metadata"].get("labels") or {}
            for one in await self._cluster.list(NAMESPACE)
            if not being_deleted(one)
        }
        chosen = sorted(name for name, labels in live.items() if wanted.chooses(name, labels))
        former = await self._remember(wanted.name)
        there = {
            one["metadata"]["namespace"]: one
            for one in await self._cluster.list_named(EXTERNAL_SECRET, wanted.name)
        }
        made = await self._all(self._provision(name, there.get(name), wanted) for name in chosen)
        provisioned = [done.namespace for done in made if done.action is not None]
        others = live.keys() - chosen
        removed = await self._remove([one for name, one in there.items() if name in others])
        # Where the new one could not be made, the old one goes on.
        to_leave = set(chosen) - set(provisioned)
        still_used = []
        for name in former:
            old = [
                one
                for one in await self._cluster.list_named(EXTERNAL_SECRET, name)
                if self._owns(one) and one["metadata"]["namespace"] in live
            ]
            gone = await self._remove([one for one in old if one["metadata"]["namespace"] not in to_leave])
            removed += gone
            if sum(done.error is None for done in gone) < len(old):
                still_used.append(name)
        failures = sorted(
            (done for done in (*made, *removed) if done.error is not None), key=lambda done: done.namespace
        )
        await self._tell_changes(wanted.name, made, removed)
        await self._tell(wanted, provisioned, failures, still_used)
        return self._result(wanted, (*made, *removed), failures)

    async def _remember(self, name: str) -> list[str]:
        """Write the name down before anything is made under it; returns those that were used before.

        So nothing is lost sight of, whenever this process ends."""
        known = self._status.get("externalSecretName")
        former = self._status.get("formerNames")
        names = [one for one in former if isinstance(one, str)] if isinstance(former, list) else []
        if known == name:
            return [one for one in names if one != name]
        names = sorted({*names, *([known] if isinstance(known, str) and known else [])} - {name})
        fields: Object = {"externalSecretName": name, "formerNames": names or None}
        await self._cluster.patch_status(CLUSTER_EXTERNAL_SECRET, self._obj, fields)
        self._status = {**self._status, **{key: value for key, value in fields.items() if value}}
        self._obj = {**self._obj, "status": dict(self._status)}
        return names

    async def _all(self, work: Iterable[Any]) -> list[_Done]:
        async def one(coroutine: Any) -> _Done:
            async with self._slots:
                done: _Done = await coroutine
                return done

        return list(await asyncio.gather(*(one(coroutine) for coroutine in work)))

    async def _provision(
        self, namespace: str, existing: Object | None, wanted: ClusterExternalSecret
    ) -> _Done:
        try:
            return _Done(namespace, await self._make(namespace, existing, wanted))
        except NotOwned as error:
            return _Done(namespace, error=error)
        except ClusterError as error:
            if await self._is_away(namespace, error):
                return _Done(namespace)
            return _Done(namespace, error=error)

    async def _make(self, namespace: str, existing: Object | None, wanted: ClusterExternalSecret) -> Action:
        """Make the ExternalSecret of one namespace so. Raises NotOwned for somebody else's."""
        for _ in range(_TRIES):
            try:
                if existing is None:
                    await self._cluster.create_object(EXTERNAL_SECRET, self._desired(namespace, wanted))
                    return Action.CREATED
                self._check(existing)
                if wanted.is_made_so(existing):
                    return Action.UNCHANGED
                await self._cluster.replace_object(EXTERNAL_SECRET, _replaced(existing, wanted))
                return Action.UPDATED
            except ClusterError as error:
                gone = existing is not None and error.status == 404
                if not isinstance(error, Conflict) and not gone:
                    raise
            existing = await self._cluster.get(EXTERNAL_SECRET, namespace, wanted.name)
        raise Conflict("others keep changing the external secret in the namespace")

    async def _is_away(self, namespace: str, error: ClusterError) -> bool:
        """Whether the namespace has gone, or is going, since it was listed."""
        if error.status == 403:
            return "being terminated" in error.what
        if error.status != 404:
            return False
        try:
            return await self._cluster.namespace_labels(namespace) is None
        except ClusterError:
            return False

    async def _remove(self, superfluous: Iterable[Object]) -> list[_Done]:
        """Delete what is ours of these."""
        return await self._all(self._delete(one) for one in superfluous if self._owns(one))

    async def _delete(self, existing: Object) -> _Done:
        namespace = existing["metadata"]["namespace"]
        if being_deleted(existing):
            return _Done(namespace)
        try:
            deleted = await self._cluster.delete_object(EXTERNAL_SECRET, existing)
        except ClusterError as error:
            return _Done(namespace, error=error)
        return _Done(namespace, Action.ABSENT if deleted else None)

    def _owns(self, existing: Object) -> bool:
        """Whether this very object controls it: a namesake that was made later does not."""
        controller = controller_of(existing["metadata"].get("ownerReferences") or ())
        return controller is not None and bool(self._uid) and controller.get("uid") == self._uid

    def _check(self, existing: Object) -> None:
        """Raise for an ExternalSecret that is not to be changed: somebody else's, or one on its way out."""
        if not self._owns(existing):
            raise NotOwned(conditions.EXISTS_MESSAGE)
        if being_deleted(existing):
            raise ClusterError("the external secret in the namespace is being deleted", retryable=True)

    def _desired(self, namespace: str, wanted: ClusterExternalSecret) -> Object:
        owner = owner_of(CLUSTER_EXTERNAL_SECRET, self._obj, "")
        metadata: Object = {
            "name": wanted.name,
            "namespace": namespace,
            "ownerReferences": [owner_reference(owner)],
        }
        for field, words in (("labels", wanted.labels), ("annotations", wanted.annotations)):
            if words:
                metadata[field] = dict(words)
        return {
            "apiVersion": EXTERNAL_SECRET.api_version,
            "kind": EXTERNAL_SECRET.name,
            "metadata": metadata,
            "spec": wanted.external_secret_spec,
        }

    async def _refuse(self, error: ManifestError) -> Result:
        """What cannot be understood changes nothing: what was made of it before stays as it is."""
        message = f"{error.what}; what was provisioned before stays as it is"
        ready = conditions.condition(
            conditions.READY, ok=False, reason=conditions.INVALID_SPEC, message=message
        )
        before = conditions.condition_of(self._obj, conditions.READY)
        await try_write_status(
            self._cluster,
            self._clock,
            CLUSTER_EXTERNAL_SECRET,
            self._obj,
            wanted=self._news(ready),
            fields={},
        )
        if before.get("message") != message:
            await self._event(conditions.WARNING, conditions.INVALID_SPEC, message)
        return failed(self._key, error, retry=False, told=True, message=message)

    async def _tell(
        self,
        wanted: ClusterExternalSecret,
        provisioned: list[str],
        failures: list[_Done],
        former: list[str],
    ) -> None:
        most = max(_SHORTEST_REASON, _LONGEST_REASONS // max(len(failures), 1))
        told = [{"namespace": done.namespace, "reason": _reason(done.error, most)} for done in failures]
        fields: Object = {
            "externalSecretName": wanted.name,
            "provisionedNamespaces": provisioned or None,
            "failedNamespaces": told or None,
            "formerNames": former or None,
        }
        # Absent and empty are the same to the API; a field that is not there needs no removal.
        fields = {name: value for name, value in fields.items() if value or self._status.get(name)}
        if failures:
            reason, message = conditions.NAMESPACES_FAILED, conditions.NAMESPACES_FAILED_MESSAGE
        elif provisioned:
            reason, message = conditions.PROVISIONED, conditions.PROVISIONED_MESSAGE
        else:
            reason, message = conditions.NO_NAMESPACE, conditions.NO_NAMESPACE_MESSAGE
        ready = conditions.condition(conditions.READY, ok=not failures, reason=reason, message=message)
        write = try_write_status if failures else write_status
        await write(
            self._cluster,
            self._clock,
            CLUSTER_EXTERNAL_SECRET,
            self._obj,
            wanted=self._news(ready),
            fields=fields,
        )
        if told and told != self._status.get("failedNamespaces"):
            named = "; ".join(f"{one['namespace']}: {one['reason']}" for one in told[:_NAMED])
            rest = f"; and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
            await self._event(conditions.WARNING, reason, f"{message}: {named}{rest}")

    def _news(self, ready: Object) -> list[Object]:
        """The condition, unless it is there. Upstream's CRD drops reasons and times of this kind."""
        before = conditions.condition_of(self._obj, conditions.READY)
        bare = not before.get("reason") and not before.get("lastTransitionTime")
        same = all(before.get(field) == ready[field] for field in ("status", "message"))
        return [] if bare and same else [ready]

    async def _tell_changes(self, name: str, made: list[_Done], removed: list[_Done]) -> None:
        for reason, word, action, all_ in (
            (conditions.CREATED_EVENT, "created", Action.CREATED, made),
            (conditions.UPDATED_EVENT, "updated", Action.UPDATED, made),
            (conditions.DELETED_EVENT, "deleted", Action.ABSENT, removed),
        ):
            where = [done.namespace for done in all_ if done.action is action]
            if where:
                rest = f" and {len(where) - _NAMED} more" if len(where) > _NAMED else ""
                what = "ExternalSecrets" if action is Action.ABSENT else f'ExternalSecret "{name}"'
                await self._event(
                    conditions.NORMAL, reason, f"{word} {what} in {', '.join(where[:_NAMED])}{rest}"
                )

    async def _event(self, type_: str, reason: str, message: str) -> None:
        await self._cluster.record_event(self._obj, type_=type_, reason=reason, message=message)

    def _result(self, wanted: ClusterExternalSecret, all_: Iterable[_Done], failures: list[_Done]) -> Result:
        again = wanted.refresh_time.total_seconds() or None
        if failures:
            first = failures[0]
            retry = any(_may_heal(done.error) for done in failures)
            error = SealbridgeError(
                f"{conditions.NAMESPACES_FAILED_MESSAGE}: {len(failures)}, the first is {first.namespace}:"
                f" {_reason(first.error)}"
            )
            return Result(
                key=self._key,
                outcome=Outcome.FAILED,
                message=conditions.NAMESPACES_FAILED_MESSAGE,
                retry=retry,
                # What somebody else has made is waited for, and looked at again when it goes.
                requeue_after=None if retry else again,
                error=error,
                depends_on=frozenset(
                    ObjectKey(EXTERNAL_SECRET.name, done.namespace, wanted.name) for done in failures
                ),
            )
        actions = {done.action for done in all_}
        outcome = next(
            (
                outcome
                for action, outcome in (
                    (Action.CREATED, Outcome.CREATED),
                    (Action.UPDATED, Outcome.UPDATED),
                    (Action.ABSENT, Outcome.DELETED),
                )
                if action in actions
            ),
            Outcome.UNCHANGED,
        )
        return Result(key=self._key, outcome=outcome, requeue_after=again)


def _replaced(existing: Object, wanted: ClusterExternalSecret) -> Object:
    """The ExternalSecret as it is to be; its finalizers and owners stay."""
    metadata = {**existing["metadata"]}
    for field, words in (("labels", wanted.labels), ("annotations", wanted.annotations)):
        metadata.pop(field, None)
        if words:
            metadata[field] = dict(words)
    return {**existing, "metadata": metadata, "spec": wanted.external_secret_spec}


def _may_heal(error: SealbridgeError | None) -> bool:
    """Whether time may heal it: also that the kind ExternalSecret is not served yet."""
    return isinstance(error, ClusterError) and (error.retryable or error.status == 404)


def _reason(error: SealbridgeError | None, most: int = _LONGEST_REASON) -> str:
    text, most = error.what if error is not None else "", min(most, _LONGEST_REASON)
    return text if len(text) <= most else f"{text[:most]}..."
