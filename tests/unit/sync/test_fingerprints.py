"""The hashes of External Secrets Operator."""

from __future__ import annotations

import hashlib

from sealbridge.secret import Value
from sealbridge.sync.fingerprints import created_by, data_hash, field_manager, resource_version


def sha3(text: str) -> str:
    return hashlib.sha3_224(text.encode()).hexdigest()


def test_the_hash_of_data_is_that_of_upstream() -> None:
    expected = "03a707af0159f9cbff01ece86d3f85a3d7c3a11b512f5e7fc90bd042"
    assert data_hash({"targetProperty": Value(b"someValue")}) == expected


def test_the_hash_of_data_is_that_of_gos_map_sorted_by_key() -> None:
    assert data_hash({"b": Value(b"\x00\xff"), "a": Value(b"")}) == sha3("map[a:[] b:[0 255]]")
    assert data_hash({}) == sha3("map[]")


def test_the_resource_version_follows_generation_labels_and_annotations() -> None:
    version = resource_version(3, {"b": "2", "a": "1"}, {"x": "y z"})
    assert version == "3-" + sha3("{annotations:map[x:y z] labels:map[a:1 b:2]}")
    assert resource_version(0, {}, {}) == "0-" + sha3("{annotations:map[] labels:map[]}")


def test_the_creator_is_hashed_from_namespace_and_name() -> None:
    assert created_by("ns", "name") == sha3("ns/name")


def test_a_long_name_is_hashed_in_the_field_manager() -> None:
    prefix = "externalsecrets.external-secrets.io/"
    assert field_manager("n" * 27) == prefix + "n" * 27
    assert field_manager("n" * 28) == prefix + "sha3/" + sha3("n" * 28)
