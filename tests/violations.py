"""ExternalSecrets that upstream's admission webhook or schema denies, and who denies them here."""

from __future__ import annotations

from typing import Any, NamedTuple

ACCOUNT = "kubernetes.io/service-account.name"
_DATA = [{"secretKey": "x", "remoteRef": {"key": "a"}}]
_EXTRACT = {"extract": {"key": "a"}}
_STORE = {"storeRef": {"name": "fake"}}
_GENERATOR = {"generatorRef": {"kind": "UUID", "name": "u"}}
_TOKEN = "kubernetes.io/service-account-token"


class Violation(NamedTuple):
    """`says`: the condition. `field`: what the schema refuses, '' if it cannot. `cel`: if a rule does."""

    name: str
    spec: dict[str, Any]
    says: str
    field: str = ""
    cel: bool = False


def _target(**target: Any) -> dict[str, Any]:
    return {"target": target}


def _typed(type_: str, **template: Any) -> dict[str, Any]:
    return _target(template={"type": type_, **template})


VIOLATIONS = (
    *(
        Violation(
            f"Delete with {policy}",
            _target(creationPolicy=policy, deletionPolicy="Delete"),
            f"deletionPolicy Delete must not be used with creationPolicy {policy}",
            "spec.target",
            cel=True,
        )
        for policy in ("Merge", "CreateOrMerge", "None")
    ),
    Violation(
        "Merge with None",
        _target(creationPolicy="None", deletionPolicy="Merge"),
        "deletionPolicy Merge must not be used with creationPolicy None",
        "spec.target",
        cel=True,
    ),
    Violation("no entry", {"data": ...}, "either spec.data or spec.dataFrom must be given", "spec", cel=True),
    Violation(
        "empty lists",
        {"data": [], "dataFrom": []},
        "either spec.data or spec.dataFrom must be given",
        "spec",
        cel=True,
    ),
    Violation("no source", {"dataFrom": [{}]}, "spec.dataFrom[0] has no source", "spec.dataFrom"),
    Violation(
        "a store but no source",
        {"dataFrom": [{"sourceRef": _STORE}]},
        "spec.dataFrom[0] has no source",
        "spec.dataFrom",
    ),
    Violation(
        "two sources",
        {"dataFrom": [{**_EXTRACT, "find": {"name": {"regexp": "a"}}}]},
        "spec.dataFrom[0] has several sources",
        "spec.dataFrom",
    ),
    Violation(
        "find and a generator",
        {"dataFrom": [{"find": {"name": {"regexp": "a"}}, "sourceRef": _GENERATOR}]},
        "spec.dataFrom[0] has several sources",
        "spec.dataFrom",
    ),
    Violation(
        "a reference to nothing",
        {"data": [{**_DATA[0], "sourceRef": {}}]},
        "spec.data[0].sourceRef has neither storeRef nor generatorRef",
        "spec.data.sourceRef",
    ),
    Violation(
        "a reference to both",
        {"dataFrom": [{"sourceRef": {**_STORE, **_GENERATOR}}]},
        "spec.dataFrom[0].sourceRef has both storeRef and generatorRef",
        "spec.dataFrom.sourceRef",
    ),
    Violation(
        "a generator in data",
        {"data": [{**_DATA[0], "sourceRef": _GENERATOR}]},
        "spec.data[0].sourceRef.generatorRef: a generator is a source of dataFrom only",
        "spec.data",
    ),
    Violation(
        "two rewrites in one",
        {
            "dataFrom": [
                {
                    **_EXTRACT,
                    "rewrite": [{"transform": {"template": "a"}, "regexp": {"source": "a", "target": "b"}}],
                }
            ]
        },
        "must have exactly one of regexp, transform and merge",
        "spec.dataFrom.rewrite",
    ),
    Violation(
        "a key that no Secret has",
        {"data": [{**_DATA[0], "secretKey": "a/b"}]},
        "cannot be a key of a Secret",
        "spec.data.secretKey",
    ),
    Violation(
        "a template of another engine",
        _target(template={"engineVersion": "v1"}),
        "engineVersion must be v2",
        "spec.target.template.engineVersion",
    ),
    Violation(
        "a bootstrap token",
        _typed("bootstrap.kubernetes.io/token"),
        "type bootstrap.kubernetes.io/token is not allowed",
        "spec.target.template",
        cel=True,
    ),
    Violation(
        "a service account's token",
        _typed(_TOKEN, metadata={"annotations": {ACCOUNT: "admin"}}),
        f"type {_TOKEN} is not allowed with the annotation {ACCOUNT}",
        cel=True,
    ),
    Violation(
        "a service account's token by a template",
        _typed(_TOKEN, metadata={"annotations": {"a": "{{ .x }}"}}),
        f"type {_TOKEN} is not allowed with the annotation {ACCOUNT}",
    ),
    Violation(
        "the same key twice",
        {"data": _DATA + _DATA},
        "spec.data[1].secretKey 'x' is that of spec.data[0] too",
    ),
)

# Near misses: nobody refuses these.
ALLOWED: tuple[dict[str, Any], ...] = (
    {},
    _target(creationPolicy="Owner", deletionPolicy="Delete"),
    _target(creationPolicy="Merge", deletionPolicy="Merge"),
    _target(creationPolicy="None"),
    {"data": ..., "dataFrom": [_EXTRACT]},
    {"dataFrom": [{**_EXTRACT, "sourceRef": _STORE}, {"sourceRef": _GENERATOR}]},
    {"data": _DATA + _DATA, "target": {"deletionPolicy": "Delete"}},
    _typed(_TOKEN, metadata={"annotations": {"a": "b"}}),
    _typed("kubernetes.io/tls", metadata={"annotations": {ACCOUNT: "admin"}}),
)


def manifest(spec: dict[str, Any], name: str = "db", version: str = "v1") -> dict[str, Any]:
    """An ExternalSecret of the store `fake` with this in its spec; a field that is ... is left out."""
    whole = {"secretStoreRef": {"name": "fake"}, "data": _DATA, **spec}
    return {
        "apiVersion": f"external-secrets.io/{version}",
        "kind": "ExternalSecret",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {field: value for field, value in whole.items() if value is not ...},
    }
