"""Tells when key Secrets come, change or go, as it happens. Reads their metadata only, and no key.

A watch is never relied on alone: whoever uses this looks at the keys now and then, too.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping

from sealbridge.errors import ClusterError
from sealbridge.kube.client import METADATA, METADATA_LIST, Client, path_of
from sealbridge.reconcile.kinds import SECRET

log = logging.getLogger("sealbridge.source")

_LASTS = 300  # seconds after which the server ends a watch by itself
_FIRST_DELAY, _LAST_DELAY = 0.5, 30.0  # seconds between two tries
_DENIED_DELAY = 60.0  # seconds after which a right may have been granted


class KeyWatch:
    """Watches the Secrets of one namespace with a label, and the one with a name."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        *,
        label: str,
        name: str,
        changed: Callable[[], None],
    ) -> None:
        """`label` is `key=value`. `changed` is called in the event loop, and must not block."""
        self._client = client
        self._path = path_of(SECRET, namespace)
        self._selections = ({"labelSelector": label}, {"fieldSelector": f"metadata.name={name}"})
        self._changed = changed
        self._complained = False

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for selection in self._selections:
                tasks.create_task(self._follow(selection))

    async def _follow(self, selection: Mapping[str, str]) -> None:
        delay = _FIRST_DELAY
        while True:
            try:
                await self._watch(selection)
                delay = _FIRST_DELAY
                pause = 0.1  # an API server that ends every watch at once is not to be asked without end
            except ClusterError as error:
                pause = random.uniform(delay / 2, delay)  # noqa: S311 - jitter
                delay = min(delay * 2, _LAST_DELAY)
                if error.status == 403:
                    pause = _DENIED_DELAY
                    self._complain(error)
                else:
                    log.debug("the watch on the sealing keys was lost", extra={"error": error.what})
            await asyncio.sleep(pause)

    async def _watch(self, selection: Mapping[str, str]) -> None:
        """One watch from its list to its end. Raises ClusterError."""
        listed = await self._client.request(
            "GET", self._path, accept=METADATA_LIST, params={**selection, "limit": "1"}
        )
        try:
            version = str(listed["metadata"]["resourceVersion"])
        except (KeyError, TypeError):
            raise ClusterError("the list of sealing keys has no version", retryable=True) from None
        # What has happened while nobody watched is unknown.
        self._changed()
        events = self._client.watch(
            self._path,
            accept=METADATA,
            params={**selection, "resourceVersion": version},
            lasts=_LASTS,
        )
        async for event in events:
            if not isinstance(event, dict) or event.get("type") == "ERROR":
                return  # mostly 410: the version is too old, and a new list has another
            self._changed()

    def _complain(self, error: ClusterError) -> None:
        if not self._complained:
            self._complained = True
            log.warning(
                "the sealing keys cannot be watched; they are looked at now and then instead",
                extra={
                    "error": error.what,
                    "hint": "allow get, list and watch on secrets in the operator's own namespace",
                },
            )
