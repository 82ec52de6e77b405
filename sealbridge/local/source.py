"""The manifests below a folder. Knows which files to read and what makes an object unusable.

A file that cannot be read, an object that no API server would take, two objects of one name and two
that make one target are problems of their own: each is told with its files, and the others go on.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealbridge.errors import ManifestError, SealbridgeError
from sealbridge.manifests import MAX_BYTES, Document, read_documents
from sealbridge.reconcile.kinds import (
    EXTERNAL_SECRET,
    KINDS,
    SEALED_SECRET,
    Object,
    ObjectKey,
    key_of,
)

_SUFFIXES = (".yaml", ".yml", ".json")
# A file that names none of these holds nothing for us and is not parsed: a broken template of a chart
# that makes Deployments is not our business.
_WORDS = (b"Secret", b"ConfigMap", b"Namespace", b"generators.external-secrets.io")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # holds the words in another spelling: an error to be told
# Makes a uid of an object's identity: the same in every run, different for every object.
_UIDS = uuid.UUID("1c3aa1f4-3f0a-5b53-9e0f-8a9b6a0f6d3e")


@dataclass(frozen=True, slots=True)
class SourceObject:
    """An object and where it stands: a file, with the number of the document where it has several."""

    obj: Object
    key: ObjectKey
    where: str

    @classmethod
    def of(cls, obj: Object, where: str) -> SourceObject:
        """An object that `object_of` gave."""
        return cls(obj, key_of(obj), where)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that cannot be used. `key` is None when it cannot be told which objects it holds."""

    where: str
    error: SealbridgeError
    key: ObjectKey | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a folder holds. An object with a problem is only among the problems."""

    objects: Mapping[ObjectKey, SourceObject]
    problems: tuple[Problem, ...]

    @property
    def complete(self) -> bool:
        """Whether everything could be read, so that what is not here is not there."""
        return all(problem.key is not None for problem in self.problems)


_Stamp = tuple[str, int, int, int]  # path, time of change, size, inode
Stamp = tuple[_Stamp, ...]


class SourceTree:
    """Reads a folder again and again; a file that has not changed is parsed once.

    `exclude` are folders inside it that are somebody else's: the output, the store credentials. `laid_over`
    are objects from elsewhere, in the place of those of the same identity.
    """

    def __init__(
        self,
        root: Path,
        *,
        namespace: str,
        exclude: Iterable[Path] = (),
        laid_over: Iterable[SourceObject] = (),
    ) -> None:
        self.root = root
        self._laid_over = {each.key: each for each in laid_over}
        self._namespace = namespace
        self._exclude = frozenset(path.resolve() for path in exclude)
        self._parsed: dict[str, tuple[_Stamp, list[Document] | SealbridgeError]] = {}

    def stamp(self) -> Stamp:
        """Differs when a file has come, gone or changed."""
        return tuple(stamp for _, stamp in self._files())

    def read(self) -> Contents:
        """Everything that the folder holds now. Raises SealbridgeError when there is no such folder."""
        if not self.root.is_dir():
            raise SealbridgeError(
                "there is no such folder",
                where=str(self.root),
                hint="give the folder that holds the manifests",
            )
        found: list[SourceObject] = []
        problems: list[Problem] = []
        parsed: dict[str, tuple[_Stamp, list[Document] | SealbridgeError]] = {}
        for path, stamp in self._files(problems):
            file = str(path.relative_to(self.root))
            known = self._parsed.get(file)
            documents = known[1] if known is not None and known[0] == stamp else _documents(path, file)
            parsed[file] = (stamp, documents)
            if isinstance(documents, SealbridgeError):
                problems.append(Problem(documents.where or file, documents))
                continue
            for document in documents:
                try:
                    obj = object_of(document.obj, namespace=self._namespace)
                except ManifestError as error:
                    key = key_in(document.obj, self._namespace)
                    problems.append(Problem(document.where, error, key))
                    continue
                if obj is not None:
                    found.append(SourceObject.of(obj, document.where))
        self._parsed = parsed
        found = [each for each in found if each.key not in self._laid_over] + [*self._laid_over.values()]
        unique, twice = _unique(found)
        shared = _shared_targets(unique)
        problems += [*twice, *shared]
        bad = {problem.key for problem in shared}
        return Contents({o.key: o for o in unique if o.key not in bad}, tuple(problems))

    def _files(self, problems: list[Problem] | None = None) -> Iterator[tuple[Path, _Stamp]]:
        """The files to read, in order; folders that cannot be listed go to `problems`."""
        seen: set[str] = set()
        root = self.root.resolve()

        def unlisted(error: OSError) -> None:
            # Gone since its parent was listed: then so is all that it held.
            if problems is not None and not isinstance(error, FileNotFoundError):
                where = os.path.relpath(error.filename, root)
                problems.append(Problem(where, _unreadable(error, where)))

        for folder, folders, names in os.walk(root, onerror=unlisted):
            here = Path(folder)
            folders[:] = sorted(
                name for name in folders if not name.startswith(".") and here / name not in self._exclude
            )
            for name in sorted(names):
                if name.startswith(".") or not name.endswith(_SUFFIXES):
                    continue
                real = os.path.realpath(here / name)
                # A link may lead elsewhere in the tree, as in a mounted ConfigMap, but not out of it.
                if real in seen or not Path(real).is_relative_to(root):
                    continue
                seen.add(real)
                relative = (here / name).relative_to(root)
                try:
                    status = Path(real).stat()
                except FileNotFoundError:
                    continue
                except OSError:
                    stamp = (str(relative), 0, 0, 0)  # reading it will tell why
                else:
                    stamp = (str(relative), status.st_mtime_ns, status.st_size, status.st_ino)
                yield self.root / relative, stamp


def object_of(document: Object, *, namespace: str) -> Object | None:
    """The object as an API server would hand it out, or None when it is nothing of ours.

    `namespace` is that of objects that name none. Raises ManifestError.
    """
    kind = KINDS.get(str(document.get("kind")))
    api_version = document.get("apiVersion")
    if kind is None:
        return None
    if not isinstance(api_version, str):
        raise ManifestError(
            "apiVersion is missing" if api_version is None else "apiVersion must be a string",
            hint=f"a {kind} has `apiVersion: {kind.api_version}`",
        )
    group, _, version = api_version.rpartition("/")
    if group != kind.group:
        return None
    if version not in kind.versions:
        raise ManifestError(
            f"there is no {kind} in {api_version}",
            hint="use " + " or ".join(f"{group}/{v}" if group else v for v in kind.versions),
        )
    metadata = _metadata(document)
    if kind.namespaced:
        metadata["namespace"] = metadata.get("namespace") or namespace
    else:
        metadata.pop("namespace", None)
    key = ObjectKey(kind.name, metadata.get("namespace", ""), metadata["name"])
    content = {k: v for k, v in document.items() if k not in ("metadata", "status")}
    metadata["uid"] = uid_of(key)
    metadata["generation"] = int(_digest(content)[:12], 16)
    metadata["resourceVersion"] = _digest({**content, "metadata": metadata})
    return {**content, "metadata": metadata}


def uid_of(key: ObjectKey) -> str:
    """The uid of whatever has this identity in a directory."""
    return str(uuid.uuid5(_UIDS, f"{key.kind}/{key.namespace}/{key.name}"))


def target_of(obj: Object) -> str | None:
    """The name of the Secret that an object makes, None when it makes none."""
    if obj["kind"] == SEALED_SECRET.name:
        name: object = obj["metadata"]["name"]
    elif obj["kind"] == EXTERNAL_SECRET.name:
        spec = obj.get("spec")
        target = spec.get("target") if isinstance(spec, dict) else None
        if isinstance(target, dict) and target.get("creationPolicy") == "None":
            return None
        name = (target.get("name") if isinstance(target, dict) else None) or obj["metadata"]["name"]
    else:
        return None
    return name if isinstance(name, str) else None


def _merges(obj: Object) -> bool:
    """Whether it adds to a target that others make, and so has a right to share it."""
    spec = obj.get("spec")
    target = spec.get("target") if isinstance(spec, dict) else None
    return isinstance(target, dict) and target.get("creationPolicy") in ("Merge", "CreateOrMerge")


def _documents(path: Path, file: str) -> list[Document] | SealbridgeError:
    try:
        # Without O_NONBLOCK, a pipe put there would have us wait for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return SealbridgeError("not a plain file", where=file, hint="remove it from the source")
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return _unreadable(error, file)
    if not any(word in data for word in _WORDS) and not data.startswith(_UTF_16):
        return []
    try:
        return [document for document in read_documents(data, file=file) if _is_kind_of_ours(document.obj)]
    except SealbridgeError as error:
        return error


def _is_kind_of_ours(document: Object) -> bool:
    kind = document.get("kind")
    return isinstance(kind, str) and kind in KINDS


def _unreadable(error: OSError, where: str) -> SealbridgeError:
    return SealbridgeError(
        f"cannot read it: {(error.strerror or 'input/output error').lower()}",
        where=where,
        hint="look at its permissions",
    )


def _metadata(document: Object) -> dict[str, Any]:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        raise ManifestError("metadata must be a mapping")
    for field in ("name", "namespace"):
        value = metadata.get(field)
        if value is not None and not isinstance(value, str):
            raise ManifestError(f"metadata.{field} must be a string", hint="put quotes around it")
    if not metadata.get("name"):
        raise ManifestError("metadata.name is missing")
    for field in ("labels", "annotations"):
        entries = metadata.get(field) or {}
        if not isinstance(entries, dict) or not all(
            isinstance(k, str) and isinstance(v, str) for k, v in entries.items()
        ):
            raise ManifestError(
                f"metadata.{field} must map strings to strings", hint="put quotes around them"
            )
    return dict(metadata)


def key_in(document: Object, namespace: str) -> ObjectKey | None:
    """Which object a document of a kind of ours is; None when it does not say so."""
    metadata = document.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    kind = KINDS[document["kind"]]
    name, there = fields.get("name"), (fields.get("namespace") or namespace) if kind.namespaced else ""
    return (
        ObjectKey(kind.name, there, name)
        if name and isinstance(name, str) and isinstance(there, str)
        else None
    )


def _unique(found: list[SourceObject]) -> tuple[list[SourceObject], list[Problem]]:
    places: dict[ObjectKey, list[SourceObject]] = defaultdict(list)
    for each in found:
        places[each.key].append(each)
    unique = [same[0] for same in places.values() if len(same) == 1]
    twice = [
        Problem(
            same[0].where,
            ManifestError(
                f"{key} is there more than once: {', '.join(each.where for each in same)}",
                hint="keep one of them",
            ),
            key,
        )
        for key, same in places.items()
        if len(same) > 1
    ]
    return unique, twice


def _shared_targets(objects: Iterable[SourceObject]) -> list[Problem]:
    makers: dict[tuple[str, str], list[SourceObject]] = defaultdict(list)
    for each in objects:
        if (name := target_of(each.obj)) is not None and not _merges(each.obj):
            makers[each.key.namespace, name].append(each)
    return [
        Problem(
            each.where,
            ManifestError(
                f"Secret {namespace}/{name} is made by more than one object: "
                + ", ".join(f"{other.key.kind} {other.key.name} in {other.where}" for other in same),
                hint="give each its own target",
            ),
            each.key,
        )
        for (namespace, name), same in makers.items()
        if len(same) > 1
        for each in same
    ]


def _digest(content: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(content, sort_keys=True, default=str)
    except TypeError:
        # YAML allows keys of several types in one mapping, which have no order.
        text = repr(content)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
