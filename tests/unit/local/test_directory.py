"""What a directory does beyond the contract: formats, memory between runs, pruning, dry runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealbridge.errors import ClusterError, ManifestError, NotOwned, SealbridgeError
from sealbridge.local.directory import DirectoryCluster
from sealbridge.local.formats import Format
from sealbridge.reconcile.cluster import Action, Owner, Ownership
from sealbridge.reconcile.kinds import SEALED_SECRET, ObjectKey
from sealbridge.reconcile.status import owner_of
from sealbridge.secret import Secret, Value
from tests.canary import Canary
from tests.worlds import World, modes, sealed_key


def secret(name: str = "db", namespace: str = "default", **items: str) -> Secret:
    values = {key: Value(text.encode()) for key, text in (items or {"password": "p"}).items()}
    return Secret(name=name, namespace=namespace, items=values, labels={"l": "1"}, annotations={"a": "1"})


async def owner(world: World, cluster: DirectoryCluster, name: str = "db") -> Owner:
    if sealed_key(name) not in cluster.keys(SEALED_SECRET):
        world.write(f"{name}.yaml", world.sealed(name, {"password": "p"}))
        cluster.reload()
    return owner_of(SEALED_SECRET, await world.object(cluster, sealed_key(name)), "sealbridge")


async def apply(world: World, cluster: DirectoryCluster, wanted: Secret | None = None) -> Action:
    wanted = wanted or secret()
    by = await owner(world, cluster, wanted.name)
    return (await cluster.apply_secret(wanted, owner=by, ownership=Ownership.OWN)).action


@pytest.mark.parametrize("format_", list(Format))
async def test_a_file_holds_the_secret_and_nothing_a_cluster_would_choke_on(
    world: World, format_: Format
) -> None:
    cluster = world.cluster(format_=format_)
    await apply(world, cluster)

    path = world.output / "default" / f"db.{format_.value}"
    if format_ is Format.ENV:
        assert path.read_text() == 'password="p"\n'
    else:
        assert yaml.safe_load(path.read_text()) == {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "db",
                "namespace": "default",
                "labels": {"l": "1"},
                "annotations": {"a": "1"},
            },
            "type": "Opaque",
            "data": {"password": "cA=="},
        }


@pytest.mark.parametrize("format_", list(Format))
async def test_a_later_run_knows_its_own_file_and_writes_nothing(world: World, format_: Format) -> None:
    await apply(world, world.cluster(format_=format_))
    files = world.output_files()

    cluster = world.cluster(format_=format_)
    assert await apply(world, cluster) is Action.UNCHANGED
    assert world.output_files() == files
    stored = await cluster.get_secret("default", "db")
    assert stored is not None
    assert (dict(stored.labels), dict(stored.annotations), stored.type) == ({"l": "1"}, {"a": "1"}, "Opaque")


async def test_permissions_are_tight_everywhere(world: World) -> None:
    await apply(world, world.cluster())
    world.close()

    assert set(modes(world.output).values()) == {"0o700", "0o600"}


async def test_another_format_takes_the_place_of_the_former_file(world: World) -> None:
    await apply(world, world.cluster(format_=Format.YAML))

    assert await apply(world, world.cluster(format_=Format.ENV)) is Action.UNCHANGED
    assert list(world.output_files()) == ["default/db.env"]
    assert await apply(world, world.cluster(format_=Format.JSON)) is Action.UNCHANGED
    assert list(world.output_files()) == ["default/db.json"]
    stored = await world.cluster(format_=Format.JSON).get_secret("default", "db")
    assert stored is not None
    assert dict(stored.labels) == {"l": "1"}


async def test_an_item_that_env_cannot_hold_leaves_the_former_file(world: World) -> None:
    cluster = world.cluster(format_=Format.ENV)
    await apply(world, cluster)

    with pytest.raises(ManifestError, match='item "with-dash"'):
        await apply(world, cluster, secret(**{"with-dash": "x"}))
    assert (world.output / "default" / "db.env").read_text() == 'password="p"\n'


async def test_a_run_that_was_killed_still_owns_its_files(world: World) -> None:
    cluster = world.cluster()
    await apply(world, cluster)
    cluster._tree.unlock()  # as the kernel does for a process that is gone
    assert not (world.output / ".sealbridge" / "state.json").exists()

    again = DirectoryCluster(world.source, world.output)
    assert await apply(world, again, secret(password="two")) is Action.UPDATED
    again.close()
    assert not (world.output / ".sealbridge" / "journal").exists()


async def test_what_a_killed_run_left_half_written_is_removed(world: World) -> None:
    cluster = world.cluster()
    await apply(world, cluster)
    cluster._tree.unlock()
    (world.output / "default" / ".sealbridge-0123456789ab").write_bytes(b"half of a secr")
    (world.output / "default" / ".theirs").write_bytes(b"")

    DirectoryCluster(world.source, world.output).close()

    assert sorted(path.name for path in (world.output / "default").iterdir()) == [".theirs", "db.yaml"]


async def test_a_journal_with_a_line_cut_short_is_believed_for_the_others(world: World) -> None:
    (world.output / ".sealbridge").mkdir(parents=True)
    (world.output / ".sealbridge" / "journal").write_bytes(b'["default/other",{"fi')
    cluster = world.cluster()
    (world.output / ".sealbridge" / "journal").write_bytes(b'["default/other",{"fi')
    await apply(world, cluster)
    cluster._tree.unlock()
    with (world.output / ".sealbridge" / "journal").open("ab") as journal:
        journal.write(b'["default/other",{"fi')

    again = DirectoryCluster(world.source, world.output)
    assert await apply(world, again) is Action.UNCHANGED
    again.close()


def test_a_source_that_is_not_there_makes_no_output(world: World) -> None:
    with pytest.raises(SealbridgeError, match="there is no such folder"):
        DirectoryCluster(world.source / "typo", world.output)
    assert not world.output.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "the state of this folder cannot be read"), ('{"version": 9}', "has version 9")],
)
def test_a_state_that_cannot_be_read_is_an_error_with_a_way_out(
    world: World, text: str, message: str
) -> None:
    (world.output / ".sealbridge").mkdir(parents=True)
    (world.output / ".sealbridge" / "state.json").write_text(text)

    with pytest.raises(ClusterError, match=message) as caught:
        world.cluster()
    assert caught.value.hint


async def test_the_state_holds_no_value(world: World, canary: Canary) -> None:
    canary.output(world.output / "default")
    for format_ in Format:
        await apply(world, world.cluster(format_=format_), secret(password=canary(f"in {format_.value}")))
        world.close()

    state = json.loads((world.output / ".sealbridge" / "state.json").read_text())
    assert "default/db" in state["targets"]


async def test_a_file_that_is_no_secret_is_left_alone(world: World) -> None:
    (world.output / "default").mkdir(parents=True)
    path = world.output / "default" / "db.yaml"
    path.write_text("kind: ConfigMap\n")

    with pytest.raises(ClusterError, match="something in the way that is no Secret"):
        await apply(world, world.cluster())
    assert path.read_text() == "kind: ConfigMap\n"


async def test_an_env_file_of_somebody_else_is_left_alone(world: World) -> None:
    (world.output / "default").mkdir(parents=True)
    path = world.output / "default" / "db.env"
    path.write_text('THEIRS="1"\n')

    with pytest.raises(NotOwned):
        await apply(world, world.cluster(format_=Format.ENV))
    assert path.read_text() == 'THEIRS="1"\n'


async def test_a_dry_run_reads_back_what_it_did_not_write(world: World) -> None:
    cluster = world.cluster(dry=True)

    assert await apply(world, cluster) is Action.CREATED
    assert await apply(world, cluster) is Action.UNCHANGED
    stored = await cluster.get_secret("default", "db")
    assert stored is not None
    world.close()
    assert not world.output.exists()


async def test_secrets_come_from_the_output_then_the_credentials_then_the_source(
    world: World, tmp_path: Path
) -> None:
    def manifest(token: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "db", "namespace": "default"},
            "stringData": {"token": token},
        }

    async def token(cluster: DirectoryCluster) -> bytes:
        found = await cluster.get_secret("default", "db")
        state = await cluster.target_state("default", "db")
        assert found is not None
        assert state is not None
        assert found.metadata["resourceVersion"] == state.resource_version
        return found.items["token"].reveal()

    credentials = tmp_path / "credentials"
    credentials.mkdir()
    world.write("plain.yaml", manifest("source"))
    assert await token(world.cluster(credentials=credentials)) == b"source"
    (credentials / "x.yaml").write_text(yaml.safe_dump(manifest("credentials")))
    cluster = world.cluster(credentials=credentials)
    assert await token(cluster) == b"credentials"
    await apply(world, cluster, secret(token="output"))
    assert await token(cluster) == b"output"


async def test_credentials_inside_the_source_are_no_manifests_of_it(world: World) -> None:
    world.write("credentials/bad.yaml", {"apiVersion": "v1", "kind": "Secret", "metadata": {}})

    cluster = world.cluster(credentials=world.source / "credentials")

    assert [problem.where for problem in cluster.problems] == ["bad.yaml: document 1, line 2"]


async def test_pruning_removes_what_lost_its_manifest_and_nothing_else(world: World) -> None:
    cluster = world.cluster()
    for name in ("kept", "gone", "edited"):
        await apply(world, cluster, secret(name))
    foreign = world.output / "default" / "foreign.yaml"
    foreign.write_text("kind: Secret\n")
    await cluster.create_secret(secret("unowned"))
    (world.source / "gone.yaml").unlink()
    (world.source / "edited.yaml").unlink()
    edited = world.output / "default" / "edited.yaml"
    edited.write_text(edited.read_text() + "# by hand\n")

    cluster = world.cluster()
    pruned = cluster.prune()

    assert [(each.target.name, each.removed) for each in pruned] == [("edited", False), ("gone", True)]
    assert sorted(path.name for path in (world.output / "default").iterdir()) == [
        "edited.yaml",
        "foreign.yaml",
        "kept.yaml",
        "unowned.yaml",
    ]
    assert [each.target.name for each in world.cluster().prune()] == ["edited"]


@pytest.mark.parametrize(
    "broken", ["kind: SealedSecret\nmetadata: [", None], ids=["a broken file", "nothing"]
)
async def test_nothing_is_pruned_when_the_source_cannot_tell(world: World, broken: str | None) -> None:
    await apply(world, world.cluster())
    (world.source / "db.yaml").unlink()
    if broken is not None:
        (world.source / "broken.yaml").write_text(broken)

    with pytest.raises(ClusterError, match="nothing is pruned"):
        world.cluster().prune()
    assert list(world.output_files()) == ["default/db.yaml"]


async def test_an_object_with_a_problem_keeps_its_secret(world: World) -> None:
    cluster = world.cluster()
    await apply(world, cluster)
    await apply(world, cluster, secret("other"))
    world.write("again.yaml", world.sealed("db", {"password": "p"}))

    assert world.cluster().prune() == []


async def test_a_dry_run_says_what_pruning_would_remove(world: World) -> None:
    cluster = world.cluster()
    await apply(world, cluster)
    await apply(world, cluster, secret("other"))
    (world.source / "db.yaml").unlink()

    pruned = world.cluster(dry=True).prune()

    assert [(each.target, each.removed) for each in pruned] == [(ObjectKey("Secret", "default", "db"), True)]
    assert (world.output / "default" / "db.yaml").exists()


async def test_the_status_of_what_is_gone_is_forgotten_and_of_a_broken_source_is_not(world: World) -> None:
    cluster = world.cluster()
    await owner(world, cluster)
    obj = await world.object(cluster, sealed_key("db"))
    await cluster.patch_status(SEALED_SECRET, obj, {"observedGeneration": 1})
    text = (world.source / "db.yaml").read_text()

    (world.source / "db.yaml").write_text("kind: SealedSecret\nmetadata: [")
    world.cluster()
    (world.source / "db.yaml").write_text(text)
    assert "status" in await world.object(world.cluster(), sealed_key("db"))

    (world.source / "db.yaml").unlink()
    world.cluster()
    (world.source / "db.yaml").write_text(text)
    assert "status" not in await world.object(world.cluster(), sealed_key("db"))


async def test_there_are_no_service_accounts(world: World) -> None:
    with pytest.raises(ClusterError, match="there is no service account") as caught:
        await world.cluster().service_account_token("default", "sa", audiences=["a"], expiration_seconds=600)
    assert not caught.value.retryable


async def test_two_at_once_are_kept_apart(world: World) -> None:
    world.cluster()

    with pytest.raises(ClusterError, match="another sealbridge is writing there"):
        DirectoryCluster(world.source, world.output)
