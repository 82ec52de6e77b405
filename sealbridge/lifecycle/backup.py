"""A backup of sealing keys as bytes: its manifest and its key Secrets. Knows no place and no cluster.

The text is JSON, encrypted as a whole, so that the manifest is as trustworthy as the keys:

    {"format": "sealbridge-keys", "version": 1,
     "manifest": {"cluster", "namespace", "made", "tool", "checksum",
                  "keys": [{"fingerprint", "name", "state"}, ...]},
     "secrets": [a key Secret, ...]}

`checksum` is the SHA-256 of the secrets as compact JSON with sorted keys. A backup that does not pass every
check is no backup: nothing of it is used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sealbridge import __version__
from sealbridge.errors import BackupError, SealbridgeError
from sealbridge.lifecycle.age import Lock, Opener, is_encrypted
from sealbridge.lifecycle.creation import Place
from sealbridge.lifecycle.key_home import BACKED_UP, REPLACES, Record, Records, State, records_of, stamp
from sealbridge.sealing.keys import KEY_LABEL
from sealbridge.secret import Secret, check_name, check_namespace

FORMAT, VERSION = "sealbridge-keys", 1
MAX_BYTES = 64 << 20
MAX_KEYS = 5000
_NOT_KEPT = frozenset({BACKED_UP, REPLACES, "kubectl.kubernetes.io/last-applied-configuration"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup holds."""

    cluster: str
    namespace: str
    made: str
    tool: str
    checksum: str
    records: tuple[Record, ...] = field(repr=False)

    @property
    def manifest(self) -> dict[str, Any]:
        """What may be shown to anybody."""
        return {
            "cluster": self.cluster,
            "namespace": self.namespace,
            "made": self.made,
            "tool": self.tool,
            "checksum": self.checksum,
            "keys": [
                {"fingerprint": one.fingerprint, "name": one.secret.name, "state": _label(one.secret)}
                for one in self.records
            ],
        }


def make(records: Records, place: Place, at: datetime) -> Backup:
    """A backup of all the keys of a home."""
    kept = tuple(record._replace(secret=_stored(record.secret)) for record in records.keys)
    return Backup(
        cluster=place.cluster_id,
        namespace=place.namespace,
        made=stamp(at),
        tool=f"sealbridge {__version__}",
        checksum=_checksum([record.secret.to_manifest() for record in kept]),
        records=kept,
    )


def dump(backup: Backup, lock: Lock | None) -> bytes:
    """The bytes to keep; without a lock they are not encrypted."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "manifest": backup.manifest,
        "secrets": [record.secret.to_manifest() for record in backup.records],
    }
    data = json.dumps(document, indent=1).encode() + b"\n"
    return data if lock is None else lock.close(data)


def load(data: bytes, opener: Opener, *, where: str) -> Backup:
    """The backup that bytes hold, every check passed. Raises BackupError and UsageError."""
    if len(data) > MAX_BYTES:
        raise BackupError(f"it is larger than {MAX_BYTES >> 20} MiB", where=where)
    if is_encrypted(data):
        data = opener.open(data, where=where)
        if len(data) > MAX_BYTES:
            raise BackupError(f"it is larger than {MAX_BYTES >> 20} MiB", where=where)
    elif not data.lstrip().startswith(b"{"):
        raise BackupError("it is no backup of sealing keys", where=where)
    try:
        document = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise BackupError("it is cut off or damaged: it is not JSON", where=where) from None
    try:
        return _checked(document)
    except SealbridgeError as error:
        raise BackupError(error.what, where=f"{where}: {error.where}" if error.where else where) from None


def _checked(document: Any) -> Backup:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BackupError("it is no backup of sealing keys")
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        newer = isinstance(version, int) and version > VERSION
        raise BackupError(
            f"it has version {str(version)[:20]} of the format, and this sealbridge reads {VERSION}"
            + (": it was made by a newer one" if newer else "")
        )
    manifest, secrets = document.get("manifest"), document.get("secrets")
    if not isinstance(manifest, dict) or not isinstance(secrets, list):
        raise BackupError("its manifest or its keys are missing")
    if not secrets or len(secrets) > MAX_KEYS:
        raise BackupError(f"it holds {len(secrets)} keys; 1 to {MAX_KEYS} are taken")
    texts = {name: _text(manifest, name) for name in ("cluster", "namespace", "made", "tool", "checksum")}
    if _checksum(secrets) != texts["checksum"]:
        raise BackupError("its keys are not those of its manifest: the checksums differ")
    records = [_record(obj) for obj in secrets]
    _check_distinct([record.fingerprint for record in records], "the key")
    _check_distinct([record.secret.name for record in records], "the name")
    told = manifest.get("keys")
    names = [one.get("fingerprint") if isinstance(one, dict) else None for one in told or ()]
    if not isinstance(told, list) or names != [record.fingerprint for record in records]:
        raise BackupError("its keys are not those of its manifest: the fingerprints differ")
    return Backup(**texts, records=tuple(records))


def _text(manifest: Mapping[str, Any], name: str) -> str:
    text = manifest.get(name)
    if not isinstance(text, str):
        raise BackupError(f"its manifest is not complete: {name}")
    return text


def _record(obj: Any) -> Record:
    if not isinstance(obj, Mapping) or obj.get("kind") != "Secret":
        raise BackupError("it holds an object that is no Secret")
    secret = Secret.from_manifest(obj)
    # A name becomes part of a path: of a file, or of a request.
    check_name(secret.name, "the name of a key")
    if secret.namespace:
        check_namespace(secret.namespace, "the namespace of a key")
    found = records_of([secret])
    if found.problems:
        raise found.problems[0]
    if not found.keys:
        raise BackupError("it holds a key that is no RSA key", where=f"Secret {secret.name}")
    return found.keys[0]._replace(secret=_stored(secret))


def _check_distinct(names: Sequence[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BackupError(f"{what} {name} is in it twice")
        seen.add(name)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field is there twice")
    return found


def _stored(secret: Secret) -> Secret:
    """Without what the API server has set, and without the time of backups before this one.

    A key that waits for this backup is active in it: it may be by the time the backup is needed.
    """
    kept = {name: text for name, text in secret.annotations.items() if name not in _NOT_KEPT}
    labels = dict(secret.labels)
    if labels.get(KEY_LABEL) == State.PENDING.value:
        labels[KEY_LABEL] = State.ACTIVE.value
    return replace(secret, metadata={}, annotations=kept, labels=labels)


def _label(secret: Secret) -> str:
    return secret.labels.get(KEY_LABEL, "active")


def _checksum(secrets: Sequence[Any]) -> str:
    text = json.dumps(secrets, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
