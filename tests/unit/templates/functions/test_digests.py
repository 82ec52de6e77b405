"""Checksums."""

from __future__ import annotations

from sealbridge.templates.functions import digests


def test_digests_are_text() -> None:
    assert digests.sha1sum(b"hello") == b"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
    assert digests.sha256sum(b"")[:8] == b"e3b0c442"
    assert digests.sha512sum(b"")[:8] == b"cf83e135"
    assert digests.adler32sum(b"") == b"1"
