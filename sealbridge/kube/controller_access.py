"""The sealing controller of a cluster (ours or Sealed Secrets'): found, and asked over the API server.

It is asked through the proxy of its Service, and where that is forbidden or broken through a port-forward to
one of its pods. Knows HTTP paths of the controller, no SealedSecret.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import aiohttp

from sealbridge.errors import ClusterError, NoController
from sealbridge.kube.client import METADATA_LIST, new_session
from sealbridge.kube.config import Connection
from sealbridge.kube.failures import cluster_error
from sealbridge.kube.forwarding import Answer, forwarded
from sealbridge.sealing.keys import KEY_LABEL
from sealbridge.secret import check_name

NAMESPACE = "kube-system"
NAME = "sealed-secrets-controller"

_NAMES = (NAME, "sealed-secrets", "sealbridge")
_LABELS = ("app.kubernetes.io/name=sealed-secrets", "app.kubernetes.io/name=sealbridge")
_TIMEOUT = 30.0  # seconds for one request
_BUSY_TRIES = 20  # of a request that the controller asks to send later
_LONGEST_PAUSE = 10.0  # seconds
_AT_MOST = 64 << 20  # bytes of an answer
_PIECE = 1 << 16
# With these the proxy itself says that it cannot; a controller answers with none of them.
_BROKEN = frozenset({502, 503, 504})


class Place(NamedTuple):
    """The Service of a controller."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Service(NamedTuple):
    """What is needed of a Service: the port's name for its proxy, selector and target for its pods."""

    place: Place
    port: str
    selector: Mapping[str, str]
    target: int | str
    scheme: str = "http"

    @property
    def proxied(self) -> str:
        """What its proxy is called."""
        return f"{self.scheme}:{self.place.name}:{self.port}"

    @property
    def path(self) -> str:
        """Of its proxy."""
        return f"/api/v1/namespaces/{self.place.namespace}/services/{self.proxied}/proxy"


