from __future__ import annotations

import json
import os
from pathlib import Path

import pyrage
import pytest

from tests.canary import Canary
from tests.sealing_keys import sealing_key
from tests.unit.cli.keys_world import Keys, keys

__all__ = ["keys"]


def test_all_keys_are_in_it_whatever_their_state_and_only_the_recipients_open_it(
    keys: Keys, tmp_path: Path
) -> None:
    keys.watch(keys.new)
    keys.put(sealing_key(1), "bad", "compromised")
    backup = keys.backup()
    assert backup.stat().st_mode & 0o777 == 0o600
    document = keys.opened(backup)
    told = {key["fingerprint"]: key["state"] for key in document["manifest"]["keys"]}
    assert told == {
        keys.old.fingerprint: "active",
        keys.new.fingerprint: "active",
        sealing_key(1).fingerprint: "compromised",
    }
    assert document["manifest"]["cluster"] == "directory"
    assert document["manifest"]["tool"].startswith("sealbridge ")
    assert document["manifest"]["checksum"].startswith("sha256:")
    assert len(document["secrets"]) == 3
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(backup.read_bytes(), [pyrage.x25519.Identity.generate()])


def test_every_recipient_opens_it_by_himself(keys: Keys) -> None:
    other = pyrage.x25519.Identity.generate()
    keys("backup", "--dir", "keys", "--to", "b", "--recipient", keys.recipient, str(other.to_public()))
    data = (keys.folder / "b").read_bytes()
    assert pyrage.decrypt(data, [other]) == pyrage.decrypt(data, [keys.identity])


def test_the_keys_are_told_when_they_were_backed_up_and_a_new_one_was_not(keys: Keys) -> None:
    assert {row["lastBackup"] for row in keys.rows().values()} == {None}
    keys.backup()
    assert all(row["lastBackup"].endswith("Z") for row in keys.rows().values())
    keys.put(sealing_key(1), "later")
    assert keys.rows()[sealing_key(1).fingerprint]["lastBackup"] is None
    assert {path.stat().st_mode & 0o777 for path in keys.directory.glob("new.yaml")} == {0o600}


def test_older_versions_stay_beside_a_file_and_in_a_folder(keys: Keys) -> None:
    first = keys.backup().read_bytes()
    os.utime(keys.folder / "backup.age", (1_700_000_000, 1_700_000_000))
    keys.backup()
    assert (keys.folder / "backup.age.20231114T221320Z").read_bytes() == first
    for _ in range(2):
        keys.backup("versions/")
    assert len(list((keys.folder / "versions").iterdir())) == 2
    assert (keys.folder / "versions").stat().st_mode & 0o777 == 0o700


def test_a_passphrase_does_as_well_and_is_read_from_a_file(keys: Keys, canary: Canary) -> None:
    word = canary("passphrase")
    canary.output(keys.folder / "word").write_text(word + "\n")
    keys("backup", "--dir", "keys", "--to", "b", "--passphrase-file", "word")
    opened = json.loads(pyrage.passphrase.decrypt((keys.folder / "b").read_bytes(), word))
    assert len(opened["secrets"]) == 2


def test_nothing_is_left_unencrypted_unless_it_is_spelt_out(keys: Keys, canary: Canary) -> None:
    refused = keys("backup", "--dir", "keys", "--to", "b", code=2)
    assert "a backup is not left unencrypted" in refused.err
    assert not (keys.folder / "b").exists()
    done = keys("backup", "--dir", "keys", "--to", "b", "--plaintext")
    assert "warning: the backup is not encrypted" in done.err
    plain = canary.output(keys.folder / "b")
    assert len(json.loads(plain.read_text())["secrets"]) == 2
    assert plain.stat().st_mode & 0o777 == 0o600


def test_a_dry_run_checks_everything_and_writes_nothing(keys: Keys) -> None:
    before = keys.contents()
    done = keys(
        "backup", "--dir", "keys", "--to", "b", "--recipient", keys.recipient, "--dry-run", "-o", "json"
    )
    assert len(json.loads(done.out)["keys"]) == 2
    assert keys.contents() == before
    assert not (keys.folder / "b").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (("--to", "gs://bucket/b"), 2, "Google Cloud Storage (gs://) is not supported yet"),
        (("--to", "azblob://bucket/b"), 2, "Azure Blob Storage (azblob://) is not supported yet"),
        (("--to", "ftp://somewhere"), 2, "backups are not kept in ftp://"),
        (("--to", "s3://"), 2, "s3:// needs a bucket"),
        (("--to", "-"), 2, "a backup is kept in a file"),
        (("--to", "missing/folder/b"), 1, "missing/folder/b: cannot write it: no such file or directory"),
        (("--to", "b", "--recipient", "age1nonsense"), 2, "this is no age recipient: 'age1nonsense'"),
        (("--to", "b", "--passphrase-file", "nowhere"), 2, "nowhere: cannot read it"),
        (("--to", "b", "--plaintext"), 2, "a backup is encrypted in one way"),
        (("--to", "/dev/null"), 2, "it is neither a file nor a folder"),
    ],
)
def test_what_cannot_be_backed_up_is_said_and_changes_nothing(
    keys: Keys, arguments: tuple[str, ...], code: int, what: str
) -> None:
    before = keys.contents()
    recipient = () if "--passphrase-file" in arguments else ("--recipient", keys.recipient)
    assert what in keys("backup", "--dir", "keys", *arguments, *recipient, code=code).err
    assert keys.contents() == before
    assert not (keys.folder / "b").exists()


def test_an_identity_in_place_of_a_recipient_is_refused_and_not_shown(keys: Keys) -> None:
    refused = keys("backup", "--dir", "keys", "--to", "b", "--recipient", str(keys.identity), code=2)
    assert "a recipient is public, and this is an identity" in refused.err


def test_a_key_that_cannot_be_read_is_no_backup(keys: Keys) -> None:
    broken = keys.directory / "new.yaml"
    broken.write_text(broken.read_text().replace("tls.key: LS0t", "tls.key: LS0s"))
    refused = keys("backup", "--dir", "keys", "--to", "b", "--recipient", keys.recipient, code=1)
    assert "a key cannot be read, and a backup without it is none" in refused.err
    assert not (keys.folder / "b").exists()


def test_a_short_passphrase_is_refused(keys: Keys) -> None:
    (keys.folder / "word").write_text("hunter2\n")
    refused = keys("backup", "--dir", "keys", "--to", "b", "--passphrase-file", "word", code=2)
    assert "the passphrase is shorter than 12 characters" in refused.err
