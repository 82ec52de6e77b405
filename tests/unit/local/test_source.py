"""What is read of a source folder and what is told to be wrong with it."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from sealbridge.errors import SealbridgeError
from sealbridge.local.source import Contents, SourceTree, uid_of
from sealbridge.reconcile.kinds import ObjectKey
from tests.worlds import external_secret, fake_store

SEALED = """\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: NAME}
spec: {encryptedData: {}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    return tmp_path / "src"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def sealed(name: str, namespace: str = "") -> str:
    return SEALED.replace("NAME", name + (f", namespace: {namespace}" if namespace else ""))


def read(root: Path, *exclude: Path) -> Contents:
    return SourceTree(root, namespace="default", exclude=exclude).read()


def names(contents: Contents) -> list[str]:
    return sorted(str(key) for key in contents.objects)


def test_every_manifest_of_ours_is_found_wherever_it_stands(root: Path) -> None:
    write(root / "a.yaml", sealed("one") + "---\n" + sealed("two", "app"))
    write(root / "deep" / "er" / "b.yml", sealed("three"))
    items = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [fake_store("s", {}), fake_store("c", {}, kind="ClusterSecretStore")],
    }
    write(root / "list.json", json.dumps(items))

    assert names(read(root)) == [
        "ClusterSecretStore c",
        "SealedSecret app/two",
        "SealedSecret default/one",
        "SealedSecret default/three",
        "SecretStore default/s",
    ]
    assert not read(root).problems


@pytest.mark.parametrize(
    "text",
    [
        "kind: Deployment\napiVersion: apps/v1\nspec: {{ .Values.broken }}\n",
        "{{- if .Values.x }}\nnothing of ours\n",
        "apiVersion: example.com/v1\nkind: SealedSecret\nmetadata: {name: theirs}\n",
        "apiVersion: example.com/v1\nkind: Secret\nmetadata: {}\n",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nsecrets: [{name: Secret}]\n",
        "apiVersion: v1\nkind: [Secret]\nmetadata: {name: a}\n",
        "",
    ],
)
def test_what_is_not_ours_is_ignored(root: Path, text: str) -> None:
    write(root / "other.yaml", text)
    write(root / "notes.txt", "kind: SealedSecret: [")
    write(root / ".git" / "x.yaml", "kind: SealedSecret: [")
    write(root / "a" / ".hidden.yaml", "kind: SealedSecret: [")

    assert read(root) == Contents({}, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: SealedSecret\nmetadata: [", "not valid YAML"),
        ("kind: Secret\nkind: Secret\n", "kind"),
        (
            "apiVersion: bitnami.com/v2\nkind: SealedSecret\nmetadata: {name: a}\n",
            "there is no SealedSecret in",
        ),
        ("kind: SealedSecret\nmetadata: {name: a}\n", "apiVersion is missing"),
        ("apiVersion: 1\nkind: SealedSecret\nmetadata: {name: a}\n", "apiVersion must be a string"),
        ("apiVersion: v1\nkind: Secret\nmetadata: text\n", "metadata must be a mapping"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {}\n", "metadata.name is missing"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: 17}\n", "metadata.name must be a string"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a, labels: {b: 1}}\n", "metadata.labels must map"),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a, annotations: [b]}\n",
            "metadata.annotations must",
        ),
    ],
)
def test_what_is_broken_is_told_with_its_place_and_the_others_go_on(
    root: Path, text: str, message: str
) -> None:
    write(root / "bad.yaml", text)
    write(root / "good.yaml", sealed("good"))

    contents = read(root)

    assert names(contents) == ["SealedSecret default/good"]
    (problem,) = contents.problems
    assert problem.where.startswith("bad.yaml")
    assert message in problem.error.what


def test_a_pipe_is_told_and_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "a.yaml")

    assert [(p.where, p.error.what) for p in read(root).problems] == [("a.yaml", "not a plain file")]


def test_a_file_is_not_read_beyond_what_a_manifest_may_be(root: Path) -> None:
    write(root / "a.yaml", sealed("a"))
    os.truncate(root / "a.yaml", 2**36)
    try:
        assert ["it is larger than" in p.error.what for p in read(root).problems] == [True]
    finally:
        (root / "a.yaml").unlink()  # the search for leaked values reads every file as a whole


def test_a_folder_that_cannot_be_listed_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root / "shut" / "a.yaml", sealed("a"))
    write(root / "b.yaml", sealed("b"))
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if Path(path).name == "shut":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    # The tests may run as root, whom no mode of a folder keeps out.
    monkeypatch.setattr(os, "scandir", refuse)
    contents = read(root)

    assert names(contents) == ["SealedSecret default/b"]
    assert [(p.where, p.error.what) for p in contents.problems] == [
        ("shut", "cannot read it: permission denied")
    ]
    assert not contents.complete


