"""`sealbridge sync` in this process: what it prints and its exit code. The work itself is tested below."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from sealbridge.lifecycle.key_files import store_key
from sealbridge.sealing.keys import SealingKey
from sealbridge_cli.main import main
from tests.canary import Canary
from tests.worlds import START, World, external_secret, fake_store


@pytest.fixture(scope="module")
def key() -> SealingKey:
    return SealingKey.generate(at=START, bits=2048)


class Printed(NamedTuple):
    code: int
    out: str
    err: str


Sync = Callable[..., Printed]


@pytest.fixture
def world(tmp_path: Path, key: SealingKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path, key)
    store_key(key, tmp_path / "keys", namespace="sealbridge")
    monkeypatch.chdir(tmp_path)
    yield made
    made.close()


@pytest.fixture
def sync(world: World, capfd: pytest.CaptureFixture[str]) -> Sync:
    def run(*arguments: str, keys: bool = True) -> Printed:
        command = ["sync", "--source", "source", "--output", "output", *(["--keys", "keys"] if keys else [])]
        capfd.readouterr()
        code = main([*command, *arguments])
        printed = capfd.readouterr()
        return Printed(code, printed.out, printed.err)

    return run


@pytest.fixture
def value(world: World, canary: Canary) -> str:
    canary.output(world.source)
    canary.output(world.output / "default")
    return canary("printed nowhere")


def fill(world: World, value: str) -> None:
    world.write("app/db.yaml", world.sealed("db", {"password": value, "user": "app"}))
    world.write("stores.yaml", fake_store("fake", {"token": value}))
    world.write("api.yaml", external_secret("api", {"token": "token"}))


def test_the_first_run_shows_what_was_made(world: World, sync: Sync, value: str) -> None:
    fill(world, value)

    assert sync() == Printed(
        0,
        "",
        """\
KIND            NAMESPACE/NAME  RESULT   CHANGED          REASON
SealedSecret    default/db      created  +password +user
SecretStore     default/fake    valid                     store validated
ExternalSecret  default/api     created  +token
""",
    )


def test_the_next_run_shows_that_nothing_changed_and_an_edit_by_its_keys(
    world: World, sync: Sync, value: str
) -> None:
    fill(world, value)
    sync()
    assert (
        sync().err
        == """\
