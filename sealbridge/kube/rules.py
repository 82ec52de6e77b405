"""Which ExternalSecrets an API server refuses by itself: in schemas, and in CEL for a message that explains.

Knows the shape of the spec, no API server. `sync/admission.py` refuses the same and more, in conditions: what
compares one entry with another or looks into a map has no bounded cost in CEL unless the length of lists is
limited, which upstream does not.
"""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

from sealbridge.kube.schema import Schema

_BOOTSTRAP = "bootstrap.kubernetes.io/token"
_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type, no credential
_ACCOUNT = "kubernetes.io/service-account.name"


class Rule(NamedTuple):
    """A rule in CEL on the part of the spec at a dotted path, '' for all of it."""

    path: str
    expression: str
    message: str


RULES = (
    Rule(
        "",
        "(has(self.data) && size(self.data) > 0) || (has(self.dataFrom) && size(self.dataFrom) > 0)",
        "either data or dataFrom must be given",
    ),
    Rule(
        "target",
        "!(has(self.deletionPolicy) && self.deletionPolicy == 'Delete' && has(self.creationPolicy)"
        " && self.creationPolicy in ['Merge', 'CreateOrMerge', 'None'])",
        "deletionPolicy Delete must not be used with creationPolicy Merge, CreateOrMerge or None: the Secret"
        " is not the ExternalSecret's own to delete",
    ),
    Rule(
        "target",
        "!(has(self.deletionPolicy) && self.deletionPolicy == 'Merge' && has(self.creationPolicy)"
        " && self.creationPolicy == 'None')",
        "deletionPolicy Merge must not be used with creationPolicy None: there is no Secret to merge with",
    ),
    Rule(
        "target.template",
        f"!(has(self.type) && self.type == '{_BOOTSTRAP}')",
        f"type {_BOOTSTRAP} is not allowed",
    ),
    Rule(
        "target.template",
        f"!(has(self.type) && self.type == '{_TOKEN}' && has(self.metadata) && has(self.metadata.annotations)"
        f" && '{_ACCOUNT}' in self.metadata.annotations)",
        f"type {_TOKEN} is not allowed with the annotation {_ACCOUNT}",
    ),
)


def with_limits(spec: Schema) -> Schema:
    """The schema of the spec with what it can say of several fields at once; every server knows that."""
    fields = spec["properties"]
    spec["anyOf"] = [
        {"required": [name], "properties": {name: {"minItems": 1}}} for name in ("data", "dataFrom")
    ]
    fields["target"]["not"] = {
        "anyOf": [
            _together(deletionPolicy=["Delete"], creationPolicy=["Merge", "CreateOrMerge", "None"]),
            _together(deletionPolicy=["Merge"], creationPolicy=["None"]),
        ]
    }
    # A schema cannot speak of `metadata` here, which leaves service accounts' tokens to CEL and conditions.
    fields["target"]["properties"]["template"]["not"] = _together(type=[_BOOTSTRAP])
    generator = {"required": ["sourceRef"], "properties": {"sourceRef": {"required": ["generatorRef"]}}}
    one, many = fields["data"]["items"], fields["dataFrom"]["items"]
    one["not"] = generator
    many["oneOf"] = [{"required": ["extract"]}, {"required": ["find"]}, deepcopy(generator)]
    for entry in (one, many):
        entry["properties"]["sourceRef"] |= {"minProperties": 1, "maxProperties": 1}
    many["properties"]["rewrite"]["items"] |= {"minProperties": 1, "maxProperties": 1}
    return spec


def with_rules(spec: Schema) -> Schema:
    """The schema of the spec with the rules in CEL, for API servers from 1.25 on.

    They take the place of what the schema says of the same parts: a server that finds a field missing by
    the schema evaluates no rule, and what it says of `not` helps nobody.
    """
    spec = deepcopy(spec)
    for rule in RULES:
        part = spec
        for name in filter(None, rule.path.split(".")):
            part = part["properties"][name]
        for word in ("anyOf", "not"):
            part.pop(word, None)
        part.setdefault("x-kubernetes-validations", []).append(
            {"rule": rule.expression, "message": rule.message}
        )
    return spec


def _together(**choices: list[str]) -> Schema:
    return {
        "required": list(choices),
        "properties": {name: {"enum": values} for name, values in choices.items()},
    }
