"""Which store an ExternalSecret may use. Knows the rules between namespaces and stores; opens nothing.

A cluster store's `spec.conditions` are a security border between tenants, so whatever of them cannot
be read denies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sealbridge.errors import Denied, Invalid
from sealbridge.reconcile.cluster import Cluster
from sealbridge.reconcile.kinds import CLUSTER_SECRET_STORE, SECRET_STORE, Kind, Object, ObjectKey
from sealbridge.stores.config import read_config
from sealbridge.stores.names import matcher
from sealbridge.sync.label_selector import LabelSelector

DEFAULT_CONTROLLER_CLASS = "default"

_CONDITION_FIELDS = frozenset({"namespaces", "namespaceRegexes", "namespaceSelector"})

STORE_KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (SECRET_STORE, CLUSTER_SECRET_STORE)}


def store_key(kind: str, name: str, namespace: str) -> ObjectKey:
    """The key of the store that a reference in `namespace` means. Raises Invalid."""
    found = STORE_KINDS.get(kind or SECRET_STORE.name)
    if found is None:
        raise Invalid(
            f"there is no kind of store {kind}", hint=f"use {SECRET_STORE} or {CLUSTER_SECRET_STORE}"
        )
    return ObjectKey(found.name, namespace if found.namespaced else "", name)


def is_foreign(store: Object, controller_class: str) -> bool:
    """Whether another controller class than `controller_class` takes care of this store."""
    spec = store.get("spec")
    controller = spec.get("controller") if isinstance(spec, dict) else None
    return bool(controller) and controller != controller_class


def check_conditions(store: Object) -> None:
    """Read all conditions of a cluster store, whomever they let in. Raises Invalid."""
    spec = store.get("spec")
    entries = spec.get("conditions") if isinstance(spec, dict) else None
    if store.get("kind") != CLUSTER_SECRET_STORE.name or not entries:
        return
    if not isinstance(entries, list):
        raise Invalid("must be a list", where="spec.conditions")
    for index, entry in enumerate(entries):
        where = f"spec.conditions[{index}]"
        rule = _Condition.of(entry, where)
        if rule.selector is not None:
            _read_selector(rule.selector, f"{where}.namespaceSelector")


async def check_access(cluster: Cluster, store: Object, namespace: str) -> None:
    """Let objects of `namespace` use `store`, or raise Denied. Raises Invalid and ClusterError."""
    spec = store.get("spec")
    entries = spec.get("conditions") if isinstance(spec, dict) else None
    if store.get("kind") != CLUSTER_SECRET_STORE.name or not entries:
        return
    name = store["metadata"]["name"]
    if not isinstance(entries, list):
        raise Invalid("spec.conditions must be a list", where=f"{CLUSTER_SECRET_STORE} {name}")
    labels: Mapping[str, str] | None = None
    for index, entry in enumerate(entries):
        where = f"{CLUSTER_SECRET_STORE} {name}: spec.conditions[{index}]"
        rule = _Condition.of(entry, where)
        if rule.names(namespace):
            return
        if rule.selector is not None:
            if labels is None:
                labels = await cluster.namespace_labels(namespace) or {}
            if selects(rule.selector, labels, f"{where}.namespaceSelector"):
                return
    raise Denied(
        f'using {CLUSTER_SECRET_STORE} "{name}" is not allowed from namespace "{namespace}":'
        " denied by spec.condition",
        hint="add the namespace to spec.conditions of the store, or use another store",
    )


@dataclass(frozen=True, slots=True)
class _Condition:
    namespaces: tuple[str, ...]
    expressions: tuple[Callable[[str], bool], ...]
    selector: Mapping[str, Any] | None

    @classmethod
    def of(cls, entry: object, where: str) -> _Condition:
        if not isinstance(entry, dict):
            raise Invalid("must be a mapping", where=where)
        # What narrows, and has another name than it should, would let everybody in.
        if unknown := sorted(entry.keys() - _CONDITION_FIELDS):
            raise Invalid("there is no such field, or it is not supported yet", where=f"{where}.{unknown[0]}")
        selector = entry.get("namespaceSelector")
        if selector is not None and not isinstance(selector, dict):
            raise Invalid("namespaceSelector must be a mapping", where=where)
        regexes = f"{where}.namespaceRegexes"
        expressions = tuple(matcher(text, regexes) for text in _texts(entry.get("namespaceRegexes"), regexes))
        return cls(_texts(entry.get("namespaces"), f"{where}.namespaces"), expressions, selector)

    def names(self, namespace: str) -> bool:
        return namespace in self.namespaces or any(fits(namespace) for fits in self.expressions)


def _texts(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise Invalid("must be a list of strings", where=where)
    return tuple(value)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str], where: str) -> bool:
    """Whether a metav1.LabelSelector selects these labels; an empty one does. Raises Invalid."""
    return _read_selector(selector, where).matches(labels)


def _read_selector(selector: Mapping[str, Any], where: str) -> LabelSelector:
    read = read_config(selector, LabelSelector, where)
    if reason := read.problem():
        raise Invalid(reason, where=where)
    return read
