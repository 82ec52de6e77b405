"""Where a key stands in the server's API. Pure; knows the rules of External Secrets Operator."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from sealbridge.errors import Invalid


def data_path(key: str, *, mount: str, version: str) -> str:
    """The API path of a secret's value, percent-encoded.

    With a mount, `mount/` and on version 2 `mount/data/` in front of the key are optional. Without
    one, the first segment of the key is the mount, and `data` goes behind it unless it is there.
    """
    path, mount = _clean(key), _clean(mount) if mount else ""
    if mount:
        if path.startswith(f"{mount}/"):
            path = path.removeprefix(f"{mount}/")
            path = path.removeprefix("data/") if version == "v2" else path
        return quote(f"{mount}/data/{path}" if version == "v2" else f"{mount}/{path}")
    if version == "v2" and "/data/" not in path:
        first, _, rest = path.partition("/")
        path = f"{first}/data/{rest}" if rest else f"{first}/data"
    return quote(path)


def metadata_path(key: str, *, mount: str) -> str:
    """The API path of a secret's metadata on version 2, percent-encoded. Nothing is cut off the key."""
    path = _clean(key)
    if mount:
        return quote(f"{_clean(mount)}/metadata/{path}")
    if "/data/" in path:
        return quote(path.replace("/data/", "/metadata/", 1))
    first, _, rest = path.partition("/")
    return quote(f"{first}/metadata/{rest}" if rest else f"{first}/metadata")


def beside(path: str, *, mount: str) -> str:
    """The metadata of the secret whose value is at `path`, an API path of version 2."""
    before = quote(_clean(mount)) if mount else ""
    found = before + path.removeprefix(before).replace("/data/", "/metadata/", 1)
    if found == path:
        raise Invalid(f"{path} names a mount and no secret in it")
    return found


def folder_path(folder: str, *, mount: str, version: str) -> str:
    """The API path of the list of a folder, percent-encoded; an empty folder is the whole mount."""
    folder = _clean(folder) if folder.strip("/") else ""
    if not mount:
        mount, _, folder = folder.partition("/")
        if not mount:
            raise Invalid("find needs a path whose first segment is the mount", where="find.path")
    return quote("/".join(filter(None, (_clean(mount), "metadata" if version == "v2" else "", folder))))


def exact_path(name: str, *, mount: str, version: str) -> str:
    """The API path of a secret that a list has named, percent-encoded: nothing is optional in it."""
    if not mount:
        mount, _, name = _clean(name).partition("/")
    return quote("/".join(filter(None, (_clean(mount), "data" if version == "v2" else "", _clean(name)))))


def mount(path: str) -> str:
    """The mount of an auth method, percent-encoded."""
    return quote(_clean(path))


def segment(name: str) -> str:
    """One segment of a path, whatever stands in it."""
    return quote(_clean(name) if "/" not in name else name, safe="")


def _clean(path: str) -> str:
    """Without empty segments, as the server reads it; a way out of the mount is refused."""
    segments = [segment for segment in path.split("/") if segment]
    if not segments:
        raise Invalid(f"{path!r} is not a path in the store", hint="it is empty")
    if any(segment in (".", "..") for segment in segments):
        raise Invalid(f"{path!r} is not a path in the store", hint="write it without '.' and '..'")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in path):
        raise Invalid(f"{path!r} is not a path in the store", hint="it has control characters")
    return "/".join(segments)
