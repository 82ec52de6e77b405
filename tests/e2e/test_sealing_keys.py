"""Sealing keys that come while the operator runs."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealbridge.sealing.certificate import Certificate
from tests.canary import Canary
from tests.e2e.world import NAMESPACE, World, eventually, sealed_secret
from tests.servers.operator import Operator


@pytest.fixture
def new_key(world: World, tmp_path: Path) -> Iterator[tuple[Path, Certificate]]:
    """The manifest of a key Secret as `sealbridge keys init` makes it, and its certificate."""
    folder = tmp_path / "key"
    program = Path(sys.executable).with_name("sealbridge")
    made = subprocess.run(
        [program, "keys", "init", "--dir", folder, "-n", NAMESPACE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    (manifest,) = [path for path in folder.iterdir() if path.suffix in {".yaml", ".json"}]
    yield manifest, Certificate.from_pem((folder / "cert.pem").read_bytes())
    world.server.kubectl("delete", "--ignore-not-found", "-f", manifest)


def test_a_key_that_comes_opens_what_failed_before(
    world: World, operator: Operator, namespace: str, canary: Canary, new_key: tuple[Path, Certificate]
) -> None:
    manifest, certificate = new_key
    values = {f"early-{number}": canary(f"early {number}") for number in range(3)}
    # This one waits for a key that never comes: it was sealed for another place.
    stranger = sealed_secret(
        operator.certificate(), f"not-{namespace}", "stranger", {"a": secrets.token_hex(8)}
    )
    stranger["metadata"]["namespace"] = namespace
    early = [sealed_secret(certificate, namespace, name, {"a": value}) for name, value in values.items()]
    world.apply([*early, stranger])
    for name in values:
        eventually(
            lambda name=name: (
                "no key could decrypt"
                in world.condition("SealedSecret", namespace, name, "Synced").get("message", "")
            ),
            what=f"the failure of {name}",
        )

    world.server.kubectl("apply", "-f", manifest)
    eventually(
        lambda: world.secrets(namespace) == {name: {"a": value.encode()} for name, value in values.items()},
        what="what can be opened now",
        timeout=75,
    )
    assert world.condition("SealedSecret", namespace, "stranger", "Synced")["status"] == "False"
