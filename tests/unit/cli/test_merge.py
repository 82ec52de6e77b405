from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sealbridge.sealing.scope import NAMESPACE_WIDE_ANNOTATION
from tests.sealing_keys import sealing_key
from tests.unit.cli.conftest import PLAIN, Run


@pytest.fixture
def sealed(run: Run, cert: str, tmp_path: Path) -> Path:
    path = tmp_path / "sealed.yaml"
    run("seal", "--cert", cert, "--scope", "namespace-wide", "-w", "sealed.yaml", stdin=PLAIN)
    path.write_text("# ours\n" + path.read_text().replace("    password:", "    # pw\n    password:"))
    return path


def items(run: Run, key: str, path: Path) -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load(run("unseal", "--key", key, "-f", str(path)).out)["data"]
    return found


def test_items_are_added_under_the_scope_of_the_file_which_keeps_its_comments(
    run: Run, cert: str, key: str, sealed: Path
) -> None:
    before = sealed.read_text()
    outcome = run("merge", "sealed.yaml", "--cert", cert, "--from-literal", "new=x")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "sealed 1, unchanged 0: sealed.yaml\n")
    assert items(run, key, sealed) == {"new": "eA==", "password": "Y29ycmVjdCBob3JzZQ=="}
    after = [line for line in sealed.read_text().splitlines() if not line.startswith("    new:")]
    assert after == before.splitlines()
    assert NAMESPACE_WIDE_ANNOTATION in before


@pytest.mark.parametrize("way", ["record", "key"])
def test_items_with_the_same_value_stay_as_they_are(
    run: Run, cert: str, key: str, sealed: Path, way: str
) -> None:
    before = sealed.read_bytes()
    options = ["--no-cache", "--key", key] if way == "key" else []
    outcome = run(
        "merge", "sealed.yaml", "--cert", cert, *options, "--from-literal", "password=correct horse"
    )
    assert outcome.err == "sealed 0, unchanged 1: sealed.yaml\n"
    assert sealed.read_bytes() == before
    assert run("merge", "sealed.yaml", "--cert", cert, "--from-literal", "password=new").code == 0
    assert items(run, key, sealed) == {"password": "bmV3"}


def test_labels_and_annotations_go_to_the_template_and_names_do_not_count(
    run: Run, cert: str, key: str, sealed: Path
) -> None:
    other = PLAIN.replace("name: db", "name: any\n  labels: {app: x}\n  annotations: {a: b}").replace(
        "namespace: shop", "namespace: elsewhere"
    )
    outcome = run("merge", "sealed.yaml", "--cert", cert, stdin=other.replace("password", "extra"))
    assert outcome.code == 0
    assert outcome.err.startswith("the name of the Secret, any, does not count")
    obj = yaml.safe_load(sealed.read_text())
    assert (obj["metadata"]["name"], obj["metadata"]["namespace"]) == ("db", "shop")
    assert obj["spec"]["template"]["metadata"]["labels"] == {"app": "x"}
    assert obj["spec"]["template"]["metadata"]["annotations"] == {NAMESPACE_WIDE_ANNOTATION: "true", "a": "b"}
    assert set(items(run, key, sealed)) == {"extra", "password"}


def test_json_stays_json_and_another_file_can_be_written(run: Run, cert: str, tmp_path: Path) -> None:
    run("seal", "--cert", cert, "-w", "s.json", stdin=PLAIN)
    before = (tmp_path / "s.json").read_text()
    assert run("merge", "s.json", "--cert", cert, "-w", "other", "--from-literal", "a=b").code == 0
    assert (tmp_path / "s.json").read_text() == before
    assert (tmp_path / "other").read_text().startswith('{\n  "kind": "SealedSecret"')