class Controller:
    """For the tasks of one event loop: `async with Controller(connection) as controller`.

    `place` is where to look. What it leaves empty is the default, and the whole cluster, or the namespace
    that is given, is looked through when nothing is there.
    `note` is told, in a line for people, what was found and which way was taken.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        place: Place | None = None,
        note: Callable[[str], None] = lambda text: None,
        timeout: float | None = None,
    ) -> None:
        self._connection = connection
        self._given = place or Place("", "")
        for option, name in zip(("namespace", "name"), self._given, strict=True):
            if name:
                # They are parts of paths.
                check_name(name, f"--controller-{option}")
        self._note = note
        self._timeout = timeout or _TIMEOUT
        self._credentials = connection.credentials()
        self._opened: aiohttp.ClientSession | None = None
        self._service: Service | None = None
        self._pod: tuple[str, int] | None = None

    async def __aenter__(self) -> Controller:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            self._opened = new_session(self._connection)
        return self._opened

    async def certificate(self) -> bytes:
        """The current certificate, PEM. Raises ClusterError."""
        answer = await self._ask("GET", "/v1/cert.pem", accept="application/x-pem-file, */*")
        if answer.status != 200:
            raise self._refusal("GET", answer)
        return answer.body

    async def verify(self, manifest: bytes | Mapping[str, Any]) -> bool:
        """Whether the controller can decrypt a SealedSecret. Raises ClusterError when it cannot tell."""
        answer = await self._ask("POST", "/v1/verify", _payload(manifest))
        if answer.status == 409:
            return False
        if answer.status >= 300:
            raise self._refusal("POST", answer)
        return True

    async def rotate(self, manifest: bytes | Mapping[str, Any]) -> dict[str, Any]:
        """A SealedSecret sealed anew with the current key, as an object without kind and apiVersion perhaps.

        Raises ClusterError; its status is 409 when the controller cannot decrypt it.
        """
        answer = await self._ask("POST", "/v1/rotate", _payload(manifest))
        if answer.status >= 300:
            raise self._refusal("POST", answer)
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ClusterError("the controller's answer is not a SealedSecret", where=str(self._place))
        return found

    async def service(self) -> Service:
        """The Service that is asked, looked for when nothing was. Raises NoController."""
        if self._service is None:
            try:
                self._service = await self._find()
            except NoController:
                raise
            except ClusterError as error:
                raise NoController(
                    error.what,
                    retryable=error.retryable,
                    status=error.status,
                    where=error.where,
                    hint=error.hint,
                ) from None
        return self._service

    @property
    def _place(self) -> Place:
        if self._service is not None:
            return self._service.place
        return Place(self._given.namespace or NAMESPACE, self._given.name or NAME)

    async def _find(self) -> Service:
        place = self._place
        answer = await self._send("GET", f"/api/v1/namespaces/{place.namespace}/services/{place.name}")
        if answer.status == 200:
            return _service(_object(answer))
        if answer.status == 403:
            # Who may not look at a Service may still be allowed to use its proxy, which finds a sole port.
            return Service(place, "", {}, "")
        if answer.status != 404 or all(self._given):
            raise _no_controller(answer)
        found = await self._discover()
        if not found:
            raise _no_controller(answer)
        if len(found) > 1:
            raise NoController(
                f"there are several controllers: {', '.join(sorted(str(one.place) for one in found))}",
                hint="choose one with --controller-namespace and --controller-name",
            )
        self._note(f"using the controller {found[0].place}")
        return found[0]

    async def _discover(self) -> list[Service]:
        """By the labels that charts give, then by name, then beside the sealing keys."""
        namespace, only = self._given
        path = f"/api/v1/namespaces/{namespace}/services" if namespace else "/api/v1/services"
        by_label = [] if only else [{"labelSelector": label} for label in _LABELS]
        by_name = [{"fieldSelector": f"metadata.name={name}"} for name in ([only] if only else _NAMES)]
        for queries in (by_label, by_name):
            found: dict[Place, Service] = {}
            for query in queries:
                for item in await self._list(path, query):
                    if _serves(item):
                        found[_service(item).place] = _service(item)
            if found:
                return list(found.values())
        if namespace:
            return []
        keys = await self._list("/api/v1/secrets", {"labelSelector": KEY_LABEL}, accept=METADATA_LIST)
        beside: list[Service] = []
        for place in sorted({item["metadata"]["namespace"] for item in keys}):
            items = await self._list(f"/api/v1/namespaces/{place}/services", {})
            beside += [
                _service(item)
                for item in items
                if _serves(item) and item["metadata"]["name"] in ([only] if only else _NAMES)
            ]
        return beside

    async def _list(
        self, path: str, query: Mapping[str, str], accept: str = "application/json"
    ) -> list[dict[str, Any]]:
        """What may be seen of a collection: nothing where listing it is forbidden."""
        answer = await self._send("GET", path, params=query, accept=accept)
        if answer.status in (403, 404):
            return []
        if answer.status != 200:
            raise cluster_error(answer.status, answer.body, where=f"GET {path}")
        return list(_object(answer).get("items") or [])

    async def _ask(
        self, verb: str, path: str, body: bytes | None = None, accept: str = "application/json, */*"
    ) -> Answer:
        """The controller's own answer, by whichever way there is; when it asks to wait, we do."""
        service = await self.service()
        for _ in range(_BUSY_TRIES):
            answer = await self._through_either(service, verb, path, body, accept)
            if answer.status != 429:
                break
            await asyncio.sleep(min(max(answer.retry_after, 0.1), _LONGEST_PAUSE))
        return answer

    async def _through_either(
        self, service: Service, verb: str, path: str, body: bytes | None, accept: str
    ) -> Answer:
        if self._pod is None:
            problem: ClusterError
            try:
                answer = await self._send(verb, service.path + path, body, accept=accept)
            except ClusterError as error:
                problem = error
            else:
                if not _is_proxys(answer):
                    return answer
                problem = self._refusal(verb, answer)
            try:
                self._pod = await self._find_pod(service)
            except ClusterError:
                # The way that everybody is meant to take is the one to speak of.
                raise problem from None
            self._note(f"the Service proxy does not work, forwarding a port to the pod {self._pod[0]}")
        pod, port = self._pod
        try:
            async with asyncio.timeout(self._timeout):
                return await forwarded(
                    self._session,
                    f"{self._connection.server}/api/v1/namespaces/{service.place.namespace}/pods/{pod}/portforward",
                    await self._authorization(),
                    port,
                    verb,
                    path,
                    body,
                    host=service.place.name,
                    accept=accept,
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error, f"port-forward to {pod}") from None

    async def _find_pod(self, service: Service) -> tuple[str, int]:
        """A ready pod behind the Service, and the port in it."""
        if not service.selector:
            raise NoController(f"the Service {service.place} names no pods")
        if service.scheme != "http":
            raise NoController(f"the Service {service.place} speaks TLS, which only its proxy does")
        labels = ",".join(f"{key}={value}" for key, value in sorted(service.selector.items()))
        pods = await self._list(
            f"/api/v1/namespaces/{service.place.namespace}/pods", {"labelSelector": labels}
        )
        for pod in pods:
            port = _target(service.target, pod)
            if _ready(pod) and port:
                return pod["metadata"]["name"], port
        raise NoController(f"no pod behind the Service {service.place} is ready")

    async def _send(
        self,
        verb: str,
        path: str,
        body: bytes | None = None,
        *,
        params: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> Answer:
        """One request to the API server, once more when our token was refused. Raises ClusterError."""
        for fresh in (False, True):
            headers = {"Accept": accept} | await self._authorization(fresh=fresh)
            if body is not None:
                headers["Content-Type"] = "application/json"
            try:
                async with self._session.request(
                    verb,
                    self._connection.server + path,
                    data=body,
                    params=params,
                    headers=headers,
                    timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=10),
                    allow_redirects=False,
                ) as response:
                    content = bytearray()
                    while more := await response.content.read(_PIECE):
                        content += more
                        if len(content) > _AT_MOST:
                            raise ClusterError("the answer is too large", where=f"{verb} {path}")
                    answer = Answer(response.status, dict(response.headers), bytes(content))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise _unreachable(error, f"{verb} {path}") from None
            if answer.status != 401 or fresh:
                break
        return answer

    async def _authorization(self, *, fresh: bool = False) -> dict[str, str]:
        value = await self._credentials.authorization(fresh=fresh)
        return {} if value is None else {"Authorization": value.reveal().decode()}

    def _refusal(self, verb: str, answer: Answer) -> ClusterError:
        """In the words of client-go, which scripts may look for."""
        status = _status(answer)
        message = status.get("message") if status else None
        if not isinstance(message, str) or not message:
            text = json.dumps(answer.body.decode(errors="replace").strip()[:500], ensure_ascii=False)
            known = {
                404: "the server could not find the requested resource",
                429: "the server has received too many requests and has asked us to try again later",
            }
            message = known.get(
                answer.status, f"an error on the server ({text}) has prevented the request from succeeding"
            )
            name = self._service.proxied if self._service else self._place.name
            message = f"{message} ({verb.lower()} services {name})"
        return ClusterError(
            message, status=answer.status, retryable=answer.status >= 500, where=f"controller {self._place}"
        )


