"""Credentials from a dictionary, for tests that open a store without a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sealbridge.errors import Invalid
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import SecretKeySelector


class DictResolver:
    """Secrets and ConfigMaps by `name/key`, or `namespace/name/key` where a namespace is asked for."""

    def __init__(
        self,
        secrets: Mapping[str, str | bytes] | None = None,
        config_maps: Mapping[str, str] | None = None,
        *,
        namespace: str = "default",
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self._secrets = dict(secrets or {})
        self._config_maps = dict(config_maps or {})
        self._labels = dict(labels or {})
        self.namespace = namespace

    async def secret(self, name: str, namespace: str = "") -> Secret:
        start = "/".join(filter(None, (namespace, name))) + "/"
        items = {
            path.removeprefix(start): Value(value if isinstance(value, bytes) else value.encode())
            for path, value in self._secrets.items()
            if path.startswith(start)
        }
        if not items:
            raise Invalid(f"there is no Secret {start[:-1]}")
        return Secret(name=name, namespace=namespace, items=items, labels=self._labels)

    async def secret_value(self, selector: SecretKeySelector) -> Value:
        path = "/".join(filter(None, (selector.namespace, selector.name, selector.key)))
        if path not in self._secrets:
            raise Invalid(f"there is no Secret {path}")
        value = self._secrets[path]
        return Value(value if isinstance(value, bytes) else value.encode())

    async def config_map_value(self, name: str, key: str, namespace: str = "") -> str:
        path = "/".join(filter(None, (namespace, name, key)))
        if path not in self._config_maps:
            raise Invalid(f"there is no ConfigMap {path}")
        return self._config_maps[path]

    async def service_account_token(
        self, name: str, *, namespace: str = "", audiences: Sequence[str], expiration_seconds: int
    ) -> Value:
        raise Invalid(f"there is no service account {name}")

    async def own_token(self) -> Value:
        raise Invalid("there is no token of a pod to log in with")
