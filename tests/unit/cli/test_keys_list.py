from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sealbridge.local.key_home import DirectoryKeyHome
from sealbridge.manifests import dump_yaml
from sealbridge.sealing.keys import KEY_LABEL, SealingKey
from sealbridge.sealing.scope import Scope
from sealbridge.sealing.sealed_secret import seal
from sealbridge.secret import Secret, Value
from tests.sealing_keys import MADE, sealing_key
from tests.unit.cli.conftest import Run


def put(folder: Path, key: SealingKey, name: str, **labels: str) -> None:
    folder.mkdir(exist_ok=True)
    manifest = key.to_secret(name=name, namespace="seal").to_manifest()
    manifest["metadata"]["labels"] |= {KEY_LABEL: labels.get("state", "active")}
    (folder / f"{name}.yaml").write_text(dump_yaml([manifest]))


def sealed(key: SealingKey, name: str, *items: str, scope: Scope = Scope.STRICT) -> dict[str, Any]:
    secret = Secret(name=name, namespace="shop", items={item: Value(b"x") for item in items})
    return seal(secret, key.certificate, scope).to_manifest()


@pytest.fixture
def newer() -> SealingKey:
    return SealingKey.generate(at=MADE.replace(month=2), bits=2048)


@pytest.fixture
def keys(tmp_path: Path, newer: SealingKey) -> Path:
    put(tmp_path / "keys", sealing_key(), "old")
    put(tmp_path / "keys", newer, "new")
    return tmp_path / "keys"


def listed(run: Run, *arguments: str) -> dict[str, dict[str, Any]]:
    outcome = run("keys", "list", "--dir", "keys", "-o", "json", *arguments)
    assert outcome.code == 0, outcome.err
    return {row["fingerprint"]: row for row in json.loads(outcome.out)["keys"]}


def test_every_key_is_told_with_its_state_and_the_newest_is_current(
    run: Run, keys: Path, newer: SealingKey
) -> None:
    put(keys, sealing_key(1), "gone", state="compromised")
    put(keys, sealing_key(2), "off", state="anything else")
    rows = listed(run)
    assert {key: row["state"] for key, row in rows.items()} == {
        sealing_key().fingerprint: "active",
        newer.fingerprint: "current",
        sealing_key(1).fingerprint: "compromised",
        sealing_key(2).fingerprint: "retired",
    }
    assert [row["fingerprint"] for row in rows.values() if row["current"]] == [newer.fingerprint]
    assert rows[newer.fingerprint] | {"ageSeconds": 0} == {
        "fingerprint": newer.fingerprint,
        "name": "new",
        "state": "current",
        "current": True,
        "created": "2026-02-01T00:00:00Z",
        "ageSeconds": 0,
        "size": 2048,
        "notBefore": "2026-02-01T00:00:00Z",
        "expires": "2036-01-30T00:00:00Z",
        "lastBackup": None,
        "sealedSecrets": 0,
        "items": 0,
    }


def test_what_a_working_tree_needs_is_counted_by_key_whatever_its_hint_says(
    run: Run, keys: Path, newer: SealingKey, tmp_path: Path
) -> None:
    mixed = sealed(sealing_key(), "mixed", "a", "b")
    mixed["spec"]["encryptedData"] |= sealed(newer, "mixed", "c")["spec"]["encryptedData"]
    lying = sealed(sealing_key(), "lying", "a", scope=Scope.CLUSTER_WIDE)
    lying["metadata"]["annotations"]["sealbridge.io/sealed-with"] = newer.fingerprint
    folder = tmp_path / "repo" / "deep"
    folder.mkdir(parents=True)
    (folder / "all.yaml").write_text(dump_yaml([mixed, {"kind": "ConfigMap"}, lying]))
    (tmp_path / "repo" / "chart.yaml").write_text("{{ no: manifest }}\n")
    rows = listed(run, "--repo", "repo")
    assert (rows[sealing_key().fingerprint]["sealedSecrets"], rows[sealing_key().fingerprint]["items"]) == (
        2,
        3,
    )
    assert (rows[newer.fingerprint]["sealedSecrets"], rows[newer.fingerprint]["items"]) == (1, 1)


def test_what_opens_with_no_key_and_what_cannot_be_read_is_told(run: Run, keys: Path, tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "a.yaml").write_text(dump_yaml([sealed(sealing_key(3), "strange", "a", "b")]))
    (tmp_path / "repo" / "b.yaml").write_text("kind: SealedSecret\nspec: [\n")
    outcome = run("keys", "list", "--dir", "keys", "--repo", "repo")
    assert outcome.code == 0
    assert "warning: not counted: repo/b.yaml" in outcome.err
    assert (
        "warning: 2 items of 1 SealedSecret opens with none of these keys, first repo/a.yaml" in outcome.err
    )
    assert outcome.out.startswith("FINGERPRINT")
    assert outcome.out.count("SHA256:") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (("--dir", "nowhere"), 1, "error: nowhere: there is no such directory of sealing keys"),
        (("--dir", "empty"), 1, "error: empty: there is no sealing key"),
        (("--dir", "empty", "--context", "prod"), 2, "error: --context is for a cluster"),
        (("--kubeconfig", "nowhere"), 2, "error: nowhere: there is no such kubeconfig"),
    ],
)
def test_what_cannot_be_listed_is_said(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, what: str
) -> None:
    (tmp_path / "empty").mkdir()
    outcome = run("keys", "list", *arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith(what)


def test_a_pem_key_is_a_key_as_well_and_a_damaged_one_is_left_out(
    run: Run, keys: Path, newer: SealingKey
) -> None:
    (keys / "bare.pem").write_bytes(sealing_key(1).private_pem.reveal())
    broken = Secret(name="broken", items={"tls.key": Value(b"nothing")}).to_manifest()
    (keys / "broken.yaml").write_text(dump_yaml([broken]))
    outcome = run("keys", "list", "--dir", "keys", "-o", "json")
    rows = {row["fingerprint"]: row for row in json.loads(outcome.out)["keys"]}
    assert rows[sealing_key(1).fingerprint]["created"] is None
    assert rows[newer.fingerprint]["current"]
    assert "warning: a key is left out: Secret broken" in outcome.err


async def test_the_files_of_a_directory_are_a_home_for_keys(keys: Path) -> None:
    home = DirectoryKeyHome(keys)
    assert (await home.place()).namespace == "seal"
    assert {secret.name for secret in await home.all_secrets()} == {"old", "new"}
