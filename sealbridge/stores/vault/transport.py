"""HTTP to the server, through hvac and requests. Blocking; knows no secret engine.

Bounded in time and size, trusting the given CA alone, following no redirect to another host.
"""

from __future__ import annotations

import base64
import contextlib
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from hvac.adapters import RawAdapter
from requests.adapters import HTTPAdapter

from sealbridge.errors import Invalid, StoreError, Unavailable
from sealbridge.stores.trust import ClientCertificate, tls_context
from sealbridge.stores.vault.answers import Response

LARGEST_RESPONSE = 16 * 1024 * 1024
_CHUNK = 64 * 1024
_REDIRECTS = 2
_INDEX = "X-Vault-Index"
_CLUSTERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """In seconds: until a connection stands, between two pieces of an answer, for all of it."""

    connect: float = 5.0
    read: float = 15.0
    total: float = 30.0


class Transport:
    """One server. Safe for several threads."""

    def __init__(
        self,
        server: str,
        *,
        headers: Mapping[str, str],
        ca: str | None,
        client_certificate: ClientCertificate | None,
        connections: int,
        timeouts: Timeouts | None = None,
        read_your_writes: bool = False,
    ) -> None:
        self._state = ReplicationState() if read_your_writes else _NoState()
        self._server = server.rstrip("/")
        self._timeouts = timeouts = timeouts or Timeouts()
        session = requests.Session()
        session.headers.update(headers)
        # A no-op, which keeps requests from sending what a .netrc has for this host.
        session.auth = _unchanged
        session.mount("https://", _TrustingAdapter(tls_context(ca, client_certificate), connections))
        session.mount("http://", HTTPAdapter(pool_maxsize=connections, max_retries=0))
        self._adapter = RawAdapter(
            base_uri=self._server,
            session=session,
            timeout=(timeouts.connect, timeouts.read),
            allow_redirects=False,
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str = "",
        namespace: str = "",
        parameters: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """One request to `/v1/path`. Raises Unavailable or Invalid when no complete answer comes."""
        deadline = time.monotonic() + self._timeouts.total
        headers = self._state.headers()
        if token:
            headers["X-Vault-Token"] = token
        if namespace:
            headers["X-Vault-Namespace"] = namespace
        if body is not None:
            headers["Content-Type"] = "application/json"
        target = f"v1/{path}"
        for _ in range(_REDIRECTS + 1):
            with self._explained():
                response = self._adapter.request(
                    method,
                    target,
                    headers=dict(headers),
                    params=parameters,
                    data=body,
                    stream=True,
                    raise_exception=False,
                )
                with contextlib.closing(response):
                    if response.is_redirect:
                        target, parameters = (
                            self._redirected(response.url, response.headers["Location"]),
                            None,
                        )
                        continue
                    self._state.learn(response.headers)
                    return Response(
                        response.status_code, response.headers, self._read(response.raw, deadline)
                    )
        raise Unavailable(f"{self._server} redirects in a circle")

    def close(self) -> None:
        """Close all connections."""
        self._adapter.close()

    def _read(self, raw: Any, deadline: float) -> bytes:
        body = bytearray()
        while chunk := raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > LARGEST_RESPONSE:
                limit = LARGEST_RESPONSE // (1024 * 1024)
                raise Invalid(f"{self._server} answered with more than {limit} MiB")
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{self._server} did not finish its answer within {self._timeouts.total:g} s"
                )
        return bytes(body)

    def _redirected(self, url: str, location: str) -> str:
        target = urljoin(url, location)
        old, new = urlsplit(url), urlsplit(target)
        if (old.scheme, old.hostname, old.port) != (new.scheme, new.hostname, new.port):
            raise Unavailable(
                f"{self._server} redirects to another host, {new.hostname}, which is not followed",
                hint="give that server's address in spec.provider.vault.server if it is the right one",
            )
        if not target.startswith(f"{self._server}/"):
            raise Unavailable(f"{self._server} redirects to somewhere else than its API")
        return target.removeprefix(f"{self._server}/")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Library errors as ours. Their text is not kept: it may quote a header, and so the token."""
        try:
            yield
        except StoreError:
            raise
        except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as error:
            reason = _reason(error) or "the handshake failed"
            hint = "give the CA that signed it in caBundle or caProvider"
            raise Unavailable(f"no trusted TLS connection to {self._server}: {reason}", hint=hint) from None
        except (requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
            raise Unavailable(
                f"cannot connect to {self._server} within {self._timeouts.connect:g} s"
            ) from None
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            raise Unavailable(f"{self._server} did not answer within {self._timeouts.read:g} s") from None
        except requests.exceptions.ProxyError:
            raise Unavailable(f"the proxy to {self._server} fails") from None
        except (requests.exceptions.ConnectionError, urllib3.exceptions.HTTPError, OSError) as error:
            if isinstance(error, (requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL)):
                raise Invalid(f"no request to {self._server} can be made of address and headers") from None
            reason = _reason(error) or "the connection broke"
            raise Unavailable(f"cannot reach {self._server}: {reason}") from None
        except ValueError:
            raise Invalid(f"no request to {self._server} can be made of address and headers") from None


class _NoState:
    """For servers that need not be told what we have seen of them."""

    def headers(self) -> dict[str, str]:
        return {}

    def learn(self, headers: Mapping[str, str]) -> None:
        """Nothing."""


class ReplicationState(_NoState):
    """How far each cluster was when it answered: a replica that is behind has to say so (412)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, tuple[tuple[int, int], str]] = {}

    def headers(self) -> dict[str, str]:
        """What a request has to carry, so that it sees what was written before."""
        with self._lock:
            states = [state for _, state in self._newest.values()]
        # One header with commas is what a header that comes several times means.
        return {_INDEX: ", ".join(states)} if states else {}

    def learn(self, headers: Mapping[str, str]) -> None:
        """Keep an answer's state where it is newer; what cannot be read is left."""
        state = headers.get(_INDEX, "")
        try:
            version, cluster, local, replicated, _ = base64.b64decode(state, validate=True).split(b":")
            index = int(local), int(replicated)
        except ValueError:
            return
        if version != b"v1":
            return
        key = cluster.hex()
        with self._lock:
            if key in self._newest or len(self._newest) < _CLUSTERS:
                known = self._newest.get(key)
                if known is None or index >= known[0]:
                    self._newest[key] = index, state


class _TrustingAdapter(HTTPAdapter):
    """HTTPS with a TLS context of ours; requests would trust its own bundle besides."""

    def __init__(self, context: ssl.SSLContext, connections: int) -> None:
        self._context = context
        super().__init__(pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, **options, ssl_context=self._context)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        # `verify` may be REQUESTS_CA_BUNDLE of the environment, which would be trusted as well.
        return super().build_connection_pool_key_attributes(request, True, None)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"


def _reason(error: BaseException | None) -> str | None:
    """The operating system's or OpenSSL's word for it, wherever the libraries have wrapped it."""
    for _ in range(8):
        if isinstance(error, ssl.SSLCertVerificationError):
            return str(error.verify_message)
        if isinstance(error, urllib3.exceptions.NameResolutionError):
            return "its name cannot be resolved"
        if isinstance(error, ssl.SSLError):
            return error.reason.lower().replace("_", " ") if error.reason else None
        if isinstance(error, OSError) and error.strerror and error.errno:
            return error.strerror.lower()
        if error is None:
            return None
        inner = getattr(error, "reason", None) or next(
            (argument for argument in error.args if isinstance(argument, BaseException)), None
        )
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
    return None


def _unchanged(request: Any) -> Any:
    return request
