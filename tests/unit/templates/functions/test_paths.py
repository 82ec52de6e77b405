"""Paths as text."""

from __future__ import annotations

import pytest

from sealbridge.templates.functions import paths


@pytest.mark.parametrize(
    ("path", "base", "directory", "clean", "extension"),
    [
        (b"", b".", b".", b".", b""),
        (b"/", b"/", b"/", b"/", b""),
        (b"/a/b.c", b"b.c", b"/a", b"/a/b.c", b".c"),
        (b"a//b/", b"b", b"a/b", b"a/b", b""),
        (b"../../x", b"x", b"../..", b"../../x", b""),
        (b"/../a/..", b"..", b"/a", b"/", b"."),
        (b"a.b/c", b"c", b"a.b", b"a.b/c", b""),
        (b"\xff/.x", b".x", b"\xff", b"\xff/.x", b".x"),
    ],
)
def test_paths_come_apart(path: bytes, base: bytes, directory: bytes, clean: bytes, extension: bytes) -> None:
    found = (paths.base(path), paths.dir_(path), paths.clean(path), paths.ext(path))
    assert found == (base, directory, clean, extension)
    assert paths.is_abs(path) is (path[:1] == b"/")
