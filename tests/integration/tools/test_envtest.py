"""`make envtest` prints a folder with etcd and kube-apiserver as its last line, or says what is wrong."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "tools" / "envtest"


def envtest(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT], env={**os.environ, **environment}, check=False, capture_output=True, text=True
    )


def programs(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).touch(mode=0o755)
    return folder


def test_assets_that_are_named_win(tmp_path: Path) -> None:
    assets = programs(tmp_path / "assets", "etcd", "kube-apiserver", "kubectl")
    done = envtest(KUBEBUILDER_ASSETS=str(assets))
    assert (done.returncode, done.stdout) == (0, f"{assets}\n")


def test_named_assets_that_are_incomplete_are_refused(tmp_path: Path) -> None:
    assets = programs(tmp_path / "assets", "etcd")
    done = envtest(KUBEBUILDER_ASSETS=str(assets))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"error: KUBEBUILDER_ASSETS holds no etcd and kube-apiserver: {assets}",
        "hint: point it at a folder with both, or unset it to have them built",
    ]


def test_what_was_built_for_this_user_is_found_again(tmp_path: Path) -> None:
    cache = tmp_path / "sealbridge" / "envtest"
    cache.mkdir(parents=True)
    codename = subprocess.run(
        ["bash", "-c", '. /etc/os-release && printf %s "${VERSION_CODENAME:-unknown}"'],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    recipe = re.search(r"^recipe=(\d+)$", SCRIPT.read_text(), re.MULTILINE)
    assert recipe is not None  # with another name it would be built for real, for minutes
    assets = programs(cache / f"{codename}-{recipe[1]}", "etcd", "kube-apiserver")
    done = envtest(KUBEBUILDER_ASSETS="", XDG_CACHE_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, f"{assets}\n")
