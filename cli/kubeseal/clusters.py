"""Which cluster kubeseal's flags mean: its namespace, its controller, and who asks."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from sealbridge.errors import NoController, SealbridgeError, UsageError
from sealbridge_cli.kubeseal.flags import Flags

if TYPE_CHECKING:
    from sealbridge.kube.controller_access import Controller
    from sealbridge.kube.kubeconfig import Overrides

_Result = TypeVar("_Result")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)")
_ACCOUNT_NAMESPACE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"


class Namespace(NamedTuple):
    """The namespace for what names none; empty when nothing tells. `explicit`: a flag says so."""

    name: str
    explicit: bool


def namespace(flags: Flags) -> Namespace:
    """Of -n, else of the kubeconfig's context, else of the pod that this runs in. Asks no cluster."""
    if given := flags.text("namespace"):
        return Namespace(given, True)
    if flags.text("kubeconfig") or os.environ.get("KUBECONFIG") or _home_has_one():
        from sealbridge.kube import kubeconfig

        found = kubeconfig.namespace(kubeconfig.places(flags.text("kubeconfig")), overrides(flags))
        return Namespace(found or "", False)
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return Namespace(os.environ.get("POD_NAMESPACE") or _pods() or "", False)
    return Namespace("", False)


def overrides(flags: Flags) -> Overrides:
    """What the flags say instead of the kubeconfig."""
    from sealbridge.kube.kubeconfig import Overrides
    from sealbridge.secret import Value

    token, password = flags.text("token"), flags.text("password")
    return Overrides(
        context=flags.text("context"),
        cluster=flags.text("cluster"),
        user=flags.text("user"),
        namespace=flags.text("namespace"),
        server=flags.text("server"),
        certificate_authority=flags.text("certificate-authority"),
        insecure_skip_tls_verify=flags.on("insecure-skip-tls-verify"),
        tls_server_name=flags.text("tls-server-name"),
        proxy_url=flags.text("proxy-url"),
        token=Value(token.encode()) if token else None,
        username=flags.text("username"),
        password=Value(password.encode()) if password else None,
        client_certificate=flags.text("client-certificate"),
        client_key=flags.text("client-key"),
        as_user=flags.text("as"),
        as_uid=flags.text("as-uid"),
        as_groups=tuple(flags.list("as-group")),
    )


def ask(flags: Flags, question: Callable[[Controller], Awaitable[_Result]]) -> _Result:
    """What the controller answers. Raises SealbridgeError; when none is found, in kubeseal's words."""
    from sealbridge_cli import cluster

    place = tuple(
        flags.text(name) if name in flags.given else ""
        for name in ("controller-namespace", "controller-name")
    )
    try:
        return cluster.ask(
            question,
            kubeconfig=flags.text("kubeconfig") or None,
            overrides=overrides(flags),
            place=(place[0], place[1]),
            timeout=seconds(flags.text("request-timeout")),
        )
    except UsageError as error:
        raise SealbridgeError(error.what, where=error.where, hint=error.hint) from None
    except NoController as error:
        error.what = f"cannot get sealed secret service: {error.what}"
        error.hint = error.hint or (
            "Please, use the flag --controller-name and --controller-namespace to set up the name and "
            "namespace of the sealed secrets controller"
        )
        raise


def seconds(text: str) -> float | None:
    """Of a duration as Go writes it, or of a number of seconds; None for no limit of one's own."""
    if not text:
        return None
    try:
        found = float(int(text))
    except ValueError:
        parts = _DURATION.findall(text)
        if not parts or "".join(parts) != text:
            raise SealbridgeError(
                f"Invalid timeout value. Timeout must be a single integer in seconds, or an integer "
                f"followed by a corresponding time unit (e.g. 1s | 2m | 3h): {text}"
            ) from None
        found = sum(_part(part) for part in parts)
    return found if found > 0 else None


def _part(part: str) -> float:
    number = part.rstrip("nuµmsh")
    return float(number) * _UNITS[part[len(number) :]]


def _home_has_one() -> bool:
    return os.path.exists(os.path.expanduser("~/.kube/config"))  # noqa: PTH110, PTH111 - start-up time


def _pods() -> str:
    try:
        with open(_ACCOUNT_NAMESPACE) as stream:  # noqa: PTH123 - as above
            return stream.read().strip()
    except OSError:
        return ""
