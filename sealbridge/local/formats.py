"""How a Secret stands in a file: YAML, JSON or env. Knows no folders and no owners."""

from __future__ import annotations

from enum import Enum

from sealbridge.errors import ClusterError, SealbridgeError
from sealbridge.local import envfile
from sealbridge.manifests import dump_json, dump_yaml, read_documents
from sealbridge.reconcile.kinds import SECRET, Object
from sealbridge.secret import Secret

# What a file keeps of the metadata. An owner's uid means nothing to the API server that the file may
# be applied to: its garbage collector would delete the Secret at once.
_KEPT = ("name", "namespace", "labels", "annotations")


class Format(Enum):
    """The value is the file's suffix."""

    YAML = "yaml"
    JSON = "json"
    ENV = "env"

    @property
    def holds_metadata(self) -> bool:
        """Whether labels, annotations and type stand in the file."""
        return self is not Format.ENV

    def dump(self, manifest: Object) -> bytes:
        """The file for a Secret object. Raises ManifestError when the format cannot hold it."""
        if self is Format.ENV:
            return envfile.dump(Secret.from_manifest(manifest).items)
        document: Object = {
            "apiVersion": SECRET.api_version,
            "kind": SECRET.name,
            "metadata": {
                field: manifest["metadata"][field] for field in _KEPT if manifest["metadata"].get(field)
            },
            **{field: manifest[field] for field in ("type", "immutable", "data") if field in manifest},
        }
        text = dump_json([document]) if self is Format.JSON else dump_yaml([document])
        return text.encode("utf-8", "surrogatepass")

    def load(self, data: bytes, *, where: str) -> Object:
        """The Secret object in a file. Raises ClusterError when there is something else in it."""
        try:
            if self is Format.ENV:
                return Secret(name="", items=envfile.load(data)).to_manifest()
            documents = read_documents(data, file=where)
            if len(documents) == 1 and documents[0].obj.get("kind") == SECRET.name:
                Secret.from_manifest(documents[0].obj)
                return documents[0].obj
        except SealbridgeError:
            pass
        raise ClusterError(
            "there is something in the way that is no Secret", where=where, hint="remove the file"
        )
