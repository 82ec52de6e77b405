"""Paths with slashes, as text. Knows no file system."""

from __future__ import annotations


def base(path: bytes) -> bytes:
    """The last part of a path; `.` for none, `/` for slashes alone.

    {{ base "/etc/tls/tls.crt" }} -> tls.crt
    """
    if not path:
        return b"."
    return path.rstrip(b"/").rpartition(b"/")[2] or b"/"


def dir_(path: bytes) -> bytes:
    """A path without its last part.

    {{ dir "/etc/tls/tls.crt" }} -> /etc/tls
    {{ dir "tls.crt" }} -> .
    """
    head, slash, _ = path.rpartition(b"/")
    return clean(head + slash)


def clean(path: bytes) -> bytes:
    """The shortest path that means the same: no `.`, no `//`, and `..` resolved where that is possible.

    {{ clean "/etc/./tls//../ssl" }} -> /etc/ssl
    """
    rooted = path.startswith(b"/")
    parts: list[bytes] = []
    for part in path.split(b"/"):
        if part in (b"", b"."):
            continue
        if part != b"..":
            parts.append(part)
        elif parts and parts[-1] != b"..":
            parts.pop()
        elif not rooted:
            parts.append(part)
    return (b"/" if rooted else b"") + b"/".join(parts) or b"."


def ext(path: bytes) -> bytes:
    """What follows the last dot of the last part, with the dot.

    {{ ext "/etc/tls/tls.crt" }} -> .crt
    """
    _, dot, extension = path.rpartition(b"/")[2].rpartition(b".")
    return dot + extension if dot else b""


def is_abs(path: bytes) -> bool:
    """Whether a path starts with a slash.

    {{ isAbs "/etc" }} -> true
    """
    return path.startswith(b"/")
