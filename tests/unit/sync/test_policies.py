"""Which policies of a target go together: what the admission webhook of External Secrets Operator denies."""

from __future__ import annotations

from typing import Any

import pytest

from sealbridge.errors import ManifestError
from sealbridge.sync.model import CreationPolicy, DeletionPolicy, parse

DATA = [{"secretKey": "k", "remoteRef": {"key": "a"}}]
DENIED = {("Delete", "Merge"), ("Delete", "CreateOrMerge"), ("Delete", "None"), ("Merge", "None")}


def manifest(target: dict[str, Any], data: list[Any] = DATA) -> dict[str, Any]:
    spec = {"secretStoreRef": {"name": "s"}, "data": data, "target": target}
    return {"apiVersion": "external-secrets.io/v1", "metadata": {"name": "es"}, "spec": spec}


@pytest.mark.parametrize("creation", [policy.value for policy in CreationPolicy])
@pytest.mark.parametrize("deletion", [policy.value for policy in DeletionPolicy])
def test_what_is_not_ours_is_neither_deleted_nor_merged_into_nothing(deletion: str, creation: str) -> None:
    target = {"creationPolicy": creation, "deletionPolicy": deletion}
    if (deletion, creation) in DENIED:
        with pytest.raises(ManifestError) as caught:
            parse(manifest(target))
        told = f"spec.target.deletionPolicy {deletion} must not be used with creationPolicy {creation}: "
        assert caught.value.what.startswith(told)
        assert caught.value.hint
    else:
        spec = parse(manifest(target)).spec
        assert (spec.target.creation_policy.value, spec.target.deletion_policy.value) == (creation, deletion)


@pytest.mark.parametrize(("deletion", "denied"), [("Retain", True), ("Delete", False), ("Merge", False)])
def test_a_key_is_given_twice_only_where_an_entry_may_be_missing(deletion: str, denied: bool) -> None:
    twice = manifest({"deletionPolicy": deletion}, DATA + DATA)
    if denied:
        with pytest.raises(ManifestError, match=r"is that of spec\.data"):
            parse(twice)
    else:
        assert len(parse(twice).spec.data) == 2


@pytest.mark.parametrize("field", ["creationPolicy", "deletionPolicy"])
def test_other_policies_are_refused_by_their_field(field: str) -> None:
    with pytest.raises(ManifestError, match=f"spec.target.{field}: invalid enum value 'Keep'"):
        parse(manifest({field: "Keep"}))