@pytest.mark.parametrize(
    ("metadata", "complete"),
    [
        ("{nmae: a}", False),
        ("{name: 17}", False),
        ("{name: a, namespace: 1}", False),
        ("{name: a, labels: 1}", True),
    ],
)
def test_a_document_that_does_not_say_which_object_it_is_may_be_any(
    root: Path, metadata: str, complete: bool
) -> None:
    write(root / "a.yaml", f"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {metadata}\n")

    contents = read(root)

    assert len(contents.problems) == 1
    assert contents.complete is complete


def test_a_file_that_is_not_utf_8_is_told(root: Path) -> None:
    (root / "a.yaml").write_bytes(sealed("a").encode("utf-16"))
    (root / "b.yaml").write_bytes(b"kind: Secret # \xff\n")

    assert [problem.error.what for problem in read(root).problems] == [
        "it is UTF-16, not UTF-8",
        "it is not UTF-8",
    ]


def test_an_object_that_is_there_twice_is_told_with_both_files(root: Path) -> None:
    write(root / "a.yaml", sealed("db"))
    write(root / "b.yaml", sealed("db", "default"))

    contents = read(root)

    assert not contents.objects
    (problem,) = contents.problems
    assert problem.key == ObjectKey("SealedSecret", "default", "db")
    assert "a.yaml" in problem.error.what
    assert "b.yaml" in problem.error.what


def test_two_objects_that_make_one_secret_are_told_with_both_files(root: Path) -> None:
    write(root / "a.yaml", sealed("db"))
    write(root / "b.json", json.dumps(external_secret("other", {"a": "b"}, target={"name": "db"})))
    write(root / "c.yaml", sealed("db", "app"))

    contents = read(root)

    assert names(contents) == ["SealedSecret app/db"]
    assert {problem.key for problem in contents.problems} == {
        ObjectKey("SealedSecret", "default", "db"),
        ObjectKey("ExternalSecret", "default", "other"),
    }
    for problem in contents.problems:
        assert problem.error.what.startswith("Secret default/db is made by more than one object")
        assert "a.yaml" in problem.error.what
        assert "b.json" in problem.error.what


def test_links_are_followed_inside_the_tree_and_not_out_of_it(root: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "x.yaml", sealed("outside"))
    (root / "x.yaml").symlink_to(outside)
    (root / "folder").symlink_to(outside.parent)
    # As a ConfigMap is mounted.
    write(root / "..2026" / "inside.yaml", sealed("inside"))
    (root / "..data").symlink_to("..2026")
    (root / "inside.yaml").symlink_to("..data/inside.yaml")
    (root / "again.yaml").symlink_to("inside.yaml")
    (root / "broken.yaml").symlink_to("nowhere.yaml")

    contents = read(root)

    assert names(contents) == ["SealedSecret default/inside"]
    assert not contents.problems


def test_folders_of_others_are_left_out(root: Path) -> None:
    write(root / "out" / "default" / "db.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n")
    write(root / "a.yaml", sealed("a"))

    assert names(read(root, root / "out")) == ["SealedSecret default/a"]


def test_uids_and_generations_are_the_same_in_every_run_and_follow_the_content(root: Path) -> None:
    write(root / "a.yaml", sealed("a"))
    (first,) = read(root).objects.values()
    write(root / "a.yaml", "# moved\n\n" + sealed("a").replace("{name: a}", "{name: a, labels: {x: z}}"))
    (second,) = read(root).objects.values()
    write(root / "a.yaml", sealed("a").replace("{encryptedData: {}}", "{encryptedData: {k: v}}"))
    (third,) = read(root).objects.values()

    def of(each: object, field: str) -> object:
        return each.obj["metadata"][field]  # type: ignore[attr-defined]

    assert of(first, "uid") == of(second, "uid") == of(third, "uid") == uid_of(first.key)
    assert of(first, "generation") == of(second, "generation") != of(third, "generation")
    assert len({of(each, "resourceVersion") for each in (first, second, third)}) == 3


def test_a_status_in_a_file_is_not_believed(root: Path) -> None:
    write(root / "a.yaml", sealed("a") + "status: {observedGeneration: 1}\n")
    (found,) = read(root).objects.values()
    assert "status" not in found.obj


def test_the_stamp_changes_with_the_files(root: Path) -> None:
    tree = SourceTree(root, namespace="default")
    stamps = [tree.stamp()]
    write(root / "a.yaml", sealed("a"))
    stamps.append(tree.stamp())
    write(root / "a.yaml", sealed("ab"))
    stamps.append(tree.stamp())
    (root / "a.yaml").unlink()
    write(root / "notes.txt", "")

    assert len(set(stamps)) == 3
    assert tree.stamp() == stamps[0]


def test_a_source_that_is_not_there_is_an_error(root: Path) -> None:
    with pytest.raises(SealbridgeError, match="there is no such folder"):
        read(root / "nowhere")
