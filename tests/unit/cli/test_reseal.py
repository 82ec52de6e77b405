from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.sealing.keyring import Keyring
from sealbridge.sealing.opening import open_items
from sealbridge.sealing.sealed_secret import SealedSecret
from tests.sealing_keys import sealing_key
from tests.unit.cli.conftest import PLAIN, Run

TEMPLATED = """\
# ours
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db # name
  namespace: shop
  labels: {{team: a}}
spec:
  encryptedData:
    # pw
    password: {password} # rotated
  template:
    data:
      url: "{{{{ .password }}}}" # untouched
    metadata:
      creationTimestamp: null
---
kind: ConfigMap
data:   {{a: b}}
"""


@pytest.fixture
def world(run: Run, cert: str, key: str, tmp_path: Path) -> Path:
    """Files sealed for key 0, and the certificate of key 1 to move to."""
    value = run("seal-value", "--cert", cert, "--name", "db", "-n", "shop", stdin="correct horse").out.strip()
    (tmp_path / "env/sub").mkdir(parents=True)
    (tmp_path / "env/db.yaml").write_text(TEMPLATED.format(password=value))
    run(
        "seal",
        "--cert",
        cert,
        "-w",
        "env/sub/two.yaml",
        stdin=PLAIN + "---\n" + PLAIN.replace(": db", ": two"),
    )
    (tmp_path / "new.pem").write_bytes(sealing_key(1).certificate.pem)
    return tmp_path / "env"


def keys_of(path: Path) -> set[str]:
    """The fingerprints of the keys that open what a file holds, all values checked."""
    found: set[str] = set()
    for obj in yaml.safe_load_all(path.read_text()):
        if obj["kind"] == "SealedSecret":
            opened = open_items(SealedSecret.from_manifest(obj), Keyring([sealing_key(), sealing_key(1)]))
            assert {one.value.reveal() for one in opened.values()} == {b"correct horse"}
            found |= {one.key for one in opened.values()}
    return found


RESEAL = ["reseal", "--cert", "new.pem", "-r", "-f", "env"]


def test_a_tree_moves_to_another_key_and_nothing_else_changes(run: Run, key: str, world: Path) -> None:
    before = (world / "db.yaml").read_text()
    outcome = run(*RESEAL, "--key", key)
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == "3 items sealed anew, in 3 of 3 SealedSecrets; left as they are: 1 other document\n"
    new = sealing_key(1).fingerprint
    assert keys_of(world / "db.yaml") == keys_of(world / "sub/two.yaml") == {new}
    after = (world / "db.yaml").read_text()
    hint = f"  annotations:\n    sealbridge.io/sealed-with: {new}\n"
    assert hint in after

    def rest(text: str) -> list[str]:
        return [line.partition("AQ")[0] for line in text.replace(hint, "").splitlines()]

    assert rest(after) == rest(before)
    assert "# rotated\n" in after


def test_what_is_sealed_for_the_certificate_already_stays_unless_all_is_asked_for(
    run: Run, key: str, world: Path, tmp_path: Path
) -> None:
    (tmp_path / "both.pem").write_bytes(
        sealing_key().private_pem.reveal() + sealing_key(1).private_pem.reveal()
    )
    run(*RESEAL, "--key", key)
    first = (world / "db.yaml").read_bytes()
    again = run(*RESEAL, "--key", "both.pem")
    assert again.err.startswith("0 items sealed anew, in 0 of 3 SealedSecrets")
    assert (world / "db.yaml").read_bytes() == first
    assert run(*RESEAL, "--key", "both.pem", "--all").err.startswith("3 items sealed anew, in 3")
    assert (world / "db.yaml").read_bytes() != first


def test_a_dry_run_writes_nothing(run: Run, key: str, world: Path) -> None:
    before = (world / "db.yaml").read_bytes()
    outcome = run(*RESEAL, "--key", key, "--dry-run")
    assert outcome.code == 0
    assert "env/db.yaml: 1 item would be sealed anew\n" in outcome.err
    assert (world / "db.yaml").read_bytes() == before


def test_one_that_does_not_open_stops_all_unless_it_is_to_go_on(run: Run, key: str, world: Path) -> None:
    text = (world / "db.yaml").read_text()
    (world / "db.yaml").write_text(text.replace("name: db", "name: stolen"))
    before = (world / "sub/two.yaml").read_bytes()
    outcome = run(*RESEAL, "--key", key)
    assert outcome.code == 1
    assert outcome.err.startswith(
        "error: env/db.yaml: document 1, line 2: no key could decrypt secret (password)"
    )
    assert outcome.err.endswith("nothing was written\nhint: --keep-going writes the others\n")
    assert (world / "sub/two.yaml").read_bytes() == before
    going = run(*RESEAL, "--key", key, "--keep-going")
    assert going.code == 1
    assert keys_of(world / "sub/two.yaml") == {sealing_key(1).fingerprint}
    assert "name: stolen" in (world / "db.yaml").read_text()


def test_stdin_goes_to_stdout(run: Run, key: str, world: Path) -> None:
    text = (world / "db.yaml").read_text()
    outcome = run("reseal", "--cert", "new.pem", "--key", key, stdin=text)
    assert outcome.code == 0
    assert outcome.out.startswith("# ours\n")
    assert (world / "db.yaml").read_text() == text


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["-f", "env/db.yaml"], 2, "nothing opens what is sealed"),
        (["--key", "KEY", "-f", "env"], 2, "env is a folder"),
        (["--key", "KEY", "-f", "none"], 1, "none: cannot read it"),
        (["--key", "none", "-f", "env/db.yaml"], 1, "none: cannot read it"),
        (["--key", "KEY", "-f", "plain.yaml"], 1, "there is no SealedSecret in it"),
        (["--key", "KEY", "-f", "-"], 2, "stdin is not edited in place"),
        (["--key", "KEY"], 1, "stdin: there is no SealedSecret in it"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Run, key: str, world: Path, arguments: list[str], code: int, error: str
) -> None:
    (world.parent / "plain.yaml").write_text(PLAIN)
    outcome = run("reseal", "--cert", "new.pem", *[key if one == "KEY" else one for one in arguments])
    assert (outcome.code, outcome.out) == (code, "")
    assert error in outcome.err


def test_unsealing_a_tree_leaves_other_documents_aside_and_says_so(run: Run, key: str, world: Path) -> None:
    outcome = run("unseal", "--key", key, "-r", "-f", "env")
    objects: list[Any] = list(yaml.safe_load_all(outcome.out))
    assert [obj["metadata"]["name"] for obj in objects] == ["db", "db", "two"]
    assert outcome.err == "left aside: 1 other document\n"


def test_all_certificates_of_a_file_can_be_shown(run: Run, tmp_path: Path) -> None:
    pems = [sealing_key(number).certificate.pem for number in (0, 1)]
    (tmp_path / "all.pem").write_bytes(b"# words\n" + b"".join(pems))
    first = run("cert", "--cert", "all.pem").out
    assert first.count("fingerprint:") == 1
    every = run("cert", "--cert", "all.pem", "--all").out
    assert [line.split()[1] for line in every.splitlines() if line.startswith("fingerprint")] == [
        sealing_key(number).fingerprint for number in (0, 1)
    ]
    assert run("cert", "--cert", "all.pem", "--all", "--pem").out.encode() == b"".join(pems)
