"""The table of ExternalSecrets through the operator, on a real API server, and foretold by a rendering."""

from __future__ import annotations

import base64
import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from sealbridge.manifests import dump_yaml
from tests.e2e.world import Manifest, World, eventually
from tests.external_secret_cases import CASES, STORE, Case, expected, external_secret, secrets_before
from tests.servers.operator import Operator

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "sealbridge")


def within(manifest: Manifest, namespace: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def differences(case: Case, obj: Manifest, secret: Manifest | None) -> list[str]:
    """What is not as the table says, in words."""
    ready: dict[str, Any] = next(c for c in obj["status"]["conditions"] if c["type"] == "Ready")
    data = (secret and secret.get("data")) or {}
    items = None if secret is None else {key: base64.b64decode(text) for key, text in data.items()}
    found = []
    if items != expected(case):
        found.append(f"{case.name}: items are {items}, not {expected(case)}")
    if secret is not None and secret["type"] != case.type:
        found.append(f"{case.name}: the type is {secret['type']}")
    if ready["status"] != ("False" if case.error else "True") and ready["reason"] != "SecretMissing":
        found.append(f"{case.name}: Ready is {ready}")
    found += [
        f"{case.name}: {words!r} is not in {ready['message']!r}"
        for words in case.error
        if words not in ready["message"]
    ]
    return found


def rendered(world: World, manifests: list[Manifest], folder: Path) -> dict[str, dict[str, Any]]:
    """What `sealbridge render` says of each."""
    file = folder / "cases.yaml"
    file.write_text(dump_yaml(manifests))
    done = subprocess.run(
        [PROGRAM, "render", "-f", file, "--kubeconfig", world.server.admin_kubeconfig, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return {one["name"]: one for one in json.loads(done.stdout)["externalSecrets"]}


def wrongly_foretold(case: Case, told: dict[str, Any]) -> list[str]:
    """Where a rendering is not what the table says, in words."""
    if case.error:
        what = str(told["error"])
        return [f"{case.name}: {words!r} is not in {what}" for words in case.error if words not in what]
    keys = {one["key"] for one in told["data"] if one["change"] != "removed"}
    writes = told["result"] in ("created", "updated", "unchanged") and told["secret"] is not None
    if (keys if writes else set()) != set(expected(case) or {}):
        return [f"{case.name}: {told['result']} with {sorted(keys)}"]
    return []


def test_the_operator_makes_of_an_external_secret_what_the_table_says_and_a_rendering_foretells(
    world: World, operator: Operator, namespace: str, tmp_path: Path
) -> None:
    world.apply(within(each, namespace) for each in (STORE, *secrets_before()))
    manifests = [within(external_secret(case), namespace) for case in CASES]
    foretold = rendered(world, manifests, tmp_path)
    world.apply(manifests)

    def told() -> bool:
        objects = world.all("ExternalSecret", namespace)
        return len(objects) == len(CASES) and all(one.get("status", {}).get("conditions") for one in objects)

    eventually(told, what="conditions")
    objects = {one["metadata"]["name"]: one for one in world.all("ExternalSecret", namespace)}
    secrets = {one["metadata"]["name"]: one for one in world.all("Secret", namespace)}
    wrong = [text for case in CASES for text in differences(case, objects[case.name], secrets.get(case.name))]
    assert wrong == []
    assert [text for case in CASES for text in wrongly_foretold(case, foretold[case.name])] == []
