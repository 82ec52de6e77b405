"""Files below the output: where they go, who may read them, and what is refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sealbridge.errors import ClusterError
from sealbridge.local.tree import OutputTree, check_names
from tests.worlds import modes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def tree(root: Path) -> OutputTree:
    return OutputTree(root)


def test_folders_and_files_are_for_their_owner_alone_whatever_the_umask(tree: OutputTree, root: Path) -> None:
    before = os.umask(0)
    try:
        tree.write("app", "db.yaml", b"data")
    finally:
        os.umask(before)

    assert root.stat().st_mode & 0o777 == 0o700
    assert modes(root) == {"app": "0o700", "app/db.yaml": "0o600"}


def test_a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it(tree: OutputTree, root: Path) -> None:
    tree.write("app", "db.yaml", b"one")
    before = (root / "app" / "db.yaml").open("rb")
    tree.write("app", "db.yaml", b"two")

    with before:
        assert before.read() == b"one"
    stored = tree.read("app", "db.yaml")
    assert stored is not None
    assert stored.data == b"two"
    assert [path.name for path in (root / "app").iterdir()] == ["db.yaml"]


def test_a_file_that_others_may_read_is_told(tree: OutputTree, root: Path) -> None:
    tree.write("app", "db.yaml", b"one")
    (root / "app" / "db.yaml").chmod(0o640)
    stored = tree.read("app", "db.yaml")
    assert stored is not None
    assert not stored.private


@pytest.mark.parametrize(
    ("number", "what", "hint"),
    [
        (errno.ENOSPC, "no space left on device", "make room and run it again"),
        (errno.EROFS, "read-only file system", "look at who may write there"),
    ],
)
def test_a_write_that_fails_says_what_to_do_and_leaves_nothing(
    tree: OutputTree, root: Path, monkeypatch: pytest.MonkeyPatch, number: int, what: str, hint: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    tree.write("app", "db.yaml", b"one")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ClusterError) as caught:
        tree.write("app", "db.yaml", b"two")

    assert (caught.value.what, caught.value.hint) == (what, hint)
    assert [path.read_bytes() for path in (root / "app").iterdir()] == [b"one"]


def test_a_file_in_the_place_of_the_output_is_told(tree: OutputTree, root: Path) -> None:
    root.write_bytes(b"")
    with pytest.raises(ClusterError, match="something in the way that is no folder"):
        tree.write("app", "db.yaml", b"one")


def test_the_last_file_takes_its_folder_along(tree: OutputTree, root: Path) -> None:
    tree.write("app", "a.yaml", b"")
    tree.write("app", "b.yaml", b"")

    assert tree.remove("app", "a.yaml")
    assert (root / "app").is_dir()
    assert tree.remove("app", "b.yaml")
    assert not (root / "app").exists()
    assert not tree.remove("app", "b.yaml")


def test_what_is_dry_is_read_back_and_not_on_the_disk(root: Path) -> None:
    OutputTree(root).write("app", "old.yaml", b"old")
    tree = OutputTree(root, dry=True)

    tree.write("app", "new.yaml", b"new")
    assert tree.remove("app", "old.yaml")
    tree.append("app", "log", b"line")
    tree.lock()

    stored = tree.read("app", "new.yaml")
    assert stored is not None
    assert stored.data == b"new"
    assert tree.read("app", "old.yaml") is None
    assert list(modes(root)) == ["app", "app/old.yaml"]


def test_a_dry_run_makes_not_even_the_folder(root: Path) -> None:
    tree = OutputTree(root, dry=True)
    tree.write("app", "new.yaml", b"new")
    assert not root.exists()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_no_link_is_followed(tree: OutputTree, root: Path, tmp_path: Path, kind: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "db.yaml").write_bytes(b"theirs")
    root.mkdir()
    if kind == "folder":
        (root / "app").symlink_to(elsewhere)
    else:
        (root / "app").mkdir()
        (root / "app" / "db.yaml").symlink_to(elsewhere / "db.yaml")

    with pytest.raises(ClusterError, match="links are not followed") as caught:
        tree.read("app", "db.yaml")
    assert str(root / "app") in str(caught.value)
    if kind == "folder":
        for action in (lambda: tree.write("app", "db.yaml", b"ours"), lambda: tree.remove("app", "db.yaml")):
            with pytest.raises(ClusterError):
                action()
    else:
        tree.write("app", "db.yaml", b"ours")
        assert not (root / "app" / "db.yaml").is_symlink()
    assert (elsewhere / "db.yaml").read_bytes() == b"theirs"


def test_a_pipe_in_the_way_is_refused_and_not_waited_for(tree: OutputTree, root: Path) -> None:
    (root / "app").mkdir(parents=True)
    os.mkfifo(root / "app" / "db.yaml")

    with pytest.raises(ClusterError, match="not a plain file"):
        tree.read("app", "db.yaml")


def test_a_file_in_place_of_a_folder_is_an_error_that_names_it(tree: OutputTree, root: Path) -> None:
    root.mkdir()
    (root / "app").write_bytes(b"")

    with pytest.raises(ClusterError) as caught:
        tree.write("app", "db.yaml", b"")
    assert str(root / "app") in str(caught.value)


def test_only_one_at_a_time_may_write(tree: OutputTree, root: Path) -> None:
    tree.lock()
    other = OutputTree(root)

    with pytest.raises(ClusterError, match="another sealbridge is writing there"):
        other.lock()
    tree.unlock()
    other.lock()
    other.unlock()


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("..", "db"),
        (".sealbridge", "state"),
        ("a/b", "db"),
        ("", "db"),
        ("A", "db"),
        ("app\n", "db"),
        ("app", "../db"),
        ("app", ".db"),
        ("app", "a/b"),
        ("app", ""),
        ("app", "db\0"),
        ("app", "db\n"),
        ("a" * 64, "db"),
        ("app", "d" * 254),
    ],
)
def test_names_that_could_be_another_path_are_refused(namespace: str, name: str) -> None:
    with pytest.raises(ClusterError, match="cannot be the name of a"):
        check_names(namespace, name)


def test_names_of_the_api_pass() -> None:
    check_names("kube-system", "my.app-1.example.com")
