from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pyrage
import pytest

from sealbridge.sealing.keys import KEY_LABEL
from sealbridge.secret import Secret, Value
from tests.canary import Canary
from tests.sealing_keys import sealing_key
from tests.unit.cli.keys_world import Keys, keys

__all__ = ["keys"]

OPEN = ("--identity", "id.txt")


def restore(keys: Keys, *more: str, source: str = "backup.age", to: str = "there", code: int = 0) -> str:
    keys._canary.output(keys.folder / to)
    return keys("restore", "--from", source, "--dir", to, *OPEN, *more, code=code).err


def verify(keys: Keys, *more: str, code: int = 0) -> Any:
    return json.loads(
        keys("verify-backup", "--from", "backup.age", *OPEN, *more, "-o", "json", code=code).out
    )


def test_a_drill_opens_everything_and_writes_nothing(keys: Keys) -> None:
    keys.backup()
    keys.repo(keys.sealed(keys.old, "one", "a", "b"), keys.sealed(keys.new, "two", "a"))
    before = keys.contents(), set(keys.folder.iterdir())
    done = verify(keys, "--dir", "keys", "--repo", "repo")
    assert done["ok"]
    assert {key["fingerprint"] for key in done["keys"] if key["here"]} == {
        keys.old.fingerprint,
        keys.new.fingerprint,
    }
    assert [(one["name"], one["items"], one["opens"]) for one in done["objects"]] == [
        ("one", ["a", "b"], True),
        ("two", ["a"], True),
    ]
    assert (keys.contents(), set(keys.folder.iterdir())) == before


def test_a_drill_fails_for_a_key_or_an_item_that_would_be_lost(keys: Keys) -> None:
    keys.backup()
    keys.put(sealing_key(1), "later")
    keys.repo(keys.sealed(keys.old, "one", "a"), keys.sealed(sealing_key(1), "two", "a"))
    done = verify(keys, "--dir", "keys", "--repo", "repo", code=1)
    assert not done["ok"]
    assert [key["fingerprint"] for key in done["keys"] if not key["inBackup"]] == [sealing_key(1).fingerprint]
    assert [one["name"] for one in done["objects"] if not one["opens"]] == ["two"]
    text = keys("verify-backup", "--from", "backup.age", *OPEN, "--offline", "--repo", "repo", code=1).out
    assert "FAILED  shop/two: does not open: a  (repo/all.yaml: document 2, line " in text
    assert "the backup does not bring everything back" in text


def test_a_drill_fails_for_an_object_whose_scope_does_not_fit(keys: Keys) -> None:
    keys.backup()
    sealed = keys.sealed(keys.old, "one", "a")
    sealed["metadata"]["annotations"]["sealedsecrets.bitnami.com/cluster-wide"] = "true"
    keys.repo(sealed)
    assert not verify(keys, "--offline", "--repo", "repo", code=1)["ok"]


def test_keys_come_back_into_an_empty_directory_and_a_second_run_changes_nothing(keys: Keys) -> None:
    keys.put(sealing_key(1), "bad", "compromised")
    keys.backup()
    assert "3 sealing keys restored" in restore(keys)
    assert keys.states("there") == keys.states()
    before = keys.contents("there")
    assert before["cert.pem"] == keys.new.certificate.pem
    assert {(keys.folder / "there" / name).stat().st_mode & 0o777 for name in before if "key" in name} == {
        0o600
    }
    assert "0 sealing keys restored; 3 there already" in restore(keys)
    assert keys.contents("there") == before


def test_keys_that_are_there_stay_to_the_byte_and_in_their_state(keys: Keys) -> None:
    keys.backup()
    there = keys.folder / "there"
    # One of the same fingerprint in another state, and a stranger under a name of the backup.
    keys.put(keys.old, "mine", "compromised", folder=there)
    keys.put(sealing_key(1), "new", folder=there)
    before = keys.contents("there")
    told = restore(keys)
    assert f"{keys.old.fingerprint} is active in the backup, and stays compromised" in told
    assert f"the current key is now {keys.new.fingerprint}, of the backup" in told
    after = keys.contents("there")
    assert {name: after[name] for name in before} == before
    assert keys.states("there") == {
        keys.old.fingerprint: "compromised",
        sealing_key(1).fingerprint: "active",
        keys.new.fingerprint: "current",
    }


