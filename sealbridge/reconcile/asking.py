"""The stores that an ExternalSecret names, found and asked. Knows which of them may be used; no target."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from sealbridge.errors import ClusterError, Invalid, SealbridgeError, StoreError, Unavailable
from sealbridge.reconcile import conditions
from sealbridge.reconcile.cluster import Cluster
from sealbridge.reconcile.kinds import Object, ObjectKey
from sealbridge.reconcile.store_access import STORE_KINDS, check_access, is_foreign, store_key
from sealbridge.reconcile.store_pool import SharedStore, StorePool
from sealbridge.secret import Value
from sealbridge.stores.base import Reference, Search
from sealbridge.sync.assemble import Answers, Found
from sealbridge.sync.model import ExternalSecretSpec, StoreRef
from sealbridge.sync.plan import Question, plan


class Unchecked(Exception):  # noqa: N818 - it ends a pass, it is no failure
    """Nobody has looked at the store yet."""


class Foreign(Exception):  # noqa: N818
    """Another controller takes care of the store, so of the ExternalSecret as well."""


def stores_of(spec: ExternalSecretSpec, namespace: str) -> frozenset[ObjectKey]:
    """The stores that an ExternalSecret of `namespace` names."""
    return frozenset(_key(ref, namespace) for ref in plan(spec))


async def names_foreign_store(
    cluster: Cluster, named: Iterable[tuple[str, str]], namespace: str, controller_class: str
) -> bool:
    """Whether another controller takes care of one of the stores, each given as kind and name."""
    for key in sorted(store_key(kind, name, namespace) for kind, name in named):
        store = await cluster.get(STORE_KINDS[key.kind], key.namespace, key.name)
        if store is not None and is_foreign(store, controller_class):
            return True
    return False


class Asking:
    """One round of questions, for an ExternalSecret of `namespace`.

    `needs` is what the answers depend on. `fresh` shares no answer that was given to somebody else.
    `checked_only`: a store is asked only when its status says that it was found ready.
    """

    def __init__(
        self,
        cluster: Cluster,
        stores: StorePool,
        namespace: str,
        *,
        fresh: bool,
        checked_only: bool = True,
    ) -> None:
        self._cluster = cluster
        self._stores = stores
        self._namespace = namespace
        self._fresh = fresh
        self._checked_only = checked_only
        self.needs: frozenset[ObjectKey] = frozenset()

    async def answers(self, spec: ExternalSecretSpec) -> Mapping[StoreRef, Answers]:
        """What every store says to its questions. Raises Foreign, Unchecked and ClusterError."""
        planned = plan(spec)
        self.needs = stores_of(spec, self._namespace)
        stores = {ref: await self._usable(ref) for ref in planned}
        answers = await asyncio.gather(*(self._ask(store, planned[ref]) for ref, store in stores.items()))
        return dict(zip(stores, answers, strict=True))

    async def _usable(self, ref: StoreRef) -> Object | SealbridgeError:
        """The store's object, or why it cannot be used."""
        key = _key(ref, self._namespace)
        store = await self._cluster.get(STORE_KINDS[key.kind], key.namespace, key.name)
        if store is None:
            place = f' in namespace "{key.namespace}"' if key.namespace else ""
            return Invalid(
                f'there is no {key.kind} "{key.name}"{place}',
                hint="create it, or correct secretStoreRef",
            )
        if is_foreign(store, self._stores.controller_class):
            raise Foreign
        try:
            await check_access(self._cluster, store, self._namespace)
        except ClusterError:
            raise
        except SealbridgeError as error:
            return error
        if not self._checked_only:
            return store
        ready = conditions.condition_of(store, conditions.READY)
        if not ready:
            raise Unchecked
        if ready.get("status") != "True":
            return Unavailable(
                f'{key.kind} "{key.name}" is not ready: {ready.get("message") or ready.get("reason")}'
            )
        return store

    async def _ask(self, store: Object | SealbridgeError, questions: Sequence[Question]) -> Answers:
        if isinstance(store, SealbridgeError):
            return store
        try:
            opened = await self._stores.open(store, self._namespace)
        except SealbridgeError as error:
            self.needs |= self._stores.credentials(store, self._namespace)
            return error
        references = [question for question in questions if isinstance(question, Reference)]
        searches = [question for question in questions if isinstance(question, Search)]
        fetched = await opened.fetch(references, fresh=self._fresh) if references else {}
        found = await asyncio.gather(*(_found(opened, search, fresh=self._fresh) for search in searches))
        answers: dict[Question, Value | Found | StoreError] = {one: fetched[one] for one in references}
        return answers | dict(zip(searches, found, strict=True))


async def _found(store: SharedStore, search: Search, *, fresh: bool) -> Found | StoreError:
    try:
        return await store.find(search, fresh=fresh)
    except StoreError as error:
        return error


def _key(ref: StoreRef, namespace: str) -> ObjectKey:
    return store_key(ref.kind.value, ref.name, namespace)
