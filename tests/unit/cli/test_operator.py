"""`sealbridge operator` where its extra is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

_WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from sealbridge_cli.main import main
sys.exit(main(["operator"]))
"""


@pytest.mark.parametrize("package", ["kopf", "aiohttp", "prometheus_client"])
def test_a_missing_extra_is_named_with_the_way_to_install_it(package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT.format(package=package)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"error: the operator needs the package {package}",
        "hint: pip install 'sealbridge[operator]'",
    ]
