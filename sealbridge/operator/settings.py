"""What the operator is told at its start: flags, and environment variables where a flag is absent.

Names, defaults and meanings of the flags that the Sealed Secrets controller has are its own, so that its
Deployment's arguments go on working. Knows what each means; does nothing with any.
"""

# ruff: noqa: RUF009 - what the functions make is a field

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from sealbridge.errors import ManifestError, UsageError
from sealbridge.kube.selector import Selector
from sealbridge.operator.clients import Clients
from sealbridge.secret import check_name, check_namespace
from sealbridge.stores.reach import Reach
from sealbridge.sync.durations import parse_duration

LEVELS = ("debug", "info", "warning", "error")
CERT_NOT_BEFORE, SECRET_CREATION = "CertNotBefore", "SecretCreationTimestamp"
# The first one wins. The second is the controller's.
PREFIXES = ("SEALBRIDGE_", "SEALED_SECRETS_")

_OPTION = "option"
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_LEVEL_NAMES = {"warn": "warning"}


class Option(NamedTuple):
    """How a flag is read and explained. `flag`: it may stand without a value, and means true then."""

    read: Callable[[str], Any]
    metavar: str
    help: str
    flag: bool = False


def option_of(name: str) -> Option:
    """The option behind a field of Settings."""
    option = Settings.__dataclass_fields__[name].metadata[_OPTION]
    assert isinstance(option, Option)  # noqa: S101 - for the type checker
    return option


def _option(default: Any, read: Callable[[str], Any], metavar: str, help_: str, *, flag: bool = False) -> Any:
    return field(default=default, metadata={_OPTION: Option(read, metavar, help_, flag)})


def _text(default: str, metavar: str, help_: str) -> Any:
    return _option(default, str, metavar, help_)


def _number(default: int, metavar: str, help_: str) -> Any:
    return _option(default, _int, metavar, help_)


def _switch(default: bool, help_: str) -> Any:
    return _option(default, _bool, "BOOL", help_, flag=True)


def _time(default: timedelta, help_: str) -> Any:
    return _option(default, _duration, "DURATION", help_)


def _names(help_: str) -> Any:
    return _option((), _list, "NAME,...", help_)


def _pairs(help_: str) -> Any:
    return _option((), _mapping, "KEY=VALUE,...", help_)


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a number") from None


def _bool(text: str) -> bool:
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise UsageError(f"{text!r} is neither true nor false")


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}", hint="write it like 720h or 1h30m") from None


