"""Tells which Secrets come, change or go in the namespaces of interest. Reads metadata, and no value.

One watch a namespace; over all of them when they are many and all may be watched.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sealbridge.errors import ClusterError
from sealbridge.kube.client import METADATA, METADATA_LIST, PAGE, Client, Observer, ignore, path_of
from sealbridge.kube.config import Connection
from sealbridge.reconcile.kinds import SECRET

log = logging.getLogger("sealbridge.source")

EVERYWHERE = ""
MANY = 8  # namespaces from which on one watch over all is less work
_LASTS = 300  # seconds after which the server ends a watch by itself
_FIRST_DELAY, _LAST_DELAY = 0.5, 30.0  # seconds between two tries
_DENIED_DELAY = 60.0  # seconds after which a right may have been granted

_Seen = dict[tuple[str, str], tuple[str, Mapping[str, str]]]  # version and labels, by namespace and name


class Interest(Protocol):
    """Where Secrets are of interest."""

    changed: Callable[[], None]

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces."""


class SecretWatch:
    """Watches as long as it runs; has connections of its own, which it keeps busy."""

    def __init__(
        self,
        connection: Connection,
        interest: Interest,
        changed: Callable[[str, str, Mapping[str, str]], None],
        *,
        everywhere: bool,
        observe: Observer = ignore,
    ) -> None:
        """`changed` gets namespace, name and labels, with the labels of before and of now when they differ.

        `everywhere`: whether one watch may go over all namespaces."""
        self._client = Client(connection, observe=observe)
        self._interest = interest
        self._changed = changed
        self._everywhere = everywhere
        self._news = asyncio.Event()
        self._complained = False
        interest.changed = self._news.set

    async def run(self) -> None:
        """Watch until cancelled."""
        watches: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                wanted = self._wanted()
                for name in watches.keys() - wanted:
                    watches.pop(name).cancel()
                for name in wanted - watches.keys():
                    watches[name] = asyncio.create_task(self._follow(name))
                await self._news.wait()
                self._news.clear()
        finally:
            for task in watches.values():
                task.cancel()
            await asyncio.gather(*watches.values(), return_exceptions=True)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _wanted(self) -> frozenset[str]:
        namespaces = self._interest.namespaces
        return frozenset({EVERYWHERE}) if self._everywhere and len(namespaces) > MANY else namespaces

    async def _follow(self, namespace: str) -> None:
        delay = _FIRST_DELAY
        seen: _Seen | None = None
        version = ""
        while True:
            try:
                if not version:
                    version, seen = await self._list(namespace, seen)
                version = await self._watch(namespace, version, seen if seen is not None else {})
                delay = _FIRST_DELAY
                pause = 0.1  # an API server that ends every watch at once is not to be asked without end
            except ClusterError as error:
                version = ""
                pause = random.uniform(delay / 2, delay)  # noqa: S311 - jitter
                delay = min(delay * 2, _LAST_DELAY)
                if error.status == 403:
                    pause = _DENIED_DELAY
                    self._complain(namespace, error)
                else:
                    log.debug("the watch on Secrets was lost", extra={"error": error.what})
            except (KeyError, TypeError, AttributeError) as error:
                version, pause = "", _LAST_DELAY
                log.warning(
                    "the watch on Secrets has brought nonsense", extra={"error": type(error).__name__}
                )
            await asyncio.sleep(pause)

    async def _list(self, namespace: str, before: _Seen | None) -> tuple[str, _Seen]:
        """Everything there is now, and from which version on to watch. What differs is told."""
        path = path_of(SECRET, namespace or None)
        seen: _Seen = {}
        version, token = "", ""
        while True:
            params = {"limit": str(PAGE)} | ({"continue": token} if token else {})
            page = await self._client.request("GET", path, accept=METADATA_LIST, params=params)
            try:
                version = version or str(page["metadata"]["resourceVersion"])
                token = page["metadata"].get("continue") or ""
            except (KeyError, TypeError):
                raise ClusterError("the list of Secrets has no version", retryable=True) from None
            for obj in page.get("items") or []:
                seen.update([_entry(obj)])
            if not token:
                break
        if before is None:
            # Whoever is interested has not looked yet, or did so before this was watched.
            before = {}
        for name in before.keys() | seen.keys():
            old, new = before.get(name), seen.get(name)
            if old is None or new is None or old[0] != new[0]:
                self._tell(name, old, new)
        return version, seen

    async def _watch(self, namespace: str, version: str, seen: _Seen) -> str:
        """One watch to its end; the version to go on from, empty when only a new list helps."""
        events = self._client.watch(
            path_of(SECRET, namespace or None),
            accept=METADATA,
            params={"resourceVersion": version, "allowWatchBookmarks": "true"},
            lasts=_LASTS,
        )
        async for event in events:
            if not isinstance(event, dict) or event.get("type") == "ERROR":
                return ""  # mostly 410: the version is too old, and a new list has another
            obj = event.get("object") or {}
            version = str((obj.get("metadata") or {}).get("resourceVersion") or version)
            if event.get("type") == "BOOKMARK":
                continue
            name, entry = _entry(obj)
            old = seen.get(name)
            if event.get("type") == "DELETED":
                seen.pop(name, None)
                self._tell(name, old or entry, None)
            else:
                seen[name] = entry
                self._tell(name, old, entry)
        return version

    def _tell(
        self,
        name: tuple[str, str],
        old: tuple[str, Mapping[str, str]] | None,
        new: tuple[str, Mapping[str, str]] | None,
    ) -> None:
        labels = [entry[1] for entry in (old, new) if entry is not None]
        for number, one in enumerate(labels):
            if not number or one != labels[0]:
                self._changed(*name, one)

    def _complain(self, namespace: str, error: ClusterError) -> None:
        if not self._complained:
            self._complained = True
            log.warning(
                "the Secrets that are pushed cannot be watched; changes are pushed at the next refresh",
                extra={
                    "namespace": namespace or None,
                    "error": error.what,
                    "hint": "allow list and watch on secrets there",
                },
            )


def _entry(obj: Any) -> tuple[tuple[str, str], tuple[str, Mapping[str, str]]]:
    metadata = obj["metadata"]
    name = (metadata.get("namespace") or "", metadata["name"])
    return name, (str(metadata.get("resourceVersion") or ""), metadata.get("labels") or {})
