"""The finalizer of a store that PushSecrets are to remove something from. Knows who needs it, no provider.

It has External Secrets Operator's name. Without it, a store that is deleted together with its PushSecrets
would be gone before they have removed what they are to remove.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sealbridge.errors import ClusterError, Conflict
from sealbridge.reconcile.cluster import Cluster
from sealbridge.reconcile.kinds import PUSH_SECRET, SECRET_STORE, Object, ObjectKey, key_of
from sealbridge.reconcile.push_records import read_records
from sealbridge.reconcile.store_access import STORE_KINDS

FINALIZER = "secretstore.externalsecrets.io/finalizer"

_log = logging.getLogger(__name__)


def carries(store: Object) -> bool:
    """Whether the store waits for its PushSecrets before it goes."""
    return FINALIZER in (store["metadata"].get("finalizers") or ())


async def hold(cluster: Cluster, store: Object) -> None:
    """The store is not to go before what is pushed to it. Raises ClusterError."""
    if not carries(store) and not store["metadata"].get("deletionTimestamp"):
        await cluster.set_finalizer(STORE_KINDS[store["kind"]], store, FINALIZER, present=True)


async def release(cluster: Cluster, store: Object) -> Sequence[str]:
    """Take the finalizer off where nobody needs it; returns who does, as `namespace/name`.

    Raises ClusterError of a store that is being deleted; of others it is tried again some day.
    """
    if not carries(store):
        return ()
    key = key_of(store)
    try:
        known = await cluster.list(PUSH_SECRET, namespace=key.namespace or None)
        names = [obj for obj in known if _deletes(obj) and (read_records(obj).get(key) or _names(obj, key))]
        if not names:
            await cluster.set_finalizer(STORE_KINDS[key.kind], store, FINALIZER, present=False)
        return sorted(f"{obj['metadata'].get('namespace')}/{obj['metadata']['name']}" for obj in names)
    except Conflict:
        raise
    except ClusterError as error:
        if store["metadata"].get("deletionTimestamp"):
            raise
        _log.warning("cannot take the finalizer off %s: %s", key, error)
        return ()


def _names(obj: Object, store: ObjectKey) -> bool:
    """Whether a PushSecret that is there to stay names the store: it may be pushing at this moment."""
    refs = obj["spec"].get("secretStoreRefs")
    return not obj["metadata"].get("deletionTimestamp") and any(
        isinstance(ref, dict)
        and (ref.get("kind") or SECRET_STORE.name, ref.get("name")) == (store.kind, store.name)
        for ref in (refs if isinstance(refs, list) else ())
    )


def _deletes(obj: Object) -> bool:
    spec = obj.get("spec")
    return isinstance(spec, dict) and spec.get("deletionPolicy") == "Delete"
