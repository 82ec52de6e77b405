"""`sealbridge render` over a folder, in this process: what it prints and its exit code."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sealbridge.manifests import dump_yaml
from sealbridge.reconcile.kinds import Object
from sealbridge.sealing.keys import SealingKey
from sealbridge_cli.main import main
from tests.canary import Canary
from tests.passes import Operator
from tests.worlds import START, World, external_secret, fake_store


class Printed(NamedTuple):
    code: int
    out: str
    err: str


Render = Callable[..., Printed]


@pytest.fixture(scope="module")
def key() -> SealingKey:
    return SealingKey.generate(at=START, bits=2048)


@pytest.fixture
def world(tmp_path: Path, key: SealingKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path, key)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    yield made
    made.close()


@pytest.fixture
def render(
    world: World, canary: Canary, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Render:
    """Everything that it prints is searched for values."""

    def run(*arguments: str, folder: bool = True, stdin: str = "") -> Printed:
        path = world.source.parent / "stdin"
        path.write_text(stdin)
        canary.output(path)
        capfd.readouterr()
        with path.open() as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            code = main(["render", *(["--store-from", "source"] if folder else []), *arguments])
        printed = capfd.readouterr()
        canary.seen(printed.out, "stdout of render")
        canary.seen(printed.err, "stderr of render")
        return Printed(code, printed.out, printed.err)

    return run


def write(world: World, name: str, *documents: Object) -> str:
    """A file beside the source."""
    path = world.source.parent / name
    path.write_text(dump_yaml(documents))
    return str(path)


def synced(world: World) -> None:
    asyncio.run(Operator(world).reconcile())
    world.close()


def test_the_plan_is_by_key_and_shows_no_value(world: World, render: Render, canary: Canary) -> None:
    canary.output(world.source)
    canary.output(world.output / "default")
    values = {key: canary(f"value {key}") for key in ("a", "b", "c", "d")}
    world.write("store.yaml", fake_store("fake", values))
    world.write("db.yaml", external_secret("db", {"A": "a", "B": "b", "C": "c"}))
    synced(world)
    world.write("store.yaml", fake_store("fake", {**values, "b": canary("another value")}))
    app = write(world, "app.yaml", external_secret("db", {"A": "a", "B": "b", "D": "d"}))

    code, out, err = render("-f", app, "--against", "output")

    assert (code, err) == (0, "")
    assert out == (
        "ExternalSecret default/db: Secret default/db would be updated\n"
        "  = data A  ********\n"
        "  ~ data B  ********\n"
        "  - data C  ********\n"
        "  + data D  ********\n"
    )


def test_lengths_of_values_make_no_difference_to_what_is_printed(world: World, render: Render) -> None:
    app = write(world, "app.yaml", external_secret("db", {"A": "a"}))
    printed = set()
    for value in ("", "x", "x" * 5000):
        world.write("store.yaml", fake_store("fake", {"a": value}))
        printed.add((render("-f", app).out, render("-f", app, "-o", "json").out))

    assert len(printed) == 1


def test_json_says_the_same_for_programs(world: World, render: Render, canary: Canary) -> None:
    canary.output(world.source)
    world.write("store.yaml", fake_store("fake", {"a": canary("in JSON")}))
    template = {"data": {"x": "{{ .A }}"}, "metadata": {"labels": {"l": "{{ .A }}"}}}
    app = write(
        world,
        "app.yaml",
        external_secret("db", {"A": "a"}, target={"template": template}),
        external_secret("gone", {"A": "nope"}),
    )

    code, out, _ = render("-f", app, "-o", "json")

    assert code == 1
    document = json.loads(out)
    assert (document["ok"], document["differs"]) == (False, True)
    first, second = document["externalSecrets"]
    assert first["data"] == [{"key": "x", "change": "added"}]
    assert {"key": "l", "change": "added"} in first["labels"]
    assert first["fields"]["type"] == {"before": None, "after": "Opaque"}
    assert second["result"] == "failed"
    assert second["error"]["class"] == "SyncError"
    assert "data[0] (secretKey A)" in second["error"]["what"]
    assert "(NotFound)" in second["error"]["what"]


def test_stdin_brings_stores_and_their_secrets_along(world: World, render: Render) -> None:
    documents = [fake_store("fake", {"a": "one"}), external_secret("db", {"A": "a"})]

    code, out, _ = render("-f", "-", stdin=dump_yaml(documents))

    assert code == 0
    assert "+ data A" in out


def test_a_document_of_the_file_stands_for_that_of_the_folder(world: World, render: Render) -> None:
    world.write("store.yaml", fake_store("fake", {"old": "one"}))
    app = write(world, "app.yaml", fake_store("fake", {"new": "one"}), external_secret("db", {"A": "new"}))

    assert render("-f", app).code == 0


def test_one_bad_document_stops_no_other(world: World, render: Render) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    unnamed = external_secret("x", {"A": "a"})
    del unnamed["metadata"]["name"]
    strange = external_secret("strange", {"A": "a"}, target={"creationPolicy": "Sometimes"})
    old = external_secret("old", {"A": "a"})
    old["apiVersion"] = "external-secrets.io/v1alpha1"
    good = external_secret("good", {"A": "a"})
    app = write(world, "app.yaml", unnamed, strange, old, good, external_secret("good", {"B": "a"}))
    broken = world.source.parent / "broken.yaml"
    broken.write_text("a: [\n")

    code, out, err = render("-f", str(broken), app)

    assert code == 1
    assert "ExternalSecret default/good: Secret default/good would be created\n  + type" in out
    assert out.count("cannot be rendered") == 3
    for words in (
        "metadata.name is missing",
        "creationPolicy",
        "there is no ExternalSecret in",
        "broken.yaml",
    ):
        assert words in err
    assert "it is there more than once" in err


def test_kinds_that_do_not_count_are_named(world: World, render: Render) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    sealed = world.sealed("s", {"k": "v"})
    fan = {"apiVersion": "external-secrets.io/v1", "kind": "ClusterExternalSecret", "metadata": {"name": "c"}}
    other = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
    app = write(world, "app.yaml", sealed, fan, fan, other, external_secret("db", {"A": "a"}))

    code, out, err = render("-f", app)

    assert code == 0
    assert out.count("ExternalSecret default/") == 1
    assert err == "not looked at in the files: 2 ClusterExternalSecret, 1 SealedSecret\n"


def test_two_that_make_one_secret_are_told(world: World, render: Render) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    target: dict[str, Any] = {"target": {"name": "same"}}
    app = write(world, "app.yaml", *(external_secret(name, {"A": "a"}, **target) for name in ("x", "y")))

    code, _, err = render("-f", app)

    assert code == 1
    assert "is made by more than one object" in err


def test_the_exit_code_tells_of_differences_when_asked(world: World, render: Render) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    world.write("db.yaml", external_secret("db", {"A": "a"}))
    synced(world)
    arguments = ("-f", "source/db.yaml", "--against", "output")

    assert render(*arguments, "--exit-code").code == 0
    world.write("store.yaml", fake_store("fake", {"a": "two"}))
    assert render(*arguments).code == 0
    assert render(*arguments, "--exit-code").code == 3
    world.write("store.yaml", fake_store("fake", {"b": "two"}))
    assert render(*arguments, "--exit-code").code == 1


def test_nothing_is_written(world: World, render: Render) -> None:
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    world.write("db.yaml", external_secret("db", {"A": "a"}))
    synced(world)
    world.write("store.yaml", fake_store("fake", {"a": "two"}))

    def files() -> dict[str, tuple[int, bytes]]:
        parent = world.source.parent
        found = (path for path in parent.rglob("*") if path.is_file() and path.name != "stdin")
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}

    before = files()
    assert render("-f", "source/db.yaml", "--against", "output").code == 0
    assert files() == before


USAGE: dict[str, tuple[list[str], str]] = {
    "revealing into a pipe": (["--store-from", "source", "--reveal"], "stdout is no terminal"),
    "a kubeconfig for a folder": (["--store-from", "source", "--kubeconfig", "x"], "--kubeconfig is for"),
    "networks for a folder": (
        ["--store-from", "source", "--store-allowed-networks", "127.0.0.1"],
        "--store-allowed-networks is for",
    ),
    "an output to compare with for a cluster": (["--against", "output"], "--against is for"),
    "credentials for a cluster": (["--secrets", "output"], "--secrets is for"),
    "no network": (["--store-allowed-networks", "x"], "is not a network"),
    "no cluster": ([], "no Kubernetes API server is configured"),
}


@pytest.mark.parametrize(("arguments", "words"), USAGE.values(), ids=USAGE)
def test_what_makes_no_sense_is_refused(
    world: World, render: Render, arguments: list[str], words: str
) -> None:
    app = write(world, "app.yaml", external_secret("db", {"A": "a"}))

    code, out, err = render("-f", app, *arguments, folder=False)

    assert (code, out) == (2, "")
    assert words in err
    assert "--server" not in err


def test_a_folder_that_is_not_there_is_named(world: World, render: Render) -> None:
    app = write(world, "app.yaml", external_secret("db", {"A": "a"}))

    code, _, err = render("-f", app, "--store-from", "nowhere", folder=False)

    assert code == 1
    assert "nowhere: there is no such folder" in err


def test_a_file_without_an_external_secret_is_an_error(world: World, render: Render) -> None:
    app = write(world, "app.yaml", fake_store("fake", {}))

    code, _, err = render("-f", app)

    assert code == 1
    assert "there is no ExternalSecret in it" in err


_WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from sealbridge_cli.main import main
sys.exit(main({arguments!r}))
"""


