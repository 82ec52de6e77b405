"""Directories of sealing keys, backups and identities, for tests of `keys`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyrage
import pytest

from sealbridge.manifests import dump_yaml
from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import seal
from sealbridge.secret import Secret, Value
from tests.canary import Canary
from tests.sealing_keys import MADE, sealing_key
from tests.unit.cli.conftest import Outcome, Run


class Keys:
    """`keys` with an old key and a newer one, and an age identity."""

    def __init__(self, folder: Path, run: Run, canary: Canary) -> None:
        self.folder = folder
        self.directory = folder / "keys"
        self._run = run
        self._canary = canary
        self.old = sealing_key()
        self.new = SealingKey.generate(at=MADE.replace(month=2), bits=2048)
        self.put(self.old, "old")
        self.put(self.new, "new")
        self.identity = pyrage.x25519.Identity.generate()
        self.recipient = str(self.identity.to_public())
        canary.output(folder / "id.txt").write_text(
            f"# made for a test\n{canary.register(str(self.identity), 'age identity')}\n"
        )

    def put(self, key: SealingKey, name: str, state: str = "active", folder: Path | None = None) -> Path:
        folder = folder or self.directory
        folder.mkdir(exist_ok=True)
        manifest = key.to_secret(name=name, namespace="seal").to_manifest()
        manifest["metadata"]["labels"] = {KEY_LABEL: state}
        path = self._canary.output(folder) / f"{name}.yaml"
        path.write_text(dump_yaml([manifest]))
        return path

    def watch(self, key: SealingKey) -> None:
        """From now on the run fails when this key is seen where it may not be."""
        middle = key.private_pem.reveal().split(b"\n")[5].decode()
        self._canary.register(middle, "a private key")

    def sealed(self, key: SealingKey, name: str, *items: str) -> dict[str, Any]:
        secret = Secret(name=name, namespace="shop", items={item: Value(b"x") for item in items})
        return seal(secret, key.certificate, Scope.STRICT).to_manifest()

    def repo(self, *manifests: dict[str, Any], name: str = "repo") -> Path:
        path = self.folder / name / "all.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(dump_yaml(manifests))
        return path

    def __call__(self, *arguments: str, code: int = 0) -> Outcome:
        outcome = self._run("keys", *arguments)
        self._canary.seen(outcome.out + outcome.err, "the output of keys")
        assert outcome.code == code, outcome.err
        return outcome

    def backup(self, to: str = "backup.age") -> Path:
        self("backup", "--dir", "keys", "--to", to, "--recipient", self.recipient)
        return self.folder / to

    def opened(self, path: Path) -> dict[str, Any]:
        return dict(json.loads(pyrage.decrypt(path.read_bytes(), [self.identity])))

    def rows(self, directory: str = "keys") -> dict[str, dict[str, Any]]:
        listed = json.loads(self("list", "--dir", directory, "-o", "json").out)["keys"]
        return {row["fingerprint"]: row for row in listed}

    def states(self, directory: str = "keys") -> dict[str, str]:
        return {key: row["state"] for key, row in self.rows(directory).items()}

    def contents(self, name: str = "keys") -> dict[str, bytes]:
        folder = self.folder / name
        return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


@pytest.fixture
def keys(tmp_path: Path, run: Run, canary: Canary) -> Keys:
    return Keys(tmp_path, run, canary)