def test_a_dry_run_stores_nothing(keys: Keys) -> None:
    keys.backup()
    assert "2 sealing keys would be restored" in restore(keys, "--dry-run")
    assert not (keys.folder / "there").exists()


def test_the_newest_of_a_folder_is_taken(keys: Keys) -> None:
    keys.backup("versions/")
    keys.put(sealing_key(1), "later")
    keys.backup("versions/")
    assert "3 sealing keys restored" in restore(keys, source="versions")


def test_a_backup_with_a_passphrase_comes_back_with_it_alone(keys: Keys, canary: Canary) -> None:
    for name in ("word", "other"):
        canary.output(keys.folder / name).write_text(canary(name) + "\n")
    keys("backup", "--dir", "keys", "--to", "backup.age", "--passphrase-file", "word")
    assert "it is encrypted with a passphrase" in restore(keys, code=1)
    wrong = keys("restore", "--from", "backup.age", "--dir", "there", "--passphrase-file", "other", code=1)
    assert "the passphrase is wrong" in wrong.err
    assert not (keys.folder / "there").exists()
    keys("restore", "--from", "backup.age", "--dir", "there", "--passphrase-file", "word")
    keys._canary.output(keys.folder / "there")
    assert keys.states("there") == keys.states()


def checksummed(document: Any) -> Any:
    text = json.dumps(document["secrets"], sort_keys=True, separators=(",", ":"))
    document["manifest"]["checksum"] = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    return document


def renamed(name: str, field: str = "name") -> Callable[[Any], Any]:
    def change(document: Any) -> Any:
        document["secrets"][0]["metadata"][field] = name
        return checksummed(document)

    return change


def twice(document: Any) -> Any:
    document["secrets"].append(json.loads(json.dumps(document["secrets"][0])))
    document["secrets"][-1]["metadata"]["name"] = "another"
    document["manifest"]["keys"].append(document["manifest"]["keys"][0])
    return checksummed(document)


def same_name(document: Any) -> Any:
    document["secrets"][1]["metadata"]["name"] = document["secrets"][0]["metadata"]["name"]
    return checksummed(document)


def other_certificate(document: Any) -> Any:
    first, second = (one["data"] for one in document["secrets"])
    first["tls.crt"] = second["tls.crt"]
    return checksummed(document)


def other_kind(document: Any) -> Any:
    document["secrets"][0]["kind"] = "ClusterRoleBinding"
    return checksummed(document)


def swapped(document: Any) -> Any:
    document["manifest"]["keys"].reverse()
    return document


def many(document: Any) -> Any:
    document["secrets"] = document["secrets"][:1] * 5001
    return checksummed(document)


def without_key(document: Any) -> Any:
    document["secrets"][0] = Secret(name="empty", items={"a": Value(b"b")}).to_manifest()
    return checksummed(document)


def field(name: str, value: Any) -> Callable[[Any], Any]:
    return lambda document: document | {name: value}


HOSTILE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a path as a name": (renamed("../../etc/cron.d/x"), "the name of a key is not a name that Kubernetes"),
    "a path as a namespace": (renamed("../kube-system", "namespace"), "the namespace of a key is not"),
    "an absolute path": (renamed("/x"), "the name of a key is not a name that Kubernetes takes"),
    "a key twice": (twice, "is in it twice"),
    "a name twice": (same_name, "the name new is in it twice"),
    "a certificate of another key": (other_certificate, "the certificate does not belong to the private key"),
    "an object that is no Secret": (other_kind, "it holds an object that is no Secret"),
    "a Secret without a key": (without_key, "there is no tls.key in it"),
    "a manifest of other keys": (swapped, "the fingerprints differ"),
    "an older version": (field("version", 0), "it has version 0 of the format, and this sealbridge reads 1"),
    "a newer version": (field("version", 2), "it was made by a newer one"),
    "a version that is true": (field("version", True), "it has version True of the format"),
    "another format": (field("format", "tar"), "it is no backup of sealing keys"),
    "no manifest": (field("manifest", None), "its manifest or its keys are missing"),
    "a manifest with holes": (field("manifest", {}), "its manifest is not complete: cluster"),
    "no keys": (field("secrets", []), "it holds 0 keys"),
    "too many keys": (many, "it holds 5001 keys"),
    "keys that were changed": (
        lambda document: document | {"secrets": document["secrets"][:1]},
        "the checksums differ",
    ),
    "a list": (lambda document: [document], "it is no backup of sealing keys"),
}