def without(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = _WITHOUT.format(package=package, arguments=["render", *arguments])
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("package", ["aiohttp", "kubernetes"])
def test_asking_a_cluster_names_the_extra_that_is_missing(world: World, package: str) -> None:
    app = write(world, "app.yaml", external_secret("db", {"A": "a"}))
    context = {"name": "c", "context": {"cluster": "c"}}
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [context]}
    path = write(world, "config", {**config, "clusters": [cluster]})

    done = without(package, "-f", app, "--kubeconfig", path)

    assert (done.returncode, done.stdout) == (2, "")
    assert package in done.stderr
    assert "pip install 'sealbridge[cluster]'" in done.stderr


@pytest.mark.parametrize("package", ["aiohttp", "kubernetes", "kopf", "hvac"])
def test_a_folder_needs_no_extra(world: World, package: str) -> None:
    app = write(world, "app.yaml", fake_store("fake", {"a": "x"}), external_secret("db", {"A": "a"}))

    done = without(package, "-f", app, "--store-from", str(world.source))

    assert (done.returncode, done.stderr) == (0, "")


def test_text_of_a_manifest_cannot_steer_the_terminal(world: World, render: Render) -> None:
    template = {"metadata": {"labels": {"\x1b[2Jlabel": "x"}}, "data": {"k": "v"}}
    world.write("store.yaml", fake_store("fake", {"a": "one"}))
    app = write(world, "app.yaml", external_secret("db", {"A": "a"}, target={"template": template}))

    assert "\x1b" not in "".join(map(str, render("-f", app)))
