"""uv is told of the registries that pip is configured to use, by file or by variable."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "tools" / "uv_settings.py"

CONFIGURATION = """
[global]
index-url = https://index.example/simple
extra-index-url =
    https://one.example/simple
    https://two.example/simple
cert = /from/the/file.pem
[install]
find-links = /wheels /more wheels
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with pip, as `tools/setup` has one."""
    home = tmp_path_factory.mktemp("pip")
    venv.create(home, with_pip=True)
    return home / "bin" / "python"


def settings(python: Path, home: Path, **environment: str) -> list[str]:
    return subprocess.run(
        [python, SCRIPT],
        env={"HOME": str(home), "PIP_CONFIG_FILE": str(home / "pip.conf"), **environment},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()


def test_pips_configuration_becomes_uvs(python: Path, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(CONFIGURATION)
    assert set(settings(python, tmp_path, PIP_CERT="/from/a/variable.pem", PIP_DEFAULT_TIMEOUT="90")) >= {
        "export UV_DEFAULT_INDEX=https://index.example/simple",
        "export UV_INDEX='https://one.example/simple https://two.example/simple'",
        "export UV_FIND_LINKS=/wheels,/more,wheels",
        "export SSL_CERT_FILE=/from/a/variable.pem",
        "export UV_HTTP_TIMEOUT=90",
    }


def test_what_is_set_for_uv_stays(python: Path, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(CONFIGURATION)
    printed = settings(python, tmp_path, UV_DEFAULT_INDEX="https://other.example/simple")
    assert not [line for line in printed if "UV_DEFAULT_INDEX" in line]


def test_without_configuration_uv_keeps_its_defaults(python: Path, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("")
    printed = settings(python, tmp_path)
    assert not [line for line in printed if "UV_DEFAULT_INDEX" in line]


def test_the_settings_are_quoted_for_the_shell(python: Path, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://ann:it's $(secret)@index.example\n")
    script = "\n".join(settings(python, tmp_path))
    shown = subprocess.run(
        ["sh", "-c", f'{script}\nprintf %s "$UV_DEFAULT_INDEX"'],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout == "https://ann:it's $(secret)@index.example"