KIND            NAMESPACE/NAME  RESULT     CHANGED  REASON
SealedSecret    default/db      unchanged
SecretStore     default/fake    valid               store validated
ExternalSecret  default/api     unchanged
"""
    )

    world.write("app/db.yaml", world.sealed("db", {"password": "two", "host": "h"}))
    dry = sync("--dry-run").err.splitlines()[1]
    assert dry == "SealedSecret    default/db      would be updated  +host ~password -user"
    real = sync().err.splitlines()[1]
    assert real == "SealedSecret    default/db      updated    +host ~password -user"


def test_what_fails_is_named_with_its_file_and_the_rest_is_done(world: World, sync: Sync, value: str) -> None:
    fill(world, value)
    bad = world.sealed("bad", {"a": value, "b": value})
    bad["metadata"]["name"] = "renamed"
    world.write("bad.yaml", bad)
    world.write("missing.yaml", external_secret("missing", {"token": "nope"}))
    (world.source / "broken.yaml").write_text("kind: Secret\na: [")

    code, out, err = sync()

    assert (code, out) == (1, "")
    lines = err.splitlines()
    assert lines[1].split()[:3] == ["SealedSecret", "default/db", "created"]
    reported = "\n".join(lines[next(i for i, line in enumerate(lines) if line.startswith("error:")) :])
    fingerprint = world.key.fingerprint
    assert reported == (
        "error: broken.yaml: document 1, line 3: not valid YAML: did not find expected node content\n"
        "error: SealedSecret default/renamed (bad.yaml: document 1, line 2):"
        " no key could decrypt secret (a, b)\n"
        f"hint: the key that sealed it ({fingerprint}) was tried: strict values open only with name renamed"
        " and namespace default as when they were sealed\n"
        "error: ExternalSecret default/missing (missing.yaml: document 1, line 2):"
        " could not get secret data from provider: data[0] (secretKey token):"
        " there is no secret 'nope' in the store (NotFound)"
    )


def test_without_keys_the_way_out_is_named(world: World, sync: Sync) -> None:
    world.write("db.yaml", world.sealed("db", {"a": "1"}))

    code, _, err = sync(keys=False)

    assert code == 1
    assert err.endswith("no key could decrypt secret (a)\nhint: give the sealing keys with --keys\n")


def test_a_machine_reads_one_line_of_json(world: World, sync: Sync, value: str) -> None:
    fill(world, value)
    (world.source / "broken.yaml").write_text("kind: Secret\na: [")

    code, out, _ = sync("-o", "json")

    report = json.loads(out)
    assert code == 1
    assert out.count("\n") == 1
    assert report["ok"] is False
    assert report["objects"][0] == {
        "kind": "SealedSecret",
        "namespace": "default",
        "name": "db",
        "file": "app/db.yaml: document 1, line 2",
        "result": "created",
        "target": "db",
        "added": ["password", "user"],
        "updated": [],
        "removed": [],
        "reason": "",
    }
    assert report["problems"] == [
        {
            "kind": None,
            "namespace": None,
            "name": None,
            "file": "broken.yaml: document 1, line 3",
            "reason": "not valid YAML: did not find expected node content",
        }
    ]


def test_pruning_is_shown(world: World, sync: Sync) -> None:
    world.write("a.yaml", world.sealed("a", {"a": "1"}))
    world.write("b.yaml", world.sealed("b", {"a": "1"}))
    sync()
    (world.source / "b.yaml").unlink()

    dry = sync("--prune", "--dry-run").err.splitlines()[-1]
    assert dry == "Secret        default/b       would be removed           its manifest is gone"
    assert (world.output / "default" / "b.yaml").exists()
    real = sync("--prune").err.splitlines()[-1]
    assert real == "Secret        default/b       removed             its manifest is gone"
    assert not (world.output / "default" / "b.yaml").exists()


def test_an_empty_source_is_said_to_be_one(sync: Sync) -> None:
    assert sync() == Printed(0, "", "there is nothing for sealbridge in it\n")


@pytest.mark.parametrize(("asked", "folder"), [("team-a", "team-a"), ("", "default")])
def test_objects_without_a_namespace_go_where_asked(
    world: World, sync: Sync, asked: str, folder: str
) -> None:
    world.write("all.yaml", fake_store("fake", {"k": "v"}), external_secret("api", {"token": "k"}))

    assert sync("-n", asked, "--format", "env").code == 0
    assert (world.output / folder / "api.env").read_text() == 'token="v"\n'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", ".", "--output", "."], "the source . is inside the output ."),
        (["--source", "a/b", "--output", "a"], "the source a/b is inside the output a"),
        (["--source", "a", "--output", "b", "--secrets", "b/c"], "the Secrets of --secrets b/c are inside"),
        (
            ["--source", "a", "--output", "b", "--watch", "--dry-run"],
            "--watch and --dry-run exclude each other",
        ),
        (["--source", "a"], "--output"),
        (["--source", "a", "--output", "b", "--format", "xml"], "invalid choice: 'xml'"),
    ],
)
def test_wrong_use_is_told_as_such(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["sync", *arguments]) == 2
    printed = capfd.readouterr()
    assert printed.err.startswith("error: ")
    assert message in printed.err
    assert "hint: " in printed.err
    assert list(tmp_path.iterdir()) == []


def test_a_source_or_key_that_is_not_there_is_told(world: World, sync: Sync) -> None:
    assert main(["sync", "--source", "nowhere", "--output", "output"]) == 1
    assert sync("--keys", "nowhere").code == 1


FILES = {"yaml": "", "json": "--format=json", "env": "--format=env"}


@pytest.mark.parametrize("suffix", FILES)
def test_a_secret_that_its_store_has_no_more_is_deleted_where_the_policy_says_so_and_dry_runs_tell(
    world: World, sync: Sync, suffix: str
) -> None:
    flags = [FILES[suffix]] if FILES[suffix] else []
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    world.write("db.yaml", external_secret("db", {"x": "a"}, target={"deletionPolicy": "Delete"}))
    assert sync(*flags).code == 0
    files = world.output_files()
    assert list(files) == [f"default/db.{suffix}"]
    world.write("store.yaml", fake_store("fake", {}))

    dry = sync("--dry-run", *flags)
    assert (dry.code, "would be deleted" in dry.err) == (0, True)
    assert world.output_files() == files

    wet = sync(*flags)
    assert (wet.code, "deleted" in wet.err, world.output_files()) == (0, True, {})
    assert sync(*flags).code == 0
    world.write("store.yaml", fake_store("fake", {"a": "2"}))
    assert sync(*flags).code == 0
    assert list(world.output_files()) == [f"default/db.{suffix}"]


@pytest.mark.parametrize("suffix", FILES)
def test_several_merge_into_a_file_of_somebody_else_over_many_runs(
    world: World, sync: Sync, suffix: str
) -> None:
    flags = [FILES[suffix]] if FILES[suffix] else []
    target = {"name": "shared", "creationPolicy": "Merge", "deletionPolicy": "Merge"}
    world.write("store.yaml", fake_store("fake", {"a": "1", "b": "2"}))
    world.write("one.yaml", external_secret("one", {"x": "a"}, target=target))
    world.write("two.yaml", external_secret("two", {"y": "b"}, target=target))
    none = sync(*flags)
    assert (none.code, "secret will not be created due to CreationPolicy=Merge" in none.err) == (0, True)
    assert world.output_files() == {}

    # The file is made by another object first: in the same run it is merged into.
    maker = {"name": "shared", "creationPolicy": "CreateOrMerge"}
    world.write("maker.yaml", external_secret("zz", {"z": "a"}, target=maker))
    assert sync(*flags).code == 0
    shared = world.output / "default" / f"shared.{suffix}"
    for key in "xyz":
        assert f"{key}" in shared.read_text()
    files = world.output_files()
    assert sync(*flags).code == 0
    assert world.output_files() == files

    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    gone = sync(*flags)
    assert gone.code == 0
    assert "-y" in gone.err

    # Nobody of them takes the file along.
    for name in ("one", "two", "maker"):
        (world.source / f"{name}.yaml").unlink()
    sync("--prune", *flags)
    assert shared.exists()


def test_two_that_own_one_secret_are_told_and_one_that_makes_none_is_not_in_the_way(
    world: World, sync: Sync
) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "1"}))
    for name, policy in (("one", "Owner"), ("two", "Orphan"), ("three", "None")):
        target = {"name": "same", "creationPolicy": policy}
        world.write(f"{name}.yaml", external_secret(name, {"x": "a"}, target=target))
    both = sync()
    assert both.code == 1
    assert "Secret default/same is made by more than one object" in both.err
    assert "three" not in both.err.partition("error")[2]
    (world.source / "two.yaml").unlink()
    assert sync().code == 0
    assert world.read("default/same.yaml") == {"x": "1"}


def test_searches_rewrites_and_generators_work_in_a_directory(world: World, sync: Sync, value: str) -> None:
    find = {"find": {"name": {"regexp": "^db/"}}, "rewrite": [{"regexp": {"source": "^db/", "target": ""}}]}
    made = {"sourceRef": {"generatorRef": {"kind": "Fake", "name": "made"}}}
    world.write(
        "all.yaml",
        fake_store("fake", {"db/user": "bob", "db/password": value, "other": "x"}),
        {
            "apiVersion": "generators.external-secrets.io/v1alpha1",
            "kind": "Fake",
            "metadata": {"name": "made"},
            "spec": {"data": {"made": "up"}},
        },
        external_secret("db", {}, dataFrom=[find, made]),
    )

    assert sync().err.splitlines()[-1] == "ExternalSecret  default/db      created  +made +password +user"

    assert world.read("default/db.yaml") == {"made": "up", "password": value, "user": "bob"}


def test_a_rewrite_that_makes_two_keys_one_is_told_with_file_and_entry(
    world: World, sync: Sync, value: str
) -> None:
    both = {"rewrite": [{"regexp": {"source": ".*/", "target": ""}}], "find": {}}
    world.write("store.yaml", fake_store("fake", {"a/key": value, "b/key": value}))
    world.write("db.yaml", external_secret("db", {}, dataFrom=[both]))

    printed = sync()

    assert printed.code == 1
    assert (
        "error: ExternalSecret default/db (db.yaml: document 1, line 2): could not get secret data from"
        " provider: dataFrom[0]: rewrite[0]: the keys 'a/key' and 'b/key' both become 'key'"
    ) in printed.err


def test_push_secrets_push_what_the_run_has_made_but_not_in_a_dry_run(
    world: World, sync: Sync, value: str
) -> None:
    fill(world, value)
    push = {
        "apiVersion": "external-secrets.io/v1alpha1",
        "kind": "PushSecret",
        "metadata": {"name": "push"},
        "spec": {
            "secretStoreRefs": [{"name": "fake"}],
            "selector": {"secret": {"name": "db"}},
            "data": [{"match": {"secretKey": "password", "remoteRef": {"remoteKey": "pushed"}}}],
        },
    }
    world.write("push.yaml", push)
    dry = sync("--dry-run", "-o", "json")
    assert dry.code == 0
    assert json.loads(dry.out)["objects"][-1]["result"] == "skipped"
    real = json.loads(sync("-o", "json").out)["objects"][-1]
    assert (real["kind"], real["result"], real["updated"]) == ("PushSecret", "updated", ["pushed"])
    world.write("push.yaml", {**push, "spec": {**push["spec"], "extra": 1}})
    failed = sync()
    assert failed.code == 1
    assert "spec.extra: there is no such field" in failed.err
