"""PushSecrets as people write them: read strictly, and made into single pushes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from sealbridge.errors import ManifestError
from sealbridge.secret import Secret, Value
from sealbridge.stores.base import Target
from sealbridge.sync.push_secret import PushDeletionPolicy, UpdatePolicy, parse
from sealbridge.sync.pushing import entries

API = "external-secrets.io/v1alpha1"
METADATA = {"apiVersion": f"kubernetes.{API}", "kind": "PushSecretMetadata", "spec": {"labels": {"a": "b"}}}
DATA = {"match": {"secretKey": "a", "remoteRef": {"remoteKey": "k"}}}
STORE = {"name": "s"}


def manifest(**spec: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "secretStoreRefs": [STORE],
        "selector": {"secret": {"name": "source"}},
        "data": [DATA],
    }
    return {
        "apiVersion": API,
        "kind": "PushSecret",
        "metadata": {"name": "ps", "namespace": "ns"},
        "spec": {key: value for key, value in (base | spec).items() if value is not None},
    }


def test_what_is_left_out_has_upstreams_defaults() -> None:
    spec = parse(manifest()).spec
    assert spec.refresh_interval == timedelta(hours=1)
    assert spec.update_policy is UpdatePolicy.REPLACE
    assert spec.deletion_policy is PushDeletionPolicy.NONE


def to(**more: Any) -> dict[str, Any]:
    return {"dataTo": [{"storeRef": STORE, **more}]}


REFUSED = {
    "an unknown field": ({"extra": 1}, "spec.extra"),
    "no store": ({"secretStoreRefs": []}, "spec.secretStoreRefs names no store"),
    "a store by name and labels": (
        {"secretStoreRefs": [{"name": "a", "labelSelector": {}}]},
        "exactly one of name and labelSelector",
    ),
    "a store of no kind": ({"secretStoreRefs": [{"name": "a", "kind": "Vault"}]}, "secretStoreRefs[0].kind"),
    "no selector": ({"selector": {}}, "exactly one of secret and generatorRef"),
    "a secret by name and labels": (
        {"selector": {"secret": {"name": "a", "selector": {}}}},
        "exactly one of name and selector",
    ),
    "an unknown operator": (
        {"selector": {"secret": {"selector": {"matchExpressions": [{"key": "a", "operator": "Gt"}]}}}},
        "matchExpressions[0].operator",
    ),
    "another generator": (
        {
            "selector": {
                "generatorRef": {
                    "apiVersion": "generators.external-secrets.io/v1alpha1",
                    "kind": "ECRAuthorizationToken",
                    "name": "x",
                }
            }
        },
        "ECRAuthorizationToken is not supported yet",
    ),
    "nothing to push": ({"data": None}, "either spec.data or spec.dataTo"),
    "no remote key": (
        {"data": [{"match": {"secretKey": "a", "remoteRef": {"remoteKey": ""}}}]},
        "spec.data[0].match.remoteRef.remoteKey is missing",
    ),
    "one place twice": ({"data": [DATA, DATA]}, "spec.data[1].match.remoteRef is that of spec.data[0] too"),
    "metadata that is none": ({"data": [{**DATA, "metadata": {"tags": {}}}]}, "spec.data[0].metadata.tags"),
    "metadata of another API": (
        {"data": [{**DATA, "metadata": {**METADATA, "apiVersion": f"aws.{API}"}}]},
        f"spec.data[0].metadata.apiVersion must be kubernetes.{API}",
    ),
    "metadata of another kind": (
        {"data": [{**DATA, "metadata": {**METADATA, "kind": "Other"}}]},
        "spec.data[0].metadata.kind must be PushSecretMetadata",
    ),
    "a policy of no name": ({"deletionPolicy": "Retain"}, "spec.deletionPolicy"),
    "an interval of no length": ({"refreshInterval": "often"}, "spec.refreshInterval: not a duration"),
    "dataTo without a store": ({"dataTo": [{}]}, "spec.dataTo[0].storeRef is missing"),
    "dataTo to a store that is not named": (
        {"dataTo": [{"storeRef": {"name": "other"}}]},
        "SecretStore other is not among spec.secretStoreRefs",
    ),
    "a pattern that is none": (to(match={"regexp": "("}), "spec.dataTo[0].match.regexp"),
    "two rewrites in one": (
        to(rewrite=[{"regexp": {"source": "a", "target": "b"}, "transform": {"template": "x"}}]),
        "exactly one of regexp and transform",
    ),
    "merge among rewrites": (to(rewrite=[{"merge": {}}]), "spec.dataTo[0].rewrite[0].merge"),
    "one remote key and rewrites": (
        to(remoteKey="k", rewrite=[{"regexp": {"source": "a", "target": "b"}}]),
        "both remoteKey and rewrite",
    ),
    "another engine": ({"template": {"engineVersion": "v1"}}, "spec.template.engineVersion"),
}


@pytest.mark.parametrize(("spec", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_meant_is_refused_by_name(spec: dict[str, Any], told: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(manifest(**spec))
    assert told in str(caught.value)


def source(**items: str) -> Secret:
    return Secret(name="source", items={key: Value(text.encode()) for key, text in items.items()})


def pushes(
    spec: dict[str, Any], *sources: Secret, store: str = "s"
) -> tuple[dict[Target, bytes], dict[str, str]]:
    """What arrives, by target, and what does not, by entry."""
    parsed = parse(manifest(**spec)).spec
    made, broken = entries(parsed, sources or (source(a="1", b="2", c_x="3"),), lambda ref: ref.name == store)
    arrived = {entry.push.target: entry.push.value().reveal() for entry in made}
    return arrived, {one.where: str(one.error) for one in broken}


def test_data_goes_to_its_remote_key_and_property() -> None:
    data = [
        DATA,
        {"match": {"secretKey": "b", "remoteRef": {"remoteKey": "k", "property": "p"}}},
        {"match": {"remoteRef": {"remoteKey": "whole"}}},
    ]
    arrived, broken = pushes({"data": data}, source(a="1", b="2"))
    assert arrived == {
        Target("k"): b"1",
        Target("k", "p"): b"2",
        Target("whole"): b'{"a":"1","b":"2"}',
    }
    assert not broken


def test_metadata_reaches_the_provider_and_a_namespace_of_its_own_is_another_place() -> None:
    there = {**METADATA, "spec": {"remoteNamespace": "other"}}
    spec = parse(manifest(data=[{**DATA, "metadata": METADATA}, {**DATA, "metadata": there}])).spec
    made, _ = entries(spec, (source(a="1"),), lambda _: True)
    assert [entry.push.metadata for entry in made] == [METADATA["spec"], there["spec"]]
    assert [entry.push.target for entry in made] == [Target("k"), Target("k", namespace="other")]


def test_a_key_that_is_not_there_breaks_its_entry_alone() -> None:
    data = [DATA, {"match": {"secretKey": "none", "remoteRef": {"remoteKey": "n"}}}]
    assert pushes({"data": data}) == (
        {Target("k"): b"1"},
        {"data[1]": 'the Secret "source" has no key "none"'},
    )


MANY = {
    "all keys": (to(), {"b": b"2", "c_x": b"3", "k": b"1"}),
    "keys that match": (to(match={"regexp": "^c"}), {"c_x": b"3", "k": b"1"}),
    "renamed by a pattern": (
        to(rewrite=[{"regexp": {"source": "^(.*)$", "target": "app/${1}"}}]),
        {"app/b": b"2", "app/c_x": b"3", "k": b"1"},
    ),
    "renamed by a template": (
        to(rewrite=[{"transform": {"template": "{{ .value | upper }}"}}]),
        {"B": b"2", "C_X": b"3", "k": b"1"},
    ),
    "one after the other": (
        to(
            match={"regexp": "^c"},
            rewrite=[
                {"regexp": {"source": "_", "target": "-"}},
                {"transform": {"template": "p/{{ .value }}"}},
            ],
        ),
        {"p/c-x": b"3", "k": b"1"},
    ),
    "as one object": (to(remoteKey="all"), {"all": b'{"a":"1","b":"2","c_x":"3"}', "k": b"1"}),
    "some as one object": (to(remoteKey="all", match={"regexp": "b"}), {"all": b'{"b":"2"}', "k": b"1"}),
    "none": (to(match={"regexp": "nothing"}), {"k": b"1"}),
    "data before what goes to the same place": (
        to(rewrite=[{"regexp": {"source": "^b$", "target": "k"}}]),
        {"c_x": b"3", "k": b"1"},
    ),
    "another store's": (
        {"dataTo": [{"storeRef": {"name": "t"}}], "secretStoreRefs": [STORE, {"name": "t"}]},
        {"k": b"1"},
    ),
}


@pytest.mark.parametrize(("spec", "expected"), MANY.values(), ids=MANY)
def test_data_to_takes_many_keys(spec: dict[str, Any], expected: dict[str, bytes]) -> None:
    arrived, broken = pushes(spec)
    assert {target.key: value for target, value in arrived.items()} == expected
    assert not broken


def test_two_keys_for_one_place_are_both_refused() -> None:
    spec = {"data": None, **to(rewrite=[{"regexp": {"source": ".*", "target": "same"}}])}
    arrived, broken = pushes(spec)
    assert not arrived
    assert "both become 'same'" in broken["dataTo[0]"]
    twice = {"data": None, "dataTo": [{"storeRef": STORE}, {"storeRef": STORE, "match": {"regexp": "a"}}]}
    arrived, broken = pushes(twice)
    assert set(arrived) == {Target("b"), Target("c_x")}
    assert broken == {"dataTo[0] (a), dataTo[1] (a)": "they all go to a"}


def test_unicode_is_reversed_in_keys() -> None:
    odd = Secret(
        name="source", items={"a_U002f_b": Value(b"1"), "_U1f600_": Value(b"2"), "_U12_": Value(b"3")}
    )
    data = [
        {
            "match": {"secretKey": key, "remoteRef": {"remoteKey": f"k{number}"}},
            "conversionStrategy": "ReverseUnicode",
        }
        for number, key in enumerate(("a/b", "\U0001f600", "_U12_", "a_U002f_b"))
    ]
    arrived, broken = pushes({"data": data}, odd)
    assert list(arrived.values()) == [b"1", b"2", b"3"]
    assert set(broken) == {"data[3]"}
    whole = [{"match": {"remoteRef": {"remoteKey": "w"}}, "conversionStrategy": "ReverseUnicode"}]
    arrived, _ = pushes({"data": whole}, odd)
    assert set(json.loads(arrived[Target("w")])) == {"a/b", "\U0001f600", "_U12_"}
    clash = Secret(name="source", items={"_U0061_": Value(b"1"), "a": Value(b"2")})
    _, broken = pushes({"data": [{**DATA, "conversionStrategy": "ReverseUnicode"}]}, clash)
    assert "several keys become 'a'" in broken["data[0]"]
