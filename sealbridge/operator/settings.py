"""What the operator is told at its start: flags, and environment variables where a flag is absent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealbridge.errors import ManifestError, UsageError
from sealbridge.secret import check_namespace

LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One field a flag. An empty `namespace` or `kubeconfig` means: find out.

    Empty `watch_namespaces` are all namespaces.
    """

    namespace: str = ""
    listen_addr: str = ":8080"
    listen_metrics_addr: str = ":8081"
    kubeconfig: str = ""
    log_level: str = "info"
    key_size: int = 4096
    workers: int = 16
    watch_namespaces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.log_level not in LEVELS:
            raise UsageError(f"the log level must be one of {', '.join(LEVELS)}, not {self.log_level!r}")
        if not 2048 <= self.key_size <= 8192:
            raise UsageError(f"the key size must be from 2048 to 8192 bits, not {self.key_size}")
        if not 1 <= self.workers <= 256:
            raise UsageError(f"the number of workers must be from 1 to 256, not {self.workers}")
        for name in self.watch_namespaces:
            try:
                check_namespace(name, "a name in --watch-namespaces")
            except ManifestError as error:
                raise UsageError(error.what, hint=error.hint) from None
        for address in (self.listen_addr, self.listen_metrics_addr):
            host_and_port(address)

    @classmethod
    def read(cls, flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
        """A flag that was given wins, then SEALBRIDGE_<FLAG>, then the default. Raises UsageError."""
        values: dict[str, Any] = {}
        for name, default in _DEFAULTS.items():
            variable = f"SEALBRIDGE_{name.upper()}"
            value: Any = flags.get(name)
            if value is None:
                value = environment.get(variable)
            if value is None:
                continue
            if isinstance(default, tuple):
                value = tuple(name for name in (part.strip() for part in value.split(",")) if name)
            elif isinstance(default, int):
                try:
                    value = int(value)
                except ValueError:
                    raise UsageError(f"{value!r} is not a number", where=variable) from None
            values[name] = value
        return cls(**values)


_DEFAULTS: Mapping[str, Any] = {name: field.default for name, field in Settings.__dataclass_fields__.items()}


def host_and_port(address: str) -> tuple[str | None, int]:
    """`:8080` listens on every address, `127.0.0.1:0` on a free port of one. Raises UsageError."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise UsageError(
            f"{address!r} is not an address to listen on", hint="write it like :8080 or 127.0.0.1:8080"
        )
    return host.removeprefix("[").removesuffix("]") or None, int(port)
