"""The table of ExternalSecrets through `sealbridge sync`."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.manifests import dump_yaml
from sealbridge.secret import Secret
from tests.external_secret_cases import CASES, STORE, Case, expected, external_secret, secrets_before

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "sealbridge")


class Run:
    """What one run over all cases has left."""

    def __init__(self, folder: Path) -> None:
        source, self._output = folder / "source", folder / "output"
        source.mkdir()
        (source / "store.yaml").write_text(dump_yaml([STORE]))
        for case in CASES:
            (source / f"{case.name}.yaml").write_text(dump_yaml([external_secret(case)]))
        (self._output / "default").mkdir(parents=True)
        for theirs in secrets_before():
            self._file(theirs["metadata"]["name"]).write_text(dump_yaml([theirs]))
        done = subprocess.run(
            [PROGRAM, "sync", "--source", str(source), "--output", str(self._output), "-o", "json"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.code = done.returncode
        self.results: dict[str, dict[str, Any]] = {
            each["name"]: each for each in json.loads(done.stdout)["objects"] if each["name"] != "cases"
        }

    def _file(self, name: str) -> Path:
        return self._output / "default" / f"{name}.yaml"

    def secret(self, name: str) -> Secret | None:
        path = self._file(name)
        return Secret.from_manifest(yaml.safe_load(path.read_bytes())) if path.exists() else None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("cases"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_sync_makes_of_an_external_secret_what_the_table_says(run: Run, case: Case) -> None:
    result, secret = run.results[case.name], run.secret(case.name)
    if case.error:
        assert result["result"] == "failed"
        for words in case.error:
            assert words in result["reason"]
    else:
        assert result["result"] != "failed", result["reason"]
    items = None if secret is None else {key: value.reveal() for key, value in secret.items.items()}
    assert items == expected(case)
    assert secret is None or (secret.type or "Opaque") == case.type


def test_some_fail_and_the_others_do_not(run: Run) -> None:
    assert run.code == 1
    assert len(run.results) == len(CASES)
