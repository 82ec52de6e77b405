"""The Cluster port on a Kubernetes API. Knows verbs and preconditions; decides nothing about content."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sealbridge.errors import ClusterError, Conflict
from sealbridge.kube.client import JSON, MERGE_PATCH, METADATA, Client, path_of
from sealbridge.kube.discovery import Discovery
from sealbridge.reconcile.cluster import Action, Applied, Owner, Ownership, TargetState
from sealbridge.reconcile.kinds import (
    CLUSTER_SECRET_STORE,
    NAMESPACE,
    SECRET,
    SECRET_STORE,
    SERVICE_ACCOUNT,
    Kind,
    Object,
    ObjectKey,
    key_of,
)
from sealbridge.reconcile.ownership import Plan, decide, state_of
from sealbridge.secret import Secret, Value
from sealbridge.stores.waiting import waiting_since

FIELD_MANAGER = "sealbridge"

_REPLANS = 5  # times that a target is read again because others changed it
_FRESH = 30.0  # seconds for which an object that the watch brought replaces a read
_MOST_FRESH = 4096  # such objects
# Read by everything that uses them.
_SHARED = frozenset({SECRET_STORE.name, CLUSTER_SECRET_STORE.name})
_MOST_SHARED = 1024
_MOST_STATES = 16384  # the same for targets, of which little is kept
_MOST_KNOWN = 65536  # targets whose existence is remembered


class Recorder(Protocol):
    """Where events go."""

    async def record(self, about: Object, *, type_: str, reason: str, message: str) -> None:
        """Post or count the event. Never fails."""


# Told of every target seen or written: its namespace, name and resourceVersion, None when it is gone.
Witness = Callable[[str, str, str | None], None]


def nobody(namespace: str, name: str, resource_version: str | None) -> None:
    """A witness that looks away."""


class KubernetesCluster:
    """Implements `reconcile.cluster.Cluster`. For the tasks of one event loop."""

    def __init__(
        self,
        client: Client,
        recorder: Recorder,
        *,
        discovery: Discovery | None = None,
        witness: Witness = nobody,
        monotonic: Callable[[], float] = time.monotonic,
        share_for: float = 0.0,
    ) -> None:
        """`share_for`: seconds for which one read of a store serves all who have waited since before it.
        `monotonic` is the clock of the event loop then."""
        self._client = client
        self._recorder = recorder
        self._discovery = discovery or Discovery(client)
        self._witness = witness
        self._monotonic = monotonic
        self._share_for = share_for
        self._fresh: OrderedDict[ObjectKey, tuple[float, Object]] = OrderedDict()
        self._shared: OrderedDict[ObjectKey, tuple[float, Object]] = OrderedDict()
        self._changes = 0  # of what may be shared: a read that was under way meanwhile is nobody else's
        self._states: OrderedDict[tuple[str, str], tuple[float, TargetState]] = OrderedDict()
        self._present: OrderedDict[tuple[str, str], None] = OrderedDict()

    def offer(self, obj: Object, *, renew: bool = False) -> None:
        """An object as a watch has just brought it: the next `get` within half a minute takes it.

        It saves one read an object. Memory stays bounded: what exceeds it is read as usual. `renew`:
        only instead of an earlier one that nobody has taken yet. Of a Secret, which comes as metadata,
        the next `target_state` takes it: a start with ten thousand targets reads none of them alone."""
        key = key_of(obj)
        if key.kind == SECRET.name:
            name = (key.namespace, key.name)
            self._states[name] = (self._monotonic(), state_of(obj))
            self._states.move_to_end(name)
            if len(self._states) > _MOST_STATES:
                self._states.popitem(last=False)
            return
        self._unshare(key)
        if renew and key not in self._fresh:
            return
        self._fresh[key] = (self._monotonic(), obj)
        self._fresh.move_to_end(key)
        if len(self._fresh) > _MOST_FRESH:
            self._fresh.popitem(last=False)

    def withdraw(self, key: ObjectKey) -> None:
        """What was offered for `key` is no longer true."""
        self._fresh.pop(key, None)
        self._unshare(key)
        if key.kind == SECRET.name:
            self._states.pop((key.namespace, key.name), None)

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """One object with its apiVersion and kind, or None."""
        key = ObjectKey(kind.name, namespace, name)
        offered = self._fresh.pop(key, None)
        if offered is not None and self._monotonic() - offered[0] <= _FRESH:
            self._share(key, *offered)
            return offered[1]
        shared, since = self._shared.get(key), waiting_since.get()
        if (
            shared is not None
            and since is not None
            and since <= shared[0] > self._monotonic() - self._share_for
        ):
            return shared[1]
        version = await self._discovery.version(kind)
        if version is None:
            return None
        began, changes = self._monotonic(), self._changes
        obj: Object | None = await self._client.get(path_of(kind, namespace, name, version=version))
        if obj is not None and changes == self._changes:
            self._share(key, began, obj)
        return obj

    def _share(self, key: ObjectKey, at: float, obj: Object) -> None:
        if key.kind in _SHARED:
            self._shared[key] = (at, obj)
            self._shared.move_to_end(key)
            if len(self._shared) > _MOST_SHARED:
                self._shared.popitem(last=False)

    def _unshare(self, key: ObjectKey) -> None:
        if key.kind in _SHARED:
            self._shared.pop(key, None)
            self._changes += 1

    async def list(
        self, kind: Kind, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Object]:
        """All objects of a kind, each with its apiVersion and kind."""
        return await self._list(kind, namespace=namespace, labels=labels)

    async def list_named(self, kind: Kind, name: str) -> Sequence[Object]:
        """The objects of this name in all namespaces."""
        return await self._list(kind, name=name)

    async def list_metadata(
        self, kind: Kind, *, namespace: str | None = None, labels: Mapping[str, str] | str | None = None
    ) -> Sequence[Object]:
        """The metadata alone of all objects of a kind; `labels` may be a selector."""
        return await self._list(kind, namespace=namespace, labels=labels, metadata_only=True)

    async def get_secret(self, namespace: str, name: str) -> Secret | None:
        """One Secret with its values, or None."""
        obj = await self._client.get(path_of(SECRET, namespace, name))
        return None if obj is None else Secret.from_manifest(obj)

    async def list_secrets(self, namespace: str, *, labels: Mapping[str, str]) -> Sequence[Secret]:
        """The Secrets of one namespace that carry `labels`, oldest first."""
        found = await self._list(SECRET, namespace=namespace, labels=labels)
        found.sort(key=lambda obj: (obj["metadata"].get("creationTimestamp") or "", obj["metadata"]["name"]))
        return [Secret.from_manifest(obj) for obj in found]

    async def target_state(self, namespace: str, name: str) -> TargetState | None:
        """A Secret's metadata, or None; its values do not travel."""
        offered = self._states.pop((namespace, name), None)
        if offered is not None and self._monotonic() - offered[0] <= _FRESH:
            self._seen(namespace, name, offered[1].resource_version)
            return offered[1]
        obj = await self._client.get(path_of(SECRET, namespace, name), accept=METADATA)
        if obj is None:
            self._seen(namespace, name, None)
            return None
        state = state_of(obj)
        self._seen(namespace, name, state.resource_version)
        return state

    async def create_secret(self, secret: Secret) -> Secret:
        """Store a Secret that must not exist yet; the server replaces a final `*` of its name."""
        document = secret.to_manifest()
        if secret.name.endswith("-*"):
            document["metadata"]["generateName"] = document["metadata"].pop("name").removesuffix("*")
        return Secret.from_manifest(await self._post(secret.namespace, document, FIELD_MANAGER))

    async def apply_secret(self, secret: Secret, *, owner: Owner, ownership: Ownership) -> Applied:
        """Make the target so.

        A target that is not known to exist is created outright, which saves a read; when it does exist
        after all, it is read and planned for as any other.
        """
        namespace, name = secret.namespace, secret.name
        probe = ownership is Ownership.MERGE or (namespace, name) in self._present
        for _ in range(_REPLANS):
            existing: Object | None = None
            if probe:
                existing = await self._client.get(path_of(SECRET, namespace, name))
            probe = True
            plan = decide(existing, secret, owner, ownership)
            if plan.action is Action.ABSENT:
                self._seen(namespace, name, None)
                return Applied(action=plan.action, uid="", resource_version="", ours=plan.ours)
            try:
                written = await self._write(plan, existing, namespace, name, owner.field_manager)
            except Conflict:
                continue
            metadata = written["metadata"]
            self._seen(namespace, name, metadata["resourceVersion"])
            return Applied(
                action=plan.action,
                uid=metadata["uid"],
                resource_version=metadata["resourceVersion"],
                added=plan.added,
                updated=plan.updated,
                removed=plan.removed,
                ours=plan.ours,
            )
        raise Conflict(
            "others keep changing the Secret",
            where=f"Secret {namespace}/{name}",
            hint="look at its managedFields for who does",
        )

    async def delete_secret(self, namespace: str, name: str, *, uid: str) -> bool:
        """Delete a Secret if it still has this uid. True when it was there."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        try:
            await self._client.request("DELETE", path_of(SECRET, namespace, name), body=body)
        except ClusterError as error:
            if error.status in {404, 409}:
                return False
            raise
        self._seen(namespace, name, None)
        return True

    async def create_object(self, kind: Kind, obj: Object) -> Object:
        """Store an object that must not exist yet, in the version that is served."""
        return await self._store("POST", kind, obj)

    async def replace_object(self, kind: Kind, obj: Object) -> Object:
        """Store an object in place of the very version that it was read in."""
        return await self._store("PUT", kind, obj)

    async def delete_object(self, kind: Kind, obj: Object) -> bool:
        """Delete an object if it still has this uid. True when it was there."""
        metadata = obj["metadata"]
        version = str(obj.get("apiVersion", "")).rpartition("/")[2]
        path = path_of(kind, metadata.get("namespace"), metadata["name"], version=version)
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": metadata["uid"]}}
        try:
            await self._client.request("DELETE", path, body=body)
        except ClusterError as error:
            if error.status in {404, 409}:
                return False
            raise
        return True

    async def patch_status(self, kind: Kind, obj: Object, status: Object) -> None:
        """Replace the top-level fields of the status that `status` names; null removes one.

        The status speaks of the very object that was read: one that was edited or made anew since is
        a Conflict. What does not concern a status, as finalizers do not, is read again and patched.
        """
        metadata = obj["metadata"]
        version = str(obj.get("apiVersion", "")).rpartition("/")[2]
        path = path_of(kind, metadata.get("namespace"), metadata["name"], version=version)
        now: Object | None = obj
        for _ in range(_REPLANS):
            if now is None:
                return
            if _identity(now) != _identity(obj):
                raise Conflict("the object was changed while it was worked on", where=path)
            try:
                await self._client.request(
                    "PUT",
                    f"{path}/status",
                    body=_with_status(now, status),
                    accept=METADATA,
                    params={"fieldManager": FIELD_MANAGER},
                    sensitive=True,  # the spec goes along: plain values of templates and fake stores
                )
                self._unshare(ObjectKey(kind.name, metadata.get("namespace") or "", metadata["name"]))
                return
            except ClusterError as error:
                if error.status not in {404, 409}:
                    raise
                now = await self._client.get(path)
        raise Conflict("others keep changing the object", where=path)

    async def set_finalizer(self, kind: Kind, obj: Object, finalizer: str, *, present: bool) -> Object:
        """Put a finalizer on an object or take it off; returns the object as it is then."""
        metadata = obj["metadata"]
        version = str(obj.get("apiVersion", "")).rpartition("/")[2]
        path = path_of(kind, metadata.get("namespace"), metadata["name"], version=version)
        now: Object | None = obj
        for _ in range(_REPLANS):
            if now is None:
                return obj
            if _identity(now) != _identity(obj):
                raise Conflict("the object was changed while it was worked on", where=path)
            there = now["metadata"].get("finalizers") or []
            if (finalizer in there) is present:
                return now
            wanted = [*there, finalizer] if present else [one for one in there if one != finalizer]
            change = {"resourceVersion": now["metadata"]["resourceVersion"], "finalizers": wanted}
            try:
                written: Object = await self._client.request(
                    "PATCH",
                    path,
                    body={"metadata": change},
                    content_type=MERGE_PATCH,
                    params={"fieldManager": FIELD_MANAGER},
                )
                return written
            except ClusterError as error:
                if error.status not in {404, 409}:
                    raise
                now = await self._client.get(path)
        raise Conflict("others keep changing the object", where=path)

    async def record_event(self, about: Object, *, type_: str, reason: str, message: str) -> None:
        """Tell people. Never fails."""
        await self._recorder.record(about, type_=type_, reason=reason, message=message)

    async def namespace_labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels of a namespace, or None when there is none."""
        obj = await self._client.get(path_of(NAMESPACE, name=namespace), accept=METADATA)
        return None if obj is None else obj["metadata"].get("labels") or {}

    async def service_account_token(
        self, namespace: str, name: str, *, audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        """A token of a service account, by TokenRequest."""
        if not namespace or not name:
            raise ClusterError(f"{name!r} cannot be the name of a {SERVICE_ACCOUNT}")
        answer = await self._client.request(
            "POST",
            path_of(SERVICE_ACCOUNT, namespace, name, sub="token"),
            body={
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {"audiences": list(audiences), "expirationSeconds": expiration_seconds},
            },
        )
        return Value(answer["status"]["token"].encode())

    async def _write(
        self, plan: Plan, existing: Object | None, namespace: str, name: str, manager: str
    ) -> Object:
        if plan.action is Action.CREATED:
            return await self._post(namespace, plan.manifest or {}, manager, accept=METADATA)
        if plan.action is Action.UNCHANGED:
            return existing or {}
        replaced: Object = await self._client.request(
            "PUT",
            path_of(SECRET, namespace, name),
            body=plan.manifest,
            accept=METADATA,
            params={"fieldManager": manager},
            sensitive=True,
        )
        return replaced

    async def _post(self, namespace: str, document: Object, manager: str, *, accept: str = JSON) -> Object:
        created: Object = await self._client.request(
            "POST",
            path_of(SECRET, namespace),
            body=document,
            accept=accept,
            params={"fieldManager": manager},
            sensitive=True,
        )
        return created

    async def _store(self, verb: str, kind: Kind, obj: Object) -> Object:
        version = await self._discovery.version(kind) or kind.versions[0]
        metadata = obj["metadata"]
        name = None if verb == "POST" else metadata["name"]
        stored: Object = await self._client.request(
            verb,
            path_of(kind, metadata.get("namespace"), name, version=version),
            body={**obj, "apiVersion": f"{kind.group}/{version}" if kind.group else version},
            params={"fieldManager": FIELD_MANAGER},
            sensitive=True,  # a template may hold plain values
        )
        return stored

    async def _list(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | str | None = None,
        name: str = "",
        metadata_only: bool = False,
    ) -> builtins.list[Object]:
        version = await self._discovery.version(kind)
        if version is None:
            return []
        path = path_of(kind, namespace, version=version)
        found: dict[tuple[str, str], Object] = {}
        async for page in self._client.pages(path, labels=labels, name=name, metadata_only=metadata_only):
            for obj in page:
                # Items of a list carry neither; those of a metadata list carry the wrong ones.
                obj["apiVersion"] = f"{kind.group}/{version}" if kind.group else version
                obj["kind"] = kind.name
                found[obj["metadata"].get("namespace") or "", obj["metadata"]["name"]] = obj
            # A page of many objects takes a while: let the others on.
            await asyncio.sleep(0)
        return list(found.values())

    def _seen(self, namespace: str, name: str, resource_version: str | None) -> None:
        self._states.pop((namespace, name), None)
        if resource_version is None:
            self._present.pop((namespace, name), None)
        else:
            self._present[namespace, name] = None
            self._present.move_to_end((namespace, name))
            if len(self._present) > _MOST_KNOWN:
                self._present.popitem(last=False)
        self._witness(namespace, name, resource_version)


def _identity(obj: Object) -> tuple[object, ...]:
    """What a status speaks of: this object, with this spec and these labels and annotations."""
    metadata = obj["metadata"]
    return (
        metadata.get("uid"),
        metadata.get("generation"),
        metadata.get("labels") or {},
        metadata.get("annotations") or {},
    )


def _with_status(obj: Object, status: Object) -> Object:
    """The object with these status fields, to replace its status with.

    Replacing is the one way in which an API server heeds both uid and resourceVersion: for the status
    of a custom resource it ignores the uid of a merge patch.
    """
    current = obj.get("status")
    merged = {**(current if isinstance(current, dict) else {}), **status}
    return {**obj, "status": {name: value for name, value in merged.items() if value is not None}}
