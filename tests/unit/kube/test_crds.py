"""The CRDs below crds/ are those that the models make, and keep to the rules of the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import inspect

from sealbridge.kube import crds, fields
from sealbridge.stores.registry import OTHER_PROVIDERS, PROVIDERS

FOLDER = Path(__file__).resolve().parents[3] / "crds"


def parts(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from parts(inner, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from parts(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from parts(schema["additionalProperties"], f"{path}{{}}")


def schemas() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{name}/{version['name']}", version["schema"]["openAPIV3Schema"])
        for name, definition in crds.definitions().items()
        for version in definition["spec"]["versions"]
    ]


def written(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_the_files_are_not_stale() -> None:
    assert written(FOLDER) == crds.files(), "run: python -m sealbridge.kube.crds --write crds"


def test_writing_replaces_what_is_there_and_removes_what_is_no_more(tmp_path: Path) -> None:
    (tmp_path / "cel").mkdir()
    for name in ("old.yaml", "cel/old.yaml"):
        (tmp_path / name).write_text("gone: true")
    (tmp_path / "sealedsecrets.bitnami.com.yaml").write_text("old")

    assert crds.main(["--write", str(tmp_path)]) == 0

    assert written(tmp_path) == crds.files()


@pytest.mark.parametrize(("name", "schema"), schemas())
def test_an_object_names_its_fields_or_keeps_what_is_in_it(name: str, schema: dict[str, Any]) -> None:
    for path, part in parts(schema):
        if path.startswith((".spec", ".status")) and part.get("type") == "object":
            kept = part.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in part
            assert kept or part.get("properties"), f"{name}{path}"


@pytest.mark.parametrize("kind", ["externalsecrets", "secretstores", "clustersecretstores", "passwords"])
def test_every_object_of_a_spec_is_explained_by_old_api_servers_too(kind: str) -> None:
    """They tell nothing below an object that keeps unknown fields.

    A selector of namespaces keeps them: without a mistyped field it would let more in than it should.
    """
    for name, schema in schemas():
        if name.startswith(f"{kind}."):
            for path, part in parts(schema["properties"]["spec"]):
                assert "namespaceSelector" in path or not (
                    part.get("properties") and "x-kubernetes-preserve-unknown-fields" in part
                ), path


@pytest.mark.parametrize(("name", "schema"), schemas())
def test_every_field_has_a_description(name: str, schema: dict[str, Any]) -> None:
    for path, part in parts(schema):
        # Of entries the list tells; an API server takes no description of an object's own metadata.
        if path != ".metadata" and not path.endswith(("[]", "{}")):
            assert part.get("description"), f"{name}{path}"


def test_every_description_is_of_a_field_that_is_there() -> None:
    for model, described in fields.FIELDS.items():
        there = {field.encode_name for field in inspect.type_info(model).fields}  # type: ignore[attr-defined]
        assert described.keys() <= there, model


@pytest.mark.parametrize("store", ["secretstores", "clustersecretstores"])
def test_a_provider_that_is_not_supported_keeps_its_configuration(store: str) -> None:
    for version in crds.definitions()[f"{store}.external-secrets.io"]["spec"]["versions"]:
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        providers = spec["properties"]["provider"]["properties"]
        assert set(PROVIDERS) | set(OTHER_PROVIDERS) == providers.keys()
        for name in set(OTHER_PROVIDERS) - set(PROVIDERS):
            assert providers[name]["x-kubernetes-preserve-unknown-fields"]


@pytest.mark.parametrize(("name", "schema"), schemas())
def test_every_part_is_structural_and_needs_no_cel(name: str, schema: dict[str, Any]) -> None:
    for path, part in parts(schema):
        typed = (
            "type" in part
            or part.get("x-kubernetes-int-or-string")
            or part.get("x-kubernetes-preserve-unknown-fields")
        )
        assert typed, f"{name}{path}"
        assert "x-kubernetes-validations" not in part


@pytest.mark.parametrize(("name", "schema"), schemas())
def test_no_default_is_put_into_a_list(name: str, schema: dict[str, Any]) -> None:
    """A GitOps tool compares a list as a whole and would see a default in it as drift."""
    defaults = [path for path, part in parts(schema) if "default" in part]
    assert not [path for path in defaults if "[]" in path], name


def test_one_version_is_stored_and_both_are_served() -> None:
    versions = crds.definitions()["externalsecrets.external-secrets.io"]["spec"]["versions"]
    assert [(version["name"], version["served"], version["storage"]) for version in versions] == [
        ("v1", True, True),
        ("v1beta1", True, False),
    ]


@pytest.mark.parametrize(
    ("name", "short", "scope"),
    [
        ("externalsecrets.external-secrets.io", ["es"], "Namespaced"),
        ("secretstores.external-secrets.io", ["ss"], "Namespaced"),
        ("clustersecretstores.external-secrets.io", ["css"], "Cluster"),
        ("sealedsecrets.bitnami.com", None, "Namespaced"),
    ],
)
def test_names_are_those_that_people_type(name: str, short: list[str] | None, scope: str) -> None:
    spec = crds.definitions()[name]["spec"]
    assert spec["names"].get("shortNames") == short
    assert spec["scope"] == scope


def test_the_defaults_of_an_external_secret_are_those_of_upstream() -> None:
    spec = crds.external_secret_spec()["properties"]
    assert spec["refreshInterval"]["default"] == "1h0m0s"
    assert spec["target"]["default"] == {"creationPolicy": "Owner", "deletionPolicy": "Retain"}
