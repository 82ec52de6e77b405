from __future__ import annotations

import json

import pytest

from tests.unit.cli.keys_world import Keys, keys

__all__ = ["keys"]

ROTATE = ("rotate", "--dir", "keys", "--size", "2048")


def test_the_new_key_is_current_and_the_old_ones_go_on_opening(keys: Keys) -> None:
    keys.repo(keys.sealed(keys.new, "db", "a"))
    done = json.loads(keys(*ROTATE, "-o", "json").out)
    assert done["rotated"]
    assert done["before"] == keys.new.fingerprint
    states = keys.states()
    assert states.pop(done["current"]) == "current"
    assert states == {keys.old.fingerprint: "active", keys.new.fingerprint: "active"}
    assert len({path.name for path in keys.directory.glob("sealing-key-*.yaml")}) == 1
    opened = keys._run("unseal", "--key", "keys", "-f", "repo/all.yaml")
    assert opened.code == 0


def test_a_young_key_stays_and_cert_pem_is_made_right(keys: Keys) -> None:
    keys(*ROTATE)
    before = keys.states()
    (keys.directory / "cert.pem").unlink()
    assert "stays current" in keys(*ROTATE, "--if-older-than", "30d").err
    assert keys.states() == before
    assert (keys.directory / "cert.pem").exists()


def test_the_new_key_is_in_the_backup_before_it_is_current_and_comes_back_in_use(keys: Keys) -> None:
    keys(*ROTATE, "--backup-to", "b.age", "--recipient", keys.recipient)
    (current,) = [key for key, state in keys.states().items() if state == "current"]
    told = keys.opened(keys.folder / "b.age")["manifest"]["keys"]
    assert {key["fingerprint"]: key["state"] for key in told}[current] == "active"
    keys._canary.output(keys.folder / "back")
    keys("restore", "--from", "b.age", "--identity", "id.txt", "--dir", "back")
    assert keys.states("back") == keys.states()


def test_a_backup_that_fails_leaves_the_old_key_current_and_the_next_run_goes_on(keys: Keys) -> None:
    way = ("--recipient", keys.recipient)
    failed = keys(*ROTATE, "--backup-to", "no/such/folder/b", *way, code=1)
    assert "cannot write it" in failed.err
    states = keys.states()
    assert states[keys.new.fingerprint] == "current"
    (pending,) = [key for key, state in states.items() if state == "pending"]
    keys(*ROTATE, "--backup-to", "b.age", *way)
    assert keys.states()[pending] == "current"
    assert len(keys.states()) == 3


def test_a_dry_run_makes_nothing(keys: Keys) -> None:
    before = keys.contents()
    assert "would be replaced" in keys(*ROTATE, "--dry-run").err
    assert "would stay current" in keys(*ROTATE, "--dry-run", "--if-older-than", "9999d").err
    assert keys.contents() == before


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--size", "1024"), "the RSA key has 1024 bits"),
        (("--recipient", "age1x"), "there is no place for a backup"),
        (("--backup-to", "b"), "a backup is not left unencrypted"),
        (("--if-older-than", "soon"), "it is not a length of time"),
    ],
)
def test_what_cannot_be_is_a_mistake_of_use(keys: Keys, arguments: tuple[str, ...], what: str) -> None:
    before = keys.contents()
    assert what in keys(*ROTATE, *arguments, code=2).err
    assert keys.contents() == before


def test_without_a_current_key_there_is_nothing_to_replace(keys: Keys) -> None:
    keys.put(keys.old, "old", "retired")
    keys.put(keys.new, "new", "compromised")
    assert "there is no current sealing key to replace" in keys(*ROTATE, code=1).err
