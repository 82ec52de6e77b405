"""A ClusterExternalSecret: what it chooses, what it makes, and what is wrong with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sealbridge.errors import ManifestError
from sealbridge.sync.cluster_external_secret import ClusterExternalSecret, parse

WANTED = {
    "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
    "data": [{"secretKey": "a", "remoteRef": {"key": "a"}}],
}
FORCE_SYNC = "external-secrets.io/force-sync"


def read(annotations: dict[str, str] | None = None, **spec: Any) -> ClusterExternalSecret:
    metadata = {"name": "fan", "annotations": annotations or {}}
    return parse({"metadata": metadata, "spec": {"externalSecretSpec": WANTED, **spec}})


def made(spec: Any, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "fan", **metadata}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "chosen"),
    [
        ({}, []),
        ({"namespaceSelector": {}}, ["a", "b", "c"]),
        ({"namespaceSelectors": [{}]}, ["a", "b", "c"]),
        ({"namespaceSelectors": []}, []),
        ({"namespaceSelector": {"matchLabels": {"team": "x"}}}, ["a", "b"]),
        (
            {"namespaceSelectors": [{"matchLabels": {"tier": "prod"}}, {"matchLabels": {"tier": "test"}}]},
            ["a", "b"],
        ),
        ({"namespaceSelector": {"matchLabels": {"tier": "prod"}}, "namespaces": ["c", "none"]}, ["a", "c"]),
        ({"namespaceSelectors": [{"matchLabels": {"kubernetes.io/metadata.name": "c"}}]}, ["c"]),
        ({"namespaces": ["b"], "namespaceSelectors": [{"matchLabels": {"tier": "none"}}]}, ["b"]),
        ({"namespaceSelector": None, "namespaces": None}, []),
    ],
)
def test_a_namespace_is_chosen_by_any_selector_or_by_name(spec: dict[str, Any], chosen: list[str]) -> None:
    namespaces = {"a": {"team": "x", "tier": "prod"}, "b": {"team": "x", "tier": "test"}, "c": {}}
    wanted = read(**spec)
    assert [name for name, labels in namespaces.items() if wanted.chooses(name, labels)] == chosen


def test_the_name_is_its_own_or_the_one_that_is_given() -> None:
    assert read().name == "fan"
    assert read(externalSecretName="").name == "fan"
    assert read(externalSecretName="other.name").name == "other.name"


@pytest.mark.parametrize(
    ("time", "seconds"),
    [(None, 3600), ("5m", 300), ("1h30m0s", 5400), ("0", 0), ("0s", 0), (0, 0), ("-1h", 0), ("-0s", 0)],
)
def test_the_time_of_the_next_look_is_a_duration(time: Any, seconds: int) -> None:
    assert read(refreshTime=time).refresh_time == timedelta(seconds=seconds)


def test_only_its_own_annotations_ask_for_a_sync() -> None:
    metadata = {"annotations": {FORCE_SYNC: "theirs", "note": "n"}}
    assert read(externalSecretMetadata=metadata).annotations == {"note": "n"}
    asked = read({FORCE_SYNC: "1", "sealbridge.io/sync": "2", "other": "o"}, externalSecretMetadata=metadata)
    assert asked.annotations == {"note": "n", FORCE_SYNC: "1", "sealbridge.io/sync": "2"}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"externalSecretSpec": None}, "spec: object missing required field `externalSecretSpec`"),
        (
            {"externalSecretSpec": {}},
            "either spec.externalSecretSpec.data or spec.externalSecretSpec.dataFrom",
        ),
        ({"externalSecretSpec": "text"}, "spec.externalSecretSpec: expected"),
        (
            {"externalSecretSpec": {**WANTED, "refreshInterval": "soon"}},
            "spec.externalSecretSpec.refreshInterval: not a duration",
        ),
        (
            {"externalSecretSpec": {**WANTED, "target": {"creationPolicy": "Mine"}}},
            "spec.externalSecretSpec.target.creationPolicy",
        ),
        (
            {"externalSecretSpec": {**WANTED, "more": 1}},
            "spec.externalSecretSpec.more: there is no such field",
        ),
        (
            {
                "externalSecretSpec": {
                    **WANTED,
                    "data": [{"secretKey": "spec.x y", "remoteRef": {"key": "a"}}],
                }
            },
            "spec.externalSecretSpec.data[0].secretKey 'spec.x y' cannot",
        ),
        ({"externalSecretName": "No Name"}, "spec.externalSecretName is not a name"),
        ({"namespaces": ["a", "B"]}, "spec.namespaces[1] is not a namespace"),
        ({"namespaces": "a"}, "spec.namespaces: expected"),
        ({"namespaceSelector": {"matchLables": {}}}, "spec.namespaceSelector.matchLables: there is no such"),
        (
            {"namespaceSelectors": [{}, {"matchExpressions": [{"key": "a", "operator": "In"}]}]},
            "spec.namespaceSelectors[1].matchExpressions[0]: operator In needs values",
        ),
        ({"refreshTime": "soon"}, "spec.refreshTime: not a duration"),
        ({"refreshTime": True}, "spec.refreshTime: not a duration"),
        ({"namespaceRegexes": ["a"]}, "spec.namespaceRegexes: there is no such field"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read(**spec)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("spec", [None, [], "text", 1])
def test_a_spec_that_is_none_is_told(spec: Any) -> None:
    with pytest.raises(ManifestError, match=r"^spec"):
        parse({"metadata": {"name": "fan"}, "spec": spec})


@pytest.mark.parametrize(
    ("existing", "so"),
    [
        (made(WANTED), True),
        (made({**WANTED, "refreshInterval": "1h0m0s", "target": {"creationPolicy": "Owner"}}), True),
        (made({**WANTED, "refreshInterval": "2h"}), False),
        (made({**WANTED, "data": []}), False),
        (made({**WANTED, "later": "field"}), False),
        (made(None), False),
        (made(WANTED, labels={"a": "b"}), False),
        (made(WANTED, annotations={"a": "b"}), False),
        (made(WANTED, labels={}, annotations=None), True),
    ],
)
def test_what_means_the_same_is_left_as_it_is(existing: dict[str, Any], so: bool) -> None:
    assert read().is_made_so(existing) is so
