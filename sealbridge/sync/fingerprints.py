"""The hashes that External Secrets Operator keeps in status, labels and annotations, and its names.

Computed over the text that Go prints for a value, so that what it wrote before a migration still
holds. Knows no object, only what is hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sealbridge.secret import Value

_FIELD_MANAGER = "externalsecrets.external-secrets.io/"
_LONGEST_FIELD_MANAGER = 63


def resource_version(generation: int, labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    """`status.syncedResourceVersion`: differs when spec, a label or an annotation does."""
    text = f"{{annotations:{_go_map(annotations)} labels:{_go_map(labels)}}}"
    return f"{generation}-{_sha3(text.encode('utf-8', 'surrogatepass'))}"


def data_hash(items: Mapping[str, Value]) -> str:
    """The annotation `reconcile.external-secrets.io/data-hash` of a target with these items."""
    digest = hashlib.sha3_224(b"map[")
    for number, key in enumerate(sorted(items)):
        # Fed piece by piece: the text of a 1 MiB value takes four times that.
        digest.update((" " if number else "").encode() + key.encode("utf-8", "surrogatepass") + b":[")
        digest.update(" ".join(map(str, items[key].reveal())).encode() + b"]")
    digest.update(b"]")
    return digest.hexdigest()


def created_by(namespace: str, name: str) -> str:
    """The label `reconcile.external-secrets.io/created-by` of a target of this ExternalSecret."""
    return _sha3(f"{namespace}/{name}".encode())


def field_manager(name: str) -> str:
    """The field manager that signs writes for the ExternalSecret `name`."""
    manager = _FIELD_MANAGER + name
    return (
        manager if len(manager) <= _LONGEST_FIELD_MANAGER else f"{_FIELD_MANAGER}sha3/{_sha3(name.encode())}"
    )


def _go_map(entries: Mapping[str, str]) -> str:
    return "map[" + " ".join(f"{key}:{entries[key]}" for key in sorted(entries)) + "]"


def _sha3(data: bytes) -> str:
    return hashlib.sha3_224(data).hexdigest()