def _list(text: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def _mapping(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in _list(text):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise UsageError(f"{part!r} is not KEY=VALUE")
        pairs.append((key, value))
    return tuple(pairs)


def _cutoff(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise UsageError(
            f"{text!r} is not a time of RFC 1123", hint="write it like 'Mon, 02 Jan 2006 15:04:05 -0700'"
        )
    return at


def _level(text: str) -> str:
    level = text.lower()
    return _LEVEL_NAMES.get(level, level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One field a flag. An empty `namespace` or `kubeconfig` means: find out.

    Empty `watch_namespaces` are all namespaces. Raises UsageError for what cannot be.
    """

    namespace: str = _text(
        "", "NAME", "where the sealing keys live (default: $POD_NAMESPACE, the pod's namespace, or `default`)"
    )
    kubeconfig: str = _text("", "FILE", "(default: $KUBECONFIG, the pod's account, or ~/.kube/config)")
    workers: int = _number(16, "NUMBER", "objects that are worked on at once (default: 16)")

    watch_namespaces: tuple[str, ...] = _names("serve these namespaces only, and nothing cluster-wide")
    all_namespaces: bool = _switch(
        True, "serve every namespace; false: the operator's own and --additional-namespaces (default: true)"
    )
    additional_namespaces: tuple[str, ...] = _names("serve the operator's own namespace and these only")
    label_selector: str = _text("", "SELECTOR", "look after SealedSecrets with such labels only")
    controller_class: str = _text(
        "default", "NAME", "leave stores of another spec.controller alone (default: default)"
    )

    store_allowed_networks: tuple[str, ...] = _option(
        (),
        _list,
        "NETWORK,...",
        "loopback, link-local and other special addresses that stores may reach",
    )

    restart_interval: timedelta = _time(
        timedelta(minutes=1), "restart a workload for new data of its Secrets at most so often (default: 1m)"
    )
    restarts_per_minute: int = _number(60, "NUMBER", "restarts of workloads in all (default: 60)")

    key_prefix: str = _text("sealed-secrets-key", "PREFIX", "of the names of new sealing keys")
    key_size: int = _number(4096, "BITS", "of new sealing keys (default: 4096)")
    key_ttl: timedelta = _time(
        timedelta(hours=87600), "validity of the certificates of new sealing keys (default: 87600h)"
    )
    key_renew_period: timedelta = _time(
        timedelta(hours=720), "a new sealing key so often; 0 never (default: 720h)"
    )
    key_cutoff_time: datetime | None = _option(
        None, _cutoff, "TIME", "make a new sealing key at the start if the current one is older (RFC 1123)"
    )
    key_order_priority: str = _text(
        CERT_NOT_BEFORE,
        "FIELD",
        f"the newest key by this is current: {CERT_NOT_BEFORE} (default) or {SECRET_CREATION}",
    )
    my_cn: str = _text("", "NAME", "common name in the certificates of new sealing keys")
    privatekey_annotations: tuple[tuple[str, str], ...] = _pairs("annotations of new key Secrets")
    privatekey_labels: tuple[tuple[str, str], ...] = _pairs("labels of new key Secrets")

    accept_deprecated_v1_data: bool = _switch(True, "open the deprecated spec.data (default: true)")
    update_status: bool = _switch(True, "write the status of SealedSecrets (default: true)")
    skip_recreate: bool = _switch(False, "leave a target be that was deleted")

    listen_addr: str = _text(":8080", "ADDRESS", "for /healthz, /readyz and /v1/... (default: :8080)")
    listen_metrics_addr: str = _text(":8081", "ADDRESS", "for /metrics (default: :8081)")
    tls_cert_file: str = _text("", "FILE", "serve TLS on --listen-addr with this certificate chain (PEM)")
    tls_key_file: str = _text("", "FILE", "the private key of --tls-cert-file (PEM)")
    rate_limit: int = _number(2, "NUMBER", "requests a second and client to /v1/verify and the like (2)")
    rate_limit_burst: int = _number(2, "NUMBER", "requests beyond --rate-limit at once (default: 2)")
    trusted_proxies: tuple[str, ...] = _option(
        (), _list, "NETWORK,...", "proxies whose X-Forwarded-For names the client for --rate-limit"
    )
    read_timeout: timedelta = _time(timedelta(minutes=2), "for a request to arrive; 0: an hour (default: 2m)")
    write_timeout: timedelta = _time(
        timedelta(minutes=2), "for an answer to be made and taken; 0: an hour (default: 2m)"
    )

    log_level: str = _option("info", _level, "LEVEL", "debug, info, warning or error (default: info)")
    log_format: str = _text("json", "FORMAT", "json or text (default: json)")
    log_info_stdout: bool = _switch(False, "log below warning to standard output")
    metrics_omit_secret_labels: bool = _switch(False, "metrics that name no SealedSecret")

    # The controller's, taken so that its arguments do; what they ask for is so or has no meaning here.
    watch_for_secrets: bool = _switch(False, "(taken, no effect: sealing keys are always watched)")
    old_gc_behavior: bool = _switch(False, "(taken, no effect: Kubernetes collects what lost its owner)")
    max_unseal_retries: int = _number(5, "NUMBER", "(taken, no effect: trying again has no end)")
    kubeclient_qps: str = _text("", "NUMBER", "(taken, no effect)")
    kubeclient_burst: str = _text("", "NUMBER", "(taken, no effect)")

    def __post_init__(self) -> None:
        if self.log_level not in LEVELS:
            raise UsageError(f"the log level must be one of {', '.join(LEVELS)}, not {self.log_level!r}")
        if self.log_format not in ("json", "text"):
            raise UsageError(f"the log format must be json or text, not {self.log_format!r}")
        if not 2048 <= self.key_size <= 8192:
            raise UsageError(f"the key size must be from 2048 to 8192 bits, not {self.key_size}")
        if not 1 <= self.workers <= 256:
            raise UsageError(f"the number of workers must be from 1 to 256, not {self.workers}")
        if self.key_order_priority not in (CERT_NOT_BEFORE, SECRET_CREATION):
            raise UsageError(
                f"--key-order-priority must be {CERT_NOT_BEFORE} or {SECRET_CREATION}, "
                f"not {self.key_order_priority!r}"
            )
        if not self.key_ttl:
            raise UsageError("a certificate cannot be valid for no time", hint="leave --key-ttl out")
        if self.rate_limit < 1 or self.rate_limit_burst < 0:
            raise UsageError("--rate-limit must be 1 or more, --rate-limit-burst 0 or more")
        Clients(self.trusted_proxies)
        try:
            self.store_reach()
        except ValueError as error:
            raise UsageError(f"--store-allowed-networks: {error}") from None
        if self.restarts_per_minute < 1:
            raise UsageError("--restarts-per-minute must be 1 or more")
        if bool(self.tls_cert_file) != bool(self.tls_key_file):
            raise UsageError("--tls-cert-file and --tls-key-file go together")
        try:
            check_name(f"{self.key_prefix}x", "--key-prefix")
        except ManifestError as error:
            raise UsageError(error.what, hint=error.hint) from None
        for option, names in (
            ("--watch-namespaces", self.watch_namespaces),
            ("--additional-namespaces", self.additional_namespaces),
        ):
            for name in names:
                try:
                    check_namespace(name, f"a name in {option}")
                except ManifestError as error:
                    raise UsageError(error.what, hint=error.hint) from None
        Selector.parse(self.label_selector)
        for address in (self.listen_addr, self.listen_metrics_addr):
            host_and_port(address)

    def store_reach(self) -> Reach:
        """What webhook stores may connect to."""
        return Reach.of(self.store_allowed_networks)

    def served_namespaces(self, own: str) -> tuple[str, ...]:
        """The namespaces to serve, the operator's `own` first; empty for all."""
        if self.watch_namespaces:
            return tuple(dict.fromkeys(self.watch_namespaces))
        if self.all_namespaces and not self.additional_namespaces:
            return ()
        return tuple(dict.fromkeys((own, *self.additional_namespaces)))

    @classmethod
    def read(cls, flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
        """A flag that was given wins, then SEALBRIDGE_<FLAG>, then SEALED_SECRETS_<FLAG>, then the default.

        Raises UsageError that names the flag or variable.
        """
        values: dict[str, Any] = {}
        for field_ in fields(cls):
            for where, text in _given(field_.name, flags, environment):
                if text is not None:
                    values[field_.name] = _read(option_of(field_.name), text, where)
                    break
        return cls(**values)


def _given(
    name: str, flags: Mapping[str, Any], environment: Mapping[str, str]
) -> list[tuple[str, str | None]]:
    variables = [f"{prefix}{name.upper()}" for prefix in PREFIXES]
    return [
        (f"--{name.replace('_', '-')}", flags.get(name)),
        *((variable, environment.get(variable)) for variable in variables),
    ]


def _read(option: Option, text: str, where: str) -> Any:
    try:
        return option.read(text)
    except UsageError as error:
        raise UsageError(error.what, where=where, hint=error.hint) from None


def host_and_port(address: str) -> tuple[str | None, int]:
    """`:8080` listens on every address, `127.0.0.1:0` on a free port of one. Raises UsageError."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise UsageError(
            f"{address!r} is not an address to listen on", hint="write it like :8080 or 127.0.0.1:8080"
        )
    return host.removeprefix("[").removesuffix("]") or None, int(port)
