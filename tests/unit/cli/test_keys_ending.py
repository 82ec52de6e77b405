from __future__ import annotations

import json

import pytest

from tests.sealing_keys import sealing_key
from tests.unit.cli.keys_world import Keys, keys

__all__ = ["keys"]


def test_a_key_that_nothing_needs_is_retired_and_stays_in_backups(keys: Keys) -> None:
    keys.repo(keys.sealed(keys.new, "db", "a"))
    assert "retired" in keys("retire", keys.old.fingerprint, "--dir", "keys", "--repo", "repo").err
    assert keys.states()[keys.old.fingerprint] == "retired"
    again = keys("retire", keys.old.fingerprint, "--dir", "keys", "--repo", "repo")
    assert "is out of use already" in again.err
    told = keys.opened(keys.backup())["manifest"]["keys"]
    assert {one["fingerprint"]: one["state"] for one in told}[keys.old.fingerprint] == "retired"


def test_a_key_that_something_needs_stays_and_what_needs_it_is_listed(keys: Keys) -> None:
    keys.repo(keys.sealed(keys.old, "db", "a", "b"), keys.sealed(keys.new, "other", "a"))
    before = keys.contents()
    refused = keys("retire", keys.old.fingerprint, "--dir", "keys", "--repo", "repo", code=1)
    assert refused.out.startswith("shop/db: a, b  (repo/all.yaml: document 1, line ")
    assert "the key is still needed by 1 SealedSecret" in refused.err
    machine = keys("retire", keys.old.fingerprint, "--dir", "keys", "--repo", "repo", "-o", "json", code=1)
    assert [one["name"] for one in json.loads(machine.out)["needed"]] == ["db"]
    assert keys.contents() == before


def test_what_may_need_a_key_keeps_it(keys: Keys) -> None:
    # Its scope was changed by hand: it opens with no key as it is, and with this one when that is mended.
    changed = keys.sealed(keys.old, "db", "a")
    changed["metadata"]["annotations"]["sealedsecrets.bitnami.com/cluster-wide"] = "true"
    keys.repo(changed, name="scope")
    claims = keys.sealed(sealing_key(3), "db", "a")
    claims["metadata"]["annotations"]["sealbridge.io/sealed-with"] = keys.old.fingerprint
    keys.repo(claims, name="claims")
    keys.repo(name="broken").write_text("kind: SealedSecret\nspec: [\n")
    for repo in ("scope", "claims", "broken"):
        keys("retire", keys.old.fingerprint, "--dir", "keys", "--repo", repo, code=1)
    assert keys.states()[keys.old.fingerprint] == "active"


@pytest.mark.parametrize(
    ("name", "what"),
    [("SHA256:AAAA", "there is no sealing key SHA256:AAAA"), ("SHA256:", "several sealing keys begin with")],
)
def test_a_key_that_is_not_there_is_told(keys: Keys, name: str, what: str) -> None:
    for command in ("retire", "compromise"):
        assert what in keys(command, name, "--dir", "keys", code=1).err


def test_the_current_key_is_not_retired(keys: Keys) -> None:
    assert "is current" in keys("retire", keys.new.fingerprint, "--dir", "keys", code=1).err
    assert keys.states()[keys.new.fingerprint] == "current"


def test_a_dry_run_marks_nothing(keys: Keys) -> None:
    before = keys.contents()
    keys("retire", keys.old.fingerprint, "--dir", "keys", "--dry-run")
    keys("compromise", keys.new.fingerprint, "--dir", "keys", "--dry-run", "--disable")
    assert keys.contents() == before


def test_a_leaked_current_key_is_replaced_and_goes_on_opening_until_nothing_needs_it(keys: Keys) -> None:
    keys.repo(keys.sealed(keys.new, "db", "a", "b"), keys.sealed(keys.old, "other", "a"))
    command = ("compromise", keys.new.fingerprint, "--dir", "keys", "--repo", "repo", "--size", "2048")
    told = json.loads(keys(*command, "-o", "json").out)
    assert told["disabled"] is False
    assert [(one["name"], one["items"]) for one in told["objects"]] == [("db", ["a", "b"])]
    states = keys.states()
    assert states[told["current"]] == "current"
    assert states[keys.new.fingerprint] == "active"
    assert len(states) == 3
    # Again: it is not current any more, so that no other key is made.
    keys(*command)
    assert len(keys.states()) == 3
    resealed = keys._run("reseal", "--cert", "keys/cert.pem", "--key", "keys", "-r", "-f", "repo")
    assert resealed.code == 0
    assert json.loads(keys(*command, "-o", "json").out)["disabled"]
    assert keys.states()[keys.new.fingerprint] == "compromised"
    keys("retire", keys.new.fingerprint, "--dir", "keys")
    assert keys.states()[keys.new.fingerprint] == "compromised"


def test_the_checklist_names_every_item_and_hostile_names_stay_code(keys: Keys) -> None:
    sealed = keys.sealed(keys.old, "db", "a", "b")
    sealed["metadata"]["name"] = "x`](http://evil)\n# no"
    keys.repo(keys.sealed(keys.old, "db", "a", "b"), sealed)
    sealed["metadata"]["annotations"]["sealbridge.io/sealed-with"] = keys.old.fingerprint
    way = ("--repo", "repo", "--checklist", "leak.md", "--disable")
    keys("compromise", keys.old.fingerprint, "--dir", "keys", *way)
    text = (keys.folder / "leak.md").read_text()
    assert "- [ ] `shop/db`: `a`\n- [ ] `shop/db`: `b`\n" in text
    assert "`shop/x'](http://evil)\\n# no`" in text
    assert "\n# no" not in text
    assert keys.states()[keys.old.fingerprint] == "compromised"
    assert keys.states()[keys.new.fingerprint] == "current"
