"""Where keys stand in the API: the rules of External Secrets Operator as a table."""

from __future__ import annotations

import pytest

from sealbridge.errors import Invalid
from sealbridge.stores.vault.paths import (
    beside,
    data_path,
    exact_path,
    folder_path,
    metadata_path,
    mount,
    segment,
)


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


@pytest.mark.parametrize(
    ("path", "mount_", "metadata"),
    [
        ("kv/data/app/db", "kv", "kv/metadata/app/db"),
        ("kv/data/data/app", "kv", "kv/metadata/data/app"),
        ("data/data/app", "data", "data/metadata/app"),
        ("team/data/kv/data/app", "team/data/kv", "team/data/kv/metadata/app"),
        ("a%20b/data/x", "a b", "a%20b/metadata/x"),
        ("kv/data/app", "", "kv/metadata/app"),
    ],
)
def test_the_metadata_of_a_value_stand_beside_it(path: str, mount_: str, metadata: str) -> None:
    assert beside(path, mount=mount_) == metadata


def test_a_mount_alone_is_no_secret() -> None:
    with pytest.raises(Invalid, match="names a mount and no secret"):
        beside(data_path("kv", mount="", version="v2"), mount="")


@pytest.mark.parametrize(
    ("folder", "mount_", "version", "path"),
    [
        ("", "kv", "v2", "kv/metadata"),
        ("", "kv", "v1", "kv"),
        ("/a//b/", "kv", "v2", "kv/metadata/a/b"),
        ("a b", "team/kv", "v1", "team/kv/a%20b"),
        ("kv", "", "v2", "kv/metadata"),
        ("kv/a", "", "v2", "kv/metadata/a"),
        ("kv/a", "kv", "v2", "kv/metadata/kv/a"),
    ],
)
def test_a_folder_has_a_list(folder: str, mount_: str, version: str, path: str) -> None:
    assert folder_path(folder, mount=mount_, version=version) == path


@pytest.mark.parametrize("folder", ["..", "a/../../sys", "a\nb"])
def test_a_search_never_leads_out_of_the_mount(folder: str) -> None:
    with pytest.raises(Invalid):
        folder_path(folder, mount="kv", version="v2")


@pytest.mark.parametrize(
    ("name", "mount_", "version", "path"),
    [
        ("kv/app", "kv", "v2", "kv/data/kv/app"),
        ("data/app", "kv", "v2", "kv/data/data/app"),
        ("kv/app", "kv", "v1", "kv/kv/app"),
        ("kv/data/app", "", "v2", "kv/data/data/app"),
    ],
)
def test_a_name_of_a_list_is_taken_as_it_is(name: str, mount_: str, version: str, path: str) -> None:
    assert exact_path(name, mount=mount_, version=version) == path


def test_users_and_auth_mounts_cannot_lead_elsewhere() -> None:
    assert segment("ann@example.org") == "ann%40example.org"
    assert segment("a/b?c") == "a%2Fb%3Fc"
    assert mount("/team/k8s/") == "team/k8s"
    for refused in ("..", "a/../b", ""):
        with pytest.raises(Invalid):
            mount(refused)
    with pytest.raises(Invalid):
        segment("..")