@pytest.mark.parametrize(("change", "what"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_backup_is_refused_and_changes_nothing(
    keys: Keys, change: Callable[[Any], Any], what: str
) -> None:
    # In the order in which a table can rely on them.
    document = keys.opened(keys.backup())
    document["secrets"].sort(key=lambda one: str(one["metadata"]["name"]))
    document["manifest"]["keys"].sort(key=lambda one: str(one["name"]))
    text = json.dumps(change(checksummed(document))).encode()
    recipient = pyrage.x25519.Recipient.from_str(keys.recipient)
    (keys.folder / "backup.age").write_bytes(pyrage.encrypt(text, [recipient]))
    keys.put(sealing_key(1), "mine", folder=keys.folder / "there")
    before = keys.contents("there"), set(keys.folder.iterdir())
    told = restore(keys, code=1)
    assert told.startswith("error: backup.age: ")
    assert what in told
    assert (keys.contents("there"), set(keys.folder.iterdir())) == before
    assert what in keys("verify-backup", "--from", "backup.age", *OPEN, "--offline", code=1).err


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda data: b"", "it is no backup of sealing keys"),
    "cut off in its header": (lambda data: data[:40], "it is cut off or damaged"),
    "cut off in its body": (lambda data: data[:-100], "it is cut off or damaged"),
    "a byte changed": (
        lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
        "it is cut off or damaged",
    ),
    "a byte more": (lambda data: data + b"x", "it is cut off or damaged"),
    "something else": (lambda data: b"\x1f\x8b\x08\x00junk", "it is no backup of sealing keys"),
    "JSON of other things": (lambda data: b'{"a": 1}', "it is no backup of sealing keys"),
    "JSON that is cut off": (lambda data: b'{"format": "sealbridge-keys", ', "it is not JSON"),
    "JSON without an end": (lambda data: b"{" + b'"a":[' * 100_000, "it is not JSON"),
    "a field twice": (lambda data: b'{"format": "x", "format": "sealbridge-keys"}', "it is not JSON"),
    "hours of work": (
        lambda data: b"age-encryption.org/v1\n-> scrypt kiTsd3OEmgV2qj9GXvHS9Q 30\nAAAA\n--- AAAA\n",
        "its passphrase would take too long to try",
    ),
    "huge": (lambda data: data + bytes(64 << 20), "it is larger than 64 MiB"),
}


@pytest.mark.parametrize(("damage", "what"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_backup_is_refused_and_changes_nothing(
    keys: Keys, damage: Callable[[bytes], bytes], what: str
) -> None:
    backup = keys.backup()
    backup.write_bytes(damage(backup.read_bytes()))
    assert what in restore(keys, code=1)
    assert not (keys.folder / "there").exists()
    backup.unlink()


def test_the_wrong_identity_and_none_are_told_apart(keys: Keys) -> None:
    keys.backup()
    keys._canary.output(keys.folder / "other.txt").write_text(str(pyrage.x25519.Identity.generate()))
    wrong = keys("restore", "--from", "backup.age", "--dir", "there", "--identity", "other.txt", code=1)
    assert "none of the identities is a recipient of it" in wrong.err
    none = keys("restore", "--from", "backup.age", "--dir", "there", code=1)
    assert "it is encrypted to age recipients" in none.err
    (keys.folder / "empty.txt").write_text("# nothing\n")
    empty = keys("restore", "--from", "backup.age", "--dir", "there", "--identity", "empty.txt", code=2)
    assert "empty.txt: there is no age identity in it" in empty.err
    assert "nowhere: cannot read it" in restore(keys, source="nowhere", code=1)
    assert not (keys.folder / "there").exists()


def test_labels_of_a_backup_make_no_key_out_of_what_is_none(keys: Keys) -> None:
    document = keys.opened(keys.backup())
    document["secrets"][0]["metadata"]["labels"][KEY_LABEL] = "whatever"
    recipient = pyrage.x25519.Recipient.from_str(keys.recipient)
    text = json.dumps(checksummed(document)).encode()
    (keys.folder / "backup.age").write_bytes(pyrage.encrypt(text, [recipient]))
    restore(keys)
    assert sorted(keys.states("there").values()) == ["current", "retired"]
