"""The stores that a PushSecret names, found. Knows which of them may be used; pushes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from sealbridge.errors import ClusterError, Denied, Invalid, SealbridgeError, Unavailable
from sealbridge.reconcile import conditions
from sealbridge.reconcile.asking import Unchecked
from sealbridge.reconcile.cluster import Cluster
from sealbridge.reconcile.kinds import Object, ObjectKey, key_of
from sealbridge.reconcile.status import being_deleted
from sealbridge.reconcile.store_access import STORE_KINDS, check_access, is_foreign, store_key
from sealbridge.sync.label_selector import LabelSelector
from sealbridge.sync.push_secret import PushSecretSpec, PushStoreRef

# Either the object, or why it cannot be used.
Stores = Mapping[ObjectKey, Object | SealbridgeError]


def any_store(kind: str, namespace: str) -> ObjectKey:
    """Stands for every store of a kind that `namespace` may name: for those who choose by labels."""
    return store_key(kind, "", namespace)


def labelled(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector is there and selects these labels."""
    return selector is not None and selector.matches(labels)


def chooses(ref: PushStoreRef, store: Object) -> bool:
    """Whether a reference means this store."""
    if ref.kind.value != store["kind"]:
        return False
    metadata = store["metadata"]
    if ref.name:
        return ref.name == str(metadata["name"])
    return labelled(ref.label_selector, metadata.get("labels") or {})


class PushStores:
    """One look for stores, for a PushSecret of `namespace`. `needs`: what the answer depends on.

    Stores of another class than `controller_class` are another controller's.
    """

    def __init__(self, cluster: Cluster, namespace: str, controller_class: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._controller_class = controller_class
        self.needs: frozenset[ObjectKey] = frozenset()

    async def of(self, spec: PushSecretSpec) -> Stores:
        """Every store that is ours to push to. Raises ClusterError.

        Those of another controller and those that are being deleted are left out, and so are those
        that labels choose and that this namespace may not use.
        """
        found: dict[ObjectKey, Object | SealbridgeError] = {}
        for ref in spec.secret_store_refs:
            if ref.name:
                key = store_key(ref.kind.value, ref.name, self._namespace)
                self.needs |= {key}
                store = await self._cluster.get(STORE_KINDS[key.kind], key.namespace, key.name)
                found[key] = store if store is not None else self.missing(key)
            else:
                self.needs |= {any_store(ref.kind.value, self._namespace)}
                kind = STORE_KINDS[ref.kind.value]
                namespace = self._namespace if kind.namespaced else None
                for each in await self._cluster.list(kind, namespace=namespace):
                    if chooses(ref, each):
                        found.setdefault(key_of(each), each)
        named = {store_key(r.kind.value, r.name, self._namespace) for r in spec.secret_store_refs if r.name}
        usable: dict[ObjectKey, Object | SealbridgeError] = {}
        for key, one in found.items():
            self.needs |= {key}
            if isinstance(one, SealbridgeError):
                usable[key] = one
            elif not self.is_foreign(one) and not being_deleted(one):
                problem = await self._problem(key, one)
                if not isinstance(problem, Denied) or key in named:
                    usable[key] = problem or one
        return usable

    async def one(self, key: ObjectKey) -> Object | SealbridgeError | None:
        """A store that something was pushed to before; None when it is gone. Raises ClusterError."""
        self.needs |= {key}
        store = await self._cluster.get(STORE_KINDS[key.kind], key.namespace, key.name)
        if store is None:
            return None
        if self.is_foreign(store):
            return store
        return await self._problem(key, store) or store

    def is_foreign(self, store: Object) -> bool:
        """Whether another controller takes care of the store."""
        return is_foreign(store, self._controller_class)

    def missing(self, key: ObjectKey) -> Invalid:
        """There is no such store."""
        place = f' in namespace "{key.namespace}"' if key.namespace else ""
        return Invalid(
            f'there is no {key.kind} "{key.name}"{place}', hint="create it, or correct secretStoreRefs"
        )

    async def _problem(self, key: ObjectKey, store: Object) -> SealbridgeError | None:
        try:
            await check_access(self._cluster, store, self._namespace)
        except ClusterError:
            raise
        except SealbridgeError as error:
            return error
        ready = conditions.condition_of(store, conditions.READY)
        if not ready:
            return _Waiting("it was not checked yet")
        if ready.get("status") != "True":
            return Unavailable(
                f'{key.kind} "{key.name}" is not ready: {ready.get("message") or ready.get("reason")}'
            )
        return None


class _Waiting(Unavailable):
    """Nobody has looked at the store yet."""


def raise_for_unchecked(stores: Stores) -> None:
    """Raises Unchecked when somebody is about to look at one of the stores."""
    if any(isinstance(store, _Waiting) for store in stores.values()):
        raise Unchecked
