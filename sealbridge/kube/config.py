"""Where the API server is and who we are: kubeconfig or in-cluster account. Sends no request."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from sealbridge.errors import ClusterError, UsageError
from sealbridge.kube import kubeconfig as kubeconfigs
from sealbridge.kube.kubeconfig import Overrides
from sealbridge.secret import Value

ACCOUNT_DIRECTORY = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# The kubelet replaces the token well before it expires; a minute-old copy is never stale.
REREAD_SECONDS = 60.0


class Credentials(Protocol):
    """Who we are, as the Authorization header says it."""

    async def authorization(self, *, fresh: bool = False) -> Value | None:
        """The header's value, or None without one. `fresh`: the last one was refused."""


class NoCredentials:
    """A client certificate alone, or nobody."""

    async def authorization(self, *, fresh: bool = False) -> Value | None:
        """No header."""
        return None


class TokenFile:
    """A token in a file that somebody else keeps valid, as the kubelet does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token: Value | None = None
        self._read_at = -REREAD_SECONDS

    async def authorization(self, *, fresh: bool = False) -> Value | None:
        """`Bearer` and the token; read again once a minute."""
        now = time.monotonic()
        if self._token is None or fresh or now - self._read_at >= REREAD_SECONDS:
            self._token = Value(b"Bearer " + self._read())
            self._read_at = now
        return self._token

    def _read(self) -> bytes:
        try:
            # A projected volume is memory; a thread would cost more than the read.
            return self._path.read_bytes().strip()
        except OSError as error:
            raise ClusterError(
                f"the service account token cannot be read: {(error.strerror or 'unknown reason').lower()}",
                retryable=True,
                where=str(self._path),
            ) from None


class KubeconfigToken:
    """What the `kubernetes` library makes of a kubeconfig's user: a token, basic auth, an exec plugin."""

    def __init__(self, path: str, configuration: Any, overrides: Overrides | None = None) -> None:
        self._path = path
        self._configuration = configuration
        self._overrides = overrides
        self._lock = asyncio.Lock()
        self._current: Value | None = None
        self._looked_at = -REREAD_SECONDS

    async def authorization(self, *, fresh: bool = False) -> Value | None:
        """The header; an expired token of an exec plugin is renewed in a thread, once for all tasks."""
        async with self._lock:
            now = time.monotonic()
            if fresh or now - self._looked_at >= REREAD_SECONDS:
                self._current = await asyncio.to_thread(self._refresh, fresh)
                self._looked_at = now
        return self._current

    def _refresh(self, fresh: bool) -> Value | None:
        try:
            if fresh:
                self._configuration = _load(self._path, self._overrides)
            # The library runs its refresh hook here, which renews a token that it knows to be expired.
            token = self._configuration.get_api_key_with_prefix("BearerToken")
        except UsageError as error:
            # The file was usable at the start, so it may be again.
            raise ClusterError(error.what, retryable=True, where=error.where, hint=error.hint) from None
        except Exception as error:  # noqa: BLE001 - the library raises what its parsers and plugins raise
            # Its text may quote what the plugin has printed.
            raise ClusterError(
                f"the kubeconfig's credentials cannot be renewed: {type(error).__name__}",
                retryable=True,
                where=self._path,
            ) from None
        return Value(token.encode()) if token else None


