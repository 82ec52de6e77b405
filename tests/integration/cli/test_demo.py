"""`sealbridge demo` as a person runs it, with real git and OpenBao."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SEALBRIDGE = str(Path(sys.executable).with_name("sealbridge"))


def demo(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SEALBRIDGE, "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environment or {})},
        timeout=120,
        check=False,
    )


def processes_below(folder: Path) -> list[str]:
    """The commands of living processes that work in `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("cwd").readlink().is_relative_to(folder):
                found.append(process.joinpath("cmdline").read_text())
        except OSError:
            continue
    return found


def test_the_demo_proves_every_step_and_stops_what_it_started(tmp_path: Path) -> None:
    folder = tmp_path / "play"
    played = demo("--folder", str(folder))
    assert played.returncode == 0, played.stdout
    for shown in (
        str(folder),
        "$ sealbridge keys init --dir keys",
        "$ sealbridge seal --cert keys/cert.pem -f database.yaml -w environment/shop/database.yaml",
        "ExternalSecret  shop/payment    created  +api-key",
        "ExternalSecret  shop/payment    updated    ~api-key",
        "error: SealedSecret shop/stolen (shop/stolen.yaml: document 1, line 2): no key could decrypt secret",
        "✓ the others are as they were",
    ):
        assert shown in played.stdout
    assert processes_below(folder) == []
    assert not (folder / "out/shop/stolen.yaml").exists()


def test_the_demo_prints_no_value(tmp_path: Path) -> None:
    folder = tmp_path / "play"
    played = demo("--folder", str(folder))
    values = [
        (folder / "plaintext.txt").read_text().strip(),
        (folder / "openbao.token").read_text(),
        json.loads((folder / "payment.json").read_text())["api-key"],
    ]
    assert all(len(value) >= 20 for value in values)
    assert [value for value in values if value in played.stdout] == []


def test_without_a_folder_it_names_the_one_it_made(tmp_path: Path) -> None:
    played = demo(environment={"TMPDIR": str(tmp_path)})
    (folder,) = tmp_path.iterdir()
    assert played.stdout.startswith(f"Everything happens in {folder};")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    played = demo("--folder", str(tmp_path))
    assert played.returncode == 2
    assert "is not empty" in played.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize("missing", ["git", "bao"])
def test_a_tool_that_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    # Python's own folder counts as well, so the tools are those of a folder that has all but one.
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in {"git", "bao"} - {missing}:
        (tools / name).symlink_to("/bin/true")
    (tools / "python").symlink_to(sys.executable)
    program = (
        "import sys; sys.executable = sys.argv.pop(1); from sealbridge_cli.main import run; sys.exit(run())"
    )
    played = subprocess.run(
        [sys.executable, "-c", program, str(tools / "python"), "demo", "--folder", str(tmp_path / "play")],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": str(tools)},
        check=False,
    )
    assert played.returncode == 1
    assert f"error: the demo needs {missing}, which is not installed" in played.stderr


def test_it_stops_openbao_when_it_is_interrupted(tmp_path: Path) -> None:
    folder = tmp_path / "play"
    with subprocess.Popen(
        [SEALBRIDGE, "demo", "--folder", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as player:
        assert player.stdout is not None
        for line in player.stdout:
            if line.startswith("$ bao kv put"):
                break
        assert processes_below(folder) != []
        player.send_signal(2)
        player.stdout.read()
    assert player.returncode == 130
    assert processes_below(folder) == []
