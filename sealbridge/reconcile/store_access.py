"""Which store an ExternalSecret may use. Knows the rules between namespaces and stores; opens nothing.

A cluster store's `spec.conditions` are a security border between tenants, so whatever of them cannot
be read denies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealbridge.errors import Denied, Invalid
from sealbridge.reconcile.cluster import Cluster
from sealbridge.reconcile.kinds import CLUSTER_SECRET_STORE, SECRET_STORE, Kind, Object, ObjectKey

DEFAULT_CONTROLLER_CLASS = "default"

STORE_KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (SECRET_STORE, CLUSTER_SECRET_STORE)}


def store_key(kind: str, name: str, namespace: str) -> ObjectKey:
    """The key of the store that a reference in `namespace` means. Raises Invalid."""
    found = STORE_KINDS.get(kind or SECRET_STORE.name)
    if found is None:
        raise Invalid(
            f"there is no kind of store {kind}", hint=f"use {SECRET_STORE} or {CLUSTER_SECRET_STORE}"
        )
    return ObjectKey(found.name, namespace if found.namespaced else "", name)


def is_foreign(store: Object) -> bool:
    """Whether another controller class takes care of this store."""
    spec = store.get("spec")
    controller = spec.get("controller") if isinstance(spec, dict) else None
    return bool(controller) and controller != DEFAULT_CONTROLLER_CLASS


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
    expressions: tuple[re.Pattern[str], ...]
    selector: Mapping[str, Any] | None

    @classmethod
    def of(cls, entry: object, where: str) -> _Condition:
        if not isinstance(entry, dict):
            raise Invalid("must be a mapping", where=where)
        selector = entry.get("namespaceSelector")
        if selector is not None and not isinstance(selector, dict):
            raise Invalid("namespaceSelector must be a mapping", where=where)
        expressions = []
        for text in _texts(entry.get("namespaceRegexes"), f"{where}.namespaceRegexes"):
            try:
                expressions.append(re.compile(text, re.ASCII))
            except re.error:
                raise Invalid("is no regular expression", where=f"{where}.namespaceRegexes") from None
        return cls(_texts(entry.get("namespaces"), f"{where}.namespaces"), tuple(expressions), selector)

    def names(self, namespace: str) -> bool:
        return namespace in self.namespaces or any(e.search(namespace) for e in self.expressions)


def _texts(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise Invalid("must be a list of strings", where=where)
    return tuple(value)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str], where: str) -> bool:
    """Whether a metav1.LabelSelector selects these labels; an empty one does. Raises Invalid."""
    wanted, expressions = selector.get("matchLabels") or {}, selector.get("matchExpressions") or []
    if not isinstance(wanted, dict) or not isinstance(expressions, list):
        raise Invalid("matchLabels must be a mapping and matchExpressions a list", where=where)
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _matches(expression, labels, f"{where}.matchExpressions") for expression in expressions
    )


def _matches(expression: object, labels: Mapping[str, str], where: str) -> bool:
    if not isinstance(expression, dict):
        raise Invalid("must be a mapping", where=where)
    key, operator = expression.get("key"), expression.get("operator")
    values = _texts(expression.get("values"), f"{where}.values")
    if not isinstance(key, str):
        raise Invalid("needs a key", where=where)
    match operator:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise Invalid(f"operator {operator} is none of In, NotIn, Exists, DoesNotExist", where=where)
