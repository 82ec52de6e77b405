"""What an ExternalSecret may say, and what is said about the rest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml

from sealbridge.errors import ManifestError
from sealbridge.sync.generators import API_VERSION
from sealbridge.sync.model import (
    ConversionStrategy,
    DecodingStrategy,
    ExternalSecretSpec,
    MetadataPolicy,
    NullBytePolicy,
    RefreshPolicy,
    StoreKind,
    parse,
)
from sealbridge.sync.plan import plan

DATA = [{"secretKey": "k", "remoteRef": {"key": "app"}}]
STORE = {"name": "s"}


def manifest(**spec: Any) -> dict[str, Any]:
    whole = {"secretStoreRef": STORE, "data": DATA, **spec}
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "es", "namespace": "ns", "uid": "u", "generation": 4, "labels": {"a": "b"}},
        "spec": {field: value for field, value in whole.items() if value is not ...},
    }


def spec_of(**spec: Any) -> ExternalSecretSpec:
    return parse(manifest(**spec)).spec


def test_defaults_are_those_of_the_schema() -> None:
    parsed = parse(manifest())
    spec = parsed.spec
    assert (parsed.name, parsed.namespace, parsed.uid, parsed.generation) == ("es", "ns", "u", 4)
    assert (dict(parsed.labels), dict(parsed.annotations), parsed.target_name) == ({"a": "b"}, {}, "es")
    assert spec.refresh_interval == timedelta(hours=1)
    assert spec.refresh_policy is RefreshPolicy.PERIODIC
    assert spec.secret_store_ref is not None
    assert spec.secret_store_ref.kind is StoreKind.SECRET_STORE
    assert spec.target.template is None
    assert spec.target.immutable is False


def test_an_object_as_the_old_version_stored_it_is_read() -> None:
    document = yaml.safe_load(
        """
        apiVersion: external-secrets.io/v1beta1
        kind: ExternalSecret
        metadata: {name: es, creationTimestamp: null, managedFields: [{manager: x}]}
        spec:
          refreshInterval: 15m
          refreshPolicy: OnChange
          secretStoreRef: {kind: ClusterSecretStore, name: vault}
          target:
            name: other
            creationPolicy: Owner
            deletionPolicy: Retain
            template: {engineVersion: v2, mergePolicy: Replace, data: {x: y}}
          data:
          - secretKey: k
            remoteRef:
              conversionStrategy: Default
              decodingStrategy: None
              metadataPolicy: None
              key: app
              property: p
              version: "2"
          dataFrom:
          - extract:
              key: all
              conversionStrategy: Unicode
              decodingStrategy: Auto
              metadataPolicy: Fetch
              nullBytePolicy: Fail
            sourceRef: {storeRef: {name: second}}
        status: {refreshTime: null}
        """
    )
    parsed = parse(document)
    remote = parsed.spec.data[0].remote_ref
    assert (remote.key, remote.property, remote.version) == ("app", "p", "2")
    extract = parsed.spec.data_from[0].extract
    assert extract is not None
    assert extract.conversion_strategy is ConversionStrategy.UNICODE
    assert extract.decoding_strategy is DecodingStrategy.AUTO
    assert extract.metadata_policy is MetadataPolicy.FETCH
    assert extract.null_byte_policy is NullBytePolicy.FAIL
    assert parsed.target_name == "other"


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [("1h0m0s", 3600), ("0", 0), ("0s", 0), (0, 0), ("1.5m", 90), ("-1h", -3600), (None, 3600)],
)
def test_intervals_are_gos_durations(interval: object, seconds: int) -> None:
    assert spec_of(refreshInterval=interval).refresh_interval == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("interval", "reason"),
    [
        ("1 hour", "not a duration"),
        (30, "not a duration"),
        (True, "not a duration"),
        (False, "not a duration"),
        ([], "not a duration"),
    ],
)
def test_a_wrong_interval_is_refused(interval: object, reason: str) -> None:
    with pytest.raises(ManifestError) as caught:
        spec_of(refreshInterval=interval)
    assert caught.value.what == f"spec.refreshInterval: {reason}"
    assert caught.value.hint


def test_empty_strategies_are_the_defaults() -> None:
    remote = {"key": "app", "decodingStrategy": "", "conversionStrategy": ""}
    parsed = spec_of(data=[{"secretKey": "k", "remoteRef": remote}]).data[0].remote_ref
    assert parsed.decoding_strategy is DecodingStrategy.NONE
    assert parsed.conversion_strategy is ConversionStrategy.DEFAULT


def test_nulls_count_as_absent_as_the_api_server_has_it() -> None:
    assert spec_of(target=None, dataFrom=None, refreshPolicy=None) == spec_of()


def test_an_empty_store_reference_does_no_harm_where_every_entry_names_its_own() -> None:
    own = {"secretKey": "a", "remoteRef": {"key": "k"}, "sourceRef": {"storeRef": {"name": "mine"}}}
    assert [str(store) for store in plan(spec_of(secretStoreRef={}, data=[own]))] == ["SecretStore mine"]


GENERATOR = {"generatorRef": {"kind": "Password", "name": "p"}}
FIVE_FIELDS = "a schedule has five fields: minute, hour, day, month and weekday, in UTC"
STORE_REF = {"storeRef": {"name": "s"}}


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"target": {"manifest": {"kind": "ConfigMap"}}}, "spec.target.manifest is"),
        (
            {"dataFrom": [{"sourceRef": {"generatorRef": {"kind": "ECRAuthorizationToken", "name": "e"}}}]},
            "spec.dataFrom[0].sourceRef.generatorRef.kind ECRAuthorizationToken is",
        ),
        (
            {
                "target": {"manifest": {"kind": "ConfigMap"}},
                "dataFrom": [{"sourceRef": {"generatorRef": {"kind": "Webhook", "name": "w"}}}],
            },
            "spec.target.manifest, spec.dataFrom[0].sourceRef.generatorRef.kind Webhook are",
        ),
    ],
)
def test_what_does_not_exist_yet_is_refused_by_its_field(spec: dict[str, Any], fields: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(manifest(**spec))
    assert caught.value.what == f"{fields} not supported yet"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        (
            {"refreshIntervall": "1h"},
            "spec.refreshIntervall: there is no such field, or it is not supported yet",
        ),
        (
            {"data": [{"secretKey": "k", "remoteRef": {"key": "a", "versoin": "1"}}]},
            "spec.data[0].remoteRef.versoin: there is no such field, or it is not supported yet",
        ),
        ({"data": {}}, "spec.data: expected `array`, got `object`"),
        (
            {"data": [{"secretKey": "k", "remoteRef": {"key": 5}}]},
            "spec.data[0].remoteRef.key: expected `str`, got `int`",
        ),
        ({"data": [{"secretKey": "k"}]}, "spec.data[0]: object missing required field `remoteRef`"),
        ({"refreshPolicy": "Sometimes"}, "spec.refreshPolicy: invalid enum value 'Sometimes'"),
        (
            {"secretStoreRef": {"name": "s", "kind": "Store"}},
            "spec.secretStoreRef.kind: invalid enum value 'Store'",
        ),
        ({"data": ..., "dataFrom": []}, "either spec.data or spec.dataFrom must be given"),
        ({"secretStoreRef": {}}, "spec.secretStoreRef.name is missing"),
        ({"secretStoreRef": ...}, "spec.data[0] names no store"),
        (
            {"data": [DATA[0] | {"sourceRef": {}}]},
            "spec.data[0].sourceRef has neither storeRef nor generatorRef",
        ),
        (
            {"data": [DATA[0] | {"sourceRef": {"storeRef": {"kind": "SecretStore"}}}]},
            "spec.data[0].sourceRef.storeRef.name is missing",
        ),
        (
            {"target": {"template": {"templateFrom": [{"secret": {"name": "", "items": []}}]}}},
            "spec.target.template.templateFrom[0].secret.name is missing",
        ),
        (
            {"target": {"template": {"templateFrom": [{"configMap": {"name": "c"}}]}}},
            "spec.target.template.templateFrom[0].configMap: object missing required field `items`",
        ),
        (
            {"target": {"template": {"templateFrom": [{"literal": "", "target": "spec.x"}]}}},
            "spec.target.template.templateFrom[0].target: invalid enum value 'spec.x'",
        ),
        (
            {"syncWindows": {"kind": "allow", "windows": [{"schedule": "0 22 * *", "duration": "1h"}]}},
            f"spec.syncWindows.windows[0].schedule: {FIVE_FIELDS}",
        ),
        (
            {"syncWindows": {"kind": "deny", "windows": [{"schedule": "@daily", "duration": "1 h"}]}},
            "spec.syncWindows.windows[0].duration: not a duration",
        ),
        ({"syncWindows": {"kind": "Deny"}}, "spec.syncWindows.kind: invalid enum value 'Deny'"),
        ({"dataFrom": [{}]}, "spec.dataFrom[0] has no source"),
        ({"dataFrom": [{"sourceRef": STORE_REF}]}, "spec.dataFrom[0] has no source"),
        (
            {"dataFrom": [{"extract": {"key": "k"}, "find": {}}]},
            "spec.dataFrom[0] has several sources: extract, find",
        ),
        (
            {"dataFrom": [{"find": {}, "sourceRef": GENERATOR}]},
            "spec.dataFrom[0] has several sources: find, sourceRef.generatorRef",
        ),
        (
            {"dataFrom": [{"sourceRef": GENERATOR | STORE_REF}]},
            "spec.dataFrom[0].sourceRef has both storeRef and generatorRef",
        ),
        (
            {"dataFrom": [{"sourceRef": {"generatorRef": {"kind": "UUID", "name": ""}}}]},
            "spec.dataFrom[0].sourceRef.generatorRef.name is missing",
        ),
        (
            {
                "dataFrom": [
                    {"sourceRef": {"generatorRef": {"kind": "UUID", "name": "u", "apiVersion": "g/v1"}}}
                ]
            },
            f"spec.dataFrom[0].sourceRef.generatorRef.apiVersion must be {API_VERSION}",
        ),
        (
            {"data": [DATA[0] | {"sourceRef": GENERATOR}]},
            "spec.data[0].sourceRef.generatorRef: a generator is a source of dataFrom only",
        ),
        (
            {"dataFrom": [{"find": {"name": {"regexp": "("}}}]},
            "spec.dataFrom[0].find.name.regexp: '(' is no regular expression of RE2",
        ),
        (
            {"dataFrom": [{"extract": {"key": "k"}, "rewrite": [{}]}]},
            "spec.dataFrom[0].rewrite[0]: must have exactly one of regexp, transform and merge",
        ),
        (
            {"dataFrom": [{"extract": {"key": "k"}, "rewrite": [{"merge": {"strategy": "Some"}}]}]},
            "spec.dataFrom[0].rewrite[0].merge.strategy: invalid enum value 'Some'",
        ),
        ({"data": DATA + DATA}, "spec.data[1].secretKey 'k' is that of spec.data[0] too"),
        (
            {"data": [{"secretKey": "a/b", "remoteRef": {"key": "a"}}]},
            "spec.data[0].secretKey 'a/b' cannot be a key of a Secret",
        ),
        (
            {"data": [{"secretKey": "", "remoteRef": {"key": "a"}}]},
            "spec.data[0].secretKey '' cannot be a key of a Secret",
        ),
        (
            {"target": {"template": {"engineVersion": "v1"}}},
            "spec.target.template.engineVersion must be v2, the only one there is",
        ),
        (
            {"target": {"template": {"type": "bootstrap.kubernetes.io/token"}}},
            "spec.target.template.type bootstrap.kubernetes.io/token is not allowed",
        ),
        (
            {"target": {"template": {"data": {"a b": ""}}}},
            "spec.target.template.data: 'a b' cannot be a key of a Secret",
        ),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(spec: dict[str, Any], error: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(manifest(**spec))
    assert str(caught.value) == error


@pytest.mark.parametrize(
    "annotations", [{"kubernetes.io/service-account.name": "admin"}, {"x": "{{ .name }}"}]
)
def test_a_service_account_token_cannot_be_conjured_up(annotations: dict[str, str]) -> None:
    template = {"type": "kubernetes.io/service-account-token", "metadata": {"annotations": annotations}}
    with pytest.raises(ManifestError, match="is not allowed with the annotation"):
        spec_of(target={"template": template})


def test_nor_by_annotations_that_come_from_elsewhere() -> None:
    literal = {"target": "Annotations", "literal": "kubernetes.io/service-account.name: admin"}
    template = {"type": "kubernetes.io/service-account-token", "templateFrom": [literal]}
    with pytest.raises(ManifestError, match="is not allowed with the annotation"):
        spec_of(target={"template": template})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"apiVersion": "external-secrets.io/v1alpha1"},
            "apiVersion must be one of external-secrets.io/v1, ",
        ),
        ({"metadata": {}}, "metadata.name is missing"),
        ({"metadata": {"name": "n", "labels": {"a": 1}}}, "metadata.labels[...]: expected `str`, got `int`"),
        ({"metadata": [1]}, "metadata: expected `object`, got `array`"),
        ({"spec": None}, "spec is missing"),
        ({"spec": "x"}, "spec: expected `object`, got `str`"),
    ],
)
def test_an_object_that_is_no_external_secret_is_refused(changes: dict[str, Any], error: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(manifest() | changes)
    assert str(caught.value).startswith(error)


def test_a_spec_that_is_nested_without_end_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(ManifestError, match="spec is nested too deeply"):
        spec_of(dataFrom=deep)


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ({"refreshPolicy": "Sometimes"}, "it is one of Periodic, CreatedOnce, OnChange"),
        ({"secretStoreRef": {"name": "s", "kind": "x"}}, "it is one of SecretStore, ClusterSecretStore"),
        (
            {"data": [{"secretKey": "k", "remoteRef": {"key": "a", "decodingStrategy": "base64"}}]},
            "it is one of None, Base64, Base64URL, Auto",
        ),
        (
            {"dataFrom": [{"extract": {"key": "a", "nullBytePolicy": "Keep"}}]},
            "it is one of Ignore, Fail",
        ),
    ],
)
def test_a_wrong_choice_is_answered_with_the_right_ones(spec: dict[str, Any], hint: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(manifest(**spec))
    assert caught.value.hint == hint


def with_annotations(**annotations: str) -> dict[str, Any]:
    document = manifest(dataFrom=[{"extract": {"key": "all"}}])
    document["metadata"]["annotations"] = {
        f"sealbridge.io/{k.replace('_', '-')}": v for k, v in annotations.items()
    }
    return document


@pytest.mark.parametrize(
    ("text", "keys"),
    [("k", {"k"}), (" k , dataFrom[0] ", {"k", "dataFrom[0]"}), ("", set()), ("k\nk", {"k"})],
)
def test_entries_can_be_optional(text: str, keys: set[str]) -> None:
    assert parse(with_annotations(optional_keys=text)).options.optional == keys


@pytest.mark.parametrize(
    ("annotations", "error"),
    [
        (
            {"optional_keys": "k, kk, dataFrom[1]"},
            "annotation sealbridge.io/optional-keys names 'dataFrom[1]', 'kk', which is no entry",
        ),
        ({"minimum_matches": "some"}, "annotation sealbridge.io/minimum-matches must be a number"),
        ({"minimum_matches": "-1"}, "annotation sealbridge.io/minimum-matches must be a number"),
    ],
)
def test_a_wrong_annotation_of_ours_is_refused(annotations: dict[str, str], error: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(with_annotations(**annotations))
    assert caught.value.what == error


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"target": {"name": "../../b/secrets/x"}}, "spec.target.name"),
        ({"secretStoreRef": {"name": "../s"}}, "spec.secretStoreRef.name"),
        (
            {"dataFrom": [{"extract": {"key": "a"}, "sourceRef": {"storeRef": {"name": "a/b"}}}]},
            "spec.dataFrom[0].sourceRef.storeRef.name",
        ),
        (
            {"dataFrom": [{"sourceRef": {"generatorRef": {"kind": "Fake", "name": "a%2Fb"}}}]},
            "spec.dataFrom[0].sourceRef.generatorRef.name",
        ),
        (
            {"target": {"template": {"templateFrom": [{"secret": {"name": "..", "items": [{"key": "a"}]}}]}}},
            "spec.target.template.templateFrom[0].secret.name",
        ),
    ],
)
def test_a_name_that_leads_elsewhere_by_a_path_is_refused(spec: dict[str, Any], field: str) -> None:
    whole = {
        "secretStoreRef": {"name": "s"},
        "data": [{"secretKey": "k", "remoteRef": {"key": "a"}}],
        **spec,
    }
    obj = {"apiVersion": "external-secrets.io/v1", "metadata": {"name": "e"}, "spec": whole}
    with pytest.raises(ManifestError) as caught:
        parse(obj)
    assert caught.value.what.startswith(f"{field} is not a name that Kubernetes takes")
