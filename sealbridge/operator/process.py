"""The operator as a process: makes the parts, joins them, and ends them in order. Decides nothing else."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from os import cpu_count
from typing import Any

import sealbridge
from sealbridge.errors import ClusterError
from sealbridge.kube.client import Client
from sealbridge.kube.cluster import KubernetesCluster
from sealbridge.kube.config import Connection, connect, own_namespace
from sealbridge.kube.discovery import Discovery
from sealbridge.kube.events import BackgroundRecorder, EventRecorder
from sealbridge.kube.key_watch import KeyWatch
from sealbridge.kube.secret_watch import SecretWatch
from sealbridge.kube.selector import Selector
from sealbridge.kube.source import KopfSource
from sealbridge.kube.workloads import KubernetesWorkloads
from sealbridge.lifecycle.creation import KEY_LABELS, is_key_secret
from sealbridge.operator.calls import CountingOpener
from sealbridge.operator.controller import Controller
from sealbridge.operator.endpoints import Limits, main_app, metrics_app
from sealbridge.operator.http import IDLE, Server
from sealbridge.operator.keys import OperatorKeys
from sealbridge.operator.metrics import Metrics
from sealbridge.operator.queue import WorkQueue
from sealbridge.operator.renewal import KeyKeeper, policy_of
from sealbridge.operator.requests import KeyRequests
from sealbridge.operator.settings import Settings
from sealbridge.operator.sources import Sources
from sealbridge.operator.supervisor import Supervisor, Survey, Versions
from sealbridge.operator.targets import Targets
from sealbridge.operator.tls import ServerTls
from sealbridge.reconcile.checksums import Checksums
from sealbridge.reconcile.cluster import Cluster
from sealbridge.reconcile.cluster_external_secret import ClusterExternalSecretReconciler
from sealbridge.reconcile.external_secret import ExternalSecretReconciler
from sealbridge.reconcile.kinds import (
    CLUSTER_EXTERNAL_SECRET,
    CLUSTER_SECRET_STORE,
    EXTERNAL_SECRET,
    NAMESPACE,
    PUSH_SECRET,
    SEALED_SECRET,
    SECRET_STORE,
    ObjectKey,
)
from sealbridge.reconcile.push_secret import PushSecretReconciler
from sealbridge.reconcile.restart import Pace, Restarter
from sealbridge.reconcile.sealed_secret import Options, SealedSecretReconciler
from sealbridge.reconcile.sealing_keys import ClusterKeyring
from sealbridge.reconcile.secret_store import SecretStoreReconciler
from sealbridge.reconcile.store_pool import StorePool
from sealbridge.secret import Secret

log = logging.getLogger("sealbridge.operator")

FINISH_WITHIN = 10.0  # seconds for what is being worked on when the end is asked for
KEYS_AFTER = 60.0  # seconds between two looks at the sealing keys
KEYS_SOON = 10.0  # the same while a SealedSecret waits for one
KEY_WORK = 30.0  # seconds that one HTTP request may use private keys
UNHURRIED = 3600.0  # seconds where a flag says 0, which is no limit in the controller
STORE_SHARED_FOR = 1.0  # seconds for which one read of a store serves all who have waited for it
BEAT = 1.0  # seconds between two heartbeats of the event loop
STUCK_AFTER = 30.0  # seconds without one


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """The current time in UTC."""
        return datetime.now(UTC)


class Operator:
    """One life of the operator in one event loop."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self._settings = settings
        self._connection = connection
        self._namespace = own_namespace(connection, given=settings.namespace)
        self._clock = SystemClock()
        self._metrics = Metrics(omit_names=settings.metrics_omit_secret_labels)
        selector = Selector.parse(settings.label_selector)
        self._queue: WorkQueue[ObjectKey] = WorkQueue()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._keys_news = asyncio.Event()
        self._beat = 0.0
        client = self._client = Client(connection, observe=self._metrics.requested)
        targets = Targets()
        discovery = Discovery(client)
        self._recorder = BackgroundRecorder(EventRecorder(client, self._clock))
        self._cluster = KubernetesCluster(
            client, self._recorder, discovery=discovery, witness=targets.witness, share_for=STORE_SHARED_FOR
        )
        cores = cpu_count() or 1
        self._executor = ThreadPoolExecutor(cores, thread_name_prefix="unseal")
        self._keys = OperatorKeys(
            ClusterKeyring(self._cluster, self._namespace, self._clock, policy_of(settings)),
            count=self._metrics.decrypted,
            changed=lambda: self._controller.keys_changed(),
        )
        self._keeper = KeyKeeper(
            store=self._cluster,
            keys=self._keys,
            namespace=self._namespace,
            cluster_id=lambda: namespace_uid(self._cluster, self._namespace),
            clock=self._clock,
            policy=policy_of(settings),
        )
        self._key_watch = KeyWatch(
            client,
            self._namespace,
            label=",".join(f"{key}={value}" for key, value in KEY_LABELS.items()),
            name=settings.key_prefix,
            changed=self._keys_news.set,
        )
        opener = CountingOpener(self._metrics.called, settings.store_reach())
        self._stores = StorePool(
            self._cluster, self._clock, opener=opener, controller_class=settings.controller_class
        )
        stores = SecretStoreReconciler(self._cluster, self._stores, self._clock)
        restarter = Restarter(
            self._cluster,
            KubernetesWorkloads(client, self._cluster),
            Checksums(self._cluster, self._namespace),
            self._clock,
            version_of=targets.version,
            pace=Pace(interval=settings.restart_interval, per_minute=settings.restarts_per_minute),
            controller_class=settings.controller_class,
        )
        sources = Sources()
        self._source_watch = SecretWatch(
            connection,
            sources,
            lambda namespace, name, labels: self._controller.source_changed(namespace, name, labels),
            everywhere=not settings.served_namespaces(self._namespace),
            observe=self._metrics.requested,
        )
        self._controller = Controller(
            queue=self._queue,
            reconcilers={
                SEALED_SECRET.name: restarter.around(
                    SealedSecretReconciler(
                        self._cluster,
                        self._keys,
                        self._clock,
                        executor=self._executor,
                        options=Options(
                            accept_whole=settings.accept_deprecated_v1_data,
                            recreate=not settings.skip_recreate,
                            update_status=settings.update_status,
                            selects=selector.matches,
                            is_sealing_key=self._is_sealing_key,
                        ),
                    ),
                    tells=settings.update_status,
                    selects=selector.matches,
                ),
                EXTERNAL_SECRET.name: restarter.around(
                    ExternalSecretReconciler(
                        self._cluster, self._stores, self._clock, is_sealing_key=self._is_sealing_key
                    )
                ),
                CLUSTER_EXTERNAL_SECRET.name: ClusterExternalSecretReconciler(self._cluster, self._clock),
                PUSH_SECRET.name: PushSecretReconciler(self._cluster, self._stores, self._clock),
                SECRET_STORE.name: stores,
                CLUSTER_SECRET_STORE.name: stores,
            },
            offers=self._cluster,
            targets=targets,
            metrics=self._metrics,
            clock=self._clock,
            noticed=restarter.notice,
            sources=sources,
        )
        self._survey = Survey(
            client,
            discovery,
            namespaces=settings.served_namespaces(self._namespace),
            selectors={SEALED_SECRET: str(selector)} if selector else None,
        )
        self._supervisor = Supervisor(
            survey=self._survey,
            cluster=self._cluster,
            make_source=self._source,
            watcher=self._controller,
            metrics=self._metrics,
            clock=self._clock,
        )
        self._metrics.watch_queue(self._queue)
        self._metrics.watch_keys(lambda: self._keys.count, lambda: self._keys.age(self._clock.now()))

    def _is_sealing_key(self, secret: Secret) -> bool:
        return is_key_secret(secret, self._namespace, self._settings.key_prefix)

    async def run(self) -> None:
        """Work until `stop`. Raises SealbridgeError when it cannot begin."""
        async with AsyncExitStack() as ending:
            ending.push_async_callback(self._client.close)
            ending.push_async_callback(self._source_watch.close)
            ending.callback(self._executor.shutdown, wait=False, cancel_futures=True)
            for server in self._servers(ending):
                ending.push_async_callback(server.stop)
                await server.start()
            ending.push_async_callback(self._recorder.close)
            ending.push_async_callback(self._stores.close)
            log.info(
                "started",
                extra={
                    "version": sealbridge.__version__,
                    "server": self._connection.server,
                    "namespace": self._namespace,
                },
            )
            workers = [asyncio.create_task(self._controller.work()) for _ in range(self._settings.workers)]
            background = [
                asyncio.create_task(task)
                for task in (
                    self._heartbeat(),
                    self._keeper.run(),
                    self._key_watch.run(),
                    self._source_watch.run(),
                    self._look_at_keys(),
                    self._watch_objects(),
                )
            ]
            try:
                await self._until_stopped(background)
            finally:
                await self._wind_down(workers, background)

    def stop(self) -> None:
        """End in order; asked a second time, at once."""
        (self._hurry if self._stopping.is_set() else self._stopping).set()

    def renew_key(self) -> None:
        """Make a new sealing key now."""
        log.info("asked for a new sealing key")
        self._keeper.force()

    def alive(self) -> str | None:
        """For /healthz."""
        if asyncio.get_running_loop().time() - self._beat > STUCK_AFTER:
            return "the event loop was stuck"
        return self._supervisor.alive()

    def ready(self) -> str | None:
        """For /readyz."""
        return "it is ending" if self._stopping.is_set() else self._supervisor.ready()

    def _source(self, versions: Versions) -> KopfSource:
        return KopfSource(
            self._connection,
            versions,
            self._controller.change,
            namespaces=self._survey.namespaces,
            relisted=self._supervisor.look_again,
            observe=self._metrics.requested,
            selectors=self._survey.selectors,
        )

    def _servers(self, ending: AsyncExitStack) -> tuple[Server, Server]:
        settings = self._settings
        limits = Limits(
            rate=settings.rate_limit,
            burst=settings.rate_limit_burst,
            read_timeout=settings.read_timeout.total_seconds() or UNHURRIED,
            write_timeout=settings.write_timeout.total_seconds() or UNHURRIED,
            trusted_proxies=settings.trusted_proxies,
        )
        # One thread: strangers may keep one core busy, and reconciling has the others.
        executor = ThreadPoolExecutor(1, thread_name_prefix="http")
        ending.callback(executor.shutdown, wait=False, cancel_futures=True)
        keys = KeyRequests(
            self._keys,
            executor,
            seconds=min(KEY_WORK, limits.write_timeout),
            tried=self._metrics.decrypted,
            accept_whole=settings.accept_deprecated_v1_data,
        )
        tls = ServerTls(settings.tls_cert_file, settings.tls_key_file) if settings.tls_cert_file else None
        return (
            Server(
                main_app(self, keys, self._metrics, limits),
                settings.listen_addr,
                "certificate and health",
                tls=tls.context if tls else None,
                idle=min(IDLE, limits.read_timeout),
                write_timeout=limits.write_timeout,
            ),
            Server(metrics_app(self._metrics), settings.listen_metrics_addr, "metrics"),
        )

    async def _until_stopped(self, background: list[asyncio.Task[None]]) -> None:
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            done, _ = await asyncio.wait({stopped, *background}, return_when=asyncio.FIRST_COMPLETED)
            while stopped not in done:
                for task in done:
                    task.result()  # what fails here is a defect, and a restart is the best answer
                rest = {task for task in background if not task.done()}
                done, _ = await asyncio.wait({stopped, *rest}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()

    async def _wind_down(
        self, workers: list[asyncio.Task[None]], background: list[asyncio.Task[None]]
    ) -> None:
        log.info("ending", extra={"count": self._queue.working or None})
        self._stopping.set()
        self._queue.close()
        hurry = asyncio.create_task(self._hurry.wait())
        watch = asyncio.create_task(self._supervisor.stop())
        for task in background:
            task.cancel()
        finishing = asyncio.gather(*workers, return_exceptions=True)
        ends: set[asyncio.Future[Any]] = {finishing, hurry}
        await asyncio.wait(ends, timeout=FINISH_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        if not finishing.done():
            log.warning("work was left undone; the next start does it", extra={"count": self._queue.working})
            for task in workers:
                task.cancel()
        hurry.cancel()
        await asyncio.gather(finishing, watch, *background, return_exceptions=True)

    async def _heartbeat(self) -> None:
        while True:
            self._beat = asyncio.get_running_loop().time()
            await asyncio.sleep(BEAT)

    async def _watch_objects(self) -> None:
        # On a new cluster nothing needs to fail for want of the key that is just being made.
        await self._keeper.tried.wait()
        await self._supervisor.run()

    async def _look_at_keys(self) -> None:
        """When the watch says so; now and then in any case, and more often while something waits."""
        loop = asyncio.get_running_loop()
        looked_at = loop.time()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._keys_news.wait(), KEYS_SOON)
            if self._keys_news.is_set():
                self._keys_news.clear()
                self._keys.forget()
            elif loop.time() - looked_at < KEYS_AFTER and not self._controller.waits_for_keys:
                continue
            looked_at = loop.time()
            try:
                await self._keys.keyring(fresh=True)
            except ClusterError as error:
                log.warning("the sealing keys cannot be read", extra={"error": error.what})


async def namespace_uid(cluster: Cluster, namespace: str) -> str:
    """What tells this cluster from every other: the UID of the operator's own namespace.

    Raises ClusterError when the namespace does not exist or cannot be read.
    """
    obj = await cluster.get(NAMESPACE, "", namespace)
    if obj is None:
        raise ClusterError(
            f"the operator's own namespace {namespace} does not exist",
            hint="create it, or name another with --namespace or POD_NAMESPACE",
        )
    return str(obj["metadata"]["uid"])


def run(settings: Settings) -> int:
    """Run in this process until SIGTERM or SIGINT; returns the exit code."""
    connection = connect(settings.kubeconfig or None)
    began = time.monotonic()

    async def main() -> None:
        operator = Operator(settings, connection)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, operator.stop)
        loop.add_signal_handler(signal.SIGUSR1, operator.renew_key)
        await operator.run()

    asyncio.run(main())
    log.info("ended", extra={"seconds": round(time.monotonic() - began, 1)})
    return 0
