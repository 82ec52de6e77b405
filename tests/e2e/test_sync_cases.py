"""The common table of cases through the operator on a real API server, and through a rendering before it."""

from __future__ import annotations

import json
import secrets
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sealbridge.manifests import dump_yaml
from tests.e2e.world import Manifest, World, eventually
from tests.sync_cases import CASES, Case

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "sealbridge")


class Reconciled(NamedTuple):
    rendered: dict[str, dict[str, Any]]  # before the operator came
    conditions: dict[str, Manifest]
    secrets: dict[str, dict[str, bytes]]
    refused: dict[str, str]  # by the API server itself, with its words


@pytest.fixture(scope="module")
def reconciled(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reconciled]:
    namespace = f"cases-{secrets.token_hex(4)}"
    world.server.ensure_namespace(namespace)
    refused = _applied(world, namespace)
    rendered = _rendered(world, namespace, tmp_path_factory.mktemp("cases"))
    operator = world.operator()
    operator.start()
    try:
        eventually(lambda: _all_told(world, namespace), what="a condition of every case", timeout=120)
        conditions = {obj["metadata"]["name"]: _ready(obj) for obj in world.all("ExternalSecret", namespace)}
        yield Reconciled(rendered, conditions, world.secrets(namespace), refused)
    finally:
        if operator.is_running:
            operator.stop()
        world.clear(namespace)


def _applied(world: World, namespace: str) -> dict[str, str]:
    documents: list[Manifest] = []
    for case in CASES:
        store, obj = case.manifests(namespace)
        documents.append(store)
        if case.before is not None:
            documents.append(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": case.name, "namespace": namespace},
                    "stringData": dict(case.before),
                }
            )
        if not case.error:
            documents.append(obj)
    world.apply(documents)
    refused = {}
    for case in CASES:
        if case.error:
            try:
                world.apply([case.external_secret(namespace)])
            except RuntimeError as error:  # the schema knows it, too
                refused[case.name] = str(error)
    return refused


def _rendered(world: World, namespace: str, folder: Path) -> dict[str, dict[str, Any]]:
    file = folder / "cases.yaml"
    file.write_text(dump_yaml(case.external_secret(namespace) for case in CASES))
    done = subprocess.run(
        [PROGRAM, "render", "-f", file, "--kubeconfig", world.server.admin_kubeconfig, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr  # cases that fail are among them
    return {one["name"]: one for one in json.loads(done.stdout)["externalSecrets"]}


def _ready(obj: Manifest) -> Manifest:
    found = [one for one in (obj.get("status") or {}).get("conditions") or [] if one["type"] == "Ready"]
    return dict(found[0]) if found else {}


def _all_told(world: World, namespace: str) -> bool:
    """A store that was not looked at yet is no answer."""
    return all(
        _ready(obj) and "is not ready" not in _ready(obj)["message"]
        for obj in world.all("ExternalSecret", namespace)
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_operator_makes_of_a_case_what_the_table_says(reconciled: Reconciled, case: Case) -> None:
    if case.name not in reconciled.refused:
        ready = reconciled.conditions[case.name]
        assert ready["status"] == ("False" if case.error else "True"), ready
        assert case.error in ready["message"]
    assert reconciled.secrets.get(case.name) == case.after


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rendering_has_foretold_it(reconciled: Reconciled, case: Case) -> None:
    told = reconciled.rendered[case.name]
    assert (told["result"] == "failed") == bool(case.error), told
    if case.error:
        assert case.error in told["error"]["what"]
    elif told["secret"] is not None and told["result"] in ("created", "updated"):
        assert {one["key"] for one in told["data"] if one["change"] != "removed"} == set(case.items or {})
    else:
        assert case.after is None
