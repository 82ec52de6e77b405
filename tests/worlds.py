"""A directory to reconcile in, with a sealing key and a clock of its own. For tests of any floor."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from sealbridge.local.directory import DirectoryCluster
from sealbridge.local.formats import Format
from sealbridge.manifests import dump_yaml
from sealbridge.reconcile.kinds import KINDS, Object, ObjectKey
from sealbridge.sealing.keyring import Keyring, Opened
from sealbridge.sealing.keys import SealingKey
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import seal
from sealbridge.secret import Secret, Value

START = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


class ManualClock:
    """Stands still until somebody moves it."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class CountingKeyring(Keyring):
    """A real keyring that counts what it is asked to open."""

    opened = 0

    def open(self, envelope: bytes, label: bytes, hints: Iterable[str | None] = ()) -> Opened:
        self.opened += 1
        return super().open(envelope, label, hints)


class World:
    """Source and output folders below `folder`."""

    def __init__(self, folder: Path, key: SealingKey) -> None:
        self.source, self.output = folder / "source", folder / "output"
        self.source.mkdir()
        self.key = key
        self.clock = ManualClock()
        self.keyring = CountingKeyring([key])
        self._clusters: list[DirectoryCluster] = []

    def write(self, name: str, *documents: Object) -> Path:
        """Write documents into a file of the source."""
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump_yaml(documents))
        return path

    def sealed(
        self,
        name: str,
        items: Mapping[str, str | bytes],
        *,
        namespace: str = "default",
        key: SealingKey | None = None,
        scope: Scope = Scope.STRICT,
        **more: Any,
    ) -> Object:
        """A SealedSecret object, sealed with the world's key unless another is given."""
        values = {k: Value(v.encode() if isinstance(v, str) else v) for k, v in items.items()}
        secret = Secret(name=name, namespace=namespace, items=values, **more)
        return seal(secret, (key or self.key).certificate, scope).to_manifest()

    def cluster(self, **options: Any) -> DirectoryCluster:
        """The directory as a new process finds it; what was open is closed first."""
        self.close()
        options.setdefault("format_", Format.YAML)
        cluster = DirectoryCluster(self.source, self.output, **options)
        self._clusters.append(cluster)
        return cluster

    def close(self) -> None:
        """Save and close what is open."""
        while self._clusters:
            self._clusters.pop().close()

    def output_files(self) -> dict[str, tuple[int, int]]:
        """Every Secret file with its inode and time of change: what is written anew has others."""
        return {
            str(path.relative_to(self.output)): (path.stat().st_ino, path.stat().st_mtime_ns)
            for path in sorted(self.output.rglob("*"))
            if path.is_file() and ".sealbridge" not in path.parts
        }

    def read(self, name: str) -> dict[str, str]:
        """The items of a Secret file in the output."""
        document = yaml.safe_load((self.output / name).read_bytes())
        return {k: v.reveal().decode() for k, v in Secret.from_manifest(document).items.items()}

    async def object(self, cluster: DirectoryCluster, key: ObjectKey) -> Object:
        """An object with its status."""
        found = await cluster.get(KINDS[key.kind], key.namespace, key.name)
        assert found is not None
        return found


class FixedKeyring:
    """A KeyringSource that never changes."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def keyring(self, *, fresh: bool = False) -> Keyring:
        return self._keyring


def sealed_key(name: str, namespace: str = "default") -> ObjectKey:
    return ObjectKey("SealedSecret", namespace, name)


def external_key(name: str, namespace: str = "default") -> ObjectKey:
    return ObjectKey("ExternalSecret", namespace, name)


def store_key(name: str, namespace: str = "default") -> ObjectKey:
    return ObjectKey("SecretStore", namespace, name)


def fake_store(name: str, data: Mapping[str, str], *, kind: str = "SecretStore", **spec: Any) -> Object:
    """A store whose values stand in its spec."""
    entries = [{"key": key, "value": value} for key, value in data.items()]
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"provider": {"fake": {"data": entries}}, **spec},
    }


def external_secret(
    name: str, data: Mapping[str, str], *, store: str = "fake", kind: str = "SecretStore", **spec: Any
) -> Object:
    """An ExternalSecret that takes `data`, item key to remote key, from one store."""
    metadata = spec.pop("metadata", {})
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": name, **metadata},
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": {"name": store, "kind": kind},
            "data": [{"secretKey": key, "remoteRef": {"key": remote}} for key, remote in data.items()],
            **spec,
        },
    }


def condition(obj: Object, type_: str) -> dict[str, Any]:
    """One condition of an object."""
    (found,) = [c for c in obj["status"]["conditions"] if c["type"] == type_]
    return dict(found)


def modes(folder: Path) -> dict[str, str]:
    """The permissions of everything below a folder, as octal digits."""
    found = {}
    for path in sorted(folder.rglob("*")):
        found[str(path.relative_to(folder))] = oct(os.lstat(path).st_mode & 0o777)
    return found
