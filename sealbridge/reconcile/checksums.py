"""Checksums of a Secret's data that tell whoever has no key nothing but that they differ.

People may read workloads who may not read Secrets. A bare digest of a short password could be found by
trying; these are keyed, with a key that only the operator has, and which stays over its restarts.
"""

from __future__ import annotations

import hmac
import secrets

from sealbridge.errors import Conflict, ManifestError
from sealbridge.reconcile.cluster import Cluster
from sealbridge.secret import Secret, Value

KEY_NAME = "sealbridge-restart-key"
KEY_TYPE = "sealbridge.io/restart-key"
_ITEM = "key"
_KEY_BYTES = 32


class Checksums:
    """Makes the key, a Secret in `namespace`, when it is needed for the first time."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._key: Value | None = None

    async def of(self, secret: Secret) -> str:
        """The checksum of the Secret's items under its name. Raises ClusterError and ManifestError.

        Of two with the same items in different namespaces the checksums differ."""
        key = self._key = self._key or await self._read()
        mac = hmac.new(key.reveal(), digestmod="sha256")
        for part in (secret.namespace.encode(), secret.name.encode()):
            _add(mac, part)
        for item in sorted(secret.items):
            _add(mac, item.encode("utf-8", "surrogatepass"))
            _add(mac, secret.items[item].reveal())
        return f"{_fingerprint(key)}-{mac.hexdigest()[:32]}"

    async def _read(self) -> Value:
        # Two that come at once make one key: the second finds that of the first.
        for _ in range(2):
            stored = await self._cluster.get_secret(self._namespace, KEY_NAME)
            if stored is not None:
                key = stored.items.get(_ITEM, Value(b""))
                if len(key) < _KEY_BYTES:
                    raise ManifestError(
                        f"Secret {self._namespace}/{KEY_NAME} holds no key for checksums",
                        hint="delete it: another is made then, and nothing is restarted for that",
                    )
                return key
            made = Secret(
                name=KEY_NAME,
                namespace=self._namespace,
                type=KEY_TYPE,
                items={_ITEM: Value(secrets.token_bytes(_KEY_BYTES))},
            )
            try:
                return (await self._cluster.create_secret(made)).items[_ITEM]
            except Conflict:
                continue
        raise Conflict("others keep making and deleting it", where=f"Secret {self._namespace}/{KEY_NAME}")


def comparable(one: str, other: str) -> bool:
    """Whether both were made with the same key, so that a difference means other data."""
    return one.partition("-")[0] == other.partition("-")[0]


def _fingerprint(key: Value) -> str:
    return hmac.new(key.reveal(), b"fingerprint", "sha256").hexdigest()[:8]


def _add(mac: hmac.HMAC, part: bytes) -> None:
    """With its length before it, so that no two lists of parts make the same bytes."""
    mac.update(len(part).to_bytes(8, "big"))
    mac.update(part)
