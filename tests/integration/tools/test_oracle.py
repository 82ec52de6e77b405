"""`tools/oracle` prints a program that renders templates as Go does, or nothing, and says so."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def oracle(**environment: str | None) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **environment}
    return subprocess.run(
        [REPOSITORY / "tools" / "oracle"],
        env={name: value for name, value in variables.items() if value is not None},
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_program_that_is_named_wins(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.touch(mode=0o755)
    done = oracle(SEALBRIDGE_TEMPLATE_ORACLE=str(program))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{program}\n", "")


def test_a_named_program_that_is_none_is_refused(tmp_path: Path) -> None:
    done = oracle(SEALBRIDGE_TEMPLATE_ORACLE=str(tmp_path / "nothing"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"error: SEALBRIDGE_TEMPLATE_ORACLE is no program: {tmp_path}/nothing",
        "hint: unset it to have one compiled, or leave it empty to do without",
    ]


def test_an_empty_name_does_without() -> None:
    done = oracle(SEALBRIDGE_TEMPLATE_ORACLE="")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_packages_it_says_so_and_goes_on(tmp_path: Path) -> None:
    """A machine of which only the shell's own tools are there, and none that installs."""
    for tool in ("bash", "cut", "dirname", "env", "flock", "getent", "id", "mkdir", "sha256sum"):
        found = subprocess.run(["which", tool], check=True, capture_output=True, text=True).stdout.strip()
        (tmp_path / tool).symlink_to(found)
    done = oracle(SEALBRIDGE_TEMPLATE_ORACLE=None, PATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1].startswith("==> no Go to compare templates with")


def test_what_was_compiled_for_this_user_is_found_again(tmp_path: Path) -> None:
    source = REPOSITORY / "tests" / "interop" / "templates" / "oracle" / "main.go"
    cached = (
        tmp_path / "sealbridge" / "template-oracle" / hashlib.sha256(source.read_bytes()).hexdigest()[:32]
    )
    cached.parent.mkdir(parents=True)
    cached.touch(mode=0o755)
    done = oracle(SEALBRIDGE_TEMPLATE_ORACLE=None, XDG_CACHE_HOME=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{cached}\n", "")
