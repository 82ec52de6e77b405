"""`keys` killed at every step: no key is lost, none is current without a copy, and the next run completes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest

from sealbridge.lifecycle.key_files import key_secrets_in
from sealbridge.lifecycle.key_home import Records, records_of
from tests.canary import Canary
from tests.sealing_keys import sealing_key
from tests.unit.cli.conftest import run
from tests.unit.cli.keys_world import Keys, keys

__all__ = ["keys", "run"]

# Every step is a process or two.
pytestmark = pytest.mark.timeout(900)

REPOSITORY = Path(__file__).parents[3]
MOST_STEPS = 150


@pytest.fixture
def lives(keys: Keys, tmp_path: Path, canary: Canary) -> Path:
    """For the folders of each life."""
    return canary.output(tmp_path / "lives")


def killed(step: int, folder: Path, *arguments: str) -> bool:
    """Whether the run ended before the step came."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed", str(step), "keys", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode == 0


def here(folder: Path) -> Records:
    return records_of(secret for secret, _ in key_secrets_in(folder))


def backed_up(path: Path, identity: pyrage.x25519.Identity) -> set[str]:
    if not path.exists():
        return set()
    document = json.loads(pyrage.decrypt(path.read_bytes(), [identity]))
    return {key["fingerprint"] for key in document["manifest"]["keys"]}


def test_a_rotation_killed_at_any_step(keys: Keys, lives: Path) -> None:
    steps = 0
    for step in range(1, MOST_STEPS):
        life = lives / str(step)
        shutil.copytree(keys.directory, life / "keys")
        arguments = ("rotate", "--dir", str(life / "keys"), "--size", "2048", "--if-older-than", "1d")
        arguments += ("--backup-to", str(life / "backup.age"), "--recipient", keys.recipient)
        ended = killed(step, life, *arguments)
        records = here(life / "keys")
        assert records.problems == ()
        fingerprints = {record.fingerprint for record in records.keys}
        assert {keys.old.fingerprint, keys.new.fingerprint} <= fingerprints
        assert records.current is not None
        if records.current.fingerprint != keys.new.fingerprint:
            assert records.current.fingerprint in backed_up(life / "backup.age", keys.identity)
        if ended:
            break
        steps = step
        keys(*arguments)
        after = here(life / "keys")
        assert after.current is not None
        assert after.current.fingerprint not in (keys.new.fingerprint, keys.old.fingerprint)
        assert len(after.keys) == 3
        assert backed_up(life / "backup.age", keys.identity) == {one.fingerprint for one in after.keys}
        assert (life / "keys" / "cert.pem").read_bytes() == after.current.key.certificate.pem
    else:
        pytest.fail("it never ended")
    assert steps > 10


def test_a_restore_killed_at_any_step(keys: Keys, lives: Path) -> None:
    keys.put(sealing_key(1), "third", "retired")
    keys.backup()
    identity = str(keys.folder / "id.txt")
    steps = 0
    for step in range(1, MOST_STEPS):
        there = lives / str(step)
        arguments = ("restore", "--from", str(keys.folder / "backup.age"), "--identity", identity)
        arguments += ("--dir", str(there))
        ended = killed(step, there, *arguments)
        if there.exists():
            assert here(there).problems == ()
            current = here(there).current
            # The newest comes first, so that no old key is current in the meantime.
            assert current is None or current.fingerprint == keys.new.fingerprint
        if ended:
            break
        steps = step
        keys(*arguments)
        states = {record.fingerprint: record.state.value for record in here(there).keys}
        assert states == keys.states()
        assert (there / "cert.pem").read_bytes() == keys.new.certificate.pem
    else:
        pytest.fail("it never ended")
    assert steps > 6


def test_a_backup_killed_at_any_step_leaves_the_old_one_or_the_new(keys: Keys, lives: Path) -> None:
    before = keys.backup().read_bytes()
    keys.put(sealing_key(1), "third")
    for step in range(1, MOST_STEPS):
        life = lives / str(step)
        life.mkdir(parents=True)
        target = life / "backup.age"
        target.write_bytes(before)
        shutil.copytree(keys.directory, life / "keys")
        arguments = (
            "backup",
            "--dir",
            str(life / "keys"),
            "--to",
            str(target),
            "--recipient",
            keys.recipient,
        )
        ended = killed(step, life, *arguments)
        assert len(backed_up(target, keys.identity)) in (2, 3)
        assert here(life / "keys").problems == ()
        assert len(here(life / "keys").keys) == 3
        versions = [one for one in life.iterdir() if one.name.startswith("backup.age.2")]
        assert before in [one.read_bytes() for one in [target, *versions]]
        if ended:
            assert step > 4
            return
        keys(*arguments)
        assert len(backed_up(target, keys.identity)) == 3
    pytest.fail("it never ended")


def test_jobs_that_rotate_at_once_make_one_key(keys: Keys, lives: Path) -> None:
    program = str(Path(sys.executable).with_name("sealbridge"))
    for way in ((), ("--backup-to", str(lives / "b.age"), "--recipient", keys.recipient)):
        lives.mkdir(exist_ok=True)
        folder = lives / f"keys{len(way)}"
        shutil.copytree(keys.directory, folder)
        command = [program, "keys", "rotate", "--dir", str(folder), "--size", "2048", *way]
        jobs = [
            subprocess.Popen([*command, "--if-older-than", "1d"], stderr=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        ends = [job.communicate()[1] for job in jobs]
        assert [job.returncode for job in jobs] == [0] * 4, ends
        records = here(folder)
        assert len(records.keys) == 3
        assert records.current is not None
        assert records.current.fingerprint != keys.new.fingerprint
        assert (folder / "cert.pem").read_bytes() == records.current.key.certificate.pem