class _NamedContext(ssl.SSLContext):
    """Verifies the server against another name than the one it is reached by."""

    server_name = ""

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        kwargs["server_hostname"] = self.server_name
        return super().wrap_bio(*args, **kwargs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach an API server. Made once, used by every event loop."""

    server: str
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    token_file: Path | None = None
    kubeconfig: tuple[str, Any] | None = field(default=None, repr=False)  # path and what was read
    overrides: Overrides | None = None
    proxy: str | None = None
    namespace: str | None = None
    headers: tuple[tuple[str, str], ...] = ()  # of every request

    def credentials(self) -> Credentials:
        """Credentials for one event loop."""
        if self.token_file is not None:
            return TokenFile(self.token_file)
        if self.kubeconfig is not None:
            return KubeconfigToken(*self.kubeconfig, self.overrides)
        return NoCredentials()


def connect(kubeconfig: str | None = None) -> Connection:
    """The connection that `kubeconfig` or the environment describes.

    In this order: the file named, $KUBECONFIG, the in-cluster account, ~/.kube/config. Raises
    UsageError that says which of them was tried and why it does not do.
    """
    named = kubeconfig or os.environ.get("KUBECONFIG")
    if named:
        return from_kubeconfig(named)
    if os.environ.get("KUBERNETES_SERVICE_HOST") and (ACCOUNT_DIRECTORY / "token").exists():
        return from_account(ACCOUNT_DIRECTORY)
    home = Path.home() / ".kube" / "config"
    if home.exists():
        return from_kubeconfig(str(home))
    raise UsageError(
        "no Kubernetes API server is configured",
        hint="pass --kubeconfig, set KUBECONFIG, or run in a cluster with a service account",
    )


def connect_person(kubeconfig: str | None = None, overrides: Overrides | None = None) -> Connection:
    """The connection of a person's command line, as kubectl makes it.

    In this order: the file named, $KUBECONFIG, ~/.kube/config, flags that name a server, the in-cluster
    account. Raises UsageError.
    """
    overrides = overrides or Overrides()
    path = kubeconfigs.places(kubeconfig)
    if path or overrides.server:
        return from_overridden(path, overrides)
    if os.environ.get("KUBERNETES_SERVICE_HOST") and (ACCOUNT_DIRECTORY / "token").exists():
        return from_account(ACCOUNT_DIRECTORY)
    raise UsageError(
        "no Kubernetes API server is configured", hint="pass --kubeconfig, set KUBECONFIG, or pass --server"
    )


def from_overridden(path: str, overrides: Overrides) -> Connection:
    """The context that a kubeconfig and the flags name; an empty path is that of the flags alone."""
    effective = kubeconfigs.effective(path, overrides)
    headers = kubeconfigs.impersonation(effective, overrides)
    with _Complaints() as complaints:
        configuration = _load(path, overrides)
    user = effective["users"][0]["user"]
    if "exec" in user and not configuration.api_key and not configuration.cert_file:
        # The library would go on as nobody.
        raise UsageError(
            "getting credentials: the kubeconfig's exec plugin gives none",
            where=path,
            hint=_first_line(complaints.texts[0]) if complaints.texts else None,
        )
    server = configuration.host.rstrip("/")
    return Connection(
        server=server,
        tls=_tls(configuration, path or "the command line") if server.startswith("https:") else None,
        kubeconfig=(path, configuration),
        overrides=overrides,
        proxy=_proxy(configuration.proxy, server),
        namespace=effective["contexts"][0]["context"].get("namespace"),
        headers=headers,
    )


def from_account(directory: Path) -> Connection:
    """The account of the pod that this runs in."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    host = f"[{host}]" if ":" in host else host
    namespace = directory / "namespace"
    try:
        tls = ssl.create_default_context(cafile=str(directory / "ca.crt"))
    except OSError as error:
        raise UsageError(
            f"the cluster's CA certificate cannot be read: {(error.strerror or 'not a certificate').lower()}",
            where=str(directory / "ca.crt"),
        ) from None
    return Connection(
        server=f"https://{host}:{port}",
        tls=tls,
        token_file=directory / "token",
        namespace=namespace.read_text().strip() if namespace.exists() else None,
    )


def from_kubeconfig(path: str) -> Connection:
    """The current context of a kubeconfig, or of several joined by the path separator."""
    configuration = _load(path)
    server = configuration.host.rstrip("/")
    return Connection(
        server=server,
        tls=_tls(configuration, path) if server.startswith("https:") else None,
        kubeconfig=(path, configuration),
        proxy=_proxy(configuration.proxy, server),
        namespace=_context_namespace(path),
    )


class _Complaints(logging.Handler):
    """What the library has to say of an exec plugin, with what that has said on its stderr."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def __enter__(self) -> _Complaints:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def own_namespace(connection: Connection, *, given: str | None = None) -> str:
    """Where the sealing keys live: what was given, the pod's namespace, else `default`."""
    named = given or os.environ.get("POD_NAMESPACE")
    if named:
        return named
    if connection.token_file is not None and connection.namespace:
        return connection.namespace
    return "default"


def _load(path: str, overrides: Overrides | None = None) -> Any:
    """The library's reading of a file as it is, or of what flags make of it."""
    try:
        from kubernetes.client import Configuration
        from kubernetes.config import kube_config
    except ModuleNotFoundError:
        extra = "sealbridge[operator]" if overrides is None else kubeconfigs.EXTRA
        raise UsageError(
            "reading a kubeconfig needs the kubernetes package", hint=f"pip install '{extra}'"
        ) from None
    configuration = Configuration()
    config = None if overrides is None else kubeconfigs.effective(path, overrides)
    try:
        if config is None:
            kube_config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=path, client_configuration=configuration, persist_config=False
            )
        else:
            kube_config.load_kube_config_from_dict(  # type: ignore[no-untyped-call]
                config, client_configuration=configuration, persist_config=False
            )
    except Exception as error:  # noqa: BLE001 - the library raises what its parsers and plugins raise
        # Other texts than the library's own may quote the file.
        reason = str(error) if type(error).__name__ == "ConfigException" else type(error).__name__
        raise UsageError(
            f"the kubeconfig cannot be used: {_first_line(reason)}",
            where=path,
            hint="check that the file exists and that `kubectl --kubeconfig FILE version` works",
        ) from None
    return configuration


def _context_namespace(path: str) -> str | None:
    from kubernetes.config import kube_config

    _, active = kube_config.list_kube_config_contexts(config_file=path)  # type: ignore[no-untyped-call]
    namespace = (active.get("context") or {}).get("namespace")
    return str(namespace) if namespace else None


def _proxy(proxy: str | None, server: str) -> str | None:
    host = urlsplit(server).hostname or ""
    # As kubectl does: what is on this machine is never reached through a proxy.
    local = host == "localhost" or host.startswith("127.") or host == "::1"
    return None if not proxy or local or proxy_bypass(host) else proxy


def _tls(configuration: Any, path: str) -> ssl.SSLContext:
    name = getattr(configuration, "tls_server_name", None)
    try:
        if name:
            context: ssl.SSLContext = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
            context.server_name = name  # type: ignore[attr-defined]
            context.load_default_certs()
        else:
            context = ssl.create_default_context()
        if configuration.ssl_ca_cert:
            context.load_verify_locations(cafile=configuration.ssl_ca_cert)
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, configuration.key_file or None)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"the kubeconfig's certificates cannot be used: {error.strerror or type(error).__name__}",
            where=path,
        ) from None
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@functools.cache
def user_agent() -> str:
    """How we introduce ourselves to an API server."""
    from sealbridge import __version__

    return f"sealbridge/{__version__}"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:200] if text.strip() else "unknown reason"