def _payload(manifest: bytes | Mapping[str, Any]) -> bytes:
    return manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ClusterError(
            "the API server's answer is not an object", hint="is this a Kubernetes API server?"
        )
    return found


def _status(answer: Answer) -> Mapping[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def _is_proxys(answer: Answer) -> bool:
    """Whether the API server answered in the controller's stead."""
    return answer.status in _BROKEN or (answer.status >= 400 and bool(_status(answer)))


def _service(item: Mapping[str, Any]) -> Service:
    metadata, spec = item["metadata"], item.get("spec") or {}
    place = Place(metadata["namespace"], metadata["name"])
    ports = spec.get("ports") or []
    if not ports:
        raise NoController(f"the Service {place} has no port")
    port = ports[0]
    target = port.get("targetPort") or port.get("port") or ""
    name = port.get("name") or ""
    scheme = "https" if "https" in (name, str(port.get("appProtocol")).lower()) else "http"
    return Service(place, name, spec.get("selector") or {}, target, scheme)


def _serves(item: Mapping[str, Any]) -> bool:
    """Not the Service that is there for metrics alone."""
    ports = (item.get("spec") or {}).get("ports") or []
    return bool(ports) and not (
        item["metadata"]["name"].endswith("-metrics") or "metrics" in (ports[0].get("name") or "")
    )


def _ready(pod: Mapping[str, Any]) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return not pod["metadata"].get("deletionTimestamp") and any(
        one.get("type") == "Ready" and one.get("status") == "True" for one in conditions
    )


def _target(target: int | str, pod: Mapping[str, Any]) -> int:
    """The number of a port in a pod; 0 when none has the name."""
    if isinstance(target, int):
        return target
    return next((port["containerPort"] for port in _ports(pod) if port.get("name") == target), 0)


def _ports(pod: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for container in (pod.get("spec") or {}).get("containers") or []:
        yield from container.get("ports") or []


def _no_controller(answer: Answer) -> NoController:
    message = _status(answer).get("message") or f"the API server answered {answer.status}"
    return NoController(str(message)[:1000], status=answer.status)


def _unreachable(error: Exception, where: str) -> ClusterError:
    if isinstance(error, TimeoutError):
        reason = "it did not answer in time"
    elif isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = "its certificate is not trusted"
    elif isinstance(error, aiohttp.ClientSSLError):
        reason = "the TLS handshake failed"
    elif isinstance(error, aiohttp.WSServerHandshakeError):
        reason = f"it answered {error.status}"
    elif isinstance(error, OSError) and error.errno and error.errno > 0:
        reason = os.strerror(error.errno).lower()
    elif isinstance(error, OSError) and error.strerror:
        reason = error.strerror.lower()
    else:
        reason = "the connection was lost"
    return ClusterError(f"the API server cannot be reached: {reason}", retryable=True, where=where)
