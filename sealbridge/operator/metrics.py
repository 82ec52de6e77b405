"""What is counted. Knows names of metrics, upstream's where a dashboard of theirs reads them.

Labels hold names of objects, never a value.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

import sealbridge
from sealbridge.errors import ClusterError, Conflict, Immutable, NotOwned
from sealbridge.operator.queue import WorkQueue
from sealbridge.reconcile.kinds import (
    CLUSTER_EXTERNAL_SECRET,
    CLUSTER_SECRET_STORE,
    EXTERNAL_SECRET,
    PUSH_SECRET,
    SEALED_SECRET,
    SECRET_STORE,
    ObjectKey,
)
from sealbridge.reconcile.result import Outcome, Result

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SEALED = "sealed_secrets_controller"
_INSTANCE_LABEL = "app.kubernetes.io/instance"
_STATUS_LABELS = ("name", "namespace", "condition", "status")


class Metrics:
    """One registry of its own. `omit_names`: nothing names a SealedSecret."""

    def __init__(self, *, omit_names: bool = False) -> None:
        self._omit_names = omit_names
        # When a counter began to count is of no use to anybody and doubles the page.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        registry = self.registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        Gauge(
            "sealbridge_build_info", "The version that runs, as a label.", ["version"], registry=registry
        ).labels(sealbridge.__version__).set(1)
        Gauge(
            f"{_SEALED}_build_info", "The same under upstream's name.", ["revision"], registry=registry
        ).labels(sealbridge.__version__).set(1)
        self._decryptions = Counter(
            "sealbridge_decryptions", "Sealed values that were opened or tried.", registry=registry
        )
        self._requests = Counter(
            "sealbridge_api_requests",
            "Requests to the API server; code 0 is no answer.",
            ["verb", "resource", "code"],
            registry=registry,
        )
        self._duration = Histogram(
            "sealbridge_reconcile_duration_seconds",
            "Time of one look at one object.",
            ["kind", "outcome"],
            buckets=_DURATIONS,
            registry=registry,
        )
        self._drift = Counter(
            "sealbridge_drift",
            "Changes of targets by others that were noticed.",
            ["namespace"],
            registry=registry,
        )
        self._restarts = Counter(
            "sealbridge_watch_restarts", "Times that the watch had to be started anew.", registry=registry
        )
        self._synced = Gauge(
            "sealbridge_last_sweep_timestamp_seconds", "When a sweep last went through.", registry=registry
        )
        self._unseals = Counter(
            f"{_SEALED}_unseal_requests", "SealedSecrets that were unsealed or tried.", registry=registry
        )
        self._unseal_errors = Counter(
            f"{_SEALED}_unseal_errors",
            "SealedSecrets that could not be unsealed.",
            ["reason", "namespace"],
            registry=registry,
        )
        self._sealed_condition = Gauge(
            f"{_SEALED}_condition_info",
            "The condition of a SealedSecret: 1 true, -1 false, 0 unknown.",
            ["namespace", "name", "condition", "ss_app_kubernetes_io_instance"],
            registry=registry,
        )
        self._answers = Counter(
            f"{_SEALED}_http_requests",
            "Requests to the endpoints under /v1.",
            ["path", "code", "method"],
            registry=registry,
        )
        self._answer_duration = Histogram(
            f"{_SEALED}_http_request_duration_seconds",
            "Time until a request was answered.",
            ["path", "method"],
            registry=registry,
        )
        self._sync_calls = Counter(
            "externalsecret_sync_calls",
            "Looks at an ExternalSecret.",
            ["name", "namespace"],
            registry=registry,
        )
        # Upstream's counter does not end in _total, which the library insists on for counters.
        self._sync_errors = Gauge(
            "externalsecret_sync_calls_error",
            "Looks at an ExternalSecret that failed; it only grows.",
            ["name", "namespace"],
            registry=registry,
        )
        kinds = (EXTERNAL_SECRET, PUSH_SECRET, SECRET_STORE, CLUSTER_SECRET_STORE, CLUSTER_EXTERNAL_SECRET)
        self._conditions = {
            kind.name: Gauge(
                f"{kind.name.lower()}_status_condition",
                f"1 for the status that the condition of the {kind.name} has.",
                _STATUS_LABELS,
                registry=registry,
            )
            for kind in kinds
        }
        self._durations = {
            kind.name: Gauge(
                f"{kind.name.lower()}_reconcile_duration",
                f"Nanoseconds of the last look at the {kind.name}.",
                ["name", "namespace"],
                registry=registry,
            )
            for kind in kinds
        }
        self._stale = Gauge(
            "sealbridge_externalsecret_stale_seconds",
            "Age of the values that a Secret keeps while its ExternalSecret fails.",
            ["name", "namespace"],
            registry=registry,
        )
        # A gauge for the same reason as above.
        self._provider_calls = Gauge(
            "externalsecret_provider_api_calls_count",
            "Calls to the APIs of stores; it only grows.",
            ["provider", "call", "status"],
            registry=registry,
        )
        # app.kubernetes.io/instance of the SealedSecrets that have it.
        self._instances: dict[ObjectKey, str] = {}
        for reason in ("fetch", "status", "unseal", "update", "unmanaged"):
            self._unseal_errors.labels(reason, "")

    def watch_queue(self, queue: WorkQueue[ObjectKey]) -> None:
        """Tell the queue's state when asked."""
        for name, text, read in (
            ("depth", "Objects that wait for a worker.", lambda: float(queue.depth)),
            ("age_seconds", "How long the oldest of them has waited.", lambda: queue.age),
            ("working", "Objects that are being worked on.", lambda: float(queue.working)),
            ("delayed", "Objects that have a due time.", lambda: float(queue.delayed)),
            ("retries", "Retries after failures since the start.", lambda: float(queue.retries)),
            ("adds", "Objects that were queued since the start.", lambda: float(queue.adds)),
        ):
            Gauge(f"sealbridge_queue_{name}", text, registry=self.registry).set_function(read)

    def watch_keys(self, count: Callable[[], float], age: Callable[[], float]) -> None:
        """Tell the number of sealing keys and the current one's age in seconds when asked."""
        for name, text, read in (
            ("sealing_keys", "Active sealing keys that can be read.", count),
            ("current_sealing_key_age_seconds", "The age of the key that new sealing uses.", age),
        ):
            Gauge(f"sealbridge_{name}", text, registry=self.registry).set_function(read)

    def decrypted(self) -> None:
        """One envelope was opened or tried; from any thread."""
        self._decryptions.inc()

    def requested(self, verb: str, resource: str, code: int) -> None:
        """One request to the API server; from any thread."""
        self._requests.labels(verb, resource, str(code)).inc()

    def answered(self, path: str, code: int, method: str, seconds: float) -> None:
        """One request to this process. Path and method are of a few known ones: strangers choose them."""
        self._answers.labels(path, str(code), method).inc()
        self._answer_duration.labels(path, method).observe(seconds)

    def called(self, provider: str, call: str, *, ok: bool) -> None:
        """One call to a store's API, by upstream's names for both."""
        self._provider_calls.labels(provider, call, "success" if ok else "error").inc()

    def labelled(self, key: ObjectKey, labels: Mapping[str, str]) -> None:
        """An object has come or was edited, and has these labels now."""
        if key.kind != SEALED_SECRET.name:
            return
        instance = labels.get(_INSTANCE_LABEL) or ""
        if instance == self._instances.get(key, ""):
            return
        # The look that an edit brings about tells the condition under the new one.
        self._sealed_condition.remove(*self._sealed_labels(key))
        if instance:
            self._instances[key] = instance
        else:
            del self._instances[key]

    def drifted(self, namespace: str) -> None:
        """Somebody changed a target."""
        self._drift.labels(namespace).inc()

    def watch_restarted(self) -> None:
        """The watch had died."""
        self._restarts.inc()

    def swept(self, at: float) -> None:
        """A sweep went through, at this Unix time."""
        self._synced.set(at)

    def reconciled(self, result: Result, seconds: float) -> None:
        """One look at one object."""
        key = result.key
        self._duration.labels(key.kind, result.outcome.value).observe(seconds)
        if result.outcome is Outcome.GONE:
            self._forget(key)
        elif result.outcome is Outcome.SKIPPED:
            return
        elif key.kind == SEALED_SECRET.name:
            self._unsealed(result)
        else:
            self._durations[key.kind].labels(key.name, key.namespace).set(round(seconds * 1e9))
            self._synced_or_checked(result)

    def page(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)

    def _unsealed(self, result: Result) -> None:
        key, failed = result.key, result.outcome is Outcome.FAILED
        if result.outcome is not Outcome.UNCHANGED:
            self._unseals.inc()
        if failed:
            self._unseal_errors.labels(_unseal_reason(result), key.namespace).inc()
        if result.told and not self._omit_names:
            # Else the condition is what it was: an API server that is away makes no SealedSecret a bad one.
            self._sealed_condition.labels(*self._sealed_labels(key)).set(-1 if failed else 1)

    def _sealed_labels(self, key: ObjectKey) -> tuple[str, ...]:
        return key.namespace, key.name, "Synced", self._instances.get(key, "")

    def _synced_or_checked(self, result: Result) -> None:
        key, failed = result.key, result.outcome is Outcome.FAILED
        if key.kind == EXTERNAL_SECRET.name:
            self._sync_calls.labels(key.name, key.namespace).inc()
            errors = self._sync_errors.labels(key.name, key.namespace)
            if failed:
                errors.inc()
            self._tell_staleness(key, result.stale_since)
        if not result.told:
            return
        gauge = self._conditions[key.kind]
        gauge.labels(key.name, key.namespace, "Ready", "True").set(0 if failed else 1)
        gauge.labels(key.name, key.namespace, "Ready", "False").set(1 if failed else 0)

    def _tell_staleness(self, key: ObjectKey, since: datetime | None) -> None:
        """Grows by itself until a look succeeds: a number that was right once would ring no alert."""
        if since is None:
            self._stale.remove(key.name, key.namespace)
        else:
            began = since.timestamp()
            age = self._stale.labels(key.name, key.namespace)
            age.set_function(lambda: max(0.0, time.time() - began))

    def _forget(self, key: ObjectKey) -> None:
        """What is gone is no longer told of, so that no alert rings for it for ever."""
        if key.kind == SEALED_SECRET.name:
            self._sealed_condition.remove(*self._sealed_labels(key))
            self._instances.pop(key, None)
            return
        for status in ("True", "False"):
            self._conditions[key.kind].remove(key.name, key.namespace, "Ready", status)
        self._durations[key.kind].remove(key.name, key.namespace)
        if key.kind == EXTERNAL_SECRET.name:
            for metric in (self._sync_calls, self._sync_errors, self._stale):
                metric.remove(key.name, key.namespace)


def _unseal_reason(result: Result) -> str:
    error = result.error
    if isinstance(error, NotOwned):
        return "unmanaged"
    if isinstance(error, Immutable):
        return "update"
    if isinstance(error, ClusterError):
        if result.target is None:
            return "fetch"
        return "update" if result.told or isinstance(error, Conflict) else "status"
    return "unseal"
