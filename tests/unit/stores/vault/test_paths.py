"""Where keys stand in the API: the rules of External Secrets Operator as a table."""

from __future__ import annotations

import pytest

from sealbridge.errors import Invalid
from sealbridge.stores.vault.paths import data_path, metadata_path


@pytest.mark.parametrize(
    ("key", "mount", "version", "path"),
    [
        ("app/db", "kv", "v2", "kv/data/app/db"),
        ("kv/app/db", "kv", "v2", "kv/data/app/db"),
        ("kv/data/app/db", "kv", "v2", "kv/data/app/db"),
        ("data/app", "kv", "v2", "kv/data/data/app"),
        ("kv2/app", "kv", "v2", "kv/data/kv2/app"),
        ("kv", "kv", "v2", "kv/data/kv"),
        ("app/db", "team/kv", "v2", "team/kv/data/app/db"),
        ("team/kv/data/app", "team/kv/", "v2", "team/kv/data/app"),
        ("app", "", "v2", "app/data"),
        ("kv/app/db", "", "v2", "kv/data/app/db"),
        ("kv/data/app/db", "", "v2", "kv/data/app/db"),
        ("a/b/data/c", "", "v2", "a/b/data/c"),
        ("app/db", "kv", "v1", "kv/app/db"),
        ("kv/app/db", "kv", "v1", "kv/app/db"),
        ("kv/data/app", "kv", "v1", "kv/data/app"),
        ("kv/app/db", "", "v1", "kv/app/db"),
        ("/kv//app/", "", "v1", "kv/app"),
        ("a b/c?d#e%f", "kv", "v2", "kv/data/a%20b/c%3Fd%23e%25f"),
        ("ü", "kv", "v2", "kv/data/%C3%BC"),
    ],
)
def test_a_key_becomes_the_path_of_its_value(key: str, mount: str, version: str, path: str) -> None:
    assert data_path(key, mount=mount, version=version) == path


@pytest.mark.parametrize(
    ("key", "mount", "path"),
    [
        ("app/db", "kv", "kv/metadata/app/db"),
        ("kv/app", "kv", "kv/metadata/kv/app"),
        ("kv/app/db", "", "kv/metadata/app/db"),
        ("kv/data/app", "", "kv/metadata/app"),
        ("kv", "", "kv/metadata"),
    ],
)
def test_a_key_becomes_the_path_of_its_metadata(key: str, mount: str, path: str) -> None:
    assert metadata_path(key, mount=mount) == path


@pytest.mark.parametrize(
    "key", ["", "/", "..", "../sys/seal", "a/../b", "a/./b", "a\nb", "a\x7fb", "a\ud800"]
)
@pytest.mark.parametrize("mount", ["kv", ""])
def test_a_key_never_leads_out_of_the_mount(key: str, mount: str) -> None:
    with pytest.raises(Invalid):
        data_path(key, mount=mount, version="v2")
    with pytest.raises(Invalid):
        metadata_path(key, mount=mount)


def test_an_empty_key_is_called_so() -> None:
    with pytest.raises(Invalid) as caught:
        data_path("", mount="kv", version="v2")
    assert caught.value.hint == "it is empty"
