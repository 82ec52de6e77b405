"""Which PushSecret takes which Secrets, as their specs say. Knows names and labels, no value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sealbridge.errors import Invalid
from sealbridge.reconcile.kinds import Object, ObjectKey
from sealbridge.reconcile.store_access import selects


class Sources:
    """Names and selectors by PushSecret; `changed` is called when other namespaces hold some."""

    def __init__(self) -> None:
        self._by_namespace: dict[str, dict[ObjectKey, Mapping[str, Any]]] = {}
        self.changed: Callable[[], None] = lambda: None

    @property
    def namespaces(self) -> frozenset[str]:
        """Where there is a PushSecret that takes a Secret."""
        return frozenset(self._by_namespace)

    def set(self, key: ObjectKey, obj: Object | None) -> None:
        """A PushSecret as it is now; None when it is gone."""
        before = self.namespaces
        there = self._by_namespace.setdefault(key.namespace, {})
        secret = _secret(obj)
        if secret:
            there[key] = secret
        else:
            there.pop(key, None)
        if not there:
            del self._by_namespace[key.namespace]
        if self.namespaces != before:
            self.changed()

    def concerned(self, namespace: str, name: str, labels: Mapping[str, str]) -> list[ObjectKey]:
        """Whose source such a Secret is, in a stable order."""
        there = self._by_namespace.get(namespace, {})
        return sorted(key for key, secret in there.items() if _takes(secret, name, labels))


def _secret(obj: Object | None) -> Mapping[str, Any]:
    inner: Any = obj
    for field in ("spec", "selector", "secret"):
        inner = inner.get(field) if isinstance(inner, dict) else None
    return inner if isinstance(inner, dict) else {}


def _takes(secret: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> bool:
    if secret.get("name"):
        return bool(secret["name"] == name)
    selector = secret.get("selector")
    try:
        return isinstance(selector, dict) and selects(selector, labels, "selector")
    except Invalid:
        return False