def test_of_several_the_one_named_is_meant(run: Run, cert: str, key: str, tmp_path: Path) -> None:
    two = PLAIN + "---\n" + PLAIN.replace("name: db", "name: web")
    run("seal", "--cert", cert, "-w", "two.yaml", stdin=two)
    assert run("merge", "two.yaml", "--cert", cert, "--name", "web", "--from-literal", "a=b").code == 0
    assert run("merge", "two.yaml", "--cert", cert, stdin=two.replace("password", "both")).code == 0
    first, second = yaml.safe_load_all(run("unseal", "--key", key, "-f", "two.yaml").out)
    assert (list(first["data"]), list(second["data"])) == (["both", "password"], ["a", "both", "password"])
    ambiguous = run("merge", "two.yaml", "--cert", cert, "--from-literal", "a=b")
    assert ambiguous.code == 1
    assert "2 of the 2 SealedSecrets in it can be meant" in ambiguous.err
    assert (
        "none of the 2"
        in run("merge", "two.yaml", "--cert", cert, "--name", "x", "--from-literal", "a=b").err
    )


@pytest.mark.parametrize(
    ("target", "options", "error"),
    [
        (None, [], "sealed.yaml: cannot read it: no such file or directory"),
        ("", [], "there is no SealedSecret in it"),
        (PLAIN, [], "there is no SealedSecret in it"),
        (
            "kind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata: {name: a}\n",
            [],
            "spec is missing",
        ),
        ("a: 1\na: 2\n", [], "the key 'a' is there twice"),
        (
            SEALED := "kind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata: {name: a}\nspec: {}\n",
            [],
            "the SealedSecret has no namespace",
        ),
        (SEALED.replace("a}", "a, namespace: b}"), ["--from-literal", "a/b=c"], "'a/b' is not an item key"),
        (
            SEALED.replace("a}", "a, namespace: b}") + "# k: old\n",
            ["--from-literal", "k=c"],
            "a comment holds",
        ),
        (SEALED, ["-f", "x"], "items are given and files as well"),
    ],
)
def test_what_cannot_be_merged_is_said_and_the_file_stays(
    run: Run, cert: str, tmp_path: Path, target: str | None, options: list[str], error: str
) -> None:
    path = tmp_path / "sealed.yaml"
    if target is not None:
        path.write_text(target)
    literal = [] if "--from-literal" in options else ["--from-literal", "a=hunter2"]
    outcome = run("merge", "sealed.yaml", "--cert", cert, *literal, *options)
    assert outcome.code in (1, 2)
    assert error in outcome.err
    assert "hunter2" not in outcome.err
    assert target is None or path.read_text() == target


def test_a_target_without_maps_gets_them(run: Run, cert: str, tmp_path: Path) -> None:
    for spec in ("{}", "{encryptedData: null, template: null}", "{template: {metadata: null}}"):
        path = tmp_path / "s.yaml"
        path.write_text(
            "kind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata:\n  name: db\n  namespace: shop\n"
            f"  creationTimestamp: null\nspec: {spec}\nstatus: {{}}\n"
        )
        labelled = PLAIN.replace("name: db", "name: db\n  labels: {a: b}")
        outcome = run("merge", "s.yaml", "--cert", cert, stdin=labelled)
        assert outcome.code == 0, outcome.err
        assert list(yaml.safe_load(path.read_text())["spec"]["encryptedData"]) == ["password"]


def test_the_hint_names_a_key_only_when_it_has_sealed_all_items(
    run: Run, cert: str, sealed: Path, tmp_path: Path
) -> None:
    # Whoever seals anew for a new key passes over what is said to be sealed for it.
    new = tmp_path / "new.pem"
    new.write_bytes(sealing_key(1).certificate.pem)
    old_hint, new_hint = sealing_key().fingerprint, sealing_key(1).fingerprint
    assert old_hint in sealed.read_text()
    assert run("merge", "sealed.yaml", "--cert", str(new), "--from-literal", "more=x").code == 0
    assert old_hint not in sealed.read_text()
    assert new_hint not in sealed.read_text()
    both = ["--from-literal", "more=x", "--from-literal", "password=y"]
    assert run("merge", "sealed.yaml", "--cert", str(new), *both).code == 0
    assert new_hint in sealed.read_text()
    target = ["kubeseal", "--merge-into", "sealed.yaml", "-o", "yaml"]
    assert run(*target, "--cert", str(new), stdin=PLAIN).code == 0
    assert new_hint in sealed.read_text()
    assert run(*target, "--cert", cert, stdin=PLAIN).code == 0
    assert new_hint not in sealed.read_text()
