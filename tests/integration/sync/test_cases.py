"""The common table of cases through `sealbridge sync`, all of them in one run of the real process."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from sealbridge.manifests import dump_yaml
from sealbridge.secret import Secret, Value
from tests.sync_cases import CASES, Case

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "sealbridge")


class Synced(NamedTuple):
    results: dict[str, dict[str, Any]]
    output: Path


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Synced:
    folder = tmp_path_factory.mktemp("cases")
    source, output = folder / "source", folder / "output"
    source.mkdir()
    (output / "default").mkdir(parents=True)
    for case in CASES:
        (source / f"{case.name}.yaml").write_text(dump_yaml(case.manifests("default")))
        if case.before is not None:
            items = {key: Value(value.encode()) for key, value in case.before.items()}
            theirs = Secret(name=case.name, namespace="default", items=items)
            (output / "default" / f"{case.name}.yaml").write_text(dump_yaml([theirs.to_manifest()]))
    done = subprocess.run(
        [PROGRAM, "sync", "--source", source, "--output", output, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr  # cases that fail are among them
    objects = json.loads(done.stdout)["objects"]
    return Synced({one["name"]: one for one in objects if one["kind"] == "ExternalSecret"}, output)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_sync_makes_of_a_case_what_the_table_says(synced: Synced, case: Case) -> None:
    told = synced.results[case.name]
    assert (told["result"] == "failed") == bool(case.error), told
    assert case.error in told["reason"]
    assert _items(synced.output / "default" / f"{case.name}.yaml") == case.after


def _items(path: Path) -> dict[str, bytes] | None:
    if not path.exists():
        return None
    secret = Secret.from_manifest(yaml.safe_load(path.read_bytes()))
    return {key: value.reveal() for key, value in secret.items.items()}
