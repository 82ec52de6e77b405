"""The finalizer of an ExternalSecret: which one needs it, and what is done before it goes.

It has External Secrets Operator's name: what that one has left behind is taken off where it is not needed,
so that nothing stays stuck after moving over.
"""

from __future__ import annotations

import logging

from sealbridge.errors import ClusterError, Conflict, NotOwned
from sealbridge.reconcile.cluster import Cluster, Owner
from sealbridge.reconcile.kinds import EXTERNAL_SECRET, SECRET_STORE, Object
from sealbridge.reconcile.ownership import belongs_to
from sealbridge.reconcile.store_access import STORE_KINDS

FINALIZER = "externalsecrets.external-secrets.io/externalsecret-cleanup"

_log = logging.getLogger(__name__)


def carries(obj: Object) -> bool:
    """Whether the object waits for us before it goes."""
    return FINALIZER in (obj["metadata"].get("finalizers") or ())


def is_needed(obj: Object) -> bool:
    """Whether the target is to go with the ExternalSecret, whatever the garbage collector does.

    Reads the object as it is: one that cannot be understood must not be stuck either.
    """
    target = _target(obj)
    return target.get("deletionPolicy") == "Delete" and target.get("creationPolicy") in (None, "", "Owner")


def is_settled(obj: Object) -> bool:
    """Whether the object carries the finalizer exactly where it needs it."""
    return carries(obj) is is_needed(obj)


async def settle(cluster: Cluster, obj: Object) -> Object:
    """Put the finalizer on where it is needed, else take it off; returns the object as it is then.

    Raises ClusterError when one that is needed cannot be put on: without it the promise to delete would
    be an empty one.
    """
    if is_settled(obj):
        return obj
    needed = is_needed(obj)
    try:
        return await cluster.set_finalizer(EXTERNAL_SECRET, obj, FINALIZER, present=needed)
    except Conflict:
        raise
    except ClusterError as error:
        if needed:
            raise
        _log.warning("cannot take the finalizer off %s: %s", obj["metadata"]["name"], error)
        return obj


def targets_of(obj: Object) -> tuple[str, ...]:
    """The names of the Secrets that an ExternalSecret makes or has made last."""
    binding = _mapping(_mapping(obj.get("status")).get("binding"))
    names = (_target(obj).get("name") or obj["metadata"]["name"], binding.get("name"))
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def stores_of(obj: Object) -> tuple[tuple[str, str], ...]:
    """Kind and name of every store that an ExternalSecret names, whatever else is wrong with it."""
    spec = _mapping(obj.get("spec"))
    refs = [spec.get("secretStoreRef")]
    for field in ("data", "dataFrom"):
        entries = spec.get(field)
        refs += [
            _mapping(_mapping(entry).get("sourceRef")).get("storeRef")
            for entry in (entries if isinstance(entries, list) else ())
        ]
    found = ((_mapping(ref).get("kind") or SECRET_STORE.name, _mapping(ref).get("name")) for ref in refs)
    return tuple(
        dict.fromkeys(
            (kind, name) for kind, name in found if kind in STORE_KINDS and isinstance(name, str) and name
        )
    )


async def delete_target(cluster: Cluster, owner: Owner, namespace: str, name: str) -> bool:
    """Delete a target that belongs to its ExternalSecret. True when it was there.

    Raises NotOwned for one that does not, and ClusterError.
    """
    secret = await cluster.get_secret(namespace, name)
    if secret is None:
        return False
    if not belongs_to(secret, owner):
        raise not_of_this(name)
    return await cluster.delete_secret(namespace, name, uid=str(secret.metadata.get("uid") or ""))


def not_of_this(name: str) -> NotOwned:
    """The error of a target that is somebody else's to delete."""
    return NotOwned(f'Secret "{name}" does not belong to this ExternalSecret, so it stays')


def _target(obj: Object) -> Object:
    return _mapping(_mapping(obj.get("spec")).get("target"))


def _mapping(value: object) -> Object:
    return value if isinstance(value, dict) else {}
