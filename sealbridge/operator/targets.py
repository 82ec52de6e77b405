"""The Secrets that we look after: whose they are and which version we left. Knows no values.

A Secret of another version than the one we left has been changed by somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator

from sealbridge.reconcile.kinds import ObjectKey

Name = tuple[str, str]  # namespace and name of a Secret


class Targets:
    """Bounded by the number of objects in the cluster: what goes is forgotten."""

    def __init__(self) -> None:
        self._versions: dict[Name, str] = {}
        self._owners: dict[Name, tuple[ObjectKey, ...]] = {}
        self._owned: dict[ObjectKey, Name] = {}

    def witness(self, namespace: str, name: str, resource_version: str | None) -> None:
        """We have just read or written this version; None: there is none."""
        if resource_version is None:
            self._versions.pop((namespace, name), None)
        else:
            self._versions[namespace, name] = resource_version

    def assign(self, target: ObjectKey, owner: ObjectKey) -> None:
        """`owner` makes `target`, alone or with others, and no longer what it made before."""
        name = (target.namespace, target.name)
        former = self._owned.get(owner)
        if former is not None and former != name:
            self._forget(former, owner)
        self._owned[owner] = name
        others = [one for one in self._owners.get(name, ()) if one != owner]
        self._owners[name] = (*others, owner)

    def release(self, owner: ObjectKey) -> None:
        """`owner` is gone."""
        name = self._owned.pop(owner, None)
        if name is not None:
            self._forget(name, owner)

    def owners(self, namespace: str, name: str) -> tuple[ObjectKey, ...]:
        """Whose Secret this is, as far as we have made it in this life; several may merge into one."""
        return self._owners.get((namespace, name), ())

    def version(self, namespace: str, name: str) -> str | None:
        """The version that we left."""
        return self._versions.get((namespace, name))

    def is_news(self, namespace: str, name: str, resource_version: str) -> bool:
        """Whether this version is newer than the one that we left."""
        left = self._versions.get((namespace, name))
        if left is None:
            return True
        if left.isdecimal() and resource_version.isdecimal():
            # A watch may bring what we have overwritten since.
            return int(resource_version) > int(left)
        return left != resource_version

    def __iter__(self) -> Iterator[tuple[Name, tuple[ObjectKey, ...]]]:
        return iter(list(self._owners.items()))

    def _forget(self, name: Name, owner: ObjectKey) -> None:
        others = tuple(one for one in self._owners.get(name, ()) if one != owner)
        if others:
            self._owners[name] = others
        elif self._owners.pop(name, None) is not None:
            self._versions.pop(name, None)
