"""The table of ExternalSecrets through the operator, on a real API server."""

from __future__ import annotations

import base64
from typing import Any

from tests.e2e.world import Manifest, World, eventually
from tests.external_secret_cases import CASES, STORE, Case, expected, external_secret
from tests.servers.operator import Operator


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


def test_the_operator_makes_of_an_external_secret_what_the_table_says(
    world: World, operator: Operator, namespace: str
) -> None:
    world.apply(within(each, namespace) for each in (STORE, *map(external_secret, CASES)))

    def told() -> bool:
        objects = world.all("ExternalSecret", namespace)
        return len(objects) == len(CASES) and all(one.get("status", {}).get("conditions") for one in objects)

    eventually(told, what="conditions")
    objects = {one["metadata"]["name"]: one for one in world.all("ExternalSecret", namespace)}
    secrets = {one["metadata"]["name"]: one for one in world.all("Secret", namespace)}
    wrong = [text for case in CASES for text in differences(case, objects[case.name], secrets.get(case.name))]
    assert wrong == []
