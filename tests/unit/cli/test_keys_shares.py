from __future__ import annotations

from pathlib import Path

import pytest

from tests.canary import Canary
from tests.unit.cli.keys_world import Keys, keys

__all__ = ["keys"]

BACKUP = ("backup", "--dir", "keys", "--to", "b.age")
SPLIT = ("--shares", "4", "--threshold", "2", "--shares-to", "shares")


@pytest.fixture
def shares(keys: Keys, canary: Canary) -> list[str]:
    canary.output(keys.folder / "shares")
    keys(*BACKUP, *SPLIT)
    found = sorted((keys.folder / "shares").iterdir())
    for path in found:
        canary.register(path.read_text().split("-")[6], "a share")
    return [str(path.relative_to(keys.folder)) for path in found]


def test_any_so_many_shares_open_the_backup(keys: Keys, shares: list[str]) -> None:
    assert len(shares) == 4
    assert {Path(keys.folder / share).stat().st_mode & 0o777 for share in shares} == {0o600}
    assert (keys.folder / "shares").stat().st_mode & 0o777 == 0o700
    for some in (shares[:2], shares[1:3], [shares[3], shares[0]], shares):
        keys("verify-backup", "--from", "b.age", "--offline", "--share", *some)
    keys._canary.output(keys.folder / "back")
    keys("restore", "--from", "b.age", "--dir", "back", "--share", *shares[2:])
    assert keys.states("back") == keys.states()


def test_too_few_shares_and_those_of_another_backup_do_not(keys: Keys, shares: list[str]) -> None:
    check = ("verify-backup", "--from", "b.age", "--offline", "--share")
    assert "2 different shares are needed, and 1 are given" in keys(*check, shares[0], code=2).err
    assert "2 different shares are needed" in keys(*check, shares[0], shares[0], code=2).err
    keys._canary.output(keys.folder / "others")
    keys("backup", "--dir", "keys", "--to", "c.age", *SPLIT[:-1], "others")
    mixed = keys(*check, shares[0], "others/share-2.txt", code=2)
    assert "these are shares of different secrets" in mixed.err
    others = keys(*check, "others/share-1.txt", "others/share-2.txt", code=1)
    assert "none of the identities is a recipient of it" in others.err
    assert "id.txt: this is no share" in keys(*check, "id.txt", code=2).err


def test_recipients_open_it_beside_the_shares(keys: Keys) -> None:
    keys._canary.output(keys.folder / "shares")
    keys(*BACKUP, *SPLIT, "--recipient", keys.recipient)
    assert len(keys.opened(keys.folder / "b.age")["secrets"]) == 2


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--shares", "3"), "--shares, --threshold and --shares-to go together"),
        (("--threshold", "3"), "a backup is not left unencrypted"),
        (("--shares", "2", "--threshold", "3", "--shares-to", "s"), "cannot be"),
        (("--shares", "3", "--threshold", "2", "--shares-to", "keys"), "is not empty"),
        ((*SPLIT, "--plaintext"), "a backup is encrypted in one way"),
    ],
)
def test_what_cannot_be_split_is_refused_and_nothing_is_written(
    keys: Keys, arguments: tuple[str, ...], what: str
) -> None:
    before = keys.contents()
    assert what in keys(*BACKUP, *arguments, code=2).err
    assert keys.contents() == before
    assert not any((keys.folder / name).exists() for name in ("b.age", "s", "shares"))


def test_a_dry_run_writes_no_share(keys: Keys) -> None:
    keys(*BACKUP, *SPLIT, "--dry-run")
    assert not (keys.folder / "shares").exists()
