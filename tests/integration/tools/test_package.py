"""What is published is whole: a wheel that was built from the source distribution runs by itself."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def build(source: Path, target: str, folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (built,) = folder.iterdir()
    return built


def test_a_wheel_from_the_source_distribution_runs(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    packed = build(REPOSITORY, "sdist", tmp_path / "sdist")
    subprocess.run(["tar", "-xzf", packed, "-C", tmp_path / "source"], check=True)
    (source,) = (tmp_path / "source").iterdir()
    for part in ("crds", "deploy/kustomize/base", "docs", "tests/unit", "LICENSE", "Makefile"):
        assert (source / part).exists(), part
    installed = tmp_path / "installed"
    with zipfile.ZipFile(build(source, "wheel", tmp_path / "wheel")) as archive:
        archive.extractall(installed)
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {
        "sealbridge",
        "sealbridge_cli",
    }
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import sealbridge, sealbridge_cli.main as main;"
        " print(sealbridge.__file__, main.__file__); sys.exit(main.run())"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, installed, "keys", "init", "--dir", tmp_path / "keys"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [
        str(installed / "sealbridge" / "__init__.py"),
        str(installed / "sealbridge_cli" / "main.py"),
    ]
    assert (tmp_path / "keys" / "cert.pem").exists()
