from __future__ import annotations

import os
from pathlib import Path

import pytest

from sealbridge.files import write_atomic, write_new


@pytest.fixture(autouse=True)
def _umask() -> object:
    old = os.umask(0o022)
    yield
    os.umask(old)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize(("mode", "expected"), [(0o600, 0o600), (0o644, 0o644), (None, 0o644)])
def test_a_new_file_has_the_mode_asked_for(tmp_path: Path, mode: int | None, expected: int) -> None:
    path = tmp_path / "file"
    write_atomic(str(path), b"new", mode=mode)
    assert (path.read_bytes(), mode_of(path)) == (b"new", expected)
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_an_old_file_keeps_its_mode_unless_another_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_atomic(str(path), b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", 0o640)
    write_atomic(str(path), b"newer", mode=0o600)
    assert (path.read_bytes(), mode_of(path)) == (b"newer", 0o600)


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 127])
def test_a_name_as_long_as_names_can_be_is_written(tmp_path: Path, name: str) -> None:
    for content in (b"new", b"newer"):
        write_atomic(str(tmp_path / name), content)
        assert (tmp_path / name).read_bytes() == content
    assert [found.name for found in tmp_path.iterdir()] == [name]


def test_a_file_stays_its_owners_unless_it_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    # Only root may write the files of others.
    owner = (1234, 4321) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(path, *owner)
    write_atomic(str(path), b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == owner
    write_atomic(str(path), b"new", mode=0o600)
    assert (path.stat().st_uid, mode_of(path)) == (os.geteuid(), 0o600)


def test_a_reader_of_the_old_file_keeps_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with path.open("rb") as stream:
        write_atomic(str(path), b"new")
        assert stream.read() == b"old"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomic(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_what_is_not_a_regular_file_is_written_to() -> None:
    reading, writing = os.pipe()
    try:
        write_atomic(f"/dev/fd/{writing}", b"through")
        assert os.read(reading, 100) == b"through"
    finally:
        os.close(reading)
        os.close(writing)


def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(str(path), b"new")
    with pytest.raises(OSError, match="No space"):
        write_new(str(tmp_path / "other"), b"new")
    assert [found.name for found in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(str(tmp_path / "no" / "file"), b"new")


def test_a_file_that_is_there_is_never_overwritten_by_write_new(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_new(str(path), b"first", mode=0o600)
    with pytest.raises(FileExistsError):
        write_new(str(path), b"second", mode=0o600)
    assert (path.read_bytes(), mode_of(path)) == (b"first", 0o600)
