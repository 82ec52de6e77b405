"""The search of a Git history, on real repositories."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from sealbridge.errors import SealbridgeError
from sealbridge.repo.history import search_history
from sealbridge.secret import Value

NEEDLE = b"a-value-that-nobody-else-has"


def git(repository: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(repository), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "readme").write_text("nothing to see\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_clean_history_has_no_finding_and_says_how_much_it_read(repository: Path) -> None:
    search = search_history(repository, [Value(NEEDLE)])
    assert search.findings == ()
    assert search.objects == 2  # one commit, one file


@pytest.mark.parametrize("form", [NEEDLE, base64.b64encode(NEEDLE), b"\x00\xff" + NEEDLE + b"\n"])
def test_a_value_that_was_committed_and_removed_again_is_found(repository: Path, form: bytes) -> None:
    (repository / "sub").mkdir()
    (repository / "sub" / "leak ü.yaml").write_bytes(b"data: " + form)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "second")
    git(repository, "rm", "-q", "-r", "sub")
    git(repository, "commit", "-q", "-m", "third")
    (finding,) = search_history(repository, [Value(b"unrelated"), Value(NEEDLE)]).findings
    assert (finding.kind, finding.path) == ("blob", "sub/leak ü.yaml")


def test_a_value_in_a_commit_message_on_another_branch_is_found(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "side")
    git(repository, "commit", "-q", "--allow-empty", "-m", NEEDLE.decode())
    git(repository, "checkout", "-q", "main")
    (finding,) = search_history(repository, [Value(NEEDLE)]).findings
    assert finding.kind == "commit"


def test_an_empty_value_matches_nothing(repository: Path) -> None:
    assert search_history(repository, [Value(b"")]).findings == ()


def test_a_folder_that_is_no_repository_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(SealbridgeError, match="not a git repository"):
        search_history(tmp_path, [Value(NEEDLE)])


def test_a_damaged_object_is_a_clear_error(repository: Path) -> None:
    for blob in (repository / ".git" / "objects").glob("??/*"):
        blob.unlink()
    with pytest.raises(SealbridgeError, match="git"):
        search_history(repository, [Value(NEEDLE)])
